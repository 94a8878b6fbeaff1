/** Rotary position embedding (RoFormer, Su et al. 2021), in Hugging Face's half-split layout. */
import * as ops from "../tensor/ops.ts";
import { type Device, type DType } from "../tensor/dtype.ts";
import { scope, type Tensor } from "../tensor/tensor.ts";
import {
  attentionFactor,
  followsLength,
  inverseFrequencies,
  type RopeSettings,
} from "./rope_scaling.ts";

/** cos and sin of angles; sin carries the sign of the half-rotation. */
export interface RotaryTable {
  /** [..., headDim] */
  readonly cos: Tensor;
  /** [..., headDim], the first half negated: rotating a half is then one roll. */
  readonly sin: Tensor;
}

/** Where and as what a table is wanted. */
export interface RotaryPlace {
  /** D, even. */
  readonly headDim: number;
  /** Of the table; angles are computed in float32 whatever it is. */
  readonly dtype: DType;
  /** Of the table. */
  readonly device: Device;
}

/** cos and sin of angles float32 [..., D / 2], doubled to [..., D]. */
function tableOf(angles: Tensor, rope: RopeSettings, { dtype, device }: RotaryPlace): RotaryTable {
  const factor = attentionFactor(rope), last = angles.shape.length - 1;
  const scaled = (x: Tensor) => factor === 1 ? x : ops.mulScalar(x, factor);
  const cos = scaled(ops.cos(angles)), sin = scaled(ops.sin(angles));
  const place = (x: Tensor) => ops.toDevice(x, device, dtype);
  return {
    cos: place(ops.cat([cos, cos], last)),
    sin: place(ops.cat([ops.neg(sin), sin], last)),
  };
}

/** The table of the first `positions` positions, [positions, D], for rows whose frequencies do not follow their length. */
export function rotaryTable(
  rope: RopeSettings,
  positions: number,
  place: RotaryPlace,
): RotaryTable {
  return scope(() => {
    const inverse = inverseFrequencies(place.headDim, rope);
    const t = ops.unsqueeze(ops.arange(0, positions, 1, "float32"), 1);
    const angles = ops.mul(t, ops.unsqueeze(inverse, 0)); // [positions, D / 2]
    return tableOf(angles, rope, place);
  });
}

/**
 * The table of given positions, int64 [B, T], of rows of given lengths (B numbers), each with the frequencies of its own
 * length: [B, 1, T, D].
 */
export function rotaryTableOfRows(
  rope: RopeSettings,
  positions: Tensor,
  lengths: readonly number[],
  place: RotaryPlace,
): RotaryTable {
  return scope(() => {
    const made = new Map<number, Tensor>();
    const inverse = lengths.map((length) => {
      const key = followsLength(rope, length) ? length : 0;
      const known = made.get(key) ?? inverseFrequencies(place.headDim, rope, key);
      made.set(key, known);
      return known;
    });
    const rows = ops.toDevice(ops.stack(inverse), place.device, "float32"); // [B, D / 2]
    const t = ops.unsqueeze(ops.toDtype(positions, "float32"), -1); // [B, T, 1]
    const angles = ops.mul(t, ops.unsqueeze(rows, 1)); // [B, T, D / 2]
    return tableOf(ops.unsqueeze(angles, 1), rope, place);
  });
}

/** Rotates x [..., T, headDim] by cos and sin, broadcastable to it. */
export function applyRotary(x: Tensor, cos: Tensor, sin: Tensor, headDim: number): Tensor {
  return ops.addcmul(ops.mul(x, cos), ops.roll(x, [headDim / 2], [-1]), sin);
}
