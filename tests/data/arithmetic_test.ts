import { ARITHMETIC_VOCABULARY, ArithmeticTask } from "../../src/data/arithmetic.ts";
import { Random } from "../../src/data/random.ts";
import type { Problem } from "../../src/data/types.ts";
import {
  assert,
  assertEquals,
  assertLess,
  assertNotEquals,
  assertThrows,
} from "../../src/std/assert.ts";

const task = new ArithmeticTask();

function draw(count: number, tier: number, split: "train" | "heldout", seed = 0): Problem[] {
  const random = new Random(seed, split);
  return Array.from({ length: count }, () => task.problem(random, tier, split));
}

Deno.test("arithmetic: the worked example", () => {
  assertEquals(task.build(87, [["*", 5], ["+", 6], ["-", 7]]), {
    id: "arithmetic/87*5+6-7",
    prompt: "Q:87*5+6-7?",
    answer: "34",
    trace: "<think>87*5=35;35+6=41;41-7=34;",
    tier: 3,
  });
});

Deno.test("arithmetic: values wrap around modulo 100 both ways", () => {
  assertEquals(task.build(3, [["-", 7]]).trace, "<think>3-7=96;");
  assertEquals(task.build(97, [["+", 5]]).trace, "<think>97+5=2;");
  assertEquals(task.build(0, [["*", 9]]).answer, "0");
});

Deno.test("arithmetic: every problem drawn is right and of its tier and side", () => {
  for (const split of ["train", "heldout"] as const) {
    for (const tier of [1, 2, 5, 8]) {
      for (const problem of draw(200, tier, split)) {
        assertEquals(task.check(problem), null);
        assertEquals(problem.tier, tier);
        assertEquals(problem.trace.split(";").length - 1, tier);
        assertEquals(task.split(problem), split);
        assert([...problem.prompt].every((char) => ARITHMETIC_VOCABULARY.includes(char)));
      }
    }
  }
});

Deno.test("arithmetic: check names a wrong answer, a wrong trace and a foreign prompt", () => {
  const problem = task.build(87, [["*", 3]]);
  assertEquals(
    task.check({ ...problem, answer: "62" }),
    "answer is '62' and should be '61'",
  );
  assert(task.check({ ...problem, trace: "<think>87*3=60;" })?.startsWith("trace is"));
  assert(task.check({ ...problem, prompt: "Q:?" })?.includes("not an arithmetic chain"));
});

Deno.test("arithmetic: the same stream gives the same problems, another seed others", () => {
  assertEquals(draw(50, 7, "train"), draw(50, 7, "train"));
  assertNotEquals(draw(50, 7, "train"), draw(50, 7, "train", 1));
});

Deno.test("arithmetic: train and held-out problems are disjoint in every tier", () => {
  for (const tier of [1, 2, 3, 7, 8]) {
    const train = new Set(draw(4_000, tier, "train").map((problem) => problem.id));
    const heldOut = task.heldOut({ tiers: [tier], count: 100, seed: 9 });
    assert(heldOut.every((problem) => !train.has(problem.id)));
  }
});

Deno.test("arithmetic: one problem in ten is held out, of all 1,900 of tier 1", () => {
  const sides = { train: 0, heldout: 0 };
  for (let start = 0; start < 100; start++) {
    for (const operator of ["+", "-"] as const) {
      for (let operand = 2; operand <= 9; operand++) {
        sides[task.split(task.build(start, [[operator, operand]]))]++;
      }
    }
    for (const unit of [3, 7, 9]) sides[task.split(task.build(start, [["*", unit]]))]++;
  }
  assertEquals(sides.train + sides.heldout, 1_900);
  assertLess(Math.abs(sides.heldout - 190), 45);
});

Deno.test("arithmetic: a held-out set has no duplicates and spreads over its tiers", () => {
  const problems = task.heldOut({ tiers: [7, 8], count: 1_001, seed: 0 });
  assertEquals(new Set(problems.map((problem) => problem.id)).size, 1_001);
  assertEquals(problems.filter((problem) => problem.tier === 7).length, 501);
  assertEquals(problems, task.heldOut({ tiers: [7, 8], count: 1_001, seed: 0 }));
});

Deno.test("arithmetic: more held-out problems than there are is an error", () => {
  assertThrows(
    () => task.heldOut({ tiers: [1], count: 1_000, seed: 0 }),
    RangeError,
    "tier 1 has no more of them",
  );
});

Deno.test("arithmetic: answers are uniform", () => {
  // Tier 1 is left out: of its 19 problems an answer the split keeps 13 to 19.
  for (const tier of [2, 4, 8]) {
    const counts = new Array(100).fill(0);
    for (const problem of draw(10_000, tier, "train")) counts[Number(problem.answer)]++;
    const statistic = counts.reduce((sum, count) => sum + (count - 100) ** 2 / 100, 0);
    assertLess(statistic, 181); // chi-squared with 99 degrees of freedom at p = 1e-6
  }
});

Deno.test("arithmetic: bad arguments are refused by name", () => {
  const random = new Random(0);
  assertThrows(() => task.problem(random, 0, "train"), RangeError, "'tier'");
  assertThrows(() => task.problem(random, 1.5, "train"), RangeError, "current value is 1.5");
  assertThrows(() => task.heldOut({ tiers: [], count: 1, seed: 0 }), RangeError, "'tiers'");
  assertThrows(() => task.heldOut({ tiers: [1], count: 0, seed: 0 }), RangeError, "'count'");
});
