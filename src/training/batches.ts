/** Rows of unequal length as padded tensors, grouped so that little of a tensor is padding. */
import * as ops from "../tensor/ops.ts";
import { type Device } from "../tensor/dtype.ts";
import { scope, type Tensor, tensor } from "../tensor/tensor.ts";

/** Rows whose lengths differ by more than this factor do not share a micro-batch. */
const spread = 1.5;

/**
 * Splits rows into micro-batches of at most `maxRows`, longest together, so that padding stays below a third. The order
 * depends on the lengths alone.
 */
export function lengthBuckets(lengths: readonly number[], maxRows: number): number[][] {
  const order = lengths.map((_, i) => i).sort((a, b) => lengths[a] - lengths[b] || a - b);
  const buckets: number[][] = [];
  for (const row of order) {
    const bucket = buckets.at(-1);
    const fits = bucket !== undefined && bucket.length < maxRows &&
      lengths[row] <= spread * lengths[bucket[0]];
    if (fits) bucket.push(row);
    else buckets.push([row]);
  }
  return buckets;
}

/** One row of a {@linkcode CompletionBatch}. */
export interface CompletionRow {
  /** The prompt's tokens, at least one. */
  readonly promptIds: readonly number[];
  /** The completion's tokens. */
  readonly completionIds: readonly number[];
}

/** Prompts with completions as tensors. It owns them: dispose it. */
export interface CompletionBatch {
  /** int64 [B, T], padded on the right with 0. */
  readonly ids: Tensor;
  /** int64 [N]: where in [B · T] the hidden state lies that predicts each completion token. */
  readonly sources: Tensor;
  /** int64 [N]: the completion tokens. */
  readonly targets: Tensor;
  /** int64 [N]: where in [B · C] each completion token lies. */
  readonly slots: Tensor;
  /** B */
  readonly rows: number;
  /** T, the longest row. */
  readonly length: number;
  /** Tokens of each row, prompt and completion, without the padding. */
  readonly lengths: readonly number[];
  /** C, the longest completion. */
  readonly width: number;
  /** Frees the tensors. */
  [Symbol.dispose](): void;
}

/** Lays rows out for a training pass; hidden states are only needed where they predict a completion token. */
export function completionBatch(rows: readonly CompletionRow[], device: Device): CompletionBatch {
  const lengths = rows.map((row) => row.promptIds.length + row.completionIds.length);
  const length = Math.max(...lengths);
  const width = Math.max(...rows.map((row) => row.completionIds.length));
  const ids = new BigInt64Array(rows.length * length);
  const sources: bigint[] = [], targets: bigint[] = [], slots: bigint[] = [];
  rows.forEach(({ promptIds, completionIds }, b) => {
    [...promptIds, ...completionIds].forEach((id, t) => ids[b * length + t] = BigInt(id));
    completionIds.forEach((id, c) => {
      sources.push(BigInt(b * length + promptIds.length - 1 + c));
      targets.push(BigInt(id));
      slots.push(BigInt(b * width + c));
    });
  });
  const place = (array: BigInt64Array, shape: number[]) =>
    scope(() => ops.toDevice(tensor(array, shape), device, "int64"));
  const list = (values: bigint[]) => place(BigInt64Array.from(values), [values.length]);
  const made = scope(() => [
    place(ids, [rows.length, length]),
    list(sources),
    list(targets),
    list(slots),
  ]);
  for (const t of made) t.keep();
  return {
    ids: made[0],
    sources: made[1],
    targets: made[2],
    slots: made[3],
    rows: rows.length,
    length,
    lengths,
    width,
    [Symbol.dispose]: () => made.forEach((t) => t.dispose()),
  };
}

/** The hidden states [N, H] that predict completion tokens, without a graph. */
export function predictingStates(hidden: Tensor, batch: CompletionBatch): Tensor {
  return scope(() => {
    const flat = ops.reshape(ops.detach(hidden), [batch.rows * batch.length, hidden.shape[2]]);
    return ops.indexSelect(flat, 0, batch.sources);
  });
}

/** Puts gradients [N, H] of {@linkcode predictingStates} back at their places, [B, T, H]. */
export function scatterStates(gradient: Tensor, batch: CompletionBatch): Tensor {
  return scope(() => {
    const size = gradient.shape[1];
    const flat = ops.zeros([batch.rows * batch.length, size], gradient.dtype, gradient.device);
    ops.indexCopyInPlace(flat, 0, batch.sources, gradient);
    return ops.view(flat, [batch.rows, batch.length, size]);
  });
}

/** Values [N] of completion tokens as a matrix [B, C], 0 where there is no token. */
export function toMatrix(values: Tensor, batch: CompletionBatch): Tensor {
  return scope(() => {
    const flat = ops.zeros([batch.rows * batch.width], values.dtype, values.device);
    ops.indexCopyInPlace(flat, 0, batch.slots, values);
    return ops.view(flat, [batch.rows, batch.width]);
  });
}

/** The values [N] of completion tokens from a matrix [B, C]. */
export function fromMatrix(matrix: Tensor, batch: CompletionBatch): Tensor {
  return scope(() =>
    ops.indexSelect(ops.reshape(matrix, [batch.rows * batch.width]), 0, batch.slots)
  );
}
