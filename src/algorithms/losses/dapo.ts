import * as ops from "../../tensor/ops.ts";
import { type Tensor } from "../../tensor/tensor.ts";
import { type LossAggregation, type TokenLosses } from "./loss.ts";

/** DAPO (arXiv 2503.14476): the mean over all tokens of the generation batch, every token weighing the same. */
export const dapo: LossAggregation = {
  name: "dapo",
  aggregate({ values, totals }: TokenLosses): Tensor {
    return ops.divScalar(ops.sum(values), Math.max(totals.generationTokens ?? totals.tokens, 1));
  },
};
