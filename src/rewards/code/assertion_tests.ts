/**
 * Judges a program by test code that raises where it is wrong, such as HumanEval's `check(candidate)` and MBPP's
 * assertions, without ever running the two together: the test code has the expected values in it.
 *
 * 1. A judge runs the test code alone and notes what it asks of the solution. That is the same for every solution, so it
 *    is done once a problem.
 * 2. The solution is asked just that and tells what it returned, as data.
 * 3. The values are compared here where the test code only compares, or else the judge runs the test code on them. If it
 *    asks for more, since what it asks depends on earlier answers, 2 and 3 are repeated.
 */

import type { AssertionTests } from "../../data/types.ts";
import { defaultLimits } from "../../sandbox/sandbox.ts";
import { isRecord } from "../../std/record.ts";
import { inWords, messagesOf, newMark } from "./messages.ts";
import { type Finding, type Hearing, pythonJudge } from "./python_judge.ts";
import { type Operation, type Outcome, pythonProgram } from "./python_program.ts";
import { type Bench, verdictsOf } from "./runs.ts";
import { UnjudgeableError } from "./unjudgeable.ts";
import { pythonEqual, pythonTruth } from "./values.ts";

/** How often a solution is asked, where questions depend on answers. */
const MAX_ROUNDS = 20;

/** What the pieces of test code ask of any solution. */
export type Exploration = readonly Finding[];

/**
 * Runs the judge on these pieces: all in one run, or each in one of its own. A finding is text where the judge did not
 * come to one: how its run ended.
 */
async function hear(
  { setup, entryPoint }: AssertionTests,
  groups: readonly Hearing["pieces"][],
  bench: Bench,
): Promise<(readonly Finding[] | string)[]> {
  const marks = groups.map(newMark);
  const inputs = groups.map((pieces, i) =>
    `${JSON.stringify({ mark: marks[i], setup, entryPoint, pieces })}\n`
  );
  const findings: (readonly Finding[] | string)[] = [];
  const program = { language: "python", source: pythonJudge } as const;
  // The judge itself, and test code, need what they need whatever a solution may have.
  const { timeoutMs = defaultLimits.timeoutMs } = bench.limits;
  const limits = {
    timeoutMs: Math.max(timeoutMs, defaultLimits.timeoutMs),
    outputBytes: 64 * 2 ** 20,
  };
  for await (const verdict of verdictsOf(program, inputs, { ...bench, limits })) {
    const [found] = verdict.type === "exited"
      ? messagesOf(verdict.stdout, marks[findings.length])
      : [];
    // The judge and the test code are trusted.
    findings.push(Array.isArray(found) ? found as Finding[] : inWords(verdict));
  }
  return findings;
}

/**
 * What test code asks of any solution.
 *
 * @throws {UnjudgeableError} if it cannot judge any: it fails by itself, asks what cannot be asked, or nothing.
 */
export async function explore(tests: AssertionTests, bench: Bench): Promise<Exploration> {
  const pieces = tests.assertions.map((code) => ({ code, known: [] }));
  const [found] = await hear(tests, [pieces], bench);
  if (typeof found === "string") {
    throw new UnjudgeableError(`its tests cannot be run by themselves: ${found}`);
  }
  const unsound = found.find(({ status }) => status === "unsound" || status === "fail");
  if (unsound !== undefined) {
    throw new UnjudgeableError(`its tests judge no program: ${unsound.reason}`);
  }
  if (found.every(({ operations }) => operations.length === 0)) {
    throw new UnjudgeableError("its tests ask nothing of the program");
  }
  return found;
}

/** A piece of test code with what the solution was asked for it, and what it answered. */
interface Case {
  readonly code: string;
  readonly operations: readonly Operation[];
  readonly answers: readonly Outcome[];
}

/** Whether the solution passes each piece of the test code, those that are decided first at the front. */
export async function* runAssertionTests(
  solution: string,
  tests: AssertionTests,
  exploration: Exploration,
  bench: Bench,
): AsyncGenerator<boolean> {
  const program = { language: "python", source: pythonProgram(solution, tests.setup) } as const;
  const asking: number[] = [];
  for (const [index, { operations }] of exploration.entries()) {
    if (operations.length > 0) asking.push(index);
    else yield true; // it ended well, whatever the solution does
  }
  let open: Case[] = [];
  let next = 0;
  for await (
    const answers of answersOf(
      program,
      asking.map((i) => exploration[i].operations),
      bench,
    )
  ) {
    const index = asking[next++];
    const passed = answers === null ? false : compared(exploration[index], answers);
    if (passed !== null) yield passed;
    else {
      const { operations } = exploration[index];
      open.push({ code: tests.assertions[index], operations, answers: answers! });
    }
  }

  // Only when the program has ended, since the judge may need its place in the sandbox.
  for (let round = 0; open.length > 0; round++) {
    if (round === MAX_ROUNDS) {
      throw new UnjudgeableError(`its tests went on asking, depending on every answer`);
    }
    const pieces = open.map(({ code, operations, answers }) => ({
      code,
      known: operations.map((operation, i) => [operation, answers[i]] as const),
    }));
    const pending: Omit<Case, "answers">[] = [];
    for (const [i, found] of (await hear(tests, pieces.map((piece) => [piece]), bench)).entries()) {
      // Test code that ends by itself without answers but not with these was led astray by them.
      if (typeof found === "string") {
        yield false;
        continue;
      }
      const [{ status, reason, operations }] = found;
      if (status === "unsound") throw new UnjudgeableError(`its tests judge no program: ${reason}`);
      if (status === "pending") pending.push({ code: open[i].code, operations });
      else yield status === "pass";
    }
    open = [];
    next = 0;
    for await (const answers of answersOf(program, pending.map((p) => p.operations), bench)) {
      const piece = pending[next++];
      if (answers === null) yield false;
      else open.push({ ...piece, answers });
    }
  }
}

/** What a solution answers to each list of operations, each asked in a run of its own; null if it ended too early. */
async function* answersOf(
  program: { readonly language: "python"; readonly source: string },
  asked: readonly (readonly Operation[])[],
  bench: Bench,
): AsyncGenerator<readonly Outcome[] | null> {
  const marks = asked.map(newMark);
  const inputs = asked.map((operations, i) =>
    `${JSON.stringify({ mark: marks[i], operations })}\n`
  );
  let index = 0;
  for await (const verdict of verdictsOf(program, inputs, bench)) {
    const said = verdict.type === "exited" ? messagesOf(verdict.stdout, marks[index]) : [];
    const outcomes = said.slice(0, asked[index++].length);
    const complete = said[outcomes.length] === "end" && outcomes.every(isOutcome);
    yield complete ? outcomes as Outcome[] : null;
  }
}

function isOutcome(message: unknown): message is Outcome {
  if (!isRecord(message)) return false;
  if (Object.hasOwn(message, "v")) {
    return message.a === undefined || Array.isArray(message.a);
  }
  return Array.isArray(message.e) && message.e.length > 0 && typeof message.m === "string";
}

/** Whether answers pass, where the test code does nothing but compare; null where that takes the judge to say. */
function compared({ checks }: Finding, answers: readonly Outcome[]): boolean | null {
  if (checks === null || answers.some(({ a }) => a !== undefined)) return null;
  if (answers.some(({ e }) => e !== undefined)) return false; // nothing in the test code would catch it
  let all: boolean | null = true;
  for (const { r, is, value } of checks) {
    const { v } = answers[r];
    const passed = is === "equal"
      ? pythonEqual(v, value)
      : is === "same"
      ? v === value
      : invert(pythonTruth(v), is === "false");
    if (passed === false) return false;
    if (passed === null) all = null;
  }
  return all;
}

function invert(truth: boolean | null, really: boolean): boolean | null {
  return truth === null || !really ? truth : !truth;
}
