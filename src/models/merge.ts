/** A folder of LoRA adapters and its base model as one model folder. */
import { basename, dirname, join } from "node:path";
import { noGrad } from "../tensor/autograd.ts";
import { type DType } from "../tensor/dtype.ts";
import * as ops from "../tensor/ops.ts";
import { scope, type Tensor } from "../tensor/tensor.ts";
import { loadBaseModel, saveModel } from "./checkpoint.ts";
import { ModelError } from "./config_reader.ts";
import { mergeAdapters } from "./lora.ts";
import { type CausalLM } from "./model.ts";
import { exists, findBaseModel, loadAdapters, readPeftConfig } from "./peft.ts";
import { planModel } from "./registry.ts";

/** Options of {@linkcode mergeFolder}. */
export interface MergeFolderOptions {
  /** Folder of the base model. By default the one that the adapters' config names. */
  readonly base?: string;
  /** Dtype of the merged weights. By default the base model's. */
  readonly dtype?: DType;
}

/** What {@linkcode mergeFolder} did. */
export interface MergedFolder {
  /** The base model's folder. */
  readonly base: string;
  /** Names of the layers whose weights changed. */
  readonly modules: readonly string[];
  /** Dtype of the merged weights. */
  readonly dtype: DType;
}

/** Files that make a tokenizer. */
const tokenizerFiles = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
  "tokenizer.model",
  "chat_template.jinja",
  "chat_template.json",
];

/**
 * Writes the model that adapters and their base model make together into a new folder: weights, config.json,
 * generation_config.json, and the tokenizer's files, the adapters' own where they have some. The folder is made beside
 * and renamed. Every weight is rounded once.
 *
 * @param folder A folder in PEFT's format.
 * @param out The folder to be made.
 * @throws {ModelError} when `out` exists, `folder` has no adapters, or they or the base model cannot be loaded.
 */
export async function mergeFolder(
  folder: string,
  out: string,
  options: MergeFolderOptions = {},
): Promise<MergedFolder> {
  if (await exists(out)) {
    throw new ModelError(`Cannot merge into '${out}' as it exists: give a folder that does not`);
  }
  const config = await readPeftConfig(folder);
  if (config === null) {
    throw new ModelError(`Cannot merge '${folder}' as it has no adapter_config.json`);
  }
  const base = options.base ?? await findBaseModel(folder, config);
  using stack = new DisposableStack();
  let model = stack.use(await loadBaseModel(base, { trainable: false }));
  const { dtype = model.dtype } = options;
  // Rounded to the new dtype at the very end.
  if (dtype !== model.dtype) {
    model = stack.use(await loadBaseModel(base, { trainable: false, dtype: "float32" }));
  }
  model.attach(loadAdapters(folder, config, model, false));
  mergeAdapters(model);
  const { modules } = model.adapters!;
  if (dtype !== model.dtype) model = stack.use(converted(model, dtype));

  await Deno.mkdir(dirname(out), { recursive: true });
  const temporary = await Deno.makeTempDir({ dir: dirname(out), prefix: `.${basename(out)}.` });
  try {
    // A temporary folder is its owner's alone; a model folder is as others are.
    await Deno.chmod(temporary, 0o755);
    saveModel(model, temporary, { eosTokenId: null, padTokenId: null });
    const own = await exists(join(folder, "tokenizer.json"));
    for (const name of tokenizerFiles) {
      const file = join(own ? folder : base, name);
      if (await exists(file)) await Deno.copyFile(file, join(temporary, name));
    }
    await Deno.rename(temporary, out);
  } catch (error) {
    await Deno.remove(temporary, { recursive: true });
    throw error;
  }
  return { base, modules, dtype };
}

/** The base model in another dtype; each of its weights is freed when it was converted. */
function converted(model: CausalLM, dtype: DType): CausalLM {
  const { hfConfig, generationConfig } = model;
  const parameters = new Map<string, Tensor>();
  for (const [name, parameter] of model.parameters) {
    parameters.set(name, noGrad(() => scope(() => ops.toDtype(parameter, dtype))).keep());
    parameter.dispose();
  }
  return planModel(hfConfig).build(parameters, generationConfig);
}
