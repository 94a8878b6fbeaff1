/** A step of the supervised warm start: cross-entropy on the tokens of whole teacher solutions. */
import { tokenLogProbs } from "../algorithms/token_log_probs.ts";
import { manualSeed, scope } from "../tensor/tensor.ts";
import * as ops from "../tensor/ops.ts";
import { completionBatch, lengthBuckets, predictingStates, scatterStates } from "./batches.ts";
import { type TrainState } from "./checkpoint.ts";
import { learningRate } from "./lr_schedule.ts";
import { type Metrics } from "./metrics.ts";
import { type Run } from "./run.ts";
import { stepSeed } from "./seed.ts";

/**
 * One optimizer step on the mean of −log π(token) over all completion tokens of the batch, prompts left out. A loss or
 * gradient that is no finite number leaves the weights alone and is counted in the state.
 */
export function sftStep(state: TrainState, run: Run): Metrics {
  const started = performance.now();
  const { config: { seed, sft, model }, policy, optimizer } = run;
  manualSeed(stepSeed(seed, "dropout", state.step)); // a resume goes on with the same masks
  const rows = run.solutions(state.step).map(({ promptIds, solutionIds }) => ({
    promptIds,
    completionIds: solutionIds,
  }));
  const tokens = rows.reduce((n, row) => n + row.completionIds.length, 0);
  optimizer.zeroGrad();
  let loss = 0;
  const lengths = rows.map((row) => row.promptIds.length + row.completionIds.length);
  for (const bucket of lengthBuckets(lengths, sft.per_device_train_batch_size)) {
    scope(() => {
      using batch = completionBatch(bucket.map((i) => rows[i]), policy.device);
      const trunk = policy.forward(batch.ids, {
        recompute: model.gradient_checkpointing,
        dropout: true,
        lengths: batch.lengths,
      });
      const states = predictingStates(trunk.hidden, batch);
      const predicted = tokenLogProbs(states, policy.head, batch.targets);
      loss -= ops.item(ops.sum(predicted.logProbs, "float64")) / tokens;
      const slope = ops.full([batch.targets.size], -1 / tokens, "float32", policy.device);
      trunk.backward(scatterStates(predicted.backward(slope), batch));
      optimizer.collect();
    });
  }
  const rate = learningRate(state.step, {
    learningRate: sft.learning_rate,
    type: sft.lr_scheduler_type,
    maxSteps: sft.steps,
    warmupSteps: sft.warmup_steps,
    minLrRate: sft.min_lr_rate,
  });
  const norm = optimizer.clipGradientNorm(sft.max_grad_norm || Infinity);
  const finite = Number.isFinite(loss) && Number.isFinite(norm);
  if (finite) optimizer.step(rate);
  state.skipped = finite ? 0 : state.skipped + 1;
  state.tokens += lengths.reduce((a, b) => a + b, 0);
  const seconds = (performance.now() - started) / 1000;
  return {
    loss,
    grad_norm: norm,
    learning_rate: rate,
    num_tokens: state.tokens,
    step_time: seconds,
    "perf/train_tokens_per_second": lengths.reduce((a, b) => a + b, 0) / seconds,
  };
}
