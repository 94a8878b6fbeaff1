/** Judges a whole program by what it reads and prints. */

import type { StdinCase } from "../../data/types.ts";
import { defaultLimits, type Language } from "../../sandbox/sandbox.ts";
import { type Bench, verdictsOf } from "./runs.ts";

/** Whether a case is passed: what was read, what must be printed, and what was. */
export type OutputCheck = (test: StdinCase, actual: string) => boolean | Promise<boolean>;

/** Whether the program passes each case. It must end by itself with exit code 0, and print what it must. */
export async function* runStdinTests(
  solution: string,
  language: Language,
  cases: readonly StdinCase[],
  check: OutputCheck,
  bench: Bench,
): AsyncGenerator<boolean> {
  const longest = cases.reduce((most, { output }) => Math.max(most, output.length), 0);
  const limits = roomFor(longest, bench);
  const verdicts = verdictsOf({ language, source: solution }, cases.map(({ input }) => input), {
    ...bench,
    limits,
  });
  let index = 0;
  for await (const verdict of verdicts) {
    const test = cases[index++];
    yield verdict.type === "exited" && verdict.code === 0 && await check(test, verdict.stdout);
  }
}

/** The limits, with room for an output of so many characters. */
export function roomFor(length: number, { limits }: Bench): Bench["limits"] {
  const needed = 4 * length;
  const given = limits.outputBytes ?? defaultLimits.outputBytes;
  return needed > given ? { ...limits, outputBytes: needed } : limits;
}
