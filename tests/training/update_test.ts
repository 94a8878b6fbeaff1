import { groupAdvantages } from "../../src/algorithms/advantages.ts";
import { generate, type Rollout } from "../../src/engine/generate.ts";
import { hashText } from "../../src/data/random.ts";
import { createAdapters } from "../../src/models/lora.ts";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertNotEquals,
} from "../../src/std/assert.ts";
import { noGrad } from "../../src/tensor/autograd.ts";
import * as ops from "../../src/tensor/ops.ts";
import { manualSeed, type Tensor } from "../../src/tensor/tensor.ts";
import { AdamW } from "../../src/training/optimizer.ts";
import { referenceLogProbs, updatePolicy } from "../../src/training/update.ts";
import { lengthBuckets } from "../../src/training/batches.ts";
import { asyncTensorTest, tensorTest } from "../tensors.ts";
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

function advantagesOf(rewards: readonly (number | null)[]) {
  return groupAdvantages(rewards, { numGenerations: 4, scaleRewards: "group" });
}

function valuesOf(parameters: ReadonlyMap<string, Tensor>): Map<string, number[]> {
  return new Map([...parameters].map(([name, p]) => [name, p.toNumbers()]));
}

function weights(run: SmallRun): Map<string, number[]> {
  return valuesOf(run.policy.parameters);
}

async function update(run: SmallRun, rewards: readonly (number | null)[]) {
  const sampled = rollouts(run), reference = await referenceLogProbs(run, sampled);
  return updatePolicy(run.state, run, sampled, advantagesOf(rewards), reference);
}

/** Weights after one update with these settings, always from the same start. */
async function updated(
  overrides: Record<string, unknown>,
  rewards: readonly (number | null)[],
) {
  using run = smallRun(overrides);
  const before = weights(run);
  const { metrics } = await update(run, rewards);
  return { before, after: weights(run), metrics, state: run.state };
}

function largestDifference(a: Map<string, number[]>, b: Map<string, number[]>): number {
  let most = 0;
  for (const [name, values] of a) {
    values.forEach((v, i) => most = Math.max(most, Math.abs(v - b.get(name)![i])));
  }
  return most;
}

asyncTensorTest("groups of equal rewards leave the weights alone, to the bit", async () => {
  const { before, after, metrics, state } = await updated({}, [1, 1, 1, 1, 0, 0, 0, 0]);
  assertEquals(after, before);
  assertEquals([metrics.loss, metrics.entropy], [null, null]);
  assertEquals(state.idle, 1);
});

asyncTensorTest("with a KL term they are trained all the same", async () => {
  const { before, after, state } = await updated({ beta: 0.1 }, [1, 1, 1, 1, 0, 0, 0, 0]);
  assertGreater(largestDifference(before, after), 0);
  assertEquals(state.idle, 0);
});

asyncTensorTest("an ungraded completion is in no loss, with a KL term neither", async () => {
  const gradients = async (rewards: readonly (number | null)[], changed: readonly number[]) => {
    using run = smallRun({ beta: 0.1, num_iterations: 1, learning_rate: 1e-12 });
    const sampled = rollouts(run).map((rollout, i) =>
      changed.includes(i)
        ? { ...rollout, completionIds: rollout.completionIds.map((id) => (id + 1) % 20) }
        : rollout
    );
    const reference = await referenceLogProbs(run, sampled);
    updatePolicy(run.state, run, sampled, advantagesOf(rewards), reference);
    const all = [...run.optimizer.stateTensors().values()].flatMap((t) => t.toNumbers());
    return hashText(all.join()); // a difference of so many numbers would take minutes to show
  };
  const graded = [1, 0, 0, 1, 0, 1, 0, 0];
  assertNotEquals(await gradients(graded, [2]), await gradients(graded, []));
  const ungraded = [1, 0, null, 1, 0, 1, 0, 0];
  assertEquals(await gradients(ungraded, [2]), await gradients(ungraded, []));
  // A group with only one that is graded is skipped as a whole.
  const skipped = [1, null, null, null, 0, 1, 0, 0];
  assertEquals(await gradients(skipped, [0, 1, 2, 3]), await gradients(skipped, []));
});

asyncTensorTest("the loss is the mean over what is graded", async () => {
  const loss = async (rewards: readonly (number | null)[]) => {
    using run = smallRun({ beta: 0.1, num_iterations: 1 });
    const sampled = rollouts(run).slice(0, rewards.length);
    const reference = await referenceLogProbs(run, sampled);
    return updatePolicy(run.state, run, sampled, advantagesOf(rewards), reference).metrics.loss!;
  };
  const alone = await loss([1, 0, 0, 1]);
  assertAlmostEquals(await loss([1, 0, 0, 1, null, null, null, null]), alone, 1e-7);
  assertAlmostEquals(await loss([1, 0, 0, 1, null, 1, null, null]), alone, 1e-7);
});

asyncTensorTest(
  "with LoRA the reference is the base model: KL is 0 at first, and only adapters learn",
  async () => {
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
    const kl = async () => (await update(adapted, spreadRewards)).metrics.kl!;
    assertEquals(await kl(), 0);
    assertGreater(await kl(), 0);
    assertEquals(weights(run), base);
    assertGreater(largestDifference(before, valuesOf(policy.trainable)), config.learning_rate / 2);
    assert([...policy.parameters.values()].every(({ grad }) => grad === null));
  },
);

// AdamW turns a gradient's last bits into steps of the learning rate where the gradient is 0 in exact arithmetic, so
// gradients are compared, before the optimizer.
for (const loss_type of ["grpo", "bnpo", "dr_grpo", "dapo"]) {
  asyncTensorTest(`micro-batches add up to the whole batch's gradient (${loss_type})`, async () => {
    const gradientOf = async (rows: number) => {
      using run = smallRun({
        loss_type,
        beta: 0.05,
        learning_rate: 1e-12,
        num_iterations: 1,
        max_grad_norm: 0,
        per_device_train_batch_size: rows,
        gradient_accumulation_steps: 8 / rows,
      });
      const { metrics } = await update(run, spreadRewards);
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
    const whole = await gradientOf(8), parts = await gradientOf(2);
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

asyncTensorTest("the first pass is on-policy, the second is clipped where it left", async () => {
  const once = await updated({ num_iterations: 1 }, spreadRewards);
  assertEquals(once.metrics["clip_ratio/region_mean"], 0);
  const often = await updated({ num_iterations: 4, learning_rate: 0.02 }, spreadRewards);
  assertGreater(often.metrics["clip_ratio/region_mean"]!, 0);
});

asyncTensorTest("trainer and sampler agree on the log-probs", async () => {
  const { metrics } = await updated({}, spreadRewards);
  assert(metrics["sampling/sampling_logp_difference/max"]! < 1e-4);
  assert(
    metrics["sampling/sampling_logp_difference/max"]! > 0,
    "two ways of computing differ in bits",
  );
});

asyncTensorTest("guidance tokens in the loss or out of it change what is learned", async () => {
  const all = (await updated({ guidance: { loss: "all" } }, spreadRewards)).after;
  const none = (await updated({ guidance: { loss: "none" } }, spreadRewards)).after;
  const clipped =
    (await updated({ guidance: { loss: "clipped_importance" } }, spreadRewards)).after;
  assertGreater(largestDifference(all, none), 0);
  assertGreater(largestDifference(all, clipped), 0);
  assertGreater(largestDifference(none, clipped), 0);
});

asyncTensorTest("recomputed activations give the same gradient", async () => {
  const kept = (await updated({ model: { gradient_checkpointing: false } }, spreadRewards)).after;
  const again = (await updated({ model: { gradient_checkpointing: true } }, spreadRewards)).after;
  assert(largestDifference(kept, again) < 1e-6);
});

tensorTest("truncated completions can be left out", () => {
  using run = smallRun({ mask_truncated_completions: true });
  const before = weights(run);
  const cut = rollouts(run).map((r): Rollout => ({ ...r, finishReason: "length" }));
  updatePolicy(run.state, run, cut, advantagesOf(spreadRewards), null);
  assertEquals(weights(run), before);
});

tensorTest("a loss that is no number skips the step and is counted", () => {
  using run = smallRun();
  const given = rollouts(run);
  noGrad(() => ops.fillInPlace(run.policy.parameters.get("model.norm.weight")!, NaN));
  const before = weights(run);
  for (const times of [1, 2]) {
    updatePolicy(run.state, run, given, advantagesOf(spreadRewards), null);
    assertEquals(run.state.skipped, times);
  }
  assertEquals(weights(run), before);
});

tensorTest("rollouts of a ruined model are counted too, though no group is live", () => {
  using run = smallRun();
  const given = rollouts(run).map((r): Rollout => ({ ...r, logProbs: r.logProbs.map(() => NaN) }));
  const { metrics } = updatePolicy(run.state, run, given, advantagesOf(Array(8).fill(0)), null);
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
