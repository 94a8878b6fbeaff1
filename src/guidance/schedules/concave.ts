import { checkSetting, type Controller } from "../controller.ts";
import { checkLength, checkSteps, type DecaySpec, scheduleController } from "../schedule.ts";

/** Settings of {@linkcode concave}. */
export interface ConcaveSpec extends DecaySpec {
  /** Chooses this schedule. */
  readonly controller: "concave";
  /** The exponent, β in the paper: above 0, 2 by default. 1 is linear decay. */
  readonly exponent?: number;
}

/**
 * Concave decay (Eq. 5): ℓ_t = ℓ_0 (1 − t/T)^exponent, and 0 from step T on. The name is the paper's,
 * which asks for an exponent above 1; the curve is then convex, and concave for one below 1.
 *
 * @throws {RangeError} A setting is out of range.
 */
export function concave(spec: ConcaveSpec): Controller {
  const { controller, exponent = 2 } = spec;
  const length = checkLength(controller, spec);
  const total = checkSteps(controller, spec);
  checkSetting(controller, "exponent", exponent, "a number above 0", (v) => v > 0);
  return scheduleController(
    controller,
    (t) => length * (1 - Math.min(t / total, 1)) ** exponent,
  );
}
