import { assertEquals, assertThrows } from "../../src/std/assert.ts";
import { parse, stringify } from "../../src/std/yaml.ts";

Deno.test("parse reads YAML 1.2: exponents are numbers, yes and on are text", () => {
  assertEquals(parse("a: 3e-4\nb: yes\nc: null\nd: [1, on, true]"), {
    a: 3e-4,
    b: "yes",
    c: null,
    d: [1, "on", true],
  });
  assertEquals(parse(""), null);
});

Deno.test("stringify is read back to the same value", () => {
  const value = {
    rate: 1e-6,
    text: "007",
    none: null,
    list: [{ tiers: [1, 2], weight: 0.97 }],
    long: "word ".repeat(60).trim(),
    lines: "a\nb\n",
  };
  assertEquals(parse(stringify(value)), value);
  assertEquals(
    stringify({ b: 1, a: { c: 2 } }, { sortKeys: true, indent: 4 }),
    "a:\n    c: 2\nb: 1\n",
  );
});

Deno.test("parse names the line of a mistake", () => {
  assertThrows(() => parse("a: 1\nb: [1"), SyntaxError, "line 2");
  assertThrows(() => parse("a: 1\na: 2"), SyntaxError, "unique");
  assertThrows(() => parse("a: *nowhere"), SyntaxError, "nowhere");
});
