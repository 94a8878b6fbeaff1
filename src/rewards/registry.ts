/** Every reward by the name that configs use. */

import { accuracyReward } from "./accuracy.ts";
import { codeFormatReward } from "./code_format.ts";
import { formatReward } from "./format.ts";
import type { Reward } from "./reward.ts";
import { tagCountReward } from "./tag_count.ts";

const REWARDS: readonly Reward[] = [
  accuracyReward,
  formatReward,
  tagCountReward,
  codeFormatReward,
];

/** The names of the rewards that {@linkcode createReward} knows. */
export const REWARD_NAMES: readonly string[] = REWARDS.map((reward) => reward.name);

/** The reward of this name. Throws if there is none. */
export function createReward(name: string): Reward {
  const reward = REWARDS.find((known) => known.name === name);
  if (reward === undefined) {
    throw new Error(
      `Cannot create a reward as its name must be one of ${REWARD_NAMES.join(", ")}: ` +
        `current value is '${name}'`,
    );
  }
  return reward;
}
