import { ArithmeticTask } from "../../src/data/arithmetic.ts";
import { type Problem, solutionText } from "../../src/data/types.ts";
import { createReward, REWARD_NAMES, type RewardName } from "../../src/rewards/registry.ts";
import type { RewardSample } from "../../src/rewards/reward.ts";
import { SandboxError } from "../../src/sandbox/sandbox.ts";
import { assertEquals, assertThrows } from "../../src/std/assert.ts";
import { contextOf } from "./samples.ts";

const problem = new ArithmeticTask().build(87, [["*", 5], ["+", 6], ["-", 7]]);

function sample(completion: string, gold: Problem = problem): RewardSample {
  return { prompt: gold.prompt, completion, completionIds: [], given: 0, problem: gold };
}

const CODE = "<think>add them</think>\n<answer>\n```python\nprint(34)\n```\n</answer>";

async function scores(name: RewardName, cases: [string, number][]): Promise<void> {
  for (const [completion, expected] of cases) {
    const score = await createReward(name).score(sample(completion), contextOf([]));
    assertEquals(score, expected, `${name} of ${JSON.stringify(completion)}`);
  }
}

Deno.test("every reward goes by its name", () => {
  const noSandbox = () => Promise.reject(new SandboxError("none here"));
  for (const name of REWARD_NAMES) {
    const spec = name === "cosine"
      ? { name, maxLength: 10 }
      : name === "soft_overlong"
      ? { name, maxLength: 10, cache: 5 }
      : { name };
    assertEquals(createReward(spec, noSandbox).name, name);
  }
});

Deno.test("accuracy and the rewards of form: the gold solution scores 1 and nothing at all 0", async () => {
  for (const name of ["accuracy", "format", "tag_count", "code_format"] as const) {
    const gold = name === "code_format" ? CODE : solutionText(problem);
    await scores(name, [[gold, 1], ["", 0]]);
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
  assertEquals(await reward.score(sample(CODE, asked("python")), contextOf([])), 1);
  assertEquals(await reward.score(sample(CODE, asked("rust")), contextOf([])), 0);
  assertEquals(
    await reward.score(sample(CODE.replace("python", "lua"), asked("lua")), contextOf([])),
    1,
  );
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

Deno.test("registry: an unknown name is refused with the known ones, code without a sandbox", () => {
  assertThrows(
    () => createReward("acuracy" as RewardName),
    Error,
    "must be one of accuracy, multiple_choice, code_execution, format,",
  );
  assertThrows(() => createReward("code_execution"), Error, "without a sandbox");
  assertThrows(() => createReward("cosine"), RangeError, "'maxLength' must be");
});
