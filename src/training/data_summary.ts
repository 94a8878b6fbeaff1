/** What became of a run's data, in words. */
import { type FilterStage } from "../data/filters.ts";
import { type OverlapReport } from "../data/overlap.ts";
import { type DataReport, formatDataReport } from "../data/report.ts";
import { type Problem } from "../data/types.ts";
import { type Config, ConfigError } from "./config.ts";
import { type Chosen } from "./problem_encoder.ts";

/** The reports of those sources of which something was left out, a line each. */
export function leftOutOf(reports: readonly DataReport[]): string[] {
  return reports
    .filter(({ leftOut, badLineCount }) => leftOut.length + badLineCount > 0)
    .flatMap((report) => formatDataReport(report).split("\n"));
}

/** The stages that left something out, a line each. */
export function formatStages(stages: readonly FilterStage[]): string[] {
  return stages.flatMap(({ name, before, after, examples }) =>
    before === after ? [] : [
      `  ${name}: ${after} of ${before}; left out ${examples[0].id}: ${examples[0].detail}${
        before - after > 1 ? ", ..." : ""
      }`,
    ]
  );
}

/** A line for each set that overlaps, and one for those that do not, which goes without saying of what was held out. */
export function formatOverlap(
  { counts, overlaps }: OverlapReport,
  removed: boolean,
  benchmarks: boolean,
): string[] {
  const found = ({ set }: { set: string }) =>
    overlaps.filter((overlap) => overlap.set === set).length;
  const clean = counts.filter((count) => found(count) === 0).map(({ set }) => set);
  return [
    ...counts.filter((count) => found(count) > 0).map((count) => {
      const { set, training: { strict, loose, ngram } } = count;
      return `overlap with ${set}: ${
        found(count)
      } problems (of the same text ${strict}, of the same letters and ` +
        `digits ${loose}, with 13 words in a row ${ngram}); ` +
        (removed ? "left out" : "kept (--data.remove_overlap leaves them out)");
    }),
    ...(benchmarks && clean.length > 0 ? [`no overlap with ${clean.join(", ")}`] : []),
  ];
}

/** Why nothing of a source is left to draw from: the first step that took its last problems. */
export function emptySource(
  name: string,
  steps: readonly (readonly [why: string, before: readonly Problem[], after: readonly Problem[]])[],
): string {
  const count = (problems: readonly Problem[]) =>
    problems.filter(({ source }) => source === name).length;
  const step = steps.find(([, before, after]) => count(before) > 0 && count(after) === 0);
  const why = step === undefined ? "all are held out" : `its last ${count(step[1])} ${step[0]}`;
  return `no problem of the data source '${name}' is left to train on: ${why}; take it out of 'data.sources', or ` +
    "change what leaves them out";
}

export function nothingLeft(
  stages: readonly FilterStage[],
  { guidance, sft, data }: Config,
): ConfigError {
  const empty = stages.find(({ after }) => after === 0);
  if (empty === undefined) {
    return new ConfigError([
      `no problem is left to train on: 'sft.num_problems' (${sft.num_problems}) takes all that 'data' has`,
    ]);
  }
  const limit = [
    ["prompt of", "data.max_prompt_length"],
    ["trace of", "data.max_trace_length"],
    ["prompt and completion", "max_length"],
  ].find(([start]) => empty.name.startsWith(start));
  const way = limit !== undefined
    ? `raise '${limit[1]}'; \`deno task data inspect FILE --model=FOLDER\` shows how long they are`
    : empty.name === "has a trace"
    ? `name the column with the teacher's reasoning (data.columns), make traces (\`deno task data traces\`)` +
      (guidance.ratio > 0 ? ", or train without guidance: --guidance.ratio=0 --sft.steps=0" : "")
    : `\`deno task data inspect ${data.path ?? "FILE"}\` shows what the rows hold`;
  const [example] = empty.examples;
  const first = example === undefined ? "" : ` (${example.id}: ${example.detail})`;
  return new ConfigError([
    `no problem of the data set is left: of ${empty.before} none passes the filter '${empty.name}'${first}; ${way}`,
  ]);
}

export function remarks(
  { guidance, sft, data }: Config,
  problems: readonly Chosen[],
  perStep: number,
): string[] {
  const longest = problems.reduce((most, { traceTokens }) => Math.max(most, traceTokens), 0);
  return [
    ...(problems.length < perStep
      ? [
        `a step has ${perStep} problems and the data set ${problems.length}: some stand in it twice`,
      ]
      : []),
    ...(guidance.ratio > 0 && guidance.length > longest
      ? [`the longest trace has ${longest} tokens: ℓ = ${guidance.length} gives every one whole`]
      : []),
    ...(data.num_problems !== null && problems.length < data.num_problems
      ? [
        `'data.num_problems' is ${data.num_problems}, and only ${problems.length} pass the filters`,
      ]
      : []),
    ...(sft.num_problems === null && (sft.steps > 0 || sft.num_train_epochs !== null)
      ? [
        "the warm start and reinforcement learning have the same problems (sft.num_problems parts them)",
      ]
      : []),
  ];
}
