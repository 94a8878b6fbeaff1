import { reasoningStepsReward } from "../../src/rewards/reasoning_steps.ts";
import { assertEquals } from "../../src/std/assert.ts";
import { contextOf, sampleOf } from "./samples.ts";

const score = (completion: string) =>
  reasoningStepsReward.score(sampleOf({ completion }), contextOf([]));

Deno.test("reasoning_steps: a third for each mark of a step, at most 1", () => {
  for (
    const [steps, text] of [
      [0, ""],
      [0, "We add the numbers and get 4."],
      [1, "Step 1: add"],
      [2, "Step 1: add\nStep 12: check"],
      [3, "First, add. Next, check. Finally, answer."],
      [3, "1. add\n2. check\n3) answer"],
      [3, "<think>\n- add\n* check\n  • answer"],
      [3, "a\r\n- b\r\n- c\r\n- d"],
      [9, "1. a\n".repeat(9)],
    ] as const
  ) assertEquals(score(text), Math.min(1, steps / 3), JSON.stringify(text));
});

Deno.test("reasoning_steps: what only looks like a mark is none", () => {
  for (
    const text of [
      "3.14 is pi",
      "x = 5\n-5 + 10 = 5",
      "a\n---\nb",
      "**bold**\n**more**",
      "First we add",
      "Nextdoor, Secondly,",
      "in step 1: we",
      "Step one:",
      "a - b - c",
    ]
  ) assertEquals(score(text), 0, text);
});

Deno.test("reasoning_steps: a long text takes no time to speak of", () => {
  const start = performance.now();
  score(" ".repeat(1_000_000));
  score("1".repeat(1_000_000));
  score("\n \t".repeat(300_000));
  assertEquals(performance.now() - start < 2000, true);
});
