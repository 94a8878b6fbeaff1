/** LoRA adapters in the files of PEFT (Hugging Face): adapter_config.json and adapter_model.safetensors. */
import { isAbsolute, join, resolve } from "node:path";
import { noGrad } from "../tensor/autograd.ts";
import * as ops from "../tensor/ops.ts";
import { SafetensorsFile, writeSafetensors } from "../tensor/safetensors.ts";
import { scope, type Tensor } from "../tensor/tensor.ts";
import { ModelError } from "./config_reader.ts";
import { readJsonObject, writeJson } from "./json_file.ts";
import { LoraAdapters } from "./lora.ts";
import { adapterShapes, type LoraSettings, moduleOfA } from "./lora_settings.ts";
import { type CausalLM } from "./model.ts";
import { listWrong } from "./weight_files.ts";

const configFile = "adapter_config.json", weightsFile = "adapter_model.safetensors";

/** What an adapter_config.json says. */
export interface PeftConfig {
  /** What the adapters are like. */
  readonly settings: LoraSettings;
  /** The base model as the file names it: a folder or a name on the Hub; null where it does not say. */
  readonly base: string | null;
}

/** Keys that mean something here. */
const read = [
  "peft_type",
  "task_type",
  "bias",
  "init_lora_weights",
  "r",
  "lora_alpha",
  "lora_dropout",
  "use_rslora",
  "target_modules",
  "base_model_name_or_path",
];

/** Keys that say nothing about what the adapters compute. */
const informative = [
  "auto_mapping",
  "inference_mode",
  "revision",
  "peft_version",
  "megatron_core",
  "layers_pattern",
  "qalora_group_size",
];

/**
 * Reads a folder's adapter_config.json; null where there is none.
 *
 * @throws {ModelError} for what is no plain LoRA: the message names the key and its value.
 */
export async function readPeftConfig(folder: string): Promise<PeftConfig | null> {
  const path = join(folder, configFile);
  if (!(await exists(path))) return null;
  const json = await readJsonObject(path, "the adapters' config");
  const refuse = (key: string, want: string): never => {
    throw new ModelError(`${path}: '${key}' must be ${want}: it is ${show(json[key])}`);
  };
  const value = (
    key: string,
    fallback: unknown,
    fits: (value: unknown) => boolean,
    want: string,
  ) => {
    const given = json[key] ?? fallback;
    return fits(given) ? given : refuse(key, want);
  };
  const oneOf = (key: string, values: readonly unknown[]) => {
    const want = values.map((one) => JSON.stringify(one)).join(" or ");
    return value(
      key,
      values[0],
      (one) => values.includes(one),
      `${want}, nothing else is supported`,
    );
  };
  oneOf("peft_type", ["LORA"]);
  oneOf("task_type", ["CAUSAL_LM"]);
  oneOf("bias", ["none"]);
  // Other initialisations change the base model's weights too, or freeze a matrix.
  oneOf("init_lora_weights", [true, false, "gaussian", "eva", "orthogonal"]);
  for (const [key, given] of Object.entries(json)) {
    if (read.includes(key) || informative.includes(key) || isNeutral(given)) continue;
    refuse(key, "left out or null: of PEFT's methods only plain LoRA (and rsLoRA) is supported");
  }
  const number = (key: string, fallback: number, fits: (value: number) => boolean, want: string) =>
    value(key, fallback, (one) => typeof one === "number" && fits(one), want) as number;
  const targets = value(
    "target_modules",
    null,
    (one) => typeof one === "string" || isNames(one),
    "all-linear, a pattern, or a list of names",
  ) as string | string[];
  const base = json.base_model_name_or_path ?? "";
  if (typeof base !== "string") refuse("base_model_name_or_path", "a folder or a name");
  const settings: LoraSettings = {
    r: number("r", 8, (r) => Number.isSafeInteger(r) && r >= 1, "a positive integer"),
    alpha: number("lora_alpha", 8, (alpha) => alpha > 0 && alpha < Infinity, "a number above 0"),
    dropout: number("lora_dropout", 0, (p) => p >= 0 && p < 1, "from 0 to below 1"),
    useRslora: oneOf("use_rslora", [false, true]) as boolean,
    // Any other text is a pattern of Python's; what it matched is what the file of weights holds.
    targetModules: targets === "all-linear" || isNames(targets) ? targets : storedModules(folder),
  };
  return { settings, base: base === "" ? null : base as string };
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

/** A value for an error, short whatever a file holds. */
function show(value: unknown): string {
  if (typeof value === "object" && value !== null) {
    return Array.isArray(value) ? "a list" : "an object";
  }
  const text = JSON.stringify(value ?? null);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** Whether a value switches a feature of PEFT's off. */
function isNeutral(value: unknown): boolean {
  return value === null || value === false ||
    (typeof value === "object" && Object.keys(value).length === 0);
}

function openAdapters(folder: string): SafetensorsFile {
  const path = join(folder, weightsFile);
  try {
    Deno.statSync(path);
  } catch (error) {
    throw new ModelError(
      `The adapters' weights cannot be read: ${path} (${(error as Error).message}). ` +
        "Of PEFT's formats only safetensors is supported: save with safe_serialization=True.",
    );
  }
  return new SafetensorsFile(path);
}

function storedModules(folder: string): string[] {
  using file = openAdapters(folder);
  return [...file.entries.keys()].flatMap((name) => moduleOfA(name) ?? []);
}

/**
 * The folder of the model that adapters were made for. A relative name is looked up beside the adapters first.
 *
 * @throws {ModelError} where it is not to be found; the message names it, where it was looked for, and the way out.
 */
export async function findBaseModel(folder: string, { base }: PeftConfig): Promise<string> {
  const wayOut = "say where the base model's folder is by the option 'base', or in that key";
  if (base === null) {
    throw new ModelError(
      `${join(folder, configFile)} does not name the base model ('base_model_name_or_path' is ` +
        `null): ${wayOut}`,
    );
  }
  const candidates = isAbsolute(base) ? [base] : [join(folder, base), base];
  for (const candidate of candidates) {
    if (await exists(join(candidate, "config.json"))) return candidate;
  }
  throw new ModelError(
    `${join(folder, configFile)}: the base model '${base}' is not there: there is no config.json ` +
      `in ${candidates.map((one) => `'${resolve(one)}'`).join(" nor in ")}: ${wayOut}`,
  );
}

/** Whether a path leads to a file or folder. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw error;
  }
}

/**
 * Loads adapters for a model, as float32 on its device. For {@linkcode CausalLM.attach}.
 *
 * @throws {ModelError} listing every missing, unexpected and wrongly shaped tensor in one message.
 */
export function loadAdapters(
  folder: string,
  { settings }: PeftConfig,
  model: Pick<CausalLM, "parameters" | "device">,
  trainable: boolean,
): LoraAdapters {
  const { parameters, device } = model;
  const shapes = adapterShapes(
    new Map(Array.from(parameters, ([name, { shape }]) => [name, shape])),
    settings,
  );
  using file = openAdapters(folder);
  const wrong: string[] = [];
  for (const [name, shape] of shapes) {
    const entry = file.entries.get(name);
    if (entry === undefined) wrong.push(`missing ${name}`);
    else if (entry.shape.join() !== shape.join()) {
      wrong.push(`${name} has shape [${entry.shape}], rank and model ask for [${shape}]`);
    } else if (!/float/.test(entry.dtype)) {
      wrong.push(`${name} has dtype ${entry.dtype}, which is not a floating one`);
    }
  }
  for (const name of file.entries.keys()) {
    if (!shapes.has(name)) wrong.push(`unexpected ${name}`);
  }
  if (wrong.length > 0) {
    throw new ModelError(
      `${file.path} does not fit ${configFile} and the base model:${listWrong(wrong)}`,
    );
  }
  const loaded = scope(() =>
    Array.from(shapes.keys(), (name): [string, Tensor] => {
      const matrix = noGrad(() =>
        scope(() => {
          const mapped = file.get(name);
          const placed = ops.toDevice(mapped, device, "float32");
          const copied = device !== "cpu" || mapped.dtype !== "float32";
          return copied ? placed : ops.clone(placed);
        })
      );
      if (trainable) ops.requiresGradInPlace(matrix);
      return [name, matrix];
    })
  );
  return new LoraAdapters(settings, new Map(loaded.map(([name, t]) => [name, t.keep()])));
}

/**
 * Writes adapter_config.json and adapter_model.safetensors into an existing folder, as PEFT does.
 *
 * @param base Folder or name of the base model: an absolute folder is found from everywhere; null where there is none.
 */
export function saveAdapters(adapters: LoraAdapters, folder: string, base: string | null): void {
  const { settings: { r, alpha, dropout, targetModules, useRslora } } = adapters;
  // Names are what every reader of the format understands.
  const targets = targetModules === "all-linear"
    ? [...new Set(adapters.modules.map((module) => module.split(".").at(-1)!))]
    : targetModules;
  const config = {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    base_model_name_or_path: base,
    revision: null,
    auto_mapping: null,
    inference_mode: true,
    r,
    lora_alpha: alpha,
    lora_dropout: dropout,
    use_rslora: useRslora,
    use_dora: false,
    target_modules: targets,
    bias: "none",
    fan_in_fan_out: false,
    init_lora_weights: true,
    modules_to_save: null,
    layers_to_transform: null,
    layers_pattern: null,
    rank_pattern: {},
    alpha_pattern: {},
  };
  writeSafetensors(join(folder, weightsFile), adapters.parameters, { format: "pt" });
  writeJson(join(folder, configFile), config);
}
