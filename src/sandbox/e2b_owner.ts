/** Who owns a guest, and whether the owner is still there. */
import { cacheFolder } from "../std/cache.ts";

/**
 * A name for the guests of one sandbox, with a locked file of that name in the cache folder. The lock ends with the
 * process, however it ends. So a guest whose owner's file is here and not locked is known to be nobody's; of one whose
 * file is elsewhere nothing is known, and it is left to its own end.
 */
export class Owner {
  /** Unguessable. */
  readonly id: string;
  readonly #file: Deno.FsFile | null;

  private constructor(id: string, file: Deno.FsFile | null) {
    this.id = id;
    this.#file = file;
  }

  /** A new owner. Where no cache folder can be written, its guests are only left to their own end. */
  static async claim(): Promise<Owner> {
    const id = crypto.randomUUID();
    const path = lockPath(id);
    if (path === null) return new Owner(id, null);
    try {
      await Deno.mkdir(folder()!, { recursive: true });
      const file = await Deno.open(`${path}.new`, { write: true, createNew: true });
      await file.lock(true);
      // It has its name once it is locked: nobody takes it for an owner's that is gone.
      await Deno.rename(`${path}.new`, path);
      return new Owner(id, file);
    } catch (error) {
      if (refused(error)) return new Owner(id, null);
      throw error;
    }
  }

  /** The owner has no guests any more. */
  async release(): Promise<void> {
    if (this.#file === null) return;
    await Deno.remove(lockPath(this.id)!).catch(() => {});
    this.#file.close();
  }
}

/** Owners that are known to be gone. */
export async function goneOwners(): Promise<string[]> {
  const path = folder(), gone: string[] = [];
  if (path === null) return gone;
  try {
    for await (const { name } of Deno.readDir(path)) {
      if (name.endsWith(".lock") && await isFree(`${path}/${name}`)) {
        gone.push(name.slice(0, -".lock".length));
      }
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound) && !refused(error)) throw error;
  }
  return gone;
}

async function isFree(path: string): Promise<boolean> {
  try {
    using file = await Deno.open(path, { read: true, write: true });
    return await file.tryLock(true);
  } catch (error) {
    // Its owner has just released it, or it is another user's.
    if (error instanceof Deno.errors.NotFound || refused(error)) return false;
    throw error;
  }
}

/** Forgets an owner that is gone, once its guests are killed. */
export async function forget(id: string): Promise<void> {
  await Deno.remove(lockPath(id)!).catch(() => {});
}

function refused(error: unknown): boolean {
  const { NotCapable, PermissionDenied, NotADirectory } = Deno.errors;
  return [NotCapable, PermissionDenied, NotADirectory].some((type) => error instanceof type) ||
    (error as { code?: string }).code === "EROFS";
}

function folder(): string | null {
  const cache = cacheFolder();
  return cache === null ? null : `${cache}/e2b`;
}

function lockPath(id: string): string | null {
  const path = folder();
  return path === null ? null : `${path}/${id}.lock`;
}
