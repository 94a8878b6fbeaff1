/**
 * A training run that is long in grading: the child of grading_kill_test.ts. Takes a folder, a sandbox provider and the
 * program that every completion is; says "grading" when one is to be run, and in the end how the run ended,
 * with how many failures of the sandbox.
 */
import { RewardSet } from "../../src/rewards/reward_set.ts";
import { type Reward } from "../../src/rewards/reward.ts";
import { mergeOverrides, parseConfig } from "../../src/training/config.ts";
import { sandboxSpec } from "../../src/training/reward_settings.ts";
import { train } from "../../src/training/train.ts";
import { smallOverrides } from "./small_run.ts";

const [output_dir, provider, program] = Deno.args;
const config = parseConfig(mergeOverrides(smallOverrides, {
  output_dir,
  sandbox: { provider, timeout: 60, concurrency: 4 },
}));
await using rewards = await RewardSet.create(
  [{ spec: { name: "code_execution" }, weight: 1 }],
  sandboxSpec(config.sandbox),
);
const [{ reward: execution }] = rewards.weighted;
const slow: Reward = {
  name: "code_execution",
  timeoutMs: null,
  score(sample, context) {
    console.log("grading");
    return execution.score({
      ...sample,
      completion: `<answer>\n\`\`\`python\n${program}\n\`\`\`\n</answer>`,
      problem: {
        ...sample.problem,
        tests: { kind: "stdin", language: "python", cases: [{ input: "", output: "" }] },
      },
    }, context);
  },
};
const { ending } = await train(config, {
  rewards: [{ reward: slow, weight: 1 }],
  judge: { name: "accuracy", score: () => 1 },
  handleInterrupt: true,
});
console.log(`${ending}, ${rewards.usage?.failures} failures`);
