/** Scores completions that are there already, and what came of it as lines and as a table. */
import { type SampleScore, scoreRollouts, type WeightedReward } from "../rewards/score.ts";
import { type CompletionGroup } from "./completions_file.ts";
import { grouped, share, textTable } from "./format.ts";

/** A line of the output: one completion. */
export interface GradeLine {
  /** The problem's id. */
  readonly id: string;
  /** The completion's place among those of its problem, from 0. */
  readonly index: number;
  /** Each reward's score, unweighted; null where it could not grade. */
  readonly rewards: Readonly<Record<string, number | null>>;
  /** The weighted sum; null if a reward with a weight could not grade. */
  readonly total: number | null;
  /** Why, by reward, for every null in `rewards`; absent if there is none. */
  readonly ungraded?: Readonly<Record<string, string>>;
}

/** Samples that are scored at a time: enough for every process and sandbox, few enough for the memory. */
const window = 512;

/**
 * Scores groups in their order, several at a time, and yields the lines of each as soon as those before it are done.
 *
 * @throws {Error} if a reward fails, naming it and the problem.
 */
export async function* gradeCompletions(
  groups: Iterable<CompletionGroup>,
  rewards: readonly WeightedReward[],
  { promptOpensThink = false }: { readonly promptOpensThink?: boolean } = {},
): AsyncGenerator<GradeLine[]> {
  const started: { readonly group: CompletionGroup; readonly scores: Promise<SampleScore[]> }[] =
    [];
  let waiting = 0;
  const next = async () => {
    const { group, scores } = started.shift()!;
    waiting -= group.samples.length;
    return (await scores).map((score, index) => lineOf(group, score, index));
  };
  for (const group of groups) {
    const scores = scoreRollouts(group.samples, rewards, { promptOpensThink });
    scores.catch(() => {}); // it is looked at in its turn
    started.push({ group, scores });
    waiting += group.samples.length;
    while (waiting >= window) yield await next();
  }
  while (started.length > 0) yield await next();
}

function lineOf({ problem }: CompletionGroup, score: SampleScore, index: number): GradeLine {
  const { values, total, ungraded } = score;
  const line = { id: problem.id, index, rewards: values, total };
  return Object.keys(ungraded).length === 0 ? line : { ...line, ungraded };
}

/** Adds up lines. */
export class GradeSummary {
  readonly #rewards: readonly WeightedReward[];
  readonly #sums = new Map<string, { sum: number; graded: number; ungraded: number }>();
  readonly #reasons = new Map<string, number>();

  /** The rewards by which it is graded. */
  constructor(rewards: readonly WeightedReward[]) {
    this.#rewards = rewards;
  }

  /** Counts a line. */
  add({ rewards, total, ungraded = {} }: GradeLine): void {
    for (const [name, score] of [...Object.entries(rewards), ["", total] as const]) {
      const sums = this.#sums.get(name) ?? { sum: 0, graded: 0, ungraded: 0 };
      this.#sums.set(name, sums);
      if (score === null) sums.ungraded++;
      else {
        sums.sum += score;
        sums.graded++;
      }
    }
    for (const [name, reason] of Object.entries(ungraded)) {
      const key = `${name}: ${reason}`;
      this.#reasons.set(key, (this.#reasons.get(key) ?? 0) + 1);
    }
  }

  /** Completions with a total. */
  get graded(): number {
    return this.#sums.get("")?.graded ?? 0;
  }

  /** Means and counts by reward, and the commonest reasons why something was not graded. */
  toString(): string {
    const row = (label: string, weight: string, name: string) => {
      const { sum, graded, ungraded } = this.#sums.get(name) ?? { sum: 0, graded: 0, ungraded: 0 };
      const mean = graded === 0 ? null : sum / graded;
      return [label, weight, share(mean, 4), grouped(graded), grouped(ungraded)];
    };
    const table = textTable([
      ["reward", "weight", "mean", "graded", "ungraded"],
      ...this.#rewards.map(({ reward: { name }, weight }) => row(name, String(weight), name)),
      row("total", "", ""),
    ]);
    const reasons = [...this.#reasons].sort(([, a], [, b]) => b - a);
    const lines = reasons.slice(0, shownReasons).map(([reason, count]) =>
      `  ${grouped(count)} × ${reason}`
    );
    if (reasons.length > shownReasons) {
      lines.push(`  and ${grouped(reasons.length - shownReasons)} other reasons`);
    }
    return [table, ...(lines.length === 0 ? [] : ["ungraded:", ...lines])].join("\n");
  }
}

const shownReasons = 10;
