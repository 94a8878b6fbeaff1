import { orderProblems } from "../../src/data/order.ts";
import { assert, assertEquals, assertThrows } from "../../src/std/assert.ts";
import { fc } from "../fast_check.ts";

const problem = fc.record({
  tier: fc.integer({ min: 1, max: 6 }),
  source: fc.constantFrom("a", "b", "c"),
});
const problems = fc.array(problem, { minLength: 1, maxLength: 60 });
const orders = fc.constantFrom("easy_to_hard" as const, "random" as const, "as_given" as const);

function counts(slots: Iterable<number>, size: number): number[] {
  const used = new Array<number>(size).fill(0);
  for (const index of slots) used[index]++;
  return used;
}

Deno.test("every problem is used equally often, within one, in every order", () => {
  fc.assert(fc.property(
    problems,
    fc.integer({ min: 1, max: 400 }),
    orders,
    fc.nat(),
    (list, total, order, seed) => {
      const slots = orderProblems(list, { total, order, seed });
      assertEquals(slots.length, total);
      const used = counts(slots, list.length);
      assert(Math.max(...used) - Math.min(...used) <= 1, `${used}`);
    },
  ));
});

Deno.test("random: each epoch is a permutation, and another one each time", () => {
  const list = Array.from({ length: 50 }, () => ({ tier: 1 }));
  const slots = orderProblems(list, { total: 500, order: "random", seed: 3 });
  const epochs = Array.from({ length: 10 }, (_, e) => [...slots.slice(50 * e, 50 * e + 50)]);
  for (const epoch of epochs) assertEquals(counts(epoch, 50), new Array(50).fill(1));
  assertEquals(new Set(epochs.map((epoch) => epoch.join())).size, 10);
});

Deno.test("as given: each epoch is the list", () => {
  const list = [{ tier: 3 }, { tier: 1 }, { tier: 2 }];
  const slots = orderProblems(list, { total: 7, order: "as_given", seed: 3 });
  assertEquals([...slots], [0, 1, 2, 0, 1, 2, 0]);
});

Deno.test("the same seed gives the same order, another seed another", () => {
  const list = Array.from({ length: 40 }, (_, i) => ({ tier: i % 5 }));
  for (const order of ["easy_to_hard", "random"] as const) {
    const make = (seed: number) => orderProblems(list, { total: 80, order, seed }).join();
    assertEquals(make(1), make(1));
    assert(make(1) !== make(2));
  }
});

Deno.test("easy to hard: tiers mix only with their neighbours, and the mean never falls by much", () => {
  fc.assert(fc.property(
    problems,
    fc.integer({ min: 1, max: 400 }),
    fc.nat(),
    (list, total, seed) => {
      const slots = orderProblems(list, { total, order: "easy_to_hard", seed });
      const present = [...new Set([...slots].map((i) => list[i].tier))].sort((a, b) => a - b);
      const ranks = [...slots].map((i) => present.indexOf(list[i].tier));
      let highest = 0;
      for (const rank of ranks) {
        assert(rank >= highest - 1, `${ranks}`);
        highest = Math.max(highest, rank);
      }
      // Over any two neighbouring stretches of one length the mean rises, but for rounding.
      for (const length of [5, 20]) {
        for (let at = 0; at + 2 * length <= total; at += length) {
          const sum = (from: number) => ranks.slice(from, from + length).reduce((a, b) => a + b, 0);
          assert(sum(at + length) >= sum(at) - 1, `${ranks}`);
        }
      }
    },
  ));
});

Deno.test("easy to hard: the share of the harder of two equal tiers grows evenly from 0 to 1", () => {
  const list = Array.from({ length: 200 }, (_, i) => ({ tier: i < 100 ? 8 : 7 }));
  const slots = orderProblems(list, { total: 1000, order: "easy_to_hard", seed: 0 });
  for (let tenth = 0; tenth < 10; tenth++) {
    const harder = slots.slice(100 * tenth, 100 * tenth + 100).filter((i) => list[i].tier === 8);
    assert(Math.abs(harder.length - (10 * tenth + 5)) <= 1, `tenth ${tenth}: ${harder.length}`);
  }
});

Deno.test("easy to hard goes over the run: no fall at the end of an epoch", () => {
  const list = Array.from({ length: 100 }, (_, i) => ({ tier: 1 + i % 5 }));
  const slots = orderProblems(list, { total: 500, order: "easy_to_hard", seed: 0 });
  const means = Array.from({ length: 20 }, (_, step) => {
    const tiers = [...slots.slice(25 * step, 25 * step + 25)].map((i) => list[i].tier);
    return tiers.reduce((a, b) => a + b, 0) / 25;
  });
  assertEquals([means[0], means[19]], [1, 5]);
  for (let step = 1; step < 20; step++) {
    const change = means[step] - means[step - 1];
    assert(change >= 0 && change < 0.35, `${means}`);
  }
  // Within a tier its epochs follow each other: a problem comes back after all the others.
  const lowest = [...slots].filter((i) => list[i].tier === 1);
  for (let epoch = 0; epoch < 5; epoch++) {
    assertEquals(new Set(lowest.slice(20 * epoch, 20 * epoch + 20)).size, 20);
  }
});

Deno.test("weights: each source is within one problem of its share at every slot", () => {
  const weight = fc.oneof(
    fc.integer({ min: 1, max: 9 }),
    fc.double({ min: 0.01, max: 3, noNaN: true }),
  );
  fc.assert(fc.property(
    fc.record({ a: weight, b: weight, c: weight, d: weight }),
    fc.nat(),
    fc.constantFrom("random" as const, "as_given" as const),
    (weights, seed, order) => {
      const names = Object.keys(weights) as (keyof typeof weights)[];
      const list = names.flatMap((source, n) =>
        Array.from({ length: 3 + 5 * n }, () => ({ tier: 1, source }))
      );
      const sum = names.reduce((total, name) => total + weights[name], 0);
      const slots = orderProblems(list, { total: 300, order, seed, weights });
      const had = new Map<string, number>();
      for (const [slot, index] of slots.entries()) {
        const { source } = list[index];
        had.set(source, (had.get(source) ?? 0) + 1);
        for (const name of names) {
          const due = (slot + 1) * weights[name] / sum;
          assert(Math.abs((had.get(name) ?? 0) - due) < 1 + 1e-9, `${name} at slot ${slot}`);
        }
      }
      // Each source goes through its own problems evenly.
      for (const name of names) {
        const used = counts(slots, list.length).filter((_, i) => list[i].source === name);
        assert(Math.max(...used) - Math.min(...used) <= 1);
      }
    },
  ));
});

Deno.test("weights hold in the easy-to-hard order too, and 0 leaves a source out", () => {
  const list = Array.from({ length: 30 }, (_, i) => ({
    tier: i % 3,
    source: ["x", "y", "z"][Math.floor(i / 10)],
  }));
  const weights = { x: 3, y: 1, z: 0 };
  const slots = orderProblems(list, { total: 80, order: "easy_to_hard", seed: 1, weights });
  const share = (source: string) => [...slots].filter((i) => list[i].source === source).length;
  assertEquals([share("x"), share("y"), share("z")], [60, 20, 0]);
});

Deno.test("what cannot be ordered is named", () => {
  const list = [{ tier: 1, source: "a" }, { tier: NaN, source: "b" }];
  const options = { total: 4, seed: 0, order: "easy_to_hard" } as const;
  for (
    const [make, message] of [
      [() => orderProblems([], options), "at least one"],
      [() => orderProblems(list, options), "problem 1 has NaN"],
      [() => orderProblems(list, { ...options, total: 0 }), "current value is 0"],
      [() => orderProblems(list, { ...options, total: 1e12 }), "current value is 1000000000000"],
      [() => orderProblems(list, { ...options, seed: -1 }), "-1"],
      [() => orderProblems(list, { ...options, weights: { a: 1 } }), "problem 1 is of 'b'"],
      [() => orderProblems(list, { ...options, weights: { a: 0, b: 0 } }), "more than 0"],
      [() => orderProblems(list, { ...options, weights: { a: -1, b: 1 } }), "current value is -1"],
      [
        () => orderProblems(list, { ...options, weights: { a: 1, b: 1, c: 1 } }),
        "source 'c' has a weight of 1",
      ],
      [() => orderProblems([{ tier: 1 }], { ...options, weights: { a: 1 } }), "of no source"],
      [
        () => orderProblems(list, { ...options, weights: { a: 1e308, b: 1e308 } }),
        "sum of 'weights'",
      ],
    ] as const
  ) assertThrows(make, RangeError, message);
});
