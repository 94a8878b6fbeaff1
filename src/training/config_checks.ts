/**
 * The contradictions between keys of a config that are each right by themselves.
 *
 * @module
 */

import type { Config } from "./config.ts";
import { moduleName, rewardWeights } from "./reward_settings.ts";

/** A check that needs several keys. It gives the problem, or undefined if all is well. */
export interface CrossCheck {
  /** The dotted keys that it reads; it is left out while one of them is wrong by itself. */
  readonly keys: readonly string[];
  /** The key, its value and the way out. */
  check(config: Config): string | undefined;
}

const adaptiveControllers: readonly string[] = [
  "g2rpo_a",
  "released",
  "additive",
  "printed",
  "target",
];

/** The presets whose vocabulary is that of a built-in task. */
const taskPresets: readonly (string | null)[] = ["arithmetic", "programming"];

/** Every such check. */
export const crossChecks: readonly CrossCheck[] = [
  {
    keys: ["model.preset", "model.path"],
    check: ({ model: { preset, path } }) =>
      (preset === null) === (path === null)
        ? `exactly one of 'model.preset' and 'model.path' must be given: current values are ` +
          `${JSON.stringify(preset)} and ${JSON.stringify(path)}; set the other one to null`
        : undefined,
  },
  {
    keys: ["model.use_peft", "model.path"],
    check: ({ model }) =>
      model.use_peft && model.path === null
        ? "'model.use_peft' adapts a model that is loaded: give its folder, --model.path=FOLDER"
        : undefined,
  },
  {
    keys: ["data.task", "data.path", "data.sources"],
    check({ data: { task, path, sources } }) {
      if (path !== null && sources.length > 0) {
        return "only one of 'data.path' and 'data.sources' may be given: put the path among the sources";
      }
      return task !== "dataset" && (path !== null || sources.length > 0)
        ? "'data.task' must be dataset where 'data.path' or 'data.sources' is given: current value is " +
          JSON.stringify(task)
        : undefined;
    },
  },
  {
    keys: ["data", "eval.data", "sft", "num_train_epochs", "model.preset"],
    check(config) {
      const { data, sft, eval: { data: benchmarks }, model: { preset } } = config;
      if (data.task === "dataset") {
        return taskPresets.includes(preset)
          ? `'model.preset' ${preset} knows only the tokens of its own task: give --model.path=FOLDER, ` +
            "or --model.preset=gsm8k for a small model with a tokenizer learned from the data"
          : undefined;
      }
      const needs: [string, boolean][] = [
        ["num_train_epochs", config.num_train_epochs !== null],
        ["sft.num_train_epochs", sft.num_train_epochs !== null],
        ["sft.num_problems", sft.num_problems !== null],
        ["eval.data", benchmarks.length > 0],
        ["data.num_problems", data.num_problems !== null],
        ["data.difficulty", data.difficulty !== null],
        ["data.sample_filter", data.sample_filter !== "none"],
        ["data.remove_overlap", data.remove_overlap],
        ["data.curriculum: as_given", data.curriculum === "as_given"],
      ];
      const key = needs.find(([, given]) => given)?.[0];
      return key === undefined
        ? undefined
        : `'${key}' is for data sets, and this run has the built-in task: give --data.path=FILE_OR_FOLDER`;
    },
  },
  {
    keys: ["data.sample_filter", "data.hard_tier"],
    check: ({ data: { sample_filter: filter, hard_tier: tier } }) =>
      filter !== "none" && tier === null
        ? `'data.hard_tier' must say above which tier a problem is hard, for 'data.sample_filter' ${filter}`
        : undefined,
  },
  {
    keys: ["data.tiers"],
    check: ({ data: { tiers } }) =>
      tiers.some((tier, index) => index > 0 && tier <= tiers[index - 1])
        ? `'data.tiers' must be in ascending order, each tier once: current value is ${
          JSON.stringify(tiers)
        }`
        : undefined,
  },
  {
    keys: ["rewards"],
    check: ({ rewards }) =>
      [...rewardWeights(rewards).values()].some((weight) => weight > 0)
        ? undefined
        : `'rewards' must give at least one reward a weight above 0: current value is ` +
          `${JSON.stringify(rewards)}; for example accuracy: 1`,
  },
  {
    keys: ["rewards.modules"],
    check({ rewards }) {
      const names = (rewards.modules ?? []).map(moduleName);
      const unnamed = names.findIndex((name) => name === null);
      if (unnamed >= 0) {
        return `'rewards.modules[${unnamed}].name' must be given, since the file's name is none for a reward: ` +
          `current path is ${JSON.stringify(rewards.modules![unnamed].path)}`;
      }
      const twice = names.find((name, i) =>
        name !== null && (name in rewards || names.indexOf(name) !== i)
      );
      return twice === undefined
        ? undefined
        : `'rewards' must name each reward once: current value names '${twice}' twice; give one of them another 'name'`;
    },
  },
  ...(["length", "cosine"] as const).map((name): CrossCheck => ({
    keys: [`rewards.${name}`, "rewards"],
    check({ rewards }) {
      const settings = rewards[name];
      if (settings === undefined) return undefined;
      const of = typeof settings === "number" ? "accuracy" : settings.of;
      return rewards[of] === undefined
        ? `'rewards.${name}' needs to know which completions are right: name '${of}' under 'rewards' too, ` +
          "with weight 0 if it shall only be measured"
        : undefined;
    },
  })),
  {
    keys: ["rewards.soft_overlong", "max_completion_length"],
    check({ rewards: { soft_overlong: settings }, max_completion_length: most }) {
      if (typeof settings !== "object" || settings.cache === null) return undefined;
      const length = settings.max_length ?? most;
      return settings.cache <= length
        ? undefined
        : `'rewards.soft_overlong.cache' must be at most 'max_length' (${length}): current value is ${settings.cache}`;
    },
  },
  {
    keys: ["rewards", "guidance.reward"],
    check({ rewards, guidance: { reward } }) {
      const names = [...rewardWeights(rewards).keys()];
      return names.includes(reward)
        ? undefined
        : `'guidance.reward' must be one of the run's rewards ` +
          `(${names.join(", ") || "none"}): current value is ${JSON.stringify(reward)}; ` +
          `name it under 'rewards' too, with weight 0 if it shall only be measured ` +
          `(giving any reward leaves out the default, accuracy: 1)`;
    },
  },
  {
    keys: ["per_device_train_batch_size", "gradient_accumulation_steps", "num_generations"],
    check(config) {
      const rows = config.per_device_train_batch_size * config.gradient_accumulation_steps;
      return rows % config.num_generations === 0
        ? undefined
        : `'per_device_train_batch_size' times 'gradient_accumulation_steps' must be divisible by ` +
          `'num_generations' (${config.num_generations}): current value is ` +
          `${config.per_device_train_batch_size} x ${config.gradient_accumulation_steps} = ${rows}`;
    },
  },
  {
    keys: ["guidance.ratio", "num_generations"],
    check({ guidance: { ratio }, num_generations: size }) {
      // The same rounding as `guidedCount`.
      if (ratio === 0 || Math.floor(ratio * size + 0.5 + 1e-9) >= 1) return undefined;
      return `'guidance.ratio' must be 0 or guide at least one rollout of a group of ${size}: ` +
        `current value is ${ratio}; use 0 for no guidance, or at least ${1 / size}`;
    },
  },
  {
    keys: ["guidance", "max_completion_length"],
    check({ guidance, max_completion_length: most }) {
      if (guidance.ratio === 0) return undefined;
      const adaptive = adaptiveControllers.includes(guidance.controller);
      const { length, min_length: lower, max_length: upper } = guidance;
      if (adaptive && upper !== null && upper > most) {
        return `'guidance.max_length' must be at most 'max_completion_length' (${most}): current ` +
          `value is ${upper}`;
      }
      const highest = adaptive ? upper ?? most : most;
      const highestKey = adaptive && upper !== null
        ? "'guidance.max_length'"
        : "'max_completion_length'";
      if (adaptive && lower > highest) {
        return `'guidance.min_length' must be at most ${highestKey} (${highest}): current value ` +
          `is ${lower}`;
      }
      if (adaptive && length < lower) {
        return `'guidance.length' must be at least 'guidance.min_length' (${lower}): current value ` +
          `is ${length}`;
      }
      return length > highest
        ? `'guidance.length' must be at most ${highestKey} (${highest}): current value is ${length}`
        : undefined;
    },
  },
  {
    keys: ["guidance"],
    check: ({ guidance: { ratio, controller, length, end_length: end } }) =>
      ratio > 0 && controller === "rdp" && end > length
        ? `'guidance.end_length' must be at most 'guidance.length' (${length}): current value is ${end}`
        : undefined,
  },
  {
    keys: ["max_length", "max_completion_length"],
    check: ({ max_length: all, max_completion_length: most }) =>
      all !== null && most >= all
        ? `'max_completion_length' must be below 'max_length' (${all}), which counts the prompt ` +
          `too: current value is ${most}`
        : undefined,
  },
  {
    keys: ["max_length", "eval.max_completion_length"],
    check: ({ max_length: all, eval: { max_completion_length: most } }) =>
      all !== null && most !== null && most >= all
        ? `'eval.max_completion_length' must be below 'max_length' (${all}), which counts the ` +
          `prompt too: current value is ${most}`
        : undefined,
  },
  {
    keys: ["warmup_steps", "warmup_ratio"],
    check: ({ warmup_steps: steps, warmup_ratio: ratio }) =>
      steps > 0 && ratio > 0
        ? `only one of 'warmup_steps' and 'warmup_ratio' may be above 0: current values are ` +
          `${steps} and ${ratio}; set one of them to 0`
        : undefined,
  },
  {
    keys: ["warmup_steps", "max_steps", "num_train_epochs"],
    check: ({ warmup_steps: warmup, max_steps: steps, num_train_epochs: epochs }) =>
      epochs === null && warmup > steps
        ? `'warmup_steps' must be at most 'max_steps' (${steps}): current value is ${warmup}`
        : undefined,
  },
  {
    keys: ["sft.warmup_steps", "sft.steps", "sft.num_train_epochs"],
    check: ({ sft: { warmup_steps: warmup, steps, num_train_epochs: epochs } }) =>
      epochs === null && steps > 0 && warmup > steps
        ? `'sft.warmup_steps' must be at most 'sft.steps' (${steps}): current value is ${warmup}`
        : undefined,
  },
  {
    keys: ["delta", "epsilon", "epsilon_high"],
    check({ delta, epsilon, epsilon_high: high }) {
      const bound = 1 + (high ?? epsilon);
      return delta !== null && delta <= bound
        ? `'delta' must be above the upper clip of the ratio (${bound}), or null: current value ` +
          `is ${delta}`
        : undefined;
    },
  },
];
