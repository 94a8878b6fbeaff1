import type { Reward, RewardSample } from "./reward.ts";
import { countOccurrences, TAGS } from "./sections.ts";

/**
 * The tag-count reward (G²RPO-A, appendix B.1): a quarter for each of `<think>`, `</think>`,
 * `<answer>` and `</answer>` that the completion contains exactly once.
 */
export const tagCountReward: Reward = {
  name: "tag_count",
  score({ completion }: RewardSample): number {
    return TAGS.filter((tag) => countOccurrences(completion, tag) === 1).length / TAGS.length;
  },
};
