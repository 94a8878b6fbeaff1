/** What the built-in tasks have in common: endless seeded problems in tiers, and a held-out side. */

import { Random } from "./random.ts";
import type { Problem } from "./types.ts";

/** The side of the train and held-out split. */
export type Split = "train" | "heldout";

/** What {@linkcode BuiltInTask.heldOut} is asked for. */
export interface HeldOutOptions {
  /** The tiers of the set; problems are spread over them evenly, in turn. */
  readonly tiers: readonly number[];
  /** The number of problems in all. */
  readonly count: number;
  /** Non-negative integer; the same seed gives the same set. */
  readonly seed: number;
}

/** An endless source of problems that needs no data. */
export interface BuiltInTask {
  /** The task's name, with which every problem id begins. */
  readonly name: string;
  /**
   * Draws a problem of a tier (an integer of 1 or more) from one side of the split. The stream
   * alone decides which, so the same stream gives the same problem in every run.
   */
  problem(random: Random, tier: number, split: Split): Problem;
  /** A held-out set without duplicates. Throws if the tiers do not have as many problems. */
  heldOut(options: HeldOutOptions): Problem[];
}

/** Draws a task's held-out set: {@linkcode BuiltInTask.heldOut}. */
export function heldOutProblems(
  task: Pick<BuiltInTask, "problem">,
  { tiers, count, seed }: HeldOutOptions,
): Problem[] {
  if (tiers.length === 0) {
    throw new RangeError("Cannot make a held-out set as 'tiers' must name at least one tier");
  }
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new RangeError(
      `Cannot make a held-out set as 'count' must be a positive integer: ` +
        `current value is ${count}`,
    );
  }
  const random = new Random(seed, "heldout");
  const found = new Map<string, Problem>();
  let misses = 0;
  while (found.size < count) {
    const tier = tiers[found.size % tiers.length];
    const problem = task.problem(random, tier, "heldout");
    if (!found.has(problem.id)) {
      found.set(problem.id, problem);
      misses = 0;
    } else if (++misses === 10_000) {
      throw new RangeError(
        `Cannot make a held-out set of ${count} problems as tier ${tier} has no more of them: ` +
          `found ${found.size}; lower 'count' or add higher tiers`,
      );
    }
  }
  return [...found.values()];
}
