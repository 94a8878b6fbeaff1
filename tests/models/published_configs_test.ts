import { planModel } from "../../src/models/registry.ts";
import { llama } from "../../src/models/llama.ts";
import { qwen2 } from "../../src/models/qwen2.ts";
import { assertEquals } from "../../src/std/assert.ts";

/** config.json of published models (the keys that set sizes and arithmetic) and how many parameters these have. */
const published: Record<string, { config: Record<string, unknown>; parameters: number }> = {
  "Qwen3-0.6B": {
    config: {
      architectures: ["Qwen3ForCausalLM"],
      model_type: "qwen3",
      attention_bias: false,
      head_dim: 128,
      hidden_size: 1024,
      intermediate_size: 3072,
      max_position_embeddings: 40960,
      max_window_layers: 28,
      num_attention_heads: 16,
      num_hidden_layers: 28,
      num_key_value_heads: 8,
      rope_scaling: null,
      rope_theta: 1000000,
      sliding_window: null,
      tie_word_embeddings: true,
      use_sliding_window: false,
      vocab_size: 151936,
    },
    parameters: 596_049_920,
  },
  "Qwen2.5-1.5B": {
    config: {
      architectures: ["Qwen2ForCausalLM"],
      model_type: "qwen2",
      hidden_size: 1536,
      intermediate_size: 8960,
      max_position_embeddings: 131072,
      max_window_layers: 28,
      num_attention_heads: 12,
      num_hidden_layers: 28,
      num_key_value_heads: 2,
      rope_theta: 1000000.0,
      sliding_window: 131072,
      tie_word_embeddings: true,
      use_mrope: false,
      use_sliding_window: false,
      vocab_size: 151936,
    },
    parameters: 1_543_714_304,
  },
  "Llama-3.2-1B": {
    config: {
      architectures: ["LlamaForCausalLM"],
      model_type: "llama",
      attention_bias: false,
      head_dim: 64,
      hidden_size: 2048,
      intermediate_size: 8192,
      max_position_embeddings: 131072,
      mlp_bias: false,
      num_attention_heads: 32,
      num_hidden_layers: 16,
      num_key_value_heads: 8,
      pretraining_tp: 1,
      rope_scaling: {
        factor: 32.0,
        high_freq_factor: 4.0,
        low_freq_factor: 1.0,
        original_max_position_embeddings: 8192,
        rope_type: "llama3",
      },
      rope_theta: 500000.0,
      tie_word_embeddings: true,
      vocab_size: 128256,
    },
    parameters: 1_235_814_400,
  },
  "deepseek-coder-6.7b": {
    config: {
      architectures: ["LlamaForCausalLM"],
      model_type: "llama",
      hidden_size: 4096,
      intermediate_size: 11008,
      max_position_embeddings: 16384,
      num_attention_heads: 32,
      num_hidden_layers: 32,
      num_key_value_heads: 32,
      pretraining_tp: 1,
      rope_scaling: { factor: 4.0, type: "linear" },
      rope_theta: 100000,
      tie_word_embeddings: false,
      vocab_size: 32256,
    },
    parameters: 6_740_512_768,
  },
  "deepseek-math-7b": {
    config: {
      architectures: ["LlamaForCausalLM"],
      model_type: "llama",
      attention_bias: false,
      hidden_size: 4096,
      intermediate_size: 11008,
      max_position_embeddings: 4096,
      num_attention_heads: 32,
      num_hidden_layers: 30,
      num_key_value_heads: 32,
      rope_scaling: null,
      rope_theta: 10000.0,
      tie_word_embeddings: false,
      vocab_size: 102400,
    },
    parameters: 6_910_365_696,
  },
};

for (const [name, { config, parameters }] of Object.entries(published)) {
  Deno.test(`${name}'s config asks for as many parameters as it has`, () => {
    const { shapes } = planModel(config);
    const sizes = [...shapes.values()].map((shape) => shape.reduce((a, b) => a * b));
    assertEquals(sizes.reduce((a, b) => a + b), parameters);
  });
}

Deno.test("positions reach as far as the scaling does", () => {
  const { config: coder } = published["deepseek-coder-6.7b"];
  assertEquals(llama.read(coder).maxPositions, 16384);
  assertEquals(llama.read(published["Llama-3.2-1B"].config).maxPositions, 131072);
  const { config: qwen } = published["Qwen2.5-1.5B"];
  // As the model cards tell their users to write it.
  const yarn = { factor: 4.0, original_max_position_embeddings: 32768, type: "yarn" };
  const long = qwen2.read({ ...qwen, max_position_embeddings: 32768, rope_scaling: yarn });
  assertEquals(long.maxPositions, 131072);
  const dynamic = { type: "dynamic", factor: 2 };
  const stretched = llama.read({ ...coder, max_position_embeddings: 4096, rope_scaling: dynamic });
  assertEquals(stretched.maxPositions, 8192);
});
