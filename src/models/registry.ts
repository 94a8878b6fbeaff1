/** Model families by Hugging Face's model_type. */
import { type Tensor } from "../tensor/tensor.ts";
import { ModelError } from "./config_reader.ts";
import { Decoder, decoderShapes } from "./decoder.ts";
import { type ModelFamily, writeConfig } from "./family.ts";
import { llama } from "./llama.ts";
import { type CausalLM } from "./model.ts";
import { qwen2 } from "./qwen2.ts";
import { qwen3 } from "./qwen3.ts";

/** What a config.json asks for. */
export interface ModelPlan {
  /** Names and shapes of every parameter. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Decoder layers. */
  readonly layers: number;
  /** Standard deviation of randomly initialised embeddings. */
  readonly initializerRange: number;
  /** The model, taking over its parameters; `generationConfig` is its generation_config.json. */
  build(
    parameters: ReadonlyMap<string, Tensor>,
    generationConfig?: Readonly<Record<string, unknown>>,
  ): CausalLM;
}

/** The supported families. */
const modelFamilies: readonly ModelFamily[] = [qwen3, qwen2, llama];

const supported = modelFamilies.map(({ modelType, architecture }) =>
  `${modelType} (${architecture})`
).join(", ");

/** The family of a config.json; an unsupported one is refused by name. */
export function planModel(json: Readonly<Record<string, unknown>>): ModelPlan {
  const family = modelFamilies.find(({ modelType }) => modelType === json.model_type);
  if (family === undefined) {
    throw new ModelError(
      `model_type ${
        JSON.stringify(json.model_type ?? null)
      } is not supported: supported are ${supported}`,
    );
  }
  const { modelType } = family, architectures = json.architectures ?? null;
  if (
    architectures !== null &&
    !(Array.isArray(architectures) && architectures.includes(family.architecture))
  ) {
    throw new ModelError(
      `architectures ${
        JSON.stringify(architectures)
      } of model_type "${modelType}" is not supported: supported are ${supported}`,
    );
  }
  const config = family.read(json);
  return {
    shapes: decoderShapes(config),
    layers: config.layers,
    initializerRange: config.initializerRange,
    build: (parameters, generationConfig = {}) =>
      new Decoder({
        modelType,
        config,
        hfConfig: (dtype) => writeConfig(family, config, json, dtype),
        generationConfig,
      }, parameters),
  };
}
