/** Expected values are torch's: tests/parity/adamw.py made tests/fixtures/adamw.json. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "../../src/std/assert.ts";
import * as ops from "../../src/tensor/ops.ts";
import { type Tensor, tensor, TensorError } from "../../src/tensor/tensor.ts";
import { AdamW, clipGradientNorm } from "../../src/training/optimizer.ts";
import { tensorTest } from "../tensors.ts";
import fixture from "../fixtures/adamw.json" with { type: "json" };

type Case = typeof fixture.adamw[number];

const options = { betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0.1 } as const;

/** Leaves of the given shapes, named in an order that is not alphabetical. */
function leaves(values: number[][], shapes: number[][]): Map<string, Tensor> {
  return new Map(values.map((flat, i) => {
    const leaf = tensor(Float32Array.from(flat), shapes[i]);
    ops.requiresGradInPlace(leaf);
    return [`layer.${"bca"[i]}.weight`, leaf];
  }));
}

function setGradients(parameters: Map<string, Tensor>, values: number[][]): void {
  [...parameters.values()].forEach((parameter, i) => {
    parameter.grad = tensor(Float32Array.from(values[i]), parameter.shape);
  });
}

function flat(tensors: Iterable<Tensor>): number[][] {
  return [...tensors].map((one) => one.toNumbers());
}

/** Torch decays vectors too; here they are flattened matrices, [1, n]. */
function asMatrices(of: Case): number[][] {
  return of.shapes.map((shape) => shape.length === 1 ? [1, ...shape] : shape);
}

for (const of of fixture.adamw) {
  tensorTest(`AdamW takes torch's steps, to the bit: ${of.name}`, () => {
    const parameters = leaves(of.initial, asMatrices(of));
    using optimizer = new AdamW(parameters, {
      betas: of.betas as [number, number],
      eps: of.eps,
      weightDecay: of.weight_decay,
    });
    of.lr.forEach((rate, step) => {
      setGradients(parameters, of.grads[step]);
      optimizer.step(rate);
      assertEquals(flat(parameters.values()), of.params[step], `step ${step}`);
    });
    const state = optimizer.stateTensors();
    const names = [...parameters.keys()];
    assertEquals(flat(names.map((name) => state.get(`exp_avg.${name}`)!)), of.exp_avg);
    assertEquals(flat(names.map((name) => state.get(`exp_avg_sq.${name}`)!)), of.exp_avg_sq);
    assertEquals(state.get("step")!.toNumbers(), [5, 5, 5]);
  });
}

for (const of of fixture.clip) {
  tensorTest(`gradients are clipped as torch clips them: ${of.name}`, () => {
    const parameters = leaves(of.grads, of.shapes);
    setGradients(parameters, of.grads);
    const norm = clipGradientNorm(parameters, of.max_norm);
    assertAlmostEquals(norm, of.norm, 1e-6 * of.norm);
    const clipped = flat([...parameters.values()].map((parameter) => parameter.grad!)).flat();
    of.clipped.flat().forEach((expected, i) => {
      assertAlmostEquals(clipped[i], expected, 1e-6 * Math.abs(expected));
    });
  });
}

tensorTest("weight decay applies to matrices, not to vectors", () => {
  const parameters = leaves([[1, 1], [1, 1]], [[1, 2], [2]]);
  using optimizer = new AdamW(parameters, options);
  setGradients(parameters, [[0, 0], [0, 0]]);
  optimizer.step(0.5);
  assertEquals(flat(parameters.values()), [[Math.fround(0.95), Math.fround(0.95)], [1, 1]]);
});

tensorTest("a parameter without a gradient is left alone and its steps are not counted", () => {
  const parameters = leaves([[1, 2], [3, 4]], [[1, 2], [1, 2]]);
  const [first, second] = parameters.values();
  using optimizer = new AdamW(parameters, options);
  first.grad = ops.ones([1, 2]);
  optimizer.step(0.1);
  assertEquals(second.toNumbers(), [3, 4]);
  assert(first.toNumbers()[0] < 1);
  const state = optimizer.stateTensors();
  assertEquals(state.get("step")!.toNumbers(), [1, 0]);
  // Counts stand in the order of the names, whatever the order of the map.
  using reversed = new AdamW(new Map([...parameters].reverse()), options);
  reversed.loadState(state);
  optimizer.step(0);
  reversed.step(0);
  assertEquals(reversed.stateTensors().get("step")!.toNumbers(), [2, 0]);
  assertEquals(state.get("exp_avg.layer.c.weight")!.toNumbers(), [0, 0]);

  optimizer.zeroGrad();
  assertEquals(first.grad, null);
  const before = first.toNumbers();
  optimizer.step(0.1);
  assertEquals(first.toNumbers(), before);
});

tensorTest("a saved and loaded state goes on with the same bits", () => {
  const of = fixture.adamw[0];
  const half = 2;
  const parameters = leaves(of.initial, asMatrices(of));
  const saved = new Map<string, Tensor>();
  {
    using optimizer = new AdamW(parameters, options);
    for (let step = 0; step < half; step++) {
      setGradients(parameters, of.grads[step]);
      optimizer.step(of.lr[step]);
    }
    for (const [name, one] of optimizer.stateTensors()) saved.set(name, ops.clone(one));
  }
  // Another order of the parameters must not matter.
  using optimizer = new AdamW(new Map([...parameters].reverse()), options);
  optimizer.loadState(saved);
  for (let step = half; step < of.lr.length; step++) {
    setGradients(parameters, of.grads[step]);
    optimizer.step(of.lr[step]);
  }
  assertEquals(flat(parameters.values()), of.params.at(-1));
});

tensorTest("a state that does not fit is refused by name, and nothing is copied", () => {
  const parameters = leaves([[1, 2], [3, 4]], [[1, 2], [2]]);
  using optimizer = new AdamW(parameters, options);
  const changed = (name: string, value: Tensor | null): Map<string, Tensor> => {
    const state = new Map([...optimizer.stateTensors()].map(([key, one]) => [key, ops.clone(one)]));
    ops.fillInPlace(state.get("step")!, 9);
    if (value === null) state.delete(name);
    else state.set(name, value);
    return state;
  };
  const refused = (state: Map<string, Tensor>, message: string) =>
    assertThrows(() => optimizer.loadState(state), TensorError, message);
  refused(changed("exp_avg.layer.b.weight", null), "'exp_avg.layer.b.weight' is missing");
  refused(changed("exp_avg.layer.z", ops.ones([1])), "'exp_avg.layer.z' belongs to no parameter");
  refused(
    changed("exp_avg_sq.layer.c.weight", ops.ones([3])),
    "'exp_avg_sq.layer.c.weight' must be float32[2]: it is float32[3]",
  );
  refused(changed("step", ops.ones([2], "int64")), "'step' must be float32[2]: it is int64[2]");
  assertEquals(optimizer.stateTensors().get("step")!.toNumbers(), [0, 0]);
});

tensorTest("a gradient that the fused step cannot read is named", () => {
  const parameters = leaves([[1, 2, 3, 4], [1, 2, 3, 4]], [[2, 2], [2, 2]]);
  using optimizer = new AdamW(parameters, options);
  setGradients(parameters, [[1, 1, 1, 1], [1, 1, 1, 1]]);
  parameters.get("layer.c.weight")!.grad = ops.transpose(ops.ones([2, 2]), 0, 1);
  assertThrows(() => optimizer.step(0.1), TensorError, "parameter 'layer.c.weight'");
  assertEquals(flat(parameters.values()), [[1, 2, 3, 4], [1, 2, 3, 4]]);
  assertEquals(optimizer.stateTensors().get("step")!.toNumbers(), [0, 0]);
});

tensorTest("a norm that is NaN or infinite is returned and not applied", () => {
  const parameters = leaves([[1, 2], [3]], [[2], [1]]);
  assertEquals(clipGradientNorm(parameters, 1), 0);
  for (const bad of [NaN, Infinity]) {
    setGradients(parameters, [[5, bad], [7]]);
    assertEquals(clipGradientNorm(parameters, 1), bad);
    assertEquals(flat([...parameters.values()].map((one) => one.grad!)), [[5, bad], [7]]);
  }
  setGradients(parameters, [[3, 0], [4]]);
  assertEquals(clipGradientNorm(parameters, Infinity), 5);
  // The 1e-6 in the divisor: a norm of 5e-6 is scaled by 4e-6 / 6e-6.
  setGradients(parameters, [[3e-6, 0], [4e-6]]);
  assertAlmostEquals(clipGradientNorm(parameters, 4e-6), 5e-6, 1e-12);
  assertAlmostEquals(parameters.get("layer.b.weight")!.grad!.toNumbers()[0], 2e-6, 1e-12);
  assertThrows(() => clipGradientNorm(parameters, 0), RangeError, "'maxNorm' must be above 0");
});

tensorTest("options out of range are refused", () => {
  const parameters = leaves([[1]], [[1, 1]]);
  const refused = (changes: Partial<ConstructorParameters<typeof AdamW>[1]>, message: string) =>
    assertThrows(() => new AdamW(parameters, { ...options, ...changes }), RangeError, message);
  refused({ betas: [1, 0.9] }, "'betas[0]' must be from 0 to below 1: current value is 1");
  refused({ eps: NaN }, "'eps'");
  refused({ weightDecay: -1 }, "'weightDecay' must be a finite number of at least 0");
  assertThrows(() => new AdamW(new Map(), options), RangeError, "no parameters");
  using optimizer = new AdamW(parameters, options);
  assertThrows(() => optimizer.step(-1), RangeError, "'learningRate'");
});
