import type { Reward, RewardSample } from "./reward.ts";
import { splitAtTags } from "./sections.ts";

/**
 * The format reward (G²RPO-A, appendix B.2): 1 if the completion is exactly
 * `<think>…</think><answer>…</answer>`, otherwise 0.
 *
 * Each tag occurs once, in this order. White space may stand before, between and after the two
 * sections; any other text there is a fault.
 */
export const formatReward: Reward = {
  name: "format",
  score({ completion }: RewardSample): number {
    const pieces = splitAtTags(completion);
    if (pieces === null) return 0;
    const [before, , between, , after] = pieces;
    return (before + between + after).trim() === "" ? 1 : 0;
  },
};
