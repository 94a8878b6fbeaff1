/** The text that a teacher is sent, with places for a problem's parts. */

import type { Problem } from "../data/types.ts";

const places = /\{(question|answer|solution)\}/g;

/**
 * Checks an instruction of a user's own.
 *
 * @throws {Error} If it has no `{question}`: every problem would be asked the same.
 */
export function checkInstruction(text: string): string {
  if (!text.includes("{question}")) {
    throw new Error(
      "Cannot use the instruction as '{question}' must stand in it: there the problem is put " +
        "({solution} and {answer} are known too)",
    );
  }
  return text;
}

/** The instruction for a problem: `{question}`, `{solution}` and `{answer}` are replaced, all else stays. */
export function fillInstruction(text: string, problem: Problem): string {
  const values: Record<string, string> = {
    question: problem.prompt,
    answer: problem.answer,
    solution: referenceSolution(problem),
  };
  return text.replaceAll(places, (_, name: string) => values[name]);
}

/** The solution that came with a problem, or words that there is none. */
function referenceSolution({ trace, completion = "" }: Problem): string {
  const text = trace.trim() === "" ? completion.trim() : trace.trim();
  return text === "" ? "(none)" : text;
}
