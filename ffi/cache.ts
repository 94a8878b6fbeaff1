/** The cache folder: where it is, what it holds, and how two processes share it. */
import { cacheFolder as findCacheFolder } from "../src/std/cache.ts";
import { exists, type Host, requirePermission } from "./host.ts";
import { fileTrouble, LibtorchError } from "./libtorch_error.ts";
import { type ProgressListener, reporting } from "./progress.ts";

/**
 * The folder for what is installed and built once: HANDRAIL_CACHE, or `handrail` in the user's cache folder.
 *
 * @throws {LibtorchError} Without HANDRAIL_CACHE, XDG_CACHE_HOME and HOME.
 */
export function cacheFolder(host: Host): string {
  const folder = findCacheFolder(host.env, host.os);
  if (folder !== null) return folder;
  throw new LibtorchError(
    "cache",
    "Cannot choose a cache folder as neither HANDRAIL_CACHE nor HOME is set",
    "set HANDRAIL_CACHE to a writable folder",
  );
}

const partial = ".partial-";

/**
 * Fills a folder all or nothing: `fill` writes to a sibling that is renamed when it is complete. What a killed process
 * left half-written is swept first, so the caller must hold the lock.
 */
export async function fillFolder(
  folder: string,
  fill: (temporary: string) => Promise<void>,
): Promise<void> {
  const parent = folder.slice(0, folder.lastIndexOf("/"));
  makeFolder(parent);
  await sweep(parent);
  const temporary = `${parent}/${partial}${crypto.randomUUID().slice(0, 8)}`;
  try {
    makeFolder(temporary);
    await fill(temporary);
    // A folder without what makes it complete would block the rename.
    await Deno.remove(folder, { recursive: true }).catch(() => {});
    await Deno.rename(temporary, folder);
  } catch (error) {
    await Deno.remove(temporary, { recursive: true }).catch(() => {});
    const ofSystem = error instanceof Deno.errors.NotCapable || /os error/.test(String(error));
    throw ofSystem ? fileTrouble(error, "write", folder) : error;
  }
}

/** Removes what a killed process left half-written in a folder. */
export async function sweep(folder: string): Promise<void> {
  if (!exists(folder)) return;
  for await (const entry of Deno.readDir(folder)) {
    if (!entry.name.startsWith(partial)) continue;
    // An installer that outlived its killed parent may still write here; the next sweep takes the rest.
    await Deno.remove(`${folder}/${entry.name}`, { recursive: true }).catch(() => {});
  }
}

/** Names of half-written folders, for the doctor. */
export function halfWritten(folder: string): string[] {
  if (!exists(folder)) return [];
  return [...Deno.readDirSync(folder)].map((entry) => entry.name).filter((name) =>
    name.startsWith(partial)
  ).map((name) => `${folder}/${name}`);
}

/** Makes a folder and its parents. */
export function makeFolder(folder: string): void {
  requirePermission({ name: "write", path: folder }, `write the cache folder '${folder}'`);
  try {
    Deno.mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw fileTrouble(error, "make the folder", folder);
  }
}

/**
 * Does work that two processes must not do at once. The lock is the system's: it goes with its process, however that
 * ends.
 *
 * @param doing What the work is, in words, for the one that waits: "installs libtorch".
 */
export async function withLock<T>(
  cache: string,
  name: string,
  doing: string,
  listener: ProgressListener,
  work: () => Promise<T>,
): Promise<T> {
  makeFolder(cache);
  const path = `${cache}/${name}.lock`;
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path, { read: true, write: true, create: true });
  } catch (error) {
    throw fileTrouble(error, "lock the cache", cache);
  }
  using lock = file;
  if (!await lock.tryLock(true)) {
    const holder = (await Deno.readTextFile(path).catch(() => "")).trim();
    await reporting(
      listener,
      {
        phase: "wait",
        message: `waiting for another process, which ${holder || doing}`,
      },
      () => lock.lock(true),
    );
  }
  await lock.truncate(0);
  await lock.seek(0, Deno.SeekMode.Start);
  await lock.write(new TextEncoder().encode(`${doing}\n`));
  try {
    return await work();
  } finally {
    await lock.truncate(0);
  }
}

/** Bytes of all files under a folder. */
export function folderSize(folder: string): number {
  if (!exists(folder)) return 0;
  let bytes = 0;
  for (const entry of Deno.readDirSync(folder)) {
    const path = `${folder}/${entry.name}`;
    try {
      if (entry.isDirectory) bytes += folderSize(path);
      else if (entry.isFile) bytes += Deno.statSync(path).size;
    } catch {
      // It went away meanwhile.
    }
  }
  return bytes;
}

/** A hexadecimal SHA-256 of text. */
export async function hashText(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
