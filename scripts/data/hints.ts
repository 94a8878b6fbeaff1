/** `deno task data hints`: a teacher's hint for every problem, for Guide-GRPO. */
import { lengthOption, runTeacherCommand } from "../../src/report/teacher_command.ts";
import { teacherNotes, teacherOptions } from "../../src/report/teacher_command.ts";
import type { Command } from "../../src/std/help.ts";
import { hintTask } from "../../src/teacher/hints.ts";

/** How the command is called. */
export const command: Command = {
  name: "deno task data hints",
  summary:
    "Asks a teacher, a model on any server with the OpenAI API, for a hint to every problem.\n" +
    "The teacher sees the solution; a hint that gives the answer away is sent back.\n" +
    teacherNotes,
  usage: "FILE --model-name=NAME --out=FILE.jsonl [--base-url=URL] [--preset=NAME]",
  options: [
    ...teacherOptions.first,
    {
      name: "max-hint-length",
      value: "N",
      description: "The most tokens of a hint; needs --tokenizer",
    },
    {
      name: "temperature",
      value: "T",
      description: "Of sampling; 'server' for the server's. Default: 0",
    },
    ...teacherOptions.last,
  ],
  examples: [{
    call:
      "deno task data hints gsm8k.jsonl --preset=gsm8k --model-name=gpt-4o --base-url=https://api.openai.com/v1 --out=hints.jsonl",
    description: "Hints to GSM8K",
  }],
};

/** Runs the command. */
export function main(args: readonly string[]): Promise<number> {
  return runTeacherCommand(command, args, {
    noun: "hints",
    temperature: 0,
    makeTask: (read) =>
      hintTask({
        instruction: read.instruction,
        length: lengthOption(read, "max-hint-length"),
        settings: read.settings,
      }),
  });
}
