/** Passes through a model and their loss, for the tests of every family. */
import { type CausalLM, type ForwardOptions } from "../../src/models/model.ts";
import { KvCache } from "../../src/nn/kv_cache.ts";
import { gradients } from "../../src/tensor/autograd.ts";
import * as ops from "../../src/tensor/ops.ts";
import { scope, type Tensor, tensor } from "../../src/tensor/tensor.ts";

/** Rows of token ids, padded on the right. */
export interface Batch {
  readonly input_ids: readonly number[][];
  readonly lengths: readonly number[];
}

export const idsOf = (rows: readonly number[][]): Tensor => tensor(rows, undefined, "int64");

export const logitsOf = (model: CausalLM, hidden: Tensor): Tensor => ops.linear(hidden, model.head);

export const maxOf = (a: Tensor): number =>
  scope(() => ops.item(ops.amax(ops.reshape(ops.abs(a), [-1]), [0])));

export const maxDifference = (a: Tensor, b: Tensor): number => scope(() => maxOf(ops.sub(a, b)));

/** Ones where a row's token is real, [B, T]. */
export function maskOf({ lengths, input_ids }: Batch): Tensor {
  return tensor(
    input_ids.map((row, b) => row.map((_, t) => t < lengths[b] ? 1 : 0)),
  );
}

/** Log-probability of each next token, [B, T - 1]. */
export function nextLogProbs(logits: Tensor, ids: Tensor, temperature: number): Tensor {
  const [, length] = ids.shape;
  const logp = ops.logSoftmax(ops.divScalar(ops.narrow(logits, 1, 0, length - 1), temperature), -1);
  const next = ops.unsqueeze(ops.narrow(ids, 1, 1, length - 1), -1);
  return ops.squeeze(ops.gather(logp, -1, next), -1);
}

/** Mean of -log p over valid next tokens. */
export function lossOf(logits: Tensor, ids: Tensor, batch: Batch): Tensor {
  const valid = ops.narrow(maskOf(batch), 1, 1, batch.input_ids[0].length - 1);
  const logp = nextLogProbs(logits, ids, 1);
  return ops.neg(ops.div(ops.sum(ops.mul(logp, valid)), ops.sum(valid)));
}

/** Forward and backward of a batch; gradients land in the parameters. Returns the loss. */
export function train(model: CausalLM, batch: Batch, options: ForwardOptions): number {
  return scope(() => {
    const ids = idsOf(batch.input_ids);
    const trunk = model.forward(ids, options);
    const hidden = ops.detach(trunk.hidden);
    ops.requiresGradInPlace(hidden);
    const loss = lossOf(logitsOf(model, hidden), ids, batch);
    const { head } = model;
    const learns = head.requiresGrad;
    const [dHidden, dHead] = gradients([loss], learns ? [hidden, head] : [hidden]);
    trunk.backward(dHidden);
    if (learns) head.grad = head.grad === null ? dHead : ops.add(head.grad, dHead);
    return ops.item(loss);
  });
}

/** [from, to) for each of so many rows. */
const positionsOf = (rows: number, from: number, to: number) =>
  idsOf(Array.from({ length: rows }, () => Array.from({ length: to - from }, (_, i) => from + i)));

/** Hidden states [B, T, H] of unpadded rows through a cache, so many tokens at a time. */
export function cachedHidden(
  model: CausalLM,
  rows: readonly number[][],
  pieces: readonly number[],
): Tensor {
  const [B, T] = [rows.length, rows[0].length];
  using cache = new KvCache(model.cacheShape(B, T + 3), model.dtype, model.device);
  const parts: Tensor[] = [];
  for (const count of pieces) {
    const at = cache.length;
    const causal = Array.from(
      { length: count },
      (_, i) => Array.from({ length: at + count }, (_, s) => s <= at + i ? 1 : 0),
    );
    const mask = count === 1
      ? null
      : at === 0
      ? "causal" as const
      : ops.expand(tensor(causal, undefined, "bool"), [B, 1, count, at + count]);
    const ids = idsOf(rows.map((row) => row.slice(at, at + count)));
    parts.push(model.extend(ids, { cache, positions: positionsOf(B, at, at + count), mask }));
    if (cache.length !== at + count) throw new Error(`the cache counts ${cache.length} columns`);
  }
  return ops.cat(parts, 1);
}
