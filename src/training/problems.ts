/** The problems of a run, whatever its task: what a step trains on, and what is held out. */
import { ArithmeticTask } from "../data/arithmetic.ts";
import { type BuiltInTask } from "../data/built_in_task.ts";
import { curriculumBatch, sftBatch } from "../data/curriculum.ts";
import { type EncodedProblem, encodeProblem, type Problem } from "../data/types.ts";
import { ProgrammingTask } from "../data/programming.ts";
import { type Reward } from "../rewards/reward.ts";
import { validateGold } from "../rewards/score.ts";
import { arithmeticTokenizer } from "../tokenizer/arithmetic.ts";
import { programmingTokenizer } from "../tokenizer/programming.ts";
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

/** The name of a built-in task. */
export type TaskName = Exclude<Config["data"]["task"], "dataset">;

/** The built-in tasks, each with the tokenizer of its own vocabulary. */
const tasks: Readonly<Record<TaskName, () => { task: BuiltInTask; tokenizer: Tokenizer }>> = {
  arithmetic: () => ({ task: new ArithmeticTask(), tokenizer: arithmeticTokenizer() }),
  programming: () => ({ task: new ProgrammingTask(), tokenizer: programmingTokenizer() }),
};

/** Held-out problems whose gold solution is tried before a run: the task builds them all in one way. */
const triedProblems = 16;

/**
 * The problems of a built-in task: endless, each a function of seed and step.
 *
 * @param judge What says whether a gold solution is right.
 * @param loaded The tokenizer of a model that was loaded; null for the task's own.
 */
export async function taskProblems(
  config: Config,
  name: TaskName,
  judge: Reward,
  loaded: Tokenizer | null,
): Promise<RunProblems> {
  const { seed } = config;
  const { task, tokenizer: own } = tasks[name]();
  const tokenizer = loaded ?? own;
  const encode = (problems: Problem[]) =>
    problems.map((problem) =>
      encodeProblem(problem, tokenizer, { includeAnswer: config.guidance.include_answer })
    );
  const heldOut = task.heldOut({
    tiers: config.data.tiers,
    count: config.eval.num_problems,
    seed: stepSeed(seed, "held-out", 0),
  });
  const unsound = await validateGold(heldOut.slice(0, triedProblems), [judge]);
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
    benchmarks: [{ name, problems: encode(heldOut) }],
    notes: [],
    report: null,
  };
}
