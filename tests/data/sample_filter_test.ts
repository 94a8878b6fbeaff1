import { filterHardProblems } from "../../src/data/sample_filter.ts";
import { assert, assertEquals, assertThrows } from "../../src/std/assert.ts";

/** Ten problems of each tier from 1 to 5, tiers in turn. */
const problems = Array.from({ length: 50 }, (_, i) => ({ id: `p${i}`, tier: 1 + i % 5 }));

Deno.test("remove leaves the hard ones out and keeps the order of the others", () => {
  const { problems: kept, report } = filterHardProblems(problems, {
    filter: "remove",
    hardTier: 3,
  });
  assertEquals(kept, problems.filter(({ tier }) => tier <= 3));
  assertEquals(report, {
    filter: "remove",
    before: 50,
    after: 30,
    hard: 20,
    moderate: 0,
    substitutes: 0,
  });
});

Deno.test("replace puts a moderate one in the place of each hard one, each in turn", () => {
  const options = { filter: "replace", hardTier: 3, moderateTier: 3 } as const;
  const { problems: after, report } = filterHardProblems(problems, options);
  for (const [i, problem] of after.entries()) {
    if (problems[i].tier <= 3) assertEquals(problem, problems[i]);
    else assertEquals(problem.tier, 3);
  }
  // 20 hard ones, 10 moderate ones: each stands in twice, beside its own place.
  for (const { id } of problems.filter(({ tier }) => tier === 3)) {
    assertEquals(after.filter((problem) => problem.id === id).length, 3);
  }
  assertEquals(
    [report.before, report.after, report.hard, report.moderate, report.substitutes],
    [50, 50, 20, 10, 10],
  );
  assertEquals(filterHardProblems(problems, options).problems, after);
  const other = filterHardProblems(problems, { ...options, seed: 1 }).problems;
  assert(other.some((problem, i) => problem !== after[i]));
});

Deno.test("moderate is by default the harder half of what is not hard", () => {
  const { problems: after, report } = filterHardProblems(problems, {
    filter: "replace",
    hardTier: 3,
  });
  const substitutes = after.filter((_, i) => problems[i].tier > 3);
  assertEquals(new Set(substitutes.map(({ tier }) => tier)), new Set([2, 3]));
  assertEquals([report.moderate, report.substitutes], [20, 20]);
});

Deno.test("a measured difficulty is a tier like any other", () => {
  const measured = problems.map(({ id }, i) => ({ id, tier: i / 50 }));
  const options = { filter: "remove", hardTier: 0.9 } as const;
  assertEquals(filterHardProblems(measured, options).problems, measured.slice(0, 46));
});

Deno.test("without hard problems nothing changes", () => {
  for (const filter of ["remove", "replace"] as const) {
    const { problems: after, report } = filterHardProblems(problems, { filter, hardTier: 5 });
    assertEquals([after, report.hard], [problems, 0]);
  }
});

Deno.test("what cannot be filtered is named", () => {
  for (
    const [options, message] of [
      [{ filter: "remove", hardTier: 0.5 }, "none is of tier 0.5 or below: all 50 are hard"],
      [{ filter: "replace", hardTier: 0.5 }, "Cannot replace hard problems"],
      [{ filter: "remove", hardTier: NaN }, "current value is NaN"],
      [{ filter: "replace", hardTier: 3, moderateTier: 3.5 }, "of a tier from 3.5 to 3"],
    ] as const
  ) assertThrows(() => filterHardProblems(problems, options), RangeError, message);
  assertThrows(
    () => filterHardProblems([{ id: "x", tier: NaN }], { filter: "remove", hardTier: 1 }),
    RangeError,
    "that of problem 'x' is NaN",
  );
});
