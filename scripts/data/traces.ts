/** `deno task data traces`: a teacher's reasoning for every problem. */
import { lengthOption, runTeacherCommand } from "../../src/report/teacher_command.ts";
import { teacherNotes, teacherOptions } from "../../src/report/teacher_command.ts";
import { createReward } from "../../src/rewards/registry.ts";
import type { Command } from "../../src/std/help.ts";
import { UsageError } from "../../src/std/help.ts";
import { traceTask } from "../../src/teacher/traces.ts";

/** How the command is called. */
export const command: Command = {
  name: "deno task data traces",
  summary:
    "Asks a teacher, a model on any server with the OpenAI API, for a reasoning trace of every problem.\n" +
    "A trace is kept if its answer is right and it fits the length.\n" + teacherNotes,
  usage: "FILE --model-name=NAME --out=FILE.jsonl [--base-url=URL] [--preset=NAME]",
  options: [
    ...teacherOptions.first,
    {
      name: "rewards",
      value: "NAMES",
      description: "Under which a trace must score 1. Default: accuracy,format",
    },
    {
      name: "max-trace-length",
      value: "N",
      description: "The most tokens of a trace; needs --tokenizer",
    },
    {
      name: "temperature",
      value: "T",
      description: "Of sampling. Default: the server's",
    },
    ...teacherOptions.last,
  ],
  examples: [{
    call:
      "deno task data traces gsm8k.jsonl --preset=gsm8k --model-name=QwQ-32B --base-url=http://localhost:8000/v1 --out=traces.jsonl",
    description: "From a server of your own",
  }],
};

/** Runs the command. */
export function main(args: readonly string[]): Promise<number> {
  return runTeacherCommand(command, args, {
    noun: "traces",
    temperature: undefined,
    makeTask: (read) => {
      const { rewards = "accuracy,format" } = read.options;
      try {
        return traceTask({
          instruction: read.instruction,
          rewards: String(rewards).split(",").map((name) => createReward(name.trim())),
          length: lengthOption(read, "max-trace-length"),
          settings: read.settings,
        });
      } catch (error) {
        throw new UsageError((error as Error).message);
      }
    },
  });
}
