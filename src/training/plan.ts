/** What a config would do, worked out from its numbers alone: nothing native is loaded. */
import { join } from "node:path";
import { guidedCount } from "../guidance/assign.ts";
import { modelPresets } from "../models/presets.ts";
import { planModel } from "../models/registry.ts";
import { type Config, ConfigError } from "./config.ts";

/** The plan of a run. */
export interface RunPlan {
  /** Parameters of the model. */
  readonly parameters: number;
  /** Optimizer steps of the warm start. */
  readonly sftSteps: number;
  /** Steps of reinforcement learning. */
  readonly steps: number;
  /** P, problems a step. */
  readonly problems: number;
  /** G, rollouts a problem. */
  readonly numGenerations: number;
  /** Guided rollouts of a group, round(αG). */
  readonly guided: number;
  /** The most completion tokens of a step, P·G·max_completion_length. */
  readonly maxTokensPerStep: number;
  /** Optimizer passes over each step's rollouts, μ. */
  readonly passes: number;
  /** Bytes that are held all through training; activations, caches and rollouts come on top. */
  readonly memory: {
    /** Weights in float32, and the reference's where the KL term needs one. */
    readonly weights: number;
    /** Gradients in float32. */
    readonly gradients: number;
    /** Two moments of AdamW in float32. */
    readonly optimizer: number;
  };
}

/**
 * Works out a run's plan. Of a model to be loaded, only config.json is read.
 *
 * @throws {ConfigError} where the model's config.json cannot be read.
 */
export async function planRun(config: Config): Promise<RunPlan> {
  const { model } = config;
  const shapes = planModel(
    model.path === null ? modelPresets[model.preset!] : await readModelConfig(model.path),
  ).shapes;
  const parameters = [...shapes.values()]
    .reduce((total, shape) => total + shape.reduce((a, b) => a * b, 1), 0);
  const rollouts = config.per_device_train_batch_size * config.gradient_accumulation_steps;
  const { num_generations: numGenerations, guidance } = config;
  return {
    parameters,
    sftSteps: config.sft.steps,
    steps: config.max_steps,
    problems: rollouts / numGenerations,
    numGenerations,
    guided: guidedCount(numGenerations, guidance.ratio),
    maxTokensPerStep: rollouts * config.max_completion_length,
    passes: config.num_iterations,
    memory: {
      weights: 4 * parameters * (config.beta > 0 ? 2 : 1),
      gradients: 4 * parameters,
      optimizer: 8 * parameters,
    },
  };
}

async function readModelConfig(folder: string): Promise<Record<string, unknown>> {
  const file = join(folder, "config.json");
  try {
    return JSON.parse(await Deno.readTextFile(file));
  } catch (error) {
    throw new ConfigError([
      `'model.path' must be a folder in Hugging Face's format: '${file}' cannot be read ` +
      `(${(error as Error).message})`,
    ]);
  }
}
