/** Held-out accuracy apart by difficulty. */
import { type EncodedProblem } from "../data/types.ts";
import { accuracyOf, evaluate, type EvaluateOptions } from "./evaluate.ts";

/** The evaluation of one tier, or of all together. */
export interface TierResult {
  /** The tier; null for all together. */
  readonly tier: number | null;
  /** Share solved; null if nothing could be graded. */
  readonly accuracy: number | null;
  /** Standard error of the accuracy. */
  readonly stderr: number | null;
  /** Problems graded. */
  readonly n: number;
  /** Mean tokens of a completion. */
  readonly meanLength: number;
}

/** A problem and what came of it. */
export interface GradedProblem {
  /** The problem. */
  readonly problem: EncodedProblem;
  /** The completion's text. */
  readonly completion: string;
  /** Its reward; null where it could not be graded. */
  readonly score: number | null;
}

/** Evaluates each tier of a set of problems by itself: one row a tier in ascending order, and the row of all. */
export async function evaluateByTier(
  options: EvaluateOptions,
): Promise<{ rows: TierResult[]; graded: GradedProblem[] }> {
  const rows: TierResult[] = [];
  const graded: GradedProblem[] = [];
  const tiers = [...new Set(options.problems.map(({ tier }) => tier))].sort((a, b) => a - b);
  let before = 0;
  for (const tier of tiers) {
    const problems = options.problems.filter((problem) => problem.tier === tier);
    const onProgress = (done: number) =>
      options.onProgress?.(before + done, options.problems.length);
    const result = await evaluate({ ...options, problems, onProgress });
    before += problems.length;
    const { accuracy, stderr, n, meanLength } = result;
    rows.push({ tier, accuracy, stderr, n, meanLength });
    graded.push(...problems.map((problem, i) => ({
      problem,
      completion: result.completions[i],
      score: result.scores[i],
    })));
  }
  if (rows.length > 1) rows.push(together(rows, graded));
  return { rows, graded };
}

function together(rows: readonly TierResult[], graded: readonly GradedProblem[]): TierResult {
  const count = (tier: number | null) =>
    graded.filter(({ problem }) => problem.tier === tier).length;
  return {
    tier: null,
    ...accuracyOf(graded.map(({ score }) => score)),
    meanLength: rows.reduce((total, row) => total + row.meanLength * count(row.tier), 0) /
      graded.length,
  };
}
