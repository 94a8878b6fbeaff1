import type { Controller, ControllerState, Observation } from "../../src/guidance/controller.ts";

/** What a step observed. Unless told otherwise the guided reward equals the reward. */
export function observe(
  step: number,
  reward: number | null,
  guidedReward: number | null = reward,
): Observation {
  return { step, reward, guidedReward, unguidedReward: null };
}

/** The states that a controller goes through, one more than there are rewards. */
export function follow(
  controller: Controller,
  rewards: readonly (number | null)[],
  start: ControllerState = controller.initial(),
): ControllerState[] {
  const states = [start];
  for (const reward of rewards) {
    const state = states[states.length - 1];
    states.push(controller.next(state, observe(state.step, reward)));
  }
  return states;
}

/** The guidance lengths ℓ_0, ℓ_1, … that a controller sets. */
export function lengths(controller: Controller, rewards: readonly (number | null)[]): number[] {
  return follow(controller, rewards).map((state) => state.length);
}
