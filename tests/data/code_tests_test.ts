import { readCodeTests } from "../../src/data/presets/code_tests.ts";
import type { CodeTests } from "../../src/data/types.ts";
import { assert, assertEquals } from "../../src/std/assert.ts";

const own: CodeTests[] = [
  { kind: "stdin", language: "python", cases: [{ input: "1 2\n", output: "3\n" }] },
  {
    kind: "function",
    language: "python",
    functionName: "add",
    cases: [{ args: [1, [2]], expected: null }],
  },
  {
    kind: "assertions",
    language: "python",
    setup: "",
    assertions: ["assert add(1, 2) == 3"],
    entryPoint: null,
  },
];

Deno.test("tests as our own files hold them are read back as they were", () => {
  for (const tests of own) {
    assertEquals(readCodeTests(JSON.parse(JSON.stringify(tests))), tests);
    assertEquals(readCodeTests(JSON.stringify(tests)), tests);
  }
});

Deno.test("what they lack is said", () => {
  for (const tests of own) {
    for (const key of Object.keys(tests)) {
      if (key === "kind") continue;
      const { [key]: _, ...rest } = JSON.parse(JSON.stringify(tests));
      assert(typeof readCodeTests(rest) === "string", `${tests.kind} without ${key}`);
    }
  }
  assertEquals(
    readCodeTests({ kind: "oracle", language: "python", cases: [{}] }),
    "its tests are of an unknown kind: oracle",
  );
});
