/** Problems as text and as token ids: what the curriculum hands to guidance, rollouts and SFT. */

import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/** One verifiable problem with a teacher's solution, as text. */
export interface Problem {
  /** Stable name of the problem: the same problem has the same id in every run. */
  readonly id: string;
  /** What the model is asked, exactly as it is tokenised. */
  readonly prompt: string;
  /** The gold answer, without tags. */
  readonly answer: string;
  /** The teacher's reasoning, from which guidance is taken. It may end in an answer section. */
  readonly trace: string;
  /** Difficulty, 1 or more; a higher tier is harder. */
  readonly tier: number;
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
 * The teacher's whole completion as text: the trace, and after it, where the trace has no answer
 * section of its own, the gold answer between `<answer>` and `</answer>`.
 */
export function solutionText(problem: Problem): string {
  const { trace, answer } = problem;
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
