/** Model sizes known by name, in config.json's terms. */

/** Names of {@linkcode modelPresets}. */
export type ModelPreset = "arithmetic" | "programming" | "gsm8k" | "tiny" | "small" | "qwen3-0.6b";

const qwen3 = {
  model_type: "qwen3",
  hidden_act: "silu",
  rms_norm_eps: 1e-6,
  attention_bias: false,
  use_sliding_window: false,
  tie_word_embeddings: true,
} as const;

/** The built-in tasks' models: 0.2 M parameters. */
const builtIn = {
  ...qwen3,
  hidden_size: 96,
  intermediate_size: 256,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 24,
  max_position_embeddings: 256,
  rope_theta: 10000,
  initializer_range: 0.05,
} as const;

/**
 * `arithmetic` and `programming` are the built-in tasks' models; `gsm8k` learns word problems on two cores (4.2 M with its
 * 4,096 tokens; a tokenizer of another size sets `vocab_size`); the others are for benchmarks and trials.
 */
export const modelPresets: Readonly<Record<ModelPreset, Readonly<Record<string, unknown>>>> = {
  arithmetic: { ...builtIn, vocab_size: 24 },
  programming: { ...builtIn, vocab_size: 134 },
  gsm8k: {
    ...qwen3,
    vocab_size: 4096,
    hidden_size: 256,
    intermediate_size: 768,
    num_hidden_layers: 4,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 64,
    max_position_embeddings: 1024,
    rope_theta: 10000,
    initializer_range: 0.05,
  },
  tiny: {
    ...qwen3,
    vocab_size: 1024,
    hidden_size: 128,
    intermediate_size: 352,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 64,
    max_position_embeddings: 2048,
    rope_theta: 1e6,
  },
  small: {
    ...qwen3,
    vocab_size: 32000,
    hidden_size: 512,
    intermediate_size: 512,
    num_hidden_layers: 8,
    num_attention_heads: 8,
    num_key_value_heads: 2,
    head_dim: 64,
    max_position_embeddings: 4096,
    rope_theta: 1e6,
  },
  "qwen3-0.6b": {
    ...qwen3,
    vocab_size: 151936,
    hidden_size: 1024,
    intermediate_size: 3072,
    num_hidden_layers: 28,
    num_attention_heads: 16,
    num_key_value_heads: 8,
    head_dim: 128,
    max_position_embeddings: 40960,
    rope_theta: 1e6,
  },
};
