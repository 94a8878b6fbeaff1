import {
  adaptiveController,
  type AdaptiveSpec,
  checkWindow,
  type Controller,
  remember,
  rewardRatio,
  type WindowSpec,
} from "../controller.ts";

/** Settings of {@linkcode printed}. */
export interface PrintedSpec extends AdaptiveSpec, WindowSpec {
  /** Chooses this controller. */
  readonly controller: "printed";
}

/**
 * Eq. 6 of the G²RPO-A paper exactly as printed, T = 2 by default:
 *
 * ℓ_{k+1} = ℓ_k · m · r_k / (r_{k-1} + … + r_{k-m}), m = min(T, k), within [ℓ_min, ℓ_max].
 *
 * It lengthens the guidance when rewards rise, against the paper's own text and code. It is here so
 * that this can be shown; train with `g2rpo_a`.
 *
 * @throws {RangeError} A setting is out of range.
 */
export function printed(spec: PrintedSpec): Controller {
  const window = checkWindow(spec.controller, spec);
  return adaptiveController(spec.controller, spec, (state, reward) => ({
    length: state.length / rewardRatio(state, reward),
    history: remember(state, reward, window),
  }));
}
