import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertExists,
  assertGreater,
  assertGreaterOrEqual,
  AssertionError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  fail,
} from "../../src/std/assert.ts";

/** Whether an assertion fails; told without the assertions under test. */
function fails(fn: () => unknown): boolean {
  try {
    fn();
    return false;
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error;
    return true;
  }
}

const holding: Record<string, () => unknown> = {
  assert: () => assert(1),
  assertEquals: () => assertEquals({ a: [1, NaN] }, { a: [1, NaN] }),
  "assertEquals of typed arrays": () =>
    assertEquals(new Float32Array([1, 2]), new Float32Array([1, 2])),
  assertNotEquals: () => assertNotEquals({ a: 1 }, { a: 2 }),
  assertStrictEquals: () => assertStrictEquals(NaN, NaN),
  assertThrows: () => assertThrows(() => fail("boom"), AssertionError, "boom"),
  assertAlmostEquals: () => assertAlmostEquals(1, 1 + 1e-9),
  "assertAlmostEquals with tolerance": () => assertAlmostEquals(1, 1.05, 0.1),
  "assertAlmostEquals of infinities": () => assertAlmostEquals(Infinity, Infinity),
  assertStringIncludes: () => assertStringIncludes("handrail", "rail"),
  assertMatch: () => assertMatch("step-10", /^step-\d+$/),
  assertExists: () => assertExists(0),
  assertGreater: () => assertGreater(2, 1),
  assertGreaterOrEqual: () => assertGreaterOrEqual(1, 1),
  assertLess: () => assertLess(1, 2),
  assertLessOrEqual: () => assertLessOrEqual(1, 1),
};

const failing: Record<string, () => unknown> = {
  assert: () => assert(""),
  fail: () => fail(),
  assertEquals: () => assertEquals<unknown>({ a: 1 }, { a: "1" }),
  "assertEquals of typed arrays": () =>
    assertEquals(new Float32Array([1, 2]), new Float32Array([1, 3])),
  assertNotEquals: () => assertNotEquals([1], [1]),
  assertStrictEquals: () => assertStrictEquals({}, {}),
  "assertThrows of what does not throw": () => assertThrows(() => 1),
  "assertThrows of another class": () => assertThrows(() => fail(), RangeError),
  "assertThrows of another message": () => assertThrows(() => fail("a"), AssertionError, "b"),
  assertAlmostEquals: () => assertAlmostEquals(1, 1.1),
  "assertAlmostEquals of NaN": () => assertAlmostEquals(NaN, 1, 10),
  assertStringIncludes: () => assertStringIncludes("hand", "rail"),
  assertMatch: () => assertMatch("a", /b/),
  assertExists: () => assertExists(null),
  assertGreater: () => assertGreater(1, 1),
  assertGreaterOrEqual: () => assertGreaterOrEqual(1, 2),
  assertLess: () => assertLess(1, 1),
  assertLessOrEqual: () => assertLessOrEqual(2, 1),
};

Deno.test("assertions that hold pass", () => {
  for (const [name, fn] of Object.entries(holding)) if (fails(fn)) throw new Error(name);
});

Deno.test("assertions that do not hold fail", () => {
  for (const [name, fn] of Object.entries(failing)) if (!fails(fn)) throw new Error(name);
});

Deno.test("assertRejects resolves to the error and fails without one", async () => {
  const error = await assertRejects(() => Promise.reject(new RangeError("far")), RangeError, "far");
  assertEquals(error.message, "far");
  await assertRejects(() => assertRejects(() => Promise.resolve(1)), AssertionError, "reject");
  await assertRejects(
    () =>
      assertRejects(() => {
        throw new Error("at once");
      }),
    AssertionError,
    "at once",
  );
});
