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
  /** Whether keys are held after rotation; before it, the cache holds each column's position too. */
  readonly rotated: boolean;
}

/** A cache of keys and values. It owns its tensors: dispose it. */
export class KvCache {
  /** Keys, a layer each, [B, K, S, D]. */
  readonly keys: Tensor[];
  /** Values, a layer each, [B, K, S, D]. */
  readonly values: Tensor[];
  /** One tensor of each column's position, int64 [B, 1, S, 1], where keys are not rotated; else none. */
  readonly #positions: Tensor[];
  /** Columns written so far, t. */
  length = 0;

  /** Empty storage of a given shape. */
  constructor(readonly shape: KvCacheShape, dtype: DType, device: Device) {
    const { layers, rows, kvHeads, columns, headDim, rotated } = shape;
    const make = () =>
      Array.from(
        { length: layers },
        () => ops.empty([rows, kvHeads, columns, headDim], dtype, device),
      );
    const made = scope(() => ({
      keys: make(),
      values: make(),
      positions: rotated ? [] : [ops.zeros([rows, 1, columns, 1], "int64", device)],
    }));
    this.keys = made.keys.map((t) => t.keep());
    this.values = made.values.map((t) => t.keep());
    this.#positions = made.positions.map((t) => t.keep());
  }

  /**
   * Writes the positions, int64 [B, T], of the columns that the layers are about to write, where keys are not rotated;
   * returns those of all columns up to and with them, [B, t + T].
   */
  writePositions(positions: Tensor, batch: number, count: number): Tensor {
    const [to] = this.#positions, length = this.length + count;
    const column = ops.reshape(positions, [batch, 1, count, 1]);
    ops.copyInPlace(ops.narrow(to, 2, this.length, count), column);
    return ops.reshape(ops.narrow(to, 2, 0, length), [batch, length]);
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
    for (const t of this.#all) {
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
    const sources = other.#all;
    this.#all.forEach((to, i) => copy(to, sources[i]));
  }

  /** Keeps only the given rows, an int64 tensor [B']. */
  selectRows(rows: Tensor): void {
    const select = (t: Tensor) => {
      const selected = scope(() => ops.indexSelect(t, 0, rows)).keep();
      t.dispose();
      return selected;
    };
    // Layer by layer, so that no second cache is held meanwhile.
    for (const list of [this.keys, this.values, this.#positions]) {
      list.forEach((t, layer) => list[layer] = select(t));
    }
  }

  get #all(): Tensor[] {
    return [...this.keys, ...this.values, ...this.#positions];
  }

  /** Frees the storage. */
  [Symbol.dispose](): void {
    for (const t of this.#all) t.dispose();
  }
}
