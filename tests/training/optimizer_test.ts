/** Expected values are torch's: tests/parity/adamw.py made tests/fixtures/adamw.json. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "../../src/std/assert.ts";
import { noGrad } from "../../src/tensor/autograd.ts";
import * as ops from "../../src/tensor/ops.ts";
import { scope, type Tensor, tensor, TensorError } from "../../src/tensor/tensor.ts";
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
function asMatrices(of: Pick<Case, "shapes">): number[][] {
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

/** bfloat16 leaves of values that bfloat16 holds. */
function lowLeaves(values: number[][], shapes: number[][]): Map<string, Tensor> {
  return new Map([...leaves(values, shapes)].map(([name, leaf]) => {
    const low = noGrad(() => ops.toDtype(leaf, "bfloat16"));
    ops.requiresGradInPlace(low);
    return [name, low];
  }));
}

function setLowGradients(parameters: Map<string, Tensor>, values: number[][]): void {
  [...parameters.values()].forEach((parameter, i) => {
    const gradient = tensor(Float32Array.from(values[i]), parameter.shape);
    parameter.grad = ops.toDtype(gradient, "bfloat16");
  });
}

function wide(tensors: Iterable<Tensor>): number[][] {
  return [...tensors].map((one) => ops.toDtype(one, "float32").toNumbers());
}

type MasterCase = typeof fixture.master[number];

/** Takes the steps of a case from `first` on, checking the parameters after each. */
function takeSteps(
  of: MasterCase,
  parameters: Map<string, Tensor>,
  optimizer: AdamW,
  first = 0,
  last = of.lr.length,
): void {
  for (let step = first; step < last; step++) {
    optimizer.zeroGrad();
    for (const gradients of of.grads[step]) {
      setLowGradients(parameters, gradients);
      optimizer.collect();
    }
    optimizer.step(of.lr[step]);
    assertEquals(wide(parameters.values()), of.params[step], `step ${step}`);
  }
}

function masterOptimizer(of: MasterCase, parameters: Map<string, Tensor>): AdamW {
  const { betas, eps, weight_decay: weightDecay } = of;
  return new AdamW(parameters, { betas: betas as [number, number], eps, weightDecay });
}

for (const of of fixture.master) {
  tensorTest(`bfloat16 parameters follow float32 masters, to torch's bits: ${of.name}`, () => {
    const parameters = lowLeaves(of.initial, asMatrices(of));
    using optimizer = masterOptimizer(of, parameters);
    takeSteps(of, parameters, optimizer);
    assert([...parameters.values()].every((one) => one.dtype === "bfloat16"));
    const state = optimizer.stateTensors();
    for (
      const [key, want] of [["master", of.master], ["exp_avg", of.exp_avg], [
        "exp_avg_sq",
        of.exp_avg_sq,
      ]] as const
    ) {
      const own = [...parameters.keys()].map((name) => state.get(`${key}.${name}`)!);
      assertEquals(flat(own), want, key);
    }
  });

  tensorTest(`master copies are saved and loaded, and go on with the same bits: ${of.name}`, () => {
    const parameters = lowLeaves(of.initial, asMatrices(of));
    const saved = new Map<string, Tensor>(), half = 2;
    {
      using optimizer = masterOptimizer(of, parameters);
      takeSteps(of, parameters, optimizer, 0, half);
      for (const [name, one] of optimizer.stateTensors()) saved.set(name, ops.clone(one));
    }
    using optimizer = masterOptimizer(of, new Map([...parameters].reverse()));
    optimizer.loadState(saved);
    takeSteps(of, parameters, optimizer, half);
    // Without the master copies the run would go on from rounded weights.
    saved.delete("master.layer.b.weight");
    assertThrows(
      () => optimizer.loadState(saved),
      TensorError,
      "'master.layer.b.weight' is missing",
    );
  });
}

tensorTest("a rate of 1e-6 is lost in bfloat16 weights and kept by their masters", () => {
  const start = [[1, -1, 0.5, 2]], steps = 6000;
  const parameters = lowLeaves(start, [[2, 2]]);
  const bare = lowLeaves(start, [[2, 2]]);
  using optimizer = new AdamW(parameters, { ...options, weightDecay: 0 });
  for (let step = 0; step < steps; step++) {
    scope(() => {
      optimizer.zeroGrad();
      setLowGradients(parameters, [[1, 1, 1, 1]]);
      optimizer.step(1e-6);
      // What a step without master copies does: Adam's is of the size of the rate.
      noGrad(() => {
        for (const one of bare.values()) ops.addScalarInPlace(one, -1e-6);
      });
    });
  }
  assertEquals(wide(bare.values()), start);
  const [master] = flat([optimizer.stateTensors().get("master.layer.b.weight")!]);
  master.forEach((value, i) => assertAlmostEquals(value, start[0][i] - steps * 1e-6, 4e-4));
  const [moved] = wide(parameters.values());
  moved.forEach((value, i) =>
    assertAlmostEquals(value, master[i], 2 ** -8 * Math.abs(start[0][i]))
  );
  assert(moved.every((value, i) => value < start[0][i]));
});

tensorTest("gradients of micro-batches add up in float32, also beside float32 parameters", () => {
  const low = lowLeaves([[1, 1]], [[1, 2]]), exact = leaves([[2, 2]], [[1, 2]]);
  const [small, large] = [...low.values(), ...exact.values()];
  const parameters = new Map([["a", large], ["b", small]]);
  using optimizer = new AdamW(parameters, options);
  const ones = [1, ...new Array<number>(256).fill(2 ** -9)]; // in bfloat16, 1 + 2^-9 is 1
  for (const value of ones) {
    scope(() => {
      setLowGradients(low, [[value, 0]]);
      const gradient = tensor([[0, value]]);
      if (large.grad === null) large.grad = gradient;
      else ops.addInPlace(large.grad, gradient);
      optimizer.collect();
    });
  }
  assertEquals(small.grad, null);
  assertAlmostEquals(optimizer.clipGradientNorm(Infinity), 1.5 * Math.SQRT2, 1e-6);
  // Clipping reaches both kinds; what was not collected yet counts too.
  setLowGradients(low, [[-0.5, 0]]);
  assertAlmostEquals(optimizer.clipGradientNorm(0.5), Math.hypot(1, 1.5), 1e-6);
  assertAlmostEquals(optimizer.clipGradientNorm(Infinity), 0.5, 1e-6);
  optimizer.step(0.1);
  const state = optimizer.stateTensors();
  assertAlmostEquals(state.get("exp_avg.b")!.toNumbers()[0], 0.1 * 0.5 / Math.hypot(1, 1.5), 1e-6);
  assertEquals(state.get("step")!.toNumbers(), [1, 1]);
  optimizer.zeroGrad();
  assertEquals(optimizer.clipGradientNorm(1), 0);
});

tensorTest("a bfloat16 parameter without a gradient is left alone", () => {
  const parameters = lowLeaves([[1, 2], [3, 4]], [[1, 2], [1, 2]]);
  using optimizer = new AdamW(parameters, options);
  const [first, second] = parameters.values();
  first.grad = ops.ones([1, 2], "bfloat16");
  optimizer.step(0.1);
  assertEquals(wide([second]), [[3, 4]]);
  assert(wide([first])[0][0] < 1);
  assertEquals(optimizer.stateTensors().get("step")!.toNumbers(), [1, 0]);
});

tensorTest("the optimizer clips float32 gradients with the same bits as the function", () => {
  const [of] = fixture.clip;
  const one = leaves(of.grads, of.shapes), other = leaves(of.grads, of.shapes);
  setGradients(one, of.grads);
  setGradients(other, of.grads);
  using optimizer = new AdamW(one, options);
  assertEquals(optimizer.clipGradientNorm(of.max_norm), clipGradientNorm(other, of.max_norm));
  const bits = (of: Map<string, Tensor>) => flat([...of.values()].map((leaf) => leaf.grad!));
  assertEquals(bits(one), bits(other));
  assertThrows(() => optimizer.clipGradientNorm(0), RangeError, "'maxNorm' must be above 0");
});

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
