import { initialize } from "../../ffi/library.ts";
import { ArithmeticTask } from "../../src/data/arithmetic.ts";
import { type MeasuredDifficulty } from "../../src/data/difficulty.ts";
import { encodeProblem } from "../../src/data/types.ts";
import {
  measureDifficulty,
  type MeasureDifficultyOptions,
} from "../../src/evaluation/difficulty.ts";
import { modelPresets } from "../../src/models/presets.ts";
import { randomModel } from "../../src/models/random.ts";
import { type Reward } from "../../src/rewards/reward.ts";
import { assert, assertEquals, assertRejects } from "../../src/std/assert.ts";
import { liveTensors } from "../../src/tensor/tensor.ts";
import { arithmeticTokenizer } from "../../src/tokenizer/arithmetic.ts";

/** A test that waits for rewards, and leaves no tensor alive. */
function measuringTest(name: string, fn: () => Promise<void>): void {
  Deno.test(name, async () => {
    await initialize({ threads: 1 });
    const before = liveTensors();
    await fn();
    assertEquals(liveTensors(), before, "tensors were left alive");
  });
}

const tokenizer = arithmeticTokenizer();
const problems = new ArithmeticTask().heldOut({ tiers: [2, 4], count: 5, seed: 1 })
  .map((problem) => encodeProblem(problem, tokenizer));

/** Solved where the first token is odd; never graded for one problem, nor a start with token 7. */
const parity: Reward = {
  name: "parity",
  score: ({ problem, completionIds }) =>
    problem.id === problems[2].id || completionIds[0] === 7
      ? { ungraded: "it cannot be" }
      : completionIds[0] % 2,
};

async function measure(change: Partial<MeasureDifficultyOptions> = {}) {
  using model = randomModel(modelPresets.arithmetic, { seed: 1 });
  const found: MeasuredDifficulty[] = [];
  const batches: number[] = [];
  const firsts = new Map<string, number[]>(problems.map(({ id }) => [id, []]));
  const reward: Reward = {
    name: "parity",
    score(sample, context) {
      firsts.get(sample.problem.id)!.push(sample.completionIds[0]);
      return parity.score(sample, context);
    },
  };
  let tokens = 0;
  await measureDifficulty({
    model,
    tokenizer,
    problems,
    reward,
    attempts: 6,
    generation: { temperature: 1, maxCompletionLength: 3, stopIds: [] },
    batchSize: 12,
    seed: 4,
    onMeasured: (measured, count) => {
      found.push(...measured);
      batches.push(measured.length);
      tokens += count;
    },
    ...change,
  });
  return { found, batches, firsts, tokens };
}

measuringTest("difficulty is the share of the graded attempts that failed", async () => {
  const { found, batches, firsts, tokens } = await measure();
  assertEquals(batches, [2, 2, 1]);
  assertEquals(tokens, 5 * 6 * 3);
  assertEquals(found.map(({ id }) => id), problems.map(({ id }) => id));
  for (const { id, attempts, failures, difficulty, reason } of found) {
    const first = firsts.get(id)!;
    assertEquals(first.length, 6);
    const graded = id === problems[2].id ? [] : first.filter((token) => token !== 7);
    assertEquals([attempts, failures], [
      graded.length,
      graded.filter((token) => token % 2 === 0).length,
    ]);
    assertEquals(difficulty, graded.length === 0 ? null : failures / attempts);
    assertEquals(reason, graded.length < 6 ? "it cannot be" : undefined);
  }
  assert(found.some(({ failures }) => failures > 0));
});

measuringTest("more attempts than fit at a time are made in parts, and differ", async () => {
  const { found, batches, firsts } = await measure({ attempts: 40, batchSize: 16 });
  assertEquals(batches, [1, 1, 1, 1, 1]);
  for (const first of firsts.values()) {
    assertEquals(first.length, 40);
    assert(first.slice(0, 16).join() !== first.slice(16, 32).join(), "parts repeat each other");
  }
  assert(found.every(({ attempts }) => attempts <= 40));
});

measuringTest("what is measured after an interruption is what would have been", async () => {
  const whole = await measure();
  const rest = await measure({ problems: problems.slice(2) });
  assertEquals(rest.found, whole.found.slice(2));
});

measuringTest("no attempts are refused", async () => {
  await assertRejects(() => measure({ attempts: 0 }), RangeError, "'attempts' must be");
  await assertRejects(() => measure({ batchSize: 0 }), RangeError, "'batchSize' must be");
});
