/** Rotary frequencies stretched beyond the length a model was first trained for, one variant a RoPE type of config.json. */
import * as ops from "../tensor/ops.ts";
import { scope, type Tensor, tensor } from "../tensor/tensor.ts";

/** How the frequencies of a rotary embedding are stretched. */
export type RopeScaling =
  | { readonly type: "default" }
  | LinearRopeScaling
  | DynamicRopeScaling
  | Llama3RopeScaling
  | YarnRopeScaling;

/** Position interpolation (Chen et al. 2023): every frequency divided by the factor. */
export interface LinearRopeScaling {
  /** The RoPE type. */
  readonly type: "linear";
  /** Divides every frequency. */
  readonly factor: number;
}

/** NTK-aware scaling that begins beyond the original length and grows with the length of the row. */
export interface DynamicRopeScaling {
  /** The RoPE type. */
  readonly type: "dynamic";
  /** How far a row of twice the original length and more is stretched. */
  readonly factor: number;
  /** Rows up to this length are not stretched. */
  readonly originalPositions: number;
}

/** Llama 3.1's: long wavelengths divided by the factor, short ones kept, a ramp between. */
export interface Llama3RopeScaling {
  /** The RoPE type. */
  readonly type: "llama3";
  /** Divides the low frequencies. */
  readonly factor: number;
  /** Wavelengths above originalPositions over this are divided. */
  readonly lowFrequencyFactor: number;
  /** Wavelengths below originalPositions over this are kept. */
  readonly highFrequencyFactor: number;
  /** Positions of the first training. */
  readonly originalPositions: number;
}

/** YaRN (Peng et al. 2023): a ramp over dimensions between kept and divided frequencies, and cos and sin scaled. */
export interface YarnRopeScaling {
  /** The RoPE type. */
  readonly type: "yarn";
  /** Divides the low frequencies. */
  readonly factor: number;
  /** Scales cos and sin; null derives it from the factor and the two mscale. */
  readonly attentionFactor: number | null;
  /** Weight of ln factor in the attention factor's numerator; only together with mscaleAllDim. */
  readonly mscale: number | null;
  /** Weight of ln factor in its denominator. */
  readonly mscaleAllDim: number | null;
  /** Dimensions that turn more often than this over the original length are kept. */
  readonly betaFast: number;
  /** Dimensions that turn less often than this are divided. */
  readonly betaSlow: number;
  /** Whether the ramp's ends are rounded outwards to whole dimensions. */
  readonly truncate: boolean;
  /** Positions of the first training. */
  readonly originalPositions: number;
}

/** A rotary embedding. */
export interface RopeSettings {
  /** Base θ. */
  readonly theta: number;
  /** How the frequencies are stretched. */
  readonly scaling: RopeScaling;
}

/** Whether a row of this length has frequencies of its own. */
export function followsLength({ scaling }: RopeSettings, length: number): boolean {
  return scaling.type === "dynamic" && length > scaling.originalPositions;
}

/**
 * Inverse frequencies θ^(-2i/D), stretched, float32 [D / 2]: angles are these times the position. `length` is that of
 * the row, which only `dynamic` asks for.
 */
export function inverseFrequencies(
  headDim: number,
  rope: RopeSettings,
  length: number = 0,
): Tensor {
  const { scaling } = rope;
  const theta = followsLength(rope, length)
    ? ntkBase(rope.theta, scaling as DynamicRopeScaling, headDim, length)
    : rope.theta;
  return scope(() => {
    const exponents = ops.divScalar(ops.arange(0, headDim, 2, "float32"), headDim);
    const frequencies = ops.powBase(theta, exponents); // [D / 2]
    const inverse = ops.div(ops.ones([headDim / 2], "float32"), frequencies);
    const stretch = stretching(headDim, rope);
    if (stretch === null) return inverse;
    return tensor(Float32Array.from(inverse.toNumbers(), stretch));
  });
}

/** What cos and sin are multiplied with. */
export function attentionFactor({ scaling }: RopeSettings): number {
  if (scaling.type !== "yarn") return 1;
  const { factor, mscale, mscaleAllDim } = scaling;
  const scale = (weight: number) => factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1;
  return scaling.attentionFactor ??
    (mscale !== null && mscaleAllDim !== null ? scale(mscale) / scale(mscaleAllDim) : scale(1));
}

/** The base at which the lowest frequency is that of linear interpolation to this length. */
function ntkBase(
  theta: number,
  { factor, originalPositions }: DynamicRopeScaling,
  headDim: number,
  length: number,
): number {
  const growth = factor * length / originalPositions - (factor - 1);
  return theta * growth ** (headDim / (headDim - 2));
}

type Stretch = (inverse: number, i: number) => number;

/** The map of the i-th inverse frequency to its stretched one; null where nothing changes. */
function stretching(headDim: number, { theta, scaling }: RopeSettings): Stretch | null {
  switch (scaling.type) {
    case "default":
    case "dynamic":
      return null;
    case "linear":
      return (inverse) => inverse / scaling.factor;
    case "llama3":
      return llama3(scaling);
    case "yarn":
      return yarn(headDim, theta, scaling);
  }
}

function llama3(scaling: Llama3RopeScaling): Stretch {
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalPositions } = scaling;
  return (inverse) => {
    const turns = originalPositions * inverse / (2 * Math.PI); // over the original length
    if (turns < low) return inverse / factor;
    if (turns > high) return inverse;
    const kept = (turns - low) / (high - low);
    return (1 - kept) * inverse / factor + kept * inverse;
  };
}

function yarn(headDim: number, theta: number, scaling: YarnRopeScaling): Stretch {
  const { factor, betaFast, betaSlow, truncate, originalPositions } = scaling;
  /** The (fractional) pair of dimensions that turns so often over the original length. */
  const pairOf = (turns: number) =>
    headDim * Math.log(originalPositions / (turns * 2 * Math.PI)) / (2 * Math.log(theta));
  const [from, to] = [pairOf(betaFast), pairOf(betaSlow)];
  const low = Math.max(truncate ? Math.floor(from) : from, 0);
  const high = Math.min(truncate ? Math.ceil(to) : to, headDim - 1);
  const width = high === low ? 0.001 : high - low;
  return (inverse, i) => {
    const divided = Math.min(Math.max((i - low) / width, 0), 1);
    return divided * inverse / factor + (1 - divided) * inverse;
  };
}
