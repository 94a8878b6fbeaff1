import { ArithmeticTask } from "../../src/data/arithmetic.ts";
import { type Problem, solutionText } from "../../src/data/types.ts";
import { createReward, REWARD_NAMES } from "../../src/rewards/registry.ts";
import type { RewardSample } from "../../src/rewards/reward.ts";
import { assertEquals, assertThrows } from "../../src/std/assert.ts";

const problem = new ArithmeticTask().build(87, [["*", 5], ["+", 6], ["-", 7]]);

function sample(completion: string, gold: Problem = problem): RewardSample {
  return { prompt: gold.prompt, completion, completionIds: [], given: 0, problem: gold };
}

async function scores(name: string, cases: [string, number][]): Promise<void> {
  for (const [completion, expected] of cases) {
    const score = await createReward(name).score(sample(completion));
    assertEquals(score, expected, `${name} of ${JSON.stringify(completion)}`);
  }
}

Deno.test("every reward: the gold solution scores 1 and nothing at all scores 0", async () => {
  assertEquals(REWARD_NAMES, ["accuracy", "format", "tag_count"]);
  for (const name of REWARD_NAMES) {
    assertEquals(createReward(name).name, name);
    await scores(name, [[solutionText(problem), 1], ["", 0]]);
  }
});

Deno.test("accuracy: the integer of the one answer section after the thinking", () =>
  scores("accuracy", [
    ["<think>x</think><answer>34</answer>", 1],
    ["<think>x</think><answer>35</answer>", 0],
    ["<think>x</think><answer> 34\n</answer>", 1],
    ["<think>x</think>\n\n<answer>034</answer>", 1],
    ["<think>x</think><answer>-34</answer>", 0],
    ["<think>x</think><answer>34.0</answer>", 0],
    ["<think>x</think><answer>3 4</answer>", 0],
    ["<think>x</think><answer></answer>", 0],
    ["<think>x</think><answer>41-7=34</answer>", 0],
    ["<think>x</think>34", 0],
    ["<answer>34</answer>", 1],
    ["x</think><answer>34</answer>", 1],
    ["<think>x</think><answer>34</answer> as I said", 1],
  ]));

Deno.test("accuracy: an answer in the thinking, cut off or out of order earns nothing", () =>
  scores("accuracy", [
    ["<think><answer>34</answer></think>", 0],
    ["<think><answer>34</answer>", 0],
    ["<think><answer>34</think></answer>", 0],
    ["<answer>34</answer></think>", 0],
    ["<answer>34</answer><think>x</think>", 0],
    ["<think>x</think><think><answer>34</answer>", 0],
    ["<think>x</think><answer>34", 0],
    ["<think>x</think></answer>34<answer>", 0],
  ]));

Deno.test("accuracy: listing several answers earns nothing", () =>
  scores("accuracy", [
    ["<think>x</think><answer>34</answer><answer>35</answer>", 0],
    ["<think>x</think><answer>34</answer><answer>34</answer>", 0],
    ["<think><answer>33</answer></think><answer>34</answer>", 0],
    ["<think>x</think><answer>33<answer>34</answer>", 0],
    ["<think>x</think><answer>33 34</answer>", 0],
    ["<think>x</think><answer>33,34</answer>", 0],
  ]));

Deno.test("accuracy: zero and negative gold answers, and one that cannot be graded", async () => {
  const accuracy = createReward("accuracy");
  for (const [answer, said] of [["0", "00"], ["0", "-0"], ["-5", "-05"], ["007", "7"]]) {
    const given = sample(`<answer>${said}</answer>`, { ...problem, answer });
    assertEquals(await accuracy.score(given), 1);
  }
  assertEquals(await accuracy.score(sample("<answer>x</answer>", { ...problem, answer: "x" })), {
    ungraded: "gold answer 'x' is not an integer",
  });
});

Deno.test("format: exactly the two sections in order", () =>
  scores("format", [
    ["<think>a\nb</think><answer>c</answer>", 1],
    ["<think></think><answer></answer>", 1],
    [" <think>a</think>\n\n<answer>c</answer>\n", 1],
    ["x<think>a</think><answer>c</answer>", 0],
    ["<think>a</think>x<answer>c</answer>", 0],
    ["<think>a</think><answer>c</answer>x", 0],
    ["<answer>c</answer><think>a</think>", 0],
    ["<think>a<answer>c</answer></think>", 0],
    ["<think>a<think></think><answer>c</answer>", 0],
    ["<think>a</think><answer>c</answer><answer>d</answer>", 0],
    ["a</think><answer>c</answer>", 0],
    ["<think>a</think><answer>c", 0],
  ]));

Deno.test("tag_count: a quarter for each tag that is there exactly once", () =>
  scores("tag_count", [
    ["<think>", 0.25],
    ["<think></think>", 0.5],
    ["<think></think><answer>", 0.75],
    ["</answer><answer></think><think>", 1],
    ["<think><think></think><answer></answer>", 0.75],
    ["<think></think><answer>1</answer><answer>2</answer>", 0.5],
    ["<THINK>", 0],
  ]));

Deno.test("registry: an unknown name is refused with the known ones", () => {
  assertThrows(
    () => createReward("acuracy"),
    Error,
    "one of accuracy, format, tag_count: current value is 'acuracy'",
  );
});
