import { checkSetting, type Controller } from "../controller.ts";
import { checkLength, checkSteps, type DecaySpec, scheduleController } from "../schedule.ts";

/** Settings of {@linkcode rdp}. */
export interface RdpSpec extends DecaySpec {
  /** Chooses this schedule. */
  readonly controller: "rdp";
  /** ℓ_end in tokens, the length of the last step: from 0 (the default) to `length`. */
  readonly endLength?: number;
}

/**
 * The rule-based decay policy of the G²RPO-A paper's Tables 11 and 12, as its released code has it:
 * ℓ_t = trunc(ℓ_0 − (ℓ_0 − ℓ_end) · t / (T − 1)), never below ℓ_end. Unlike linear decay it reaches
 * ℓ_end on the last step and not after it. With T = 1 it is ℓ_end at once.
 *
 * @throws {RangeError} A setting is out of range.
 */
export function rdp(spec: RdpSpec): Controller {
  const { controller, endLength = 0 } = spec;
  const length = checkLength(controller, spec);
  const total = checkSteps(controller, spec);
  checkSetting(
    controller,
    "endLength",
    endLength,
    `between 0 and 'length' (${length})`,
    (v) => v >= 0 && v <= length,
  );
  return scheduleController(controller, (t) => {
    const progress = total === 1 ? 1 : Math.min(t / (total - 1), 1);
    return Math.max(endLength, Math.trunc(length - progress * (length - endLength)));
  });
}
