/** What a run is made of, built once from its config: problems, model, optimizer, rewards, controller. */
import { resolve } from "node:path";
import { createController } from "../guidance/registry.ts";
import { createAdapters } from "../models/lora.ts";
import { adapterShapes } from "../models/lora_settings.ts";
import { loadModel } from "../models/checkpoint.ts";
import { type CausalLM } from "../models/model.ts";
import { findBaseModel, readPeftConfig } from "../models/peft.ts";
import { modelPresets } from "../models/presets.ts";
import { randomModel } from "../models/random.ts";
import { accuracyReward } from "../rewards/accuracy.ts";
import { type Reward } from "../rewards/reward.ts";
import { type WeightedReward } from "../rewards/score.ts";
import { type Device, type DType } from "../tensor/dtype.ts";
import { cudaDevices } from "../tensor/memory.ts";
import { initialState, loadOptimizer, type Phase, type TrainState } from "./checkpoint.ts";
import {
  type Config,
  ConfigError,
  controllerSpec,
  loraSettings,
  type ModelSettings,
} from "./config.ts";
import { datasetProblems } from "./dataset.ts";
import { AdamW } from "./optimizer.ts";
import { type DataProgress } from "./problem_encoder.ts";
import { type RunProblems, taskProblems } from "./problems.ts";
import { type Run } from "./run.ts";
import { stepSeed } from "./seed.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";

/** Everything a run is made of, and what the loop needs beside it. */
export interface Parts extends Run {
  /** What says right or wrong: of gold answers, and in evaluations. */
  readonly judge: Reward;
  /** Where the tensors are. */
  readonly device: Device;
  /** Folder of the model that LoRA adapters belong to; null where the weights themselves are trained. */
  readonly base: string | null;
  /** The problems, with what is to be told of them. */
  readonly set: RunProblems;
  /** Takes over π_ref. */
  setReference(model: CausalLM): void;
  /** A fresh optimizer for reinforcement learning. */
  renewOptimizer(): void;
  /** The state at the start of a part; without one, of the first. */
  initialState(phase?: Phase): TrainState;
  /** Frees every tensor. */
  [Symbol.dispose](): void;
}

/** The GPU where there is one, unless the config says otherwise. */
export function chooseDevice({ device }: Config): Device {
  const found = cudaDevices();
  if (device === "cuda" && found === 0) {
    throw new Error(
      "Cannot train on 'cuda' as libtorch sees no GPU: run `deno task doctor`, or use --device=cpu",
    );
  }
  return device === "cpu" || found === 0 ? "cpu" : "cuda";
}

/** The element type of weights and activations: without matrix units for it, bfloat16 is several times slower. */
export function chooseDtype({ model: { dtype } }: Config, device: Device): DType {
  if (dtype !== "auto") return dtype;
  return device === "cpu" ? "float32" : "bfloat16";
}

/**
 * Reads the data and the model of a run, new or from a checkpoint.
 *
 * @param checkpoint Its folder, with the state that was read from it as `saved`; null for a new run.
 */
export async function assemble(
  given: Config,
  device: Device,
  checkpoint: string | null,
  saved: TrainState | null,
  rewards: readonly WeightedReward[],
  judge: Reward,
  progress?: DataProgress,
): Promise<Parts> {
  const set = await runProblems(given, { checkpoint, judge, progress });
  const config: Config = {
    ...given,
    max_steps: set.maxSteps,
    sft: { ...given.sft, steps: set.sftSteps },
  };
  using owned = new DisposableStack();
  const policy = owned.use(await loadPolicy(config, device, checkpoint, set.tokenizer));
  if (config.max_length !== null && config.max_length > policy.maxPositions) {
    throw new ConfigError([
      `'max_length' must be at most the model's ${policy.maxPositions} positions: current value is ${config.max_length}`,
    ]);
  }
  if (set.tokenizer.vocabSize > policy.vocabSize) {
    throw new Error(
      `Cannot train: the tokenizer has ${set.tokenizer.vocabSize} tokens, the model's vocabulary ${policy.vocabSize}`,
    );
  }
  const controller = createController(controllerSpec(config));
  const makeOptimizer = (phase: Phase) => {
    const from = phase === "sft" ? config.sft : config;
    return new AdamW(policy.trainable, {
      betas: [from.adam_beta1, from.adam_beta2],
      eps: from.adam_epsilon,
      weightDecay: from.weight_decay,
    });
  };
  const firstPhase = config.sft.steps > 0 ? "sft" : "rl";
  let optimizer = makeOptimizer(saved?.phase ?? firstPhase);
  let reference: CausalLM | null = null;
  // Renewed and set later, so that they are named when the run ends.
  owned.defer(() => optimizer[Symbol.dispose]());
  owned.defer(() => reference?.[Symbol.dispose]());
  if (checkpoint !== null) loadOptimizer(checkpoint, optimizer);
  const parts: Parts = {
    config,
    device,
    policy,
    base: policy.adapters === null ? null : await baseOf(checkpoint ?? config.model.path!),
    set,
    tokenizer: set.tokenizer,
    rewards,
    judge,
    controller,
    opensThink: set.opensThink,
    stopIds: set.tokenizer.stopTokenIds,
    get optimizer() {
      return optimizer;
    },
    get reference() {
      return reference;
    },
    problems: set.problems,
    solutions: set.solutions,
    setReference(loaded) {
      reference = loaded;
    },
    renewOptimizer() {
      optimizer[Symbol.dispose]();
      optimizer = makeOptimizer("rl");
    },
    initialState: (phase = firstPhase) => initialState(phase, controller),
    [Symbol.dispose]: () => kept.dispose(),
  };
  const kept = owned.move();
  return parts;
}

/** Options of {@linkcode runProblems}. */
export interface RunProblemsOptions {
  /** Folder of a checkpoint, whose tokenizer goes before the model's. */
  readonly checkpoint?: string | null;
  /** What says whether a gold answer is right. Default: the accuracy reward. */
  readonly judge?: Reward;
  /** Told how far the data is read. */
  readonly progress?: DataProgress;
}

/** The problems of a config. */
export async function runProblems(
  config: Config,
  { checkpoint = null, judge: given, progress }: RunProblemsOptions = {},
): Promise<RunProblems> {
  await using own = new AsyncDisposableStack();
  const judge = given ?? own.use(accuracyReward());
  const source = checkpoint ?? config.model.path;
  const tokenizer = source === null ? null : await Tokenizer.load(source);
  const { task } = config.data;
  return task === "dataset"
    ? await datasetProblems(config, tokenizer, judge, progress)
    : await taskProblems(config, task, judge, tokenizer);
}

/** A preset's shape with the vocabulary of a tokenizer, rounded up so that products over it are fast. */
export function presetConfig(config: Config, tokenizer: Tokenizer): Record<string, unknown> {
  const shape = modelPresets[config.model.preset!];
  if (config.data.task !== "dataset") return { ...shape };
  return { ...shape, vocab_size: Math.ceil(tokenizer.vocabSize / 64) * 64 };
}

/** Adapters that are loaded have settings of their own: a config that asks for others would be ignored. */
function checkAdapters({ adapters, parameters }: CausalLM, model: ModelSettings): void {
  const loaded = adapters!.settings;
  if (!model.use_peft) {
    throw new ConfigError([
      "'model.path' is a folder of LoRA adapters: train them further with --model.use_peft, or fold them into their " +
      "model first (`deno task merge`)",
    ]);
  }
  const asked = loraSettings(model);
  const other = (["r", "alpha", "dropout", "useRslora"] as const).find((key) =>
    loaded[key] !== asked[key]
  );
  if (other === undefined) {
    const shapes = new Map(Array.from(parameters, ([name, { shape }]) => [name, shape]));
    const wanted = [...adapterShapes(shapes, asked).keys()].sort();
    if (wanted.join() === [...adapters!.parameters.keys()].sort().join()) return;
    throw new ConfigError([
      "'model.lora_target_modules' must be the layers that the adapters in 'model.path' are for: current value is " +
      JSON.stringify(model.lora_target_modules),
    ]);
  }
  const key = {
    r: "lora_r",
    alpha: "lora_alpha",
    dropout: "lora_dropout",
    useRslora: "use_rslora",
  }[other];
  throw new ConfigError([
    `'model.${key}' must be that of the adapters in 'model.path' (${
      loaded[other]
    }): current value is ${asked[other]}`,
  ]);
}

/** The folder of a model, or of the one that a folder's adapters belong to. */
async function baseOf(folder: string): Promise<string> {
  const adapters = await readPeftConfig(folder);
  return resolve(adapters === null ? folder : await findBaseModel(folder, adapters));
}

async function loadPolicy(
  config: Config,
  device: Device,
  checkpoint: string | null,
  tokenizer: Tokenizer,
): Promise<CausalLM> {
  const { model, seed } = config;
  const dtype = chooseDtype(config, device);
  const source = checkpoint ?? model.path;
  if (source === null) {
    const weights = stepSeed(seed, "weights", 0);
    return randomModel(presetConfig(config, tokenizer), { seed: weights, device, dtype });
  }
  using owned = new DisposableStack();
  // The weights under new adapters stay as they are, so they may share the mapped file.
  const adapted = model.use_peft && await readPeftConfig(source) === null;
  const policy = owned.use(await loadModel(source, { device, dtype, trainable: !adapted }));
  if (policy.adapters !== null) checkAdapters(policy, model);
  if (adapted) {
    const adapters = { seed: stepSeed(seed, "adapters", 0), device };
    policy.attach(createAdapters(policy.parameters, loraSettings(model), adapters));
  }
  owned.move();
  return policy;
}
