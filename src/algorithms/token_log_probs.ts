/**
 * Log-probabilities of chosen tokens, without ever holding the logits of all positions.
 *
 * With a vocabulary of 150k the logits of one long batch are larger than the model. They are computed here a chunk of
 * positions at a time and computed again in the backward pass, which is written by hand: autograd would keep them all.
 */
import { noGrad } from "../tensor/autograd.ts";
import { type DType } from "../tensor/dtype.ts";
import * as ops from "../tensor/ops.ts";
import { scope, type Tensor, TensorError } from "../tensor/tensor.ts";

/** Elements in the logits of a chunk: 16 MiB of float32. */
const CHUNK_ELEMENTS = 1 << 22;
/** Below this the matrix products read the whole head for too few rows. */
const MIN_CHUNK = 64;

/** Positions whose logits are held at once, unless told otherwise. */
export function chunkOf(vocabulary: number): number {
  return Math.max(MIN_CHUNK, Math.floor(CHUNK_ELEMENTS / vocabulary));
}

/** Options of {@linkcode tokenLogProbs}. */
export interface TokenLogProbsOptions {
  /** Divides the logits, as when the tokens were sampled; above 0. Default: 1. */
  readonly temperature?: number;
  /** Positions whose logits are held at once. Default: so many that they take 16 MiB, at least 64. */
  readonly chunk?: number;
  /** Whether to compute the entropies too. Default: false. */
  readonly entropy?: boolean;
}

/** Log-probabilities of N chosen tokens and the way back through the language-model head. */
export interface TokenLogProbs {
  /** log softmax(W·h / temperature) at the target, in nats, [N]; float64 for float64 inputs, else float32. */
  readonly logProbs: Tensor;
  /** Entropy of the distribution at each position, in nats, [N]; null unless asked for. It has no gradient. */
  readonly entropy: Tensor | null;
  /**
   * The hand-written backward pass: takes d loss / d logProbs [N], adds d loss / d head to the head's gradient (unless
   * the head does not require one) and returns d loss / d hidden [N, H] in the dtype of `hidden`. The three tensors
   * that `tokenLogProbs` was given must still be alive.
   */
  backward(gradient: Tensor): Tensor;
}

/**
 * Log-probabilities of `targets` under the language-model head, in chunks, so that neither pass holds [N, V]. Softmax
 * is float32 arithmetic also for bfloat16 inputs. Nothing is recorded by autograd: `logProbs` is a constant to it.
 *
 * @param hidden Hidden states after the final norm, [N, H].
 * @param head Weight of the head, [V, H], of the same dtype.
 * @param targets Token ids, int64 [N], 0 to V − 1.
 * @throws {TensorError} when shapes or dtypes do not fit, or a target is no token of the vocabulary.
 * @throws {RangeError} when the temperature is not above 0, or the chunk is no positive integer.
 */
export function tokenLogProbs(
  hidden: Tensor,
  head: Tensor,
  targets: Tensor,
  options: TokenLogProbsOptions = {},
): TokenLogProbs {
  const { temperature = 1, entropy: withEntropy = false } = options;
  const [count, vocabulary] = checkShapes(hidden, head, targets);
  const chunk = options.chunk ?? chunkOf(vocabulary);
  if (!(temperature > 0 && temperature < Infinity)) {
    throw new RangeError(
      `Cannot compute log-probabilities as 'temperature' must be above 0: current value is ${temperature}`,
    );
  }
  if (!Number.isInteger(chunk) || chunk < 1) {
    throw new RangeError(
      `Cannot compute log-probabilities as 'chunk' must be a positive integer: current value is ${chunk}`,
    );
  }
  const dtype = head.dtype, device = head.device;
  const exact: DType = dtype === "float64" ? "float64" : "float32";

  /** Calls `fn` for each chunk with its hidden states [C, H], targets [C, 1] and scaled logits [C, V]. */
  function eachChunk(fn: (c: Chunk) => void): void {
    for (let start = 0; start < count; start += chunk) {
      const length = Math.min(chunk, count - start);
      scope(() => {
        const h = ops.narrow(hidden, 0, start, length);
        const target = ops.unsqueeze(ops.narrow(targets, 0, start, length), 1);
        const raw = ops.mm(h, ops.transpose(head, 0, 1)); // [C, V]
        const logits = ops.toDtype(raw, exact);
        raw.dispose();
        if (temperature !== 1) ops.mulScalarInPlace(logits, 1 / temperature);
        fn({ start, length, h, target, logits });
      });
    }
  }

  const [logProbs, entropy] = noGrad(() =>
    scope(() => {
      const logProbs = ops.empty([count], exact, device);
      const entropy = withEntropy ? ops.empty([count], exact, device) : null;
      eachChunk(({ start, length, target, logits }) => {
        const all = ops.logSoftmax(logits, -1); // [C, V]
        logits.dispose();
        const chosen = ops.squeeze(ops.gather(all, 1, target), 1);
        ops.copyInPlace(ops.narrow(logProbs, 0, start, length), chosen);
        if (entropy === null) return;
        ops.mulInPlace(all, ops.exp(all)); // p·log p
        ops.copyInPlace(ops.narrow(entropy, 0, start, length), ops.neg(ops.sumDim(all, [1])));
      });
      return [logProbs, entropy] as [Tensor, Tensor | null];
    })
  );

  function backward(gradient: Tensor): Tensor {
    checkGradient(gradient, count);
    return noGrad(() =>
      scope(() => {
        // d logit = (1[target] − softmax)·g / temperature
        const scaled = ops.unsqueeze(
          ops.mulScalar(ops.toDtype(gradient, exact), 1 / temperature),
          1,
        ); // [N, 1]
        const negated = ops.neg(scaled);
        const hiddenGradient = ops.empty(hidden.shape, dtype, device);
        // A bfloat16 sum would stall over the chunks: it is made in float32 and rounded once, as that of one product is.
        const headGradient = !head.requiresGrad
          ? null
          : dtype === exact
          ? gradientOf(head)
          : ops.zeros(head.shape, exact, device);
        eachChunk(({ start, length, h, target, logits }) => {
          const d = ops.softmax(logits, -1); // [C, V]
          logits.dispose();
          ops.mulInPlace(d, ops.narrow(negated, 0, start, length));
          const atTarget = ops.add(
            ops.gather(d, 1, target),
            ops.narrow(scaled, 0, start, length),
          );
          ops.scatterInPlace(d, 1, target, atTarget);
          const toHidden = ops.mm(ops.toDtype(d, dtype), head);
          ops.copyInPlace(ops.narrow(hiddenGradient, 0, start, length), toHidden);
          if (headGradient === null) return;
          ops.addmmInPlace(headGradient, ops.transpose(d, 0, 1), ops.toDtype(h, exact));
        });
        if (headGradient !== null && dtype !== exact) {
          const rounded = ops.toDtype(headGradient, dtype);
          headGradient.dispose();
          if (head.grad === null) head.grad = rounded;
          else ops.addInPlace(head.grad, rounded);
        }
        return hiddenGradient;
      })
    );
  }

  return { logProbs, entropy, backward };
}

interface Chunk {
  readonly start: number;
  readonly length: number;
  readonly h: Tensor;
  readonly target: Tensor;
  readonly logits: Tensor;
}

/** The gradient to add to; zeros are put in place where there is none yet. */
function gradientOf(parameter: Tensor): Tensor {
  if (parameter.grad === null) parameter.grad = ops.zerosLike(parameter);
  return parameter.grad!;
}

function checkShapes(
  hidden: Tensor,
  head: Tensor,
  targets: Tensor,
): [count: number, vocabulary: number] {
  const h = hidden.shape, w = head.shape, t = targets.shape;
  const fits = h.length === 2 && w.length === 2 && t.length === 1 && h[1] === w[1] && h[0] === t[0];
  if (fits && hidden.dtype === head.dtype && targets.dtype === "int64") return [h[0], w[0]];
  throw new TensorError(
    `tokenLogProbs needs hidden [N, H] and head [V, H] of one dtype, and int64 targets [N]: it was given ` +
      `${hidden.dtype}[${h.join(", ")}], ${head.dtype}[${w.join(", ")}] and ${targets.dtype}[${
        t.join(", ")
      }]`,
  );
}

function checkGradient(gradient: Tensor, count: number): void {
  const shape = gradient.shape;
  if (shape.length === 1 && shape[0] === count) return;
  throw new TensorError(
    `tokenLogProbs: its backward pass needs a gradient of shape [${count}]: this one is [${
      shape.join(", ")
    }]`,
  );
}
