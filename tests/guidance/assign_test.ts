import { assertEquals, assertStringIncludes, assertThrows } from "../../src/std/assert.ts";
import { fc } from "../fast_check.ts";
import { assignGuidance, guidedCount } from "../../src/guidance/assign.ts";

// Ratios with their group size, and αG by hand.
const counts: [ratio: number, numGenerations: number, guided: number, sum: string][] = [
  [0, 7, 0, "no guidance: GRPO"],
  [0.14, 7, 1, "0.98; the paper's 1/7"],
  [0.29, 7, 2, "2.03; the paper's 2/7"],
  [0.57, 7, 4, "3.99; the paper's 4/7"],
  [0.71, 7, 5, "4.97; the paper's 5/7"],
  [1, 7, 7, "all: naive guidance"],
  [0.8333, 6, 5, "4.9998; the paper's Table 2"],
  [0.1667, 6, 1, "1.0002; the paper's Table 2"],
  [0.5, 8, 4, "4"],
  [0.25, 8, 2, "2"],
  [0.5, 7, 4, "3.5: a half goes up"],
  [0.1, 5, 1, "0.5: a half goes up, to one rollout"],
  [0.145, 100, 15, "14.5, though 0.145 * 100 is 14.499999999999998 in binary"],
];

Deno.test("guidedCount rounds αG to the nearest, halves up (Eq. 4)", async (t) => {
  for (const [ratio, numGenerations, guided, sum] of counts) {
    await t.step(`${ratio} of ${numGenerations} is ${guided} (${sum})`, () => {
      assertEquals(guidedCount(numGenerations, ratio), guided);
    });
  }
});

Deno.test("guidedCount refuses what guides nobody, no group, and no ratio", () => {
  for (const ratio of [0.07, 1e-320, Number.MIN_VALUE]) {
    const error = assertThrows(() => guidedCount(7, ratio), RangeError, "at least one rollout");
    assertStringIncludes(error.message, `current value is ${ratio}`);
  }
  for (const ratio of [-0.1, 1.0001, NaN, Infinity, -Infinity]) {
    const error = assertThrows(() => guidedCount(8, ratio), RangeError, "between 0 and 1");
    assertStringIncludes(error.message, `'ratio'`);
    assertStringIncludes(error.message, `current value is ${ratio}`);
  }
  for (const numGenerations of [1, 0, -8, 2.5, NaN, Infinity]) {
    // Refused without guidance too: a group of one has no advantage.
    for (const ratio of [0, 1]) {
      assertThrows(() => guidedCount(numGenerations, ratio), RangeError, "'numGenerations'");
    }
  }
});

Deno.test("assignGuidance gives the first rollouts of each group the start of its trace", () => {
  const traces = [[10, 11, 12, 13], [20, 21, 22, 23]];
  assertEquals(assignGuidance(traces, 3, { numGenerations: 4, ratio: 0.5 }), [
    [10, 11, 12],
    [10, 11, 12],
    [],
    [],
    [20, 21, 22],
    [20, 21, 22],
    [],
    [],
  ]);
});

Deno.test("assignGuidance gives none with α = 0, all with α = 1", () => {
  const traces = [[1, 2], [3, 4]];
  assertEquals(assignGuidance(traces, 1, { numGenerations: 2, ratio: 0 }), [[], [], [], []]);
  assertEquals(assignGuidance(traces, 1, { numGenerations: 2, ratio: 1 }), [[1], [1], [3], [3]]);
});

Deno.test("assignGuidance gives a short trace whole, without padding", () => {
  const options = { numGenerations: 2, ratio: 0.5 };
  assertEquals(assignGuidance([[1, 2], [], [3, 4, 5, 6]], 3, options), [
    [1, 2],
    [],
    [],
    [],
    [3, 4, 5],
    [],
  ]);
  assertEquals(assignGuidance([[1, 2]], Infinity, options), [[1, 2], []]);
});

Deno.test("assignGuidance rounds a real length to the nearest", () => {
  const cases: [length: number, tokens: number][] = [
    [0, 0],
    [0.49, 0],
    [0.5, 1],
    [1, 1],
    [1.49, 1],
    [1.5, 2],
    [1.99, 2],
    [2.4, 2],
  ];
  for (const [length, tokens] of cases) {
    const [guided] = assignGuidance([[7, 8, 9]], length, { numGenerations: 2, ratio: 0.5 });
    assertEquals(guided.length, tokens, `length ${length}`);
  }
});

Deno.test("assignGuidance refuses a negative length and NaN, with no guidance too", () => {
  for (const length of [-1, -1e-9, NaN, -Infinity]) {
    for (const ratio of [0, 0.5]) {
      const error = assertThrows(
        () => assignGuidance([[1]], length, { numGenerations: 2, ratio }),
        RangeError,
        "'length'",
      );
      assertStringIncludes(error.message, `current value is ${length}`);
    }
  }
});

Deno.test("assignGuidance gives lists of its own", () => {
  const trace = [1, 2, 3];
  const [first, second] = assignGuidance([trace], 3, { numGenerations: 2, ratio: 1 });
  first.push(4);
  assertEquals([trace, second], [[1, 2, 3], [1, 2, 3]]);
});

Deno.test("assignGuidance gives P·G prefixes of the right traces, for any input", () => {
  fc.assert(fc.property(
    fc.array(fc.array(fc.nat(999), { maxLength: 12 }), { maxLength: 5 }),
    fc.double({ min: 0, max: 14, noNaN: true }),
    fc.integer({ min: 2, max: 9 }).chain((numGenerations) =>
      fc.nat(numGenerations).map((guided) => ({ numGenerations, guided }))
    ),
    (traces, length, { numGenerations, guided }) => {
      const ratio = guided / numGenerations;
      const given = assignGuidance(traces, length, { numGenerations, ratio });
      assertEquals(given.length, traces.length * numGenerations);
      for (const [row, tokens] of given.entries()) {
        const trace = traces[Math.floor(row / numGenerations)];
        const expected = row % numGenerations < guided
          ? Math.min(trace.length, Math.round(length))
          : 0;
        assertEquals(tokens, trace.slice(0, expected));
      }
    },
  ));
});
