import { evaluate } from "../../src/evaluation/evaluate.ts";
import { type Reward } from "../../src/rewards/reward.ts";
import { assertAlmostEquals, assertEquals, assertRejects } from "../../src/std/assert.ts";
import { asyncTensorTest } from "../tensors.ts";
import { type SmallRun, smallRun } from "../training/small_run.ts";

/** Six problems, two at a time, by what `score` says of each by its place. */
async function evaluated(run: SmallRun, score: (place: number) => ReturnType<Reward["score"]>) {
  const problems = [0, 1, 2].flatMap((step) => run.problems(step));
  const reward: Reward = {
    name: "accuracy",
    score: ({ problem }) => score(problems.findIndex(({ id }) => id === problem.id)),
  };
  const progress: number[] = [];
  const evaluation = await evaluate({
    model: run.policy,
    tokenizer: run.tokenizer,
    problems,
    reward,
    promptOpensThink: false,
    batchSize: 2,
    generation: {
      temperature: 0,
      maxCompletionLength: 24,
      maxLength: run.policy.maxPositions,
      stopIds: run.stopIds,
    },
    onProgress: (done) => progress.push(done),
  });
  return { evaluation, progress };
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

asyncTensorTest("scores stand in the order of the problems, whenever they come", async () => {
  using run = smallRun();
  const { evaluation, progress } = await evaluated(run, async (place) => {
    await after(5 * (6 - place));
    return place === 3 ? { ungraded: "no grader" } : place / 10;
  });
  assertEquals(evaluation.scores, [0, 0.1, 0.2, null, 0.4, 0.5]);
  assertEquals([evaluation.n, evaluation.ungraded], [5, 1]);
  assertAlmostEquals(evaluation.accuracy!, 0.24);
  assertEquals(evaluation.completions.length, 6);
  assertEquals(progress, [2, 4, 6]);
});

asyncTensorTest("a reward that fails while the next batch is generated ends it", async () => {
  using run = smallRun();
  const failing = evaluated(run, async () => {
    await after(1);
    throw new Error("kaput");
  });
  await assertRejects(() => failing, Error, "Reward 'accuracy' failed on sample 0");
});
