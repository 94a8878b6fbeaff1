import { type RewardContext, type Ungraded, ungraded } from "./reward.ts";

/**
 * Whether another reward of the run gave the sample its full score, 1. What that reward could not grade is neither
 * right nor wrong.
 */
export async function isCorrect(context: RewardContext, of: string): Promise<boolean | Ungraded> {
  const score = await context.scoreOf(of);
  return typeof score === "number"
    ? score >= 1
    : ungraded(`reward '${of}' could not grade it: ${score.ungraded}`);
}
