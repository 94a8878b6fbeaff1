/** Every loss by its name. */
import { bnpo } from "./bnpo.ts";
import { dapo } from "./dapo.ts";
import { drGrpo } from "./dr_grpo.ts";
import { grpo } from "./grpo.ts";
import { type LossAggregation, type LossType } from "./loss.ts";

/** The losses that `loss_type` names. */
export const losses: Readonly<Record<LossType, LossAggregation>> = {
  grpo,
  bnpo,
  dr_grpo: drGrpo,
  dapo,
};
