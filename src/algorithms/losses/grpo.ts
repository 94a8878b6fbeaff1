import * as ops from "../../tensor/ops.ts";
import { type Tensor } from "../../tensor/tensor.ts";
import { type LossAggregation, type TokenLosses } from "./loss.ts";

/** Eq. 3: the mean over a completion's tokens, then over completions. Long and short ones weigh the same. */
export const grpo: LossAggregation = {
  name: "grpo",
  aggregate({ values, lengths, totals }: TokenLosses): Tensor {
    const rows = ops.div(ops.sumDim(values, [1]), lengths); // [B]
    return ops.divScalar(ops.sum(rows), Math.max(totals.rows, 1));
  },
};
