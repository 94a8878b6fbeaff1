/**
 * Which problems a step trains on. Both functions are pure: the problems of step k follow from the
 * seed and k alone, so the only data position that a checkpoint must hold is k.
 */

import type { BuiltInTask } from "./built_in_task.ts";
import { Random } from "./random.ts";
import type { Problem } from "./types.ts";

/** The order of a run's problems: from easy tiers to hard ones, or tiers drawn at random. */
export type CurriculumOrder = "easy_to_hard" | "random";

/** The RL run's data. */
export interface CurriculumOptions {
  /** Non-negative integer. */
  readonly seed: number;
  /** Problems a step (P); each becomes one group of rollouts. */
  readonly count: number;
  /** Steps of the whole run. */
  readonly maxSteps: number;
  /** The tiers from easy to hard. */
  readonly tiers: readonly number[];
  /** How the tiers follow each other. */
  readonly order: CurriculumOrder;
}

/** One part of an SFT mixture: tiers that share a weight evenly. */
export interface MixturePart {
  /** The tiers of this part, drawn uniformly. */
  readonly tiers: readonly number[];
  /** The part's share, in proportion to the other parts' weights. */
  readonly weight: number;
}

/**
 * The arithmetic task's warm start: 97 % short chains, and 3 % longer ones, without which long
 * chains stay at chance and RL has nothing to build on.
 */
export const WARM_START_MIXTURE: readonly MixturePart[] = [
  { tiers: [1, 2, 3], weight: 0.97 },
  { tiers: [4, 5, 6, 7, 8], weight: 0.03 },
];

function requireCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(
      `Cannot choose problems as '${name}' must be a positive integer: current value is ${value}`,
    );
  }
}

function requireTiers(tiers: readonly number[]): void {
  if (tiers.length === 0) {
    throw new RangeError("Cannot choose problems as 'tiers' must name at least one tier");
  }
}

/**
 * The tier of each of a step's P problems when the run goes from easy to hard.
 *
 * The mean position in `tiers` grows evenly from the first at the start to the last at the end, and
 * a step mixes at most two neighbouring tiers: with tiers 7 and 8 the share of tier 8 goes from 0
 * to 1. Counts are rounded so that their running total stays within half a problem of that line: no
 * step jumps, which would look to the guidance controller (Eq. 6 of G²RPO-A) like a change of skill.
 */
function tiersFromEasyToHard(step: number, options: CurriculumOptions): number[] {
  const { tiers, count, maxSteps } = options;
  const runningTotal = (k: number) =>
    Math.round(count * (tiers.length - 1) * k * k / (2 * maxSteps));
  const total = runningTotal(step + 1) - runningTotal(step);
  const lower = Math.floor(total / count);
  const higher = total - lower * count; // how many of the P are one tier above `lower`
  return Array.from({ length: count }, (_, i) => tiers[i < count - higher ? lower : lower + 1]);
}

/**
 * The P training problems of RL step `step` (0 to `maxSteps` − 1), easier tiers first.
 * The same options and step give the same problems, at any time and in any order.
 */
export function curriculumBatch(
  task: BuiltInTask,
  step: number,
  options: CurriculumOptions,
): Problem[] {
  const { seed, count, maxSteps, tiers, order } = options;
  requireCount("count", count);
  requireCount("maxSteps", maxSteps);
  requireTiers(tiers);
  if (!Number.isSafeInteger(step) || step < 0 || step >= maxSteps) {
    throw new RangeError(
      `Cannot choose problems as 'step' must be an integer from 0 to ${maxSteps - 1}: ` +
        `current value is ${step}`,
    );
  }
  const random = new Random(seed, "curriculum", step);
  const chosen = order === "easy_to_hard"
    ? tiersFromEasyToHard(step, options)
    : Array.from({ length: count }, () => random.pick(tiers));
  return chosen.map((tier) => task.problem(random, tier, "train"));
}

/**
 * The training problems of SFT step `step` (0-based), drawn from a mixture of tiers.
 * The same arguments give the same problems.
 */
export function sftBatch(
  task: BuiltInTask,
  seed: number,
  step: number,
  batchSize: number,
  mixture: readonly MixturePart[] = WARM_START_MIXTURE,
): Problem[] {
  requireCount("batchSize", batchSize);
  for (const part of mixture) requireTiers(part.tiers);
  const random = new Random(seed, "sft", step);
  const weights = mixture.map((part) => part.weight);
  return Array.from({ length: batchSize }, () => {
    const { tiers } = mixture[random.weighted(weights)];
    return task.problem(random, random.pick(tiers), "train");
  });
}
