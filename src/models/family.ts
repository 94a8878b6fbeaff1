/** What the families' config.json files have in common, and how one is written. */
import { type DType } from "../tensor/dtype.ts";
import { type ConfigReader } from "./config_reader.ts";
import { type DecoderConfig } from "./decoder.ts";
import { readRope, writeRope } from "./rope_config.ts";

/** An architecture: what its config.json says. */
export interface ModelFamily {
  /** Hugging Face's model_type. */
  readonly modelType: string;
  /** Transformers' class, as `architectures` names it. */
  readonly architecture: string;
  /**
   * Sizes and features from config.json, in the old form (rope_theta, rope_scaling) or the new (rope_parameters).
   *
   * @throws {ModelError} naming a key that is wrong, or whose value asks for what is not supported.
   */
  read(json: Readonly<Record<string, unknown>>): DecoderConfig;
  /** The keys of config.json that this family adds to the common ones. */
  write(config: DecoderConfig): Record<string, unknown>;
}

/** What a family adds to the sizes. */
type Features = Pick<DecoderConfig, "headDim" | "qkvBias" | "oBias" | "mlpBias" | "qkNorm">;

/** Reads what all families have, given their own features and defaults. */
export function readDecoder(
  read: ConfigReader,
  features: Features,
  defaultPositions: number,
): DecoderConfig {
  read.expect("hidden_act", "silu");
  read.expect("attention_dropout", 0);
  if ((read.json.quantization_config ?? null) !== null) {
    const want = "absent: quantised weights are not supported, take the model's float version";
    read.refuse("quantization_config", read.json.quantization_config, want);
  }
  const heads = read.size("num_attention_heads");
  const layers = read.size("num_hidden_layers", undefined, 10_000);
  refuseSlidingWindow(read, layers);
  const { maxPositions, theta, scaling } = readRope(read, defaultPositions);
  const config: DecoderConfig = {
    vocabSize: read.size("vocab_size"),
    hiddenSize: read.size("hidden_size"),
    intermediateSize: read.size("intermediate_size"),
    layers,
    heads,
    kvHeads: read.size("num_key_value_heads", heads),
    maxPositions,
    rmsNormEps: read.number("rms_norm_eps", 1e-6),
    rope: { theta, scaling },
    tieWordEmbeddings: read.boolean("tie_word_embeddings", false),
    initializerRange: read.number("initializer_range", 0.02),
    ...features,
  };
  read.divides("num_key_value_heads", config.kvHeads, "num_attention_heads", heads);
  read.divides("2", 2, "head_dim", config.headDim);
  if (scaling.type === "dynamic" && config.headDim < 4) {
    read.refuse("head_dim", config.headDim, 'at least 4 with RoPE type "dynamic"');
  }
  return config;
}

/** head_dim where it is given, else hidden_size shared out among the heads. */
export function sharedHeadDim(read: ConfigReader): number {
  const heads = read.size("num_attention_heads"), hidden = read.size("hidden_size");
  if ((read.json.head_dim ?? null) !== null) return read.size("head_dim");
  read.divides("num_attention_heads", heads, "hidden_size", hidden);
  return hidden / heads;
}

function refuseSlidingWindow(read: ConfigReader, layers: number): void {
  const types = read.json.layer_types ?? null;
  if (types !== null) {
    const full = Array.isArray(types) && types.length === layers &&
      types.every((type) => type === "full_attention");
    const want = `"full_attention" for each of ${layers} layers, nothing else is supported`;
    if (!full) read.refuse("layer_types", types, want);
    return;
  }
  if (!read.boolean("use_sliding_window", false)) return;
  // As in Transformers, the first max_window_layers layers see everything.
  const windowed = (read.json.sliding_window ?? null) !== null &&
    Number(read.json.max_window_layers ?? 28) < layers;
  if (windowed) {
    read.refuse("use_sliding_window", true, "false: attention in windows is not supported");
  }
}

/** As it was loaded; how far the scaling reaches beyond it is worked out again by whoever reads it. */
function positionsOf(config: DecoderConfig, loaded: Readonly<Record<string, unknown>>): unknown {
  const { scaling } = config.rope;
  return scaling.type === "dynamic"
    ? scaling.originalPositions
    : loaded.max_position_embeddings ?? config.maxPositions;
}

/** Keys that name other files or another folder, and would mislead beside weights of our own. */
const dropped = ["_name_or_path", "auto_map"];

/**
 * config.json for parameters of a dtype: what was loaded, keys without meaning here included, under what is known of the
 * model, in both forms of the rotary keys.
 */
export function writeConfig(
  family: ModelFamily,
  config: DecoderConfig,
  loaded: Readonly<Record<string, unknown>>,
  dtype: DType,
): Record<string, unknown> {
  const kept = Object.fromEntries(Object.entries(loaded).filter(([key]) => !dropped.includes(key)));
  return {
    ...kept,
    architectures: [family.architecture],
    model_type: family.modelType,
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headDim,
    max_position_embeddings: positionsOf(config, loaded),
    hidden_act: "silu",
    rms_norm_eps: config.rmsNormEps,
    attention_dropout: 0,
    ...writeRope(config.rope),
    ...family.write(config),
    tie_word_embeddings: config.tieWordEmbeddings,
    initializer_range: config.initializerRange,
    dtype,
    torch_dtype: dtype,
  };
}
