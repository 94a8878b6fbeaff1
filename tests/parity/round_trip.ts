/**
 * Handrail's part of the round trip in round_trip.py:
 *
 *     deno run -A tests/parity/round_trip.ts BEFORE AFTER    loads BEFORE, changes its weights, saves AFTER
 *     deno run -A tests/parity/round_trip.ts AFTER           AFTER is there already, from any training
 *
 * Either leaves AFTER/handrail.safetensors: `input_ids` int64 [B, T] and the `logits` of AFTER, float32 [B, T, V].
 */
import { join } from "node:path";
import { initialize } from "../../ffi/library.ts";
import { loadModel, saveModel } from "../../src/models/checkpoint.ts";
import { type CausalLM } from "../../src/models/model.ts";
import { noGrad } from "../../src/tensor/autograd.ts";
import * as ops from "../../src/tensor/ops.ts";
import { writeSafetensors } from "../../src/tensor/safetensors.ts";
import { scope } from "../../src/tensor/tensor.ts";
import { idsOf, logitsOf, train } from "../models/passes.ts";

/** Two rows of ids all over the vocabulary, unpadded. */
export function roundTripIds(model: CausalLM): number[][] {
  return [1, 2].map((row) =>
    Array.from({ length: 60 }, (_, i) => (i * i * 31 + i * 7 + row * 101) % model.vocabSize)
  );
}

/** A few steps down the gradient of a language-model loss: enough to change every weight. */
function changeWeights(model: CausalLM): void {
  const rows = roundTripIds(model);
  for (let step = 0; step < 3; step++) {
    for (const parameter of model.trainable.values()) parameter.grad = null;
    train(model, { input_ids: rows, lengths: rows.map((row) => row.length) }, {});
    noGrad(() =>
      scope(() => {
        for (const parameter of model.trainable.values()) {
          ops.addInPlace(parameter, parameter.grad!, -0.05);
        }
      })
    );
  }
}

/** Loads, changes and saves; shards of 100 kB. */
export async function trainAndSave(before: string, after: string): Promise<void> {
  using model = await loadModel(before, { dtype: "float32" });
  changeWeights(model);
  await Deno.mkdir(after, { recursive: true });
  saveModel(model, after, { eosTokenId: null, padTokenId: null }, { maxShardSize: 100_000 });
}

/** Writes handrail.safetensors beside the model of a folder. */
export async function writeLogits(folder: string): Promise<void> {
  using model = await loadModel(folder, { dtype: "float32", trainable: false });
  const rows = roundTripIds(model);
  noGrad(() =>
    scope(() => {
      const ids = idsOf(rows), logits = logitsOf(model, model.forward(ids).hidden);
      const tensors = new Map([["input_ids", ids], ["logits", logits]]);
      writeSafetensors(join(folder, "handrail.safetensors"), tensors);
    })
  );
}

if (import.meta.main) {
  const [before, after = before] = Deno.args;
  await initialize({ threads: 1 });
  if (after !== before) await trainAndSave(before, after);
  await writeLogits(after);
}
