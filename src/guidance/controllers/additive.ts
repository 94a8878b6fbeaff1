import {
  adaptiveController,
  type AdaptiveSpec,
  checkSetting,
  checkWindow,
  type Controller,
  remember,
  type WindowSpec,
} from "../controller.ts";

/** Settings of {@linkcode additive}. */
export interface AdditiveSpec extends AdaptiveSpec, WindowSpec {
  /** Chooses this controller. */
  readonly controller: "additive";
  /** Δ, the tokens to add or take away a step: above 0, 8 by default. */
  readonly delta?: number;
}

/**
 * Fixed strides instead of a ratio, as one summary of the G²RPO-A paper describes it: ℓ shrinks by
 * Δ when r_k is above the mean of the last m rewards, r_k included, and grows by Δ when it is below;
 * m = min(T, k + 1) with k from 0, T = 2 by default. At the mean ℓ is kept, so T = 1 never moves.
 *
 * @throws {RangeError} A setting is out of range.
 */
export function additive(spec: AdditiveSpec): Controller {
  const { controller, delta = 8 } = spec;
  const window = checkWindow(controller, spec);
  checkSetting(controller, "delta", delta, "a number of tokens above 0", (v) => v > 0);
  return adaptiveController(controller, spec, (state, reward) => {
    const history = remember(state, reward, window);
    // The sign of mean − r_k, from differences: exactly 0 for equal rewards, which a mean is not.
    const side = Math.sign(history.reduce((sum, earlier) => sum + (earlier - reward), 0));
    return { length: state.length + side * delta, history };
  });
}
