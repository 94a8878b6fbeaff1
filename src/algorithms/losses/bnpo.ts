import * as ops from "../../tensor/ops.ts";
import { type Tensor } from "../../tensor/tensor.ts";
import { type LossAggregation, type TokenLosses } from "./loss.ts";

/**
 * The mean over all tokens of the optimizer step. TRL takes it over each micro-batch, so that accumulation changes the
 * gradient; over the whole step it does not.
 */
export const bnpo: LossAggregation = {
  name: "bnpo",
  aggregate({ values, totals }: TokenLosses): Tensor {
    return ops.divScalar(ops.sum(values), Math.max(totals.tokens, 1));
  },
};
