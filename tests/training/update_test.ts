import { groupAdvantages } from "../../src/algorithms/advantages.ts";
import { generate, type Rollout } from "../../src/engine/generate.ts";
import { createAdapters } from "../../src/models/lora.ts";
import { assert, assertAlmostEquals, assertEquals, assertGreater } from "../../src/std/assert.ts";
import { noGrad } from "../../src/tensor/autograd.ts";
import * as ops from "../../src/tensor/ops.ts";
import { manualSeed, type Tensor } from "../../src/tensor/tensor.ts";
import { AdamW } from "../../src/training/optimizer.ts";
import { updatePolicy } from "../../src/training/update.ts";
import { lengthBuckets } from "../../src/training/batches.ts";
import { tensorTest } from "../tensors.ts";
import { type SmallRun, smallRun } from "./small_run.ts";

/** Rollouts of unequal length, some guided. */
function rollouts(run: SmallRun): Rollout[] {
  manualSeed(3);
  const groups = run.problems(0).map(({ promptIds, traceIds }) => ({
    promptIds,
    prefixes: [traceIds.slice(0, 6), traceIds.slice(0, 3), [], []],
  }));
  return generate(run.policy, groups, { maxCompletionLength: 20, stopIds: run.stopIds });
}

const spreadRewards = [1, 0, 0.25, 1, 0, 0, 1, 0.5];

function advantagesOf(rewards: readonly number[]) {
  return groupAdvantages(rewards, { numGenerations: 4, scaleRewards: "group" });
}

function valuesOf(parameters: ReadonlyMap<string, Tensor>): Map<string, number[]> {
  return new Map([...parameters].map(([name, p]) => [name, p.toNumbers()]));
}

function weights(run: SmallRun): Map<string, number[]> {
  return valuesOf(run.policy.parameters);
}

/** Weights after one update with these settings, always from the same start. */
function updated(overrides: Record<string, unknown>, rewards: readonly number[]) {
  using run = smallRun(overrides);
  const before = weights(run);
  const { metrics } = updatePolicy(run.state, run, rollouts(run), advantagesOf(rewards));
  return { before, after: weights(run), metrics, state: run.state };
}

function largestDifference(a: Map<string, number[]>, b: Map<string, number[]>): number {
  let most = 0;
  for (const [name, values] of a) {
    values.forEach((v, i) => most = Math.max(most, Math.abs(v - b.get(name)![i])));
  }
  return most;
}

tensorTest("groups of equal rewards leave the weights alone, to the bit", () => {
  const { before, after, metrics, state } = updated({}, [1, 1, 1, 1, 0, 0, 0, 0]);
  assertEquals(after, before);
  assertEquals([metrics.loss, metrics.entropy], [null, null]);
  assertEquals(state.idle, 1);
});

tensorTest("with a KL term they are trained all the same", () => {
  const { before, after, state } = updated({ beta: 0.1 }, [1, 1, 1, 1, 0, 0, 0, 0]);
  assertGreater(largestDifference(before, after), 0);
  assertEquals(state.idle, 0);
});

tensorTest(
  "with LoRA the reference is the base model: KL is 0 at first, and only adapters learn",
  () => {
    using run = smallRun({ beta: 0.1, num_iterations: 1 });
    const { policy, config } = run;
    const settings = {
      r: 4,
      alpha: 8,
      dropout: 0,
      targetModules: "all-linear" as const,
      useRslora: false,
    };
    policy.attach(createAdapters(policy.parameters, settings, { seed: 1 }));
    using optimizer = new AdamW(policy.trainable, {
      betas: [0.9, 0.99],
      eps: 1e-8,
      weightDecay: 0,
    });
    const adapted = { ...run, optimizer, reference: policy.withoutAdapters() };
    const base = weights(run), before = valuesOf(policy.trainable);
    const kl = () =>
      updatePolicy(run.state, adapted, rollouts(run), advantagesOf(spreadRewards)).metrics.kl!;
    assertEquals(kl(), 0);
    assertGreater(kl(), 0);
    assertEquals(weights(run), base);
    assertGreater(largestDifference(before, valuesOf(policy.trainable)), config.learning_rate / 2);
    assert([...policy.parameters.values()].every(({ grad }) => grad === null));
  },
);

// AdamW turns a gradient's last bits into steps of the learning rate where the gradient is 0 in exact arithmetic, so
// gradients are compared, before the optimizer.
for (const loss_type of ["grpo", "bnpo", "dr_grpo", "dapo"]) {
  tensorTest(`micro-batches add up to the whole batch's gradient (${loss_type})`, () => {
    const gradientOf = (rows: number) => {
      using run = smallRun({
        loss_type,
        beta: 0.05,
        learning_rate: 1e-12,
        num_iterations: 1,
        max_grad_norm: 0,
        per_device_train_batch_size: rows,
        gradient_accumulation_steps: 8 / rows,
      });
      const { metrics } = updatePolicy(run.state, run, rollouts(run), advantagesOf(spreadRewards));
      // After its first step AdamW's mean is (1 − β1) of the gradient, which itself is dropped.
      const state = run.optimizer.stateTensors();
      return {
        metrics,
        gradients: new Map(
          Array.from(
            run.policy.parameters.keys(),
            (name) => [name, state.get(`exp_avg.${name}`)!.toNumbers()],
          ),
        ),
      };
    };
    const whole = gradientOf(8), parts = gradientOf(2);
    for (const [name, values] of whole.gradients) {
      const scale = Math.max(...values.map(Math.abs));
      const apart = Math.max(...values.map((v, i) => Math.abs(v - parts.gradients.get(name)![i])));
      assert(apart <= 1e-5 * scale, `${name}: ${apart} of ${scale}`);
    }
    assertAlmostEquals(whole.metrics.loss!, parts.metrics.loss!, 1e-6);
    assertAlmostEquals(whole.metrics.kl!, parts.metrics.kl!, 1e-5);
    assertAlmostEquals(whole.metrics.entropy!, parts.metrics.entropy!, 1e-5);
  });
}

tensorTest("the first pass is on-policy, the second is clipped where it left", () => {
  const once = updated({ num_iterations: 1 }, spreadRewards);
  assertEquals(once.metrics["clip_ratio/region_mean"], 0);
  const often = updated({ num_iterations: 4, learning_rate: 0.02 }, spreadRewards);
  assertGreater(often.metrics["clip_ratio/region_mean"]!, 0);
});

tensorTest("trainer and sampler agree on the log-probs", () => {
  const { metrics } = updated({}, spreadRewards);
  assert(metrics["sampling/sampling_logp_difference/max"]! < 1e-4);
  assert(
    metrics["sampling/sampling_logp_difference/max"]! > 0,
    "two ways of computing differ in bits",
  );
});

tensorTest("guidance tokens in the loss or out of it change what is learned", () => {
  const all = updated({ guidance: { loss: "all" } }, spreadRewards).after;
  const none = updated({ guidance: { loss: "none" } }, spreadRewards).after;
  const clipped = updated({ guidance: { loss: "clipped_importance" } }, spreadRewards).after;
  assertGreater(largestDifference(all, none), 0);
  assertGreater(largestDifference(all, clipped), 0);
  assertGreater(largestDifference(none, clipped), 0);
});

tensorTest("recomputed activations give the same gradient", () => {
  const kept = updated({ model: { gradient_checkpointing: false } }, spreadRewards).after;
  const again = updated({ model: { gradient_checkpointing: true } }, spreadRewards).after;
  assert(largestDifference(kept, again) < 1e-6);
});

tensorTest("truncated completions can be left out", () => {
  using run = smallRun({ mask_truncated_completions: true });
  const before = weights(run);
  const cut = rollouts(run).map((r): Rollout => ({ ...r, finishReason: "length" }));
  updatePolicy(run.state, run, cut, advantagesOf(spreadRewards));
  assertEquals(weights(run), before);
});

tensorTest("a loss that is no number skips the step and is counted", () => {
  using run = smallRun();
  const given = rollouts(run);
  noGrad(() => ops.fillInPlace(run.policy.parameters.get("model.norm.weight")!, NaN));
  const before = weights(run);
  for (const times of [1, 2]) {
    updatePolicy(run.state, run, given, advantagesOf(spreadRewards));
    assertEquals(run.state.skipped, times);
  }
  assertEquals(weights(run), before);
});

tensorTest("rollouts of a ruined model are counted too, though no group is live", () => {
  using run = smallRun();
  const given = rollouts(run).map((r): Rollout => ({ ...r, logProbs: r.logProbs.map(() => NaN) }));
  const { metrics } = updatePolicy(run.state, run, given, advantagesOf([0, 0, 0, 0, 0, 0, 0, 0]));
  assertEquals([run.state.skipped, run.state.idle], [1, 0]);
  assert(Number.isNaN(metrics.loss));
});

Deno.test("length buckets keep every row once, in little padding", () => {
  const lengths = [90, 20, 22, 91, 21, 40, 95, 23, 60];
  const buckets = lengthBuckets(lengths, 3);
  assertEquals(buckets.flat().sort((a, b) => a - b), lengths.map((_, i) => i));
  for (const bucket of buckets) {
    assert(bucket.length <= 3);
    const of = bucket.map((i) => lengths[i]);
    assert(Math.max(...of) <= 1.5 * Math.min(...of));
  }
});
