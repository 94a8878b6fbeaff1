/** Models in Hugging Face's folder format: config.json, model.safetensors, generation_config.json. */
import { join } from "node:path";
import { noGrad } from "../tensor/autograd.ts";
import { type Device, type DType } from "../tensor/dtype.ts";
import * as ops from "../tensor/ops.ts";
import { SafetensorsFile, writeSafetensors } from "../tensor/safetensors.ts";
import { scope, type Tensor } from "../tensor/tensor.ts";
import { ModelError } from "./config_reader.ts";
import { type CausalLM } from "./model.ts";
import { type ModelPlan, planModel } from "./registry.ts";

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
}

async function readJson(path: string, what: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    throw new ModelError(`${what} cannot be read: ${path} (${(error as Error).message})`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ModelError(`${path} is no JSON: ${(error as Error).message}`);
  }
}

/**
 * Loads a model from a folder. Weights are mapped; they are copied only where the model is to be trained or the dtype
 * or device differ.
 *
 * @throws {ModelError} listing every missing, unexpected and wrongly shaped tensor in one message.
 */
export async function loadModel(folder: string, options: LoadModelOptions = {}): Promise<CausalLM> {
  const { device = "cpu", trainable = true } = options;
  const configPath = join(folder, "config.json");
  const plan = planOf(configPath, await readJson(configPath, "a model's config"));
  const path = join(folder, "model.safetensors");
  using file = new SafetensorsFile(path);
  const tied = !plan.shapes.has("lm_head.weight");
  const wrong: string[] = [];
  for (const [name, shape] of plan.shapes) {
    const entry = file.entries.get(name);
    if (entry === undefined) wrong.push(`missing ${name}`);
    else if (entry.shape.join() !== shape.join()) {
      wrong.push(`${name} has shape [${entry.shape}], the config asks for [${shape}]`);
    } else if (!["float32", "bfloat16", "float16", "float64"].includes(entry.dtype)) {
      wrong.push(`${name} has dtype ${entry.dtype}, which is not a floating one`);
    }
  }
  for (const name of file.entries.keys()) {
    // Some writers store a tied head beside the embedding; it is the same tensor.
    if (!plan.shapes.has(name) && !(tied && name === "lm_head.weight")) {
      wrong.push(`unexpected ${name}`);
    }
  }
  if (wrong.length > 0) {
    throw new ModelError(`${path} does not fit config.json:\n  ${wrong.join("\n  ")}`);
  }
  const [first] = plan.shapes.keys();
  const dtype = options.dtype ?? file.entries.get(first)!.dtype;
  const parameters = new Map<string, Tensor>();
  try {
    for (const name of plan.shapes.keys()) {
      const parameter = noGrad(() =>
        scope(() => {
          const mapped = file.get(name);
          const placed = ops.toDevice(mapped, device, dtype);
          const copied = device !== "cpu" || dtype !== mapped.dtype;
          return trainable && !copied ? ops.clone(placed) : placed;
        })
      ).keep();
      parameters.set(name, parameter);
      if (trainable) ops.requiresGradInPlace(parameter);
    }
  } catch (error) {
    for (const parameter of parameters.values()) parameter.dispose();
    throw error;
  }
  return plan.build(parameters);
}

/** Token ids that Transformers' generation reads from generation_config.json. */
export interface SpecialTokenIds {
  /** Ends a completion. */
  readonly eosTokenId: number | null;
  /** Fills a row. */
  readonly padTokenId: number | null;
}

/** Writes config.json, generation_config.json and model.safetensors into an existing folder. */
export function saveModel(model: CausalLM, folder: string, tokens: SpecialTokenIds): void {
  const ids = {
    ...(tokens.eosTokenId === null ? {} : { eos_token_id: tokens.eosTokenId }),
    ...(tokens.padTokenId === null ? {} : { pad_token_id: tokens.padTokenId }),
  };
  const write = (name: string, value: unknown) =>
    Deno.writeTextFileSync(join(folder, name), JSON.stringify(value, null, 2) + "\n");
  write("config.json", { ...model.hfConfig, ...ids });
  write("generation_config.json", ids);
  writeSafetensors(join(folder, "model.safetensors"), model.parameters, { format: "pt" });
}
