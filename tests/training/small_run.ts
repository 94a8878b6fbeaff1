/** A run small enough for tests: the built-in task, one layer of little width, a few steps. */
import { ArithmeticTask } from "../../src/data/arithmetic.ts";
import { curriculumBatch, sftBatch } from "../../src/data/curriculum.ts";
import { encodeProblem, type Problem } from "../../src/data/types.ts";
import { createController } from "../../src/guidance/registry.ts";
import { type CausalLM } from "../../src/models/model.ts";
import { modelPresets } from "../../src/models/presets.ts";
import { randomModel } from "../../src/models/random.ts";
import { createReward } from "../../src/rewards/registry.ts";
import { rewardSpecs } from "../../src/training/reward_settings.ts";
import { arithmeticTokenizer } from "../../src/tokenizer/arithmetic.ts";
import { initialState, type TrainState } from "../../src/training/checkpoint.ts";
import {
  type Config,
  controllerSpec,
  mergeOverrides,
  parseConfig,
} from "../../src/training/config.ts";
import { AdamW } from "../../src/training/optimizer.ts";
import { type Run } from "../../src/training/run.ts";

/** Overrides that make a whole run take a second or two. */
export const smallOverrides: Record<string, unknown> = {
  seed: 5,
  threads: 1,
  device: "cpu",
  max_steps: 4,
  num_generations: 4,
  per_device_train_batch_size: 8,
  max_completion_length: 24,
  num_iterations: 2,
  learning_rate: 1e-3,
  data: { tiers: [1, 2] },
  guidance: { length: 6, ratio: 0.5, max_length: 12 },
  rewards: { accuracy: 1, tag_count: 0.5 },
  sft: { steps: 4, batch_size: 8, save_steps: 2 },
  eval: { num_problems: 8, batch_size: 8 },
  save_steps: 1,
  completions_steps: 2,
};

/** A config of {@linkcode smallOverrides} with more laid over it. */
export function smallConfig(overrides: Record<string, unknown> = {}): Config {
  return parseConfig(mergeOverrides(smallOverrides, overrides));
}

/** A run without a folder, and its state at the first RL step. It owns its tensors: dispose it. */
export interface SmallRun extends Run {
  /** Where it stands. */
  readonly state: TrainState;
  /** Frees model and optimizer. */
  [Symbol.dispose](): void;
}

/** Builds a run around a random arithmetic model. */
export function smallRun(overrides: Record<string, unknown> = {}): SmallRun {
  const config = smallConfig(overrides);
  const policy: CausalLM = randomModel(modelPresets.arithmetic, { seed: 1 });
  const reference = config.beta === 0 ? null : randomModel(modelPresets.arithmetic, { seed: 2 });
  const tokenizer = arithmeticTokenizer(), task = new ArithmeticTask();
  const encode = (problems: Problem[]) => problems.map((p) => encodeProblem(p, tokenizer));
  const controller = createController(controllerSpec(config));
  const optimizer = new AdamW(policy.trainable, {
    betas: [config.adam_beta1, config.adam_beta2],
    eps: config.adam_epsilon,
    weightDecay: config.weight_decay,
  });
  const count = config.per_device_train_batch_size * config.gradient_accumulation_steps /
    config.num_generations;
  return {
    config,
    policy,
    reference,
    tokenizer,
    optimizer,
    controller,
    rewards: rewardSpecs(config).map(({ spec, weight }) => ({
      reward: createReward(spec),
      weight,
    })),
    opensThink: false,
    stopIds: [tokenizer.eosTokenId!],
    problems: (step) =>
      encode(curriculumBatch(task, step, {
        seed: config.seed,
        count,
        maxSteps: config.max_steps,
        tiers: config.data.tiers,
        order: "easy_to_hard",
      })),
    solutions: (step) => encode(sftBatch(task, config.seed, step, config.sft.batch_size)),
    state: initialState("rl", controller),
    [Symbol.dispose]() {
      optimizer[Symbol.dispose]();
      policy[Symbol.dispose]();
      reference?.[Symbol.dispose]();
    },
  };
}
