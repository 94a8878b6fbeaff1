import fc from "npm:fast-check@4.10.2";
import { hashText, Random } from "../../src/data/random.ts";
import {
  assert,
  assertEquals,
  assertLess,
  assertNotEquals,
  assertThrows,
} from "../../src/std/assert.ts";

function draws(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => random.uint32());
}

Deno.test("Random: equal keys give equal streams, other keys other streams", () => {
  const first = draws(new Random(7, "train", 3), 20);
  assertEquals(draws(new Random(7, "train", 3), 20), first);
  for (const keys of [[8, "train", 3], [7, "eval", 3], [7, "train", 4], [7, "train"], [7, 3]]) {
    assertNotEquals(draws(new Random(...keys), 20), first);
  }
});

Deno.test("Random: a stream is the same on every machine and in every version", () => {
  // Runs are resumed and compared across versions, so these numbers must not change.
  assertEquals(draws(new Random(0), 3), [3700213594, 2241150436, 629497248]);
  assertEquals(draws(new Random(42, "train", 7), 3), [728398530, 3667326136, 821648789]);
  assertEquals(hashText("Q:87*5+6-7?"), 3296114268);
});

Deno.test("Random: the state goes through JSON and continues the stream", () => {
  fc.assert(fc.property(fc.nat(), fc.nat(50), (seed, skip) => {
    const random = new Random(seed);
    draws(random, skip);
    const copy = Random.fromState(JSON.parse(JSON.stringify(random.state)));
    assertEquals(draws(copy, 10), draws(random, 10));
  }));
});

Deno.test("Random: integers stay below their bound and are uniform", () => {
  const random = new Random(1);
  // A bound of 3·2³⁰ would show modulo bias plainly: the lower third would come twice as often.
  const counts = [0, 0, 0];
  for (let i = 0; i < 30_000; i++) counts[Math.floor(random.int(3 * 2 ** 30) / 2 ** 30)]++;
  const statistic = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
  assertLess(statistic, 27.6); // chi-squared with 2 degrees of freedom at p = 1e-6
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 32 }), (bound) => random.int(bound) < bound),
  );
});

Deno.test("Random: uniform numbers are in [0, 1) with a mean of a half", () => {
  const random = new Random(2);
  let sum = 0;
  for (let i = 0; i < 10_000; i++) {
    const value = random.uniform();
    assert(value >= 0 && value < 1);
    sum += value;
  }
  assertLess(Math.abs(sum / 10_000 - 0.5), 0.015);
});

Deno.test("Random: weighted draws follow the weights and never take a weight of 0", () => {
  const random = new Random(3);
  const counts = [0, 0, 0];
  for (let i = 0; i < 10_000; i++) counts[random.weighted([3, 0, 1])]++;
  assertEquals(counts[1], 0);
  assertLess(Math.abs(counts[0] - 7_500), 250);
});

Deno.test("Random: bad arguments are refused by name", () => {
  assertThrows(() => new Random(-1), RangeError, "non-negative safe integer");
  assertThrows(() => new Random(0.5), RangeError, "current value is 0.5");
  assertThrows(() => new Random(0).int(0), RangeError, "'bound'");
  assertThrows(() => new Random(0).pick([]), RangeError, "empty list");
  assertThrows(() => new Random(0).weighted([0, 0]), RangeError, "not all 0");
  assertThrows(() => new Random(0).weighted([1, NaN]), RangeError, "weights");
  assertThrows(() => Random.fromState([1, 2, 3, -4]), RangeError, "unsigned 32-bit");
});
