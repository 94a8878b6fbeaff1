import { type RewardSample, type Ungraded, ungraded } from "./reward.ts";

/**
 * How many tokens a completion has, guidance and end token included. A text that came without its token ids, as gold
 * solutions and completions from elsewhere may, has no length in tokens.
 */
export function tokenLength({ completion, completionIds }: RewardSample): number | Ungraded {
  return completionIds.length === 0 && completion !== ""
    ? ungraded("its length is not known as it came without token ids")
    : completionIds.length;
}
