/** Making the native part ready: find or install libtorch, build or reuse the shim. */
import { buildShim, type Source } from "./build.ts";
import { cacheFolder, withLock } from "./cache.ts";
import { currentHost, hasNvidiaDriver, type Host, permitted, requirePermission } from "./host.ts";
import { installLibtorch } from "./install.ts";
import { LibtorchError, permissionTrouble } from "./libtorch_error.ts";
import {
  installFolder,
  type Libtorch,
  libtorchOfCache,
  libtorchOfEnvironment,
  libtorchOfPython,
} from "./libtorch.ts";
import { type ProgressListener, progressPrinter } from "./progress.ts";

export { LibtorchError } from "./libtorch_error.ts";
export type { Host } from "./host.ts";
export type { Source } from "./build.ts";
export type { LibtorchProblem } from "./libtorch_error.ts";
export type { Libtorch } from "./libtorch.ts";
export type { Progress, ProgressListener } from "./progress.ts";

/** What {@linkcode prepareShim} gives. */
export interface Prepared {
  /** The shared library to open. */
  readonly shimPath: string;
  /** The libtorch it was built against. */
  readonly libtorch: Libtorch;
  /** Whether the shim is linked with libtorch's CUDA libraries. */
  readonly cuda: boolean;
  /** Whether it was compiled just now. */
  readonly builtNow: boolean;
}

/** What {@linkcode prepare} needs beside this machine. */
export interface PrepareOptions {
  /** The shim's sources. */
  readonly sources: readonly Source[];
  /** What names them in the cache. */
  readonly sourceHash: string;
  /** Receives progress. */
  readonly listener: ProgressListener;
  /** The machine; this one by default. */
  readonly host?: Host;
  /** Whether there is an NVIDIA driver; looked for by default. */
  readonly driver?: boolean;
  /** Whether to load what was built, to see that it can be; on by default. */
  readonly load?: boolean;
}

/**
 * Gives a shim that is ready to be opened, with everything that takes: the first time libtorch is found or installed
 * and the shim compiled, later it is a look into the cache.
 *
 * @param options `onProgress` receives what is being done; without it a line is printed on standard error while
 * something is installed or compiled.
 * @throws {LibtorchError} If that is not possible; the message says what to do.
 */
export async function prepareShim(
  options: { onProgress?: ProgressListener } = {},
): Promise<Prepared> {
  const { sourceHash, sources } = await import("./generated/sources.ts");
  if (options.onProgress) {
    return await prepare({ sources, sourceHash, listener: options.onProgress });
  }
  const printer = progressPrinter();
  try {
    return await prepare({ sources, sourceHash, listener: printer.report });
  } finally {
    printer.end();
  }
}

/** As {@linkcode prepareShim}, for given sources and a given machine. */
export async function prepare(o: PrepareOptions): Promise<Prepared> {
  try {
    const host = o.host ?? currentHost();
    if (host.os !== "linux" && host.os !== "darwin") {
      throw new LibtorchError(
        "platform",
        `Cannot run on ${host.os}`,
        "Handrail needs Linux or macOS; on Windows run it in WSL",
      );
    }
    const cache = cacheFolder(host);
    requirePermission({ name: "read", path: cache }, `read the cache folder '${cache}'`);
    requirePermission({ name: "ffi", path: `${cache}/shim` }, "load libtorch");
    o.listener({ phase: "find", message: "looking for libtorch", seconds: 0 });
    const driver = o.driver ?? hasNvidiaDriver(host);
    const libtorch = await findLibtorch(host, cache, driver, o.listener);
    const cuda = driver && libtorch.cuda;
    const built = await buildShim({ ...o, host, cache, libtorch, cuda });
    o.listener({ phase: "ready", message: `libtorch ${libtorch.version} is ready`, seconds: 0 });
    return { ...built, libtorch, cuda };
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw permissionTrouble(error, "prepare libtorch");
    throw error;
  }
}

async function findLibtorch(
  host: Host,
  cache: string,
  driver: boolean,
  listener: ProgressListener,
): Promise<Libtorch> {
  const named = libtorchOfEnvironment(host);
  if (named !== null) return named;
  // Without the permission to run Python a libtorch in the cache still serves.
  if (permitted({ name: "run" }) || permitted({ name: "run", command: "python3" })) {
    const { libtorch } = await libtorchOfPython(host);
    if (libtorch !== null) return libtorch;
  }
  return libtorchOfCache(host, cache, driver) ??
    await withLock(
      cache,
      "libtorch",
      `installs libtorch into '${installFolder(cache, driver)}'`,
      listener,
      async () =>
        libtorchOfCache(host, cache, driver) ??
          await installLibtorch(host, cache, driver, listener),
    );
}
