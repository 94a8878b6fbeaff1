import { adaptiveController, type AdaptiveSpec, type Controller } from "../controller.ts";

/** Settings of {@linkcode released}. */
export interface ReleasedSpec extends AdaptiveSpec {
  /** Chooses this controller. */
  readonly controller: "released";
}

/**
 * The rule of the code that was released with the G²RPO-A paper. It acts on every third step only,
 * k mod 3 = 2 with k from 0:
 *
 * ℓ_{k+1} = trunc(ℓ_k · mean(r_{k-2}, r_{k-1}) / r_k), within [ℓ_min, ℓ_max].
 *
 * ℓ is kept on the other steps, when one of the three rewards is missing or not above 0, and when
 * the ratio is 1. Because of the truncation a length of 1 grows again only by a ratio of 2 or more.
 *
 * @throws {RangeError} A setting is out of range.
 */
export function released(spec: ReleasedSpec): Controller {
  const controller = adaptiveController(spec.controller, spec, ({ length, history }, r) => {
    const rewards = [...history, r];
    if (rewards.length < 3 || rewards.some((reward) => reward <= 0)) {
      return { length, history: rewards };
    }
    const ratio = (rewards[0] + rewards[1]) / 2 / r;
    return { length: ratio === 1 ? length : Math.trunc(length * ratio), history: rewards };
  });
  return {
    ...controller,
    // A cycle of three begins without memory, so three rewards are there on its last step only, and
    // not if one of its steps was ungraded.
    next: (state, observation) =>
      controller.next(state.step % 3 === 0 ? { ...state, history: [] } : state, observation),
  };
}
