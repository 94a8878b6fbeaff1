import type { AssertionTests, CodeTests, Problem } from "../data/types.ts";
import { Random } from "../data/random.ts";
import { type Language, type Limits, type Sandbox, SandboxError } from "../sandbox/sandbox.ts";
import { checkOption, isWhole } from "./check_option.ts";
import { type Exploration, explore, runAssertionTests } from "./code/assertion_tests.ts";
import { Checker } from "./code/checker.ts";
import { languageName, programOf } from "./code/code_block.ts";
import { functionRefusal, runFunctionTests } from "./code/function_tests.ts";
import { sameOutput, type Tolerance } from "./code/outputs.ts";
import type { Bench } from "./code/runs.ts";
import { runStdinTests } from "./code/stdin_tests.ts";
import { UnjudgeableError } from "./code/unjudgeable.ts";
import { sameJson, toJson } from "./code/values.ts";
import {
  type Reward,
  type RewardContext,
  type RewardSample,
  type Ungraded,
  ungraded,
} from "./reward.ts";

/** Options of {@linkcode codeExecutionReward}. */
export interface CodeExecutionOptions {
  /** What programs run in. It is asked for when the first one is to be run, and is not ended by the reward. */
  readonly sandbox: Sandbox | (() => Promise<Sandbox>);
  /** 1 if all tests pass, otherwise 0; it stops at the first that fails. Default: false. */
  readonly allOrNothing?: boolean;
  /**
   * How far numbers may be from what is expected, of outputs and of returned values: absolutely, and as a part of the
   * expected number; a plain number is both. Tests that are code compare by themselves. Default: not at all.
   */
  readonly tolerance?: number | Partial<Tolerance>;
  /**
   * Path or URL of a module whose default export judges instead of the comparison: `(input, expected, actual) =>
   * boolean`, of texts; of a function's tests, of JSON values: the list of arguments, the expected value, the returned
   * one. Tests that are code have no use for it. It runs outside the sandbox, in a process of its own that may read
   * files, with a limit of 10 s. A checker that throws or overruns leaves the sample ungraded: for an output that it
   * cannot read it should give false.
   */
  readonly checker?: string;
  /** Limits of each run of a program; what is not named is the sandbox's own. */
  readonly limits?: Partial<Limits>;
  /**
   * The most tests to run of a problem: chosen by the problem's id, so that all its samples are judged by the same ones
   * and the first, which a prompt may show, have no privilege. Default: all.
   */
  readonly maxTests?: number;
}

/** Scores that are kept, for programs that are sampled again. */
const KEPT_SCORES = 2000;

/**
 * The code-execution reward (G²RPO-A, appendix B.4): the share of a problem's tests that the completion's program
 * passes, or with `allOrNothing` whether it passes all.
 *
 * The program is the last fenced block of the answer (see {@linkcode programOf}); without one the score is 0. It runs in
 * the sandbox; what it must print or return never does: it is compared here. Of tests that are code themselves
 * (HumanEval, MBPP) each piece is one test.
 *
 * Ungraded, with the reason: a problem without tests; a language that the sandbox does not run; tests that cannot be
 * judged whatever the program is; a sandbox that failed three times in a row.
 *
 * @throws {RangeError} for a tolerance that is negative or a `maxTests` below 1.
 */
export function codeExecutionReward(options: CodeExecutionOptions): Reward & AsyncDisposable {
  return new CodeExecution(options);
}

class CodeExecution implements Reward, AsyncDisposable {
  readonly name = "code_execution";
  readonly timeoutMs = null;
  readonly #options: CodeExecutionOptions;
  readonly #tolerance: Tolerance | undefined;
  readonly #checker: Checker | null;
  /** What test code asks, by the tests. */
  readonly #explorations = new WeakMap<CodeTests, Promise<Exploration>>();
  /** The tests that are run, by those of the problem. */
  readonly #chosen = new WeakMap<CodeTests, CodeTests>();
  /** Scores by program, by the tests; those at the front are the oldest. */
  readonly #scores = new Map<string, Promise<number | Ungraded>>();
  readonly #numbers = new WeakMap<CodeTests, number>();
  #lastNumber = 0;

  constructor(options: CodeExecutionOptions) {
    const { tolerance, maxTests, checker } = options;
    const given = typeof tolerance === "number"
      ? { absolute: tolerance, relative: tolerance }
      : tolerance;
    for (const [part, value] of Object.entries(given ?? {})) {
      const fits = Number.isFinite(value) && value >= 0;
      checkOption(this.name, `tolerance (${part})`, value, "a number of at least 0", fits);
    }
    if (maxTests !== undefined) {
      checkOption(this.name, "maxTests", maxTests, "a positive integer", isWhole(maxTests, 1));
    }
    this.#options = options;
    this.#tolerance = given && { absolute: 0, relative: 0, ...given };
    this.#checker = checker === undefined ? null : new Checker(checker);
  }

  /** Loads the checker, so that a mistake is found before the first score. */
  async start(): Promise<void> {
    await this.#checker?.start();
  }

  async score(sample: RewardSample, context: RewardContext): Promise<number | Ungraded> {
    const { problem, completion } = sample;
    if (problem.tests === undefined || countOf(problem.tests) === 0) {
      return ungraded("the problem has no tests");
    }
    const tests = this.#choose(problem, problem.tests);
    const { sandbox: source } = this.#options;
    const sandbox = typeof source === "function" ? await source() : source;
    const language = languageName(tests.language) as Language;
    const refusal = refusalOf(tests, language, sandbox);
    if (refusal !== null) return ungraded(refusal);
    const program = programOf(completion, language);
    if (program === null) return 0;

    const key = `${this.#numberOf(tests)} ${program}`;
    let score = this.#scores.get(key);
    if (score === undefined) {
      const bench = { sandbox, limits: this.#options.limits ?? {}, signal: context.signal };
      score = this.#grade(program, language, tests, bench);
      this.#scores.set(key, score);
      if (this.#scores.size > KEPT_SCORES) this.#scores.delete(this.#scores.keys().next().value!);
      const forget = () => {
        if (this.#scores.get(key) === score) this.#scores.delete(key);
      };
      // What was not decided may be another time.
      score.then((value) => typeof value === "number" || forget(), forget);
    }
    return await score;
  }

  async #grade(
    program: string,
    language: Language,
    tests: CodeTests,
    bench: Bench,
  ): Promise<number | Ungraded> {
    let passed = 0;
    let total = 0;
    try {
      for await (const pass of await this.#run(program, language, tests, bench)) {
        total++;
        if (pass) passed++;
        else if (this.#options.allOrNothing) return 0;
      }
    } catch (error) {
      if (error instanceof SandboxError) return ungraded(`the sandbox failed: ${error.message}`);
      if (error instanceof UnjudgeableError) return ungraded(error.message);
      throw error;
    }
    return passed / total;
  }

  async #run(
    program: string,
    language: Language,
    tests: CodeTests,
    bench: Bench,
  ): Promise<AsyncIterable<boolean>> {
    const checker = this.#checker;
    const tolerance = this.#tolerance;
    switch (tests.kind) {
      case "stdin":
        return runStdinTests(
          program,
          language,
          tests.cases,
          ({ input, output }, actual) =>
            checker?.check(input, output, actual, bench.signal) ??
              sameOutput(output, actual, tolerance),
          bench,
        );
      case "function":
        return runFunctionTests(
          program,
          language,
          tests,
          ({ args, expected }, actual) => {
            if (checker === null) return sameJson(expected, actual, tolerance);
            const value = toJson(actual);
            return value !== undefined && checker.check(args, expected, value, bench.signal);
          },
          bench,
        );
      case "assertions":
        return runAssertionTests(program, tests, await this.#explore(tests, bench), bench);
    }
  }

  /** What the test code asks, found out once for all samples. */
  #explore(tests: AssertionTests, bench: Bench): Promise<Exploration> {
    let exploration = this.#explorations.get(tests);
    if (exploration === undefined) {
      exploration = explore(tests, bench);
      this.#explorations.set(tests, exploration);
      // Whatever failed may have failed for lack of time.
      exploration.catch(() => this.#explorations.delete(tests));
    }
    return exploration;
  }

  #choose({ id }: Problem, tests: CodeTests): CodeTests {
    const { maxTests } = this.#options;
    const count = countOf(tests);
    if (maxTests === undefined || count <= maxTests) return tests;
    let chosen = this.#chosen.get(tests);
    if (chosen === undefined) {
      const order = Array.from({ length: count }, (_, i) => i);
      new Random("code_execution", id).shuffle(order);
      const kept = order.slice(0, maxTests).sort((a, b) => a - b);
      const pick = <T>(list: readonly T[]) => kept.map((i) => list[i]);
      chosen = tests.kind === "assertions"
        ? { ...tests, assertions: pick(tests.assertions) }
        : tests.kind === "stdin"
        ? { ...tests, cases: pick(tests.cases) }
        : { ...tests, cases: pick(tests.cases) };
      this.#chosen.set(tests, chosen);
    }
    return chosen;
  }

  #numberOf(tests: CodeTests): number {
    let number = this.#numbers.get(tests);
    if (number === undefined) this.#numbers.set(tests, number = ++this.#lastNumber);
    return number;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#checker?.[Symbol.asyncDispose]();
  }
}

function countOf(tests: CodeTests): number {
  return tests.kind === "assertions" ? tests.assertions.length : tests.cases.length;
}

/** Why no program can be judged by these tests in this sandbox; null if it can. */
function refusalOf(tests: CodeTests, language: Language, sandbox: Sandbox): string | null {
  if (!sandbox.languages.includes(language)) {
    return `sandbox '${sandbox.name}' does not run '${tests.language}': it runs ${
      sandbox.languages.join(", ")
    }`;
  }
  switch (tests.kind) {
    case "stdin":
      return null;
    case "function":
      return functionRefusal(tests, language);
    case "assertions":
      return language === "python"
        ? null
        : `its tests are code in '${tests.language}', which can be judged in python only`;
  }
}
