import { sameOutput } from "../../../src/rewards/code/outputs.ts";
import { assertEquals, assertLess } from "../../../src/std/assert.ts";

Deno.test("sameOutput: by lines, blanks at their ends ignored", () => {
  const cases: [expected: string, actual: string, same: boolean][] = [
    ["1 2\n3", "1 2\n3", true],
    ["1 2\n3\n", "1 2 \n3\t\n\n\n", true],
    ["1\r\n2\r\n", "1\n2\n", true],
    ["1 2", "1  2", false],
    ["1", " 1", false],
    ["1\n2", "1 2", false],
    ["1\n\n2", "1\n2", false],
    ["1\n2", "1\n2\n3", false],
    ["1\n2\n3", "1\n2", false],
    ["1.0", "1", false],
    ["Yes", "yes", false],
    ["", "\n \n", true],
    ["", "x", false],
  ];
  for (const [expected, actual, same] of cases) {
    assertEquals(sameOutput(expected, actual), same, JSON.stringify([expected, actual]));
  }
});

Deno.test("sameOutput: numbers within a tolerance, word by word", () => {
  const tolerance = { absolute: 1e-3, relative: 1e-2 };
  const cases: [expected: string, actual: string, same: boolean][] = [
    ["1.0 abc", "1 abc", true],
    ["100", "100.9", true], // relative
    ["100", "101.1", false],
    ["0", "0.0009", true], // absolute
    ["0", "0.0011", false],
    ["-1e3", "-1000.0", true],
    ["1 2", "1", false],
    ["1", "1 2", false],
    ["1\n2", "1 2", false],
    ["1", "one", false],
    ["abc", "abd", false],
    ["1", "nan", false],
    ["nan", "nan", true], // the same word
    ["1", "inf", false],
    ["5", "0x5", false],
  ];
  for (const [expected, actual, same] of cases) {
    assertEquals(sameOutput(expected, actual, tolerance), same, JSON.stringify([expected, actual]));
  }
  assertEquals(sameOutput("1", "1.0", { absolute: 0, relative: 0 }), true);
});

Deno.test("sameOutput: hostile outputs take no time", () => {
  const begun = performance.now();
  const tolerance = { absolute: 1, relative: 1 };
  sameOutput("1", "1".repeat(1e6) + "x", tolerance);
  sameOutput("1", "1.".repeat(5e5), tolerance);
  sameOutput("1", " ".repeat(1e6) + "x", tolerance);
  sameOutput("1\n".repeat(5e5), "\n".repeat(1e6), tolerance);
  assertLess(performance.now() - begun, 1500);
});
