import { applyRotary, rotaryTable, rotaryTableOfRows } from "../../src/nn/rope.ts";
import {
  attentionFactor,
  followsLength,
  inverseFrequencies,
  type RopeScaling,
} from "../../src/nn/rope_scaling.ts";
import * as ops from "../../src/tensor/ops.ts";
import { tensor } from "../../src/tensor/tensor.ts";
import { assert, assertAlmostEquals, assertEquals } from "../../src/std/assert.ts";
import { tensorTest } from "../tensors.ts";

const D = 16, theta = 100;
const place = { headDim: D, dtype: "float32", device: "cpu" } as const;
const frequencies = (scaling: RopeScaling, length?: number) =>
  inverseFrequencies(D, { theta, scaling }, length).toNumbers();
const plain = Array.from({ length: D / 2 }, (_, i) => theta ** (-2 * i / D));
const close = (got: readonly number[], want: readonly number[]) =>
  want.forEach((value, i) => assertAlmostEquals(got[i] / value, 1, 1e-6, `${i}`));

tensorTest("frequencies: plain, divided, and NTK's beyond the original length only", () => {
  close(frequencies({ type: "default" }), plain);
  close(frequencies({ type: "linear", factor: 4 }), plain.map((f) => f / 4));
  const dynamic = { type: "dynamic", factor: 4, originalPositions: 64 } as const;
  const rope = { theta, scaling: dynamic };
  assertEquals([64, 65].map((length) => followsLength(rope, length)), [false, true]);
  close(frequencies(dynamic, 64), plain);
  // At twice the length the base grows by (4·2 − 3)^(D / (D − 2)): the slowest dimension turns 5 times slower.
  const twice = frequencies(dynamic, 128);
  close([twice[0], twice[D / 2 - 1]], [1, plain[D / 2 - 1] / 5]);
});

tensorTest("llama3 and yarn keep fast dimensions and divide slow ones, in order", () => {
  const llama3 = {
    type: "llama3",
    factor: 8,
    lowFrequencyFactor: 1,
    highFrequencyFactor: 4,
    originalPositions: 64,
  } as const;
  const yarn = {
    type: "yarn",
    factor: 8,
    attentionFactor: null,
    mscale: null,
    mscaleAllDim: null,
    betaFast: 4,
    betaSlow: 1,
    truncate: true,
    originalPositions: 64,
  } as const;
  for (const scaling of [llama3, yarn]) {
    const ratios = frequencies(scaling).map((f, i) => f / plain[i]);
    assertAlmostEquals(ratios[0], 1, 1e-6);
    assertAlmostEquals(ratios[D / 2 - 1], 1 / 8, 1e-6);
    ratios.reduce((a, b) => (assert(b <= a + 1e-6, `${ratios}`), b));
    assert(ratios.some((r) => r > 0.13 && r < 0.99), `${ratios}`);
  }
  const factorOf = (changes: object) =>
    attentionFactor({ theta, scaling: { ...yarn, ...changes } as RopeScaling });
  assertAlmostEquals(factorOf({}), 0.1 * Math.log(8) + 1, 1e-12);
  assertAlmostEquals(factorOf({ factor: 1 }), 1, 1e-12);
  assertEquals(factorOf({ attentionFactor: 1.5, mscale: 2, mscaleAllDim: 2 }), 1.5);
  assertAlmostEquals(factorOf({ mscale: 1, mscaleAllDim: 1 }), 1, 1e-12);
  assertAlmostEquals(factorOf({ mscale: 2 }), 0.1 * Math.log(8) + 1, 1e-12);
});

tensorTest("the table by position and the table of rows are one", () => {
  const rope = { theta, scaling: { type: "default" } } as const;
  const all = rotaryTable(rope, 12, place);
  const rows = rotaryTableOfRows(
    rope,
    tensor([[3, 4], [0, 11]], undefined, "int64"),
    [5, 12],
    place,
  );
  assertEquals(rows.cos.shape, [2, 1, 2, D]);
  const at = (t: typeof all.cos, p: number) => ops.select(t, 0, p).toNumbers();
  for (const [b, i, p] of [[0, 0, 3], [0, 1, 4], [1, 0, 0], [1, 1, 11]]) {
    const row = (t: typeof all.cos) =>
      ops.select(ops.select(ops.select(t, 0, b), 0, 0), 0, i).toNumbers();
    assertEquals(row(rows.cos), at(all.cos, p));
    assertEquals(row(rows.sin), at(all.sin, p));
  }
});

tensorTest("a rotation turns each pair of dimensions by its angle", () => {
  const { cos, sin } = rotaryTable({ theta, scaling: { type: "default" } }, 8, place);
  const x = Array.from(
    { length: 8 },
    (_, t) => Array.from({ length: D }, (_, i) => Math.sin(t * D + i)),
  );
  const got = applyRotary(tensor(x), cos, sin, D).toNumbers();
  x.forEach((row, t) =>
    plain.forEach((frequency, i) => {
      const [a, b] = [row[i], row[i + D / 2]], angle = t * frequency;
      assertAlmostEquals(got[t * D + i], a * Math.cos(angle) - b * Math.sin(angle), 1e-5);
      assertAlmostEquals(got[t * D + i + D / 2], b * Math.cos(angle) + a * Math.sin(angle), 1e-5);
    })
  );
});
