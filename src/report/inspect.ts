/** What a trainer would see of a data set, as text and as JSON. */
import { type FilterStage, formatFilterStages } from "../data/filters.ts";
import { type OverlapReport } from "../data/overlap.ts";
import { type DataReport, formatDataReport } from "../data/report.ts";
import { grouped, share, textTable } from "./format.ts";

/** The lengths of one part of all problems. */
export interface PartLengths {
  /** What was measured: `prompt`, `trace` or `solution`. */
  readonly part: string;
  /** In what: `tokens`, `words` or `characters`. */
  readonly unit: string;
  /** One length a problem. */
  readonly values: readonly number[];
  /** Longer ones are left out; null for no limit. */
  readonly limit: number | null;
}

/** A problem as the model would see it. */
export interface InspectedExample {
  /** The problem's id. */
  readonly id: string;
  /** Its tier. */
  readonly tier: number;
  /** The prompt as the model reads it. */
  readonly prompt: string;
  /** What guidance gives at most of the teacher's completion; empty without a trace. */
  readonly guidance: string;
  /** The teacher's completion behind that. */
  readonly rest: string;
  /** The gold answer. */
  readonly answer: string;
  /** How many tests judge it; 0 where the answer does. */
  readonly tests: number;
}

/** One file or folder. */
export interface InspectedSource {
  /** How it was read, such as `preset gsm8k, as it has column 'x'`. */
  readonly reading: string;
  /** What was read and left out. */
  readonly report: DataReport;
}

/** All that is shown of a data set. */
export interface Inspection {
  /** The files or folders. */
  readonly sources: readonly InspectedSource[];
  /** The model whose tokenizer and chat template are used; null for none. */
  readonly model: string | null;
  /** What a user should know of prompts, a sentence each. */
  readonly notes: readonly string[];
  /** Problems of each tier in all sources. */
  readonly tiers: readonly { readonly tier: number; readonly count: number }[];
  /** Filters in their order. */
  readonly stages: readonly FilterStage[];
  /** Lengths before the filters. */
  readonly lengths: readonly PartLengths[];
  /** Some problems. */
  readonly examples: readonly InspectedExample[];
  /** Overlap with evaluation sets; null if none were named. */
  readonly overlap: OverlapReport | null;
}

/** A row of a histogram: values from `from` up to but not including `to`. */
export interface Bin {
  /** The least value. */
  readonly from: number;
  /** The first value above; Infinity in the last row, where some values are far above the rest. */
  readonly to: number;
  /** How many values. */
  readonly count: number;
}

/** Most rows of a histogram. */
const mostBins = 10;
/** Characters of the longest bar. */
const barWidth = 40;
/** Characters of a text that is shown; longer ones lose their middle. */
const shownLength = 1200;

const quantiles = [
  ["min", 0],
  ["5%", 0.05],
  ["25%", 0.25],
  ["median", 0.5],
  ["75%", 0.75],
  ["95%", 0.95],
  ["max", 1],
] as const;

/** The value below which this share of sorted values lies. */
function quantile(sorted: readonly number[], at: number): number {
  return sorted[Math.round(at * (sorted.length - 1))];
}

/** Lengths in at most 10 rows of a round width; the longest hundredth may share the last one. */
export function lengthBins(values: readonly number[]): Bin[] {
  if (values.length === 0) return [];
  const sorted = values.toSorted((a, b) => a - b);
  const first = sorted[0], usual = quantile(sorted, 0.99), last = sorted.at(-1)!;
  let width = 1;
  for (let power = 1; start(width) + width * mostBins <= usual; power *= 10) {
    for (const round of [1, 2, 5]) {
      width = round * power;
      if (start(width) + width * mostBins > usual) break;
    }
  }
  function start(step: number): number {
    return Math.floor(first / step) * step;
  }
  const rows = Math.floor((usual - start(width)) / width) + 1;
  const bins = Array.from({ length: rows }, (_, i) => start(width) + i * width)
    .map((from) => ({ from, to: from + width, count: 0 }));
  if (last >= bins[rows - 1].to) bins[rows - 1].to = Infinity;
  for (const value of sorted) {
    bins[Math.min(rows - 1, Math.floor((value - bins[0].from) / width))].count++;
  }
  return bins;
}

/** Rows of a label, a count and a bar in proportion; a count above 0 has a bar. */
export function barChart(rows: readonly { label: string; count: number }[]): string[] {
  const most = rows.reduce((max, { count }) => Math.max(max, count), 1);
  const labels = rows.reduce((max, { label }) => Math.max(max, label.length), 0);
  const counts = grouped(most).length;
  return rows.map(({ label, count }) => {
    const bar = "#".repeat(Math.ceil(count / most * barWidth));
    return `${label.padStart(labels)}  ${grouped(count).padStart(counts)}  ${bar}`.trimEnd();
  });
}

/** A histogram of measured difficulties: the shares 0 and 1 stand apart, as most are often there. */
export function difficultyHistogram(difficulties: readonly number[]): string[] {
  const tenth = (value: number) => Math.min(9, Math.floor(value * 10));
  const between = difficulties.filter((value) => value > 0 && value < 1);
  return barChart([
    { label: "0, always solved", count: difficulties.filter((value) => value === 0).length },
    ...Array.from({ length: 10 }, (_, i) => ({
      label: `${share(i / 10, 1)} to ${share((i + 1) / 10, 1)}`,
      count: between.filter((value) => tenth(value) === i).length,
    })),
    { label: "1, never solved", count: difficulties.filter((value) => value === 1).length },
  ]);
}

/** The whole inspection as text for a terminal. */
export function formatInspection(inspection: Inspection): string {
  const { sources, notes, model } = inspection;
  const read = sources.flatMap(({ reading, report }) => [
    ...formatDataReport(report).split("\n"),
    `  read as  ${reading}`,
  ]);
  const sections = [
    read,
    tierSection(inspection),
    stageSection(inspection),
    ...lengthSections(inspection),
    overlapSection(inspection.overlap),
    ...inspection.examples.map((example, i) =>
      exampleSection(example, `example ${i + 1} of ${inspection.examples.length}`)
    ),
    [
      model === null
        ? "Words and characters are counted: --model=FOLDER counts its tokens and renders its prompts."
        : `Tokens and prompts are those of ${model}.`,
      ...notes.map((note) => `note: ${note}`),
    ],
  ];
  return sections.filter((section) => section.length > 0)
    .map((section) => section.map(printable).join("\n")).join("\n\n");
}

/** The same as a JSON value. */
export function inspectionJson(inspection: Inspection): unknown {
  const { sources, model, notes, tiers, stages, lengths, overlap, examples } = inspection;
  return {
    sources: sources.map(({ reading, report }) => ({ reading, ...report })),
    model,
    notes,
    tiers,
    stages,
    lengths: lengths.map(({ part, unit, values, limit }) => {
      const sorted = values.toSorted((a, b) => a - b);
      return {
        part,
        unit,
        limit,
        n: sorted.length,
        mean: mean(sorted),
        quantiles: Object.fromEntries(
          sorted.length === 0 ? [] : quantiles.map(([name, at]) => [name, quantile(sorted, at)]),
        ),
        // JSON has no infinity.
        bins: lengthBins(sorted).map((bin) => ({
          ...bin,
          to: bin.to === Infinity ? null : bin.to,
        })),
      };
    }),
    overlap,
    examples,
  };
}

function tierSection({ tiers, sources }: Inspection): string[] {
  // Of one source the report has them; bars are worth their room only for a few.
  if (tiers.length < 2 || tiers.length > 20) {
    return tiers.length < 2 || sources.length < 2
      ? []
      : [`tiers: ${tiers.length} values from ${tiers[0].tier} to ${tiers.at(-1)!.tier}`];
  }
  return [
    "tiers",
    ...barChart(tiers.map(({ tier, count }) => ({ label: String(tier), count }))).map(indent),
  ];
}

function stageSection({ stages }: Inspection): string[] {
  if (stages.length === 0) return [];
  const examples = stages.flatMap((stage) => stage.examples).filter(({ detail }) => detail !== "")
    .map(({ id, detail }) => `  ${id} is left out: ${oneLine(detail)}`);
  return [...formatFilterStages(stages).split("\n"), ...examples];
}

function lengthSections({ lengths }: Inspection): string[][] {
  return lengths.filter(({ values }) => values.length > 0).map(
    ({ part, unit, values, limit }) => {
      const sorted = values.toSorted((a, b) => a - b);
      const summary = quantiles.map(([name, at]) => `${name} ${grouped(quantile(sorted, at))}`);
      const lines = [`${part}, ${unit}: ${summary.join(", ")}; mean ${share(mean(sorted), 1)}`];
      // Characters are only beside words.
      if (unit !== "characters") {
        const rows = lengthBins(sorted).map(({ from, to, count }) => ({
          label: to === Infinity
            ? `${grouped(from)} and more`
            : to === from + 1
            ? grouped(from)
            : `${grouped(from)} to ${grouped(to - 1)}`,
          count,
        }));
        lines.push(...barChart(rows).map(indent));
      }
      if (limit !== null) {
        const above = values.filter((value) => value > limit).length;
        lines.push(
          `  limit ${grouped(limit)}: ${grouped(above)} of ${grouped(values.length)} are above it`,
        );
      }
      return lines;
    },
  );
}

/** What overlaps, set by set, with a few of those found. */
export function overlapSection(report: OverlapReport | null, most = 3): string[] {
  if (report === null) return [];
  const { problems, overlapping, counts, overlaps } = report;
  const table = textTable([
    ["problems that stand in", "same text", "same letters and digits", "13 words in a row"],
    ...counts.map(({ set, problems, training: { strict, loose, ngram } }) => [
      `${set} (${grouped(problems)})`,
      grouped(strict),
      grouped(loose),
      grouped(ngram),
    ]),
  ]);
  const surest = ["strict", "loose", "ngram"] as const;
  const examples = surest.flatMap((kind) =>
    overlaps.filter(({ kinds }) => kinds[0] === kind).slice(0, most)
  ).slice(0, 2 * most);
  return [
    `overlap with evaluation sets: ${grouped(overlapping)} of ${grouped(problems)} problems`,
    ...table.split("\n").map(indent),
    ...examples.map(({ id, set, evaluationId, kinds, shared }) =>
      `  ${id} ${kinds[0] === "ngram" ? "shares words with" : "is"} ${evaluationId} of ${set}: ${
        oneLine(shared)
      }`
    ),
  ];
}

function exampleSection(example: InspectedExample, title: string): string[] {
  const { id, tier, prompt, guidance, rest, answer, tests } = example;
  const judged = tests === 0
    ? []
    : [`  judged by ${tests} ${tests === 1 ? "test" : "tests"} of the program`];
  return [
    `${title}: ${id}, tier ${tier}`,
    "  prompt",
    ...quoted(prompt),
    ...(guidance === "" ? ["  no trace, so no guidance"] : [
      "  the teacher's completion, as far as guidance can give it",
      ...quoted(guidance),
      "  and behind that",
      ...quoted(rest),
    ]),
    ...(answer === ""
      ? []
      : answer.includes("\n")
      ? ["  gold answer", ...quoted(answer)]
      : [`  gold answer: ${oneLine(answer)}`]),
    ...judged,
  ];
}

function quoted(text: string): string[] {
  const short = text.length <= shownLength
    ? text
    : `${text.slice(0, shownLength / 2)} [...] ${text.slice(-shownLength / 2)}`;
  return short.replace(/\n+$/, "").split("\n").map((line) => `  | ${line}`.trimEnd());
}

function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > 100 ? `${line.slice(0, 100)}…` : line;
}

const indent = (line: string) => `  ${line}`;

/** Without control characters, which could move the cursor. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, " ");
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((a, b) => a + b, 0) / values.length;
}
