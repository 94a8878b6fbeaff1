/** Qwen2 and Qwen2.5, dense (Qwen team 2024): biases on queries, keys and values. */
import { ConfigReader } from "./config_reader.ts";
import { type ModelFamily, readDecoder, sharedHeadDim } from "./family.ts";

/** Qwen2's config.json. */
export const qwen2: ModelFamily = {
  modelType: "qwen2",
  architecture: "Qwen2ForCausalLM",
  read(json) {
    const read = new ConfigReader("qwen2", json);
    return readDecoder(read, {
      headDim: sharedHeadDim(read),
      qkvBias: true,
      oBias: false,
      mlpBias: false,
      qkNorm: false,
    }, 32768);
  },
  write: () => ({ use_sliding_window: false }),
};
