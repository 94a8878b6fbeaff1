/** Model families by Hugging Face's model_type. */
import { type Tensor } from "../tensor/tensor.ts";
import { ModelError } from "./config_reader.ts";
import { type CausalLM } from "./model.ts";
import { Qwen3, readQwen3Config } from "./qwen3.ts";

/** How a family is made from its config.json. */
interface ModelFamily {
  /** Names and shapes of every parameter, and what makes a model of them. */
  plan(config: Readonly<Record<string, unknown>>): ModelPlan;
}

/** What a config.json asks for. */
export interface ModelPlan {
  /** Names and shapes of every parameter. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Decoder layers. */
  readonly layers: number;
  /** Standard deviation of randomly initialised embeddings. */
  readonly initializerRange: number;
  /** The model, taking over its parameters. */
  build(parameters: ReadonlyMap<string, Tensor>): CausalLM;
}

/** The supported families. */
const modelFamilies: Readonly<Record<string, ModelFamily>> = {
  qwen3: {
    plan(json) {
      const config = readQwen3Config(json);
      return {
        shapes: Qwen3.shapes(config),
        layers: config.layers,
        initializerRange: config.initializerRange,
        build: (parameters) => new Qwen3(config, parameters),
      };
    },
  },
};

/** The family of a config.json; an unsupported one is refused by name. */
export function planModel(config: Readonly<Record<string, unknown>>): ModelPlan {
  const type = config.model_type;
  const family = typeof type === "string" && Object.hasOwn(modelFamilies, type)
    ? modelFamilies[type]
    : undefined;
  if (family === undefined) {
    throw new ModelError(
      `model_type ${JSON.stringify(type ?? null)} is not supported: supported are ${
        Object.keys(modelFamilies).join(", ")
      }`,
    );
  }
  return family.plan(config);
}
