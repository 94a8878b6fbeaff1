/** Reads a data file of any kind: its first bytes, not its name, say which it is. */

import { gzipBytes, namesLines, plainBytes, sniff } from "./files.ts";
import { readJson } from "./json.ts";
import { readParquet } from "./parquet.ts";
import type { ReadLimits, ReadResult } from "./reader.ts";

/**
 * The rows of one file, one by one, and what of it could not be read. Large files are streamed.
 * Throws a `DataFileError` for a file that is damaged as a whole.
 *
 * @param path Where it is.
 * @param name Its name in results and errors.
 */
export async function* readRows(
  path: string,
  name: string,
  limits: ReadLimits,
): AsyncGenerator<ReadResult> {
  const kind = await sniff(path);
  if (kind === "parquet") yield* readParquet(path, name);
  else {
    const bytes = kind === "gzip" ? gzipBytes(path, name, limits) : plainBytes(path);
    yield* readJson(name, bytes, namesLines(path), limits);
  }
}
