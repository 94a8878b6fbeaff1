// Worked by hand from Eq. 6 and from the rule in the code released with the paper.
import { assertAlmostEquals, assertEquals } from "../../src/std/assert.ts";
import { assignGuidance } from "../../src/guidance/assign.ts";
import { createController } from "../../src/guidance/registry.ts";
import { lengths, observe } from "./support.ts";

function assertLengths(actual: number[], expected: number[]): void {
  assertEquals(actual.length, expected.length);
  for (const [k, length] of expected.entries()) {
    assertAlmostEquals(actual[k], length, 1e-9, `ℓ at step ${k}`);
  }
}

Deno.test("g2rpo_a follows Eq. 6 with the fraction upright", () => {
  const controller = createController({ controller: "g2rpo_a", length: 40, maxLength: 65 });
  const steps: [reward: number | null, next: number][] = [
    [0.2, 40], // k = 0, m = 0: nothing to compare with
    [0.25, 32], // m = 1: 40 · 0.2 / 0.25
    [0.45, 16], // m = 2: 32 · (0.25 + 0.2)/2 / 0.45 = 32 · 0.225 / 0.45
    [0.3, 56 / 3], // 16 · (0.45 + 0.25)/2 / 0.3 = 16 · 7/6
    [0, 56 / 3], // r_k is zero
    [0.3, 56 / 3], // zero and 0.3 behind
    [null, 56 / 3], // nothing graded; the window stays 0, 0.3
    [0.4, 56 / 3], // zero is still in the window
    [0.35, 56 / 3], // (0.4 + 0.3)/2 = 0.35: the ratio is 1
    [0.7, 10], // 56/3 · (0.35 + 0.4)/2 / 0.7 = 56/3 · 15/28
    [0.07, 65], // 10 · (0.7 + 0.35)/2 / 0.07 = 75, above ℓ_max
  ];
  assertLengths(lengths(controller, steps.map(([r]) => r)), [40, ...steps.map(([, l]) => l)]);
});

Deno.test("g2rpo_a starts from the paper's budget of 3,072 and never exceeds it", () => {
  const controller = createController({ controller: "g2rpo_a", length: 3072 });
  // 3072 · 0.3/0.24 = 3840, cut to 3072; then 3072 · (0.24 + 0.3)/2 / 0.36 = 3072 · 3/4
  assertLengths(lengths(controller, [0.3, 0.24, 0.36]), [3072, 3072, 3072, 2304]);
});

Deno.test("g2rpo_a looks T steps back", () => {
  const rewards = [0.1, 0.2, 0.3, 0.4];
  const one = createController({ controller: "g2rpo_a", length: 60, window: 1 });
  // 60 · 1/2, · 2/3, · 3/4
  assertLengths(lengths(one, rewards), [60, 60, 30, 20, 15]);
  const three = createController({ controller: "g2rpo_a", length: 60, window: 3 });
  // 60 · 0.1/0.2 = 30; · 0.15/0.3 = 15; · (0.3 + 0.2 + 0.1)/3 / 0.4 = 7.5
  assertLengths(lengths(three, rewards), [60, 60, 30, 15, 7.5]);
});

Deno.test("g2rpo_a leaves a length of 1, where released is caught", () => {
  const rewards = [0.6, 0.6, 0.4];
  const real = createController({ controller: "g2rpo_a", length: 1 });
  const truncated = createController({ controller: "released", length: 1 });
  // Both see the ratio 0.6 / 0.4 = 3/2; released truncates 1.5 to 1.
  assertLengths(lengths(real, rewards), [1, 1, 1, 1.5]);
  assertLengths(lengths(truncated, rewards), [1, 1, 1, 1]);
  // 1.5 is 2 tokens when used, but goes on as 1.5: · (0.4 + 0.6)/2 / 0.4 = 1.875
  assertLengths(lengths(real, [...rewards, 0.4]), [1, 1, 1, 1.5, 1.875]);
  const [guided] = assignGuidance([[7, 8, 9]], 1.5, { numGenerations: 2, ratio: 0.5 });
  assertEquals(guided, [7, 8]);
});

Deno.test("printed is Eq. 6 as it stands in the paper, which lengthens as rewards rise", () => {
  const controller = createController({ controller: "printed", length: 40, maxLength: 65 });
  const steps: [reward: number, next: number][] = [
    [0.2, 40], // k = 0: min(T, k) = 0
    [0.25, 50], // 40 · 1 · 0.25 / 0.2
    [0.45, 65], // 50 · 2 · 0.45 / (0.25 + 0.2) = 100, above ℓ_max
    [0.07, 13], // 65 · 2 · 0.07 / (0.45 + 0.25) = 13
    [0, 13],
  ];
  assertLengths(lengths(controller, steps.map(([r]) => r)), [40, ...steps.map(([, l]) => l)]);
});

Deno.test("released acts on every third step, with a truncated product", () => {
  const controller = createController({ controller: "released", length: 3072 });
  const cycles: [rewards: number[], after: number][] = [
    [[0.25, 0.25, 0.5], 1536], // 3072 · 0.25 / 0.5
    [[0.5, 0.25, 0.25], 2304], // 1536 · 0.375 / 0.25
    [[0.25, 0.5, 0.75], 1152], // 2304 · 0.375 / 0.75
    [[0.25, 0.25, 0.4375], 658], // 1152 · 4/7 = 658.3
    [[0.25, 0.25, 0.25], 658], // the ratio is 1
    [[0.25, 0.25, 0], 658], // r_k is zero
    [[0, 0.25, 0.5], 658], // a reward behind is zero
    [[0.5, 0, 0.125], 658],
    [[0.5, 0.5, 0.0625], 3072], // 658 · 8, above ℓ_max
    [[0.0009765625, 0.0009765625, 1], 3], // 3072 / 1024
    [[0.125, 0.125, 0.5], 1], // 0.75 is truncated to 0, and ℓ is at least 1
    [[0.5, 0.5, 0.26], 1], // 1.92 is truncated to 1
    [[0.5, 0.5, 0.25], 2],
  ];
  let length = 3072;
  const expected = [length];
  for (const [, after] of cycles) {
    expected.push(length, length, after);
    length = after;
  }
  assertEquals(lengths(controller, cycles.flatMap(([rewards]) => rewards)), expected);
});

Deno.test("released keeps ℓ for a cycle with a step that was not graded", () => {
  const controller = createController({ controller: "released", length: 40 });
  const cycles: [(number | null)[], number][] = [
    [[null, 0.5, 0.25], 40],
    [[0.5, null, 0.25], 40],
    [[0.5, 0.5, null], 40],
    [[null, null, 0.25], 40], // nothing of the cycle before, which ended without acting
    [[0.5, 0.5, 0.4], 50], // 40 · 0.5 / 0.4
  ];
  for (let n = 1; n <= cycles.length; n++) {
    const rewards = cycles.slice(0, n).flatMap(([cycle]) => cycle);
    assertEquals(lengths(controller, rewards).at(-1), cycles[n - 1][1], `after cycle ${n}`);
  }
});

Deno.test("additive moves by Δ against the mean that includes r_k", () => {
  const two = createController({ controller: "additive", length: 40, delta: 5 });
  // 0.2 alone; 0.3 > 0.25; 0.3 = 0.3; 0.1 < 0.2; 0 < 0.05; 0.1 > 0.05
  assertLengths(lengths(two, [0.2, 0.3, 0.3, 0.1, 0, 0.1]), [40, 40, 35, 35, 40, 45, 40]);
  const three = createController({ controller: "additive", length: 40, delta: 5, window: 3 });
  // 0.6 alone; 0.3 < 0.45; 0.4 < 13/30, though it rose; 0.4 > 11/30
  assertLengths(lengths(three, [0.6, 0.3, 0.4, 0.4]), [40, 40, 45, 50, 45]);
  const one = createController({ controller: "additive", length: 40, delta: 5, window: 1 });
  assertLengths(lengths(one, [0.2, 0.9, 0.1]), [40, 40, 40, 40]);
  const near = createController({ controller: "additive", length: 3, maxLength: 5 });
  // 3 + 8 and 5 − 8, by the default Δ, are cut to the bounds
  assertLengths(lengths(near, [0.5, 0.4, 0.6]), [3, 3, 5, 1]);
});

Deno.test("target moves by the gain times what is missing to the target", () => {
  const controller = createController({ controller: "target", length: 40, maxLength: 45 });
  const steps: [guided: number | null, next: number][] = [
    [0.25, 42], // 40 + 8 · (0.5 − 0.25)
    [0.75, 40],
    [0.5, 40],
    [1, 36],
    [null, 36], // no guided completion was graded
    [0, 40],
    [0, 44],
    [0, 45], // 48, above ℓ_max
  ];
  let state = controller.initial();
  for (const [k, [guided, next]] of steps.entries()) {
    state = controller.next(state, observe(k, 0.9, guided)); // the reward of all is not its concern
    assertEquals(state.length, next, `step ${k}`);
  }
  const other = createController({ controller: "target", length: 40, target: 0.2, gain: 100 });
  // 40 + 100 · (0.2 − 0.5) = 10; 10 + 100 · (0.2 − 0.1) = 20
  assertLengths(lengths(other, [0.5, 0.1]), [40, 10, 20]);
});
