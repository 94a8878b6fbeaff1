import { tokenLogProbs, type TokenLogProbsOptions } from "../../src/algorithms/token_log_probs.ts";
import { assert, assertEquals, assertLess, assertThrows } from "../../src/std/assert.ts";
import { backward } from "../../src/tensor/autograd.ts";
import { type DType } from "../../src/tensor/dtype.ts";
import { memory, resetPeakMemory } from "../../src/tensor/memory.ts";
import * as ops from "../../src/tensor/ops.ts";
import { manualSeed, type Tensor, tensor, TensorError } from "../../src/tensor/tensor.ts";
import { tensorTest } from "../tensors.ts";

interface Inputs {
  hidden: Tensor;
  head: Tensor;
  targets: Tensor;
  gradient: Tensor;
}

function inputs(n: number, width: number, vocabulary: number, dtype: DType): Inputs {
  manualSeed(7);
  const random = (shape: number[]) => ops.toDtype(ops.randn(shape), dtype);
  const hidden = random([n, width]), head = random([vocabulary, width]);
  ops.requiresGradInPlace(hidden);
  ops.requiresGradInPlace(head);
  const ids = BigInt64Array.from({ length: n }, (_, i) => BigInt((i * 31 + 5) % vocabulary));
  return { hidden, head, targets: tensor(ids), gradient: ops.randn([n]) };
}

/** The same by autograd, holding all logits. */
function whole({ hidden, head, targets, gradient }: Inputs, temperature: number) {
  const logits = ops.divScalar(ops.linear(hidden, head), temperature);
  const all = ops.logSoftmax(logits, -1);
  const logProbs = ops.squeeze(ops.gather(all, 1, ops.unsqueeze(targets, 1)), 1);
  backward(logProbs, ops.toDtype(gradient, logProbs.dtype));
  const entropy = ops.neg(ops.sumDim(ops.mul(ops.exp(all), all), [-1]));
  const result = {
    logProbs: numbers(logProbs),
    entropy: numbers(entropy),
    hidden: numbers(hidden.grad!),
    head: numbers(head.grad!),
  };
  hidden.grad = null;
  head.grad = null;
  return result;
}

function numbers(of: Tensor): number[] {
  return ops.toDtype(of, "float64").toNumbers();
}

function assertClose(actual: number[], expected: number[], tolerance: number, what: string): void {
  assertEquals(actual.length, expected.length, what);
  const scale = Math.max(...expected.map(Math.abs), 1);
  for (let i = 0; i < actual.length; i++) {
    // Written so that NaN fails.
    const close = Math.abs(actual[i] - expected[i]) <= tolerance * scale;
    assert(close, `${what}[${i}] is ${actual[i]}, expected ${expected[i]}`);
  }
}

function compare(given: Inputs, options: TokenLogProbsOptions, tolerance: number): void {
  const expected = whole(given, options.temperature ?? 1);
  const { hidden, head, targets, gradient } = given;
  const result = tokenLogProbs(hidden, head, targets, { ...options, entropy: true });
  assertEquals(result.logProbs.requiresGrad, false);
  assertClose(numbers(result.logProbs), expected.logProbs, tolerance, "logProbs");
  assertClose(numbers(result.entropy!), expected.entropy, tolerance, "entropy");
  assertClose(numbers(result.backward(gradient)), expected.hidden, tolerance, "d hidden");
  assertClose(numbers(head.grad!), expected.head, tolerance, "d head");
}

for (const [temperature, chunk] of [[1, 5], [0.7, 5], [1.3, 64], [0.7, undefined], [1, 1]]) {
  tensorTest(
    `values and gradients are autograd's: temperature ${temperature}, chunk ${
      chunk ?? "by default"
    }`,
    () => {
      compare(inputs(23, 8, 37, "float32"), { temperature, chunk }, 1e-5);
      compare(inputs(23, 8, 37, "float64"), { temperature, chunk }, 1e-12);
    },
  );
}

tensorTest("bfloat16 inputs have float32 log-probabilities", () => {
  const given = inputs(23, 8, 37, "bfloat16");
  const { hidden, head, targets } = given;
  assertEquals(tokenLogProbs(hidden, head, targets).logProbs.dtype, "float32");
  // Only the logits and the products are rounded to bfloat16, at 2^-8.
  compare(given, { temperature: 0.7, chunk: 5 }, 2e-2);
});

tensorTest("bfloat16 gradients of the head do not stall over many chunks", () => {
  const n = 600;
  const ones = (shape: number[]) => ops.ones(shape, "bfloat16");
  const hidden = ones([n, 1]), head = ones([2, 1]);
  ops.requiresGradInPlace(head);
  const result = tokenLogProbs(hidden, head, tensor(new BigInt64Array(n)), { chunk: 1 });
  result.backward(ops.full([n], 0.25));
  assertEquals(head.grad!.dtype, "bfloat16");
  // Each position adds 0.25·(1 − 0.5)·1, and as much below; 75 is a number of bfloat16.
  assertEquals(numbers(head.grad!), [75, -75]);
});

tensorTest("the head's gradient is added to, and left out where the head needs none", () => {
  const given = inputs(6, 4, 9, "float64");
  const { hidden, head, targets, gradient } = given;
  const once = whole(given, 1);
  head.grad = ops.full([9, 4], 2, "float64");
  const result = tokenLogProbs(hidden, head, targets, { chunk: 4 });
  result.backward(gradient);
  assertClose(numbers(head.grad!), once.head.map((value) => value + 2), 1e-12, "d head");

  const frozen = ops.detach(head);
  const d = tokenLogProbs(hidden, frozen, targets).backward(gradient);
  assertClose(numbers(d), once.hidden, 1e-12, "d hidden");
  assertEquals(frozen.grad, null);
});

tensorTest("logits far apart neither overflow nor lose the gradient", () => {
  const hidden = tensor([[1000], [-1000]]), head = tensor([[1], [-1]]);
  ops.requiresGradInPlace(head);
  const result = tokenLogProbs(hidden, head, tensor(BigInt64Array.of(0n, 0n)));
  assertEquals([...result.logProbs.toFloat32Array()], [0, -2000]);
  assertEquals([...result.backward(ops.ones([2])).toFloat32Array()], [0, 2]);
});

tensorTest("no position at all", () => {
  const head = ops.randn([5, 3]);
  const result = tokenLogProbs(ops.zeros([0, 3]), head, tensor(new BigInt64Array(0)));
  assertEquals(result.logProbs.shape, [0]);
  assertEquals(result.backward(ops.zeros([0])).shape, [0, 3]);
});

tensorTest("[N, V] is never held whole", () => {
  const n = 2048, vocabulary = 32000;
  const { hidden, head, targets, gradient } = inputs(n, 16, vocabulary, "float32");
  head.grad = ops.zerosLike(head);
  const whole = n * vocabulary * 4;
  const peakOf = (fn: () => void): number => {
    const before = memory().current;
    resetPeakMemory();
    fn();
    return memory().peak - before;
  };
  let result: ReturnType<typeof tokenLogProbs>;
  const forward = peakOf(() => result = tokenLogProbs(hidden, head, targets, { temperature: 0.9 }));
  const back = peakOf(() => result.backward(gradient));
  assertLess(forward, whole / 6);
  assertLess(back, whole / 6);
  const withEntropy = peakOf(() => tokenLogProbs(hidden, head, targets, { entropy: true }));
  assertLess(withEntropy, whole / 6);
});

tensorTest("what does not fit is refused", () => {
  const hidden = ops.randn([2, 3]), head = ops.randn([5, 3]);
  const targets = tensor(BigInt64Array.of(0n, 4n));
  assertThrows(
    () => tokenLogProbs(hidden, ops.randn([5, 4]), targets),
    TensorError,
    "needs hidden [N, H] and head [V, H]",
  );
  assertThrows(() => tokenLogProbs(hidden, head, tensor([0, 4])), TensorError, "float32[2]");
  assertThrows(
    () => tokenLogProbs(hidden, head, tensor(BigInt64Array.of(0n, 5n))),
    TensorError,
    "gather",
  );
  assertThrows(
    () => tokenLogProbs(hidden, head, targets, { temperature: 0 }),
    RangeError,
    "'temperature' must be above 0: current value is 0",
  );
  assertThrows(() => tokenLogProbs(hidden, head, targets, { chunk: 0 }), RangeError, "'chunk'");
  assertThrows(
    () => tokenLogProbs(hidden, head, targets).backward(ops.ones([3])),
    TensorError,
    "a gradient of shape [2]",
  );
});
