import { ArithmeticTask } from "../../src/data/arithmetic.ts";
import { Random } from "../../src/data/random.ts";
import { createReward } from "../../src/rewards/registry.ts";
import type { Reward, RewardSample } from "../../src/rewards/reward.ts";
import { scoreRollouts, validateGold } from "../../src/rewards/score.ts";
import { assertEquals, assertRejects } from "../../src/std/assert.ts";

const task = new ArithmeticTask();
const problem = task.build(87, [["*", 5], ["+", 6], ["-", 7]]);

/** The rewards that the built-in task's gold solutions satisfy. */
const NAMES = ["accuracy", "format", "tag_count"];

function sample(completion: string): RewardSample {
  return { prompt: problem.prompt, completion, completionIds: [], given: 0, problem };
}

/** A reward that does what its completion says. */
const puppet: Reward = {
  name: "puppet",
  score({ completion }) {
    if (completion.startsWith("throw")) throw new Error("the judge is out");
    if (completion === "ungraded") return { ungraded: "no sandbox" };
    if (completion === "later") return Promise.resolve(0.5);
    return Number(completion);
  },
};

Deno.test("scoreRollouts: totals are weighted sums, values are not weighted, order is kept", async () => {
  const rewards = ["accuracy", "format", "tag_count"].map((name, i) => ({
    reward: createReward(name),
    weight: [1, 0.5, 0][i],
  }));
  const scores = await scoreRollouts(
    [
      sample("<think>a</think><answer>34</answer>"),
      sample("x<think>a</think><answer>34</answer>"),
      sample("<think>"),
    ],
    rewards,
  );
  assertEquals(scores, [
    { total: 1.5, values: { accuracy: 1, format: 1, tag_count: 1 }, ungraded: {} },
    { total: 1, values: { accuracy: 1, format: 0, tag_count: 1 }, ungraded: {} },
    { total: 0, values: { accuracy: 0, format: 0, tag_count: 0.25 }, ungraded: {} },
  ]);
});

Deno.test("scoreRollouts: what cannot be graded has no total and keeps its reason", async () => {
  const samples = [sample("later"), sample("ungraded"), sample("2")];
  const tagCount = createReward("tag_count");
  assertEquals(
    await scoreRollouts(samples, [{ reward: puppet, weight: 2 }, { reward: tagCount, weight: 1 }]),
    [
      { total: 1, values: { puppet: 0.5, tag_count: 0 }, ungraded: {} },
      {
        total: null,
        values: { puppet: null, tag_count: 0 },
        ungraded: { puppet: "no sandbox" },
      },
      { total: 4, values: { puppet: 2, tag_count: 0 }, ungraded: {} },
    ],
  );
  // A reward that is only measured takes nothing from the total.
  const measured = await scoreRollouts(samples, [
    { reward: puppet, weight: 0 },
    { reward: tagCount, weight: 1 },
  ]);
  assertEquals(measured.map((score) => score.total), [0, 0, 0]);
  assertEquals(measured[1].ungraded, { puppet: "no sandbox" });
});

Deno.test("scoreRollouts: an exception is a failure that names reward and sample", async () => {
  await assertRejects(
    () => scoreRollouts([sample("1"), sample("throw")], [{ reward: puppet, weight: 1 }]),
    Error,
    "Reward 'puppet' failed on sample 1 (problem arithmetic/87*5+6-7): the judge is out",
  );
});

Deno.test("scoreRollouts: a score that is no finite number is refused", async () => {
  for (const text of ["NaN", "Infinity", "-Infinity"]) {
    await assertRejects(
      () => scoreRollouts([sample(text)], [{ reward: puppet, weight: 1 }]),
      Error,
      `a score must be a finite number: current value is ${text}`,
    );
  }
});

Deno.test("scoreRollouts: rewards see <think> put before where the prompt opened it", async () => {
  const rewards = [{ reward: createReward("format"), weight: 1 }];
  const given = [sample("a</think><answer>34</answer>")];
  assertEquals((await scoreRollouts(given, rewards))[0].total, 0);
  assertEquals((await scoreRollouts(given, rewards, { promptOpensThink: true }))[0].total, 1);
});

Deno.test("scoreRollouts: guidance is judged as part of the text", async () => {
  const guided = { ...sample("<think>87*5=35;35+6=41;</think><answer>34</answer>"), given: 15 };
  const rewards = NAMES.map((name) => ({ reward: createReward(name), weight: 1 }));
  assertEquals((await scoreRollouts([guided], rewards))[0].total, 3);
  const leaking = { ...sample("<think>87*5=35;<answer>34</answer>"), given: 15 };
  assertEquals((await scoreRollouts([leaking], rewards))[0].values.accuracy, 0);
});

Deno.test("scoreRollouts: no rewards, a reward twice and a bad weight are refused", async () => {
  const one = { reward: puppet, weight: 1 };
  await assertRejects(() => scoreRollouts([], []), Error, "at least one reward");
  await assertRejects(() => scoreRollouts([], [one, one]), Error, "'puppet' is given twice");
  await assertRejects(
    () => scoreRollouts([], [{ ...one, weight: NaN }]),
    Error,
    "the weight of reward 'puppet' must be a finite number",
  );
  assertEquals(await scoreRollouts([], [one]), []);
});

Deno.test("validateGold: the task's own problems all score 1", async () => {
  const random = new Random(0);
  const problems = Array.from({ length: 200 }, (_, i) => task.problem(random, 1 + i % 8, "train"));
  assertEquals(await validateGold(problems, NAMES.map(createReward)), []);
});

Deno.test("validateGold: rows that fail are named with reward and reason", async () => {
  const prose = { ...problem, id: "prose", answer: "\\frac{34" };
  const wrong = { ...problem, id: "wrong", trace: "<think>a</think><answer>35</answer>" };
  const bare = { ...problem, id: "bare", trace: "a" };
  const failures = await validateGold([problem, prose, wrong, bare], [
    createReward("accuracy"),
    createReward("format"),
  ]);
  assertEquals(failures.map(({ problem, reward, reason }) => [problem.id, reward, reason]), [
    ["prose", "accuracy", "gold answer '\\frac{34' cannot be compared"],
    ["wrong", "accuracy", "its gold solution scored 0"],
    ["bare", "format", "its gold solution scored 0"],
  ]);
  const opened = await validateGold([bare], [createReward("format")], { promptOpensThink: true });
  assertEquals(opened, []);
});
