/** The gated MLP of Llama-like decoders (SwiGLU, Shazeer 2020). */
import * as ops from "../tensor/ops.ts";
import { type Tensor } from "../tensor/tensor.ts";

/** down(silu(gate(x)) · up(x)), each a projection of the last dimension. */
export function swiGlu(
  x: Tensor,
  gate: (x: Tensor) => Tensor,
  up: (x: Tensor) => Tensor,
  down: (x: Tensor) => Tensor,
): Tensor {
  return down(ops.mul(ops.silu(gate(x)), up(x)));
}
