import fc from "npm:fast-check@4.10.2";
import { ArithmeticTask } from "../../src/data/arithmetic.ts";
import {
  curriculumBatch,
  type CurriculumOptions,
  sftBatch,
  WARM_START_MIXTURE,
} from "../../src/data/curriculum.ts";
import {
  assert,
  assertEquals,
  assertLess,
  assertLessOrEqual,
  assertNotEquals,
  assertThrows,
} from "../../src/std/assert.ts";

const task = new ArithmeticTask();
const OPTIONS: CurriculumOptions = {
  seed: 0,
  count: 16,
  maxSteps: 100,
  tiers: [7, 8],
  order: "easy_to_hard",
};

/** The tiers of every step of a run. */
function run(options: CurriculumOptions): number[][] {
  return Array.from(
    { length: options.maxSteps },
    (_, step) => curriculumBatch(task, step, options).map((problem) => problem.tier),
  );
}

Deno.test("curriculum: the share of the higher tier grows evenly from 0 to 1", () => {
  const counts = run(OPTIONS).map((tiers) => tiers.filter((tier) => tier === 8).length);
  assertEquals(counts[0], 0);
  assertEquals(counts[99], 16);
  assertEquals(counts.reduce((sum, count) => sum + count), 800);
  for (const [step, count] of counts.entries()) {
    assertLessOrEqual(Math.abs(count - 16 * (step + 0.5) / 100), 1);
  }
});

Deno.test("curriculum: any number of tiers rises evenly, mixing neighbours only", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 30 }),
      (tierCount, count, maxSteps) => {
        const tiers = [1, 2, 3, 4].slice(0, tierCount);
        let total = 0;
        for (const [step, drawn] of run({ ...OPTIONS, tiers, count, maxSteps }).entries()) {
          assertEquals(drawn.length, count);
          assert(drawn.every((tier) => tiers.includes(tier)));
          assertLessOrEqual(Math.max(...drawn) - Math.min(...drawn), 1);
          for (const tier of drawn) total += tier - 1;
          const line = count * (tierCount - 1) * (step + 1) ** 2 / (2 * maxSteps);
          assertLessOrEqual(Math.abs(total - line), 0.5);
        }
      },
    ),
    { numRuns: 30 },
  );
});

Deno.test("curriculum: random order draws the tiers uniformly all along", () => {
  const tiers = run({ ...OPTIONS, order: "random" });
  for (const part of [tiers.slice(0, 50), tiers.slice(50)]) {
    const higher = part.flat().filter((tier) => tier === 8).length;
    assertLess(Math.abs(higher - 400), 70); // five standard deviations of a fair coin
  }
});

Deno.test("curriculum: a step's problems depend on the seed and the step alone", () => {
  for (const order of ["easy_to_hard", "random"] as const) {
    const options = { ...OPTIONS, order };
    const later = curriculumBatch(task, 50, options);
    curriculumBatch(task, 3, options);
    assertEquals(curriculumBatch(new ArithmeticTask(), 50, options), later);
    assertNotEquals(curriculumBatch(task, 51, options), later);
    assertNotEquals(curriculumBatch(task, 50, { ...options, seed: 1 }), later);
    assert(later.every((problem) => task.split(problem) === "train"));
  }
});

Deno.test("curriculum: bad arguments are refused by name", () => {
  assertThrows(() => curriculumBatch(task, 100, OPTIONS), RangeError, "'step'");
  assertThrows(() => curriculumBatch(task, 0, { ...OPTIONS, count: 0 }), RangeError, "'count'");
  assertThrows(() => curriculumBatch(task, 0, { ...OPTIONS, maxSteps: 0 }), RangeError, "maxSteps");
  assertThrows(() => curriculumBatch(task, 0, { ...OPTIONS, tiers: [] }), RangeError, "'tiers'");
  assertThrows(() => sftBatch(task, 0, 0, 0), RangeError, "'batchSize'");
});

Deno.test("sftBatch: draws the mixture, on the train side, a pure function of seed and step", () => {
  const drawn = Array.from({ length: 100 }, (_, step) => sftBatch(task, 0, step, 64)).flat();
  const long = drawn.filter((problem) => problem.tier >= 4).length;
  assertLess(Math.abs(long - 0.03 * 6_400), 70); // five standard deviations
  for (const tier of WARM_START_MIXTURE.flatMap((part) => part.tiers)) {
    assert(drawn.some((problem) => problem.tier === tier));
  }
  assert(drawn.every((problem) => task.split(problem) === "train"));
  assertEquals(sftBatch(task, 0, 99, 64), drawn.slice(-64));
  assertNotEquals(sftBatch(task, 1, 99, 64), drawn.slice(-64));
});
