/**
 * The update of a step: `num_iterations` passes over the rollouts, each the objective of Eq. 3 summed over
 * micro-batches, its backward pass and one step of AdamW.
 *
 * Gradients flow by hand across two seams, so that neither the logits of all tokens nor two graphs at once are held:
 * objective to log-probs (autograd on a small matrix), log-probs to hidden states (a written backward), hidden states
 * to parameters (the trunk's).
 */
import { type Advantages } from "../algorithms/advantages.ts";
import {
  objectiveMetrics,
  type ObjectiveStatistics,
  policyObjective,
} from "../algorithms/objective.ts";
import { tokenLogProbs } from "../algorithms/token_log_probs.ts";
import { type Rollout } from "../engine/generate.ts";
import { Turns } from "../std/turns.ts";
import { backward, noGrad } from "../tensor/autograd.ts";
import * as ops from "../tensor/ops.ts";
import { scope, type Tensor, tensor } from "../tensor/tensor.ts";
import {
  type CompletionBatch,
  completionBatch,
  fromMatrix,
  lengthBuckets,
  predictingStates,
  scatterStates,
  toMatrix,
} from "./batches.ts";
import { type TrainState } from "./checkpoint.ts";
import { learningRate } from "./lr_schedule.ts";
import { type Metrics } from "./metrics.ts";
import { type Run } from "./run.ts";

/** What an update leaves. */
export interface Update {
  /**
   * loss, grad_norm, learning_rate, entropy, kl, clip_ratio/…, sampling/…; null where nothing was trained. entropy, kl
   * and clip_ratio are means over the completions that were trained: with β = 0 those of live groups.
   */
  readonly metrics: Metrics;
  /** Tokens (prompts and completions) that went through the model, over all passes. */
  readonly tokens: number;
}

/** The figures of a step that trained nothing. */
const untrained: Metrics = {
  loss: null,
  grad_norm: null,
  entropy: null,
  kl: null,
  "clip_ratio/low_mean": null,
  "clip_ratio/low_min": null,
  "clip_ratio/high_mean": null,
  "clip_ratio/high_max": null,
  "clip_ratio/region_mean": null,
  "sampling/sampling_logp_difference/mean": null,
  "sampling/sampling_logp_difference/max": null,
};

/** Some rollouts of the step as tensors, with what stays the same over its passes. */
interface MicroBatch {
  readonly batch: CompletionBatch;
  /** float32 [B, C]: 1 for tokens of the completion. */
  readonly mask: Tensor;
  /** float32 [B, C]: 1 for tokens that were given. */
  readonly guidanceMask: Tensor;
  /** Â of each row, float32 [B]. */
  readonly advantages: Tensor;
  /** log π_old, [B, C], from the first pass; null until then. */
  oldLogProbs: Tensor | null;
  /** log π_ref, [B, C]; null where β = 0. */
  readonly referenceLogProbs: Tensor | null;
  /** log-probs that the sampler gave, [B, C], 0 where given. */
  readonly sampledLogProbs: Tensor;
}

/** Figures of one pass over one micro-batch. */
interface Pass {
  readonly loss: number;
  readonly statistics: ObjectiveStatistics;
  /** Sum of the entropies of the policy over completion tokens, in nats. */
  readonly entropy: number;
  /** Sum and maximum of |log π_θ − log π_sampler| over sampled tokens, before the first update. */
  readonly difference: { readonly sum: number; readonly max: number; readonly count: number };
}

/**
 * Learns from a step's rollouts. Changes the policy, the optimizer and the counters of the state.
 *
 * @param reference {@linkcode referenceLogProbs} of the rollouts.
 */
export function updatePolicy(
  state: TrainState,
  run: Run,
  rollouts: readonly Rollout[],
  advantages: Advantages,
  reference: readonly Float32Array[] | null,
): Update {
  const { config, optimizer } = run;
  const rate = learningRate(state.step, {
    learningRate: config.learning_rate,
    type: config.lr_scheduler_type,
    maxSteps: config.max_steps,
    ...(config.warmup_ratio > 0
      ? { warmupRatio: config.warmup_ratio }
      : { warmupSteps: config.warmup_steps }),
    minLrRate: config.min_lr_rate,
  });
  // A row without an advantage has no policy gradient: only a KL term makes it worth a pass.
  const inLoss = (i: number) => advantages.counts[i] && !masked(run, rollouts[i]);
  const trained = rollouts.flatMap((_, i) =>
    inLoss(i) && (advantages.values[i] !== 0 || config.beta !== 0) ? [i] : []
  );
  const nothing = { ...untrained, learning_rate: rate };
  // A model whose logits are no numbers samples something all the same, and its rewards may all be equal.
  if (rollouts.some(({ logProbs }) => !logProbs.every(Number.isFinite))) {
    state.skipped++;
    return { metrics: { ...nothing, loss: NaN, idle_steps: state.idle }, tokens: 0 };
  }
  if (trained.length === 0) {
    state.idle++;
    state.skipped = 0;
    return { metrics: { ...nothing, idle_steps: state.idle }, tokens: 0 };
  }
  const lossTokens = (rollout: Rollout) =>
    rollout.completionIds.length - (config.guidance.loss === "none" ? rollout.given : 0);
  const totals = {
    rows: advantages.counts.filter((counts) => counts).length,
    tokens: rollouts.reduce((n, rollout, i) => n + (inLoss(i) ? lossTokens(rollout) : 0), 0),
  };
  const lengthOf = (i: number) => rollouts[i].promptIds.length + rollouts[i].completionIds.length;
  const buckets = bucketsOf(run, rollouts, trained);
  using microBatches = new MicroBatches();
  for (const rows of buckets) {
    microBatches.add(
      run,
      rows.map((i) => ({
        rollout: rollouts[i],
        advantage: advantages.values[i],
        reference: reference?.[i] ?? null,
      })),
    );
  }
  const passes: Pass[] = [];
  let norm = 0, loss = 0;
  for (let iteration = 0; iteration < config.num_iterations; iteration++) {
    optimizer.zeroGrad();
    const of = microBatches.list.map((micro) => passOver(run, micro, totals));
    loss = of.reduce((sum, pass) => sum + pass.loss, 0);
    norm = optimizer.clipGradientNorm(config.max_grad_norm || Infinity);
    if (!Number.isFinite(loss) || !Number.isFinite(norm)) {
      // The pass is left out, and so are those after it: the weights stay, and so would the loss.
      state.skipped++;
      return { metrics: { ...nothing, loss, grad_norm: norm, idle_steps: state.idle }, tokens: 0 };
    }
    passes.push(...of);
    optimizer.step(rate);
    optimizer.zeroGrad(); // gradients are not held while the next rollouts are made
  }
  state.skipped = 0;
  const first = passes.slice(0, buckets.length);
  const tokens = trained.reduce((n, i) => n + rollouts[i].completionIds.length, 0);
  const differences = first.map((pass) => pass.difference);
  const compared = differences.reduce((n, d) => n + d.count, 0);
  return {
    metrics: {
      ...untrained,
      loss,
      grad_norm: norm,
      learning_rate: rate,
      entropy: first.reduce((sum, pass) => sum + pass.entropy, 0) / tokens,
      ...objectiveMetrics(passes.map((pass) => pass.statistics)),
      "sampling/sampling_logp_difference/mean": compared === 0
        ? null
        : differences.reduce((sum, d) => sum + d.sum, 0) / compared,
      "sampling/sampling_logp_difference/max": Math.max(...differences.map((d) => d.max)),
      idle_steps: state.idle,
    },
    tokens: trained.reduce((n, i) => n + lengthOf(i), 0) * config.num_iterations,
  };
}

/** Whether a completion was cut off and such ones are left out of the loss. */
function masked({ config }: Run, rollout: Rollout): boolean {
  return config.mask_truncated_completions && rollout.finishReason === "length";
}

/** Rollouts by their index in micro-batches of about one length. */
function bucketsOf(run: Run, rollouts: readonly Rollout[], rows: readonly number[]): number[][] {
  const lengths = rows.map((i) => rollouts[i].promptIds.length + rollouts[i].completionIds.length);
  return lengthBuckets(lengths, run.config.per_device_train_batch_size)
    .map((bucket) => bucket.map((i) => rows[i]));
}

/**
 * log π_ref of each rollout's completion tokens, in nats; null where β = 0. Gives up the thread now and then, so that
 * the rollouts can be scored meanwhile.
 */
export async function referenceLogProbs(
  run: Run,
  rollouts: readonly Rollout[],
): Promise<Float32Array[] | null> {
  const { reference, policy: { device }, config: { temperature } } = run;
  if (reference === null) return null;
  const all = rollouts.map(({ completionIds }) => new Float32Array(completionIds.length));
  const rows = rollouts.flatMap((rollout, i) => masked(run, rollout) ? [] : [i]);
  const turns = new Turns();
  for (const bucket of bucketsOf(run, rollouts, rows)) {
    using batch = completionBatch(bucket.map((i) => rollouts[i]), device);
    const matrix = noGrad(() =>
      scope(() => {
        const { hidden } = reference.forward(batch.ids, { lengths: batch.lengths });
        const states = predictingStates(hidden, batch);
        const { logProbs } = tokenLogProbs(states, reference.head, batch.targets, { temperature });
        return toMatrix(logProbs, batch).toFloat32Array(); // [B, C]
      })
    );
    bucket.forEach((i, b) => {
      const start = b * batch.width;
      all[i].set(matrix.subarray(start, start + all[i].length));
    });
    await turns.giveWay();
  }
  return all;
}

/** A rollout with what it is trained by. */
interface TrainedRow {
  readonly rollout: Rollout;
  readonly advantage: number;
  readonly reference: Float32Array | null;
}

/** The micro-batches of a step. It owns their tensors, also when making one of them fails. */
class MicroBatches {
  readonly list: MicroBatch[] = [];
  readonly #owned = new DisposableStack();

  add({ policy: { device } }: Run, trained: readonly TrainedRow[]): void {
    const batch = this.#owned.use(completionBatch(trained.map(({ rollout }) => rollout), device));
    const { rows, width } = batch;
    const own = (make: () => Tensor) => this.#owned.use(scope(make).keep());
    const matrix = (value: (row: TrainedRow, c: number) => number) => {
      const data = new Float32Array(rows * width);
      trained.forEach((row, b) =>
        row.rollout.completionIds.forEach((_, c) => data[b * width + c] = value(row, c))
      );
      return own(() => ops.toDevice(tensor(data, [rows, width]), device, "float32"));
    };
    const advantages = Float32Array.from(trained, ({ advantage }) => advantage);
    this.list.push({
      batch,
      mask: matrix(() => 1),
      guidanceMask: matrix(({ rollout: { given } }, c) => c < given ? 1 : 0),
      sampledLogProbs: matrix(({ rollout: { logProbs } }, c) => logProbs[c]),
      advantages: own(() => ops.toDevice(tensor(advantages), device, "float32")),
      oldLogProbs: null,
      referenceLogProbs: trained[0].reference === null
        ? null
        : matrix(({ reference }, c) => reference![c]),
    });
  }

  [Symbol.dispose](): void {
    for (const micro of this.list) micro.oldLogProbs?.dispose();
    this.#owned.dispose();
  }
}

/** Forward, objective and backward of one micro-batch; gradients add up in the policy's parameters. */
function passOver(
  { config, policy, optimizer }: Run,
  micro: MicroBatch,
  totals: { rows: number; tokens: number },
): Pass {
  return scope(() => {
    const { batch, mask, guidanceMask, advantages, referenceLogProbs } = micro;
    const recompute = config.model.gradient_checkpointing;
    const { lengths } = batch;
    const trunk = policy.forward(batch.ids, { recompute, dropout: true, lengths }); // hidden [B, T, H]
    const states = predictingStates(trunk.hidden, batch); // [N, H]
    const first = micro.oldLogProbs === null;
    const predicted = tokenLogProbs(states, policy.head, batch.targets, {
      temperature: config.temperature,
      entropy: first,
    });
    const logProbs = toMatrix(predicted.logProbs, batch); // [B, C]
    if (first && config.num_iterations > 1) micro.oldLogProbs = ops.clone(logProbs).keep();

    ops.requiresGradInPlace(logProbs);
    const { loss, statistics } = policyObjective(
      {
        logProbs,
        oldLogProbs: first ? null : micro.oldLogProbs,
        referenceLogProbs,
        mask,
        guidanceMask,
        advantages,
      },
      {
        lossType: config.loss_type,
        importanceSamplingLevel: config.importance_sampling_level,
        epsilon: config.epsilon,
        epsilonHigh: config.epsilon_high,
        beta: config.beta,
        delta: config.delta,
        useBiasCorrectionKl: config.use_bias_correction_kl,
        maxCompletionLength: config.max_completion_length,
        guidanceLoss: config.guidance.loss,
        totals,
      },
    );
    backward(loss);
    const slope = fromMatrix(logProbs.grad!, batch); // d loss / d log-prob, [N]
    trunk.backward(scatterStates(predicted.backward(slope), batch));
    optimizer.collect();
    return {
      loss: ops.item(loss),
      statistics,
      entropy: first ? ops.item(ops.sum(predicted.entropy!)) : 0,
      difference: first ? compare(logProbs, micro) : { sum: 0, max: 0, count: 0 },
    };
  });
}

/** How far the trainer's log-probs of sampled tokens are from the sampler's. */
function compare(logProbs: Tensor, micro: MicroBatch): Pass["difference"] {
  return noGrad(() => {
    const sampled = ops.sub(micro.mask, micro.guidanceMask);
    const apart = ops.mul(ops.abs(ops.sub(logProbs, micro.sampledLogProbs)), sampled);
    return {
      sum: ops.item(ops.sum(apart)),
      max: ops.item(ops.amax(apart)),
      count: ops.item(ops.sum(sampled)),
    };
  });
}
