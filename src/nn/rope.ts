/** Rotary position embedding (RoFormer, Su et al. 2021), in Hugging Face's half-split layout. */
import * as ops from "../tensor/ops.ts";
import { type Device, type DType } from "../tensor/dtype.ts";
import { scope, type Tensor } from "../tensor/tensor.ts";

/** cos and sin by position; sin carries the sign of the half-rotation. */
export interface RotaryTable {
  /** [positions, headDim] */
  readonly cos: Tensor;
  /** [positions, headDim], the first half negated: rotating a half is then one roll. */
  readonly sin: Tensor;
}

/** The table of `positions` angles t · θ^(-2i/headDim), computed in float32 as Transformers does. */
export function rotaryTable(
  options: { headDim: number; theta: number; positions: number; dtype: DType; device: Device },
): RotaryTable {
  const { headDim, theta, positions, dtype, device } = options;
  return scope(() => {
    const exponents = ops.divScalar(ops.arange(0, headDim, 2, "float32"), headDim);
    const frequencies = ops.powBase(theta, exponents); // [headDim / 2]
    const inverse = ops.div(ops.ones([headDim / 2], "float32"), frequencies);
    const t = ops.unsqueeze(ops.arange(0, positions, 1, "float32"), 1);
    const angles = ops.mul(t, ops.unsqueeze(inverse, 0)); // [positions, headDim / 2]
    const cos = ops.cos(angles), sin = ops.sin(angles);
    const place = (x: Tensor) => ops.toDevice(x, device, dtype);
    return {
      cos: place(ops.cat([cos, cos], 1)),
      sin: place(ops.cat([ops.neg(sin), sin], 1)),
    };
  });
}

/** Rotates x [..., T, headDim] by cos and sin, broadcastable to it. */
export function applyRotary(x: Tensor, cos: Tensor, sin: Tensor, headDim: number): Tensor {
  return ops.addcmul(ops.mul(x, cos), ops.roll(x, [headDim / 2], [-1]), sin);
}
