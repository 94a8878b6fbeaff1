import { ArithmeticTask } from "../../src/data/arithmetic.ts";
import { type Problem, solutionText } from "../../src/data/types.ts";
import { createReward, REWARD_NAMES } from "../../src/rewards/registry.ts";
import type { RewardSample } from "../../src/rewards/reward.ts";
import { assert, assertEquals, assertThrows } from "../../src/std/assert.ts";

const problem = new ArithmeticTask().build(87, [["*", 5], ["+", 6], ["-", 7]]);

function sample(completion: string, gold: Problem = problem): RewardSample {
  return { prompt: gold.prompt, completion, completionIds: [], given: 0, problem: gold };
}

const CODE = "<think>add them</think>\n<answer>\n```python\nprint(34)\n```\n</answer>";

async function scores(name: string, cases: [string, number][]): Promise<void> {
  for (const [completion, expected] of cases) {
    const score = await createReward(name).score(sample(completion));
    assertEquals(score, expected, `${name} of ${JSON.stringify(completion)}`);
  }
}

Deno.test("every reward: the gold solution scores 1 and nothing at all scores 0", async () => {
  assertEquals(REWARD_NAMES, ["accuracy", "format", "tag_count", "code_format"]);
  for (const name of REWARD_NAMES) {
    assertEquals(createReward(name).name, name);
    const gold = name === "code_format" ? CODE : solutionText(problem);
    await scores(name, [[gold, 1], ["", 0]]);
  }
});

Deno.test("accuracy: the integer of the one answer section after the thinking", () =>
  scores("accuracy", [
    ["<think>x</think><answer>34</answer>", 1],
    ["<think>x</think><answer>35</answer>", 0],
    ["<think>x</think><answer> 34\n</answer>", 1],
    ["<think>x</think>\n\n<answer>034</answer>", 1],
    ["<think>x</think><answer>-34</answer>", 0],
    ["<think>x</think><answer>34.5</answer>", 0],
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
  for (
    const answer of [
      "",
      "  ",
      "\\frac{1}{2",
      "It follows from the lemma above that " + "no ".repeat(20),
    ]
  ) {
    const score = await accuracy.score(sample("<answer>34</answer>", { ...problem, answer }));
    assert(typeof score === "object" && score.ungraded.endsWith("' cannot be compared"));
  }
  const tests = { kind: "stdin", language: "python", cases: [{ input: "", output: "1" }] } as const;
  assertEquals(await accuracy.score(sample("<answer>34</answer>", { ...problem, tests })), {
    ungraded: "a programming problem is judged by its tests",
  });
});

Deno.test("accuracy: any gold answer, compared by what it says", async () => {
  const accuracy = createReward("accuracy");
  const cases: [gold: string, answer: string, expected: number][] = [
    ["1080", "1,080", 1],
    ["1080", "The answer is \\boxed{1{,}080}.", 1],
    ["1080", "\\boxed{1080} or \\boxed{1081}", 0],
    ["1080", "It is 1080", 0],
    ["\\frac{1}{2}", "$\\boxed{0.5}$", 1],
    ["\\frac{1}{2}", "1/2", 1],
    ["C", "(C)", 1],
    ["C", "C or D", 0],
    ["34", "34 or 35", 0],
  ];
  for (const [answer, said, expected] of cases) {
    const given = sample(`<think>x</think><answer>${said}</answer>`, { ...problem, answer });
    assertEquals(await accuracy.score(given), expected, `${said} for ${answer}`);
  }
});

Deno.test("code_format: a fenced block in the answer section of an exact format", () =>
  scores("code_format", [
    ["<think>a</think><answer>Here:\n```python\nx = 1\n```\nDone.</answer>", 1],
    ["<think>a</think><answer>\r\n```py\r\nx = 1\r\n```\r\n</answer>", 1],
    ["<think>a</think><answer>\n```rust\nfn main() {}\n```\n</answer>", 1],
    ["<think>a</think><answer>\n```\nx = 1\n```\n</answer>", 0],
    ["<think>a</think><answer>\n```text\nx = 1\n```\n</answer>", 0],
    ["<think>a</think><answer>\n```python\n\n```\n</answer>", 0],
    ["<think>a</think><answer>\n```python\nx = 1\n</answer>", 0],
    ["<think>a</think><answer>x = 1</answer>", 0],
    ["<think>\n```python\nx = 1\n```\n</think><answer>1</answer>", 0],
    ["<think>a</think><answer>1</answer>\n```python\nx = 1\n```\n", 0],
    ["x" + CODE, 0],
    [CODE + CODE, 0],
  ]));

Deno.test("code_format: the block must be in the language that the tests ask for", async () => {
  const reward = createReward("code_format");
  const asked = (language: string) => ({
    ...problem,
    tests: { kind: "stdin" as const, language, cases: [{ input: "", output: "34" }] },
  });
  assertEquals(await reward.score(sample(CODE, asked("python"))), 1);
  assertEquals(await reward.score(sample(CODE, asked("rust"))), 0);
  assertEquals(await reward.score(sample(CODE.replace("python", "lua"), asked("lua"))), 1);
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
    "one of accuracy, format, tag_count, code_format: current value is 'acuracy'",
  );
});

Deno.test("accuracy: without answer tags the last box after the thinking answers", () =>
  scores("accuracy", [
    ["So it is $\\boxed{34}$.", 1],
    ["<think>\\boxed{33}</think> It is \\boxed{34}.", 1],
    ["\\boxed{33}, no: \\boxed{34}", 1],
    ["\\boxed{34} or \\boxed{33}", 0], // only the last one counts
    ["<think>It is \\boxed{34}", 0], // still thinking
    ["<think>\\boxed{34}</think> That is it.", 0],
    ["<answer>\\boxed{33}</answer> \\boxed{34}", 0],
    ["\\boxed{34} <answer>", 0], // tags that do not fit are no way around them
    ["34", 0],
  ]));
