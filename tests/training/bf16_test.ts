/** bfloat16 weights through every part of training: sampling, log-probabilities, both backward passes, the optimizer. */
import { tokenLogProbs } from "../../src/algorithms/token_log_probs.ts";
import { generate } from "../../src/engine/generate.ts";
import { sample } from "../../src/engine/sampling.ts";
import { type CausalLM } from "../../src/models/model.ts";
import { modelPresets } from "../../src/models/presets.ts";
import { randomModel } from "../../src/models/random.ts";
import { planModel } from "../../src/models/registry.ts";
import { noGrad } from "../../src/tensor/autograd.ts";
import * as ops from "../../src/tensor/ops.ts";
import { manualSeed, scope, type Tensor } from "../../src/tensor/tensor.ts";
import { completionBatch, predictingStates, scatterStates } from "../../src/training/batches.ts";
import { AdamW } from "../../src/training/optimizer.ts";
import { assert, assertEquals, assertLess } from "../../src/std/assert.ts";
import { tensorTest } from "../tensors.ts";

const config = modelPresets.tiny;

/** A bfloat16 model and one of float32 with the same weights. */
function pair(): { low: CausalLM; wide: CausalLM } {
  const low = randomModel(config, { seed: 3, dtype: "bfloat16" });
  const parameters = new Map(Array.from(low.parameters, ([name, t]) => {
    const copy = noGrad(() => ops.toDtype(t, "float32")).keep();
    ops.requiresGradInPlace(copy);
    return [name, copy];
  }));
  return { low, wide: planModel(config).build(parameters) };
}

const rows = [
  { promptIds: [5, 6, 7], completionIds: [10, 20, 30, 40, 50, 60] },
  { promptIds: [8], completionIds: [900, 800, 700] },
];

/** One backward pass of the mean of −log p, as the trainer makes it. */
function pass(model: CausalLM, options: { recompute?: boolean } = {}) {
  return scope(() => {
    using batch = completionBatch(rows, "cpu");
    const count = batch.targets.size;
    const trunk = model.forward(batch.ids, options);
    const states = predictingStates(trunk.hidden, batch);
    const predicted = tokenLogProbs(states, model.head, batch.targets, { entropy: true, chunk: 4 });
    const slope = ops.full([count], -1 / count, "float32");
    const back = predicted.backward(slope);
    trunk.backward(scatterStates(back, batch));
    const loss = -ops.item(ops.mean(predicted.logProbs));
    const dtypes = [trunk.hidden, back, predicted.logProbs, predicted.entropy!].map((t) => t.dtype);
    return { loss, dtypes, logProbs: predicted.logProbs.toNumbers() };
  });
}

/** ‖a − b‖ / ‖b‖ in float32; NaN where a number is none. */
function relative(a: Tensor, b: Tensor): number {
  return scope(() => {
    const wide = ops.toDtype(b, "float32");
    const norm = (t: Tensor) => ops.item(ops.linalgVectorNorm(t));
    return norm(ops.sub(ops.toDtype(a, "float32"), wide)) / norm(wide);
  });
}

tensorTest(
  "log-probabilities and gradients are those of float32, up to bfloat16's rounding",
  () => {
    const { low, wide } = pair();
    using _low = low, _wide = wide;
    const exact = pass(wide);
    const first = new Map<string, Tensor>();
    for (const recompute of [false, true]) {
      const rounded = pass(low, { recompute });
      assertEquals(rounded.dtypes, ["bfloat16", "bfloat16", "float32", "float32"]);
      assertLess(Math.abs(rounded.loss - exact.loss), 1e-2);
      rounded.logProbs.forEach((value, i) => assertLess(Math.abs(value - exact.logProbs[i]), 5e-2));
      for (const [name, parameter] of low.parameters) {
        const gradient = parameter.grad!;
        assertEquals(gradient.dtype, "bfloat16", name);
        assertLess(relative(gradient, wide.parameters.get(name)!.grad!), 3e-2, name);
        // A recomputed pass goes through the same arithmetic.
        if (recompute) assertLess(relative(gradient, first.get(name)!), 1e-2, name);
        else first.set(name, gradient);
        parameter.grad = null;
      }
    }
  },
);

tensorTest("tokens are drawn from float32 probabilities of bfloat16 logits", () => {
  const logits = ops.toDtype(ops.mulScalar(ops.randn([3, 50]), 4), "bfloat16");
  for (
    const options of [{ temperature: 0 }, { temperature: 0.7, topK: 5 }, { topP: 0.3 }, {
      minP: 0.1,
    }]
  ) {
    const { tokens, logProbs } = sample(logits, options);
    assertEquals([tokens.dtype, logProbs.dtype], ["int64", "float32"]);
    const scaled = ops.divScalar(ops.toDtype(logits, "float32"), options.temperature || 1);
    const want = ops.gather(ops.logSoftmax(scaled, -1), 1, ops.unsqueeze(tokens, 1)).toNumbers();
    logProbs.toNumbers().forEach((value, i) => assertLess(Math.abs(value - want[i]), 1e-5));
  }
});

tensorTest("the sampler's log-probabilities are near the trainer's", () => {
  using model = randomModel(config, { seed: 3, dtype: "bfloat16" });
  manualSeed(1);
  const rollouts = generate(model, [
    { promptIds: [5, 6, 7, 8], prefixes: [[], [3, 4, 5], []] },
    { promptIds: [9], prefixes: [[1], []] },
  ], { maxCompletionLength: 24, stopIds: [] });
  for (const rollout of rollouts) {
    scope(() => {
      using batch = completionBatch([rollout], "cpu");
      const { hidden } = noGrad(() => model.forward(batch.ids));
      const { logProbs } = tokenLogProbs(
        predictingStates(hidden, batch),
        model.head,
        batch.targets,
      );
      logProbs.toNumbers().forEach((value, c) => {
        if (c < rollout.given) return;
        // Written so that NaN fails.
        assert(Math.abs(value - rollout.logProbs[c]) < 0.1, `${value}, ${rollout.logProbs[c]}`);
      });
    });
  }
});

tensorTest("a bfloat16 model learns as a float32 one does", () => {
  const { low, wide } = pair();
  using _low = low, _wide = wide;
  const learn = (model: CausalLM) => {
    using optimizer = new AdamW(model.trainable, { betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0 });
    let loss = NaN;
    for (let step = 0; step < 30; step++) {
      scope(() => {
        optimizer.zeroGrad();
        loss = pass(model).loss;
        optimizer.collect();
        optimizer.clipGradientNorm(1);
        optimizer.step(1e-3);
      });
    }
    return loss;
  };
  const before = pass(wide).loss;
  const [rounded, exact] = [learn(low), learn(wide)];
  assertLess(exact, 0.3 * before);
  assertLess(Math.abs(rounded - exact), 0.05 * before);
  for (const t of low.parameters.values()) assertEquals(t.dtype, "bfloat16");
});
