/** Expected losses, gradients and metrics are TRL's: tests/parity/losses.py made tests/fixtures/losses.json. */
import {
  batchTotals,
  type GuidanceLoss,
  type LossType,
  type Objective,
  type ObjectiveInputs,
  objectiveMetrics,
  type ObjectiveOptions,
  policyObjective,
} from "../../src/algorithms/objective.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "../../src/std/assert.ts";
import { backward } from "../../src/tensor/autograd.ts";
import { type DType } from "../../src/tensor/dtype.ts";
import * as ops from "../../src/tensor/ops.ts";
import { type Tensor, tensor, TensorError } from "../../src/tensor/tensor.ts";
import { tensorTest } from "../tensors.ts";
import fixture from "../fixtures/losses.json" with { type: "json" };

type Case = typeof fixture.cases[number];
type Rows = typeof fixture.inputs.base;

const lossTypes: LossType[] = ["grpo", "bnpo", "dr_grpo", "dapo"];
const guidanceLosses: GuidanceLoss[] = ["all", "none", "clipped_importance"];

const defaults: ObjectiveOptions = {
  lossType: "grpo",
  importanceSamplingLevel: "token",
  epsilon: 0.2,
  epsilonHigh: null,
  beta: 0,
  delta: null,
  useBiasCorrectionKl: false,
  maxCompletionLength: 12,
  guidanceLoss: "all",
};

function optionsOf(of: Case): ObjectiveOptions {
  return {
    ...defaults,
    lossType: of.loss_type as LossType,
    importanceSamplingLevel: of.importance_sampling_level as "token" | "sequence",
    epsilon: of.epsilon,
    epsilonHigh: of.epsilon_high,
    beta: of.beta,
    delta: of.delta,
    useBiasCorrectionKl: of.use_bias_correction_kl,
    maxCompletionLength: of.max_completion_length,
  };
}

/** Rows `from` to `to` of a fixture's inputs, the log-probabilities as a leaf. */
function inputsOf(rows: Rows, dtype: DType = "float64", from = 0, to?: number): ObjectiveInputs {
  const matrix = (values: number[][], type: DType) =>
    tensor(values.slice(from, to), undefined, type);
  const logProbs = matrix(rows.logp, dtype);
  ops.requiresGradInPlace(logProbs);
  return {
    logProbs,
    oldLogProbs: matrix(rows.old_logp, dtype),
    referenceLogProbs: matrix(rows.ref_logp, dtype),
    mask: matrix(rows.mask, "bool"),
    advantages: tensor(rows.advantages.slice(from, to), undefined, dtype),
  };
}

/** d loss / d logProbs, row by row. */
function gradientOf({ loss }: Objective, { logProbs }: ObjectiveInputs): number[] {
  backward(loss);
  const gradient = logProbs.grad!.toNumbers();
  logProbs.grad = null;
  return gradient;
}

function assertAllClose(
  actual: number[],
  expected: number[],
  tolerance: number,
  what: string,
): void {
  assertEquals(actual.length, expected.length, what);
  actual.forEach((value, i) => assertAlmostEquals(value, expected[i], tolerance, `${what}[${i}]`));
}

for (const [dtype, tolerance] of [["float64", 1e-10], ["float32", 1e-5]] as [DType, number][]) {
  tensorTest(
    `loss, gradient and metrics are TRL's in all ${fixture.cases.length} cases, ${dtype}`,
    () => {
      for (const of of fixture.cases) {
        const inputs = inputsOf(fixture.inputs[of.inputs as keyof typeof fixture.inputs], dtype);
        const totals = of.num_items_in_batch === null ? undefined : {
          ...batchTotals([inputs], "all"),
          generationTokens: of.num_items_in_batch,
        };
        const objective = policyObjective(
          { ...inputs, oldLogProbs: of.on_policy ? null : inputs.oldLogProbs },
          { ...optionsOf(of), totals },
        );
        assertAlmostEquals(objective.loss.toNumbers()[0], of.loss, tolerance, of.name);
        assertAllClose(gradientOf(objective, inputs), of.grad.flat(), tolerance, of.name);
        const metrics: Record<string, number | null> = {
          ...objectiveMetrics([objective.statistics]),
        };
        assertEquals(Object.keys(metrics).sort(), Object.keys(of.metrics).sort(), of.name);
        for (const [name, expected] of Object.entries(of.metrics)) {
          if (expected === null) assertEquals(metrics[name], null, `${of.name} ${name}`);
          // TRL rounds these means to float32.
          else assertAlmostEquals(metrics[name]!, expected!, 1e-6, `${of.name} ${name}`);
        }
      }
    },
  );
}

tensorTest("a mask may be of any dtype", () => {
  const inputs = inputsOf(fixture.inputs.gap);
  const expected = policyObjective(inputs, defaults).loss.toNumbers();
  for (const dtype of ["int64", "float32", "float64", "uint8"] as DType[]) {
    const mask = ops.toDtype(inputs.mask, dtype);
    assertEquals(policyObjective({ ...inputs, mask }, defaults).loss.toNumbers(), expected);
  }
});

tensorTest("micro-batches add up to the whole batch, for every loss", () => {
  const rows = fixture.inputs.empty_row;
  for (const lossType of lossTypes) {
    for (const importanceSamplingLevel of ["token", "sequence"] as const) {
      const options = { ...defaults, lossType, importanceSamplingLevel, beta: 0.04 };
      const whole = inputsOf(rows);
      const expected = policyObjective(whole, options);
      const parts = [inputsOf(rows, "float64", 0, 1), inputsOf(rows, "float64", 1, 4)];
      parts.push(inputsOf(rows, "float64", 4));
      const totals = batchTotals(parts, "all");
      assertEquals(totals, { rows: 6, tokens: rows.mask.flat().reduce((a, b) => a + b) });

      let loss = 0;
      const gradient: number[] = [], statistics = [];
      for (const part of parts) {
        const objective = policyObjective(part, { ...options, totals });
        loss += objective.loss.toNumbers()[0];
        gradient.push(...gradientOf(objective, part));
        statistics.push(objective.statistics);
      }
      assertAlmostEquals(loss, expected.loss.toNumbers()[0], 1e-12, lossType);
      assertAllClose(gradient, gradientOf(expected, whole), 1e-12, lossType);
      const merged = Object.entries(objectiveMetrics(statistics));
      const one: Record<string, number | null> = { ...objectiveMetrics([expected.statistics]) };
      for (const [name, value] of merged) assertAlmostEquals(value!, one[name]!, 1e-12, name);
    }
  }
});

tensorTest("what stands outside the mask is never read", () => {
  for (const importanceSamplingLevel of ["token", "sequence"] as const) {
    const options = { ...defaults, importanceSamplingLevel, beta: 0.04, useBiasCorrectionKl: true };
    const inputs = inputsOf(fixture.inputs.gap);
    const expected = policyObjective(inputs, options);
    const out = ops.logicalNot(inputs.mask);
    const logProbs = ops.detach(ops.maskedFill(inputs.logProbs, out, NaN));
    ops.requiresGradInPlace(logProbs);
    const spoilt: ObjectiveInputs = {
      ...inputs,
      logProbs,
      oldLogProbs: ops.maskedFill(inputs.oldLogProbs!, out, -Infinity),
      referenceLogProbs: ops.maskedFill(inputs.referenceLogProbs!, out, NaN),
    };
    const objective = policyObjective(spoilt, options);
    assertEquals(objective.statistics, expected.statistics);
    assertEquals(objective.loss.toNumbers(), expected.loss.toNumbers());
    assertEquals(gradientOf(objective, spoilt), gradientOf(expected, inputs));
  }
});

/** Whether all bits but the sign are 0. */
function isZero(values: number[]): boolean {
  return values.every((value) => value === 0);
}

tensorTest("advantages of 0 and no KL give a gradient of exactly 0, whatever the ratios", () => {
  for (const dtype of ["float32", "float64"] as DType[]) {
    for (const lossType of lossTypes) {
      for (const importanceSamplingLevel of ["token", "sequence"] as const) {
        for (const delta of [null, 1.5]) {
          const inputs = inputsOf(fixture.inputs.base, dtype);
          const zeros = { ...inputs, advantages: ops.zerosLike(inputs.advantages) };
          const options = { ...defaults, lossType, importanceSamplingLevel, delta };
          for (const shift of [0, 2000]) {
            const oldLogProbs = ops.subScalar(inputs.oldLogProbs!, shift);
            const objective = policyObjective({ ...zeros, oldLogProbs }, options);
            assertEquals(Math.abs(objective.loss.toNumbers()[0]), 0);
            assert(isZero(gradientOf(objective, inputs)), `${lossType} ${dtype}`);
          }
        }
      }
    }
  }
  // Rows 0 to 2 of this input are a group without variance beside a live one.
  const inputs = inputsOf(fixture.inputs.zero_variance);
  const gradient = gradientOf(policyObjective(inputs, defaults), inputs);
  assert(isZero(gradient.slice(0, 27)));
  assert(!isZero(gradient.slice(27)));
});

/** The first two rows of the base inputs start with three and one tokens of a teacher. */
function guided(): ObjectiveInputs {
  const inputs = inputsOf(fixture.inputs.base);
  const guidanceMask = inputs.mask.shape;
  const flags = Array.from(
    { length: guidanceMask[0] },
    (_, row) =>
      Array.from({ length: guidanceMask[1] }, (_, t) => t < [3, 1, 0, 2, 0, 0][row] ? 1 : 0),
  );
  return { ...inputs, guidanceMask: tensor(flags, undefined, "bool") };
}

tensorTest("guidance 'all': its tokens are like any other", () => {
  for (const lossType of lossTypes) {
    const inputs = guided(), options = { ...defaults, lossType, beta: 0.04 };
    const objective = policyObjective(inputs, options);
    const plain = policyObjective({ ...inputs, guidanceMask: null }, options);
    assertEquals(objective.statistics, plain.statistics);
    assertEquals(gradientOf(objective, inputs), gradientOf(plain, inputs));
  }
});

tensorTest("guidance 'none': its tokens leave mask, divisor, ratio and KL", () => {
  for (const lossType of lossTypes) {
    for (const importanceSamplingLevel of ["token", "sequence"] as const) {
      const inputs = guided();
      const options = { ...defaults, lossType, importanceSamplingLevel, beta: 0.04 };
      const mask = ops.logicalAnd(inputs.mask, ops.logicalNot(inputs.guidanceMask!));
      const expected = policyObjective({ ...inputs, mask, guidanceMask: null }, options);
      const objective = policyObjective(inputs, { ...options, guidanceLoss: "none" });
      assertEquals(objective.statistics, expected.statistics);
      const gradient = gradientOf(objective, inputs);
      assertEquals(gradient, gradientOf(expected, inputs));
      assert(isZero(gradient.slice(0, 3)) && isZero(gradient.slice(9, 10)));
      assertEquals(objective.statistics.tokens, 36 - 6);
    }
  }
  assertEquals(batchTotals([guided(), guided()], "none"), { rows: 12, tokens: 60 });
  assertEquals(batchTotals([guided()], "clipped_importance"), { rows: 6, tokens: 36 });
});

tensorTest(
  "guidance 'clipped_importance': the ratio of a teacher's token is its probability",
  () => {
    // One token each, so that the loss is its surrogate; probability 0.5 under the policy, 0.4 under the old one.
    const one = (probability: number, advantage: number, given: boolean) => {
      const logProbs = tensor([[Math.log(probability)]], undefined, "float64");
      ops.requiresGradInPlace(logProbs);
      const inputs: ObjectiveInputs = {
        logProbs,
        oldLogProbs: tensor([[Math.log(0.4)]], undefined, "float64"),
        referenceLogProbs: null,
        mask: ops.ones([1, 1]),
        guidanceMask: tensor([[given ? 1 : 0]]),
        advantages: tensor([advantage], undefined, "float64"),
      };
      const objective = policyObjective(inputs, {
        ...defaults,
        guidanceLoss: "clipped_importance",
      });
      const [gradient] = gradientOf(objective, inputs);
      return { loss: objective.loss.toNumbers()[0], gradient, ...objective.statistics };
    };
    // A > 0: −w·A with w = 0.5, and d/d log π = −w·A.
    const rare = one(0.5, 2, true);
    assertAlmostEquals(rare.loss, -1);
    assertAlmostEquals(rare.gradient, -1);
    assertAlmostEquals(one(0.01, 2, true).gradient, -0.02);
    // A < 0 and w < 1 − ε: clipped at 1 − ε, without a gradient.
    const clipped = one(0.5, -2, true);
    assertAlmostEquals(clipped.loss, 1.6);
    assertEquals(Math.abs(clipped.gradient), 0);
    assertEquals(clipped.clippedLow, 1);
    // A < 0 and w above it: the gradient is there.
    assertAlmostEquals(one(0.9, -2, true).gradient, 1.8);
    // The policy's own token has π_θ/π_old = 1.25, above 1 + ε.
    const own = one(0.5, 2, false);
    assertAlmostEquals(own.loss, -2.4);
    assertEquals(Math.abs(own.gradient), 0);
  },
);

tensorTest(
  "guidance 'clipped_importance' at the sequence level: one ratio, of both kinds of tokens",
  () => {
    const logProbs = tensor([[Math.log(0.9), Math.log(0.6)]], undefined, "float64");
    ops.requiresGradInPlace(logProbs);
    const inputs: ObjectiveInputs = {
      logProbs,
      oldLogProbs: tensor([[Math.log(0.1), Math.log(0.5)]], undefined, "float64"),
      referenceLogProbs: null,
      mask: ops.ones([1, 2]),
      guidanceMask: tensor([[1, 0]]),
      advantages: tensor([1], undefined, "float64"),
    };
    const objective = policyObjective(inputs, {
      ...defaults,
      importanceSamplingLevel: "sequence",
      guidanceLoss: "clipped_importance",
    });
    const w = Math.sqrt(0.9 * (0.6 / 0.5));
    assertAlmostEquals(objective.loss.toNumbers()[0], -w);
    assertAllClose(gradientOf(objective, inputs), [-w / 2, -w / 2], 1e-12, "gradient");
  },
);

tensorTest("on the first pass a missing old policy equals the policy itself", () => {
  for (const guidanceLoss of guidanceLosses) {
    const inputs = guided(), options = { ...defaults, guidanceLoss };
    const oldLogProbs = ops.detach(inputs.logProbs);
    const given = policyObjective({ ...inputs, oldLogProbs }, options);
    const missing = policyObjective({ ...inputs, oldLogProbs: null }, options);
    assertEquals(missing.statistics, given.statistics);
    assertEquals(gradientOf(missing, inputs), gradientOf(given, inputs));
  }
});

tensorTest("metrics of nothing are null", () => {
  assertEquals(objectiveMetrics([]), {
    "clip_ratio/low_mean": null,
    "clip_ratio/low_min": null,
    "clip_ratio/high_mean": null,
    "clip_ratio/high_max": null,
    "clip_ratio/region_mean": null,
  });
  const inputs = inputsOf(fixture.inputs.base);
  const mask: Tensor = ops.zerosLike(inputs.mask);
  const objective = policyObjective({ ...inputs, mask }, { ...defaults, beta: 0.04 });
  assertEquals(objective.loss.toNumbers(), [0]);
  assertEquals(objectiveMetrics([objective.statistics]).kl, null);
});

tensorTest("what does not fit is refused", () => {
  const inputs = inputsOf(fixture.inputs.base);
  const refused = (changes: Partial<ObjectiveInputs>, message: string, beta = 0) => {
    const run = () => policyObjective({ ...inputs, ...changes }, { ...defaults, beta });
    assertThrows(run, TensorError, message);
  };
  refused({ mask: ops.ones([6, 8]) }, "'mask' must be of shape [6, 9], as 'logProbs'");
  refused({ advantages: ops.ones([6]) }, "'advantages' must be float64[6], one a completion");
  refused({ oldLogProbs: ops.ones([6, 9]) }, "'oldLogProbs' must be float64[6, 9], as 'logProbs'");
  refused({ guidanceMask: ops.ones([9]) }, "'guidanceMask' must be of shape [6, 9]");
  refused(
    { referenceLogProbs: null },
    "'referenceLogProbs' must be given where beta is 0.04",
    0.04,
  );
  refused({ logProbs: ops.ones([6]) }, "'logProbs' must be float32 or float64 [B, T]");
});
