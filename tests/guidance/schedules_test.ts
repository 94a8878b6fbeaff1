// Worked by hand from Eq. 5, and `rdp` from the rule in the code released with the paper.
import { assertAlmostEquals, assertEquals } from "../../src/std/assert.ts";
import { type ControllerSpec, createController } from "../../src/guidance/registry.ts";
import { lengths } from "./support.ts";

const cases: [title: string, spec: ControllerSpec, expected: number[]][] = [
  ["fixed", { controller: "fixed", length: 12.5 }, [12.5, 12.5, 12.5]],
  ["fixed at 0", { controller: "fixed", length: 0 }, [0, 0]],
  [
    "linear: 60 (1 − t/4), then 0",
    { controller: "linear", length: 60, maxSteps: 4 },
    [60, 45, 30, 15, 0, 0],
  ],
  [
    "linear over a part of the run: 60 (1 − t/2)",
    { controller: "linear", length: 60, maxSteps: 4, decaySteps: 2 },
    [60, 30, 0, 0, 0],
  ],
  [
    "concave with exponent 2, the default: 100 (1 − t/4)²",
    { controller: "concave", length: 100, maxSteps: 4 },
    [100, 56.25, 25, 6.25, 0, 0],
  ],
  [
    "concave with exponent ½: 100 √(1 − t/4)",
    { controller: "concave", length: 100, maxSteps: 4, exponent: 0.5 },
    [100, 86.60254037844386, 70.71067811865476, 50, 0, 0],
  ],
  [
    "concave with exponent 1 over a part of the run is linear",
    { controller: "concave", length: 60, maxSteps: 9, decaySteps: 4, exponent: 1 },
    [60, 45, 30, 15, 0, 0],
  ],
  [
    "step: 80 · 0.25^⌊t/3⌋",
    { controller: "step", length: 80, maxSteps: 8, decay: 0.25, interval: 3 },
    [80, 80, 80, 20, 20, 20, 5, 5, 5, 1.25],
  ],
  [
    "step by default: halved at each quarter of the run",
    { controller: "step", length: 80, maxSteps: 8 },
    [80, 80, 40, 40, 20, 20, 10, 10],
  ],
  [
    "step: quarters of 5 steps last 2, so that there are never more than four stages",
    { controller: "step", length: 80, maxSteps: 9, decaySteps: 5 },
    [80, 80, 40, 40, 20],
  ],
  [
    "rdp: 3072 − 3072 · t/4, 0 on the last step and after it",
    { controller: "rdp", length: 3072, maxSteps: 5 },
    [3072, 2304, 1536, 768, 0, 0],
  ],
  [
    "rdp truncates: 10 − 7 · t/3 is 7.67 and 5.33 in between",
    { controller: "rdp", length: 10, maxSteps: 9, decaySteps: 4, endLength: 3 },
    [10, 7, 5, 3, 3],
  ],
  ["rdp of one step", { controller: "rdp", length: 10, maxSteps: 1, endLength: 3 }, [3, 3]],
];

for (const [title, spec, expected] of cases) {
  Deno.test(title, () => {
    const actual = lengths(createController(spec), Array(expected.length - 1).fill(0.5));
    assertEquals(actual.length, expected.length);
    for (const [t, length] of expected.entries()) {
      assertAlmostEquals(actual[t], length, 1e-9, `ℓ at step ${t}`);
    }
  });
}

Deno.test("a schedule goes on through steps with nothing graded", () => {
  const controller = createController({ controller: "linear", length: 60, maxSteps: 4 });
  assertEquals(lengths(controller, [null, 0.5, null]), [60, 45, 30, 15]);
});
