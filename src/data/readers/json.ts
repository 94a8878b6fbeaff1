/**
 * JSONL and JSON, read from a stream of bytes.
 *
 * Lines end at the byte 0x0A alone, so U+2028, U+2029 and U+0085 inside a string break nothing, and
 * each line is decoded by itself: bytes that are no UTF-8 spoil their own line only. A list of rows
 * is read element by element in the same way. Only JSON that is one object is parsed whole.
 */

import type { Row } from "../columns.ts";
import { isRecord } from "../../std/record.ts";
import { DataFileError, parseRow, type ReadLimits, type ReadResult } from "./reader.ts";

const NEWLINE = 0x0a;
const WHITE_SPACE = new Set([0x20, 0x09, 0x0a, 0x0d]);
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
/** A list has to begin within this many bytes. */
const MAX_HEAD = 2 ** 20;
/** Names under which a JSON object holds its rows beside other entries. */
const ROW_LISTS = ["data", "rows", "train", "test", "validation", "examples", "instances", "items"];

/** A piece of a file; null if it is longer than the limit. */
interface Piece {
  readonly line: number;
  readonly bytes: Uint8Array | null;
}

/** Gathers the bytes of one piece from chunks, up to a limit. */
class Collector {
  #parts: Uint8Array[] = [];
  #length = 0;

  constructor(private readonly limit: number) {}

  /** Adds bytes; what goes beyond the limit is counted and not kept. */
  add(bytes: Uint8Array): void {
    this.#length += bytes.length;
    if (this.#length > this.limit) this.#parts = [];
    else if (bytes.length > 0) this.#parts.push(bytes);
  }

  get empty(): boolean {
    return this.#length === 0;
  }

  /** What was gathered, or null if it went beyond the limit. Starts afresh. */
  take(): Uint8Array | null {
    const [parts, length] = [this.#parts, this.#length];
    this.#parts = [];
    this.#length = 0;
    if (length > this.limit) return null;
    if (parts.length === 1) return parts[0];
    const whole = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }
}

/** The lines of a file, blank ones too. */
async function* lines(chunks: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Piece> {
  const collector = new Collector(limit);
  let line = 1;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end; (end = chunk.indexOf(NEWLINE, start)) >= 0; start = end + 1) {
      collector.add(chunk.subarray(start, end));
      yield { line: line++, bytes: collector.take() };
    }
    collector.add(chunk.subarray(start));
  }
  if (!collector.empty) yield { line, bytes: collector.take() };
}

/** The elements of a list of JSON values, by their commas; what stands around the list too. */
async function* elements(
  chunks: AsyncIterable<Uint8Array>,
  limit: number,
): AsyncGenerator<Piece & { readonly end?: "truncated" | "trailing" }> {
  const collector = new Collector(limit);
  let depth = 0;
  let inString = false;
  let escaped = false;
  let line = 1;
  let blank = true;
  let closed = false;
  for await (const chunk of chunks) {
    let start = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i];
      if (closed) {
        if (!WHITE_SPACE.has(byte)) return yield { line, bytes: null, end: "trailing" };
        continue;
      }
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === 0x5c) escaped = true;
        else if (byte === 0x22) inString = false;
        continue;
      }
      if (byte === 0x22) {
        inString = true;
        blank = false;
      } else if (byte === 0x5b || byte === 0x7b) {
        if (depth++ === 0) start = i + 1;
        else blank = false;
      } else if (byte === 0x5d || byte === 0x7d) {
        if (--depth === 0) {
          collector.add(chunk.subarray(start, i));
          const bytes = collector.take();
          if (!blank) yield { line, bytes };
          closed = true;
        }
      } else if (byte === 0x2c && depth === 1) {
        collector.add(chunk.subarray(start, i));
        start = i + 1;
        yield { line: line++, bytes: collector.take() };
        blank = true;
      } else if (!WHITE_SPACE.has(byte)) blank = false;
    }
    if (!closed && depth > 0) collector.add(chunk.subarray(start));
  }
  if (!closed) yield { line, bytes: null, end: "truncated" };
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => WHITE_SPACE.has(byte));
}

/** Bytes without the mark that they begin with, or with a part of one while more may follow. */
function withoutMark(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return bytes.length > 0 && BYTE_ORDER_MARK.every((mark, i) => (bytes[i] ?? mark) === mark)
    ? bytes.subarray(BYTE_ORDER_MARK.length)
    : bytes;
}

/** A piece as a row, or why it is none. */
function rowOf(file: string, { line, bytes }: Piece, limit: number): ReadResult {
  if (bytes === null) return { file, line, reason: `it is longer than ${limit} bytes` };
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return { file, line, reason: "it is not valid UTF-8" };
  }
  const row = parseRow(text);
  return typeof row === "string" ? { file, line, reason: row } : { file, line, row };
}

async function* prepend(
  first: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield first;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

/**
 * The rows of a JSONL or JSON file.
 *
 * @param file Its name in results and errors.
 * @param chunks Its bytes, unpacked.
 * @param asLines Its name says JSONL; otherwise the content tells which of the two it is.
 */
export async function* readJson(
  file: string,
  chunks: AsyncIterable<Uint8Array>,
  asLines: boolean,
  limits: ReadLimits,
): AsyncGenerator<ReadResult> {
  const iterator = chunks[Symbol.asyncIterator]();
  // The first byte that is not blank tells a list; a byte order mark is not content.
  let head = new Uint8Array();
  let ended = false;
  while (!ended && head.length < MAX_HEAD && isBlank(withoutMark(head))) {
    const next = await iterator.next();
    if (next.done) ended = true;
    else {
      const joined = new Uint8Array(head.length + next.value.length);
      joined.set(head);
      joined.set(next.value, head.length);
      head = joined;
    }
  }
  head = withoutMark(head);
  if (ended && isBlank(head)) return;

  const all = prepend(head, iterator);
  const opening = head.find((byte) => !WHITE_SPACE.has(byte));
  if (!asLines && opening === 0x5b) yield* readList(file, all, limits);
  else if (asLines) yield* readLines(file, lines(all, limits.maxLineLength), limits);
  else yield* readLinesOrDocument(file, lines(all, limits.maxLineLength), limits);
}

async function* readLines(
  file: string,
  pieces: AsyncIterable<Piece>,
  limits: ReadLimits,
): AsyncGenerator<ReadResult> {
  for await (const piece of pieces) {
    if (piece.bytes !== null && isBlank(piece.bytes)) continue;
    yield rowOf(file, piece, limits.maxLineLength);
  }
}

async function* readList(
  file: string,
  chunks: AsyncIterable<Uint8Array>,
  limits: ReadLimits,
): AsyncGenerator<ReadResult> {
  for await (const piece of elements(chunks, limits.maxLineLength)) {
    const { line, end } = piece;
    if (end === "truncated") yield { file, line, reason: "the file ends inside its list" };
    else if (end === "trailing") yield { file, line, reason: "more text follows the list" };
    else yield rowOf(file, piece, limits.maxLineLength);
  }
}

/** A file that begins with an object: one row a line, or one object in all. */
async function* readLinesOrDocument(
  file: string,
  pieces: AsyncGenerator<Piece>,
  limits: ReadLimits,
): AsyncGenerator<ReadResult> {
  const kept: Piece[] = [];
  let length = 0;
  let rows = 0;
  // By hand, since leaving a `for await` would close the lines that are read on below.
  for (let next = await pieces.next(); !next.done; next = await pieces.next()) {
    const piece = next.value;
    if (piece.bytes !== null && isBlank(piece.bytes)) continue;
    kept.push(piece);
    length += (piece.bytes?.length ?? 0) + 1;
    if (piece.bytes === null || length > limits.maxDocumentLength) break;
    // Two lines that are objects of their own: this is JSONL.
    if ("row" in rowOf(file, piece, limits.maxLineLength) && ++rows === 2) break;
  }
  if (rows < 2 && length <= limits.maxDocumentLength && kept.every(({ bytes }) => bytes !== null)) {
    const document = parseDocument(kept.map(({ bytes }) => bytes!));
    if (typeof document !== "string") {
      for (const [i, row] of rowsOf(file, document).entries()) yield { file, line: i + 1, row };
      return;
    }
    if (rows === 0) throw new DataFileError(file, document);
  }
  for (const piece of kept) yield rowOf(file, piece, limits.maxLineLength);
  yield* readLines(file, pieces, limits);
}

function parseDocument(parts: readonly Uint8Array[]): Row | string {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    return parseRow(parts.map((part) => decoder.decode(part)).join("\n"));
  } catch {
    return "it is not valid UTF-8";
  }
}

/** The rows of a file that is one JSON object: a list in it, its columns, or itself. */
function rowsOf(file: string, document: Row): Row[] {
  const entries = Object.entries(document);
  const lists = entries.filter(([name, value]) =>
    Array.isArray(value) && value.length > 0 && value.every(isRecord) &&
    (entries.length === 1 || ROW_LISTS.includes(name))
  );
  if (lists.length > 1) {
    const names = lists.map(([name]) => `'${name}'`).join(", ");
    throw new DataFileError(file, `it holds several lists of rows (${names}): split it`);
  }
  if (lists.length === 1) return lists[0][1] as Row[];
  if (entries.length === 0) return [];

  // Columns: lists of one length, or objects by the row's number, as pandas writes them.
  const columns = entries.map(([, value]) => value);
  if (columns.every(Array.isArray)) {
    const count = (columns[0] as unknown[]).length;
    if (columns.every((column) => column.length === count)) {
      return Array.from(
        { length: count },
        (_, i) =>
          Object.fromEntries(entries.map(([name, column]) => [name, (column as unknown[])[i]])),
      );
    }
  }
  if (columns.every(isRecord)) {
    const numbered = (value: Row) =>
      Object.keys(value).length > 0 && Object.keys(value).every((key) => /^\d+$/.test(key));
    if (numbered(document)) return columns as Row[];
    if (columns.every(numbered)) {
      return Object.keys(columns[0] as Row).map((i) =>
        Object.fromEntries(entries.map(([name, column]) => [name, (column as Row)[i]]))
      );
    }
  }
  return [document];
}
