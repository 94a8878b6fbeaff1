/** Qwen3, dense (Qwen team 2025): RMSNorm on queries and keys, and heads of a size of their own. */
import { ConfigReader } from "./config_reader.ts";
import { type ModelFamily, readDecoder } from "./family.ts";

/** Qwen3's config.json. */
export const qwen3: ModelFamily = {
  modelType: "qwen3",
  architecture: "Qwen3ForCausalLM",
  read(json) {
    const read = new ConfigReader("qwen3", json);
    const bias = read.boolean("attention_bias", false);
    return readDecoder(read, {
      headDim: read.size("head_dim", 128),
      qkvBias: bias,
      oBias: bias,
      mlpBias: false,
      qkNorm: true,
    }, 32768);
  },
  write: (config) => ({ attention_bias: config.qkvBias, use_sliding_window: false }),
};
