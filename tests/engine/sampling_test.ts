import { sample } from "../../src/engine/sampling.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "../../src/std/assert.ts";
import * as ops from "../../src/tensor/ops.ts";
import { manualSeed, type Tensor, tensor } from "../../src/tensor/tensor.ts";
import { tensorTest } from "../tensors.ts";

const logits = [2, 1.5, 1, 0.5, 0, -0.5, -1, -6];

function softmax(values: readonly number[], temperature = 1): number[] {
  const e = values.map((v) => Math.exp(v / temperature));
  const total = e.reduce((a, b) => a + b, 0);
  return e.map((v) => v / total);
}

function rows(count: number): Tensor {
  return ops.contiguous(ops.expand(tensor([logits]), [count, logits.length]));
}

/** Upper tail of the chi-squared distribution: the regularised incomplete gamma function by its continued fraction or series. */
function chiSquaredTail(x: number, freedom: number): number {
  const a = freedom / 2, y = x / 2;
  const lgamma = (z: number): number => {
    const c = [
      76.18009172947146,
      -86.50532032941677,
      24.01409824083091,
      -1.231739572450155,
      1.208650973866179e-3,
      -5.395239384953e-6,
    ];
    let s = 1.000000000190015;
    c.forEach((v, i) => s += v / (z + 1 + i));
    return -(z + 5.5) + (z + 0.5) * Math.log(z + 5.5) + Math.log(2.5066282746310005 * s / z);
  };
  let term = 1 / a, sum = term;
  for (let n = 1; n < 1000; n++) {
    term *= y / (a + n);
    sum += term;
  }
  return Math.max(0, 1 - sum * Math.exp(-y + a * Math.log(y) - lgamma(a)));
}

/** Draws many tokens and compares their frequencies with the expected distribution. */
function check(expected: readonly number[], options: Parameters<typeof sample>[1]) {
  const draws = 40_000;
  manualSeed(20261121);
  const counts = new Array<number>(logits.length).fill(0);
  for (const token of sample(rows(draws), options).tokens.toNumbers()) counts[token]++;
  let statistic = 0, freedom = -1;
  expected.forEach((p, i) => {
    if (p === 0) return assertEquals(counts[i], 0, `token ${i} is filtered out`);
    statistic += (counts[i] - draws * p) ** 2 / (draws * p);
    freedom++;
  });
  if (freedom === 0) return; // one token is left: the counts above say it all
  const tail = chiSquaredTail(statistic, freedom);
  assert(tail > 1e-6, `p = ${tail}: counts ${counts}, expected ${expected.map((p) => p * draws)}`);
}

/** The distribution over the kept tokens. */
function only(probabilities: readonly number[], keep: (p: number, i: number) => boolean): number[] {
  const kept = probabilities.map((p, i) => keep(p, i) ? p : 0);
  const total = kept.reduce((a, b) => a + b, 0);
  return kept.map((p) => p / total);
}

tensorTest("frequencies match the softmax", () => check(softmax(logits), {}));

tensorTest("the temperature divides the logits", () => {
  check(softmax(logits, 0.7), { temperature: 0.7 });
  check(softmax(logits, 3), { temperature: 3 });
});

tensorTest("top-k keeps the k most likely", () => {
  check(only(softmax(logits), (_, i) => i < 3), { topK: 3 });
  check(softmax(logits), { topK: 100 });
});

tensorTest("top-p keeps the smallest set that reaches p", () => {
  const p = softmax(logits); // 0.39, 0.24, 0.14, 0.09, ...
  check(only(p, (_, i) => i < 2), { topP: 0.6 }); // by rejection: 0.39 < 0.6 <= 0.63
  check(only(p, (_, i) => i < 7), { topP: 0.999 });
  check(only(p, (_, i) => i < 1), { topP: 0.2 }); // by sorting
  check(only(p, (_, i) => i < 2), { topP: 0.45 });
});

tensorTest("ties at the border of top-p are all kept, by rejection and by sorting", () => {
  const tied = (topP: number) => {
    manualSeed(9);
    const logits = ops.contiguous(ops.expand(tensor([[0, 0, 0, 0]]), [2000, 4]));
    return new Set(sample(logits, { topP }).tokens.toNumbers()).size;
  };
  assertEquals([tied(0.6), tied(0.3)], [4, 4]);
});

tensorTest("min-p keeps what is likely enough beside the best", () => {
  check(only(softmax(logits), (p) => p >= 0.3 * softmax(logits)[0]), { minP: 0.3 });
});

tensorTest("filters combine in Transformers' order", () => {
  const top = only(softmax(logits, 0.8), (_, i) => i < 4);
  check(only(top, (p, i) => i < 3 && p >= 0.2 * top[0]), {
    temperature: 0.8,
    topK: 4,
    topP: 0.9,
    minP: 0.2,
  });
});

tensorTest("greedy takes the most likely token", () => {
  const { tokens, logProbs } = sample(tensor([[0, 3, 1], [5, 1, 2]]), { temperature: 0 });
  assertEquals(tokens.toNumbers(), [1, 0]);
  assertAlmostEquals(logProbs.toNumbers()[0], Math.log(softmax([0, 3, 1])[1]), 1e-6);
});

tensorTest("log-probs are those of the temperature, before any filter", () => {
  manualSeed(1);
  const { tokens, logProbs } = sample(rows(50), { temperature: 0.7, topK: 2, topP: 0.9 });
  const all = softmax(logits, 0.7);
  tokens.toNumbers().forEach((token, i) =>
    assertAlmostEquals(logProbs.toNumbers()[i], Math.log(all[token]), 1e-5)
  );
});

tensorTest("a seed repeats the draws", () => {
  const draw = () => {
    manualSeed(7);
    return sample(rows(100), { topP: 0.9 }).tokens.toNumbers();
  };
  assertEquals(draw(), draw());
});

tensorTest("a token of probability 0 is never drawn", () => {
  manualSeed(3);
  const masked = ops.contiguous(
    ops.expand(tensor([[-Infinity, 0, -Infinity, 0, -Infinity]]), [5000, 5]),
  );
  const seen = new Set(sample(masked).tokens.toNumbers());
  assertEquals([...seen].sort(), [1, 3]);
});

tensorTest("values without meaning are refused by name", () => {
  const refuse = (options: Parameters<typeof sample>[1], name: string) =>
    assertThrows(() => sample(rows(1), options), RangeError, name);
  refuse({ temperature: -1 }, "temperature");
  refuse({ temperature: NaN }, "temperature");
  refuse({ topK: 1.5 }, "topK");
  refuse({ topP: 0 }, "topP");
  refuse({ topP: 1.1 }, "topP");
  refuse({ minP: 2 }, "minP");
});
