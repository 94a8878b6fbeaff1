/** What a reward is. Each reward stands in a file of its own and in `registry.ts`. */

import type { Problem } from "../data/types.ts";

/** One rollout as a reward sees it. */
export interface RewardSample {
  /** The prompt's text. */
  readonly prompt: string;
  /** The whole completion's text, guidance and output, without special tokens. */
  readonly completion: string;
  /** Token ids of the completion, guidance first, with the end token where there is one. */
  readonly completionIds: readonly number[];
  /** How many of `completionIds`, at their start, were given as guidance. */
  readonly given: number;
  /** The problem that the prompt asks. */
  readonly problem: Problem;
}

/** Says that a sample could not be graded, and why. It is neither right nor wrong, so never 0. */
export interface Ungraded {
  /** Why, in words. */
  readonly ungraded: string;
}

/** {@linkcode Ungraded} for this reason. */
export function ungraded(reason: string): Ungraded {
  return { ungraded: reason };
}

/** What a reward may know beside its sample. */
export interface RewardContext {
  /** The samples of the same prompt in order, this one among them. */
  readonly group: readonly RewardSample[];
  /** What another reward of the run gave this sample. Rejects if the run has no reward of that name. */
  scoreOf(name: string): Promise<number | Ungraded>;
  /** Aborted when nobody waits for the score any longer, as its time is up. */
  readonly signal: AbortSignal;
}

/**
 * A reward of the G²RPO-A paper's appendix B, or another.
 *
 * The whole text is judged, guidance included. A reward returns a finite number, by convention from
 * 0 to 1 with 1 for the problem's gold solution. What it cannot grade it returns as
 * {@linkcode Ungraded}; an exception means that the reward itself is broken, and ends the run.
 */
export interface Reward {
  /** The name in configs and metrics (`rewards/<name>/mean`). */
  readonly name: string;
  /** The sample's score. */
  score(
    sample: RewardSample,
    context: RewardContext,
  ): number | Ungraded | Promise<number | Ungraded>;
  /**
   * Milliseconds after which a score is no longer waited for: the signal is aborted and the sample stays ungraded.
   * Default: 60,000. Null for a reward that limits its time by itself, as those do that run in processes of their own;
   * only these stop code that never gives up the thread.
   */
  readonly timeoutMs?: number | null;
  /** Loads what it needs, so that a mistake is found before the first score. Idempotent. */
  start?(): Promise<void>;
  /** Ends its processes, if it has any. */
  [Symbol.asyncDispose]?(): Promise<void>;
}
