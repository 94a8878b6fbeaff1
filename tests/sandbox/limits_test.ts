import { textWithin, withLimits } from "../../src/sandbox/limits.ts";
import { defaultLimits } from "../../src/sandbox/sandbox.ts";
import { assertEquals, assertThrows } from "../../src/std/assert.ts";

Deno.test("a run's limits are its own over the sandbox's", () => {
  assertEquals(withLimits(defaultLimits), defaultLimits);
  assertEquals(withLimits(defaultLimits, { timeoutMs: 0.5, outputBytes: undefined }), {
    ...defaultLimits,
    timeoutMs: 1,
  });
  for (const value of [0, -1, NaN, Infinity]) {
    assertThrows(() => withLimits(defaultLimits, { memoryBytes: value }), TypeError, "memoryBytes");
  }
});

Deno.test("text is cut between characters", () => {
  const bytes = new TextEncoder().encode("aé漢😀");
  assertEquals([1, 2, 3, 5, 6, 9, 10, 11].map((most) => textWithin(bytes, most)), [
    ...["a", "a", "aé", "aé", "aé漢", "aé漢", "aé漢😀", "aé漢😀"],
  ]);
  // Not cut, what is no UTF-8 is told as such, and a byte order mark is a character.
  assertEquals(textWithin(new Uint8Array([65, 0xc3]), 10), "A\ufffd");
  assertEquals(textWithin(new Uint8Array([65, 0xc3]), 10, true), "A");
  assertEquals(textWithin(new Uint8Array([0xef, 0xbb, 0xbf, 65]), 10), "\ufeffA");
});
