/** Scores rollouts with the rewards of a run, and checks that gold answers score 1. */

import { type Problem, solutionText } from "../data/types.ts";
import type { Reward, RewardSample } from "./reward.ts";

/** A reward with its weight in the total. */
export interface WeightedReward {
  /** The reward. */
  readonly reward: Reward;
  /** Finite; 0 measures a reward without training on it. */
  readonly weight: number;
}

/** Options of {@linkcode scoreRollouts}. */
export interface ScoreOptions {
  /**
   * The prompt's template already opens `<think>`, so completions begin inside it: rewards then see
   * `<think>` put before each completion.
   */
  readonly promptOpensThink?: boolean;
}

/** The scores of one sample. */
export interface SampleScore {
  /** The weighted sum of the rewards; null if one that has a weight could not grade the sample. */
  readonly total: number | null;
  /** Each reward's own score by its name, unweighted; null where it could not grade the sample. */
  readonly values: Readonly<Record<string, number | null>>;
  /** Why, by the reward's name, for every null in `values`. */
  readonly ungraded: Readonly<Record<string, string>>;
}

/** A problem whose gold solution does not score 1. */
export interface GoldFailure {
  /** The problem. */
  readonly problem: Problem;
  /** The name of the reward that it fails under. */
  readonly reward: string;
  /** What that reward said. */
  readonly reason: string;
}

function checkRewards(rewards: readonly WeightedReward[]): void {
  if (rewards.length === 0) {
    throw new Error("Cannot score rollouts as 'rewards' must name at least one reward");
  }
  const names = rewards.map(({ reward }) => reward.name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new Error(`Cannot score rollouts as reward '${twice}' is given twice`);
  }
  for (const { reward, weight } of rewards) {
    if (!Number.isFinite(weight)) {
      throw new Error(
        `Cannot score rollouts as the weight of reward '${reward.name}' must be a finite number: ` +
          `current value is ${weight}`,
      );
    }
  }
}

/** One reward's score of one sample: a number, or in words why it could not be graded. */
async function grade(
  reward: Reward,
  sample: RewardSample,
  index: number,
): Promise<number | string> {
  const where = `Reward '${reward.name}' failed on sample ${index} (problem ${sample.problem.id})`;
  let score: Awaited<ReturnType<Reward["score"]>>;
  try {
    score = await reward.score(sample);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${where}: ${reason}`, { cause: error });
  }
  if (typeof score === "object" && score !== null && typeof score.ungraded === "string") {
    return score.ungraded;
  }
  if (!Number.isFinite(score)) {
    throw new Error(`${where}: a score must be a finite number: current value is ${score}`);
  }
  return score as number;
}

/**
 * Scores rollouts (P×G samples in group order; the result has the same order). All rewards of all
 * samples run at once, so a reward that starts processes limits their number itself.
 *
 * A sample that cannot be graded keeps its reasons and never becomes a 0. Throws if a reward throws
 * or gives anything but a finite number, naming the reward and the sample; where several do, it
 * is the first in order, once all have ended.
 */
export async function scoreRollouts(
  samples: readonly RewardSample[],
  rewards: readonly WeightedReward[],
  options: ScoreOptions = {},
): Promise<SampleScore[]> {
  checkRewards(rewards);
  const grades = await Promise.allSettled(samples.flatMap((sample, index) => {
    const seen = options.promptOpensThink
      ? { ...sample, completion: `<think>${sample.completion}` }
      : sample;
    return rewards.map(({ reward }) => grade(reward, seen, index));
  }));
  const failed = grades.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  const scores = grades.map((result) => (result as PromiseFulfilledResult<number | string>).value);

  return samples.map((_, index) => {
    let total: number | null = 0;
    const values: Record<string, number | null> = {};
    const ungraded: Record<string, string> = {};
    for (const [i, { reward, weight }] of rewards.entries()) {
      const score = scores[index * rewards.length + i];
      if (typeof score === "string") {
        values[reward.name] = null;
        ungraded[reward.name] = score;
        if (weight !== 0) total = null;
      } else {
        values[reward.name] = score;
        if (total !== null) total += weight * score;
      }
    }
    return { total, values, ungraded };
  });
}

/**
 * Scores every problem's gold solution (its trace and gold answer) and returns the rows that do not
 * get exactly 1, with the reason. Such a row is reported and left out when data is loaded: it would
 * teach that right is wrong.
 *
 * The samples have no token ids, since a gold solution is judged by its text.
 */
export async function validateGold(
  problems: readonly Problem[],
  rewards: readonly Reward[],
  options: ScoreOptions = {},
): Promise<GoldFailure[]> {
  const samples = problems.map((problem): RewardSample => ({
    prompt: problem.prompt,
    completion: solutionText(problem),
    completionIds: [],
    given: 0,
    problem,
  }));
  const scores = await scoreRollouts(
    samples,
    rewards.map((reward) => ({ reward, weight: 1 })),
    options,
  );
  return problems.flatMap((problem, index) =>
    rewards.flatMap(({ name }): GoldFailure[] => {
      const { values, ungraded } = scores[index];
      if (values[name] === 1) return [];
      const reason = ungraded[name] ?? `its gold solution scored ${values[name]}`;
      return [{ problem, reward: name, reason }];
    })
  );
}
