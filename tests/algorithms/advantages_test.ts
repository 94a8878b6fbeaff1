import { ADVANTAGE_EPSILON, groupAdvantages } from "../../src/algorithms/advantages.ts";
import type { ScaleRewards } from "../../src/algorithms/advantages.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "../../src/std/assert.ts";
import { fc } from "../fast_check.ts";

interface Case {
  name: string;
  rewards: (number | null)[];
  num_generations: number;
  scale_rewards: ScaleRewards;
  advantages: number[];
  metrics: { reward: number | null; reward_std: number | null; frac_reward_zero_std: number };
}

// Made by tests/parity/losses.py with TRL 1.16.0.
const fixture: { advantages: Case[] } = JSON.parse(
  await Deno.readTextFile(new URL("../fixtures/losses.json", import.meta.url)),
);

const SCALES: ScaleRewards[] = ["group", "batch", "none"];

/** Rewards of whole groups; `reward` draws one of them. */
function batches(
  reward: fc.Arbitrary<number | null>,
): fc.Arbitrary<
  { rewards: (number | null)[]; numGenerations: number; scaleRewards: ScaleRewards }
> {
  return fc.integer({ min: 2, max: 6 }).chain((numGenerations) =>
    fc.record({
      rewards: fc.array(
        fc.array(reward, { minLength: numGenerations, maxLength: numGenerations }),
        { minLength: 1, maxLength: 5 },
      ).map((groups) => groups.flat()),
      numGenerations: fc.constant(numGenerations),
      scaleRewards: fc.constantFrom(...SCALES),
    })
  );
}

const real = fc.double({ min: -10, max: 10, noNaN: true });

Deno.test("group advantages are TRL's", () => {
  assert(fixture.advantages.length > 0);
  for (const example of fixture.advantages) {
    const result = groupAdvantages(example.rewards, {
      numGenerations: example.num_generations,
      scaleRewards: example.scale_rewards,
    });
    example.advantages.forEach((expected, i) => {
      // TRL rounds n / (n − 1) to f32.
      assertAlmostEquals(result.values[i], expected, 1e-6, `${example.name}[${i}]`);
    });
    assertAlmostEquals(result.rewardMean!, example.metrics.reward!, 1e-12);
    assertAlmostEquals(result.rewardStd!, example.metrics.reward_std!, 1e-6);
    // TRL looks at the whole batch's deviation when that is the scale; ours always counts groups.
    if (example.scale_rewards !== "batch") {
      assertAlmostEquals(result.fracRewardZeroStd, example.metrics.frac_reward_zero_std, 1e-6);
    }
  }
});

Deno.test("group advantages by hand", () => {
  const result = groupAdvantages([1, 0, 0, 1, 1, 1], { numGenerations: 3, scaleRewards: "group" });
  const std = Math.sqrt(1 / 3);
  const expected = [2 / 3, -1 / 3, -1 / 3].map((x) => x / (std + ADVANTAGE_EPSILON));
  expected.forEach((x, i) => assertAlmostEquals(result.values[i], x, 1e-15));
  assertEquals([...result.values.slice(3)], [0, 0, 0]);
  assertEquals(result.live, [true, false]);
  assertEquals(result.mean[1], 1);
  assertAlmostEquals(result.std[0], std, 1e-15);
  assertEquals(result.fracRewardZeroStd, 0.5);
});

Deno.test("equal rewards give exactly zero, whatever rounding does to their mean", () => {
  fc.assert(fc.property(real, fc.integer({ min: 2, max: 9 }), (reward, numGenerations) => {
    for (const scaleRewards of SCALES) {
      // Another group with a spread, so that the batch's deviation is not zero.
      const other = Array.from({ length: numGenerations }, (_, i) => i);
      const rewards = [...new Array<number>(numGenerations).fill(reward), ...other];
      const { values, live } = groupAdvantages(rewards, { numGenerations, scaleRewards });
      assert([...values.slice(0, numGenerations)].every((x) => Object.is(x, 0)));
      assertEquals(live, [false, true]);
    }
  }));
  // The mean of three 0.1 is not 0.1, and 0.1 + 0.2 is not 0.3: neither is a difference in reward.
  const { values, live } = groupAdvantages([0.1, 0.1, 0.1, 0.1 + 0.2, 0.3, 0.3], {
    numGenerations: 3,
    scaleRewards: "none",
  });
  assertEquals([...values], [0, 0, 0, 0, 0, 0]);
  assertEquals(live, [false, false]);
});

Deno.test("the advantages of a group sum to zero", () => {
  fc.assert(fc.property(batches(fc.option(real)), ({ rewards, numGenerations, scaleRewards }) => {
    const { values } = groupAdvantages(rewards, { numGenerations, scaleRewards });
    for (let start = 0; start < rewards.length; start += numGenerations) {
      const group = values.slice(start, start + numGenerations);
      assertAlmostEquals(group.reduce((a, b) => a + b, 0), 0, 1e-8);
    }
  }));
});

Deno.test("a better reward never has a smaller advantage within its group", () => {
  fc.assert(fc.property(batches(real), ({ rewards, numGenerations, scaleRewards }) => {
    const { values } = groupAdvantages(rewards, { numGenerations, scaleRewards });
    for (let i = 0; i < rewards.length; i++) {
      const start = i - i % numGenerations;
      for (let j = start; j < start + numGenerations; j++) {
        if (rewards[i]! > rewards[j]!) assert(values[i] >= values[j]);
      }
    }
  }));
});

Deno.test("group scale depends on no other group; a shift of a group's rewards changes nothing", () => {
  const integer = fc.integer({ min: -8, max: 8 });
  fc.assert(fc.property(batches(integer), integer, ({ rewards, numGenerations }, shift) => {
    const options = { numGenerations, scaleRewards: "group" } as const;
    const whole = groupAdvantages(rewards, options).values;
    for (let start = 0; start < rewards.length; start += numGenerations) {
      const group = rewards.slice(start, start + numGenerations).map((r) => r! + shift);
      const alone = groupAdvantages(group, options).values;
      alone.forEach((x, i) => assertAlmostEquals(x, whole[start + i], 1e-9));
    }
  }));
});

Deno.test("an ungraded completion is left out and gets 0", () => {
  fc.assert(fc.property(batches(real), ({ rewards, numGenerations, scaleRewards }) => {
    const dense = groupAdvantages(rewards, { numGenerations, scaleRewards });
    const groups = rewards.length / numGenerations;
    const sparse = Array.from({ length: groups }, (_, p) => [
      null,
      ...rewards.slice(p * numGenerations, (p + 1) * numGenerations),
    ]).flat();
    const result = groupAdvantages(sparse, { numGenerations: numGenerations + 1, scaleRewards });
    assertEquals(result.live, dense.live);
    assertEquals(result.mean, dense.mean);
    assertEquals(result.std, dense.std);
    for (let p = 0; p < groups; p++) {
      const start = p * (numGenerations + 1);
      assertEquals(result.values[start], 0);
      for (let i = 0; i < numGenerations; i++) {
        assertEquals(result.values[start + 1 + i], dense.values[p * numGenerations + i]);
      }
    }
  }));
});

Deno.test("a group with fewer than two graded completions is not live", () => {
  const { values, live, mean, std, fracRewardZeroStd, rewardMean, rewardStd } = groupAdvantages(
    [null, 1, null, null],
    { numGenerations: 2, scaleRewards: "group" },
  );
  assertEquals([...values], [0, 0, 0, 0]);
  assertEquals(live, [false, false]);
  assertEquals(mean, [1, null]);
  assertEquals(std, [0, 0]);
  assertEquals(fracRewardZeroStd, 0);
  assertEquals(rewardMean, 1);
  assertEquals(rewardStd, null);
});

Deno.test("what makes no groups is refused by name", () => {
  const call = (rewards: (number | null)[], numGenerations: number, scaleRewards = "group") => () =>
    groupAdvantages(rewards, { numGenerations, scaleRewards: scaleRewards as ScaleRewards });
  assertThrows(call([1], 1), RangeError, "'num_generations' must be an integer of at least 2");
  assertThrows(call([1, 2], 1.5), RangeError, "current value is 1.5");
  assertThrows(call([1, 2, 3], 2), RangeError, "whole groups of 2: current length is 3");
  assertThrows(call([], 2), RangeError, "current length is 0");
  assertThrows(call([1, NaN], 2), RangeError, "'rewards[1]' must be a finite number");
  assertThrows(call([Infinity, 1], 2), RangeError, "current value is Infinity");
  assertThrows(call([0, 1], 2, "std"), RangeError, "must be group, batch or none");
});
