/** Judges one function of a program by its arguments and its value. */

import type { FunctionCase, FunctionTests } from "../../data/types.ts";
import type { Language } from "../../sandbox/sandbox.ts";
import { isRecord } from "../../std/record.ts";
import { javascriptProgram } from "./javascript_program.ts";
import { messagesOf, newMark } from "./messages.ts";
import { pythonProgram } from "./python_program.ts";
import { type Bench, verdictsOf } from "./runs.ts";
import { roomFor } from "./stdin_tests.ts";

/** Whether a case is passed, by the value that the function returned (see `values.ts`). */
export type ValueCheck = (test: FunctionCase, actual: unknown) => boolean | Promise<boolean>;

/** Why functions of a language cannot be called; null if they can. */
export function functionRefusal(
  { functionName }: FunctionTests,
  language: Language,
): string | null {
  if (language === "cpp") {
    return "its tests call a function, which a program in cpp cannot be asked for";
  }
  return functionProgram("", language, functionName) === null
    ? `its tests call '${functionName}', which is no name of a function`
    : null;
}

function functionProgram(
  solution: string,
  language: Language,
  functionName: string,
): string | null {
  return language === "python"
    ? pythonProgram(solution, "leetcode")
    : javascriptProgram(solution, functionName);
}

/**
 * Whether the function passes each case. Its arguments come in on standard input, one case at a time; what it must
 * return stays here.
 */
export async function* runFunctionTests(
  solution: string,
  language: Language,
  { functionName, cases }: Pick<FunctionTests, "functionName" | "cases">,
  check: ValueCheck,
  bench: Bench,
): AsyncGenerator<boolean> {
  const source = functionProgram(solution, language, functionName)!;
  const marks = cases.map(newMark);
  const inputs = cases.map(({ args }, i) => {
    const asked = language === "python"
      ? {
        operations: [{ op: "call", of: { m: functionName }, args: args.map((j) => ({ j })) }],
      }
      : { args };
    return `${JSON.stringify({ mark: marks[i], ...asked })}\n`;
  });
  const lengths = cases.map(({ expected }) => JSON.stringify(expected).length);
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  const limits = roomFor(longest, bench);
  let index = 0;
  for await (const verdict of verdictsOf({ language, source }, inputs, { ...bench, limits })) {
    const test = cases[index];
    const mark = marks[index++];
    const [outcome] = verdict.type === "exited" ? messagesOf(verdict.stdout, mark) : [];
    // A process that ended on the way has answered nothing.
    yield isRecord(outcome) && Object.hasOwn(outcome, "v") &&
      await check(test, outcome.v);
  }
}
