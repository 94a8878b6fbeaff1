/** `deno task data traces`: a teacher's reasoning for every problem. */
import { lengthOption, runTeacherCommand } from "../../src/report/teacher_command.ts";
import { teacherNotes, teacherOptions } from "../../src/report/teacher_command.ts";
import { readSandbox, rewardsByName, sandboxOption } from "../../src/report/reward_options.ts";
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
      description:
        "Under which a trace must score 1; accuracy runs the tests of a problem that has some. Default: accuracy,format",
    },
    sandboxOption(),
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
export async function main(args: readonly string[]): Promise<number> {
  await using owned = new AsyncDisposableStack();
  return await runTeacherCommand(command, args, {
    noun: "traces",
    temperature: undefined,
    async makeTask(read) {
      const { rewards = "accuracy,format" } = read.options;
      const names = String(rewards).split(",").map((name) => name.trim());
      const set = owned.use(
        await rewardsByName("rewards", names, readSandbox(read.options)),
      );
      try {
        return traceTask({
          instruction: read.instruction,
          rewards: set.weighted.map(({ reward }) =>
            reward.name === "accuracy" ? set.judge : reward
          ),
          length: lengthOption(read, "max-trace-length"),
          settings: read.settings,
        });
      } catch (error) {
        throw new UsageError((error as Error).message);
      }
    },
  });
}
