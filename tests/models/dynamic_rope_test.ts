import { generate } from "../../src/engine/generate.ts";
import { ModelError } from "../../src/models/config_reader.ts";
import { type CausalLM } from "../../src/models/model.ts";
import { randomModel } from "../../src/models/random.ts";
import { noGrad } from "../../src/tensor/autograd.ts";
import * as ops from "../../src/tensor/ops.ts";
import { scope, type Tensor } from "../../src/tensor/tensor.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertThrows,
} from "../../src/std/assert.ts";
import { tensorTest } from "../tensors.ts";
import { cachedHidden, idsOf, maxDifference } from "./passes.ts";

/**
 * A Llama whose rows are stretched beyond 16 tokens. With one layer what is cached (keys before rotation, values) does
 * not depend on the length, so decoding must equal full recomputation to rounding; in a deeper layer it stems from
 * attention at the lengths that rows had then, which no cache can take back.
 */
function dynamicModel(layers: number): CausalLM {
  return randomModel({
    model_type: "llama",
    vocab_size: 40,
    hidden_size: 32,
    intermediate_size: 40,
    num_hidden_layers: layers,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    max_position_embeddings: 16,
    rope_parameters: { rope_type: "dynamic", rope_theta: 100, factor: 4 },
    initializer_range: 1,
  }, { seed: 3 });
}

const rowOf = (length: number, seed: number) =>
  Array.from({ length }, (_, i) => (i * i * 7 + i * 3 + seed * 11) % 39 + 1);

/** The last hidden state of one row in one full pass, [H]. */
const lastHidden = (model: CausalLM, row: readonly number[]): Tensor =>
  noGrad(() =>
    scope(() => ops.select(ops.select(model.forward(idsOf([[...row]])).hidden, 0, 0), 0, -1))
  );

tensorTest("each token decoded beyond the original length equals full recomputation", () => {
  using model = dynamicModel(1);
  assertEquals(model.maxPositions, 64);
  const row = rowOf(40, 1), pieces = [10, ...Array<number>(30).fill(1)];
  const hidden = cachedHidden(model, [row], pieces);
  for (let t = 9; t < 40; t++) {
    const got = ops.select(ops.select(hidden, 0, 0), 0, t);
    assertLess(maxDifference(got, lastHidden(model, row.slice(0, t + 1))), 2e-5, `token ${t}`);
  }
});

tensorTest("one cached pass beyond the original length equals the full one in every layer", () => {
  using model = dynamicModel(3);
  const rows = [rowOf(40, 1), rowOf(40, 2)];
  const full = noGrad(() => model.forward(idsOf(rows), { lengths: [40, 40] }).hidden);
  assertLess(maxDifference(cachedHidden(model, rows, [40]), full), 2e-5);
});

tensorTest("in a padded batch each row has the frequencies of its own length", () => {
  using model = dynamicModel(2);
  const lengths = [40, 25, 9], rows = lengths.map((length, i) => rowOf(length, i));
  const padded = idsOf(rows.map((row) => [...row, ...Array<number>(40 - row.length).fill(0)]));
  for (const recompute of [false, true]) {
    const { hidden } = model.forward(padded, { lengths, recompute });
    rows.forEach((row, b) => {
      const last = ops.select(ops.select(hidden, 0, b), 0, row.length - 1);
      assertLess(maxDifference(last, lastHidden(model, row)), 2e-5, `row ${b}`);
    });
  }
  // The longest row's frequencies for all would be another result: the test above can tell.
  const wrong = model.forward(padded, { lengths: [40, 40, 40] }).hidden;
  const last = ops.select(ops.select(wrong, 0, 1), 0, 24);
  assertGreater(maxDifference(last, lastHidden(model, rows[1])), 1e-2);
  assertThrows(() => model.forward(padded), ModelError, "without 'lengths'");
});

tensorTest("rollouts beyond the original length are those of full recomputation", () => {
  using model = dynamicModel(1);
  const groups = [
    { promptIds: rowOf(5, 1), prefixes: [[], rowOf(3, 4), rowOf(14, 5)] },
    { promptIds: rowOf(20, 2), prefixes: [[], rowOf(6, 6)] },
  ];
  const rollouts = generate(model, groups, {
    maxCompletionLength: 30,
    temperature: 0,
    stopIds: [],
  });
  assertEquals(rollouts.length, 5);
  for (const { promptIds, completionIds, given } of rollouts) {
    for (let t = given; t < completionIds.length; t++) {
      const row = [...promptIds, ...completionIds.slice(0, t)];
      const logits = scope(() => ops.matmul(model.head, lastHidden(model, row)).toNumbers());
      // Between tokens that are equally likely to rounding either may be taken.
      assertLess(Math.max(...logits) - logits[completionIds[t]], 1e-4, `token ${t}`);
    }
  }
  assert(rollouts.some(({ completionIds }) => new Set(completionIds).size > 5));
});
