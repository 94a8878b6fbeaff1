import { pythonEqual, pythonTruth, sameJson, toJson } from "../../../src/rewards/code/values.ts";
import { pythonValues } from "../../../src/rewards/code/python_values.ts";
import { assertEquals } from "../../../src/std/assert.ts";
import { fc } from "../../fast_check.ts";
import { maybeTest } from "../../support.ts";
import { noPython } from "./direct_sandbox.ts";

async function python(program: string, input: string): Promise<string> {
  const child = new Deno.Command("python3", {
    args: ["-I", "-c", program],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const output = child.output(); // it prints while it reads
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout } = await output;
  assertEquals(code, 0);
  return new TextDecoder().decode(stdout);
}

/** Python expressions of values, so that many of them are nearly equal. */
const expressions: fc.Arbitrary<string> = fc.letrec<{ value: string; key: string }>((tie) => ({
  key: fc.oneof(
    fc.constantFrom("0", "1", "True", "False", "None", "1.0", "0.5", "-0.0", "'a'", "''", "'1'"),
    fc.constantFrom(
      "10**30",
      "1e30",
      "float('inf')",
      "2**53",
      "2.0**53",
      "2**53+1",
      "'\\ud800é😀'",
    ),
    fc.array(tie("key"), { maxLength: 2 }).map((k) => `(${k.map((one) => `${one},`).join("")})`),
  ),
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    tie("key"),
    fc.constantFrom("[]", "{}", "set()", "frozenset()", "b''", "1j", "1+0j"),
    fc.array(tie("value"), { maxLength: 3 }).map((v) => `[${v.join(",")}]`),
    fc.array(tie("value"), { maxLength: 3 }).map((v) => `(${v.map((one) => `${one},`).join("")})`),
    fc.array(tie("key"), { maxLength: 3 }).map((k) => `set([${k.join(",")}])`),
    fc.array(tie("key"), { maxLength: 3 }).map((k) => `frozenset([${k.join(",")}])`),
    fc.array(fc.tuple(tie("key"), tie("value")), { maxLength: 3 }).map((pairs) =>
      `{${pairs.map(([key, value]) => `${key}:${value}`).join(",")}}`
    ),
  ),
})).value;

maybeTest("values: equality and truth are Python's", noPython, async () => {
  const pairs = fc.sample(fc.tuple(expressions, expressions), 1500);
  // Random pairs are seldom equal: each first value also meets itself by another way.
  const cases = [...pairs, ...pairs.map(([a]) => [a, `(lambda v: v)(${a})`] as const)];
  const said = await python(
    `${pythonValues}
import sys
none = lambda value: None
for line in sys.stdin:
    a, b = (eval(text) for text in _json.loads(line))
    back = decode(encode(a, none), none)
    print(_json.dumps([encode(a, none), encode(b, none), a == b, bool(a), back == a and type(back) is type(a)]))
`,
    cases.map((pair) => JSON.stringify(pair)).join("\n"),
  );
  const lines = said.trim().split("\n");
  assertEquals(lines.length, cases.length);
  let known = 0;
  let equal = 0;
  for (const [i, line] of lines.entries()) {
    const [a, b, same, truth, back] = JSON.parse(line);
    const ours = pythonEqual(a, b);
    if (ours !== null) {
      assertEquals(ours, same, String(cases[i]));
      assertEquals(pythonEqual(b, a), same, String(cases[i]));
      known++;
      if (same) equal++;
    }
    const trueOrNot = pythonTruth(a);
    if (trueOrNot !== null) assertEquals(trueOrNot, truth, cases[i][0]);
    assertEquals(back, true, cases[i][0]);
  }
  // Most are told without Python, and of both kinds.
  assertEquals([known > 0.8 * cases.length, equal > 0.3 * cases.length], [true, true]);
  assertEquals(equal < 0.8 * cases.length, true);
});

Deno.test("values: objects equal nothing, and what only Python can say is left to it", () => {
  const thing = { o: "Always", k: 0 };
  for (const other of [1, null, "a", [], thing, { t: [] }, { d: [] }]) {
    assertEquals(pythonEqual(thing, other), false);
  }
  assertEquals(pythonEqual([1, thing], [1, 1]), false);
  assertEquals(pythonEqual({ g: [1], k: 0 }, [1]), false);
  assertEquals(pythonEqual({ c: ["1.0", "0.0"] }, 1), null);
  assertEquals(pythonEqual({ q: ["0x1", "0x2"] }, { f: "0.5" }), null);
  assertEquals(pythonTruth(thing), null);
});

Deno.test("values: forged ones gain nothing", () => {
  const dict = { d: [[1, 2], [3, 4]] };
  for (
    const forged of [
      { d: [[1, 2], [1, 2]] },
      { d: [[1, 2]] },
      { d: [1, 2] },
      { d: [[1, 2], [3]] },
      { d: "x" },
      {},
      { d: [[1, 2], [3, { d: 5 }]] },
    ]
  ) assertEquals(pythonEqual(forged, dict) ?? false, false, JSON.stringify(forged));
  assertEquals(pythonEqual({ s: [1, 1] }, { s: [1, 2] }), false);
  assertEquals(pythonEqual({ i: "9" }, { i: "0x9" }) ?? false, false);
  assertEquals(sameJson({ a: 1, b: 2 }, { d: [["a", 1], ["a", 1]] }), false);
  assertEquals(sameJson(1, { f: "constructor" }), false);
  let deep: unknown = 1;
  for (let i = 0; i < 100_000; i++) deep = [deep];
  assertEquals(pythonEqual(deep, deep) ?? false, false);
  assertEquals(sameJson([1], deep), false);
});

Deno.test("sameJson: what data sets mean by JSON", () => {
  const close = { absolute: 1e-6, relative: 0 };
  const cases: [expected: unknown, actual: unknown, same: boolean][] = [
    [1, { f: "1.0" }, true],
    [1, true, true], // as in Python
    [true, 1, true],
    [true, 2, false],
    [1, "1", false],
    ["1", 1, false],
    [null, null, true],
    [0, null, false],
    [false, null, false],
    [[1, 2], { t: [1, 2] }, true],
    [[[1], [2]], { t: [{ t: [1] }, [2]] }, true],
    [[1, 2], { s: [1, 2] }, false],
    [[1, 2], [1], false],
    [{ "1": "a" }, { d: [[1, "a"]] }, true],
    [{ a: [1] }, { d: [["a", { t: [1] }]] }, true],
    [{ a: 1 }, { d: [["a", 1], ["b", 2]] }, false],
    [{}, [], false],
    [1e20, { i: "0x56bc75e2d63100000" }, true],
    [9007199254740993, { i: "0x20000000000001" }, true], // all that is known of 2^53 + 1
    [9007199254740992, { i: "0x20000000000005" }, false],
    [0.3, { f: "0.30000000000000004" }, false],
    [1, { o: "Always", k: 0 }, false],
    [[], { g: [], k: 0 }, false],
  ];
  for (const [expected, actual, same] of cases) {
    assertEquals(sameJson(expected, actual), same, JSON.stringify([expected, actual]));
  }
  assertEquals(sameJson([0.3], [{ f: "0.30000000000000004" }], close), true);
  assertEquals(sameJson([0.3], [{ f: "0.31" }], close), false);
  assertEquals(sameJson(1, { f: "nan" }, close), false);
});

Deno.test("toJson: what a checker sees", () => {
  assertEquals(toJson({ t: [1, { f: "2.5" }, { d: [[3, { s: ["x"] }]] }] }), [1, 2.5, {
    "3": ["x"],
  }]);
  assertEquals(toJson([{ o: "Thing", k: 0 }]), undefined);
});
