/** Drawing the next token from logits. Everything runs on the model's device; no row of the vocabulary leaves it. */
import * as ops from "../tensor/ops.ts";
import { scope, type Tensor } from "../tensor/tensor.ts";

/** How tokens are drawn. Filters apply in Transformers' order: temperature, top-k, top-p, min-p. */
export interface SamplingOptions {
  /** T > 0 divides the logits; 0 takes the most likely token. Default 1. */
  readonly temperature?: number;
  /** Keep the k most likely tokens (and ties); 0 is off. Default 0. */
  readonly topK?: number;
  /** Keep the most likely tokens whose mass reaches p (ties at the border are all kept); 1 is off. Default 1. */
  readonly topP?: number;
  /** Keep tokens of at least min-p times the highest probability; 0 is off. Default 0. */
  readonly minP?: number;
}

/** One token a row. */
export interface Draw {
  /** int64 [B] */
  readonly tokens: Tensor;
  /** float32 [B]: log softmax(logits / T) of the token, before any filter, as training computes it (T = 1 if greedy). */
  readonly logProbs: Tensor;
}

/** Below this mass rejection would draw too often, and the vocabulary is sorted instead. */
const rejectFrom = 0.5;
/** Rounds of rejection before the rows that are left are sorted. */
const rounds = 8;

/** Refuses values that mean nothing, naming them. */
export function checkSampling(options: SamplingOptions): Required<SamplingOptions> {
  const { temperature = 1, topK = 0, topP = 1, minP = 0 } = options;
  const refuse = (name: string, want: string, value: number): never => {
    throw new RangeError(`Cannot sample as '${name}' must be ${want}: current value is ${value}`);
  };
  if (!(temperature >= 0 && temperature < Infinity)) {
    refuse("temperature", "at least 0", temperature);
  }
  if (!(Number.isInteger(topK) && topK >= 0)) refuse("topK", "an integer of at least 0", topK);
  if (!(topP > 0 && topP <= 1)) refuse("topP", "above 0 and at most 1", topP);
  if (!(minP >= 0 && minP <= 1)) refuse("minP", "between 0 and 1", minP);
  return { temperature, topK, topP, minP };
}

/** Draws one token a row from logits [B, V] of any floating dtype. */
export function sample(logits: Tensor, options: SamplingOptions = {}): Draw {
  const { temperature, topK, topP, minP } = checkSampling(options);
  return scope(() => {
    const wide = ops.toDtype(logits, "float32");
    if (temperature === 0) {
      const tokens = ops.argmax(wide, -1);
      return { tokens, logProbs: logProbsAt(wide, tokens) };
    }
    const scaled = temperature === 1 ? wide : ops.divScalar(wide, temperature); // [B, V]
    const kept = topK > 0 && topK < scaled.shape[1] ? keepTopK(scaled, topK) : scaled;
    const probs = ops.softmax(kept, -1);
    const drawn = minP > 0 ? keepMinP(probs, minP) : probs;
    const cumulative = ops.cumsum(drawn, -1, "float64");
    const tokens = topP === 1
      ? invert(cumulative)
      : topP < rejectFrom
      ? drawSorted(probs, drawn, topP)
      : drawRejecting(probs, drawn, cumulative, topP);
    return { tokens, logProbs: logProbsAt(scaled, tokens) };
  });
}

function logProbsAt(logits: Tensor, tokens: Tensor): Tensor {
  const chosen = ops.squeeze(ops.gather(logits, 1, ops.unsqueeze(tokens, 1)), 1);
  return ops.sub(chosen, ops.logsumexp(logits, [-1]));
}

function keepTopK(logits: Tensor, k: number): Tensor {
  const [values] = ops.topk(logits, k);
  const least = ops.narrow(values, 1, k - 1, 1); // [B, 1]
  return ops.maskedFill(logits, ops.lt(logits, least), -Infinity);
}

function keepMinP(probs: Tensor, minP: number): Tensor {
  const least = ops.mulScalar(ops.amax(probs, [-1], true), minP);
  return ops.maskedFill(probs, ops.lt(probs, least), 0);
}

/** The inverse of a cumulative distribution [B, V] (float64, any total) at a uniform number a row. */
function invert(cumulative: Tensor): Tensor {
  const [rows, vocabulary] = cumulative.shape;
  const total = ops.narrow(cumulative, 1, vocabulary - 1, 1);
  const uniform = ops.mul(ops.rand([rows, 1], "float64", cumulative.device), total);
  // The first place whose cumulative mass is above the number: a token of probability 0 is never it.
  const index = ops.searchsorted(cumulative, uniform, false, true);
  return ops.squeeze(ops.clamp(index, null, vocabulary - 1), 1);
}

/** Mass of the tokens strictly more likely than the chosen one, [B]. */
function massAbove(probs: Tensor, tokens: Tensor): Tensor {
  const chosen = ops.gather(probs, 1, ops.unsqueeze(tokens, 1));
  return ops.sumDim(ops.mul(probs, ops.gt(probs, chosen)), [-1], false, "float32");
}

/**
 * Top-p without sorting the vocabulary: a token belongs to the nucleus if the mass above it is below p, so drawing
 * from the whole distribution until that holds draws from the nucleus, exactly, in 1/p rounds on average.
 */
function drawRejecting(probs: Tensor, drawn: Tensor, cumulative: Tensor, topP: number): Tensor {
  let tokens = invert(cumulative);
  let rejected = ops.geScalar(massAbove(probs, tokens), topP);
  for (let round = 1; ops.item(ops.any(rejected)) !== 0; round++) {
    if (round === rounds) return ops.where(rejected, drawSorted(probs, drawn, topP), tokens);
    tokens = ops.where(rejected, invert(cumulative), tokens);
    rejected = ops.geScalar(massAbove(probs, tokens), topP);
  }
  return tokens;
}

function drawSorted(probs: Tensor, drawn: Tensor, topP: number): Tensor {
  const [sorted] = ops.sort(probs, -1, true);
  const before = ops.sub(ops.cumsum(sorted, -1, "float64"), sorted);
  const kept = ops.ltScalar(before, topP); // the first ones of each row
  const last = ops.subScalar(ops.sumDim(kept, [-1], true, "int64"), 1);
  const least = ops.gather(sorted, 1, last); // [B, 1]
  const nucleus = ops.maskedFill(drawn, ops.lt(probs, least), 0);
  return invert(ops.cumsum(nucleus, -1, "float64"));
}
