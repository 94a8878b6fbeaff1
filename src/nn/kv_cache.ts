/** Keys and values of past tokens, one pair of tensors a layer. */
import * as ops from "../tensor/ops.ts";
import { type Device, type DType } from "../tensor/dtype.ts";
import { scope, type Tensor } from "../tensor/tensor.ts";

/** Sizes of a cache. */
export interface KvCacheShape {
  /** Decoder layers. */
  readonly layers: number;
  /** Rows, B. */
  readonly rows: number;
  /** Key and value heads, K. */
  readonly kvHeads: number;
  /** Columns, S: the most tokens a row can hold. */
  readonly columns: number;
  /** Size of one head, D. */
  readonly headDim: number;
}

/** A cache of keys and values. It owns its tensors: dispose it. */
export class KvCache {
  /** Keys after rotation, a layer each, [B, K, S, D]. */
  readonly keys: Tensor[];
  /** Values, a layer each, [B, K, S, D]. */
  readonly values: Tensor[];
  /** Columns written so far, t. */
  length = 0;

  /** Empty storage of a given shape. */
  constructor(readonly shape: KvCacheShape, dtype: DType, device: Device) {
    const { layers, rows, kvHeads, columns, headDim } = shape;
    const make = () =>
      Array.from(
        { length: layers },
        () => ops.empty([rows, kvHeads, columns, headDim], dtype, device),
      );
    const made = scope(() => ({ keys: make(), values: make() }));
    this.keys = made.keys.map((t) => t.keep());
    this.values = made.values.map((t) => t.keep());
  }

  /**
   * Writes k and v [B, K, T, D] of one layer behind what is there and returns views of all columns up to and with
   * them, [B, K, t + T, D]. `length` moves when the whole model has written: see {@linkcode advance}.
   */
  write(layer: number, k: Tensor, v: Tensor, count: number): [keys: Tensor, values: Tensor] {
    const put = (to: Tensor, from: Tensor) => {
      ops.copyInPlace(ops.narrow(to, 2, this.length, count), from);
      return ops.narrow(to, 2, 0, this.length + count);
    };
    return [put(this.keys[layer], k), put(this.values[layer], v)];
  }

  /** Counts `count` columns as written, after every layer wrote them. */
  advance(count: number): void {
    this.length += count;
  }

  /** Zeroes the first `count` columns. */
  clear(count: number): void {
    for (const t of [...this.keys, ...this.values]) {
      scope(() => ops.zeroInPlace(ops.narrow(t, 2, 0, count)));
    }
  }

  /**
   * Copies the first `count` columns of rows `from` (int64 [n]) of another cache into rows `rows` (int64 [n]) of this
   * one, from column `column` on.
   */
  fill(rows: Tensor, column: number, other: KvCache, from: Tensor, count: number): void {
    const copy = (to: Tensor, source: Tensor) =>
      scope(() => {
        const selected = ops.indexSelect(ops.narrow(source, 2, 0, count), 0, from);
        ops.indexCopyInPlace(ops.narrow(to, 2, column, count), 0, rows, selected);
      });
    this.keys.forEach((to, layer) => copy(to, other.keys[layer]));
    this.values.forEach((to, layer) => copy(to, other.values[layer]));
  }

  /** Keeps only the given rows, an int64 tensor [B']. */
  selectRows(rows: Tensor): void {
    const select = (t: Tensor) => {
      const selected = scope(() => ops.indexSelect(t, 0, rows)).keep();
      t.dispose();
      return selected;
    };
    // Layer by layer, so that no second cache is held meanwhile.
    for (const list of [this.keys, this.values]) {
      list.forEach((t, layer) => list[layer] = select(t));
    }
  }

  /** Frees the storage. */
  [Symbol.dispose](): void {
    for (const t of [...this.keys, ...this.values]) t.dispose();
  }
}
