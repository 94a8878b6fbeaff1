/**
 * Measured difficulty, ADARFT's way: a problem's difficulty is the share of attempts at it that a
 * model failed (G²RPO-A, appendix C.1.1).
 *
 * The file has a JSON object a line. The first line holds the settings that every line was measured
 * with; each further line is a problem:
 *
 * ```
 * {"difficulty_of":{"model":"Qwen2.5-1.5B-Instruct","attempts":128,"temperature":1, ...}}
 * {"id":"gsm8k/17","attempts":128,"failures":32,"difficulty":0.25}
 * {"id":"gsm8k/18","attempts":0,"failures":0,"difficulty":null,"reason":"gold answer 'x' ..."}
 * ```
 *
 * Lines are appended whole, so what a kill leaves of the last one is recognised by its missing line
 * break, and measured again.
 */

import { isRecord } from "../std/record.ts";
/** What all difficulties of a file were measured with, as JSON values by name. */
export type DifficultySettings = Readonly<Record<string, string | number | boolean | null>>;

/** The measured difficulty of one problem: a line of the file. */
export interface MeasuredDifficulty {
  /** The problem's id. */
  readonly id: string;
  /** Attempts that were graded. */
  readonly attempts: number;
  /** How many of them failed. */
  readonly failures: number;
  /** `failures / attempts`: 0 always solved, 1 never; null if none could be graded. */
  readonly difficulty: number | null;
  /** Why attempts could not be graded, where some could not. */
  readonly reason?: string;
}

/** A file's content. */
export interface DifficultyFile {
  /** What its difficulties were measured with. */
  readonly settings: DifficultySettings;
  /** Each problem's difficulty by its id. */
  readonly measured: ReadonlyMap<string, MeasuredDifficulty>;
}

/** A file of measured difficulties cannot be used. */
export class DifficultyError extends Error {
  /** Name of the class. */
  override name: string = "DifficultyError";
}

/** The file's first line. */
export function difficultyHeader(settings: DifficultySettings): string {
  return `${JSON.stringify({ difficulty_of: settings })}\n`;
}

/** A problem's line. */
export function difficultyLine(measured: MeasuredDifficulty): string {
  const { id, attempts, failures, difficulty, reason } = measured;
  return `${JSON.stringify({ id, attempts, failures, difficulty, reason })}\n`;
}

/**
 * Reads a file's text. An unfinished last line is left out.
 *
 * @param path Names the file in errors.
 * @throws {DifficultyError} Names the line that is damaged, or repeats a problem.
 */
export function parseDifficulties(text: string, path: string): DifficultyFile {
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  const [header, ...lines] = whole.split("\n").slice(0, -1);
  const fail = (line: number, reason: string) =>
    new DifficultyError(`Cannot read line ${line} of '${path}': ${reason}`);
  const settings = header === undefined ? undefined : own(parseLine(header), "difficulty_of");
  if (!isSettings(settings)) {
    throw fail(
      1,
      'it must hold the settings, {"difficulty_of": {...}}, as deno task data difficulty writes it',
    );
  }
  const measured = new Map<string, MeasuredDifficulty>();
  for (const [i, line] of lines.entries()) {
    const value = parseLine(line);
    if (!isMeasured(value)) {
      throw fail(
        i + 2,
        "it must hold id, attempts, failures and difficulty, which is failures / attempts " +
          "(null without attempts)",
      );
    }
    if (measured.has(value.id)) throw fail(i + 2, `problem '${value.id}' is there twice`);
    measured.set(value.id, value);
  }
  return { settings, measured };
}

/** Reads a file of measured difficulties. */
export async function readDifficulties(path: string): Promise<DifficultyFile> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new DifficultyError(
      `Cannot read difficulties as there is no file '${path}': deno task data difficulty makes it`,
    );
  }
  return parseDifficulties(text, path);
}

/** A file that difficulties are added to. One process has it at a time; dispose it in the end. */
export class DifficultyWriter implements Disposable {
  /** What the file had when it was opened, by id. */
  readonly before: ReadonlyMap<string, MeasuredDifficulty>;
  readonly #file: Deno.FsFile;

  private constructor(file: Deno.FsFile, before: ReadonlyMap<string, MeasuredDifficulty>) {
    this.#file = file;
    this.before = before;
  }

  /**
   * Makes a file, or goes on with one that has the same settings, without its unfinished last line.
   *
   * @throws {DifficultyError} where another process writes it, its settings differ, or it is damaged.
   */
  static open(path: string, settings: DifficultySettings): DifficultyWriter {
    let file: Deno.FsFile;
    try {
      file = Deno.openSync(path, { read: true, write: true, create: true });
    } catch (error) {
      throw new DifficultyError(`Cannot write '${path}': ${(error as Error).message}`);
    }
    using owned = new DisposableStack();
    owned.use(file);
    if (!file.tryLockSync(true)) {
      throw new DifficultyError(
        `Cannot write '${path}' as another process does: wait for it, or give another --out`,
      );
    }
    const bytes = Deno.readFileSync(path);
    const header = new TextEncoder().encode(difficultyHeader(settings));
    const whole = bytes.lastIndexOf(10) + 1;
    // Without a whole line only a header that was cut short may be written over.
    const fresh = whole === 0 && bytes.every((byte, i) => byte === header[i]);
    const text = fresh ? difficultyHeader(settings) : new TextDecoder().decode(bytes);
    const { settings: was, measured } = parseDifficulties(text, path);
    requireSameSettings(was, settings, path);
    const writer = new DifficultyWriter(file, measured);
    file.truncateSync(whole);
    file.seekSync(0, Deno.SeekMode.End);
    if (fresh) writer.#write(header);
    owned.move();
    return writer;
  }

  /** Appends lines. */
  append(measured: readonly MeasuredDifficulty[]): void {
    this.#write(new TextEncoder().encode(measured.map(difficultyLine).join("")));
  }

  #write(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) rest = rest.subarray(this.#file.writeSync(rest));
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}

function requireSameSettings(
  was: DifficultySettings,
  wanted: DifficultySettings,
  path: string,
): void {
  // Difficulties that were measured in different ways cannot be compared.
  const names = [...new Set([...Object.keys(was), ...Object.keys(wanted)])];
  const different = names.filter((name) => was[name] !== wanted[name]);
  if (different.length === 0) return;
  const changes = different.map((name) =>
    `${name} was ${JSON.stringify(was[name])} and is ${JSON.stringify(wanted[name])}`
  );
  throw new DifficultyError(
    `Cannot add to '${path}' as its difficulties were measured with other settings: ` +
      `${changes.join("; ")}. Give the same settings, or another --out`,
  );
}

/**
 * The problems with their measured difficulty as tier: a real number from 0 (always solved) to 1
 * (never). Problems none of whose attempts could be graded have no difficulty: their ids are given
 * beside.
 *
 * @param path Names the file in errors.
 * @throws {DifficultyError} Names problems that were not measured.
 */
export function withDifficulty<P extends { readonly id: string; readonly tier: number }>(
  problems: readonly P[],
  measured: ReadonlyMap<string, MeasuredDifficulty>,
  path: string,
): { problems: P[]; ungraded: string[] } {
  const missing = problems.filter(({ id }) => !measured.has(id)).map(({ id }) => `'${id}'`);
  if (missing.length > 0) {
    const more = missing.length > 3 ? ` and ${missing.length - 3} more` : "";
    throw new DifficultyError(
      `Cannot order by '${path}' as it has no difficulty of ${missing.slice(0, 3).join(", ")}` +
        `${more}: measure them by deno task data difficulty, with the same data and --out`,
    );
  }
  const kept: P[] = [], ungraded: string[] = [];
  for (const problem of problems) {
    const { difficulty } = measured.get(problem.id)!;
    if (difficulty === null) ungraded.push(problem.id);
    else kept.push({ ...problem, tier: difficulty });
  }
  return { problems: kept, ungraded };
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function own(value: unknown, key: string): unknown {
  return isRecord(value) ? value[key] : undefined;
}

function isSettings(value: unknown): value is DifficultySettings {
  return isRecord(value) &&
    Object.values(value).every((v) => v === null || /^(string|number|boolean)$/.test(typeof v));
}

function isMeasured(value: unknown): value is MeasuredDifficulty {
  if (!isRecord(value) || typeof value.id !== "string") return false;
  const { attempts, failures, difficulty, reason } = value as Record<string, number>;
  return Number.isSafeInteger(attempts) && Number.isSafeInteger(failures) &&
    failures >= 0 && failures <= attempts &&
    difficulty === (attempts === 0 ? null : failures / attempts) &&
    (reason === undefined || typeof reason === "string");
}
