import { fileURLToPath } from "node:url";
import { initialize } from "../../ffi/library.ts";
import { loadModel } from "../../src/models/checkpoint.ts";
import { type CausalLM } from "../../src/models/model.ts";
import { KvCache } from "../../src/nn/kv_cache.ts";
import { noGrad } from "../../src/tensor/autograd.ts";
import { memory } from "../../src/tensor/memory.ts";
import * as ops from "../../src/tensor/ops.ts";
import { SafetensorsFile } from "../../src/tensor/safetensors.ts";
import { liveTensors, scope, type Tensor, tensor } from "../../src/tensor/tensor.ts";
import { assert, assertAlmostEquals, assertEquals, assertLess } from "../../src/std/assert.ts";
import {
  type Batch,
  cachedHidden,
  idsOf,
  logitsOf,
  lossOf,
  maskOf,
  maxDifference,
  maxOf,
  nextLogProbs,
  train,
} from "./passes.ts";

interface FixtureBatch extends Batch {
  readonly loss: number;
}
interface Reference {
  readonly temperature: number;
  readonly batches: FixtureBatch[];
  readonly greedy: { readonly prompts: number[][]; readonly completions: number[][] };
}
interface Fixture {
  readonly model: CausalLM;
  readonly json: Reference;
  readonly file: SafetensorsFile;
}

/** Registers a test for each fixture (see tests/parity/qwen3_tiny.py), run in a scope with a leak check. */
function fixtureTest(name: string, fn: (fixture: Fixture) => void): void {
  for (const kind of ["tied", "untied"]) {
    Deno.test(`${name} (${kind})`, async () => {
      await initialize({ threads: 1 });
      const before = liveTensors();
      const folder = fileURLToPath(
        new URL(`../fixtures/qwen3_tiny/${kind}`, import.meta.url),
      );
      const json = JSON.parse(await Deno.readTextFile(`${folder}/reference.json`));
      {
        using model = await loadModel(folder);
        using file = new SafetensorsFile(`${folder}/reference.safetensors`);
        scope(() => fn({ model, json, file }));
      }
      assertEquals(liveTensors(), before);
    });
  }
}

fixtureTest("logits and log-probabilities equal Transformers'", ({ model, json, file }) => {
  json.batches.forEach((batch, b) => {
    const ids = idsOf(batch.input_ids), mask = maskOf(batch);
    const logits = logitsOf(model, model.forward(ids).hidden);
    const masked = ops.mul(logits, ops.unsqueeze(mask, -1));
    assertLess(maxDifference(masked, file.get(`${b}.logits`)), 1e-4);
    const logp = ops.mul(
      nextLogProbs(logits, ids, json.temperature),
      ops.narrow(mask, 1, 1, batch.input_ids[0].length - 1),
    );
    assertLess(maxDifference(logp, file.get(`${b}.logprobs`)), 1e-4);
    assertAlmostEquals(ops.item(lossOf(logits, ids, batch)), batch.loss, 1e-5);
  });
});

for (const recompute of [false, true]) {
  fixtureTest(
    `every parameter's gradient equals Transformers'${recompute ? ", recomputed" : ""}`,
    ({ model, json, file }) => {
      json.batches.forEach((batch, b) => {
        for (const parameter of model.parameters.values()) parameter.grad = null;
        assertAlmostEquals(train(model, batch, { recompute }), batch.loss, 1e-5);
        for (const [name, parameter] of model.parameters) {
          const want = file.get(`${b}.grad.${name}`);
          const error = maxDifference(parameter.grad!, want) / maxOf(want);
          assert(error < 1e-4, `${b}.grad.${name}: relative error ${error}`);
        }
      });
    },
  );
}

fixtureTest(
  "recomputing gives the recorded gradients' bits, and accumulates",
  ({ model, json }) => {
    const run = (recompute: boolean) => {
      for (const parameter of model.parameters.values()) parameter.grad = null;
      for (const batch of json.batches) train(model, batch, { recompute });
      return [...model.parameters].map(([name, p]) => [name, p.grad!.toTypedArray()] as const);
    };
    assertEquals(run(true), run(false));
  },
);

fixtureTest("recomputing holds less memory", ({ model }) => {
  const ids = idsOf(Array.from({ length: 16 }, () => Array(128).fill(3)));
  const held = (recompute: boolean) => {
    const before = memory().current;
    return scope(() => {
      model.forward(ids, { recompute });
      return memory().current - before;
    });
  };
  held(false);
  assertLess(held(true), held(false) / 3);
});

fixtureTest("a padded token changes no other row and no earlier token", ({ model, json }) => {
  const { input_ids, lengths } = json.batches[1];
  const hidden = (rows: readonly number[][]) => model.forward(idsOf(rows)).hidden;
  const first = hidden(input_ids);
  const changed = hidden(
    input_ids.map((row, b) => row.map((id, t) => t < lengths[b] ? id : 5 + t)),
  );
  lengths.forEach((length, b) => {
    const row = (t: Tensor) => ops.narrow(ops.select(t, 0, b), 0, 0, length);
    assertEquals(row(changed).toTypedArray(), row(first).toTypedArray(), `row ${b}`);
    const alone = hidden([input_ids[b].slice(0, length)]);
    assertLess(maxDifference(ops.select(alone, 0, 0), row(first)), 1e-5);
  });
});

fixtureTest(
  "a cached pass equals the full one: at once, token by token, in pieces",
  ({ model, json }) => {
    const rows = json.batches[0].input_ids, T = rows[0].length;
    const full = noGrad(() => model.forward(idsOf(rows)).hidden);
    for (const pieces of [[T], Array<number>(T).fill(1), [5, 1, 10, T - 16]]) {
      assertLess(maxDifference(cachedHidden(model, rows, pieces), full), 2e-5);
    }
  },
);

fixtureTest("rows padded on the left, with a mask, equal each row alone", ({ model, json }) => {
  const { input_ids, lengths } = json.batches[1];
  const B = lengths.length, T = Math.max(...lengths);
  const pads = lengths.map((length) => T - length), split = Math.max(...pads) + 1;
  const at = <X>(make: (b: number, t: number) => X, from: number, to: number) =>
    pads.map((_, b) => Array.from({ length: to - from }, (_, i) => make(b, from + i)));
  const id = (b: number, t: number) => t < pads[b] ? 0 : input_ids[b][t - pads[b]];
  const position = (b: number, t: number) => Math.max(0, t - pads[b]);
  using cache = new KvCache(model.cacheShape(B, T), model.dtype, model.device);
  cache.clear(T);
  // A padded query sees itself, so that no row of the softmax is empty.
  const allowed = pads.map((pad) => [
    Array.from(
      { length: split },
      (_, q) => Array.from({ length: split }, (_, s) => s === q || (s >= pad && s <= q) ? 1 : 0),
    ),
  ]);
  const parts = [model.extend(idsOf(at(id, 0, split)), {
    cache,
    positions: idsOf(at(position, 0, split)),
    mask: tensor(allowed, undefined, "bool"),
  })];
  for (let t = split; t < T; t++) {
    const bias = pads.map((
      pad,
    ) => [[Array.from({ length: t + 1 }, (_, s) => s < pad ? -Infinity : 0)]]);
    parts.push(model.extend(idsOf(at(id, t, t + 1)), {
      cache,
      positions: idsOf(at(position, t, t + 1)),
      mask: tensor(bias),
    }));
  }
  const all = ops.cat(parts, 1);
  lengths.forEach((length, b) => {
    const alone = noGrad(() => model.forward(idsOf([input_ids[b].slice(0, length)])).hidden);
    const row = ops.narrow(ops.select(all, 0, b), 0, pads[b], length);
    assertLess(maxDifference(row, ops.select(alone, 0, 0)), 2e-5, `row ${b}`);
  });
});

fixtureTest("greedy completions equal Transformers', by full recomputation", ({ model, json }) => {
  json.greedy.prompts.forEach((prompt, i) => {
    const ids = [...prompt], want = json.greedy.completions[i];
    while (ids.length < prompt.length + want.length) {
      ids.push(scope(() => {
        const hidden = noGrad(() => model.forward(idsOf([ids])).hidden);
        const last = ops.select(ops.select(hidden, 0, 0), 0, ids.length - 1);
        return ops.item(ops.argmax(ops.matmul(model.head, last)));
      }));
    }
    assertEquals(ids.slice(prompt.length), want);
  });
});
