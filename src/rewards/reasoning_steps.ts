import type { Reward, RewardSample } from "./reward.ts";

/** So many steps earn the whole reward. */
const STEPS = 3;

/** What marks a step: `Step 1:`, an item of a numbered or bulleted list, and the words that lead from step to step. */
const MARK = /\bStep \d+:|^[ \t]*(?:\d+[.)]|[-*•])[ \t]|\b(?:First|Second|Third|Next|Finally),/gm;

/**
 * The reasoning-steps reward (open-r1's `reasoning_steps_reward`): min(1, n / 3) for n marks of a step in the
 * completion, guidance included. It shapes the form and says nothing about whether a step is right.
 *
 * A mark is `Step 1:`, a line that begins with `1.`, `1)`, `-`, `*` or `•` and a blank, or one of `First,`, `Second,`,
 * `Third,`, `Next,` and `Finally,`. open-r1 counts a numbered line only at the very beginning, as its pattern lacks the
 * multi-line flag, and takes any line that begins with a hyphen or an asterisk, rules and bold text too, for an item.
 */
export const reasoningStepsReward: Reward = {
  name: "reasoning_steps",
  score({ completion }: RewardSample): number {
    return Math.min(1, (completion.match(MARK)?.length ?? 0) / STEPS);
  },
};
