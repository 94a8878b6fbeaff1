import { type Controller } from "../controller.ts";
import { checkLength, checkSteps, type DecaySpec, scheduleController } from "../schedule.ts";

/** Settings of {@linkcode linear}. */
export interface LinearSpec extends DecaySpec {
  /** Chooses this schedule. */
  readonly controller: "linear";
}

/**
 * Linear decay (Eq. 5): ℓ_t = ℓ_0 (1 − t/T), and 0 from step T on.
 *
 * @throws {RangeError} A setting is out of range.
 */
export function linear(spec: LinearSpec): Controller {
  const length = checkLength(spec.controller, spec);
  const total = checkSteps(spec.controller, spec);
  return scheduleController(spec.controller, (t) => length * (1 - Math.min(t / total, 1)));
}
