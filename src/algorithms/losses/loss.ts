/** What the four ways of averaging token losses have in common. */
import { type Tensor } from "../../tensor/tensor.ts";

/** The name of a loss, as in TRL's `loss_type`. */
export type LossType = "grpo" | "bnpo" | "dr_grpo" | "dapo";

/**
 * Sizes of the whole batch that one optimizer step learns from, however many micro-batches it is cut into. Only with
 * these as divisors do the micro-batches' losses add up to the batch's.
 */
export interface BatchTotals {
  /** Completions, those without a token in the loss included. */
  readonly rows: number;
  /** Tokens in the loss. */
  readonly tokens: number;
  /** Tokens in the loss of the whole generation batch, where a step learns from a part of it. Default: `tokens`. */
  readonly generationTokens?: number;
}

/** What a loss averages. */
export interface TokenLosses {
  /** Loss of each token, 0 outside the mask, [B, T]. */
  readonly values: Tensor;
  /** Tokens in the loss of each row, at least 1, [B]. */
  readonly lengths: Tensor;
  /** Sizes of the whole batch. */
  readonly totals: BatchTotals;
  /** Tokens that a completion may have, guidance included. */
  readonly maxCompletionLength: number;
}

/** How the losses of tokens become one number. */
export interface LossAggregation {
  /** Its name in a config. */
  readonly name: LossType;
  /** The scalar loss of these rows; over the micro-batches of a step it sums up to the batch's. */
  aggregate(losses: TokenLosses): Tensor;
}
