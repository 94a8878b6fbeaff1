import {
  adaptiveController,
  type AdaptiveSpec,
  checkWindow,
  type Controller,
  remember,
  rewardRatio,
  type WindowSpec,
} from "../controller.ts";

/** Settings of {@linkcode g2rpoA}. */
export interface G2rpoASpec extends AdaptiveSpec, WindowSpec {
  /** Chooses this controller. */
  readonly controller: "g2rpo_a";
}

/**
 * The adaptive guidance of G²RPO-A (Eq. 6, T = 2 by default):
 *
 * ℓ_{k+1} = clamp(ℓ_k · mean(r_{k-1}, …, r_{k-m}) / r_k, ℓ_min, ℓ_max), m = min(T, k).
 *
 * The paper prints the fraction upside down; this follows its text, by which rising rewards shorten
 * the guidance. See `printed` for the other way. ℓ is kept while there is no history and when a
 * reward in the ratio is not above 0.
 *
 * @throws {RangeError} A setting is out of range.
 */
export function g2rpoA(spec: G2rpoASpec): Controller {
  const window = checkWindow(spec.controller, spec);
  return adaptiveController(spec.controller, spec, (state, reward) => ({
    length: state.length * rewardRatio(state, reward),
    history: remember(state, reward, window),
  }));
}
