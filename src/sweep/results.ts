/**
 * What the runs of a sweep came to: read from their folders, and written as a table in CSV and Markdown.
 *
 * @module
 */

import { join } from "node:path";
import { meanOf, stdOf } from "../training/metrics.ts";
import { type EvalRecord } from "../training/reporter.ts";
import { writeWhole } from "../training/run_folder.ts";
import { type Arm, exists, type PlannedRun, type SweepPlan } from "./plan.ts";

/** How far a run has come. */
export type RunStatus = "finished" | "failed" | "interrupted" | "running" | "pending";

/** The figures of one run; null where there are none yet. */
export interface RunResult {
  /** Whose figures. */
  readonly run: PlannedRun;
  /** How far it has come. */
  readonly status: RunStatus;
  /** Held-out accuracy before reinforcement learning, and its standard error. */
  readonly before: { readonly accuracy: number | null; readonly stderr: number | null };
  /** The same, of the latest evaluation after that. */
  readonly after: { readonly accuracy: number | null; readonly stderr: number | null };
  /** Mean reward over the first tenth of the steps. */
  readonly rewardFirst: number | null;
  /** Mean reward over the last tenth of the steps. */
  readonly rewardLast: number | null;
  /** The guidance length ℓ of the last step, tokens. */
  readonly guidanceLength: number | null;
  /** Seconds of all steps, evaluations left out. */
  readonly seconds: number;
  /** Steps of reinforcement learning done. */
  readonly steps: number;
}

/** Reads the figures of a run from its folder. */
export function readResult(folder: string, run: PlannedRun, status: RunStatus): RunResult {
  const metrics = readLines<Record<string, number | null>>(join(folder, run.name, "metrics.jsonl"));
  const evals = readLines<EvalRecord>(join(folder, run.name, "eval.jsonl"));
  const figures = (record: EvalRecord | undefined) => ({
    accuracy: record?.accuracy ?? null,
    stderr: record?.stderr ?? null,
  });
  const tenth = Math.max(1, Math.round(metrics.length / 10));
  const reward = (lines: typeof metrics) =>
    meanOf(lines.map((line) => line.reward).filter((value) => typeof value === "number"));
  return {
    run,
    status,
    before: figures(evals.find(({ step }) => step === 0)),
    after: figures(evals.findLast(({ step }) => step > 0)),
    rewardFirst: reward(metrics.slice(0, tenth)),
    rewardLast: reward(metrics.slice(-tenth)),
    guidanceLength: metrics.at(-1)?.["guidance/length"] ?? null,
    seconds: metrics.reduce((sum, { step_time }) => sum + (step_time ?? 0), 0),
    steps: metrics.length,
  };
}

/** The whole lines of a JSONL file that another process may be writing. */
function readLines<T>(file: string): T[] {
  if (!exists(file)) return [];
  return Deno.readTextFileSync(file).split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

/** The status of a run that is not under way, by what its folder holds. */
export function statusOf(folder: string, run: PlannedRun): RunStatus {
  if (exists(join(folder, run.name, "final"))) return "finished";
  return exists(join(folder, run.name)) ? "interrupted" : "pending";
}

const columns: readonly (readonly [string, (result: RunResult) => unknown])[] = [
  ["accuracy_before", ({ before }) => before.accuracy],
  ["stderr_before", ({ before }) => before.stderr],
  ["accuracy_after", ({ after }) => after.accuracy],
  ["stderr_after", ({ after }) => after.stderr],
  ["reward_first_tenth", ({ rewardFirst }) => rewardFirst],
  ["reward_last_tenth", ({ rewardLast }) => rewardLast],
  ["guidance_length", ({ guidanceLength }) => guidanceLength],
  ["seconds", ({ seconds }) => Math.round(seconds * 10) / 10],
  ["steps", ({ steps }) => steps],
  ["status", ({ status }) => status],
];

/** results.csv: a row a run. */
export function resultsCsv(plan: SweepPlan, results: readonly RunResult[]): string {
  const axes = Object.keys(plan.sweep.axes);
  const rows = ordered(plan, results).map((result) => [
    result.run.arm!.name,
    result.run.seed,
    ...axes.map((key) => result.run.arm!.axes[key]),
    ...columns.map(([, value]) => value(result)),
  ]);
  const header = ["arm", "seed", ...axes, ...columns.map(([name]) => name)];
  return [header, ...rows].map((row) => `${row.map(cell).join(",")}\n`).join("");
}

/** The results of all runs but the warm starts, in the order of the sweep file. */
function ordered({ arms }: SweepPlan, results: readonly RunResult[]): RunResult[] {
  return arms.flatMap((arm) => results.filter((result) => result.run.arm === arm));
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** An arm's figures over its finished runs. */
export interface ArmSummary {
  /** Whose. */
  readonly arm: Arm;
  /** Runs planned and finished. */
  readonly planned: number;
  /** The finished runs. */
  readonly finished: readonly RunResult[];
  /** Mean held-out accuracy after; null without a finished run. */
  readonly after: number | null;
}

/** The arms in the order of the sweep file. */
export function summarise(plan: SweepPlan, results: readonly RunResult[]): ArmSummary[] {
  return plan.arms.map((arm) => {
    const own = results.filter((result) => result.run.arm === arm);
    const finished = own.filter(({ status }) => status === "finished");
    return { arm, planned: own.length, finished, after: meanOf(numbers(finished, "after")) };
  });
}

function numbers(results: readonly RunResult[], when: "before" | "after"): number[] {
  return results.map((result) => result[when].accuracy).filter((value) => value !== null);
}

/**
 * results.md: a row an arm, with mean and sample standard deviation over its seeds.
 *
 * @param errors The last words of failed runs, by their names.
 */
export function resultsMarkdown(
  plan: SweepPlan,
  results: readonly RunResult[],
  errors: ReadonlyMap<string, string> = new Map(),
): string {
  const summaries = summarise(plan, results);
  const best = summaries.reduce((most, { after }) => Math.max(most, after ?? -1), -1);
  const rows = summaries.map(({ arm, planned, finished, after }) => {
    const mean = (value: (result: RunResult) => number | null, digits: number) =>
      meanOf(finished.map(value).filter((v) => v !== null))?.toFixed(digits) ?? "";
    const isBest = after !== null && after === best && summaries.length > 1;
    const name = `\`${arm.name}\``;
    return [
      isBest ? `**${name}** (best)` : name,
      finished.length === planned ? `${planned}` : `${finished.length} of ${planned}`,
      spread(numbers(finished, "before")),
      isBest ? `**${spread(numbers(finished, "after"))}**` : spread(numbers(finished, "after")),
      [mean((r) => r.rewardFirst, 3), mean((r) => r.rewardLast, 3)].join(" → ").replace(
        /^ → $/,
        "",
      ),
      mean((r) => r.guidanceLength, 1),
      mean((r) => r.seconds, 0),
    ];
  });
  const finished = results.filter(({ run, status }) => run.arm !== null && status === "finished");
  const total = results.filter(({ run }) => run.arm !== null).length;
  const { config } = plan.runs.find(({ arm }) => arm !== null)!;
  const failed = results.filter(({ status }) => status === "failed");
  return [
    `# Sweep ${plan.sweep.name}`,
    `${finished.length} of ${total} runs finished.`,
    markdownTable(
      ["arm", "seeds", "accuracy before", "accuracy after", "reward", "final ℓ", "seconds"],
      rows,
    ),
    "Accuracy is the share of held-out problems solved without guidance, as mean ± sample standard " +
    "deviation over the seeds. Reward is the mean over the first and the last tenth of the steps, " +
    "guided rollouts included; final ℓ the guidance length of the last step in tokens; seconds the " +
    "time of the steps. Only finished runs count; results.csv has every run.",
    ...(failed.length > 0
      ? [
        "## Failed runs",
        failed.map(({ run }) => `\`${run.name}\`:\n\n${indent(errors.get(run.name) ?? "")}`)
          .join("\n\n"),
      ]
      : []),
    ...(config.data.task === "arithmetic" ? [caveats] : []),
  ].join("\n\n") + "\n";
}

function indent(text: string): string {
  return text.split("\n").map((line) => `    ${line}`.trimEnd()).join("\n");
}

/** `0.427 ± 0.040`; without the spread for a single value. */
function spread(values: readonly number[]): string {
  const [mean, std] = [meanOf(values), stdOf(values)];
  if (mean === null) return "";
  return std === null ? mean.toFixed(3) : `${mean.toFixed(3)} ± ${std.toFixed(3)}`;
}

function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((name, i) =>
    Math.max(...[name, ...rows.map((row) => row[i])].map(size))
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((text, i) => text + " ".repeat(widths[i] - size(text))).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(header), rule, ...rows.map(line)].join("\n");
}

function size(text: string): number {
  return [...text].length;
}

const caveats = `## How to read this table

- Guidance works on this task through the loss on the guidance tokens: with those left out of the
  loss, nothing was learned. So what the guided arms learn is partly imitation of the teacher. Plain
  supervised training on as many of the same traces, which are unique and deterministic here, did
  better still in those trials.
- A fixed length can do as well as the adaptive one where it is chosen well, which takes runs of its
  own to find out; the adaptive one's merit is that nobody has to choose it.
- The ratio rule (\`g2rpo_a\`, Eq. 6) has no fixed point: with a window of 1 the length drifts to its
  minimum, with 2 or more upward with the noise of the reward, and it swings between its bounds where
  success depends steeply on the length. At a very low reward it can die at a length of 1.
- An accuracy measured on 200 problems has a standard error of 0.035: compare arms on 1,000 or more,
  over several seeds and several warm starts. A difference within the spread is none.
- The learning rate matters as much as the method: 1e-3 makes runs collapse.`;

/** Writes results.csv and results.md, each beside its place and renamed. */
export function writeResults(
  plan: SweepPlan,
  results: readonly RunResult[],
  errors: ReadonlyMap<string, string>,
): void {
  writeWhole(join(plan.folder, "results.csv"), resultsCsv(plan, results));
  writeWhole(join(plan.folder, "results.md"), resultsMarkdown(plan, results, errors));
}
