import { ArithmeticTask } from "../../src/data/arithmetic.ts";
import { Random } from "../../src/data/random.ts";
import { createReward } from "../../src/rewards/registry.ts";
import type { Reward, RewardSample } from "../../src/rewards/reward.ts";
import { scoreRollouts, validateGold } from "../../src/rewards/score.ts";
import { assertEquals, assertRejects } from "../../src/std/assert.ts";

const task = new ArithmeticTask();
const problem = task.build(87, [["*", 5], ["+", 6], ["-", 7]]);

/** The rewards that the built-in task's gold solutions satisfy. */
const NAMES = ["accuracy", "format", "tag_count"] as const;

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
  const rewards = NAMES.map((name, i) => ({
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
  assertEquals(await validateGold(problems, NAMES.map((name) => createReward(name))), []);
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

Deno.test("scoreRollouts: a reward may ask for another's score, which is made once", async () => {
  let asked = 0;
  const counted: Reward = {
    name: "counted",
    score({ completion }) {
      asked++;
      return completion === "?" ? { ungraded: "unsure" } : completion.length;
    },
  };
  const twice: Reward = {
    name: "twice",
    async score(_, { scoreOf }) {
      const score = await scoreOf("counted");
      return typeof score === "number" ? 2 * score : score;
    },
  };
  const weighted = [twice, counted].map((reward) => ({ reward, weight: 1 }));
  const scores = await scoreRollouts([sample("abc"), sample("?")], weighted);
  assertEquals(scores.map(({ values }) => values), [
    { twice: 6, counted: 3 },
    { twice: null, counted: null },
  ]);
  assertEquals(asked, 2);
  await assertRejects(
    () => scoreRollouts([sample("abc")], [{ reward: twice, weight: 1 }]),
    Error,
    "there is no reward 'counted'",
  );
});

Deno.test("scoreRollouts: rewards that wait for each other are refused, whoever asks first", async () => {
  const asking = (name: string, of: string, later: boolean): Reward => ({
    name,
    async score(_, { scoreOf }) {
      if (later) await new Promise((resolve) => setTimeout(resolve, 1));
      return await scoreOf(of);
    },
  });
  for (const later of [true, false]) {
    const rewards = [asking("a", "b", later), asking("b", "c", !later), asking("c", "a", true)];
    await assertRejects(
      () => scoreRollouts([sample("")], rewards.map((reward) => ({ reward, weight: 1 }))),
      Error,
      "which waits for its own",
    );
  }
});

Deno.test("scoreRollouts: what takes too long is given up, told so, and stays ungraded", async () => {
  const told: unknown[] = [];
  const slow: Reward = {
    name: "slow",
    timeoutMs: 20,
    score({ completion }, { signal }) {
      if (completion === "quick") return Promise.resolve(1);
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => {
          told.push(signal.reason.message);
          reject(signal.reason);
        })
      );
    },
  };
  const scores = await scoreRollouts(
    [sample("quick"), sample("never")],
    [{ reward: slow, weight: 1 }],
  );
  assertEquals(scores.map(({ total }) => total), [1, null]);
  assertEquals(scores[1].ungraded, { slow: "it took over 0.02 s" });
  assertEquals(told, ["Reward 'slow' took over 0.02 s"]);
});

Deno.test("scoreRollouts: a group is G samples, or neighbours with the same problem", async () => {
  const other = { ...problem };
  const samples = [problem, problem, other, other, other].map((problem, i) => ({
    ...sample(String(i)),
    problem,
  }));
  const grouped: Reward = {
    name: "grouped",
    score: (_, { group }) => Number(group.map(({ completion }) => completion).join("")),
  };
  const groups = async (options = {}) =>
    (await scoreRollouts(samples, [{ reward: grouped, weight: 1 }], options))
      .map(({ total }) => total);
  assertEquals(await groups(), [1, 1, 234, 234, 234]);
  assertEquals(await groups({ numGenerations: 1 }), [0, 1, 2, 3, 4]);
});

Deno.test("validateGold: without a reference program only what nobody could grade is left out", async () => {
  const tests = (language: string) => ({ kind: "stdin", language, cases: [] }) as const;
  const bare = [
    { ...problem, id: "a", answer: "", tests: tests("python") },
    { ...problem, id: "b", answer: "", tests: tests("cobol") },
    { ...problem, id: "c", answer: "print(1)", tests: tests("python") },
  ];
  const judge: Reward = {
    name: "judge",
    score: ({ problem }) => problem.tests?.language === "cobol" ? { ungraded: "no cobol" } : 0,
  };
  const failures = await validateGold(bare, [judge]);
  assertEquals(failures.map(({ problem, reason }) => [problem.id, reason]), [
    ["b", "no cobol"],
    ["c", "its gold solution scored 0"],
  ]);
});
