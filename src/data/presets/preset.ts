/** What a preset is: how the rows of one kind of data set become problems. */

import { canonicalAnswer } from "../../rewards/answer.ts";
import { asPrompt, asText } from "../columns.ts";
import type { ColumnMapping } from "../source.ts";
import type { CodeTests } from "../types.ts";

/** A part of a problem that a column can feed. */
export type Part = keyof ColumnMapping;

/** The row that a preset reads. */
export interface PresetRow {
  /** The value of the column that feeds this part: the mapped one, or the first of the preset's. */
  part(name: Part): unknown;
  /** The value of a column by its name or dotted path; undefined if there is none. */
  column(path: string): unknown;
}

/** What a preset makes of a row. Its id, tier and source are added by the loader. */
export interface ProblemParts {
  /** As in a problem. */
  readonly prompt: string;
  /** As in a problem. */
  readonly answer: string;
  /** As in a problem. */
  readonly trace: string;
  /** As in a problem. */
  readonly completion?: string;
  /** As in a problem. */
  readonly tests?: CodeTests;
}

/** A row that becomes no problem. */
export interface LeftOutRow {
  /** Why, in words that are the same for every such row. */
  readonly leftOut: string;
  /** What this row has that is the reason. */
  readonly detail: string;
}

/** How the rows of one kind of data set become problems. */
export interface Preset {
  /** The columns that may feed each part; the first one that has a value does. */
  readonly columns: { readonly [name in Part]?: readonly string[] };
  /** The values of the tier column from easy to hard; without it a tier is a number. */
  readonly tierOrder?: readonly string[];
  /** Reads a row. A gold answer that its own reward could not grade is a reason to leave it out. */
  read(row: PresetRow): ProblemParts | LeftOutRow;
}

/** Columns that name a row, in the order in which they are tried. */
export const ID_COLUMNS: readonly string[] = [
  "id",
  "uuid",
  "unique_id",
  "task_id",
  "problem_id",
  "question_id",
  "hash_id",
  "idx",
  "index",
  "extra_info.index",
  "extra_info.id",
];

/** A row left out for this reason; `value` is what it had. */
export function leaveOut(leftOut: string, value?: unknown): LeftOutRow {
  const detail = value === undefined
    ? ""
    : typeof value === "string"
    ? value
    : JSON.stringify(value) ?? String(value);
  return { leftOut, detail };
}

/** The row's question, or why it has none. */
export function readPrompt(row: PresetRow): string | LeftOutRow {
  const value = row.part("prompt");
  const prompt = asPrompt(value)?.trim();
  return prompt ? prompt : leaveOut("it has no prompt", value);
}

/** The row's gold answer as text that can be graded, or why it has none. */
export function readAnswer(value: unknown): string | LeftOutRow {
  const answer = asText(value)?.trim();
  if (!answer) return leaveOut("it has no answer", value);
  return canonicalAnswer(answer) === null
    ? leaveOut("its answer cannot be graded", answer)
    : answer;
}

/** Text of the trace column, empty if there is none. A list of solutions gives the first. */
export function readTraceText(row: PresetRow): string {
  const value = row.part("trace");
  return (Array.isArray(value) ? asText(value[0]) : asText(value))?.trim() ?? "";
}

/** Whether this is a reason to leave a row out. */
export function isLeftOut<T>(value: T | LeftOutRow): value is LeftOutRow {
  return typeof value === "object" && value !== null && "leftOut" in value;
}
