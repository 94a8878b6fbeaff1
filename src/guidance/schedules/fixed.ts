import { type Controller } from "../controller.ts";
import { checkLength, scheduleController } from "../schedule.ts";

/** Settings of {@linkcode fixed}. */
export interface FixedSpec {
  /** Chooses this schedule. */
  readonly controller: "fixed";
  /** ℓ, the guidance length in tokens of every step, at least 0. */
  readonly length: number;
}

/**
 * The same guidance length at every step; with a ratio of 1 the naive guidance of the G²RPO-A paper.
 *
 * @throws {RangeError} The length is out of range.
 */
export function fixed(spec: FixedSpec): Controller {
  const length = checkLength(spec.controller, spec);
  return scheduleController(spec.controller, () => length);
}
