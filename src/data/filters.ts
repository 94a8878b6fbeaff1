/**
 * Filters of training problems (G²RPO-A, appendix C.1.1): named stages, one after the other, each
 * with its counts before and after. Which traces are complete and correct, and which gold answers can
 * be graded, is the presets' matter: their counts stand in the source's report.
 */

import type { DataReport } from "./report.ts";
import type { Problem } from "./types.ts";

/** What {@linkcode filterProblems} asks of a problem. A filter that is not given is no stage. */
export interface FilterOptions {
  /** Leave out problems without a trace. Default: false. */
  readonly requireTrace?: boolean;
  /**
   * The problems whose gold solution does not score 1 under the run's rewards, with the reason.
   * They are asked at once, since rewards run programs together.
   */
  readonly goldFailures?: (
    problems: readonly Problem[],
  ) => Promise<readonly { readonly problem: Problem; readonly reason: string }[]>;
  /** Most tokens of a prompt, 512 in the paper; needs `promptTokens`. */
  readonly maxPromptLength?: number;
  /** Tokens of a problem's prompt as the model gets it. */
  readonly promptTokens?: (problem: Problem) => number;
  /** Most tokens of a trace, the largest guidance length in the paper; needs `traceTokens`. */
  readonly maxTraceLength?: number;
  /** Tokens of a problem's trace as guidance is cut from it. */
  readonly traceTokens?: (problem: Problem) => number;
  /** Most tokens of a prompt with what must follow it; needs `tokens`. */
  readonly maxLength?: number;
  /** Tokens of a prompt with what must follow it: a solution to learn, or a first token. */
  readonly tokens?: (problem: Problem) => number;
}

/** One stage's account. */
export interface FilterStage {
  /** What the stage asks. */
  readonly name: string;
  /** Problems that came to it. */
  readonly before: number;
  /** Problems that passed. */
  readonly after: number;
  /** The first that did not, with the reason. */
  readonly examples: readonly { readonly id: string; readonly detail: string }[];
}

/** What {@linkcode filterProblems} gives. */
export interface FilterResult {
  /** The problems that passed every stage, in their order. */
  readonly problems: Problem[];
  /** The stages in the order in which they were run. */
  readonly stages: readonly FilterStage[];
}

const MAX_EXAMPLES = 3;

interface Stage {
  readonly name: string;
  /** Why each problem is left out; null for those that pass. */
  reasons(problems: readonly Problem[]): Promise<readonly (string | null)[]>;
}

function each(name: string, reason: (problem: Problem) => string | null): Stage {
  return { name, reasons: (problems) => Promise.resolve(problems.map(reason)) };
}

function lengthStage(
  what: string,
  [option, limit]: readonly [name: string, value: number | undefined],
  [needed, tokens]: readonly [name: string, value: ((problem: Problem) => number) | undefined],
): Stage[] {
  if (limit === undefined) return [];
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new RangeError(
      `Cannot filter problems as '${option}' must be a positive integer: current value is ${limit}`,
    );
  }
  if (tokens === undefined) {
    throw new Error(`Cannot filter problems as '${option}' needs '${needed}'`);
  }
  return [each(`${what} of at most ${limit} tokens`, (problem) => {
    const length = tokens(problem);
    return length > limit ? `${length} tokens` : null;
  })];
}

function stagesOf(options: FilterOptions): Stage[] {
  const { goldFailures } = options;
  const stages: Stage[] = [];
  if (options.requireTrace) {
    stages.push(
      each(
        "has a trace",
        ({ trace }) => trace.trim() === "" ? "no reasoning before its answer" : null,
      ),
    );
  }
  if (goldFailures !== undefined) {
    stages.push({
      name: "gold solution scores 1",
      async reasons(problems) {
        const failed = await goldFailures(problems);
        const reasons = new Map(failed.map(({ problem, reason }) => [problem, reason]));
        return problems.map((problem) => reasons.get(problem) ?? null);
      },
    });
  }
  return [
    ...stages,
    ...lengthStage(
      "prompt",
      ["maxPromptLength", options.maxPromptLength],
      ["promptTokens", options.promptTokens],
    ),
    ...lengthStage(
      "trace",
      ["maxTraceLength", options.maxTraceLength],
      ["traceTokens", options.traceTokens],
    ),
    ...lengthStage(
      "prompt and completion",
      ["maxLength", options.maxLength],
      ["tokens", options.tokens],
    ),
  ];
}

/** Runs the stages that the options ask for: trace, gold answer, lengths of prompt, trace and both. */
export async function filterProblems(
  problems: readonly Problem[],
  options: FilterOptions,
): Promise<FilterResult> {
  let kept = [...problems];
  const stages: FilterStage[] = [];
  for (const { name, reasons } of stagesOf(options)) {
    const why = await reasons(kept);
    const passed = kept.filter((_, i) => why[i] === null);
    const examples = kept
      .flatMap(({ id }, i) => why[i] === null ? [] : [{ id, detail: why[i] }])
      .slice(0, MAX_EXAMPLES);
    stages.push({ name, before: kept.length, after: passed.length, examples });
    kept = passed;
  }
  return { problems: kept, stages };
}

/** The same stages of two lists of problems as those of both. */
export function addStages(
  a: readonly FilterStage[],
  b: readonly FilterStage[],
): readonly FilterStage[] {
  if (a.length === 0) return b;
  return a.map(({ name, before, after, examples }, i) => ({
    name,
    before: before + b[i].before,
    after: after + b[i].after,
    examples: [...examples, ...b[i].examples].slice(0, MAX_EXAMPLES),
  }));
}

/** What reading a source already left out, as stages that stand before the filters' own. */
export function reportStages(report: DataReport): FilterStage[] {
  let before = report.rows;
  return report.leftOut.map(({ reason, count, examples }) => {
    const stage: FilterStage = {
      name: `left out: ${reason}`,
      before,
      after: before - count,
      examples: examples.map(({ file, line, detail }) => ({ id: `${file}:${line}`, detail })),
    };
    before -= count;
    return stage;
  });
}

/** The stages as a table for a terminal. */
export function formatFilterStages(stages: readonly FilterStage[]): string {
  const rows = [
    ["filter", "before", "after", "left out"],
    ...stages.map((
      { name, before, after },
    ) => [name, ...[before, after, before - after].map((count) => count.toLocaleString("en-US"))]),
  ];
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows
    .map((row) =>
      row.map((cell, i) => i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join("  ")
    )
    .join("\n");
}
