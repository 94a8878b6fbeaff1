import { assertEquals, assertThrows } from "../../src/std/assert.ts";
import { UsageError } from "../../src/std/help.ts";
import { integerOption, integersOption, numberOption } from "../../src/std/option_values.ts";

Deno.test("numbers of flags", () => {
  const options = { a: "3", b: "0.5", c: "7, 8" };
  assertEquals(integerOption(options, "a", { min: 3, max: 3 }), 3);
  assertEquals(numberOption(options, "b"), 0.5);
  assertEquals(integersOption(options, "c"), [7, 8]);
  assertEquals(integerOption(options, "missing"), undefined);
});

Deno.test("a flag that is no such number is a usage error", () => {
  const refused = (text: string, message: string) =>
    assertThrows(
      () => integerOption({ num: text }, "num", { min: 1, max: 9 }),
      UsageError,
      `Option '--num' must be a whole number of at least 1 and at most 9: ${message}`,
    );
  for (const text of ["0", "10", "1.5", "x", " ", "NaN", "Infinity"]) {
    refused(text, `current value is '${text}'`);
  }
  assertThrows(() => integersOption({ tiers: "7,,8" }, "tiers"), UsageError, "commas");
});
