/** Where problems come from: data files, read by a preset or a mapping of their columns. */

import { asText, asTier, firstOf, lookUp, type Row } from "./columns.ts";
import { type DetectedReading, detectPreset } from "./detect_preset.ts";
import { ID_COLUMNS, isLeftOut, type Part, type Preset } from "./presets/preset.ts";
import { findPreset, type PresetName } from "./presets/registry.ts";
import { bareName, findFiles } from "./readers/files.ts";
import { readRows } from "./readers/read.ts";
import { type BadRow, DataFileError, DEFAULT_LIMITS, type ReadLimits } from "./readers/reader.ts";
import { Random } from "./random.ts";
import { type DataReport, type FileReport, LeftOutTally, MAX_BAD_LINES } from "./report.ts";
import type { Problem } from "./types.ts";

/**
 * Which column feeds which part of a problem.
 *
 * A value is a column's name, or a dotted path into nested objects and arrays such as
 * `reward_model.ground_truth` or `prompt.0.content`. A column whose own name has dots is found under
 * its whole name first. With a preset the mapping stands above the preset's own columns; without
 * one `prompt` is required, and `answer` or `tests`.
 */
export interface ColumnMapping {
  /** A name that is unique in its source. Without it the file and line name the row. */
  readonly id?: string;
  /** The question. */
  readonly prompt?: string;
  /** The gold answer: text, a number, or a list with one of these. */
  readonly answer?: string;
  /** The teacher's reasoning or solution. */
  readonly trace?: string;
  /** Difficulty: a number, text that ends in one such as `Level 5`, or a value of `tier_order`. */
  readonly tier?: string;
  /** Tests of a programming problem, in one of the shapes that `verifiable-coding` reads. */
  readonly tests?: string;
}

/** The columns of problems as Handrail writes them, which are read where neither a preset nor a mapping is given. */
export const OWN_COLUMNS: ColumnMapping = {
  prompt: "prompt",
  answer: "answer",
  trace: "trace",
  tier: "tier",
  tests: "tests",
};

/** One source of training or evaluation problems, as configs write it. */
export interface DataSource {
  /** A file (JSONL, JSON, gzip of both, Parquet) or a folder of them. */
  readonly path: string;
  /** How rows become problems; null maps `columns` alone. */
  readonly preset: PresetName | null;
  /** Columns that differ from the preset's, or all of them without a preset. */
  readonly columns: ColumnMapping | null;
  /** The values of the tier column from easy to hard: they become tiers 1, 2, 3, … */
  readonly tier_order: readonly string[] | null;
  /** Share of this source where several are mixed, in proportion to the other weights; above 0. */
  readonly weight: number;
  /** Name in reports and ids; null takes the file's or folder's name without its extensions. */
  readonly name: string | null;
}

/** Options of {@linkcode loadProblems}. */
export interface LoadProblemsOptions {
  /** Limits of reading that differ from the default ones. */
  readonly limits?: Partial<ReadLimits>;
  /** Called after each row with how many were read. */
  readonly onRow?: (rows: number) => void;
  /**
   * Keep at most `count` problems, each equally likely, in their order: a data set whose traces are
   * longer than the memory can be read where few are wanted. Its counts are those of all.
   */
  readonly sample?: { readonly count: number; readonly seed: number };
}

/** What {@linkcode loadProblems} gives. */
export interface LoadedProblems {
  /** The problems in the order of their files and lines. */
  readonly problems: Problem[];
  /** What became of every row. */
  readonly report: DataReport;
}

const PARTS: readonly Part[] = ["id", "prompt", "answer", "trace", "tier", "tests"];

function checkSource(source: DataSource): void {
  const { columns, preset, weight } = source;
  if (!(weight > 0) || !Number.isFinite(weight)) {
    throw new RangeError(
      `Cannot read data source '${source.path}' as 'weight' must be a number above 0: ` +
        `current value is ${weight}`,
    );
  }
  const unknown = Object.keys(columns ?? {}).find((name) => !PARTS.includes(name as Part));
  if (unknown !== undefined) {
    throw new Error(
      `Cannot read data source '${source.path}' as 'columns' maps ${PARTS.join(", ")} only: ` +
        `it has '${unknown}'`,
    );
  }
  const answered = columns?.answer !== undefined || columns?.tests !== undefined;
  if (preset === null && (columns?.prompt === undefined || !answered)) {
    throw new Error(
      `Cannot read data source '${source.path}' as without 'preset' its 'columns' must name ` +
        `'prompt', and 'answer' or 'tests'`,
    );
  }
}

/** Finds tiers, and counts the rows that have none. */
class TierReader {
  readonly #order: readonly string[] | null;
  readonly #mapped: boolean;
  without = 0;
  unreadable = 0;

  constructor(source: DataSource, preset: Preset) {
    this.#mapped = source.columns?.tier !== undefined;
    this.#order = source.tier_order ?? (this.#mapped ? null : preset.tierOrder ?? null);
  }

  /** The tier, or why the row must be left out. */
  read(value: unknown): number | string {
    if (value === undefined || value === null) {
      this.without++;
      return 1;
    }
    const tier = asTier(value, this.#order);
    if (tier !== null) return tier;
    if (this.#order !== null) {
      return `its tier is none of ${this.#order.join(", ")}: set 'tier_order' or 'columns.tier'`;
    }
    if (this.#mapped) return "its tier is no number: set 'tier_order'";
    this.unreadable++;
    return 1;
  }

  notes(rows: number): string[] {
    const notes: string[] = [];
    if (this.without > 0 && this.without < rows) {
      notes.push(`rows without a tier are in tier 1: ${this.without}`);
    }
    if (this.unreadable > 0) {
      notes.push(`rows whose tier is no number are in tier 1: ${this.unreadable}`);
    }
    return notes;
  }
}

/** Hints at folders that hold both the train and the test part of a data set. */
function splitNote(names: readonly string[]): string[] {
  const splits = ["train", "test", "validation"].filter((split) =>
    names.some((name) => new RegExp(`(?:^|[/_.-])${split}(?:[/_.-]|$)`).test(name))
  );
  return splits.length > 1
    ? [`its files look like several splits (${splits.join(", ")}): name one file or folder`]
    : [];
}

/** A row that became a problem; null where others were drawn instead of it. */
interface Found {
  problem: Omit<Problem, "id"> | null;
  readonly ownId: string | null;
  readonly place: string;
}

/** A uniform sample of a stream of unknown length (Vitter's algorithm R); what is not in it is let go. */
class Reservoir {
  readonly #kept: Found[] = [];
  readonly #count: number;
  readonly #random: Random;
  #seen = 0;

  constructor({ count, seed }: { readonly count: number; readonly seed: number }) {
    if (!Number.isSafeInteger(count) || count < 1) {
      throw new RangeError(
        `Cannot keep a sample as 'count' must be a positive integer: current value is ${count}`,
      );
    }
    this.#count = count;
    this.#random = new Random(seed, "sample");
  }

  add(entry: Found): void {
    if (this.#seen++ < this.#count) {
      this.#kept.push(entry);
      return;
    }
    const slot = this.#random.int(this.#seen);
    const leaving = slot < this.#count ? this.#kept[slot] : entry;
    leaving.problem = null;
    if (leaving !== entry) this.#kept[slot] = entry;
  }
}

/**
 * Reads a source: every row becomes a problem, or is counted in the report with its reason.
 *
 * A problem's id is the source's name with the row's own id, where every row has one of its own;
 * otherwise with its file and line. The same files give the same ids.
 *
 * Throws a {@linkcode DataFileError} if a file is damaged or has nothing that can be read, and if no
 * row at all becomes a problem.
 */
export async function loadProblems(
  source: DataSource,
  options: LoadProblemsOptions = {},
): Promise<LoadedProblems> {
  checkSource(source);
  const preset = findPreset(source.preset);
  const name = source.name ?? bareName(source.path);
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const { files, ignored } = await findFiles(source.path);

  const tiers = new TierReader(source, preset);
  const leftOut = new LeftOutTally();
  const reports: FileReport[] = [];
  const badLines: BadRow[] = [];
  let badLineCount = 0;
  const found: Found[] = [];
  const sample = options.sample === undefined ? null : new Reservoir(options.sample);
  const byTier = new Map<number, number>();
  let withTrace = 0;
  const prompts = new Set<string>();
  let duplicatePrompts = 0;
  let first: { row: Row; file: string } | null = null;
  let count = 0;

  for (const file of files) {
    let rows = 0;
    let firstBad: BadRow | null = null;
    let bad = 0;
    for await (const result of readRows(file.path, file.name, limits)) {
      if ("reason" in result) {
        firstBad ??= result;
        bad++;
        if (badLines.length < MAX_BAD_LINES) badLines.push(result);
        continue;
      }
      const { line, row } = result;
      rows++;
      first ??= { row, file: file.name };
      options.onRow?.(++count);
      const part = (part: Part): unknown => {
        const mapped = source.columns?.[part];
        return mapped !== undefined
          ? lookUp(row, mapped)
          : firstOf(row, preset.columns[part] ?? []);
      };
      const parts = readParts(preset, row, part, file.name, line);
      if (isLeftOut(parts)) {
        leftOut.add(parts.leftOut, file.name, line, parts.detail);
        continue;
      }
      const tier = tiers.read(part("tier"));
      if (typeof tier === "string") {
        leftOut.add(tier, file.name, line, asText(part("tier")) ?? "");
        continue;
      }
      if (prompts.has(parts.prompt)) duplicatePrompts++;
      else prompts.add(parts.prompt);
      byTier.set(tier, (byTier.get(tier) ?? 0) + 1);
      if (parts.trace !== "") withTrace++;
      const entry: Found = {
        problem: { ...parts, tier, source: name },
        ownId: asText(source.columns?.id === undefined ? firstOf(row, ID_COLUMNS) : part("id")),
        place: `${file.name}:${line}`,
      };
      found.push(entry);
      sample?.add(entry);
    }
    if (rows === 0) {
      const reason = firstBad === null
        ? "it has no rows"
        : `nothing in it can be read; at ${firstBad.line}: ${firstBad.reason}`;
      throw new DataFileError(file.name, reason);
    }
    badLineCount += bad;
    reports.push({ file: file.name, rows, badLines: bad });
  }

  const rows = reports.reduce((sum, report) => sum + report.rows, 0);
  const reasons = leftOut.reasons();
  if (found.length === 0) {
    const [{ reason, count, examples }] = reasons;
    const { file, line, detail } = examples[0];
    throw new DataFileError(
      source.path,
      `none of its ${rows} rows becomes a problem; of ${count}: ${reason} (${file}:${line}` +
        `${detail === "" ? "" : ` '${detail}'`}). Its columns are ` +
        `${Object.keys(first!.row).join(", ")}: ${
          wayToRead(source, detectPreset(first!.row, first!.file))
        }`,
    );
  }

  const ownIds = found.flatMap(({ ownId }) => ownId ?? []);
  const repeated = ownIds.length - new Set(ownIds).size;
  const notes = [...tiers.notes(found.length), ...splitNote(files.map((file) => file.name))];
  if (repeated > 0) {
    notes.push(`its ids repeat (${repeated} of them): problems are named by file and line`);
  }
  const problems = found.flatMap(({ problem, ownId, place }): Problem[] => {
    if (problem === null) return [];
    const own = repeated > 0 || ownId === null ? place : ownId;
    return [{ id: own.startsWith(`${name}/`) ? own : `${name}/${own}`, ...problem }];
  });
  if (problems.length < found.length) {
    notes.push(`${problems.length} of its problems are chosen from by the seed`);
  }
  return {
    problems,
    report: {
      source: name,
      path: source.path,
      files: reports,
      ignoredFiles: ignored,
      rows,
      badLineCount,
      badLines,
      leftOut: reasons,
      duplicatePrompts,
      kept: found.length,
      withTrace,
      tiers: [...byTier].sort(([a], [b]) => a - b).map(([tier, count]) => ({ tier, count })),
      notes,
    },
  };
}

/** How a source is rather to be read. */
function wayToRead({ preset }: DataSource, looksLike: DetectedReading | null): string {
  if (looksLike === null || looksLike.preset === preset) return "check 'preset' and 'columns'";
  return looksLike.preset === null
    ? "give no 'preset', they are named as Handrail names them"
    : `those of the preset '${looksLike.preset}'`;
}

function readParts(
  preset: Preset,
  row: Row,
  part: (name: Part) => unknown,
  file: string,
  line: number,
): ReturnType<Preset["read"]> {
  try {
    return preset.read({ part, column: (path) => lookUp(row, path) });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DataFileError(file, `its row at ${line} broke the preset: ${reason}`, error);
  }
}
