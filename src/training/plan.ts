/** What a config would do and how much memory that takes, worked out without libtorch. */
import { join } from "node:path";
import { chunkOf } from "../algorithms/token_log_probs.ts";
import { guidedCount } from "../guidance/assign.ts";
import { modelPresets } from "../models/presets.ts";
import { findBaseModel, readPeftConfig } from "../models/peft.ts";
import { adapterShapes } from "../models/lora_settings.ts";
import { planModel } from "../models/registry.ts";
import { type Config, ConfigError, controllerSpec, loraSettings } from "./config.ts";
import { problemsPerStep } from "./problems.ts";

/** Bytes that a run takes at most, by what they are for. */
export interface MemoryPlan {
  /** The weights, and the reference's where the KL term needs a model of its own. */
  readonly weights: number;
  /** Gradients of what is trained. */
  readonly gradients: number;
  /** Two moments of AdamW, and the float32 master copies of low-precision weights. */
  readonly optimizer: number;
  /** What sampling takes at the longest, of rollouts or for an evaluation: most of it is the cache. */
  readonly cache: number;
  /** What a micro-batch of the longest rows keeps for its backward pass. */
  readonly activations: number;
}

/** The plan of a run. */
export interface RunPlan {
  /** Parameters of the model. */
  readonly parameters: number;
  /** Parameters that are trained: the adapters' with LoRA. */
  readonly trainable: number;
  /** Element type of the weights. */
  readonly dtype: "float32" | "bfloat16";
  /** Optimizer steps of the warm start; null where they follow from the data's size. */
  readonly sftSteps: number | null;
  /** Steps of reinforcement learning; null where they follow from the data's size. */
  readonly steps: number | null;
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
  /** What is held all through training, and what comes and goes. */
  readonly memory: MemoryPlan;
}

/** Where a run is planned for. */
export interface PlanOptions {
  /** By default the CPU. */
  readonly device?: "cpu" | "cuda";
}

/**
 * Works out a run's plan. Of a model to be loaded, only config.json is read.
 *
 * @throws {ConfigError} where the model's config.json cannot be read.
 */
export async function planRun(
  config: Config,
  { device = "cpu" }: PlanOptions = {},
): Promise<RunPlan> {
  const { model, data, sft } = config;
  const shape = model.path === null
    ? data.task !== "dataset"
      ? modelPresets[model.preset!]
      : { ...modelPresets[model.preset!], vocab_size: model.vocab_size }
    : await readModelConfig(model.path);
  const { shapes, layers } = planModel(shape);
  const sizes = layerSizes(shapes, layers);
  const parameters = sum([...shapes.values()].map(product));
  const dtype = model.dtype === "auto" ? device === "cpu" ? "float32" : "bfloat16" : model.dtype;
  const adapters = model.use_peft ? adapterShapes(shapes, loraSettings(model)) : new Map();
  const trainable = model.use_peft ? sum([...adapters.values()].map(product)) : parameters;
  const rollouts = config.per_device_train_batch_size * config.gradient_accumulation_steps;
  const { num_generations: numGenerations, guidance } = config;
  return {
    parameters,
    trainable,
    dtype,
    sftSteps: sft.num_train_epochs === null ? sft.steps : null,
    steps: config.num_train_epochs === null ? config.max_steps : null,
    problems: problemsPerStep(config),
    numGenerations,
    guided: guidedCount(numGenerations, guidance.ratio),
    maxTokensPerStep: rollouts * config.max_completion_length,
    passes: config.num_iterations,
    memory: memoryPlan(config, { ...sizes, layers, parameters, trainable, dtype }, adapters),
  };
}

interface Sizes {
  /** V */
  readonly vocabulary: number;
  /** H */
  readonly hidden: number;
  /** The MLP's inner state. */
  readonly inner: number;
  /** All query heads together. */
  readonly query: number;
  /** All key heads together. */
  readonly key: number;
}

function layerSizes(shapes: ReadonlyMap<string, readonly number[]>, layers: number): Sizes {
  const of = (name: string) => shapes.get(name)!;
  const [vocabulary, hidden] = of("model.embed_tokens.weight");
  const last = `model.layers.${layers - 1}`;
  return {
    vocabulary,
    hidden,
    inner: of(`${last}.mlp.gate_proj.weight`)[0],
    query: of(`${last}.self_attn.q_proj.weight`)[0],
    key: of(`${last}.self_attn.k_proj.weight`)[0],
  };
}

function memoryPlan(
  config: Config,
  sizes: Sizes & {
    layers: number;
    parameters: number;
    trainable: number;
    dtype: "float32" | "bfloat16";
  },
  adapters: ReadonlyMap<string, readonly number[]>,
): MemoryPlan {
  const { model, beta, sft } = config;
  const { layers, hidden, inner, query, key, vocabulary, parameters, trainable, dtype } = sizes;
  const bytes = dtype === "float32" ? 4 : 2, lora = adapters.size > 0;
  const low = dtype === "bfloat16" && !lora;

  // What autograd keeps of a token in a layer, and what comes and goes in its backward pass, as the allocator counts it.
  const width = inner + query + key;
  const layer = lora
    ? dtype === "float32" ? 8 * hidden + 12 * width : 8 * hidden + 6 * inner + 8 * (query + key)
    : dtype === "float32"
    ? 24 * hidden + 16 * width
    : 20 * hidden + 8 * inner + 12 * (query + key);
  const transient = 16 * hidden + 8 * inner + 12 * (query + key);
  // Each adapter keeps its input in float32, the dropout's mask with it, and two products of its rank.
  const adapted = sum(
    [...adapters].map(([name, [rows, columns]]) =>
      name.endsWith("lora_A.weight") ? columns * (model.lora_dropout > 0 ? 8 : 4) + 8 * rows : 0
    ),
  );
  const kept = model.gradient_checkpointing
    ? layers * hidden * bytes + layer + adapted / layers
    : layers * layer + adapted;

  const longest = longestPrompt(config) + config.max_completion_length;
  const warm = sft.steps > 0 || sft.num_train_epochs !== null;
  const rows = Math.max(
    config.per_device_train_batch_size,
    warm ? sft.per_device_train_batch_size : 0,
  );
  const tokens = rows * Math.min(config.max_length ?? Infinity, longest); // of a micro-batch
  // Two at a time are held of a chunk's logits, in float32; a low-precision head's gradient is summed in it too.
  const logits = 8 * vocabulary * Math.min(tokens, chunkOf(vocabulary)) +
    (low ? 4 * vocabulary * hidden : 0);
  const ends = 6 * hidden * bytes; // embedding, states, and their gradients
  return {
    weights: bytes * parameters * (beta > 0 && !lora ? 2 : 1) + (lora ? 4 * trainable : 0),
    gradients: trainable * (low ? 2 + 4 : 4),
    optimizer: trainable * (low ? 12 : 8),
    cache: samplingMemory(config, sizes, bytes, bytes / 4 * (24 * hidden + 16 * width + transient)),
    activations: tokens * (kept + ends) + Math.max(
      tokens * transient,
      logits,
      lora ? 0 : bytes * vocabulary * hidden, // the embedding's gradient, before it is added
    ),
  };
}

/** Tokens of the longest prompt; those of the built-in task are short. */
function longestPrompt({ data }: Config): number {
  return data.task !== "dataset" ? 64 : data.max_prompt_length ?? 1024;
}

/** Rollouts that are sampled together. */
interface SampledBatch {
  readonly prompts: number;
  readonly rows: number;
  /** Rows that begin with guidance. */
  readonly guided: number;
  /** The most tokens of guidance. */
  readonly given: number;
  /** The most tokens of a completion. */
  readonly completion: number;
}

/**
 * Bytes that sampling takes at most, of rollouts or for an evaluation.
 *
 * @param perToken What a layer takes for a token of a prompt while it is read.
 */
function samplingMemory(
  config: Config,
  { layers, key, vocabulary }: Sizes & { readonly layers: number },
  bytes: number,
  perToken: number,
): number {
  const { num_generations: G, guidance, eval: evaluation, rollout_batch_size } = config;
  const column = layers * 2 * key * bytes, prompt = longestPrompt(config);
  const most = ({ prompts, rows, guided, given, completion }: SampledBatch) => {
    const longest = Math.min(config.max_length ?? Infinity, prompt + completion);
    // Rows without guidance begin where the longest guidance ends.
    const columns = guided > 0 && guided < rows ? longest + given : longest;
    const mask = (seen: number) => (2 + bytes) * seen; // where a token looks
    const reading = Math.max(
      prompts * prompt * (perToken + mask(prompt)),
      guided * given * (perToken + mask(prompt + given)),
    );
    const read = column * (prompts * prompt + guided * (prompt + given));
    const drawing = 24 * vocabulary * rows; // logits, probabilities, their sums in float64
    return read + Math.max(reading, column * rows * columns + drawing);
  };
  const groups = Math.min(
    problemsPerStep(config),
    Math.max(1, Math.floor((rollout_batch_size ?? Infinity) / G)),
  );
  const completion = config.max_completion_length;
  const controller = controllerSpec(config);
  const length = "maxLength" in controller ? controller.maxLength : undefined;
  const evaluated = Math.min(evaluation.batch_size, evaluation.num_problems);
  return Math.max(
    most({
      prompts: groups,
      rows: groups * G,
      guided: groups * guidedCount(G, guidance.ratio),
      given: Math.min(length ?? controller.length, completion),
      completion,
    }),
    most({
      prompts: evaluated,
      rows: evaluated,
      guided: 0,
      given: 0,
      completion: evaluation.max_completion_length ?? completion,
    }),
  );
}

/** Bytes of a memory plan in all. Caches and activations are not held at the same time. */
export function totalMemory(
  { weights, gradients, optimizer, cache, activations }: MemoryPlan,
): number {
  return weights + gradients + optimizer + Math.max(cache, activations);
}

/** What is held from the first step to the last: it fits, or the run cannot begin. */
export function heldMemory({ weights, gradients, optimizer }: MemoryPlan): number {
  return weights + gradients + optimizer;
}

function product(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

async function readModelConfig(folder: string): Promise<Record<string, unknown>> {
  const adapters = await readPeftConfig(folder);
  const file = join(
    adapters === null ? folder : await findBaseModel(folder, adapters),
    "config.json",
  );
  try {
    return JSON.parse(await Deno.readTextFile(file));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new ConfigError([missingModel(folder)]);
    throw new ConfigError([
      `'model.path' must be a folder in Hugging Face's format: '${file}' cannot be read ` +
      `(${(error as Error).message})`,
    ]);
  }
}

/** What to do about a model folder that is not there. */
export function missingModel(folder: string): string {
  return `'model.path' must be a folder in Hugging Face's format: '${folder}/config.json' is not there; ` +
    `fetch the model into that folder, for example with \`hf download ORGANISATION/MODEL --local-dir ${folder}\` ` +
    "(the head of a shipped config has the call)";
}
