/** Llama (Meta 2023) and what has its architecture, as DeepSeek-Math and DeepSeek-Coder do: no bias unless asked for. */
import { ConfigReader } from "./config_reader.ts";
import { type ModelFamily, readDecoder, sharedHeadDim } from "./family.ts";

/** Llama's config.json. */
export const llama: ModelFamily = {
  modelType: "llama",
  architecture: "LlamaForCausalLM",
  read(json) {
    const read = new ConfigReader("llama", json);
    read.expect("pretraining_tp", 1);
    const bias = read.boolean("attention_bias", false);
    return readDecoder(read, {
      headDim: sharedHeadDim(read),
      qkvBias: bias,
      oBias: bias,
      mlpBias: read.boolean("mlp_bias", false),
      qkNorm: false,
    }, 2048);
  },
  write: (config) => ({
    attention_bias: config.qkvBias,
    mlp_bias: config.mlpBias,
    pretraining_tp: 1,
  }),
};
