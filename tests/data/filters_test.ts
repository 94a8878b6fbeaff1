import { filterProblems, formatFilterStages, reportStages } from "../../src/data/filters.ts";
import type { Problem } from "../../src/data/types.ts";
import { createReward } from "../../src/rewards/registry.ts";
import { validateGold } from "../../src/rewards/score.ts";
import { assertEquals, assertRejects } from "../../src/std/assert.ts";
import { loadRows } from "./support.ts";

function problem(id: string, prompt: string, trace: string, answer = "1"): Problem {
  return { id, prompt, answer, trace, tier: 1 };
}

const PROBLEMS = [
  problem("good", "one", "a b"),
  problem("bare", "one", ""),
  problem("prose", "one", "a", "\\frac{1"),
  problem("long prompt", "one two three four", "a"),
  problem("long trace", "one", "a b c d"),
];
const words = (text: string) => text.split(" ").length;

Deno.test("filters: stages in order, with counts and examples, and nothing changed", async () => {
  const before = structuredClone(PROBLEMS);
  const { problems, stages } = await filterProblems(PROBLEMS, {
    requireTrace: true,
    goldFailures: (given) => validateGold(given, [createReward("accuracy")]),
    maxPromptLength: 3,
    promptTokens: ({ prompt }) => words(prompt),
    maxTraceLength: 3,
    traceTokens: ({ trace }) => words(trace),
  });
  assertEquals(problems, [PROBLEMS[0]]);
  assertEquals(PROBLEMS, before);
  assertEquals(stages, [
    {
      name: "has a trace",
      before: 5,
      after: 4,
      examples: [{ id: "bare", detail: "no reasoning before its answer" }],
    },
    {
      name: "gold solution scores 1",
      before: 4,
      after: 3,
      examples: [{ id: "prose", detail: "gold answer '\\frac{1' cannot be compared" }],
    },
    {
      name: "prompt of at most 3 tokens",
      before: 3,
      after: 2,
      examples: [{ id: "long prompt", detail: "4 tokens" }],
    },
    {
      name: "trace of at most 3 tokens",
      before: 2,
      after: 1,
      examples: [{ id: "long trace", detail: "4 tokens" }],
    },
  ]);
  assertEquals(formatFilterStages(stages.slice(0, 2)).split("\n"), [
    "filter                  before  after  left out",
    "has a trace                  5      4         1",
    "gold solution scores 1       4      3         1",
  ]);
});

Deno.test("filters: none asked for, none run; bad limits are refused", async () => {
  assertEquals(await filterProblems(PROBLEMS, {}), { problems: PROBLEMS, stages: [] });
  await assertRejects(
    () => filterProblems(PROBLEMS, { maxPromptLength: 0, promptTokens: () => 1 }),
    RangeError,
    "'maxPromptLength' must be a positive integer: current value is 0",
  );
  await assertRejects(
    () => filterProblems(PROBLEMS, { maxTraceLength: 5 }),
    Error,
    "'maxTraceLength' needs 'traceTokens'",
  );
});

Deno.test("reportStages: what reading left out, as stages that add up", async () => {
  const row = { problem: "q", answer: "1", source: "cn_contest" };
  const { report } = await loadRows([
    { ...row, generations: ["a"], correctness_math_verify: [true] },
    { ...row, generations: ["a"], correctness_math_verify: [false] },
    { ...row, generations: ["a"], correctness_math_verify: [false] },
    { ...row, generations: ["<think>a"], correctness_math_verify: [true] },
  ], { preset: "openr1-math" });
  assertEquals(reportStages(report).map(({ name, before, after }) => [name, before, after]), [
    ["left out: no complete generation is correct", 4, 2],
    ["left out: no generation is complete", 2, 1],
  ]);
});
