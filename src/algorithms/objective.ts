/**
 * The objective of G²RPO-A (Eq. 3): PPO's clipped surrogate on group-relative advantages, with a KL penalty to the
 * reference policy. A pure function of tensors: inputs to loss and statistics.
 *
 * Three things go beyond the paper, all off by default: `delta`, the sequence-level ratio (GSPO) and the other ways of
 * averaging, which are TRL's. Values and gradients are TRL's.
 *
 * Tokens of the teacher (guidance) are scored by the policy like its own. `guidanceLoss` says what becomes of them:
 *
 * - `all`, Eq. 3 as printed: they are tokens like any other, with the ratio π_θ/π_old.
 * - `none`: they leave the mask, and with it the divisor, the KL and, at the sequence level, the mean of the ratio.
 * - `clipped_importance`: they stay, with their true importance ratio. The teacher chose them with
 *   certainty, so the ratio is w = π_θ(token) / 1, clipped as in Eq. 3:
 *   min(w·A, clip(w, 1 − ε, 1 + ε_high)·A). A token that the policy finds unlikely pulls less, in
 *   proportion to its probability; with a negative advantage it has no gradient while its
 *   probability is below 1 − ε. At the sequence level the same rule goes into the one ratio of the
 *   completion: its geometric mean is over π_θ/π_old of the policy's tokens and π_θ of the teacher's.
 */
import { noGrad } from "../tensor/autograd.ts";
import * as ops from "../tensor/ops.ts";
import { scope, type Tensor, TensorError } from "../tensor/tensor.ts";
import { type BatchTotals, type LossType } from "./losses/loss.ts";
import { losses } from "./losses/registry.ts";

export type { BatchTotals, LossType } from "./losses/loss.ts";

/** Whether one ratio stands for each token or for the whole completion. */
export type ImportanceSamplingLevel = "token" | "sequence";

/** What becomes of guidance tokens in the loss. */
export type GuidanceLoss = "all" | "none" | "clipped_importance";

/** Which tokens of B completions with at most T tokens count. */
export interface ObjectiveMask {
  /** 1 (or true) for the tokens of a completion, guidance included, 0 for padding; [B, T], any dtype. */
  readonly mask: Tensor;
  /** 1 (or true) for the tokens that the teacher gave; null where there are none; [B, T], any dtype. */
  readonly guidanceMask?: Tensor | null;
}

/** B completions with at most T tokens. Floating tensors share one dtype, float32 or float64. */
export interface ObjectiveInputs extends ObjectiveMask {
  /** log π_θ of each token, with a graph or as a leaf, [B, T]. What stands outside the mask is never read. */
  readonly logProbs: Tensor;
  /** log π_old, the policy that sampled, [B, T]; null on the first pass, where it is π_θ and the ratio is 1. */
  readonly oldLogProbs: Tensor | null;
  /** log π_ref, [B, T]; needed where β is not 0. */
  readonly referenceLogProbs: Tensor | null;
  /** A of each completion, [B]. */
  readonly advantages: Tensor;
}

/** Options of {@linkcode policyObjective}. */
export interface ObjectiveOptions {
  /** How token losses are averaged. */
  readonly lossType: LossType;
  /** The ratio of a token, or the geometric mean over its completion (GSPO). */
  readonly importanceSamplingLevel: ImportanceSamplingLevel;
  /** ε: the ratio is clipped from below at 1 − ε. */
  readonly epsilon: number;
  /** ε_high: the ratio is clipped from above at 1 + ε_high; null is ε. */
  readonly epsilonHigh: number | null;
  /** β, the weight of the KL estimate k3 per token. */
  readonly beta: number;
  /** Bounds the unclipped ratio from above, which the minimum leaves unbounded when A < 0; null is no bound. */
  readonly delta: number | null;
  /** Weigh k3 by the ratio, which makes its gradient unbiased. */
  readonly useBiasCorrectionKl: boolean;
  /** Tokens a completion may have, guidance included: the divisor of `dr_grpo`. */
  readonly maxCompletionLength: number;
  /** What becomes of guidance tokens. */
  readonly guidanceLoss: GuidanceLoss;
  /**
   * Sizes of the whole batch of an optimizer step, from {@linkcode batchTotals}. With them the losses and gradients of
   * its micro-batches add up to the batch's, whatever the cut and the `lossType`; rows that cannot contribute (A = 0
   * and β = 0) may then be left out altogether. Default: these inputs are the whole batch.
   */
  readonly totals?: BatchTotals;
}

/** Sums over one call, which {@linkcode objectiveMetrics} turns into means over any number of calls. */
export interface ObjectiveStatistics {
  /** Completions. */
  readonly rows: number;
  /** Tokens in the loss. */
  readonly tokens: number;
  /** How many ratios there are: tokens, or completions at the sequence level. */
  readonly ratios: number;
  /** Sum of the KL estimates; null if β is 0. */
  readonly kl: number | null;
  /** Ratios below 1 − ε with A < 0: those whose gradient the clip takes. */
  readonly clippedLow: number;
  /** Ratios above 1 + ε_high with A > 0. */
  readonly clippedHigh: number;
  /** The least share of low clips in a completion; null without tokens. */
  readonly clippedLowMin: number | null;
  /** The largest share of high clips in a completion; null without tokens. */
  readonly clippedHighMax: number | null;
}

/** Metrics of the objective, by TRL's names; null where there is nothing to average. */
export interface ObjectiveMetrics {
  /** Mean of k3 over tokens, in nats; only if β is not 0. */
  readonly kl?: number | null;
  /** Share of ratios clipped from below. */
  readonly "clip_ratio/low_mean": number | null;
  /** The least such share in a completion. */
  readonly "clip_ratio/low_min": number | null;
  /** Share of ratios clipped from above. */
  readonly "clip_ratio/high_mean": number | null;
  /** The largest such share in a completion. */
  readonly "clip_ratio/high_max": number | null;
  /** Share of ratios clipped from either side. */
  readonly "clip_ratio/region_mean": number | null;
}

/** What {@linkcode policyObjective} returns. */
export interface Objective {
  /** A scalar to minimise, with a graph to `logProbs`. */
  readonly loss: Tensor;
  /** For {@linkcode objectiveMetrics}. */
  readonly statistics: ObjectiveStatistics;
}

/**
 * The loss of B completions: −J of Eq. 3, averaged as `lossType` says.
 *
 * A completion with A = 0 has a policy gradient of exactly 0, whatever its ratios.
 *
 * @throws {TensorError} when shapes or dtypes do not fit, or β is not 0 and there is no reference.
 */
export function policyObjective(inputs: ObjectiveInputs, options: ObjectiveOptions): Objective {
  checkInputs(inputs, options);
  const { logProbs, referenceLogProbs } = inputs;
  const { epsilon, beta, delta, guidanceLoss } = options;
  const epsilonHigh = options.epsilonHigh ?? epsilon;
  const bySequence = options.importanceSamplingLevel === "sequence";

  return scope(() => {
    const { mask, lengths } = lossMask(inputs, guidanceLoss); // [B, T] boolean, [B]
    const weights = ops.toDtype(mask, logProbs.dtype); // [B, T]
    const divisors = ops.clamp(lengths, 1); // [B]
    const A = ops.unsqueeze(inputs.advantages, 1); // [B, 1]
    const zero = ops.zerosLike(weights);

    // Ratios. Without an advantage they are not needed, and an infinite one would turn 0·∞ into NaN.
    const needed = options.useBiasCorrectionKl ? mask : ops.logicalAnd(mask, ops.neScalar(A, 0));
    const logRatio = ops.where(needed, ops.sub(logProbs, behaviour(inputs, guidanceLoss)), zero);
    const w = ops.exp(
      bySequence
        ? ops.div(ops.sumDim(logRatio, [1], true), ops.unsqueeze(divisors, 1)) // [B, 1]
        : logRatio, // [B, T]
    );
    const clipped = ops.clamp(w, 1 - epsilon, 1 + epsilonHigh);
    const unclipped = delta === null ? w : ops.clamp(w, null, delta);
    let perToken = ops.neg(ops.minimum(ops.mul(unclipped, A), ops.mul(clipped, A)));

    let k3: Tensor | null = null; // [B, T]
    if (beta !== 0) {
      const d = ops.where(mask, ops.sub(referenceLogProbs!, logProbs), zero);
      k3 = ops.subScalar(ops.sub(ops.exp(d), d), 1);
      if (options.useBiasCorrectionKl) k3 = ops.mul(k3, w);
      perToken = ops.add(perToken, k3, beta);
    }

    const [rows] = mask.shape;
    const statistics = noGrad(() => {
      const lows = ops.mul(ops.ltScalar(unclipped, 1 - epsilon), ops.ltScalar(A, 0));
      const highs = ops.mul(ops.gtScalar(unclipped, 1 + epsilonHigh), ops.gtScalar(A, 0));
      return measure({ lows, highs, k3, weights, lengths, bySequence });
    });
    const loss = losses[options.lossType].aggregate({
      values: ops.mul(perToken, weights),
      lengths: divisors,
      totals: options.totals ?? { rows, tokens: statistics.tokens },
      maxCompletionLength: options.maxCompletionLength,
    });
    return { loss, statistics };
  });
}

/**
 * Sizes of a batch that is cut into micro-batches: completions and tokens in the loss.
 *
 * @param microBatches Their masks.
 * @param guidanceLoss As in the objective: `none` does not count guidance tokens.
 */
export function batchTotals(
  microBatches: readonly ObjectiveMask[],
  guidanceLoss: GuidanceLoss,
): BatchTotals {
  let rows = 0, tokens = 0;
  for (const microBatch of microBatches) {
    rows += microBatch.mask.shape[0];
    tokens += noGrad(() =>
      scope(() => ops.item(ops.sum(lossMask(microBatch, guidanceLoss).lengths)))
    );
  }
  return { rows, tokens };
}

/** Metrics over the micro-batches of a step, or of several passes; equal to those of one batch. */
export function objectiveMetrics(statistics: readonly ObjectiveStatistics[]): ObjectiveMetrics {
  const sum = (of: (s: ObjectiveStatistics) => number) =>
    statistics.reduce((total, s) => total + of(s), 0);
  const share = (total: number, count: number) => count === 0 ? null : total / count;
  const present = (of: (s: ObjectiveStatistics) => number | null) =>
    statistics.map(of).filter((value) => value !== null);
  const ratios = sum((s) => s.ratios);
  const lows = present((s) => s.clippedLowMin), highs = present((s) => s.clippedHighMax);
  const kls = present((s) => s.kl);
  return {
    ...(kls.length === 0
      ? {}
      : { kl: share(kls.reduce((a, b) => a + b, 0), sum((s) => s.kl === null ? 0 : s.tokens)) }),
    "clip_ratio/low_mean": share(sum((s) => s.clippedLow), ratios),
    "clip_ratio/low_min": lows.length === 0 ? null : Math.min(...lows),
    "clip_ratio/high_mean": share(sum((s) => s.clippedHigh), ratios),
    "clip_ratio/high_max": highs.length === 0 ? null : Math.max(...highs),
    "clip_ratio/region_mean": share(sum((s) => s.clippedLow + s.clippedHigh), ratios),
  };
}

/** Tokens in the loss, boolean [B, T], and how many each row has, float32 [B]. */
function lossMask(inputs: ObjectiveMask, guidanceLoss: GuidanceLoss): LossMask {
  const { guidanceMask = null } = inputs;
  let mask = ops.toDtype(inputs.mask, "bool");
  if (guidanceLoss === "none" && guidanceMask !== null) {
    mask = ops.logicalAnd(mask, ops.logicalNot(guidanceMask));
  }
  return { mask, lengths: ops.sumDim(mask, [1], false, "float32") };
}

interface LossMask {
  readonly mask: Tensor;
  readonly lengths: Tensor;
}

/** log-probabilities under what chose each token, a constant: π_old, or the certain teacher. */
function behaviour(inputs: ObjectiveInputs, guidanceLoss: GuidanceLoss): Tensor {
  const { guidanceMask = null } = inputs;
  const old = ops.detach(inputs.oldLogProbs ?? inputs.logProbs);
  if (guidanceLoss !== "clipped_importance" || guidanceMask === null) return old;
  return ops.maskedFill(old, ops.toDtype(guidanceMask, "bool"), 0);
}

interface Measured {
  /** Boolean, [B, T] or [B, 1]. */
  readonly lows: Tensor;
  readonly highs: Tensor;
  readonly k3: Tensor | null;
  readonly weights: Tensor;
  readonly lengths: Tensor;
  readonly bySequence: boolean;
}

/** Counts in one read: waiting for a GPU once is enough. */
function measure({ lows, highs, k3, weights, lengths, bySequence }: Measured): ObjectiveStatistics {
  const perRow = (flags: Tensor) => ops.sumDim(ops.mul(weights, flags), [1]); // [B]
  const kl = k3 === null ? ops.zerosLike(lengths) : ops.sumDim(ops.mul(k3, weights), [1]);
  const columns = [lengths, perRow(lows), perRow(highs), kl];
  if (bySequence) columns.push(ops.squeeze(lows, 1), ops.squeeze(highs, 1));
  const values = ops.stack(columns.map((column) => ops.toDtype(column, "float64")), 1).toNumbers();

  let tokens = 0, clippedLow = 0, clippedHigh = 0, klSum = 0;
  let clippedLowMin: number | null = null, clippedHighMax: number | null = null;
  const width = columns.length, rows = values.length / width;
  for (let row = 0; row < rows; row++) {
    const [length, low, high, klOfRow, rowLow = low, rowHigh = high] = values.slice(
      row * width,
      (row + 1) * width,
    );
    tokens += length;
    clippedLow += rowLow;
    clippedHigh += rowHigh;
    klSum += klOfRow;
    if (length === 0) continue;
    clippedLowMin = Math.min(clippedLowMin ?? 1, low / length);
    clippedHighMax = Math.max(clippedHighMax ?? 0, high / length);
  }
  return {
    rows,
    tokens,
    ratios: bySequence ? rows : tokens,
    kl: k3 === null ? null : klSum,
    clippedLow,
    clippedHigh,
    clippedLowMin,
    clippedHighMax,
  };
}

function checkInputs(inputs: ObjectiveInputs, options: ObjectiveOptions): void {
  const { logProbs, oldLogProbs, referenceLogProbs, mask, guidanceMask = null, advantages } =
    inputs;
  const shape = logProbs.shape, dtype = logProbs.dtype;
  const show = (of: Tensor) => `${of.dtype}[${of.shape.join(", ")}]`;
  const refuse = (name: string, wanted: string, given: string): never => {
    throw new TensorError(
      `Cannot compute the objective as '${name}' must be ${wanted}: current value is ${given}`,
    );
  };
  if (shape.length !== 2 || (dtype !== "float32" && dtype !== "float64")) {
    refuse("logProbs", "float32 or float64 [B, T]", show(logProbs));
  }
  const [rows, columns] = shape;
  const fits = (of: Tensor, sizes: number[]) =>
    of.shape.length === sizes.length && of.shape.every((size, i) => size === sizes[i]);
  for (const [name, of] of Object.entries({ oldLogProbs, referenceLogProbs })) {
    if (of !== null && (!fits(of, shape) || of.dtype !== dtype)) {
      refuse(name, `${dtype}[${rows}, ${columns}], as 'logProbs'`, show(of));
    }
  }
  for (const [name, of] of Object.entries({ mask, guidanceMask })) {
    if (of !== null && !fits(of, shape)) {
      refuse(name, `of shape [${rows}, ${columns}], as 'logProbs'`, show(of));
    }
  }
  if (!fits(advantages, [rows]) || advantages.dtype !== dtype) {
    refuse("advantages", `${dtype}[${rows}], one a completion`, show(advantages));
  }
  if (options.beta !== 0 && referenceLogProbs === null) {
    refuse("referenceLogProbs", `given where beta is ${options.beta}`, "null");
  }
}
