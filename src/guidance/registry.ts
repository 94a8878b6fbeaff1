/**
 * Every controller and schedule of the guidance length, by the name that a config uses.
 *
 * @module
 */
import type { Controller } from "./controller.ts";
import { additive, type AdditiveSpec } from "./controllers/additive.ts";
import { g2rpoA, type G2rpoASpec } from "./controllers/g2rpo_a.ts";
import { printed, type PrintedSpec } from "./controllers/printed.ts";
import { released, type ReleasedSpec } from "./controllers/released.ts";
import { target, type TargetSpec } from "./controllers/target.ts";
import { concave, type ConcaveSpec } from "./schedules/concave.ts";
import { fixed, type FixedSpec } from "./schedules/fixed.ts";
import { linear, type LinearSpec } from "./schedules/linear.ts";
import { rdp, type RdpSpec } from "./schedules/rdp.ts";
import { step, type StepSpec } from "./schedules/step.ts";

/** Settings of a controller or schedule, told apart by `controller`. */
export type ControllerSpec =
  | G2rpoASpec
  | ReleasedSpec
  | AdditiveSpec
  | PrintedSpec
  | TargetSpec
  | FixedSpec
  | LinearSpec
  | ConcaveSpec
  | StepSpec
  | RdpSpec;

/** The name of a controller or schedule. */
export type ControllerName = ControllerSpec["controller"];

const factories: {
  readonly [Name in ControllerName]: (
    spec: Extract<ControllerSpec, { controller: Name }>,
  ) => Controller;
} = {
  g2rpo_a: g2rpoA,
  released,
  additive,
  printed,
  target,
  fixed,
  linear,
  concave,
  step,
  rdp,
};

/** The names of all controllers and schedules. */
export const controllerNames: readonly ControllerName[] = Object.keys(
  factories,
) as ControllerName[];

/**
 * The controller or schedule that a spec describes. Settings that belong to others are ignored, so
 * that a sweep may change `controller` over one set of settings.
 *
 * @throws {RangeError} The name is unknown, or a setting is out of range.
 *
 * @example
 * ```ts
 * const controller = createController({ controller: "g2rpo_a", length: 40, maxLength: 65 });
 * let state = controller.initial();
 * for (const [step, reward] of [0.2, 0.25].entries()) {
 *   state = controller.next(state, { step, reward, guidedReward: null, unguidedReward: null });
 * }
 * state.length; // 32: the reward rose by a quarter, so the guidance shrank by a fifth
 * ```
 */
export function createController(spec: ControllerSpec): Controller {
  if (!Object.hasOwn(factories, spec.controller)) {
    throw new RangeError(
      `Cannot create a guidance controller as 'controller' must be one of ` +
        `${controllerNames.join(", ")}: current value is ${JSON.stringify(spec.controller)}`,
    );
  }
  return (factories[spec.controller] as (spec: ControllerSpec) => Controller)(spec);
}
