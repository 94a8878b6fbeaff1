import * as ops from "../../tensor/ops.ts";
import { type Tensor } from "../../tensor/tensor.ts";
import { type LossAggregation, type TokenLosses } from "./loss.ts";

/** Dr. GRPO (arXiv 2503.20783): the sum of a completion over a constant length, which takes the length bias away. */
export const drGrpo: LossAggregation = {
  name: "dr_grpo",
  aggregate({ values, totals, maxCompletionLength }: TokenLosses): Tensor {
    return ops.divScalar(ops.sum(values), Math.max(totals.rows, 1) * maxCompletionLength);
  },
};
