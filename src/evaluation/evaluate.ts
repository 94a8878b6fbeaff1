/** Held-out evaluation: completions without guidance, graded by a reward. */
import { type EncodedProblem } from "../data/types.ts";
import {
  generate,
  type GenerateOptions,
  generateYielding,
  requireFinite,
} from "../engine/generate.ts";
import { type CausalLM } from "../models/model.ts";
import { type Reward } from "../rewards/reward.ts";
import { type SampleScore, scoreRollouts } from "../rewards/score.ts";
import { type Tokenizer } from "../tokenizer/tokenizer.ts";

/** What {@linkcode evaluate} needs. */
export interface EvaluateOptions {
  /** The model, as it is. */
  readonly model: CausalLM;
  /** Its tokenizer. */
  readonly tokenizer: Tokenizer;
  /** Problems that training never sees. */
  readonly problems: readonly EncodedProblem[];
  /** What grades a completion; its mean is the accuracy. */
  readonly reward: Reward;
  /** Whether the prompts end inside an open `<think>`, which the reward then sees before each completion. */
  readonly promptOpensThink?: boolean;
  /** How completions are sampled. */
  readonly generation: GenerateOptions;
  /** Problems generated at a time. */
  readonly batchSize: number;
  /** Told after each batch. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** A line of eval.jsonl, without its step and benchmark. */
export interface Evaluation {
  /** Mean reward over the graded problems; null if none could be graded. */
  readonly accuracy: number | null;
  /** Graded problems. */
  readonly n: number;
  /** Standard error of the accuracy; null without a graded problem. */
  readonly stderr: number | null;
  /** Problems that could not be graded. */
  readonly ungraded: number;
  /** Mean tokens of a completion. */
  readonly meanLength: number;
  /** The completions, in the order of the problems. */
  readonly completions: readonly string[];
  /** The reward of each completion; null where it could not be graded. */
  readonly scores: readonly (number | null)[];
}

/** Generates and grades one completion a problem; a batch is graded while the next one is generated. */
export async function evaluate(options: EvaluateOptions): Promise<Evaluation> {
  const { model, tokenizer, problems, reward, generation, batchSize, promptOpensThink } = options;
  const completions: string[] = [], scores: (number | null)[] = [];
  let tokens = 0, grading: Promise<SampleScore[]> = Promise.resolve([]);
  const graded = async () => {
    for (const { values } of await grading) scores.push(values[reward.name]);
    options.onProgress?.(scores.length, problems.length);
  };
  for (let at = 0; at < problems.length; at += batchSize) {
    const batch = problems.slice(at, at + batchSize);
    const groups = batch.map(({ promptIds }) => ({ promptIds, prefixes: [[]] }));
    const rollouts = at === 0
      ? generate(model, groups, generation)
      : await generateYielding(model, groups, generation);
    requireFinite(rollouts);
    if (at > 0) await graded();
    const samples = rollouts.map(({ completionIds }, i) => ({
      prompt: batch[i].prompt,
      completion: tokenizer.decode(completionIds, { skipSpecialTokens: true, allowUnknown: true }),
      completionIds,
      given: 0,
      problem: batch[i],
    }));
    grading = scoreRollouts(samples, [{ reward, weight: 1 }], {
      promptOpensThink,
      numGenerations: 1,
    });
    grading.catch(() => {}); // a failure is told where the scores are waited for
    for (const sample of samples) {
      completions.push(sample.completion);
      tokens += sample.completionIds.length;
    }
  }
  await graded();
  const accuracy = accuracyOf(scores);
  return {
    ...accuracy,
    ungraded: scores.length - accuracy.n,
    meanLength: tokens / problems.length,
    completions,
    scores,
  };
}

/** Mean and standard error of the graded scores, and how many they are. */
export function accuracyOf(
  scores: readonly (number | null)[],
): Pick<Evaluation, "accuracy" | "n" | "stderr"> {
  const graded = scores.filter((score) => score !== null);
  const n = graded.length;
  if (n === 0) return { accuracy: null, n, stderr: null };
  const accuracy = graded.reduce((a, b) => a + b, 0) / n;
  const variance = graded.reduce((a, b) => a + (b - accuracy) ** 2, 0) / n;
  return { accuracy, n, stderr: Math.sqrt(variance / n) };
}
