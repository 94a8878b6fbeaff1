/** Measures how difficult problems are for a model: many attempts at each, graded. */
import { type MeasuredDifficulty } from "../data/difficulty.ts";
import { Random } from "../data/random.ts";
import { type Problem } from "../data/types.ts";
import { generate, type GenerateOptions, requireFinite } from "../engine/generate.ts";
import { type CausalLM } from "../models/model.ts";
import { type Reward, type RewardSample } from "../rewards/reward.ts";
import { type SampleScore, scoreRollouts } from "../rewards/score.ts";
import { manualSeed } from "../tensor/tensor.ts";
import { type Tokenizer } from "../tokenizer/tokenizer.ts";

/** A problem that can be attempted. */
export interface PromptedProblem extends Problem {
  /** Token ids of the prompt. */
  readonly promptIds: readonly number[];
}

/** What {@linkcode measureDifficulty} needs. */
export interface MeasureDifficultyOptions {
  /** The model, as it is. */
  readonly model: CausalLM;
  /** Its tokenizer. */
  readonly tokenizer: Tokenizer;
  /** The problems to measure. */
  readonly problems: readonly PromptedProblem[];
  /** What grades an attempt: below 1 it failed. */
  readonly reward: Reward;
  /** Whether the prompts end inside an open `<think>`, which the reward then sees before each completion. */
  readonly promptOpensThink?: boolean;
  /** Attempts at each problem. */
  readonly attempts: number;
  /** How attempts are sampled. */
  readonly generation: GenerateOptions;
  /** Attempts generated at a time: several problems, or a part of one. */
  readonly batchSize: number;
  /** Non-negative integer. */
  readonly seed: number;
  /** Told of each batch of problems when all their attempts are graded, and of its sampled tokens. */
  readonly onMeasured: (measured: readonly MeasuredDifficulty[], tokens: number) => void;
}

/**
 * Attempts every problem and hands over its difficulty, the share of failed attempts. An attempt
 * that cannot be graded is neither: it is left out of the share and its reason is kept.
 */
export async function measureDifficulty(options: MeasureDifficultyOptions): Promise<void> {
  const { problems, attempts, batchSize } = options;
  for (const [name, value] of Object.entries({ attempts, batchSize })) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    throw new RangeError(
      `Cannot measure difficulty as '${name}' must be a positive integer: current value is ${value}`,
    );
  }
  const together = Math.max(1, Math.floor(batchSize / attempts));
  for (let at = 0; at < problems.length; at += together) {
    const batch = problems.slice(at, at + together);
    const scores: SampleScore[][] = batch.map(() => []);
    let tokens = 0;
    for (let made = 0; made < attempts; made += batchSize) {
      const count = Math.min(batchSize, attempts - made);
      const samples = attempt(batch, count, made, options);
      const graded = await scoreRollouts(samples, [{ reward: options.reward, weight: 1 }], {
        promptOpensThink: options.promptOpensThink,
      });
      for (const [i, score] of graded.entries()) scores[Math.floor(i / count)].push(score);
      for (const { completionIds } of samples) tokens += completionIds.length;
    }
    options.onMeasured(
      batch.map(({ id }, i) => difficultyOf(id, scores[i], options.reward.name)),
      tokens,
    );
  }
}

/** `count` completions of each problem. The same problems and count of attempts before give the same. */
function attempt(
  batch: readonly PromptedProblem[],
  count: number,
  made: number,
  { model, tokenizer, generation, seed }: MeasureDifficultyOptions,
): RewardSample[] {
  manualSeed(new Random(seed, "difficulty", batch[0].id, made).int(2 ** 32));
  const prefixes = Array.from({ length: count }, () => []);
  const groups = batch.map(({ promptIds }) => ({ promptIds, prefixes }));
  const rollouts = generate(model, groups, generation);
  requireFinite(rollouts);
  return rollouts.map(({ completionIds }, i) => {
    const problem = batch[Math.floor(i / count)];
    const completion = tokenizer.decode(completionIds, {
      skipSpecialTokens: true,
      allowUnknown: true,
    });
    return { prompt: problem.prompt, completion, completionIds, given: 0, problem };
  });
}

function difficultyOf(
  id: string,
  scores: readonly SampleScore[],
  reward: string,
): MeasuredDifficulty {
  const graded = scores.map(({ values }) => values[reward]).filter((score) => score !== null);
  const failures = graded.filter((score) => score < 1).length;
  const attempts = graded.length;
  const difficulty = attempts === 0 ? null : failures / attempts;
  const reason = scores.find(({ ungraded }) => ungraded[reward] !== undefined)?.ungraded[reward];
  return { id, attempts, failures, difficulty, reason };
}
