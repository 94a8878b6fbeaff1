/** The problems of a run, whatever its task: what a step trains on, and what is held out. */
import { ArithmeticTask } from "../data/arithmetic.ts";
import { curriculumBatch, sftBatch } from "../data/curriculum.ts";
import { type EncodedProblem, encodeProblem, type Problem } from "../data/types.ts";
import { createReward } from "../rewards/registry.ts";
import { validateGold } from "../rewards/score.ts";
import { type Tokenizer } from "../tokenizer/tokenizer.ts";
import { type Config } from "./config.ts";
import { stepSeed } from "./seed.ts";

/** Problems that are only evaluated. */
export interface Benchmark {
  /** Its name in eval.jsonl. */
  readonly name: string;
  /** Its problems, encoded as prompts of the model. */
  readonly problems: readonly EncodedProblem[];
}

/** The problems of a run. */
export interface RunProblems {
  /** Text to token ids and back. */
  readonly tokenizer: Tokenizer;
  /** Whether every prompt ends inside an open `<think>`. */
  readonly opensThink: boolean;
  /** Steps of the warm start. */
  readonly sftSteps: number;
  /** Steps of reinforcement learning. */
  readonly maxSteps: number;
  /** The P problems of step k, in the order of the curriculum. */
  problems(step: number): EncodedProblem[];
  /** The solutions of step k of the warm start. */
  solutions(step: number): EncodedProblem[];
  /** What is held out. */
  readonly benchmarks: readonly Benchmark[];
  /** What a person should know before the run. */
  readonly notes: readonly string[];
  /** What was read and left out, for data.json; null for the built-in task. */
  readonly report: DataSummary | null;
}

/** What became of a run's data. */
export interface DataSummary {
  /** Digest of the problems in use: a run is resumed only with the same ones. */
  readonly fingerprint: string;
  /** The same as text, a line each. */
  readonly lines: readonly string[];
  /** Every count, for data.json. */
  readonly counts: unknown;
}

/** P, the problems of a step. */
export function problemsPerStep(config: Config): number {
  return config.per_device_train_batch_size * config.gradient_accumulation_steps /
    config.num_generations;
}

/** The built-in task: endless problems, each a function of seed and step. */
export async function arithmeticProblems(
  config: Config,
  tokenizer: Tokenizer,
): Promise<RunProblems> {
  const { seed } = config;
  const task = new ArithmeticTask();
  const encode = (problems: Problem[]) =>
    problems.map((problem) =>
      encodeProblem(problem, tokenizer, { includeAnswer: config.guidance.include_answer })
    );
  const heldOut = task.heldOut({
    tiers: config.data.tiers,
    count: config.eval.num_problems,
    seed: stepSeed(seed, "held-out", 0),
  });
  const unsound = await validateGold(heldOut, [createReward("accuracy")]);
  if (unsound.length > 0) {
    throw new Error(`Cannot evaluate: problem '${unsound[0].problem.id}': ${unsound[0].reason}`);
  }
  const order = config.data.curriculum === "random" ? "random" : "easy_to_hard";
  return {
    tokenizer,
    opensThink: false,
    sftSteps: config.sft.steps,
    maxSteps: config.max_steps,
    problems: (step) =>
      encode(curriculumBatch(task, step, {
        seed,
        count: problemsPerStep(config),
        maxSteps: config.max_steps,
        tiers: config.data.tiers,
        order,
      })),
    solutions: (step) =>
      encode(sftBatch(task, seed, step, config.sft.batch_size, config.sft.mixture)),
    benchmarks: [{ name: config.data.task, problems: encode(heldOut) }],
    notes: [],
    report: null,
  };
}
