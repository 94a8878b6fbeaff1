/** `deno task train`: a config, or the embedded quickstart, from start to end. */
import schema from "../configs/schema.json" with { type: "json" };
import {
  callAgain,
  dryRun,
  readTrainingArguments,
  runTraining,
  trainingOptions,
} from "../src/report/training_command.ts";
import { type Command, runCommand } from "../src/std/help.ts";
import { describeKeys } from "../src/training/config_json_schema.ts";

const name = "deno task train";

const command: Command = {
  name,
  summary: "Train by G²RPO-A: warm start, reinforcement learning, evaluations, checkpoints.\n" +
    "Without CONFIG it is the quickstart: the built-in arithmetic task, minutes on two cores;\n" +
    "with a data set, --data.path=FILE, it is the defaults of every key.\n" +
    "Progress goes to stderr, the summary to stdout. Ctrl-C finishes the step, saves and ends with 130.",
  usage: "[CONFIG] [--KEY=VALUE ...] [--resume] [--dry-run]",
  options: trainingOptions,
  sections: [{
    title: "Keys of a config, each also a flag whose value is read as YAML",
    rows: describeKeys(schema).map(({ key, description }) => [`--${key}`, description] as const),
  }],
  examples: [
    { call: name, description: "The quickstart" },
    {
      call: `${name} --guidance.ratio=0 --run_name=grpo`,
      description: "The same without guidance",
    },
    {
      call: `${name} --model.path=models/Qwen3-0.6B --data.path=train.jsonl --data.preset=gsm8k`,
      description: "A model and data of your own",
    },
    { call: `${name} my.yaml --resume`, description: "Go on after a stop" },
    { call: `${name} --dry-run > my.yaml`, description: "A config to start from" },
  ],
};

if (import.meta.main) {
  await runCommand(command, Deno.args, async (args) => {
    const read = await readTrainingArguments(args);
    if (!read.dryRun) return await runTraining(read, { again: callAgain(name, args) });
    return await dryRun(read.config);
  });
}
