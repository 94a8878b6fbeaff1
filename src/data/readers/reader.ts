/** What every reader gives: rows in order, and what could not be read, each with its place. */

import type { Row } from "../columns.ts";
import { isRecord } from "../../std/record.ts";

/** One row of a file. */
export interface ReadRow {
  /** The file, as the source's path and the names below it say. */
  readonly file: string;
  /** The line in JSONL, the element in a JSON array, the row in Parquet; all from 1. */
  readonly line: number;
  /** The row. */
  readonly row: Row;
}

/** A line, element or row that could not be read. */
export interface BadRow {
  /** The file. */
  readonly file: string;
  /** As {@linkcode ReadRow.line}. */
  readonly line: number;
  /** Why, in words. */
  readonly reason: string;
}

/** What a reader yields. */
export type ReadResult = ReadRow | BadRow;

/** Limits of reading, against files that would fill the memory. */
export interface ReadLimits {
  /** Longest line or JSON element in bytes. Default: 64 MiB. */
  readonly maxLineLength: number;
  /**
   * How many times its size a gzip file may unpack to, beyond {@linkcode freeBytes}. Default: 200,
   * which text does not reach.
   */
  readonly maxExpansion: number;
  /** Bytes that any compressed file may unpack to. Default: 256 MiB. */
  readonly freeBytes: number;
  /** Largest file that has to be parsed whole: JSON that is an object. Default: 256 MiB. */
  readonly maxDocumentLength: number;
}

/** The limits that hold where none are given. */
export const DEFAULT_LIMITS: ReadLimits = {
  maxLineLength: 64 * 2 ** 20,
  maxExpansion: 200,
  freeBytes: 256 * 2 ** 20,
  maxDocumentLength: 256 * 2 ** 20,
};

/** A file that cannot be read as data at all. */
export class DataFileError extends Error {
  /** The error's class. */
  override readonly name = "DataFileError";

  /** Says what was asked of which file, and why it failed. */
  constructor(file: string, reason: string, cause?: unknown) {
    super(`Cannot read data file '${file}' as ${reason}`, { cause });
  }
}

/** Deeper JSON than this has no use in a row, and could exhaust the stack of what walks it. */
const MAX_NESTING = 100;

/** The row in a JSON value's text, or in words why there is none. */
export function parseRow(text: string): Row | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return `it is no JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (!isRecord(value)) return `a row must be an object: this is ${kindOf(value)}`;
  return nestedDeeper(value, MAX_NESTING) ? `it is nested over ${MAX_NESTING} levels deep` : value;
}

/** Whether a JSON value has more levels than this. Walks without recursion. */
function nestedDeeper(value: unknown, levels: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > levels) return true;
    const next: unknown[] = [];
    for (const item of level) {
      if (typeof item === "object" && item !== null) {
        for (const inner of Object.values(item)) {
          if (typeof inner === "object" && inner !== null) next.push(inner);
        }
      }
    }
    level = next;
  }
  return false;
}

/** What kind of JSON value this is, in words. */
export function kindOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "a list" : typeof value;
}
