import { LEARNING_RATE_TYPES, learningRate } from "../../src/training/lr_schedule.ts";
import type { LearningRateOptions, LearningRateType } from "../../src/training/lr_schedule.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "../../src/std/assert.ts";

interface Fixture {
  cases: {
    type: LearningRateType;
    learning_rate: number;
    max_steps: number;
    warmup_steps: number;
    min_lr_rate: number | null;
    rates: number[];
  }[];
  warmups: { max_steps: number; warmup_ratio: number; warmup_steps: number }[];
}

// Made by tests/parity/lr_schedule.py with Transformers 5.23.0.
const fixture: Fixture = JSON.parse(
  await Deno.readTextFile(new URL("../fixtures/lr_schedule.json", import.meta.url)),
);

const base = { learningRate: 1e-3, type: "linear", maxSteps: 10 } as const;

Deno.test("every schedule has Transformers' rates", () => {
  assertEquals(
    [...new Set(fixture.cases.map((c) => c.type))].sort(),
    [...LEARNING_RATE_TYPES].sort(),
  );
  for (const { type, rates, ...c } of fixture.cases) {
    rates.forEach((expected, step) => {
      const actual = learningRate(step, {
        learningRate: c.learning_rate,
        type,
        maxSteps: c.max_steps,
        warmupSteps: c.warmup_steps,
        minLrRate: c.min_lr_rate ?? undefined,
      });
      const name = `${type}, step ${step} of ${c.max_steps}, warm-up ${c.warmup_steps}`;
      assertAlmostEquals(actual, expected, 1e-18, name);
    });
  }
});

Deno.test("a warm-up ratio is rounded up to steps as Transformers does", () => {
  for (const { max_steps, warmup_ratio, warmup_steps } of fixture.warmups) {
    for (let step = 0; step <= max_steps; step++) {
      assertEquals(
        learningRate(step, { ...base, maxSteps: max_steps, warmupRatio: warmup_ratio }),
        learningRate(step, { ...base, maxSteps: max_steps, warmupSteps: warmup_steps }),
      );
    }
  }
});

Deno.test("a warm-up that is asked for is done by `constant` too", () => {
  const options = { ...base, type: "constant", warmupSteps: 4 } as const;
  assertEquals([0, 1, 2, 3, 4, 10].map((step) => learningRate(step, options)), [
    0,
    0.25e-3,
    0.5e-3,
    0.75e-3,
    1e-3,
    1e-3,
  ]);
});

Deno.test("no schedule exceeds the rate or falls below its floor", () => {
  for (const type of LEARNING_RATE_TYPES) {
    for (const warmupSteps of [0, 1, 5, 40]) {
      for (let step = 0; step <= 30; step++) {
        const options = { learningRate: 2, type, maxSteps: 30, warmupSteps, minLrRate: 0.25 };
        const rate = learningRate(step, options);
        const floor = type === "cosine_with_min_lr" && step >= warmupSteps ? 0.5 : 0;
        assert(rate >= floor && rate <= 2, `${type}, step ${step}: ${rate}`);
      }
    }
  }
});

Deno.test("a step or option out of range is refused by name", () => {
  const call = (changes: Partial<LearningRateOptions>, step = 0) => () =>
    learningRate(step, { ...base, ...changes });
  assertThrows(call({}, -1), RangeError, "'step' must be an integer from 0 to max_steps (10)");
  assertThrows(call({}, 11), RangeError, "current value is 11");
  assertThrows(call({}, 0.5), RangeError, "'step'");
  assertThrows(call({ learningRate: NaN }), RangeError, "'learning_rate'");
  assertThrows(call({ learningRate: -1 }), RangeError, "current value is -1");
  assertThrows(call({ maxSteps: 0 }), RangeError, "'max_steps' must be a positive integer");
  assertThrows(call({ warmupSteps: 0.1 }), RangeError, "set warmup_ratio");
  assertThrows(call({ warmupRatio: 3 }), RangeError, "set warmup_steps");
  assertThrows(call({ warmupSteps: 1, warmupRatio: 0.1 }), RangeError, "are both set");
  assertThrows(call({ type: "cosine_with_min_lr" }), RangeError, "'min_lr_rate' must be given");
  assertThrows(call({ type: "cosine_with_min_lr", minLrRate: 2 }), RangeError, "'min_lr_rate'");
  assertThrows(call({ type: "polynomial" as LearningRateType }), RangeError, "polynomial");
});
