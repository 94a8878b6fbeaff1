/** Pyodide's files, and the image of a started interpreter that is made from them once and kept. */
import { fileURLToPath as fromFileUrl } from "node:url";
import { cacheFolder } from "../std/cache.ts";
import { Child } from "./child.ts";
import { childModule, type FromChild, type PyodideFiles, type ToChild } from "./pyodide_child.ts";
import { keepImage, type Made } from "./pyodide_image.ts";
import { outOfMemoryCode, programPath, start } from "./pyodide_start.ts";
import { type Layout, workerSource } from "./pyodide_worker.ts";
import { SandboxError } from "./sandbox.ts";

/** What an interpreter boots from. */
export interface Interpreter {
  /** Pyodide's own files. */
  readonly files: PyodideFiles;
  /** Path of the image. */
  readonly image: string;
}

/** Where things are in the interpreter. */
export const layout: Layout = { programPath, outOfMemoryCode };

/**
 * Ten times V8's own budget of a function before it is optimised: most programs end before the optimiser has paid for
 * itself, and it is no slower for those that do not.
 */
const tiering = "--v8-flags=--wasm-tiering-budget=130000000";

/** Milliseconds in which an image must have been made. */
const makeMs = 120_000;

const version = "314.0.7";

/**
 * The interpreter: from the cache, or made. The first time on a machine, npm's registry is asked for Pyodide.
 *
 * @throws {SandboxError} when its files cannot be had, or it does not start.
 */
export async function loadInterpreter(): Promise<Interpreter> {
  const files = await pyodideFiles();
  const image = await imagePath();
  await keepImage(image, () => makeImage(files));
  return { files, image };
}

/**
 * Starts a child, which loads nothing but what it consists of, from the cache or the disk, and may read nothing but
 * the files named.
 *
 * @throws {SandboxError} when it cannot be started.
 */
export function startChild(paths: readonly string[]): Child {
  const { protocol, host } = new URL(childModule);
  const own = protocol === "file:" ? "--no-remote" : `--allow-import=${host}`;
  const readable = paths.map((path) => path.replaceAll(",", ",,")).join(",");
  try {
    return Child.spawn({
      module: childModule,
      permissions: [`--allow-read=${readable}`],
      flags: ["--no-npm", "--cached-only", "--no-config", "--no-lock", own, tiering],
    });
  } catch (cause) {
    throw startError((cause as Error).message, cause);
  }
}

async function pyodideFiles(): Promise<PyodideFiles> {
  try {
    // Installs the package where it is not in Deno's cache.
    await import("npm:pyodide@314.0.7/package.json", { with: { type: "json" } });
    const path = (name: string) =>
      fromFileUrl(import.meta.resolve(`npm:pyodide@${version}/${name}`));
    const files = {
      wasm: path("pyodide.asm.wasm"),
      glue: path("pyodide.asm.mjs"),
      library: path("python_stdlib.zip"),
      loader: path("pyodide.mjs"),
    };
    for (const file of Object.values(files)) await Deno.stat(file);
    return files;
  } catch (cause) {
    throw new SandboxError(
      `Cannot start Python as the files of npm:pyodide@${version} (13 MB) cannot be had: ` +
        `${
          (cause as Error).message
        }. Run 'deno cache npm:pyodide@${version}' once where npm's registry can be ` +
        "reached, and allow reading Deno's cache (--allow-read)",
      { cause },
    );
  }
}

/** The image depends on what made it. */
async function imagePath(): Promise<string> {
  const folder = cacheFolder();
  if (folder === null) {
    throw new SandboxError(
      "Cannot start Python as neither HANDRAIL_CACHE nor HOME names a folder for its image: set HANDRAIL_CACHE to a " +
        "writable folder",
    );
  }
  const made = new TextEncoder().encode(start + workerSource());
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", made)).toHex().slice(0, 12);
  return `${folder}/pyodide/${version}-deno-${Deno.version.deno}-${digest}.image`;
}

async function makeImage(files: PyodideFiles): Promise<Made> {
  const child = startChild(Object.values(files));
  const late = setTimeout(() => child.kill(), makeMs);
  try {
    child.send({ type: "make", layout, files, start } satisfies ToChild);
    for await (const { header, body } of child.messages()) {
      const message = header as FromChild;
      if (message.type === "image") return { image: message.image, memory: body };
      if (message.type === "failed") throw startError(message.reason);
    }
    throw startError(await describeEnd(child));
  } finally {
    clearTimeout(late);
    await child.kill();
  }
}

/** How a child ended, in words. */
export async function describeEnd(child: Child): Promise<string> {
  const ended = await child.ended;
  if (ended === "killed") return "its process was killed";
  if (ended === "memory") return "its process ran out of memory";
  const { code, stderr } = ended;
  const how = code > 128 ? `was ended by signal ${code - 128}` : `ended with exit code ${code}`;
  return `its process ${how}${stderr && `: ${stderr.trim()}`}`;
}

/** The sandbox could not start an interpreter. */
export function startError(reason: string, cause?: unknown): SandboxError {
  return new SandboxError(`Cannot start Python in a child process: ${reason}`, { cause });
}
