/** Rotary settings of a config.json: rope_parameters as newer files have them, or rope_theta and rope_scaling. */
import { type RopeScaling, type RopeSettings } from "../nn/rope_scaling.ts";
import { type ConfigReader } from "./config_reader.ts";

/** What a config.json says of rotary positions. */
export interface RopeConfig extends RopeSettings {
  /** Positions a row can have: config.json's number, or more where the scaling reaches further. */
  readonly maxPositions: number;
}

/**
 * Reads the rotary settings. As in Transformers rope_scaling goes before rope_parameters, and a θ within either before
 * the one beside them. A type that is not supported is refused by name.
 */
export function readRope(read: ConfigReader, fallbackPositions: number): RopeConfig {
  const maxPositions = read.size("max_position_embeddings", fallbackPositions);
  read.expect("partial_rotary_factor", 1);
  const within = read.object("rope_scaling") ?? read.object("rope_parameters");
  if (within === null) {
    return { theta: read.number("rope_theta", 10000), scaling: { type: "default" }, maxPositions };
  }
  for (const [key, value] of Object.entries(within.json)) {
    if (value !== null && typeof value === "object" && !Array.isArray(value)) {
      within.refuse(
        key,
        value,
        "a single value: settings for each type of layer are not supported",
      );
    }
  }
  within.expect("partial_rotary_factor", 1);
  const theta = "rope_theta" in within.json
    ? within.number("rope_theta")
    : read.number("rope_theta", 10000);
  const scaling = readScaling(read, within, maxPositions);
  return { theta, scaling, maxPositions: reach(scaling, maxPositions) };
}

const types = ["default", "linear", "dynamic", "llama3", "yarn"] as const;

function readScaling(
  read: ConfigReader,
  within: ConfigReader,
  maxPositions: number,
): RopeScaling {
  const key = "rope_type" in within.json ? "rope_type" : "type";
  const type = (within.json[key] ?? "default") as typeof types[number];
  // A field beside the scaling goes before one within, which goes before the model's own positions.
  const originalPositions = () =>
    (read.json.original_max_position_embeddings ?? null) !== null
      ? read.size("original_max_position_embeddings")
      : within.size("original_max_position_embeddings", maxPositions);
  switch (type) {
    case "default":
      return { type };
    case "linear":
      return { type, factor: within.number("factor") };
    case "dynamic":
      return { type, factor: within.number("factor"), originalPositions: maxPositions };
    case "llama3": {
      const low = within.number("low_freq_factor"), high = within.number("high_freq_factor");
      if (high <= low) within.refuse("high_freq_factor", high, `above low_freq_factor (${low})`);
      return {
        type,
        factor: within.number("factor"),
        lowFrequencyFactor: low,
        highFrequencyFactor: high,
        originalPositions: originalPositions(),
      };
    }
    case "yarn": {
      const original = originalPositions();
      return {
        type,
        factor: within.number("factor", maxPositions / original),
        attentionFactor: within.optionalNumber("attention_factor"),
        mscale: within.optionalNumber("mscale"),
        mscaleAllDim: within.optionalNumber("mscale_all_dim"),
        betaFast: within.number("beta_fast", 32),
        betaSlow: within.number("beta_slow", 1),
        truncate: within.boolean("truncate", true),
        originalPositions: original,
      };
    }
    default:
      within.refuse(key, type, `one of ${types.map((name) => `"${name}"`).join(", ")}`);
  }
}

/** Published files give the original length beside `yarn` and `dynamic`, the stretched one beside the others. */
function reach(scaling: RopeScaling, maxPositions: number): number {
  return scaling.type === "yarn" || scaling.type === "dynamic"
    ? Math.max(maxPositions, Math.floor(scaling.factor * scaling.originalPositions))
    : maxPositions;
}

/** The keys of both forms, so that older readers take the file too. */
export function writeRope({ theta, scaling }: RopeSettings): Record<string, unknown> {
  const rest = writeScaling(scaling);
  return {
    rope_theta: theta,
    rope_scaling: scaling.type === "default" ? null : { rope_type: scaling.type, ...rest },
    rope_parameters: { rope_type: scaling.type, rope_theta: theta, ...rest },
  };
}

function writeScaling(scaling: RopeScaling): Record<string, unknown> {
  switch (scaling.type) {
    case "default":
      return {};
    case "linear":
    case "dynamic":
      return { factor: scaling.factor };
    case "llama3":
      return {
        factor: scaling.factor,
        low_freq_factor: scaling.lowFrequencyFactor,
        high_freq_factor: scaling.highFrequencyFactor,
        original_max_position_embeddings: scaling.originalPositions,
      };
    case "yarn":
      return {
        factor: scaling.factor,
        ...(scaling.attentionFactor === null ? {} : { attention_factor: scaling.attentionFactor }),
        ...(scaling.mscale === null ? {} : { mscale: scaling.mscale }),
        ...(scaling.mscaleAllDim === null ? {} : { mscale_all_dim: scaling.mscaleAllDim }),
        beta_fast: scaling.betaFast,
        beta_slow: scaling.betaSlow,
        truncate: scaling.truncate,
        original_max_position_embeddings: scaling.originalPositions,
      };
  }
}
