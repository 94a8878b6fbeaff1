/** `deno task sft`: only the supervised warm start of a config. */
import {
  callAgain,
  dryRunText,
  readTrainingArguments,
  runTraining,
  trainingOptions,
} from "../src/report/training_command.ts";
import { type Command, runCommand } from "../src/std/help.ts";
import { ConfigError } from "../src/training/config.ts";

const name = "deno task sft";

const command: Command = {
  name,
  summary: "Only the supervised warm start of a config; by default the quickstart's.\n" +
    "Keys and their meaning: deno task train --help",
  usage: "[CONFIG] [--KEY=VALUE ...] [--resume] [--dry-run]",
  options: trainingOptions,
  examples: [
    { call: `${name} --run_name=warm`, description: "The quickstart's warm start" },
    {
      call: "deno task train --model.path=runs/warm/final --sft.steps=0",
      description: "Reinforcement learning from it",
    },
  ],
};

if (import.meta.main) {
  await runCommand(command, Deno.args, async (args) => {
    const read = await readTrainingArguments(args);
    if (read.config.sft.steps === 0) {
      throw new ConfigError([
        "'sft.steps' must be at least 1 for a warm start: current value is 0; set --sft.steps=700, say",
      ], read.file === undefined ? undefined : `'${read.file}'`);
    }
    if (!read.dryRun) {
      return await runTraining(read, { sftOnly: true, again: callAgain(name, args) });
    }
    await Deno.stdout.write(new TextEncoder().encode(await dryRunText(read.config, true)));
    return 0;
  });
}
