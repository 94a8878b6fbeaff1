/** What became of a source's rows: how many were read, what was left out and why. */

import type { BadRow } from "./readers/reader.ts";

/** One file of a source. */
export interface FileReport {
  /** The file's name below the source's path. */
  readonly file: string;
  /** Rows that could be read. */
  readonly rows: number;
  /** Lines, elements or rows that could not. */
  readonly badLines: number;
}

/** A row that was left out, as an example of its reason. */
export interface LeftOutExample {
  /** The file. */
  readonly file: string;
  /** Line in JSONL, element of a JSON list, row of a Parquet file; from 1. */
  readonly line: number;
  /** What the row has that is the reason. */
  readonly detail: string;
}

/** The rows that were left out for one reason. */
export interface LeftOut {
  /** Why. */
  readonly reason: string;
  /** How many rows. */
  readonly count: number;
  /** The first of them. */
  readonly examples: readonly LeftOutExample[];
}

/** The account of one source: `rows` = `kept` + the counts of `leftOut`. */
export interface DataReport {
  /** The source's name. */
  readonly source: string;
  /** The source's path. */
  readonly path: string;
  /** Its files in the order in which they were read. */
  readonly files: readonly FileReport[];
  /** Files of its folder that hold no data. */
  readonly ignoredFiles: readonly string[];
  /** Rows that could be read. */
  readonly rows: number;
  /** Lines that could not be read: how many, and the first {@linkcode MAX_BAD_LINES}. */
  readonly badLineCount: number;
  /** The first bad lines, each with its place and reason. */
  readonly badLines: readonly BadRow[];
  /** Rows that became no problem, by reason. */
  readonly leftOut: readonly LeftOut[];
  /** Rows whose prompt an earlier row has too; they are kept. */
  readonly duplicatePrompts: number;
  /** Problems. */
  readonly kept: number;
  /** Problems with a trace. */
  readonly withTrace: number;
  /** Problems of each tier, from the lowest tier. */
  readonly tiers: readonly { readonly tier: number; readonly count: number }[];
  /** What else a user should know. */
  readonly notes: readonly string[];
}

/** As many bad lines are listed one by one; the rest are counted. */
export const MAX_BAD_LINES = 1000;

const MAX_EXAMPLES = 3;
/** More different tiers are not listed one by one. */
const MAX_TIERS = 20;

/** Gathers the rows that are left out. */
export class LeftOutTally {
  readonly #reasons = new Map<string, { count: number; examples: LeftOutExample[] }>();

  /** Counts a row, and keeps it as an example if it is among the first of its reason. */
  add(reason: string, file: string, line: number, detail: string): void {
    let entry = this.#reasons.get(reason);
    if (entry === undefined) this.#reasons.set(reason, entry = { count: 0, examples: [] });
    entry.count++;
    if (entry.examples.length < MAX_EXAMPLES) {
      const short = detail.length > 100 ? `${detail.slice(0, 100)}…` : detail;
      entry.examples.push({ file, line, detail: short.replace(/\s+/g, " ") });
    }
  }

  /** The reasons, most frequent first. */
  reasons(): LeftOut[] {
    return [...this.#reasons]
      .map(([reason, entry]) => ({ reason, ...entry }))
      .sort((a, b) => b.count - a.count);
  }
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}

/** The report as text for a terminal, a line a fact; at most `maxLines` bad lines are listed. */
export function formatDataReport(report: DataReport, maxLines = 5): string {
  const lines = [
    `${report.source}: ${plural(report.kept, "problem")} of ${plural(report.rows, "row")} in ` +
    `${plural(report.files.length, "file")} (${number(report.withTrace)} with a trace)`,
  ];
  if (report.tiers.length > MAX_TIERS) {
    const { 0: { tier: first }, length } = report.tiers;
    lines.push(
      `  tiers  ${number(length)} values from ${first} to ${report.tiers[length - 1].tier}`,
    );
  } else if (report.tiers.length > 1) {
    const tiers = report.tiers.map(({ tier, count }) => `${tier}: ${number(count)}`);
    lines.push(`  tiers  ${tiers.join(", ")}`);
  }
  for (const { reason, count, examples } of report.leftOut) {
    lines.push(`  left out  ${number(count)}  ${reason}`);
    for (const { file, line, detail } of examples) {
      lines.push(`    ${file}:${line}${detail === "" ? "" : `  ${detail}`}`);
    }
  }
  if (report.badLineCount > 0) {
    lines.push(`  not readable  ${plural(report.badLineCount, "line")}`);
    for (const { file, line, reason } of report.badLines.slice(0, maxLines)) {
      lines.push(`    ${file}:${line}  ${reason}`);
    }
    const more = report.badLineCount - maxLines;
    if (more > 0) lines.push(`    and ${plural(more, "more", "more")}`);
  }
  if (report.duplicatePrompts > 0) {
    lines.push(
      `  repeated  ${plural(report.duplicatePrompts, "row")} whose prompt an earlier row has too`,
    );
  }
  for (const note of report.notes) lines.push(`  note  ${note}`);
  return lines.join("\n");
}
