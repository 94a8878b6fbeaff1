/** Scaled dot-product attention over grouped key and value heads. */
import * as ops from "../tensor/ops.ts";
import { type Tensor } from "../tensor/tensor.ts";

/** Sizes of an attention layer. */
export interface AttentionShape {
  /** Query heads, H. */
  readonly heads: number;
  /** Key and value heads, K; H is a multiple. */
  readonly kvHeads: number;
  /** Size of one head, D. */
  readonly headDim: number;
}

/**
 * Attention of q [B, H, T, D] to k and v [B, K, S, D]. `mask` is boolean, broadcastable to [B, 1, T, S], true where a
 * query may look; "causal" lets the i-th of T = S queries see keys 0 to i. Returns [B, T, H · D].
 */
export function attention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  mask: Tensor | "causal" | null,
  { heads, kvHeads, headDim }: AttentionShape,
  batch: number,
  length: number,
): Tensor {
  const causal = mask === "causal";
  const out = ops.scaledDotProductAttention(
    q,
    k,
    v,
    causal ? null : mask,
    0,
    causal,
    null,
    heads !== kvHeads,
  ); // [B, H, T, D]
  return ops.reshape(ops.transpose(out, 1, 2), [batch, length, heads * headDim]);
}

/**
 * Attention of one query a row, q [B, H, 1, D], to cached k and v [B, K, S, D]: two batched products a key head, which
 * reads the cache once for all query heads that share it. `bias` [B, 1, 1, S] is added to the scores: 0 or −∞.
 */
export function decodeAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  bias: Tensor | null,
  { heads, kvHeads, headDim }: AttentionShape,
  batch: number,
): Tensor {
  const grouped = ops.reshape(q, [batch, kvHeads, heads / kvHeads, headDim]);
  const scaled = ops.mulScalar(grouped, headDim ** -0.5);
  const scores = ops.matmul(scaled, ops.transpose(k, 2, 3)); // [B, K, H / K, S]
  if (bias !== null) ops.addInPlace(scores, bias);
  return ops.reshape(ops.matmul(ops.softmax(scores, -1), v), [batch, 1, heads * headDim]);
}
