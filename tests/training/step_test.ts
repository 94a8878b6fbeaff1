import { initialize } from "../../ffi/library.ts";
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "../../src/std/assert.ts";
import { liveTensors } from "../../src/tensor/tensor.ts";
import { sftStep } from "../../src/training/sft.ts";
import { trainStep } from "../../src/training/step.ts";
import { type SmallRun, smallRun } from "./small_run.ts";

/** An asynchronous test with libtorch that must leave no tensor behind. */
function stepTest(name: string, fn: () => Promise<void>) {
  Deno.test(name, async () => {
    await initialize({ threads: 1 });
    const before = liveTensors();
    await fn();
    assertEquals(liveTensors(), before, "tensors were left alive");
  });
}

/** Names that design.md and TRL's readers expect of a step. */
const names = [
  "loss",
  "grad_norm",
  "learning_rate",
  "reward",
  "reward_std",
  "frac_reward_zero_std",
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

stepTest("a step gives every figure and every completion", async () => {
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

stepTest("the controller sees the step's rewards, the next step its length", async () => {
  using run = smallRun({ guidance: { controller: "linear", length: 8, decay_steps: 4 } });
  assertEquals(run.state.controller.length, 8);
  const first = await trainStep(run.state, run);
  run.state.step++;
  assertEquals(run.state.controller.length, 6);
  const second = await trainStep(run.state, run);
  assertEquals([first, second].map((s) => s.metrics["guidance/length"]), [8, 6]);
});

stepTest("without guidance it is GRPO", async () => {
  using run = smallRun({ guidance: { ratio: 0 } });
  const { metrics, completions } = await trainStep(run.state, run);
  assert(completions.every((c) => c.given === 0));
  assertEquals(metrics["guidance/length"], 0);
  assertEquals(metrics["rewards/accuracy/guided"], null);
});

stepTest("ungraded completions leave the loss and the controller, and are counted", async () => {
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
});

stepTest(
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
    await assertRejects(
      () => trainStep(run.state, run),
      Error,
      "Reward 'accuracy' failed on sample 0",
    );
  },
);

stepTest("the warm start lowers its loss", async () => {
  await Promise.resolve();
  using run = smallRun({ sft: { steps: 30, learning_rate: 3e-3 } });
  const losses: number[] = [];
  for (; run.state.step < 30; run.state.step++) losses.push(sftStep(run.state, run).loss!);
  assert(losses.at(-1)! < 0.7 * losses[0], `${losses[0]} to ${losses.at(-1)}`);
});

stepTest(
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
