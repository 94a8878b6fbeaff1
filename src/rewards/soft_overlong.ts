import { checkOption, isWhole } from "./check_option.ts";
import type { Reward, RewardSample, Ungraded } from "./reward.ts";
import { tokenLength } from "./token_length.ts";

/** Options of {@linkcode softOverlongReward}. */
export interface SoftOverlongOptions {
  /** L_max in tokens, guidance included. At least 1. */
  readonly maxLength: number;
  /** L_cache in tokens, over which the penalty grows up to L_max. From 0, which is no slope, to L_max. */
  readonly cache: number;
}

/**
 * The soft overlong punishment of DAPO (arXiv 2503.14476, Eq. 13; TRL's `get_soft_overlong_punishment`), for a
 * completion y of |y| tokens, guidance included:
 *
 * - 0 for |y| ≤ L_max − L_cache
 * - ((L_max − L_cache) − |y|) / L_cache for L_max − L_cache < |y| ≤ L_max
 * - −1 for |y| > L_max
 *
 * No completion is longer than the run's `max_completion_length`, so an L_max at or below that is of use.
 *
 * @throws {RangeError} for an option that cannot be used.
 */
export function softOverlongReward(options: SoftOverlongOptions): Reward {
  const { maxLength, cache } = options;
  const check = (name: string, value: number, must: string, fits: boolean) =>
    checkOption("soft overlong", name, value, must, fits);
  check("maxLength", maxLength, "a whole number of at least 1", isWhole(maxLength, 1));
  check(
    "cache",
    cache,
    `a whole number from 0 to 'maxLength', ${maxLength}`,
    isWhole(cache, 0) && cache <= maxLength,
  );
  const free = maxLength - cache;
  return {
    name: "soft_overlong",
    score(sample: RewardSample): number | Ungraded {
      const length = tokenLength(sample);
      if (typeof length !== "number") return length;
      if (length <= free) return 0;
      return length > maxLength ? -1 : (free - length) / cache;
    },
  };
}
