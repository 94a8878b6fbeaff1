import type { Problem } from "../../src/data/types.ts";
import type { WeightedSpec } from "../../src/rewards/registry.ts";
import { RewardSet } from "../../src/rewards/reward_set.ts";
import { scoreRollouts } from "../../src/rewards/score.ts";
import { assertEquals, assertRejects } from "../../src/std/assert.ts";
import { withFolder } from "../data/support.ts";

const sum: Problem = { id: "sum", prompt: "1+1", answer: "2", trace: "", tier: 1 };
const program: Problem = {
  id: "program",
  prompt: "print 2",
  answer: "",
  trace: "",
  tier: 1,
  tests: { kind: "stdin", language: "python", cases: [{ input: "", output: "2\n" }] },
};
const choice: Problem = {
  id: "choice",
  prompt: "Which holds?\n\nA. all of it\nB. none of it",
  answer: "B",
  trace: "",
  tier: 1,
};
const sandbox = { provider: "pyodide" } as const;

const specs: WeightedSpec[] = [
  { spec: { name: "code_format" }, weight: 1 },
  { spec: { name: "repetition_penalty", ngramSize: 2 }, weight: 0 },
];

function sample(problem: Problem, completion: string) {
  return { prompt: problem.prompt, completion, completionIds: [], given: 0, problem };
}

Deno.test("RewardSet: the judge asks the answer, the choice or the tests, and starts a sandbox only for these", async () => {
  await using set = await RewardSet.create(specs, sandbox);
  assertEquals(set.weighted.map(({ reward, weight }) => [reward.name, weight]), [
    ["code_format", 1],
    ["repetition_penalty", 0],
  ]);
  const judged = async (...samples: ReturnType<typeof sample>[]) =>
    (await scoreRollouts(samples, [{ reward: set.judge, weight: 1 }])).map(({ total }) => total);
  assertEquals(
    await judged(sample(sum, "<answer>2</answer>"), sample(sum, "<answer>3</answer>")),
    [1, 0],
  );
  // A letter is a name elsewhere: the answer of a problem without choices.
  const named = { ...choice, prompt: "Which point is it?" };
  const letter = "<answer>B. none of it</answer>";
  assertEquals(await judged(sample(choice, letter), sample(named, letter)), [1, 0]);
  assertEquals(set.usage, null);
  const answer = (code: string) => `<answer>\n\`\`\`python\n${code}\n\`\`\`\n</answer>`;
  assertEquals(
    await judged(sample(program, answer("print(1+1)")), sample(program, answer("print(3)"))),
    [1, 0],
  );
  assertEquals([set.usage?.programs, set.usage?.failures], [2, 0]);
});

Deno.test("RewardSet: once disposed of, it starts no sandbox", async () => {
  const set = await RewardSet.create([], sandbox);
  await set[Symbol.asyncDispose]();
  const late = sample(program, "<answer>\n```python\nprint(2)\n```\n</answer>");
  await assertRejects(
    () => scoreRollouts([late], [{ reward: set.judge, weight: 1 }]),
    Error,
    "the rewards were disposed of",
  );
  assertEquals(set.usage, null);
});

Deno.test("RewardSet: a module that cannot be loaded is found before the first score", () =>
  withFolder(async (folder) => {
    const path = `${folder}/broken.ts`;
    await Deno.writeTextFile(path, "export default 3;");
    const broken = { spec: { name: "module", path } as const, weight: 1 };
    await assertRejects(() => RewardSet.create([broken], sandbox), Error, "default export");
  }));
