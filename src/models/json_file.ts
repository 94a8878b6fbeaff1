/** JSON files of a model's folder. */
import { ModelError } from "./config_reader.ts";

/** The largest real one, the index of a model with a hundred thousand tensors, has some 10 MB. */
const LARGEST = 100_000_000;

/** Whether a path is a file, or a link to one. */
export function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/**
 * Reads a file that must hold a JSON object.
 *
 * @param what What the file is, for the error.
 * @throws {ModelError} naming the file when it is absent, too large, or no JSON object.
 */
export async function readJsonObject(
  path: string,
  what: string,
): Promise<Record<string, unknown>> {
  let text: string;
  try {
    const { size } = await Deno.stat(path);
    if (size > LARGEST) throw new Error(`it has ${size} bytes, at most ${LARGEST} make sense`);
    text = await Deno.readTextFile(path);
  } catch (error) {
    throw new ModelError(`${what} cannot be read: ${path} (${(error as Error).message})`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ModelError(`${path} is no JSON: ${(error as Error).message}`);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new ModelError(`${path} is no JSON object`);
  }
  return value as Record<string, unknown>;
}

/** Writes a file beside and renames it. */
export function writeJson(path: string, value: unknown): void {
  Deno.writeTextFileSync(`${path}.tmp`, JSON.stringify(value, null, 2) + "\n");
  Deno.renameSync(`${path}.tmp`, path);
}
