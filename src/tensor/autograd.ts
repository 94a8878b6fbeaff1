/** Gradients: backward passes, gradients of given inputs, grad mode. */
import { adoptMany, fail, native, putTensors, type ScopeResult, type Tensor } from "./tensor.ts";

/** Options of {@linkcode backward} and {@linkcode gradients}. */
export interface BackwardOptions {
  /** Keep the graph for another pass. */
  retainGraph?: boolean;
}

/**
 * Accumulates d(roots)/d(leaf) into every leaf's `grad`. Without `rootGradients` each root must be a scalar.
 */
export function backward(
  roots: Tensor | readonly Tensor[],
  rootGradients?: Tensor | readonly Tensor[],
  options: BackwardOptions = {},
): void {
  const list = "length" in roots ? roots : [roots];
  const given = rootGradients === undefined
    ? []
    : "length" in rootGradients
    ? rootGradients
    : [rootGradients];
  checkGradients("backward", list, given, rootGradients !== undefined);
  putTensors(given, putTensors(list, 0, "backward"), "backward");
  const { retainGraph = false } = options;
  if (native().hr_backward(list.length, given.length > 0 ? 1 : 0, retainGraph ? 1 : 0) < 0) {
    fail("backward", [...list, ...given]);
  }
}

/** d(outputs)/d(inputs), one tensor an input, without touching any `grad`. */
export function gradients(
  outputs: readonly Tensor[],
  inputs: readonly Tensor[],
  outputGradients?: readonly Tensor[],
  options: BackwardOptions = {},
): Tensor[] {
  const given = outputGradients ?? [];
  const op = "gradients";
  checkGradients(op, outputs, given, outputGradients !== undefined);
  putTensors(given, putTensors(inputs, putTensors(outputs, 0, op), op), op);
  const count = native().hr_autograd_grad(
    outputs.length,
    inputs.length,
    given.length > 0 ? 1 : 0,
    options.retainGraph ? 1 : 0,
  );
  if (count < 0) fail(op, [...outputs, ...inputs, ...given]);
  return adoptMany(count);
}

function checkGradients(
  op: string,
  roots: readonly Tensor[],
  given: readonly Tensor[],
  wanted: boolean,
): void {
  if (wanted && given.length !== roots.length) {
    throw new RangeError(`${op} needs a gradient for each of ${roots.length}, got ${given.length}`);
  }
}

/** Runs `fn` without recording a graph. */
export function noGrad<T>(fn: () => ScopeResult<T>): T {
  return withGradMode(false, fn);
}

/** Runs `fn` recording a graph, also inside {@linkcode noGrad}. */
export function enableGrad<T>(fn: () => ScopeResult<T>): T {
  return withGradMode(true, fn);
}

function withGradMode<T>(on: boolean, fn: () => ScopeResult<T>): T {
  const before = native().hr_grad_mode();
  native().hr_set_grad_mode(on ? 1 : 0);
  try {
    return fn() as T;
  } finally {
    native().hr_set_grad_mode(before);
  }
}
