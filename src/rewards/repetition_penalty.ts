import { checkOption, isWhole } from "./check_option.ts";
import type { Reward, RewardSample } from "./reward.ts";

/** Options of {@linkcode repetitionPenaltyReward}. */
export interface RepetitionPenaltyOptions {
  /** n, the words of an n-gram. Default: 3. */
  readonly ngramSize?: number;
  /** p ≤ 0: what a completion approaches that says one thing over and over. Default: -1. */
  readonly maxPenalty?: number;
}

/**
 * The repetition penalty of "Demystifying Long Chain-of-Thought Reasoning in LLMs" (arXiv 2502.03373, appendix C.2;
 * `get_repetition_penalty_reward` of TRL and open-r1):
 *
 * R = (1 − unique n-grams / n-grams) · p
 *
 * over the words of the completion in lower case, guidance included; words are what stands between white space. A
 * completion with fewer than n words gets 0. These are open-r1's n-grams; TRL's are of token ids.
 *
 * @throws {RangeError} for an option that cannot be used.
 */
export function repetitionPenaltyReward(options: RepetitionPenaltyOptions = {}): Reward {
  const { ngramSize = 3, maxPenalty = -1 } = options;
  checkOption(
    "repetition penalty",
    "ngramSize",
    ngramSize,
    "a whole number of at least 1",
    isWhole(ngramSize, 1),
  );
  checkOption(
    "repetition penalty",
    "maxPenalty",
    maxPenalty,
    "a finite number of at most 0",
    Number.isFinite(maxPenalty) && maxPenalty <= 0,
  );
  return {
    name: "repetition_penalty",
    score({ completion }: RewardSample): number {
      const words = completion.toLowerCase().split(/\s+/).filter((word) => word !== "");
      const total = words.length - ngramSize + 1;
      if (total < 1) return 0;
      const unique = new Set<string>();
      for (let i = 0; i < total; i++) unique.add(words.slice(i, i + ngramSize).join(" "));
      const repeated = total - unique.size;
      return repeated === 0 ? 0 : (repeated / total) * maxPenalty;
    },
  };
}
