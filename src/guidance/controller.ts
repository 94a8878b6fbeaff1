/**
 * What sets the guidance length ℓ from step to step. A controller is a pure function over a small
 * state that JSON can carry, so that resuming a run is reading that state back.
 *
 * Two kinds share the one interface: adaptive controllers, which answer to the rewards (Eq. 6), and
 * schedules, which only count steps (Eq. 5).
 *
 * @module
 */

/** What a step of training tells the controller. A reward is `null` where nothing was graded. */
export interface Observation {
  /** The step k that was just made, counted from 0. It must be the state's `step`. */
  readonly step: number;
  /** r_k: the mean reward over all graded completions of the step, guided or not. */
  readonly reward: number | null;
  /** Mean reward of the guided completions alone. */
  readonly guidedReward: number | null;
  /** Mean reward of the unguided completions alone. */
  readonly unguidedReward: number | null;
}

/** All that a controller remembers: plain numbers, part of a checkpoint. */
export interface ControllerState {
  /** The step k that `length` is for, counted from 0. */
  readonly step: number;
  /** Guidance length ℓ_k in tokens, a real number; rounded only where tokens are cut. */
  readonly length: number;
  /** The rewards of earlier steps that the rule still needs, oldest first. */
  readonly history: readonly number[];
}

/** Sets the guidance length of the next step. Both methods are pure. */
export interface Controller {
  /** The name in the registry, and in a config. */
  readonly name: string;
  /** The state at step 0, with ℓ_0. */
  initial(): ControllerState;
  /**
   * The state of step k + 1, from that of step k and what step k observed.
   *
   * @throws {RangeError} A reward is NaN or infinite, or the observation is of another step.
   */
  next(state: ControllerState, observation: Observation): ControllerState;
}

/** Settings that every adaptive controller has. */
export interface AdaptiveSpec {
  /** ℓ_0, the guidance length in tokens to start from. */
  readonly length: number;
  /** ℓ_min in tokens, at least 1 (the default), so that a product can recover. */
  readonly minLength?: number;
  /**
   * ℓ_max in tokens; 3,072 by default, the paper's budget. Set it to about the longest trace: a
   * length beyond every trace changes nothing, and takes the rule as long to come back from.
   */
  readonly maxLength?: number;
}

/** How far back a rule looks. */
export interface WindowSpec {
  /** T, the number of rewards that the rule compares with: an integer of at least 1, 2 by default. */
  readonly window?: number;
}

/** What a rule decides on a graded step: the next length, before it is clamped, and what to remember. */
export interface Decision {
  /** ℓ_{k+1} in tokens, any real number. */
  readonly length: number;
  /** Rewards to remember, oldest first. */
  readonly history: readonly number[];
}

/** The rule of an adaptive controller. It sees graded steps only. */
export type AdaptiveRule = (
  state: ControllerState,
  reward: number,
  observation: Observation,
) => Decision;

/**
 * A controller that follows the rewards. This adds to the rule what all such controllers share:
 * checked settings and observations, ℓ within [ℓ_min, ℓ_max], and a step with nothing graded leaves
 * length and history as they were.
 *
 * @throws {RangeError} A length is out of range, or ℓ_0 outside [ℓ_min, ℓ_max].
 */
export function adaptiveController(
  name: string,
  { length, minLength = 1, maxLength = 3072 }: AdaptiveSpec,
  rule: AdaptiveRule,
): Controller {
  checkSetting(name, "minLength", minLength, "a number of at least 1", (v) => v >= 1);
  checkSetting(
    name,
    "maxLength",
    maxLength,
    `a number of at least 'minLength' (${minLength})`,
    (v) => v >= minLength,
  );
  checkSetting(
    name,
    "length",
    length,
    `between 'minLength' (${minLength}) and 'maxLength' (${maxLength})`,
    (v) => v >= minLength && v <= maxLength,
  );
  return {
    name,
    initial: () => ({ step: 0, length, history: [] }),
    next(state, observation) {
      checkObservation(name, state, observation);
      const step = state.step + 1;
      if (observation.reward === null) return { ...state, step };
      const decision = rule(state, observation.reward, observation);
      return {
        step,
        length: Math.min(maxLength, Math.max(minLength, decision.length)),
        history: decision.history,
      };
    },
  };
}

/** The last `window` rewards, r_k included, oldest first. */
export function remember(
  { history }: ControllerState,
  reward: number,
  window: number,
): readonly number[] {
  return [...history, reward].slice(-window);
}

/**
 * mean(r_{k-1}, …, r_{k-m}) / r_k, the factor of Eq. 6; 1, which keeps ℓ, without history or if a
 * reward in it is not above 0 (a ratio of such rewards says nothing).
 *
 * It is taken as the mean of the quotients. Each is at most 1 when r_k is the largest, and so is
 * their mean, exactly; a mean of the rewards could be rounded above r_k and lengthen by a hair.
 */
export function rewardRatio({ history }: ControllerState, reward: number): number {
  if (history.length === 0 || reward <= 0 || history.some((earlier) => earlier <= 0)) return 1;
  return history.reduce((sum, earlier) => sum + earlier / reward, 0) / history.length;
}

/** The checked window T of a spec. */
export function checkWindow(name: string, { window = 2 }: WindowSpec): number {
  return checkSetting(name, "window", window, "an integer of at least 1", isCount);
}

/** Whether a setting is a whole number of at least 1. */
export function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 1;
}

/**
 * Gives back a controller's setting that is a finite number and passes `valid`.
 *
 * @throws {RangeError} Names controller, key, value and what would be right.
 */
export function checkSetting(
  name: string,
  key: string,
  value: number,
  requirement: string,
  valid: (value: number) => boolean,
): number {
  if (Number.isFinite(value) && valid(value)) return value;
  throw new RangeError(
    `Cannot create controller '${name}' as '${key}' must be ${requirement}: ` +
      `current value is ${show(value)}`,
  );
}

/**
 * A controller's state as read from a checkpoint.
 *
 * @throws {TypeError} The value is not a state; the message names the field.
 */
export function parseControllerState(value: unknown): ControllerState {
  const { step, length, history } = (value ?? {}) as Record<string, unknown>;
  const refuse = (key: string, requirement: string, current: unknown) => {
    throw new TypeError(
      `Cannot restore the guidance controller as '${key}' must be ${requirement}: current value ` +
        `is ${show(current)}; resume from another checkpoint`,
    );
  };
  if (!Number.isInteger(step) || (step as number) < 0) {
    refuse("step", "an integer of at least 0", step);
  }
  if (!Number.isFinite(length) || (length as number) < 0) {
    refuse("length", "a number of at least 0", length);
  }
  if (!Array.isArray(history) || !history.every((reward) => Number.isFinite(reward))) {
    refuse("history", "a list of numbers", history);
  }
  return { step: step as number, length: length as number, history: history as number[] };
}

/**
 * Refuses what no controller can use.
 *
 * @throws {RangeError} A reward is NaN or infinite, or the observation is of another step.
 */
export function checkObservation(
  name: string,
  state: ControllerState,
  observation: Observation,
): void {
  if (observation.step !== state.step) {
    throw new RangeError(
      `Cannot advance controller '${name}' as 'step' must be the step of its state ` +
        `(${state.step}): current value is ${show(observation.step)}`,
    );
  }
  for (const key of ["reward", "guidedReward", "unguidedReward"] as const) {
    const reward = observation[key];
    if (reward !== null && !Number.isFinite(reward)) {
      throw new RangeError(
        `Cannot advance controller '${name}' at step ${state.step} as '${key}' must be a finite ` +
          `number, or null where nothing was graded: current value is ${show(reward)}; ` +
          `correct the reward function that returned it`,
      );
    }
  }
}

function show(value: unknown): string {
  return typeof value === "number" ? String(value) : JSON.stringify(value) ?? String(value);
}
