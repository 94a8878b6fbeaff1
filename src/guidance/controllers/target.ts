import {
  adaptiveController,
  type AdaptiveSpec,
  checkSetting,
  type Controller,
} from "../controller.ts";

/** Settings of {@linkcode target}. */
export interface TargetSpec extends AdaptiveSpec {
  /** Chooses this controller. */
  readonly controller: "target";
  /** The mean guided reward to hold, between 0 and 1; 0.5 by default. */
  readonly target?: number;
  /** Tokens to move for a reward that is off by 1: above 0, 8 by default. Longer traces want more. */
  readonly gain?: number;
}

/**
 * Holds the success rate of the guided rollouts at a target: ℓ_{k+1} = ℓ_k + gain · (target − guided
 * reward), within [ℓ_min, ℓ_max]. Handrail's own: unlike the ratio of Eq. 6 it has a fixed point. ℓ
 * is kept when no guided completion was graded.
 *
 * @throws {RangeError} A setting is out of range.
 */
export function target(spec: TargetSpec): Controller {
  const { controller, target = 0.5, gain = 8 } = spec;
  checkSetting(controller, "target", target, "between 0 and 1", (v) => v >= 0 && v <= 1);
  checkSetting(controller, "gain", gain, "a number of tokens above 0", (v) => v > 0);
  return adaptiveController(controller, spec, ({ length, history }, _reward, { guidedReward }) => ({
    length: guidedReward === null ? length : length + gain * (target - guidedReward),
    history,
  }));
}
