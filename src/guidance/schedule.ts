/**
 * What the schedules of the guidance length share.
 *
 * @module
 */
import { checkObservation, checkSetting, type Controller, isCount } from "./controller.ts";

/** How many steps a schedule's decay takes. */
export interface DecaySpec {
  /** ℓ_0, the guidance length in tokens of step 0, at least 0. */
  readonly length: number;
  /** Steps of the whole run: an integer of at least 1. */
  readonly maxSteps: number;
  /** T, the steps that the decay takes, if not the whole run: an integer of at least 1. */
  readonly decaySteps?: number;
}

/**
 * A controller that only counts steps: ℓ_t is `lengthAt(t)` whatever the rewards are, on ungraded
 * steps too. ℓ_min does not bind it: a schedule may reach 0.
 *
 * @param lengthAt ℓ_t in tokens of step t, counted from 0; it must also answer for steps past the end.
 */
export function scheduleController(name: string, lengthAt: (step: number) => number): Controller {
  return {
    name,
    initial: () => ({ step: 0, length: lengthAt(0), history: [] }),
    next(state, observation) {
      checkObservation(name, state, observation);
      const step = state.step + 1;
      return { step, length: lengthAt(step), history: [] };
    },
  };
}

/** The checked ℓ_0 of a schedule. */
export function checkLength(name: string, { length }: { readonly length: number }): number {
  return checkSetting(name, "length", length, "a number of tokens of at least 0", (v) => v >= 0);
}

/** The checked T of a schedule: `decaySteps`, or else `maxSteps`. */
export function checkSteps(name: string, { maxSteps, decaySteps = maxSteps }: DecaySpec): number {
  checkSetting(name, "maxSteps", maxSteps, "an integer of at least 1", isCount);
  return checkSetting(name, "decaySteps", decaySteps, "an integer of at least 1", isCount);
}
