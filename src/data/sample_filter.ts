/**
 * The sample filters of the G²RPO-A paper's Table 8: what is compared with keeping hard problems and
 * guiding them. The paper finds both worse on hard test problems.
 */

import { orderProblems } from "./order.ts";

/** What becomes of hard problems: left out, or each replaced by one of moderate difficulty. */
export type SampleFilter = "remove" | "replace";

/** Options of {@linkcode filterHardProblems}. */
export interface SampleFilterOptions {
  /** What becomes of hard problems. */
  readonly filter: SampleFilter;
  /**
   * A problem of a higher tier is hard. The tier may be a measured difficulty (see
   * {@linkcode withDifficulty}): the bound is then a share of failures.
   */
  readonly hardTier: number;
  /**
   * `replace`: a problem of this tier or a higher one that is not hard is moderate. Default: the
   * median tier of those that are not hard, so their harder half.
   */
  readonly moderateTier?: number;
  /** `replace`: seed of the choice among moderate problems. Default: 0. */
  readonly seed?: number;
}

/** What {@linkcode filterHardProblems} did, in numbers of problems. */
export interface SampleFilterReport {
  /** What became of hard problems. */
  readonly filter: SampleFilter;
  /** Problems before. */
  readonly before: number;
  /** Problems after. */
  readonly after: number;
  /** Hard problems: those left out or replaced. */
  readonly hard: number;
  /** `replace`: problems that hard ones could be replaced by. */
  readonly moderate: number;
  /** `replace`: how many of those were taken; fewer than `hard` means that some were taken again. */
  readonly substitutes: number;
}

/**
 * Leaves hard problems out, or replaces each in its place by a moderate one. All moderate problems
 * are taken once, in seeded random order, before one is taken again.
 *
 * @throws {RangeError} where nothing would be left, there is no moderate problem for a hard one, or
 * a tier or bound is no finite number.
 */
export function filterHardProblems<P extends { readonly id: string; readonly tier: number }>(
  problems: readonly P[],
  options: SampleFilterOptions,
): { problems: P[]; report: SampleFilterReport } {
  const { filter, hardTier, seed = 0 } = options;
  const fail = (reason: string) => new RangeError(`Cannot ${filter} hard problems as ${reason}`);
  if (!Number.isFinite(hardTier)) {
    throw fail(`'hardTier' must be a finite number: current value is ${hardTier}`);
  }
  const odd = problems.find(({ tier }) => !Number.isFinite(tier));
  if (odd !== undefined) {
    throw fail(`each tier must be a finite number: that of problem '${odd.id}' is ${odd.tier}`);
  }
  const others = problems.filter(({ tier }) => tier <= hardTier);
  const hard = problems.length - others.length;
  if (others.length === 0) {
    throw fail(`none is of tier ${hardTier} or below: all ${hard} are hard`);
  }
  const report = { filter, before: problems.length, hard };
  if (filter === "remove") {
    return {
      problems: others,
      report: { ...report, after: others.length, moderate: 0, substitutes: 0 },
    };
  }

  const moderateTier = options.moderateTier ?? median(others.map(({ tier }) => tier));
  const moderate = others.filter(({ tier }) => tier >= moderateTier);
  if (moderate.length === 0) {
    throw fail(`none is of moderate difficulty: of a tier from ${moderateTier} to ${hardTier}`);
  }
  const order = hard === 0 ? [] : orderProblems(moderate, { total: hard, seed, order: "random" });
  let next = 0;
  return {
    problems: problems.map((problem) =>
      problem.tier <= hardTier ? problem : moderate[order[next++]]
    ),
    report: {
      ...report,
      after: problems.length,
      moderate: moderate.length,
      substitutes: Math.min(hard, moderate.length),
    },
  };
}

/** The middle value; of two middle values the lower. */
function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
}
