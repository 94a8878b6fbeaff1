/** Expected values are PEFT's: tests/parity/lora.py made tests/fixtures/lora. */
import { fileURLToPath } from "node:url";
import { initialize } from "../../ffi/library.ts";
import { generate } from "../../src/engine/generate.ts";
import { loadModel } from "../../src/models/checkpoint.ts";
import { ModelError } from "../../src/models/config_reader.ts";
import { createAdapters, LoraAdapters, mergeAdapters } from "../../src/models/lora.ts";
import { adapterShapes, loraScale, type LoraSettings } from "../../src/models/lora_settings.ts";
import { type CausalLM } from "../../src/models/model.ts";
import { modelPresets } from "../../src/models/presets.ts";
import { randomModel } from "../../src/models/random.ts";
import { planModel } from "../../src/models/registry.ts";
import { backward, noGrad } from "../../src/tensor/autograd.ts";
import { memory } from "../../src/tensor/memory.ts";
import * as ops from "../../src/tensor/ops.ts";
import { SafetensorsFile } from "../../src/tensor/safetensors.ts";
import { liveTensors, manualSeed, scope, type Tensor, tensor } from "../../src/tensor/tensor.ts";
import { AdamW } from "../../src/training/optimizer.ts";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertLess,
  assertStringIncludes,
  assertThrows,
} from "../../src/std/assert.ts";
import { tensorTest } from "../tensors.ts";

const settings: LoraSettings = {
  r: 4,
  alpha: 8,
  dropout: 0,
  targetModules: "all-linear",
  useRslora: false,
};
const config = modelPresets.arithmetic;
const shapes = planModel(config).shapes;
const at = (layer: number, rest: string) => `base_model.model.model.layers.${layer}.${rest}`;

const idsOf = (rows: readonly number[][]) => tensor(rows, undefined, "int64");
const logitsOf = (model: CausalLM, ids: Tensor) =>
  ops.linear(model.forward(ids).hidden, model.head);
const maxOf = (a: Tensor) =>
  scope(() => ops.item(ops.amax(ops.reshape(ops.abs(ops.toDtype(a, "float64")), [-1]))));
const maxDifference = (a: Tensor, b: Tensor) => scope(() => maxOf(ops.sub(a, b)));

/** Adapters whose B is not zero, as after training. */
function trainedAdapters(model: CausalLM, changes: Partial<LoraSettings> = {}): LoraAdapters {
  const adapters = createAdapters(model.parameters, { ...settings, ...changes }, { seed: 5 });
  noGrad(() => {
    for (const [name, t] of adapters.parameters) {
      if (name.endsWith("lora_B.weight")) ops.normalInPlace(t, 0, 0.1);
    }
  });
  return adapters;
}

// ---------------------------------------------------------------- shapes, targets, settings

Deno.test("names and shapes are PEFT's; all-linear is every projection but the head", () => {
  const all = adapterShapes(shapes, settings);
  assertEquals(all.size, 2 * 7 * 2);
  assertEquals(all.get(at(0, "self_attn.q_proj.lora_A.weight")), [4, 96]);
  assertEquals(all.get(at(1, "mlp.down_proj.lora_A.weight")), [4, 256]);
  assertEquals(all.get(at(1, "mlp.down_proj.lora_B.weight")), [96, 4]);
  const untied = planModel({ ...config, tie_word_embeddings: false }).shapes;
  assert(untied.has("lm_head.weight"));
  assertEquals(adapterShapes(untied, settings), all);
});

Deno.test("targets are whole names or their ends", () => {
  const modules = (...targetModules: string[]) =>
    [...adapterShapes(shapes, { ...settings, targetModules }).keys()]
      .filter((name) => name.includes("lora_A"))
      .map((name) => name.slice("base_model.model.model.layers.".length, -".lora_A.weight".length));
  assertEquals(modules("q_proj"), ["0.self_attn.q_proj", "1.self_attn.q_proj"]);
  assertEquals(modules("model.layers.1.mlp.up_proj"), ["1.mlp.up_proj"]);
  assertEquals(modules("mlp.up_proj", "up_proj", "1.self_attn.v_proj"), [
    "0.mlp.up_proj",
    "1.self_attn.v_proj",
    "1.mlp.up_proj",
  ]);
});

Deno.test("targets that are not there are refused, with what is", () => {
  for (
    const [targetModules, want] of [
      [["q_proj", "query"], "'query'"],
      [["proj"], "'proj'"],
      [["lm_head"], "'lm_head'"],
      [["embed_tokens"], "'embed_tokens'"],
      [["q_norm"], "'q_norm'"],
      [[""], "''"],
      [[], "no layer at all"],
    ] as const
  ) {
    const { message } = assertThrows(
      () => adapterShapes(shapes, { ...settings, targetModules }),
      ModelError,
    );
    assertStringIncludes(message, `Cannot adapt ${want}: `);
    assertStringIncludes(
      message,
      "q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj here",
    );
  }
});

Deno.test("settings out of range are refused", () => {
  const refused = (changes: Partial<LoraSettings>, message: string) =>
    assertThrows(() => adapterShapes(shapes, { ...settings, ...changes }), RangeError, message);
  refused({ r: 0 }, "'r' must be a positive integer: current value is 0");
  refused({ r: 1.5 }, "'r'");
  refused({ alpha: 0 }, "'alpha' must be a number above 0");
  refused({ alpha: Infinity }, "'alpha'");
  refused({ dropout: 1 }, "'dropout' must be from 0 to below 1: current value is 1");
  refused({ dropout: NaN }, "'dropout'");
});

Deno.test("the scale is α / r, or α / √r for rsLoRA", () => {
  assertEquals(loraScale({ ...settings, r: 16, alpha: 32 }), 2);
  assertEquals(loraScale({ ...settings, r: 16, alpha: 32, useRslora: true }), 8);
});

// ---------------------------------------------------------------- the adapters alone

tensorTest("new adapters: A uniform within 1/√in, B zero, float32, by seed", () => {
  using model = randomModel(config, { seed: 1, dtype: "bfloat16" });
  const make = (seed: number) => createAdapters(model.parameters, { ...settings, r: 16 }, { seed });
  using adapters = make(7);
  using same = make(7);
  using other = make(8);
  for (const [name, t] of adapters.parameters) {
    assert(t.requiresGrad);
    assertEquals(t.dtype, "float32");
    assert(ops.equal(t, same.parameters.get(name)!));
    if (name.includes("lora_B")) {
      assertEquals(maxOf(t), 0);
      continue;
    }
    assert(!ops.equal(t, other.parameters.get(name)!));
    const bound = t.shape[1] ** -0.5;
    assertLess(maxOf(t), bound);
    assertLess(0.98 * bound, maxOf(t));
    // Four standard errors of a deviation from n uniform samples.
    const deviation = Math.sqrt(ops.item(ops.varDim(t)));
    assertLess(Math.abs(deviation / (bound / Math.sqrt(3)) - 1), 4 * Math.sqrt(0.2 / t.size));
  }
});

/** An adapter of 3 inputs and 2 outputs with r = 1: B·A = [[1, 2, 3], [10, 20, 30]]. */
function smallAdapters(changes: Partial<LoraSettings> = {}): LoraAdapters {
  const name = "base_model.model.model.layers.0.mlp.up_proj";
  return new LoraAdapters(
    { ...settings, r: 1, alpha: 2, ...changes },
    new Map([
      [`${name}.lora_A.weight`, tensor([[1, 2, 3]]).keep()],
      [`${name}.lora_B.weight`, tensor([[1], [10]]).keep()],
    ]),
  );
}

tensorTest("an adapter adds s·B·(A·x) in the dtype of x, and nothing elsewhere", () => {
  using adapters = smallAdapters();
  assertEquals(adapters.modules, ["model.layers.0.mlp.up_proj"]);
  const x = tensor([[[1, 0, 0], [1, 1, 1]]]);
  const delta = adapters.apply(x, "model.layers.0.mlp.up_proj", true)!;
  assertEquals(delta.shape, [1, 2, 2]);
  assertEquals(delta.toNumbers(), [2, 20, 12, 120]);
  assertEquals(adapters.apply(x, "model.layers.1.mlp.up_proj", false), null);
  const low = adapters.apply(ops.toDtype(x, "bfloat16"), "model.layers.0.mlp.up_proj", false)!;
  assertEquals(low.dtype, "bfloat16");
  assertEquals(ops.toDtype(low, "float32").toNumbers(), [2, 20, 12, 120]);
});

tensorTest(
  "dropout drops inputs in training passes only, keeps the mean, and follows the seed",
  () => {
    using adapters = smallAdapters({ dropout: 0.25 });
    const rows = 20_000, module = "model.layers.0.mlp.up_proj";
    const x = ops.expand(tensor([[1, 0, 0]]), [rows, 3]);
    const first = (dropout: boolean) => ops.select(adapters.apply(x, module, dropout)!, 1, 0);
    assertEquals(new Set(first(false).toNumbers()), new Set([2]));
    manualSeed(3);
    const dropped = first(true);
    assertEquals([...new Set(dropped.toNumbers())].sort(), [0, Math.fround(2 / 0.75)]);
    // Four standard errors of a share of 0.25.
    const zeros = dropped.toNumbers().filter((value) => value === 0).length / rows;
    assertAlmostEquals(zeros, 0.25, 4 * Math.sqrt(0.25 * 0.75 / rows));
    assert(!ops.equal(dropped, first(true)));
    manualSeed(3);
    assert(ops.equal(dropped, first(true)));
  },
);

// ---------------------------------------------------------------- on a model

interface Fixture {
  readonly model: CausalLM;
  readonly ids: Tensor;
  readonly loss: number;
  readonly file: SafetensorsFile;
}

/** Registers a test for each fixture (see tests/parity/lora.py), run in a scope with a leak check. */
function fixtureTest(name: string, fn: (fixture: Fixture) => void): void {
  for (const kind of ["all_linear", "rslora"]) {
    Deno.test(`${name} (${kind})`, async () => {
      await initialize({ threads: 1 });
      const before = liveTensors();
      const folder = fileURLToPath(new URL(`../fixtures/lora/${kind}`, import.meta.url));
      const { input_ids, loss } = JSON.parse(await Deno.readTextFile(`${folder}/reference.json`));
      {
        using model = await loadModel(folder);
        using file = new SafetensorsFile(`${folder}/reference.safetensors`);
        scope(() => fn({ model, ids: idsOf(input_ids), loss, file }));
      }
      assertEquals(liveTensors(), before, "tensors were left alive");
    });
  }
}

/** Mean of -log p of the next tokens; gradients land in the parameters. */
function train(model: CausalLM, ids: Tensor, options: Parameters<CausalLM["forward"]>[1] = {}) {
  return scope(() => {
    const [batch, length] = ids.shape;
    const trunk = model.forward(ids, options);
    const hidden = ops.detach(trunk.hidden);
    ops.requiresGradInPlace(hidden);
    const logits = ops.narrow(ops.linear(hidden, model.head), 1, 0, length - 1);
    const next = ops.unsqueeze(ops.narrow(ids, 1, 1, length - 1), -1);
    const logp = ops.gather(ops.logSoftmax(ops.toDtype(logits, "float32"), -1), -1, next);
    const loss = ops.mulScalar(ops.sum(logp), -1 / (batch * (length - 1)));
    backward(loss);
    trunk.backward(hidden.grad!);
    return ops.item(loss);
  });
}

/** The gradients of what is trained, taken off it. */
function takeGradients(model: CausalLM): Map<string, Tensor> {
  return new Map(Array.from(model.trainable, ([name, t]) => {
    const gradient = t.grad!;
    t.grad = null;
    return [name, gradient];
  }));
}

fixtureTest("PEFT's adapters give PEFT's logits", ({ model, ids, file }) => {
  const error = maxDifference(logitsOf(model, ids), file.get("logits"));
  assertLess(error, 1e-4);
  // The adapters matter here.
  using plain = model.withoutAdapters();
  assertLess(0.1, maxDifference(logitsOf(plain, ids), file.get("logits")));
});

fixtureTest("loss and gradients of A and B are PEFT's; the base model has none", (fixture) => {
  const { model, ids, loss, file } = fixture;
  for (const recompute of [false, true]) {
    assertAlmostEquals(train(model, ids, { recompute }), loss, 1e-5);
    for (const [name, gradient] of takeGradients(model)) {
      const want = file.get(`grad.${name}`);
      assertLess(maxDifference(gradient, want), 1e-4 * maxOf(want), name);
    }
    for (const [name, weight] of model.parameters) {
      assert(!weight.requiresGrad && weight.grad === null, name);
    }
  }
  assertEquals(
    [...model.trainable.keys()].map((name) => `grad.${name}`).sort(),
    [...file.entries.keys()].filter((name) => name.startsWith("grad.")).sort(),
  );
});

fixtureTest("merged weights are PEFT's, and merged logits those of the adapters", (fixture) => {
  const { model, ids, file } = fixture;
  const before = logitsOf(model, ids);
  mergeAdapters(model);
  for (const name of file.entries.keys()) {
    const parameter = name.startsWith("merged.") ? name.slice("merged.".length) : null;
    if (parameter === null) continue;
    assertLess(maxDifference(model.parameters.get(parameter)!, file.get(name)), 1e-6, name);
  }
  using plain = model.withoutAdapters();
  assertLess(maxDifference(logitsOf(plain, ids), before), 1e-5);
  assertLess(maxDifference(logitsOf(model, ids), before), 1e-5);
  // A second time folds nothing in.
  const merged = logitsOf(plain, ids);
  mergeAdapters(model);
  assert(ops.equal(logitsOf(plain, ids), merged));
});

fixtureTest("the sampler's log-probabilities are the trainer's, adapters and all", ({ model }) => {
  manualSeed(1);
  const groups = [[5, 6, 7], [8, 9]].map((promptIds) => ({
    promptIds,
    prefixes: [[], [3, 4], []],
  }));
  const rollouts = generate(model, groups, { maxCompletionLength: 12, stopIds: [] });
  for (const { promptIds, completionIds, given, logProbs } of rollouts) {
    const all = [...promptIds, ...completionIds];
    const logp = ops.logSoftmax(logitsOf(model, idsOf([all])), -1);
    completionIds.forEach((id, c) => {
      if (c < given) return;
      const row = ops.select(ops.select(logp, 0, 0), 0, promptIds.length + c - 1);
      assertAlmostEquals(logProbs[c], ops.item(ops.select(row, 0, id)), 1e-4);
    });
  }
});

tensorTest(
  "new adapters change nothing, to the bit, and a model without adapters is the base",
  () => {
    using model = randomModel(config, { seed: 2 });
    const ids = idsOf([[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]);
    const base = logitsOf(model, ids);
    assertThrows(() => mergeAdapters(model), ModelError, "the model has none");
    model.attach(createAdapters(model.parameters, settings, { seed: 1 }));
    assert(ops.equal(logitsOf(model, ids), base));
    noGrad(() => {
      for (const t of model.trainable.values()) ops.addScalarInPlace(t, 0.05);
    });
    assertLess(1e-3, maxDifference(logitsOf(model, ids), base));

    const before = memory().current, live = liveTensors();
    scope(() => {
      using reference = model.withoutAdapters();
      for (const [name, t] of reference.parameters) assert(t === model.parameters.get(name), name);
      assertEquals([reference.adapters, reference.trainable.size], [null, 0]);
      assertEquals(memory().current, before);
      assert(ops.equal(logitsOf(reference, ids), base));
    });
    assertEquals([memory().current, liveTensors()], [before, live]);
    // Disposing the reference freed nothing of the model's.
    assertLess(1e-3, maxDifference(logitsOf(model, ids), base));
  },
);

tensorTest("dropout is on where asked for, and the same in a recomputed pass", () => {
  using model = randomModel(config, { seed: 2 });
  model.attach(trainedAdapters(model, { dropout: 0.2 }));
  const ids = idsOf([[1, 2, 3, 4, 5, 6, 7, 8]]);
  const gradientsOf = (options: { recompute?: boolean; dropout?: boolean }) => {
    manualSeed(9);
    train(model, ids, options);
    return takeGradients(model);
  };
  const without = gradientsOf({}), recorded = gradientsOf({ dropout: true });
  const recomputed = gradientsOf({ dropout: true, recompute: true });
  for (const [name, gradient] of recorded) {
    const scale = maxOf(gradient);
    assertLess(maxDifference(recomputed.get(name)!, gradient), 1e-5 * scale, name);
    assertLess(1e-2 * scale, maxDifference(without.get(name)!, gradient), name);
  }
  assert(ops.equal(logitsOf(model, ids), logitsOf(model, ids)), "passes without the option differ");
});

tensorTest("a low-precision weight is rounded once when adapters are folded in", () => {
  using low = randomModel(config, { seed: 2, dtype: "bfloat16" });
  using adapters = trainedAdapters(low);
  const name = "model.layers.0.self_attn.q_proj";
  const weight = low.parameters.get(`${name}.weight`)!;
  const [a, b] = ["A", "B"].map((matrix) =>
    adapters.parameters.get(`base_model.model.${name}.lora_${matrix}.weight`)!
  );
  const expected = noGrad(() => ops.toDtype(ops.add(weight, ops.mm(b, a), 2), "bfloat16"));
  assertEquals(weight.dtype, "bfloat16");
  adapters._fold(name, weight);
  assert(ops.equal(weight, expected));
  assertEquals(maxOf(b), 0);
});

tensorTest("adapters on a bfloat16 model stay float32 and learn; activations stay bfloat16", () => {
  using model = randomModel(config, { seed: 2, dtype: "bfloat16" });
  model.attach(trainedAdapters(model));
  const ids = idsOf([[1, 2, 3, 4, 5, 6, 7, 8]]);
  assertEquals(model.forward(ids).hidden.dtype, "bfloat16");
  using optimizer = new AdamW(model.trainable, { betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0 });
  const losses = Array.from({ length: 20 }, () => {
    optimizer.zeroGrad();
    const loss = train(model, ids);
    optimizer.collect();
    optimizer.step(1e-2);
    return loss;
  });
  for (const t of model.trainable.values()) {
    assertEquals([t.dtype, t.grad!.dtype], ["float32", "float32"]);
  }
  assertLess(losses.at(-1)!, 0.5 * losses[0]);
});

tensorTest("only the adapters have gradients and optimizer state", () => {
  const held = (adapt: boolean) => {
    const start = memory().current;
    using model = randomModel(modelPresets.tiny, { seed: 2 });
    if (adapt) {
      model.attach(createAdapters(model.parameters, { ...settings, r: 8 }, { seed: 1 }));
    }
    const weights = memory().current - start;
    using optimizer = new AdamW(model.trainable, { betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0 });
    scope(() => {
      train(model, idsOf([Array.from({ length: 32 }, (_, i) => i)]));
      optimizer.step(1e-3);
    });
    const trained = [...model.trainable.values()].reduce((sum, t) => sum + 4 * t.size, 0);
    const beside = memory().current - start - weights;
    // Gradient and two moments of what is trained; then a rotary table of 256 positions and the counts.
    assertLess(beside, 3 * trained + 2 * 256 * 64 * 4 + 64 * 1024);
    assertLess(3 * trained, beside);
    return { weights, trained, beside };
  };
  const whole = held(false), adapted = held(true);
  assertEquals(adapted.weights - whole.weights, adapted.trained);
  assertLess(adapted.beside, whole.beside / 8);
});
