import { isCorrect } from "./correctness.ts";
import type { Reward, Ungraded } from "./reward.ts";
import { tokenLength } from "./token_length.ts";

/** Options of {@linkcode lengthReward}. */
export interface LengthRewardOptions {
  /** The reward of the run that says which completions are right: those that it gives 1. Default: `accuracy`. */
  readonly of?: string;
}

/**
 * The length reward of Kimi k1.5 (arXiv 2501.12599, section 2.3.3, "Length Penalty"; open-r1's `len_reward`): within a
 * group of completions of one prompt
 *
 * λ = 0.5 − (len − min_len) / (max_len − min_len)
 *
 * where len are the completion's tokens, guidance included, and min_len and max_len the fewest and most of its group. A
 * right completion gets λ, a wrong one min(0, λ): short is never rewarded for itself. In a group whose completions are
 * all equally long every one gets 0.
 *
 * open-r1 counts characters instead of tokens. What the reward `of` cannot grade is ungraded here too.
 */
export function lengthReward(options: LengthRewardOptions = {}): Reward {
  const { of = "accuracy" } = options;
  return {
    name: "length",
    async score(sample, context): Promise<number | Ungraded> {
      const length = tokenLength(sample);
      if (typeof length !== "number") return length;
      let shortest = length;
      let longest = length;
      for (const other of context.group) {
        const one = tokenLength(other);
        if (typeof one !== "number") return one;
        shortest = Math.min(shortest, one);
        longest = Math.max(longest, one);
      }
      const correct = await isCorrect(context, of);
      if (typeof correct !== "boolean") return correct;
      if (shortest === longest) return 0;
      const lambda = 0.5 - (length - shortest) / (longest - shortest);
      return correct ? lambda : Math.min(0, lambda);
    },
  };
}
