/** The two files of a collection: what was kept, and what was rejected. They grow a line at a time. */

import { dirname } from "node:path";

/** What was asked with; a collection that is resumed must have the same. */
export type CollectionSettings = Readonly<Record<string, string | number | null>>;

/** A line of the file of what was kept. */
export interface KeptRow {
  /** Of the problem. */
  readonly id: string;
  /** The problem's. */
  readonly prompt: string;
  /** Attempts until this one, this one included. */
  readonly attempts: number;
  /** Tokens of the prompt of this attempt; null where the server does not say. */
  readonly tokens_in: number | null;
  /** Tokens of its completion; null where the server does not say. */
  readonly tokens_out: number | null;
  /** Further columns. */
  readonly [column: string]: unknown;
}

/** A line of the file of what was rejected. */
export interface RejectedRow {
  /** Of the problem. */
  readonly id: string;
  /** Counted from 1; 0 for a problem that was not asked at all. */
  readonly attempt: number;
  /** One word, for counting. */
  readonly reason: string;
  /** The same in words. */
  readonly detail: string;
  /** The completion's reasoning and text, as they came. */
  readonly reasoning?: string;
  readonly content?: string;
  /** See {@linkcode KeptRow}. */
  readonly tokens_in?: number | null;
  readonly tokens_out?: number | null;
}

/** The files cannot be used. */
export class JournalError extends Error {
  /** Name of the class. */
  override name: string = "JournalError";
}

/** A line longer than this is none of ours. */
const maxLineBytes = 256 * 2 ** 20;

interface Line {
  readonly number: number;
  readonly offset: number;
  /** With its line break. */
  readonly length: number;
  readonly text: string;
}

/** The file beside `traces.jsonl` that has what was rejected: `traces.rejected.jsonl`. */
export function rejectedPath(path: string): string {
  return path.replace(/\.jsonl$/, ".rejected.jsonl");
}

/** A file that is appended to in whole lines. */
class LineFile {
  size = 0;

  constructor(readonly path: string, readonly file: Deno.FsFile) {}

  static open(path: string): LineFile {
    return new LineFile(path, Deno.openSync(path, { read: true, write: true, create: true }));
  }

  /** The whole lines from the start; what follows the last line break is left out. */
  *lines(): Generator<Line> {
    this.file.seekSync(0, Deno.SeekMode.Start);
    const decoder = new TextDecoder("utf-8", { fatal: true });
    const buffer = new Uint8Array(2 ** 16);
    let parts: Uint8Array[] = [], length = 0, number = 1;
    this.size = 0;
    for (let read: number | null; (read = this.file.readSync(buffer)) !== null;) {
      let start = 0;
      for (let end; (end = buffer.subarray(0, read).indexOf(10, start)) >= 0; start = end + 1) {
        parts.push(buffer.slice(start, end));
        length += end + 1 - start;
        let text: string;
        try {
          text = decoder.decode(joined(parts));
        } catch {
          throw new JournalError(`Cannot go on with '${this.path}': line ${number} is not UTF-8`);
        }
        const line = { number, offset: this.size, length, text };
        this.size += length;
        [parts, length, number] = [[], 0, number + 1];
        yield line;
      }
      parts.push(buffer.slice(start, read));
      length += read - start;
      if (length > maxLineBytes) {
        throw new JournalError(`Cannot go on with '${this.path}': line ${number} is too long`);
      }
    }
  }

  /** Drops what follows the last whole line; whether there was anything. */
  repair(): boolean {
    const cut = this.file.statSync().size > this.size;
    if (cut) this.file.truncateSync(this.size);
    return cut;
  }

  append(value: unknown): { offset: number; length: number } {
    const bytes = new TextEncoder().encode(`${JSON.stringify(value)}\n`);
    const offset = this.size;
    this.file.seekSync(offset, Deno.SeekMode.Start);
    try {
      for (let rest = bytes; rest.length > 0;) rest = rest.subarray(this.file.writeSync(rest));
    } catch (error) {
      try {
        this.file.truncateSync(offset);
      } catch { /* the next call drops the cut line */ }
      throw new JournalError(
        `Cannot write '${this.path}': ${(error as Error).message}. ` +
          "What was collected before is whole: mend that, and the same call goes on",
      );
    }
    this.size += bytes.length;
    return { offset, length: bytes.length };
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0];
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/**
 * The open files of a collection. They belong to one process until they are disposed or it ends in any way.
 *
 * The first line of the file of rejects holds the settings; that file is also the one that is locked. A kill at any
 * moment costs at most the line that was being written.
 */
export class Journal {
  readonly #kept: LineFile;
  readonly #rejected: LineFile;
  /** Where the row of each problem that was kept stands. */
  readonly #rows = new Map<string, { offset: number; length: number }>();
  #sorted = true;

  private constructor(kept: LineFile, rejected: LineFile) {
    this.#kept = kept;
    this.#rejected = rejected;
  }

  /**
   * Opens the files or makes them, and hands over the lines that are there.
   *
   * @param path Of the file of what is kept: it must end in `.jsonl`.
   * @param onKept Called with each row kept before.
   * @param onRejected Called with each row rejected before, in their order.
   * @throws {JournalError} If another process has them, they were made with other settings (each is named) or by
   * something else, or a line is damaged.
   */
  static open(
    path: string,
    settings: CollectionSettings,
    onKept: (row: KeptRow) => void,
    onRejected: (row: RejectedRow) => void,
  ): Journal {
    if (!path.endsWith(".jsonl")) {
      throw new JournalError(
        `Cannot write '${path}' as the name of the output must end in .jsonl`,
      );
    }
    Deno.mkdirSync(dirname(path), { recursive: true });
    const beside = rejectedPath(path);
    const size = sizeOf(path);
    if (size > 0 && sizeOf(beside) === 0) {
      throw new JournalError(
        `Cannot write '${path}': it is there, and '${beside}', which would say how it was made, ` +
          "is not. Name another file, or move it away",
      );
    }
    const rejected = LineFile.open(beside);
    let kept: LineFile | undefined;
    try {
      if (!rejected.file.tryLockSync(true)) {
        throw new JournalError(
          `Cannot write '${path}': another process is writing it. Wait for it, or stop it`,
        );
      }
      kept = LineFile.open(path);
      const journal = new Journal(kept, rejected);
      journal.#readRejected(settings, onRejected);
      journal.#readKept(onKept);
      return journal;
    } catch (error) {
      rejected.file.close();
      kept?.file.close();
      throw error;
    }
  }

  /** Whether a problem's row is there. */
  has(id: string): boolean {
    return this.#rows.has(id);
  }

  /** Appends a row that is kept. */
  keep(row: KeptRow): void {
    if (this.has(row.id)) throw new JournalError(`Cannot keep problem '${row.id}' twice`);
    this.#rows.set(row.id, this.#kept.append(row));
    this.#sorted = false;
  }

  /** Appends a row that is rejected. */
  reject(row: RejectedRow): void {
    this.#rejected.append(row);
  }

  /**
   * Puts the rows in the order of these ids, rows of other problems last, so that the finished file does not depend on
   * which answer came first. It is written beside and renamed.
   */
  sort(ids: Iterable<string>): void {
    if (this.#sorted) return;
    const rest = new Map(this.#rows);
    const order: { offset: number; length: number }[] = [];
    for (const id of ids) {
      const row = rest.get(id);
      if (row !== undefined) order.push(row);
      rest.delete(id);
    }
    order.push(...rest.values());
    this.#sorted = true;
    let end = 0;
    const inOrder = order.every(({ offset, length }) => {
      const follows = offset === end;
      end = offset + length;
      return follows;
    });
    if (inOrder) return;
    const beside = `${this.#kept.path}.tmp`;
    const sorted = Deno.openSync(beside, { write: true, create: true, truncate: true });
    try {
      for (const { offset, length } of order) {
        const bytes = new Uint8Array(length);
        this.#kept.file.seekSync(offset, Deno.SeekMode.Start);
        for (let got = 0; got < length;) {
          got += this.#kept.file.readSync(bytes.subarray(got)) ?? fileShrank(this.#kept.path);
        }
        for (let left = bytes; left.length > 0;) left = left.subarray(sorted.writeSync(left));
      }
    } catch (error) {
      // The rows are all there; only their order is not.
      sorted.close();
      Deno.removeSync(beside);
      throw new JournalError(`Cannot sort '${this.#kept.path}': ${(error as Error).message}`);
    }
    sorted.close();
    Deno.renameSync(beside, this.#kept.path);
  }

  /** Closes the files. */
  [Symbol.dispose](): void {
    this.#kept.file.close();
    this.#rejected.file.close();
  }

  #readRejected(settings: CollectionSettings, onRow: (row: RejectedRow) => void): void {
    const path = this.#rejected.path;
    let first = true;
    for (const line of this.#rejected.lines()) {
      if (!first) onRow(parsed<RejectedRow>(path, line));
      else refuseOther(path, this.#kept.path, line, settings);
      first = false;
    }
    if (first && this.#rejected.file.statSync().size > 0) {
      // No whole line: a kill while the settings were being written, or a file of someone else's.
      const start = JSON.stringify({ settings }).slice(0, 12);
      const bytes = new Uint8Array(start.length);
      this.#rejected.file.seekSync(0, Deno.SeekMode.Start);
      const got = this.#rejected.file.readSync(bytes) ?? 0;
      if (!start.startsWith(new TextDecoder().decode(bytes.subarray(0, got)))) {
        throw notOurs(path, this.#kept.path);
      }
    }
    this.#rejected.repair();
    if (first) this.#rejected.append({ settings });
  }

  #readKept(onRow: (row: KeptRow) => void): void {
    const path = this.#kept.path;
    for (const line of this.#kept.lines()) {
      const row = parsed<KeptRow>(path, line);
      if (this.has(row.id)) {
        throw new JournalError(
          `Cannot go on with '${path}': line ${line.number} repeats problem '${row.id}'`,
        );
      }
      this.#rows.set(row.id, { offset: line.offset, length: line.length });
      onRow(row);
    }
    this.#kept.repair();
    this.#sorted = false;
  }
}

function fileShrank(path: string): never {
  throw new JournalError(`'${path}' was cut by something else`);
}

function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

function parsed<Row extends { readonly id: string }>(path: string, line: Line): Row {
  let row: unknown;
  try {
    row = JSON.parse(line.text);
  } catch (error) {
    throw new JournalError(
      `Cannot go on with '${path}': line ${line.number}: ${(error as Error).message}`,
    );
  }
  if (typeof row !== "object" || row === null || typeof (row as { id?: unknown }).id !== "string") {
    throw new JournalError(`Cannot go on with '${path}': line ${line.number} has no 'id'`);
  }
  return row as Row;
}

function notOurs(path: string, out: string): JournalError {
  return new JournalError(
    `Cannot write '${out}' as '${path}' beside it was not made with it. Name another file, or ` +
      "move that one away",
  );
}

function refuseOther(path: string, out: string, line: Line, settings: CollectionSettings): void {
  let before: Record<string, unknown> | undefined;
  try {
    before = JSON.parse(line.text).settings;
  } catch {
    throw notOurs(path, out);
  }
  if (typeof before !== "object" || before === null) throw notOurs(path, out);
  const old = before;
  const names = [...new Set([...Object.keys(old), ...Object.keys(settings)])];
  const changed = names.filter((name) => (old[name] ?? null) !== (settings[name] ?? null));
  if (changed.length === 0) return;
  const changes = changed.map((name) =>
    `  ${name}: ${shown(old[name])} then, ${shown(settings[name])} now`
  );
  throw new JournalError(
    `Cannot go on with '${out}' as it was made with other settings:\n${changes.join("\n")}\n` +
      "Set them back, or name another file",
  );
}

function shown(value: unknown): string {
  const text = value === undefined || value === null ? "none" : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text;
}
