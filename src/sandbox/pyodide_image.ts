/**
 * The image of a started interpreter as a file: its digest, then the length of its description (unsigned, 32 bits,
 * big-endian), the description as JSON, and the memory.
 */
import type { Image } from "./pyodide_worker.ts";
import { SandboxError } from "./sandbox.ts";

/** An image. */
export interface Made {
  /** What is to be known of it. */
  readonly image: Image;
  /** Its memory, without what is zero. */
  readonly memory: Uint8Array<ArrayBuffer>;
}

/** Bytes of a digest. */
const digestBytes = 32;

/**
 * Sees to it that an image is kept at a path: where there is none, or a damaged one, a new one is made. Any number of
 * processes may do so at once; each file that is seen there is whole.
 *
 * @throws {SandboxError} when it cannot be written.
 */
export async function keepImage(path: string, make: () => Promise<Made>): Promise<void> {
  if (await isWhole(path)) return;
  const bytes = await encode(await make());
  const partial = `${path}.${crypto.randomUUID()}`;
  try {
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeFile(partial, bytes);
    await Deno.rename(partial, path);
  } catch (cause) {
    await Deno.remove(partial).catch(() => {});
    throw new SandboxError(
      `Cannot start Python as its image '${path}' cannot be written: ${
        (cause as Error).message
      }. ` +
        "Name a writable folder with HANDRAIL_CACHE",
      { cause },
    );
  }
}

/** The image in a file that is whole. */
export function readImage(path: string): Made {
  const bytes = Deno.readFileSync(path);
  const length = new DataView(bytes.buffer).getUint32(digestBytes);
  const start = digestBytes + 4;
  const image = JSON.parse(new TextDecoder().decode(bytes.subarray(start, start + length)));
  return { image, memory: bytes.subarray(start + length) };
}

async function isWhole(path: string): Promise<boolean> {
  let bytes;
  try {
    bytes = await Deno.readFile(path);
  } catch {
    return false;
  }
  const digest = await digestOf(bytes.subarray(digestBytes));
  return digest.every((byte, i) => byte === bytes[i]);
}

async function encode({ image, memory }: Made): Promise<Uint8Array<ArrayBuffer>> {
  const json = new TextEncoder().encode(JSON.stringify(image));
  const start = digestBytes + 4;
  const bytes = new Uint8Array(start + json.length + memory.length);
  new DataView(bytes.buffer).setUint32(digestBytes, json.length);
  bytes.set(json, start);
  bytes.set(memory, start + json.length);
  bytes.set(await digestOf(bytes.subarray(digestBytes)));
  return bytes;
}

async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}
