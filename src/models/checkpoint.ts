/** Models in Hugging Face's folder format: config.json, generation_config.json and weights. */
import { join } from "node:path";
import { noGrad } from "../tensor/autograd.ts";
import { type Device, type DType, itemSize } from "../tensor/dtype.ts";
import { availableMemory } from "../tensor/memory.ts";
import * as ops from "../tensor/ops.ts";
import { type SafetensorsEntry } from "../tensor/safetensors.ts";
import { scope, type Tensor } from "../tensor/tensor.ts";
import { ModelError } from "./config_reader.ts";
import { isFile, readJsonObject, writeJson } from "./json_file.ts";
import { type CausalLM } from "./model.ts";
import { findBaseModel, loadAdapters, readPeftConfig } from "./peft.ts";
import { type ModelPlan, planModel } from "./registry.ts";
import { listWrong, openWeights, type WeightFiles, writeWeights } from "./weight_files.ts";

function planOf(path: string, config: Record<string, unknown>): ModelPlan {
  try {
    return planModel(config);
  } catch (error) {
    if (error instanceof ModelError) throw new ModelError(`${path}: ${error.message}`);
    throw error;
  }
}

/** Options of {@linkcode loadModel}. */
export interface LoadModelOptions {
  /** Compute dtype; by default that of the file's embedding. */
  readonly dtype?: DType;
  /** By default the CPU. */
  readonly device?: Device;
  /** A model to be trained owns its weights; one that only reads may share the mapped file. By default true. */
  readonly trainable?: boolean;
  /** Of a folder of adapters: the folder of their base model. By default the one that their config names. */
  readonly base?: string;
  /** Called after each tensor with the bytes placed so far and in all. */
  readonly onProgress?: (loaded: number, total: number) => void;
}

/**
 * Loads a model from a folder: config.json, and model.safetensors or its shards. Weights are mapped; they are copied,
 * one tensor at a time, only where the model is to be trained or the dtype or device differ.
 *
 * Of a folder of LoRA adapters in PEFT's format, the base model is loaded and the adapters are attached to it. What is
 * to be trained are then the adapters, and the base model's weights are only read.
 *
 * @throws {ModelError} listing every missing, unexpected and wrongly shaped tensor in one message; or naming what is
 *   wrong with config.json, an index or generation_config.json, or that memory does not suffice.
 * @throws {SafetensorsError} naming a damaged file.
 */
export async function loadModel(folder: string, options: LoadModelOptions = {}): Promise<CausalLM> {
  const adapters = await readPeftConfig(folder);
  if (adapters === null) return await loadBaseModel(folder, options);
  const base = options.base ?? await findBaseModel(folder, adapters);
  const model = await loadBaseModel(base, { ...options, trainable: false });
  try {
    model.attach(loadAdapters(folder, adapters, model, options.trainable ?? true));
  } catch (error) {
    model[Symbol.dispose]();
    throw error;
  }
  return model;
}

/** Loads the model of a folder without any adapters that lie there too; else as {@linkcode loadModel}. */
export async function loadBaseModel(
  folder: string,
  options: LoadModelOptions = {},
): Promise<CausalLM> {
  const configPath = join(folder, "config.json");
  const plan = planOf(configPath, await readJsonObject(configPath, "a model's config"));
  const generationPath = join(folder, "generation_config.json");
  const generationConfig = isFile(generationPath)
    ? await readJsonObject(generationPath, "settings of generation")
    : {};
  using weights = await openWeights(folder);
  const entries = checkWeights(weights, plan);
  const dtype = options.dtype ?? entries.values().next().value!.dtype;
  const parameters = placeWeights(weights, entries, { ...options, dtype });
  return plan.build(parameters, generationConfig);
}

const floating: readonly DType[] = ["float32", "bfloat16", "float16", "float64"];

/** The entry of every parameter, in the plan's order. */
function checkWeights(
  { path, files }: WeightFiles,
  { shapes }: ModelPlan,
): Map<string, SafetensorsEntry> {
  const wrong: string[] = [], entries = new Map<string, SafetensorsEntry>();
  for (const [name, shape] of shapes) {
    const entry = files.get(name)?.entries.get(name);
    if (entry === undefined) wrong.push(`missing ${name}`);
    else if (entry.shape.join() !== shape.join()) {
      wrong.push(`${name} has shape [${entry.shape}], the config asks for [${shape}]`);
    } else if (!floating.includes(entry.dtype)) {
      wrong.push(`${name} has dtype ${entry.dtype}, which is not a floating one`);
    } else entries.set(name, entry);
  }
  const tied = !shapes.has("lm_head.weight");
  for (const name of files.keys()) {
    // Older writers stored what is computed from the config, and a tied head beside the embedding.
    const harmless = /\brotary_emb\.inv_freq$/.test(name) || (tied && name === "lm_head.weight");
    if (!shapes.has(name) && !harmless) wrong.push(`unexpected ${name}`);
  }
  if (wrong.length === 0 && tied && files.has("lm_head.weight") && !headIsEmbedding(files)) {
    wrong.push(
      "lm_head.weight differs from model.embed_tokens.weight, but tie_word_embeddings makes them one: set it to " +
        "false in config.json if the head is meant",
    );
  }
  if (wrong.length > 0) {
    throw new ModelError(`${path} does not fit config.json:${listWrong(wrong)}`);
  }
  return entries;
}

function headIsEmbedding(files: WeightFiles["files"]): boolean {
  const [head, embedding] = ["lm_head.weight", "model.embed_tokens.weight"].map((name) => ({
    entry: files.get(name)!.entries.get(name)!,
    file: files.get(name)!,
    name,
  }));
  if (head.entry.dtype !== embedding.entry.dtype) return false;
  if (head.entry.shape.join() !== embedding.entry.shape.join()) return false;
  return scope(() => ops.equal(head.file.get(head.name), embedding.file.get(embedding.name)));
}

/** Tensors of the dtype on the device, one after the other. */
function placeWeights(
  { path, files }: WeightFiles,
  entries: ReadonlyMap<string, SafetensorsEntry>,
  options: LoadModelOptions & { readonly dtype: DType },
): Map<string, Tensor> {
  const { dtype, device = "cpu", trainable = true, onProgress } = options;
  const bytesOf = ({ shape }: SafetensorsEntry) => shape.reduce((a, b) => a * b, itemSize[dtype]);
  const copied = (entry: SafetensorsEntry) => trainable || entry.dtype !== dtype;
  const all = [...entries.values()];
  const sum = (some: SafetensorsEntry[]) => some.reduce((n, entry) => n + bytesOf(entry), 0);
  const total = sum(all);
  if (device === "cpu") {
    const needed = sum(all.filter(copied)), available = availableMemory();
    if (available !== null && needed > available) {
      throw new ModelError(
        `Cannot load ${path} as ${dtype}: its weights need ${gigabytes(needed)} of memory, ` +
          `${gigabytes(available)} are there`,
      );
    }
  }
  const parameters = new Map<string, Tensor>();
  let loaded = 0;
  try {
    for (const [name, entry] of entries) {
      const parameter = noGrad(() =>
        scope(() => {
          const mapped = files.get(name)!.get(name);
          const placed = ops.toDevice(mapped, device, dtype);
          const shared = device === "cpu" && dtype === mapped.dtype;
          return trainable && shared ? ops.clone(placed) : placed;
        })
      ).keep();
      parameters.set(name, parameter);
      if (trainable) ops.requiresGradInPlace(parameter);
      onProgress?.(loaded += bytesOf(entry), total);
    }
  } catch (error) {
    for (const parameter of parameters.values()) parameter.dispose();
    throw error;
  }
  return parameters;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** Token ids that Transformers' generation reads from generation_config.json. */
export interface SpecialTokenIds {
  /** Ends a completion. */
  readonly eosTokenId: number | null;
  /** Fills a row. */
  readonly padTokenId: number | null;
}

/** Options of {@linkcode saveModel}. */
export interface SaveModelOptions {
  /** The most bytes of a weight file, which a single larger tensor exceeds. By default 5 GB, as Hugging Face's. */
  readonly maxShardSize?: number;
}

/**
 * Writes the base model into an existing folder: config.json, generation_config.json and model.safetensors, or shards
 * and their index. What a loaded model's own files said beside it is kept. Each file is written beside and renamed; one
 * tensor is copied at a time. Adapters are not written.
 */
export function saveModel(
  model: CausalLM,
  folder: string,
  tokens: SpecialTokenIds,
  { maxShardSize = 5e9 }: SaveModelOptions = {},
): void {
  const withIds = (json: Readonly<Record<string, unknown>>) => ({
    ...json,
    ...(tokens.eosTokenId === null
      ? {}
      : { eos_token_id: withId(json.eos_token_id, tokens.eosTokenId) }),
    ...(tokens.padTokenId === null ? {} : { pad_token_id: tokens.padTokenId }),
  });
  writeWeights(folder, model.parameters, maxShardSize);
  writeJson(join(folder, "config.json"), withIds(model.hfConfig));
  writeJson(join(folder, "generation_config.json"), withIds(model.generationConfig));
}

/** An id together with those that were loaded, a number or a list: each of them ends a completion. */
function withId(loaded: unknown, id: number): unknown {
  const ids = [loaded ?? []].flat();
  return ids.includes(id) ? loaded : ids.length === 0 ? id : [id, ...ids];
}
