/**
 * Group-relative advantages (Eq. 9): how much better a completion did than the others of its
 * problem. Plain numbers; nothing here touches a tensor.
 *
 * The paper leaves two things of Eq. 9 open. Here, as in TRL: the standard deviation is that of a
 * sample (divisor n − 1), and {@linkcode ADVANTAGE_EPSILON} is added to it.
 *
 * @module
 */

/** What is added to the standard deviation before dividing by it. */
export const ADVANTAGE_EPSILON: number = 1e-4;

/** Rewards this close, relative to the larger one, differ by rounding only. */
const ROUNDING = 1e-12;

/**
 * What a reward's distance from its group's mean is divided by: the standard deviation of its
 * `group`, that of the whole `batch`, or nothing (`none`).
 */
export type ScaleRewards = "group" | "batch" | "none";

/** Options of {@linkcode groupAdvantages}. */
export interface AdvantageOptions {
  /** Completions a problem, G; at least 2. */
  readonly numGenerations: number;
  /** What to divide by. */
  readonly scaleRewards: ScaleRewards;
}

/** Advantages of a batch of P groups with G completions each, in group order. */
export interface Advantages {
  /** P×G advantages; exactly 0 for an ungraded completion and in a group that is not live. */
  readonly values: Float64Array;
  /** P flags: whether the group has two graded completions with different rewards. */
  readonly live: boolean[];
  /**
   * P×G flags: whether the completion counts in the loss. An ungraded one does not, nor does the only graded one of its
   * group, which has nothing to be compared with.
   */
  readonly counts: boolean[];
  /** Groups with fewer than two graded completions. */
  readonly skippedGroups: number;
  /** P means of the graded rewards; null where a group has none. */
  readonly mean: (number | null)[];
  /** P sample standard deviations of the graded rewards; 0 where a group has fewer than two. */
  readonly std: number[];
  /** The share of groups with two or more graded completions whose rewards are all equal. */
  readonly fracRewardZeroStd: number;
  /** The mean of all graded rewards; null if nothing was graded. */
  readonly rewardMean: number | null;
  /** The sample standard deviation of all graded rewards; null if fewer than two were graded. */
  readonly rewardStd: number | null;
}

/**
 * The advantages of a batch (Eq. 9): `(r − mean of its group) / (std + 1e-4)`.
 *
 * Equal rewards are found before the mean is subtracted, so that the advantages of such a group
 * are exactly 0 and not what rounding leaves of it. An ungraded completion (null) has no part in
 * the mean or the standard deviation and gets 0.
 *
 * @param rewards P×G rewards in group order, null where a completion could not be graded.
 * @throws {RangeError} On an option or a number of rewards that makes no groups, and on a reward
 * that is NaN or infinite.
 *
 * @example
 * ```ts
 * import { groupAdvantages } from "./advantages.ts";
 *
 * const { values, live } = groupAdvantages([1, 0, 0, 1, 0.5, 0.5, 0.5, null], {
 *   numGenerations: 4,
 *   scaleRewards: "none",
 * });
 * console.log([...values]); // [0.5, -0.5, -0.5, 0.5, 0, 0, 0, 0]
 * console.log(live); // [true, false]
 * ```
 */
export function groupAdvantages(
  rewards: readonly (number | null)[],
  options: AdvantageOptions,
): Advantages {
  const { numGenerations, scaleRewards } = options;
  check(rewards, options);
  const groupCount = rewards.length / numGenerations;
  const batch = moments(rewards);
  const values = new Float64Array(rewards.length);
  const live: boolean[] = [];
  const mean: (number | null)[] = [];
  const std: number[] = [];
  const counts: boolean[] = [];
  let equalGroups = 0, skippedGroups = 0;
  for (let p = 0; p < groupCount; p++) {
    const start = p * numGenerations;
    const group = moments(rewards.slice(start, start + numGenerations));
    const isLive = group.count >= 2 && !group.equal;
    live.push(isLive);
    mean.push(group.mean);
    std.push(group.std ?? 0);
    if (group.count >= 2 && group.equal) equalGroups++;
    if (group.count < 2) skippedGroups++;
    for (let i = start; i < start + numGenerations; i++) {
      counts.push(group.count >= 2 && rewards[i] !== null);
    }
    if (!isLive) continue;
    const divisor = scaleRewards === "none"
      ? 1
      : (scaleRewards === "group" ? group.std! : batch.std!) + ADVANTAGE_EPSILON;
    for (let i = start; i < start + numGenerations; i++) {
      const reward = rewards[i];
      if (reward !== null) values[i] = (reward - group.mean!) / divisor;
    }
  }
  return {
    values,
    live,
    counts,
    skippedGroups,
    mean,
    std,
    fracRewardZeroStd: equalGroups / groupCount,
    rewardMean: batch.mean,
    rewardStd: batch.std,
  };
}

interface Moments {
  /** How many of the values are graded. */
  readonly count: number;
  readonly mean: number | null;
  /** Sample standard deviation; null for fewer than two graded values. */
  readonly std: number | null;
  /** Whether all graded values are the same but for rounding. */
  readonly equal: boolean;
}

function moments(values: readonly (number | null)[]): Moments {
  const graded = values.filter((value) => value !== null);
  const count = graded.length;
  if (count === 0) return { count, mean: null, std: null, equal: true };
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  for (const value of graded) {
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
  }
  const equal = max - min <= ROUNDING * Math.max(Math.abs(max), Math.abs(min));
  const mean = equal ? graded[0] : sum / count;
  if (count === 1) return { count, mean, std: null, equal };
  if (equal) return { count, mean, std: 0, equal };
  let squares = 0;
  for (const value of graded) squares += (value - mean) ** 2;
  return { count, mean, std: Math.sqrt(squares / (count - 1)), equal };
}

function check(rewards: readonly (number | null)[], options: AdvantageOptions): void {
  const { numGenerations, scaleRewards } = options;
  if (!Number.isInteger(numGenerations) || numGenerations < 2) {
    throw new RangeError(
      `Cannot compute advantages as 'num_generations' must be an integer of at least 2: ` +
        `current value is ${numGenerations}`,
    );
  }
  if (!["group", "batch", "none"].includes(scaleRewards)) {
    throw new RangeError(
      `Cannot compute advantages as 'scale_rewards' must be group, batch or none: ` +
        `current value is ${scaleRewards}`,
    );
  }
  if (rewards.length === 0 || rewards.length % numGenerations !== 0) {
    throw new RangeError(
      `Cannot compute advantages as 'rewards' must hold whole groups of ${numGenerations}: ` +
        `current length is ${rewards.length}`,
    );
  }
  for (let i = 0; i < rewards.length; i++) {
    if (rewards[i] !== null && !Number.isFinite(rewards[i])) {
      throw new RangeError(
        `Cannot compute advantages as 'rewards[${i}]' must be a finite number, ` +
          `or null for an ungraded completion: current value is ${rewards[i]}`,
      );
    }
  }
}
