/** The files of a source, and their bytes: a file or a folder of shards, plain or gzip. */

import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { DataFileError, type ReadLimits } from "./reader.ts";

/** How a file is read, which its first bytes and then its name tell. */
export type FileKind = "json" | "gzip" | "parquet";

const CHUNK = 1 << 18;
const DATA_NAME = /\.(?:jsonl|ndjson|json|parquet)(?:\.gz)?$/i;
/** JSON that describes a data set and is none. */
const DESCRIPTIONS = new Set([
  "dataset_info.json",
  "dataset_infos.json",
  "dataset_dict.json",
  "state.json",
]);

/** The files of a source. */
export interface SourceFiles {
  /** The path of each data file and its name in reports, sorted by name. */
  readonly files: readonly { readonly path: string; readonly name: string }[];
  /** Names in the folder that are no data files. */
  readonly ignored: readonly string[];
}

/** Whether a name says that the file holds one JSON value a line. */
export function namesLines(name: string): boolean {
  return /\.(?:jsonl|ndjson)(?:\.gz)?$/i.test(name);
}

/** A file's or folder's name without the endings of data files: a source's name by default. */
export function bareName(path: string): string {
  const last = path.replace(/\/+$/, "").split("/").at(-1) ?? "";
  return last.replace(DATA_NAME, "") || last || "data";
}

/**
 * The data files at a path: the file itself, whatever its name, or every data file of a folder and
 * its folders. Hidden names are passed over; other files are named as ignored.
 */
export async function findFiles(path: string): Promise<SourceFiles> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new DataFileError(path, "there is no such file or folder");
    }
    throw error;
  }
  const base = path.replace(/\/+$/, "").split("/").at(-1) ?? path;
  if (!info.isDirectory) return { files: [{ path, name: base }], ignored: [] };

  const files: { path: string; name: string }[] = [];
  const ignored: string[] = [];
  const visit = async (folder: string, prefix: string, depth: number): Promise<void> => {
    for await (const { name } of Deno.readDir(folder)) {
      if (name.startsWith(".")) continue;
      const inner = `${folder}/${name}`;
      // stat, not the entry: shards of Hugging Face's cache are links. A dead one is an error.
      const { isDirectory } = await Deno.stat(inner);
      if (isDirectory && depth < 8) await visit(inner, `${prefix}${name}/`, depth + 1);
      else if (!isDirectory && DATA_NAME.test(name) && !DESCRIPTIONS.has(name)) {
        files.push({ path: inner, name: prefix + name });
      } else ignored.push(prefix + name);
    }
  };
  await visit(path.replace(/\/+$/, ""), "", 0);
  if (files.length === 0) {
    throw new DataFileError(
      path,
      "the folder has no file that ends in .jsonl, .ndjson, .json or .parquet (or these with .gz)",
    );
  }
  files.sort((a, b) => a.name < b.name ? -1 : 1);
  return { files, ignored: ignored.sort() };
}

/** What a file's first bytes say that it is. */
export async function sniff(path: string): Promise<FileKind> {
  using file = await Deno.open(path);
  const head = new Uint8Array(4);
  let length = 0;
  while (length < head.length) {
    const count = await file.read(head.subarray(length));
    if (count === null) break;
    length += count;
  }
  if (head[0] === 0x1f && head[1] === 0x8b) return "gzip";
  return new TextDecoder().decode(head) === "PAR1" ? "parquet" : "json";
}

/** A file's bytes in chunks, each in memory of its own. */
export async function* plainBytes(path: string): AsyncGenerator<Uint8Array> {
  using file = await Deno.open(path);
  while (true) {
    const chunk = new Uint8Array(CHUNK);
    const count = await file.read(chunk);
    if (count === null) return;
    yield chunk.subarray(0, count);
  }
}

/**
 * A gzip file's content in chunks. Several members after each other are one file. Throws on damage,
 * on an early end, and when it unpacks to more than the limits allow.
 */
export async function* gzipBytes(
  path: string,
  name: string,
  limits: ReadLimits,
): AsyncGenerator<Uint8Array> {
  const { size } = await Deno.stat(path);
  const allowed = Math.max(limits.freeBytes, size * limits.maxExpansion);
  const gunzip = createGunzip({ chunkSize: CHUNK });
  let failure: unknown = null;
  pipeline(Readable.from(plainBytes(path)), gunzip, (error) => failure = error);
  let total = 0;
  try {
    for await (const chunk of gunzip) {
      total += chunk.length;
      if (total > allowed) {
        throw new DataFileError(
          name,
          `it unpacks to more than ${limits.maxExpansion} times its ${size} bytes: ` +
            `unpack it first if it is meant to`,
        );
      }
      yield chunk;
    }
  } catch (error) {
    if (error instanceof DataFileError) throw error;
    const cause = failure ?? error;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DataFileError(name, `its gzip data is damaged or cut short: ${reason}`, error);
  } finally {
    gunzip.destroy();
  }
}
