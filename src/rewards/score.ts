/** Scores rollouts with the rewards of a run, and checks that gold answers score 1. */

import { type Problem, solutionText } from "../data/types.ts";
import {
  type Reward,
  type RewardContext,
  type RewardSample,
  type Ungraded,
  ungraded,
} from "./reward.ts";

/** Milliseconds for which the score of a reward is waited for that sets no limit of its own. */
const defaultTimeoutMs = 60_000;

/** A reward with its weight in the total. */
export interface WeightedReward {
  /** The reward. */
  readonly reward: Reward;
  /** Finite; 0 measures a reward without training on it. */
  readonly weight: number;
}

/** Options of {@linkcode scoreRollouts}. */
export interface ScoreOptions {
  /**
   * The prompt's template already opens `<think>`, so completions begin inside it: rewards then see
   * `<think>` put before each completion.
   */
  readonly promptOpensThink?: boolean;
  /** Samples of a group, G. Default: neighbours with the same problem are a group. */
  readonly numGenerations?: number;
}

/** The scores of one sample. */
export interface SampleScore {
  /** The weighted sum of the rewards; null if one that has a weight could not grade the sample. */
  readonly total: number | null;
  /** Each reward's own score by its name, unweighted; null where it could not grade the sample. */
  readonly values: Readonly<Record<string, number | null>>;
  /** Why, by the reward's name, for every null in `values`. */
  readonly ungraded: Readonly<Record<string, string>>;
}

/** A problem whose gold solution does not score 1. */
export interface GoldFailure {
  /** The problem. */
  readonly problem: Problem;
  /** The name of the reward that it fails under. */
  readonly reward: string;
  /** What that reward said. */
  readonly reason: string;
}

function checkRewards(rewards: readonly WeightedReward[]): void {
  if (rewards.length === 0) {
    throw new Error("Cannot score rollouts as 'rewards' must name at least one reward");
  }
  const names = rewards.map(({ reward }) => reward.name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new Error(`Cannot score rollouts as reward '${twice}' is given twice`);
  }
  for (const { reward, weight } of rewards) {
    if (!Number.isFinite(weight)) {
      throw new Error(
        `Cannot score rollouts as the weight of reward '${reward.name}' must be a finite number: ` +
          `current value is ${weight}`,
      );
    }
  }
}

/** A number, or in words why there is none. */
type Grade = number | string;

/** One reward's score of one sample. */
async function grade(
  reward: Reward,
  sample: RewardSample,
  index: number,
  context: Omit<RewardContext, "signal">,
): Promise<Grade> {
  const where = `Reward '${reward.name}' failed on sample ${index} (problem ${sample.problem.id})`;
  let score: Awaited<ReturnType<Reward["score"]>>;
  try {
    score = await limited(reward, (signal) => reward.score(sample, { ...context, signal }));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${where}: ${reason}`, { cause: error });
  }
  if (typeof score === "object" && score !== null && typeof score.ungraded === "string") {
    return score.ungraded;
  }
  if (!Number.isFinite(score)) {
    throw new Error(`${where}: a score must be a finite number: current value is ${score}`);
  }
  return score as number;
}

/** What a reward gives within its time, which begins when it gives up the thread for the first time. */
async function limited(
  { name, timeoutMs = defaultTimeoutMs }: Reward,
  score: (signal: AbortSignal) => ReturnType<Reward["score"]>,
): Promise<Awaited<ReturnType<Reward["score"]>>> {
  const abort = new AbortController();
  const result = score(abort.signal);
  if (timeoutMs === null || !(result instanceof Promise)) return result;
  const { promise, resolve } = Promise.withResolvers<Awaited<ReturnType<Reward["score"]>>>();
  const timer = setTimeout(() => {
    // First, since a reward may answer the abort by failing.
    resolve(ungraded(`it took over ${timeoutMs / 1000} s`));
    abort.abort(new Error(`Reward '${name}' took over ${timeoutMs / 1000} s`));
  }, timeoutMs);
  try {
    return await Promise.race([result, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Scores rollouts (P×G samples in group order; the result has the same order). All rewards of all
 * samples run at once, so a reward that starts processes limits their number itself.
 *
 * A sample that cannot be graded keeps its reasons and never becomes a 0. Throws if a reward throws
 * or gives anything but a finite number, naming the reward and the sample; where several do, it
 * is the first in order, once all have ended.
 */
export async function scoreRollouts(
  samples: readonly RewardSample[],
  rewards: readonly WeightedReward[],
  options: ScoreOptions = {},
): Promise<SampleScore[]> {
  checkRewards(rewards);
  const seen = options.promptOpensThink
    ? samples.map((sample) => ({ ...sample, completion: `<think>${sample.completion}` }))
    : samples;
  const groups = groupsOf(seen, options.numGenerations);
  const all = seen.map((sample, index) => {
    const grading = new SampleGrading(sample, index, groups[index], rewards);
    return rewards.map(({ reward }) => grading.by(reward.name));
  });
  const grades = await Promise.allSettled(all.flat());
  const failed = grades.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  const scores = grades.map((result) => (result as PromiseFulfilledResult<Grade>).value);

  return samples.map((_, index) => {
    let total: number | null = 0;
    const values: Record<string, number | null> = {};
    const reasons: Record<string, string> = {};
    for (const [i, { reward, weight }] of rewards.entries()) {
      const score = scores[index * rewards.length + i];
      if (typeof score === "string") {
        values[reward.name] = null;
        reasons[reward.name] = score;
        if (weight !== 0) total = null;
      } else {
        values[reward.name] = score;
        if (total !== null) total += weight * score;
      }
    }
    return { total, values, ungraded: reasons };
  });
}

/** The grades of one sample, each made once, also where rewards ask for each other's. */
class SampleGrading {
  readonly #grades = new Map<string, Promise<Grade>>();
  /** Which reward waits for which. */
  readonly #waits: [by: string, of: string][] = [];

  constructor(
    readonly sample: RewardSample,
    readonly index: number,
    readonly group: readonly RewardSample[],
    readonly rewards: readonly WeightedReward[],
  ) {}

  by(name: string): Promise<Grade> {
    const known = this.#grades.get(name);
    if (known !== undefined) return known;
    const { reward } = this.rewards.find(({ reward }) => reward.name === name)!;
    const made = grade(reward, this.sample, this.index, {
      group: this.group,
      scoreOf: (of) => this.#scoreOf(of, name),
    });
    this.#grades.set(name, made);
    return made;
  }

  async #scoreOf(of: string, by: string): Promise<number | Ungraded> {
    const names = this.rewards.map(({ reward }) => reward.name);
    if (!names.includes(of)) {
      throw new Error(`there is no reward '${of}' to ask for its score: the run's are ${names}`);
    }
    if (this.#waitsFor(of, by)) {
      throw new Error(`it asks for the score of '${of}', which waits for its own`);
    }
    this.#waits.push([by, of]);
    const value = await this.by(of);
    return typeof value === "string" ? ungraded(value) : value;
  }

  /** Whether a reward is another one, or waits for it. */
  #waitsFor(one: string, other: string): boolean {
    return one === other ||
      this.#waits.some(([by, of]) => by === one && this.#waitsFor(of, other));
  }
}

/** The group of each sample. */
function groupsOf(samples: readonly RewardSample[], size?: number): readonly RewardSample[][] {
  const groups: RewardSample[][] = [];
  for (const [index, sample] of samples.entries()) {
    const same = size === undefined
      ? index > 0 && samples[index - 1].problem === sample.problem
      : index % size !== 0;
    const group = same ? groups[index - 1] : [];
    group.push(sample);
    groups.push(group);
  }
  return groups;
}

/**
 * Scores every problem's gold solution (its trace and gold answer) and returns the rows that do not
 * get exactly 1, with the reason. Such a row is reported and left out when data is loaded: it would
 * teach that right is wrong. A programming problem without a reference solution has none to score: it
 * is returned only if nothing that is said to it could be graded.
 *
 * The samples have no token ids, since a gold solution is judged by its text.
 */
export async function validateGold(
  problems: readonly Problem[],
  rewards: readonly Reward[],
  options: ScoreOptions = {},
): Promise<GoldFailure[]> {
  const hasGold = ({ tests, answer }: Problem) => tests === undefined || answer !== "";
  const samples = problems.map((problem): RewardSample => ({
    prompt: problem.prompt,
    completion: hasGold(problem) ? solutionText(problem) : "",
    completionIds: [],
    given: 0,
    problem,
  }));
  const scores = await scoreRollouts(
    samples,
    rewards.map((reward) => ({ reward, weight: 1 })),
    { ...options, numGenerations: 1 },
  );
  return problems.flatMap((problem, index) =>
    rewards.flatMap(({ name }): GoldFailure[] => {
      const { values, ungraded } = scores[index];
      if (values[name] === 1 || (values[name] !== null && !hasGold(problem))) return [];
      const reason = ungraded[name] ?? `its gold solution scored ${values[name]}`;
      return [{ problem, reward: name, reason }];
    })
  );
}
