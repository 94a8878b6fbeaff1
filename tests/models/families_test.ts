import { fileURLToPath } from "node:url";
import { initialize } from "../../ffi/library.ts";
import { loadModel, saveModel } from "../../src/models/checkpoint.ts";
import { type CausalLM } from "../../src/models/model.ts";
import { noGrad } from "../../src/tensor/autograd.ts";
import * as ops from "../../src/tensor/ops.ts";
import { SafetensorsFile } from "../../src/tensor/safetensors.ts";
import { liveTensors, scope, type Tensor } from "../../src/tensor/tensor.ts";
import { assert, assertAlmostEquals, assertEquals, assertLess } from "../../src/std/assert.ts";
import {
  type Batch,
  cachedHidden,
  idsOf,
  logitsOf,
  maskOf,
  maxDifference,
  maxOf,
  train,
} from "./passes.ts";

const folder = fileURLToPath(new URL("../fixtures/model_families", import.meta.url));
const cases = Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();

interface Fixture {
  readonly path: string;
  readonly model: CausalLM;
  readonly file: SafetensorsFile;
  readonly batch: Batch;
}

/** Registers a test for each fixture (see tests/parity/model_families.py), run in a scope with a leak check. */
function familyTest(title: string, fn: (fixture: Fixture) => void | Promise<void>): void {
  for (const name of cases) {
    Deno.test(`${title} (${name})`, async () => {
      await initialize({ threads: 1 });
      const before = liveTensors(), path = `${folder}/${name}`;
      {
        using model = await loadModel(path);
        using file = new SafetensorsFile(`${path}/reference.safetensors`);
        const batch = scope(() => rowsOf(file));
        await fn({ path, model, file, batch });
      }
      assertEquals(liveTensors(), before);
    });
  }
}

function rowsOf(file: SafetensorsFile): Batch {
  const ids = file.get("input_ids"), [rows, length] = ids.shape, flat = ids.toNumbers();
  return {
    input_ids: Array.from({ length: rows }, (_, b) => flat.slice(b * length, (b + 1) * length)),
    lengths: file.get("lengths").toNumbers(),
  };
}

familyTest("logits equal Transformers'", ({ model, file, batch }) =>
  scope(() => {
    const { hidden } = model.forward(idsOf(batch.input_ids));
    const masked = ops.mul(logitsOf(model, hidden), ops.unsqueeze(maskOf(batch), -1));
    assertLess(maxDifference(masked, file.get("logits")), 1e-4);
  }));

for (const recompute of [false, true]) {
  familyTest(
    `every parameter's gradient equals Transformers'${recompute ? ", recomputed" : ""}`,
    ({ model, file, batch }) =>
      scope(() => {
        const loss = ops.item(file.get("loss"));
        assertAlmostEquals(train(model, batch, { recompute }), loss, 1e-5);
        for (const [name, parameter] of model.parameters) {
          const want = file.get(`grad.${name}`);
          const error = maxDifference(parameter.grad!, want) / maxOf(want);
          assert(error < 1e-4, `${name}: relative error ${error}`);
        }
      }),
  );
}

familyTest(
  "a padded token changes no other row and no earlier token",
  ({ model, batch }) =>
    scope(() => {
      const { input_ids, lengths } = batch;
      const hidden = (rows: readonly number[][]) => model.forward(idsOf(rows)).hidden;
      const first = hidden(input_ids);
      const changed = hidden(
        input_ids.map((row, b) => row.map((id, t) => t < lengths[b] ? id : 5 + t % 40)),
      );
      lengths.forEach((length, b) => {
        const row = (t: Tensor) => ops.narrow(ops.select(t, 0, b), 0, 0, length);
        assertEquals(row(changed).toTypedArray(), row(first).toTypedArray(), `row ${b}`);
        const alone = hidden([input_ids[b].slice(0, length)]);
        assertLess(maxDifference(ops.select(alone, 0, 0), row(first)), 2e-5);
      });
    }),
);

familyTest(
  "a cached pass equals the full one: at once, token by token, in pieces",
  ({ model, batch }) =>
    scope(() => {
      // Beyond the original length of `dynamic` each new token changes every earlier one's frequencies.
      const T = model.lengthDependent ? 64 : batch.lengths[0];
      const rows = [batch.input_ids[0].slice(0, T)];
      const full = noGrad(() => model.forward(idsOf(rows)).hidden);
      for (const pieces of [[T], Array<number>(T).fill(1), [5, 1, 10, T - 16]]) {
        assertLess(maxDifference(cachedHidden(model, rows, pieces), full), 5e-5);
      }
    }),
);

familyTest("load, save, load gives the same bits, config and logits", async ({ model, batch }) => {
  const saved = await Deno.makeTempDir();
  try {
    saveModel(model, saved, { eosTokenId: 1, padTokenId: 0 });
    using again = await loadModel(saved);
    assertEquals(bitsOf(again), bitsOf(model));
    assertEquals(again.hfConfig, model.hfConfig);
    const hidden = (one: CausalLM) =>
      scope(() => one.forward(idsOf(batch.input_ids)).hidden.toTypedArray());
    assertEquals(hidden(again), hidden(model));
  } finally {
    await Deno.remove(saved, { recursive: true });
  }
});

const bitsOf = ({ parameters }: CausalLM) =>
  new Map(Array.from(parameters, ([name, t]) => [name, t.toTypedArray()]));
