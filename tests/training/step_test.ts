import { type Reward } from "../../src/rewards/reward.ts";
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "../../src/std/assert.ts";
import { createAdapters } from "../../src/models/lora.ts";
import { noGrad } from "../../src/tensor/autograd.ts";
import * as ops from "../../src/tensor/ops.ts";
import { manualSeed } from "../../src/tensor/tensor.ts";
import { AdamW } from "../../src/training/optimizer.ts";
import { sftStep } from "../../src/training/sft.ts";
import { trainStep } from "../../src/training/step.ts";
import { asyncTensorTest, tensorTest } from "../tensors.ts";
import { type SmallRun, smallRun } from "./small_run.ts";

/** Names that design.md and TRL's readers expect of a step. */
const names = [
  "loss",
  "grad_norm",
  "learning_rate",
  "reward",
  "reward_std",
  "frac_reward_zero_std",
  "skipped_groups",
  "advantages/std",
  "rewards/accuracy/mean",
  "rewards/accuracy/guided",
  "rewards/accuracy/unguided",
  "rewards/tag_count/mean",
  "completions/mean_length",
  "completions/clipped_ratio",
  "guidance/length",
  "guidance/ratio",
  "clip_ratio/region_mean",
  "entropy",
  "num_tokens",
  "step_time",
  "time/rollout",
  "time/reward",
  "time/train",
  "perf/rollout_tokens_per_second",
  "perf/train_tokens_per_second",
  "memory/peak_bytes",
  "sampling/sampling_logp_difference/max",
];

asyncTensorTest("a step gives every figure and every completion", async () => {
  using run = smallRun();
  const { metrics, completions } = await trainStep(run.state, run);
  for (const name of names) assert(name in metrics, `'${name}' is missing`);
  assert(Object.values(metrics).every((v) => v === null || Number.isFinite(v)));
  assertEquals(completions.length, 8);
  assertEquals(metrics["guidance/length"], 6);
  assertEquals(completions.map((c) => c.given), [6, 6, 0, 0, 6, 6, 0, 0]);
  assert(completions.every((c) => c.length <= 24 && c.length >= c.given));
  assert(completions.slice(0, 2).every((c) => c.completion.startsWith("<think>")));
  assert(metrics["memory/peak_bytes"]! > 1e5);

  const totals = completions.map((c) => c.rewards.accuracy! + 0.5 * c.rewards.tag_count!);
  assertAlmostEquals(metrics.reward!, totals.reduce((a, b) => a + b) / 8, 1e-12);
  const prompts = run.problems(0).reduce((n, p) => n + 4 * p.promptIds.length, 0);
  assertEquals(run.state.tokens, prompts + completions.reduce((n, c) => n + c.length, 0));
});

asyncTensorTest("the controller sees the step's rewards, the next step its length", async () => {
  using run = smallRun({ guidance: { controller: "linear", length: 8, decay_steps: 4 } });
  assertEquals(run.state.controller.length, 8);
  const first = await trainStep(run.state, run);
  run.state.step++;
  assertEquals(run.state.controller.length, 6);
  const second = await trainStep(run.state, run);
  assertEquals([first, second].map((s) => s.metrics["guidance/length"]), [8, 6]);
});

asyncTensorTest("without guidance it is GRPO", async () => {
  using run = smallRun({ guidance: { ratio: 0 } });
  const { metrics, completions } = await trainStep(run.state, run);
  assert(completions.every((c) => c.given === 0));
  assertEquals(metrics["guidance/length"], 0);
  assertEquals(metrics["rewards/accuracy/guided"], null);
});

asyncTensorTest(
  "ungraded completions leave the loss and the controller, and are counted",
  async () => {
    using base = smallRun({ rewards: { accuracy: 1 } });
    let calls = 0;
    const reward = {
      name: "accuracy",
      score: () => calls++ % 4 === 3 ? { ungraded: "no grader" } : calls % 2,
    };
    const run: SmallRun = { ...base, rewards: [{ reward, weight: 1 }] };
    const { metrics, completions } = await trainStep(run.state, run);
    assertEquals(metrics["rewards/accuracy/ungraded"], 2);
    assertEquals(completions[3].rewards.accuracy, null);
    assertEquals(completions[3].advantage, 0);
  },
);

asyncTensorTest(
  "a reward that throws ends the step with the sample named, and the weights stay",
  async () => {
    using base = smallRun({ rewards: { accuracy: 1 } });
    const broken = {
      name: "accuracy",
      score: () => {
        throw new Error("kaput");
      },
    };
    const run: SmallRun = { ...base, rewards: [{ reward: broken, weight: 1 }] };
    const weights = () => [...run.policy.parameters.values()].map((tensor) => tensor.toNumbers());
    const before = weights();
    await assertRejects(
      () => trainStep(run.state, run),
      Error,
      "Reward 'accuracy' failed on sample 0",
    );
    assertEquals(weights(), before);
  },
);

/** A run that samples its two groups one after the other, the second for long enough. */
const inChunks = {
  num_generations: 16,
  per_device_train_batch_size: 32,
  rollout_batch_size: 16,
  max_completion_length: 96,
};

asyncTensorTest("of several rewards of one's own guidance follows the first", async () => {
  using base = smallRun({ rewards: { accuracy: 1 } });
  const own = ["first", "second"].map((name, i) => ({
    reward: { name, score: () => i },
    weight: 1,
  }));
  const run: SmallRun = { ...base, rewards: own };
  const { metrics } = await trainStep(run.state, run);
  assertEquals(metrics["rewards/first/unguided"], 0);
  assertEquals(metrics["rewards/second/unguided"], undefined);
});

asyncTensorTest("a group is scored while the next one is sampled", async () => {
  using base = smallRun(inChunks);
  const events: string[] = [];
  const reward: Reward = {
    name: "accuracy",
    async score() {
      events.push("begun");
      await new Promise((resolve) => setTimeout(resolve, 0));
      events.push("scored");
      return 0;
    },
  };
  const run: SmallRun = { ...base, rewards: [{ reward, weight: 1 }] };
  await trainStep(run.state, run);
  const group = [...Array(16).fill("begun"), ...Array(16).fill("scored")];
  assertEquals(events, [...group, ...group]);
});

asyncTensorTest("a reward that fails while the next group is sampled ends the step", async () => {
  using base = smallRun(inChunks);
  const reward: Reward = {
    name: "accuracy",
    async score() {
      await new Promise((resolve) => setTimeout(resolve, 1));
      throw new Error("kaput");
    },
  };
  const run: SmallRun = { ...base, rewards: [{ reward, weight: 1 }] };
  await assertRejects(() => trainStep(run.state, run), Error, "failed on sample 0");
});

asyncTensorTest("the warm start lowers its loss", async () => {
  await Promise.resolve();
  using run = smallRun({ sft: { steps: 30, learning_rate: 3e-3 } });
  const losses: number[] = [];
  for (; run.state.step < 30; run.state.step++) losses.push(sftStep(run.state, run).loss!);
  assert(losses.at(-1)! < 0.7 * losses[0], `${losses[0]} to ${losses.at(-1)}`);
});

asyncTensorTest(
  "rollouts that are sampled a group at a time are those of every problem, in order",
  async () => {
    const of = async (rollout_batch_size: number | null) => {
      using run = smallRun({ rollout_batch_size });
      const { completions } = await trainStep(run.state, run);
      return completions;
    };
    const whole = await of(null), parts = await of(5);
    const place = ({ problem, given }: typeof whole[number]) => `${problem} ${given}`;
    assertEquals(parts.map(place), whole.map(place));
    assertEquals(parts.length, 8);
  },
);

tensorTest("dropout in the warm start is a matter of the step, so that a resume repeats it", () => {
  const lossAfter = (seed: number) => {
    using run = smallRun();
    const { policy } = run;
    const targetModules = "all-linear" as const;
    const settings = { r: 4, alpha: 8, dropout: 0.5, targetModules, useRslora: false };
    policy.attach(createAdapters(policy.parameters, settings, { seed: 1 }));
    // The adapters' output is 0 at first, whatever is dropped of it.
    for (const [name, p] of policy.trainable) {
      if (name.includes("lora_B")) noGrad(() => ops.fillInPlace(p, 0.1));
    }
    using optimizer = new AdamW(policy.trainable, {
      betas: [0.9, 0.99],
      eps: 1e-8,
      weightDecay: 0,
    });
    manualSeed(seed); // wherever the generator stands
    return sftStep(run.state, { ...run, optimizer }).loss;
  };
  assertEquals(lossAfter(1), lossAfter(2));
});
