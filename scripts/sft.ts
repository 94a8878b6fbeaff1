/** `deno task sft`: only the supervised warm start of a config. */
import {
  callAgain,
  dryRun,
  readTrainingArguments,
  runTraining,
  trainingOptions,
} from "../src/report/training_command.ts";
import { type Command, runCommand } from "../src/std/help.ts";
import { ConfigError } from "../src/training/config.ts";

const name = "deno task sft";

const command: Command = {
  name,
  summary:
    "Only supervised training on teachers' solutions: the warm start of a config, by default the\n" +
    "quickstart's. Rows of like length share a micro-batch; the loss is on completions only.\n" +
    "Keys and their meaning: deno task train --help",
  usage: "[CONFIG] [--KEY=VALUE ...] [--resume] [--dry-run]",
  options: trainingOptions,
  examples: [
    { call: `${name} --run_name=warm`, description: "The quickstart's warm start" },
    {
      call: `${name} configs/gsm8k.yaml --data.path=train.jsonl --sft.num_train_epochs=3`,
      description: "On a data set with traces",
    },
    {
      call: "deno task train --model.path=runs/warm/final --sft.steps=0",
      description: "Reinforcement learning from it",
    },
  ],
};

if (import.meta.main) {
  await runCommand(command, Deno.args, async (args) => {
    const read = await readTrainingArguments(args);
    if (read.config.sft.steps === 0 && read.config.sft.num_train_epochs === null) {
      throw new ConfigError([
        "'sft.steps' must be at least 1 for a warm start: current value is 0; set --sft.steps=700, say, or for a " +
        "data set --sft.num_train_epochs=2",
      ], read.file === undefined ? undefined : `'${read.file}'`);
    }
    if (!read.dryRun) {
      return await runTraining(read, { sftOnly: true, again: callAgain(name, args) });
    }
    return await dryRun(read.config, true);
  });
}
