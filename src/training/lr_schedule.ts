/**
 * Learning-rate schedules: the rate of a step as a function of the step's number alone, so that
 * there is nothing to save and a resumed run goes on with the same rates.
 *
 * @module
 */

/**
 * How the rate goes on after the warm-up. The names are those of Transformers' `lr_scheduler_type`.
 *
 * - `constant`, `constant_with_warmup`: the rate stays. The two differ in Transformers, where
 *   `constant` ignores a warm-up; here a warm-up that is asked for is done.
 * - `linear`: a straight line to 0 at `maxSteps`.
 * - `cosine`: half a cosine to 0 at `maxSteps`.
 * - `cosine_with_min_lr`: half a cosine to `minLrRate` times the rate.
 */
export type LearningRateType =
  | "constant"
  | "constant_with_warmup"
  | "linear"
  | "cosine"
  | "cosine_with_min_lr";

/** The names of all schedules. */
export const LEARNING_RATE_TYPES: readonly LearningRateType[] = [
  "constant",
  "constant_with_warmup",
  "linear",
  "cosine",
  "cosine_with_min_lr",
];

/** Options of {@linkcode learningRate}. */
export interface LearningRateOptions {
  /** The highest rate, reached at the end of the warm-up. */
  readonly learningRate: number;
  /** The schedule. */
  readonly type: LearningRateType;
  /** Steps of the whole run. */
  readonly maxSteps: number;
  /** Steps of the warm-up, a straight line from 0 at step 0; 0 by default. */
  readonly warmupSteps?: number;
  /** The warm-up as a share of `maxSteps`, rounded up; in place of `warmupSteps`. */
  readonly warmupRatio?: number;
  /** What `cosine_with_min_lr` ends at, as a share of `learningRate`; other schedules ignore it. */
  readonly minLrRate?: number;
}

/**
 * The learning rate of one step, as Transformers' `get_scheduler` has it.
 *
 * @param step The step's number, from 0. The first step of a warm-up has rate 0.
 * @throws {RangeError} If the step or an option is out of its range, or both forms of a warm-up are
 * given.
 *
 * @example
 * ```ts
 * import { learningRate } from "./lr_schedule.ts";
 *
 * const options = { learningRate: 1e-3, type: "linear", maxSteps: 10, warmupSteps: 2 } as const;
 * console.log(learningRate(1, options)); // 0.0005
 * console.log(learningRate(6, options)); // 0.0005
 * ```
 */
export function learningRate(step: number, options: LearningRateOptions): number {
  const { maxSteps, type } = options;
  const warmupSteps = warmup(options);
  requireRange(
    "step",
    step,
    Number.isInteger(step) && step >= 0 && step <= maxSteps,
    `an integer from 0 to max_steps (${maxSteps})`,
  );
  if (step < warmupSteps) return options.learningRate * (step / warmupSteps);
  const length = Math.max(1, maxSteps - warmupSteps);
  const cosine = () => 0.5 * (1 + Math.cos(Math.PI * ((step - warmupSteps) / length)));
  switch (type) {
    case "constant":
    case "constant_with_warmup":
      return options.learningRate;
    case "linear":
      return options.learningRate * Math.max(0, (maxSteps - step) / length);
    case "cosine":
      return options.learningRate * Math.max(0, cosine());
    case "cosine_with_min_lr": {
      const floor = options.minLrRate;
      requireRange("min_lr_rate", floor, isShare(floor), "given and from 0 to 1");
      return options.learningRate * Math.max(0, cosine() * (1 - floor!) + floor!);
    }
    default:
      throw new RangeError(
        `Cannot compute the learning rate as 'lr_scheduler_type' must be one of ` +
          `${LEARNING_RATE_TYPES.join(", ")}: current value is ${type satisfies never}`,
      );
  }
}

/** The number of warm-up steps, from either form, with all options checked. */
function warmup(options: LearningRateOptions): number {
  const { maxSteps, warmupSteps = 0, warmupRatio = 0 } = options;
  const rate = options.learningRate;
  requireRange("learning_rate", rate, Number.isFinite(rate) && rate >= 0, "a number of at least 0");
  requireRange(
    "max_steps",
    maxSteps,
    Number.isInteger(maxSteps) && maxSteps >= 1,
    "a positive integer",
  );
  requireRange(
    "warmup_steps",
    warmupSteps,
    Number.isInteger(warmupSteps) && warmupSteps >= 0,
    "an integer of at least 0 (for a share of the run set warmup_ratio)",
  );
  requireRange(
    "warmup_ratio",
    warmupRatio,
    isShare(warmupRatio),
    "from 0 to 1 (for a number of steps set warmup_steps)",
  );
  if (warmupSteps > 0 && warmupRatio > 0) {
    throw new RangeError(
      `Cannot compute the learning rate as 'warmup_steps' (${warmupSteps}) and 'warmup_ratio' ` +
        `(${warmupRatio}) are both set: leave one at 0`,
    );
  }
  return warmupSteps > 0 ? warmupSteps : Math.ceil(maxSteps * warmupRatio);
}

function isShare(value: number | undefined): boolean {
  return value !== undefined && value >= 0 && value <= 1;
}

function requireRange(name: string, value: unknown, holds: boolean, range: string): void {
  if (holds) return;
  throw new RangeError(
    `Cannot compute the learning rate as '${name}' must be ${range}: current value is ${value}`,
  );
}
