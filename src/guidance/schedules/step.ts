import { checkSetting, type Controller, isCount } from "../controller.ts";
import { checkLength, checkSteps, type DecaySpec, scheduleController } from "../schedule.ts";

/** Settings of {@linkcode step}. */
export interface StepSpec extends DecaySpec {
  /** Chooses this schedule. */
  readonly controller: "step";
  /** γ, the factor of each stage: above 0 and below 1, 0.5 by default. */
  readonly decay?: number;
  /**
   * s, the steps of a stage: an integer of at least 1. By default a quarter of `decaySteps`, or else
   * of `maxSteps`, which makes four stages.
   */
  readonly interval?: number;
}

/**
 * Stepwise decay (Eq. 5): ℓ_t = ℓ_0 · γ^⌊t/s⌋.
 *
 * @throws {RangeError} A setting is out of range.
 */
export function step(spec: StepSpec): Controller {
  const { controller, decay = 0.5 } = spec;
  const length = checkLength(controller, spec);
  const total = checkSteps(controller, spec);
  const { interval = Math.ceil(total / 4) } = spec;
  checkSetting(controller, "decay", decay, "above 0 and below 1", (v) => v > 0 && v < 1);
  checkSetting(controller, "interval", interval, "an integer of at least 1", isCount);
  return scheduleController(controller, (t) => length * decay ** Math.floor(t / interval));
}
