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
  score(sample: RewardSample): number | Ungraded | Promise<number | Ungraded>;
}
