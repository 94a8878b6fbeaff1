import { asPrompt, asText, asTier, firstOf, lookUp } from "../../src/data/columns.ts";
import { assertEquals } from "../../src/std/assert.ts";
import { fc } from "../fast_check.ts";

const ROW = {
  q: "a",
  "a.b": "whole name",
  a: { b: "nested", list: [{ x: 1 }] },
  prompt: [{ role: "system", content: "s" }, { role: "user", content: "u" }],
  empty: null,
};

Deno.test("lookUp: names, whole names with dots first, paths into objects and lists", () => {
  assertEquals(lookUp(ROW, "q"), "a");
  assertEquals(lookUp(ROW, "a.b"), "whole name");
  assertEquals(lookUp(ROW, "a.list.0.x"), 1);
  assertEquals(lookUp(ROW, "prompt.1.content"), "u");
  for (const path of ["x", "q.x", "q.0", "empty.x", "a.list.1.x", "", "toString", "a.__proto__"]) {
    assertEquals(lookUp(ROW, path), undefined, path);
  }
  assertEquals(firstOf(ROW, ["x", "empty", "q", "a.b"]), "a");
  assertEquals(firstOf(ROW, []), undefined);
});

Deno.test("lookUp: any path of own keys is found", () => {
  const key = fc.string({ minLength: 1, maxLength: 4 }).filter((k) => !k.includes("."));
  fc.assert(
    fc.property(fc.array(key, { minLength: 1, maxLength: 5 }), fc.string(), (keys, leaf) => {
      const row = keys.reduceRight<unknown>(
        (inner, name) => Object.fromEntries([[name, inner]]),
        leaf,
      );
      assertEquals(lookUp(row as Record<string, unknown>, keys.join(".")), leaf);
    }),
  );
});

Deno.test("asText, asPrompt", () => {
  const cases: [unknown, string | null][] = [
    ["a", "a"],
    [27.0, "27"],
    [true, "true"],
    [["one"], "one"],
    [["one", "two"], null],
    [[["deep"]], null],
    [{}, null],
    [null, null],
    [undefined, null],
    [NaN, null],
  ];
  for (const [value, expected] of cases) assertEquals(asText(value), expected);
  assertEquals(asPrompt(ROW.prompt), "u");
  assertEquals(asPrompt([{ from: "human", value: "h" }, { from: "gpt", value: "g" }]), "h");
  assertEquals(asPrompt([{ role: "system", content: "s" }]), null);
  assertEquals(asPrompt("plain"), "plain");
});

Deno.test("asTier: numbers, levels, an order", () => {
  const cases: [unknown, number | null][] = [
    [5, 5],
    [2.5, 2.5],
    ["3", 3],
    ["-1", -1],
    ["Level 5", 5],
    ["level  2", 2],
    ["Level ?", null],
    ["hard", null],
    ["", null],
    [{}, null],
  ];
  for (const [value, expected] of cases) assertEquals(asTier(value, null), expected, String(value));
  assertEquals(asTier("olympiads", ["cn_contest", "olympiads"]), 2);
  assertEquals(asTier("other", ["cn_contest", "olympiads"]), null);
  assertEquals(asTier(3, ["2", "3"]), 2);
});
