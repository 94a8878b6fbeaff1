/** Problems as text and as token ids: what the curriculum hands to guidance, rollouts and SFT. */

import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/** A program's standard input and what it must print. */
export interface StdinCase {
  /** What the program reads from standard input. */
  readonly input: string;
  /** What it must print. */
  readonly output: string;
}

/** The arguments of one call and what it must return. */
export interface FunctionCase {
  /** The arguments in order, as JSON values. */
  readonly args: readonly unknown[];
  /** The value that the call must return, as a JSON value. */
  readonly expected: unknown;
}

/** Tests of a whole program by what it reads and prints. */
export interface StdinTests {
  /** Which tests these are. */
  readonly kind: "stdin";
  /** The programming language of a solution, such as `python`. */
  readonly language: string;
  /** One case or more. */
  readonly cases: readonly StdinCase[];
}

/** Tests of one function by its arguments and its value. */
export interface FunctionTests {
  /** Which tests these are. */
  readonly kind: "function";
  /** The programming language of a solution, such as `python`. */
  readonly language: string;
  /** The function to call; of a method, as LeetCode has them, the method of class `Solution`. */
  readonly functionName: string;
  /** One case or more. */
  readonly cases: readonly FunctionCase[];
}

/** Tests as code that raises where a solution is wrong (HumanEval, MBPP). */
export interface AssertionTests {
  /** Which tests these are. */
  readonly kind: "assertions";
  /** The programming language of a solution, such as `python`. */
  readonly language: string;
  /** Code that must run before the solution, such as imports and helpers; may be empty. */
  readonly setup: string;
  /** Pieces of code to run after the solution, each of which raises if it fails. One or more. */
  readonly assertions: readonly string[];
  /** The function that the assertions test, where the data names it. */
  readonly entryPoint: string | null;
}

/** The tests of a programming problem, by their kind. */
export type CodeTests = StdinTests | FunctionTests | AssertionTests;

/** One verifiable problem with a teacher's solution, as text. */
export interface Problem {
  /** Stable name of the problem: the same problem has the same id in every run. */
  readonly id: string;
  /** The question's text. For the built-in task it is exactly what is tokenised. */
  readonly prompt: string;
  /**
   * The gold answer, without tags. Of a programming problem it is the reference solution in a
   * fenced code block, or empty where the data has none: its tests judge.
   */
  readonly answer: string;
  /**
   * The teacher's reasoning, from which guidance is taken; empty if there is none. Presets give it
   * without tags and without the answer; the built-in task's begins with `<think>`.
   */
  readonly trace: string;
  /** Difficulty, any finite number; a higher tier is harder. */
  readonly tier: number;
  /** Name of the data source that it came from. */
  readonly source?: string;
  /** The teacher's whole completion, where it is not the trace with an answer section. */
  readonly completion?: string;
  /** Tests of a programming problem. */
  readonly tests?: CodeTests;
}

/** A problem with its token ids; made once when the data is loaded, so that guidance is a slice. */
export interface EncodedProblem extends Problem {
  /** Token ids of the prompt. */
  readonly promptIds: readonly number[];
  /** Token ids of the trace, cut before its answer section unless that was asked for. */
  readonly traceIds: readonly number[];
  /** Token ids of the teacher's whole completion with its answer and end token: what SFT learns. */
  readonly solutionIds: readonly number[];
}

/** Options of {@linkcode encodeProblem}. */
export interface EncodeProblemOptions {
  /**
   * Let guidance reach into the answer section, as the released code of the G²RPO-A paper does.
   * Off by default: a trace's answer is never given away.
   */
  readonly includeAnswer?: boolean;
}

/**
 * The teacher's whole completion as text: its own, else the trace, and after it, where the trace has no answer
 * section of its own, the gold answer between `<answer>` and `</answer>`.
 */
export function solutionText(problem: Problem): string {
  const { trace, answer, completion } = problem;
  if (completion !== undefined) return completion;
  if (trace.includes("<answer>")) return trace;
  const close = trace.includes("</think>") ? "" : "</think>";
  return `${trace}${close}<answer>${answer}</answer>`;
}

/**
 * Tokenises a problem once. Every guidance length is then a slice of `traceIds`, never a text that
 * is tokenised again.
 *
 * Throws if the tokenizer has no end token, since SFT could then never teach the model to stop.
 */
export function encodeProblem(
  problem: Problem,
  tokenizer: Tokenizer,
  options: EncodeProblemOptions = {},
): EncodedProblem {
  if (tokenizer.eosTokenId === null) {
    throw new Error(
      `Cannot encode problem '${problem.id}' as the tokenizer has no end token: ` +
        `set 'eos_token' in tokenizer_config.json`,
    );
  }
  const solution = solutionText(problem);
  const answerAt = problem.trace.indexOf("<answer>");
  const trace = options.includeAnswer
    ? solution
    : answerAt < 0
    ? problem.trace
    : problem.trace.slice(0, answerAt);
  return {
    ...problem,
    promptIds: tokenizer.encode(problem.prompt),
    traceIds: tokenizer.encode(trace),
    solutionIds: [...tokenizer.encode(solution), tokenizer.eosTokenId],
  };
}
