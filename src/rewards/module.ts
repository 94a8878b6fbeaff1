/** A reward of one's own, by the path of its module. */

import { basename, dirname, extname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type ProcessPermissions, type ProcessReward, processReward } from "./process.ts";

/** What {@linkcode moduleReward} takes. */
export interface ModuleRewardOptions {
  /** Path of the module, from the current folder on, or its URL. */
  readonly path: string;
  /** The reward's name in configs and metrics. Default: the file's name without its extension. */
  readonly name?: string;
  /** JSON, the third argument of the module's function. Default: undefined. */
  readonly options?: unknown;
  /** Milliseconds that a sample may take. Default: 10,000. */
  readonly timeoutMs?: number;
  /** Bytes that a process may use. Default: 512 MiB. */
  readonly memoryBytes?: number;
  /** Samples judged at a time, each in a process of its own. Default: 1. */
  readonly processes?: number;
  /** What the module may do beside reading files. Default: nothing. */
  readonly permissions?: ProcessPermissions;
}

/**
 * A reward of one's own: a module whose default export is a function `(sample, context, options) => score`, where the
 * score is a number, `{ ungraded: "why" }`, or a promise of either.
 *
 * ```ts ignore
 * // polite.ts
 * import type { RewardContext, RewardSample } from "https://…/mod.ts";
 *
 * export default function (sample: RewardSample, _: RewardContext, options: { word: string }) {
 *   return sample.completion.includes(options.word) ? 1 : 0;
 * }
 * ```
 *
 * It runs in a process of its own with a cleared environment, and is killed there when a sample takes too long or too
 * much memory; that sample is ungraded. Samples are judged one after the other, also by a function that waits: raise
 * `processes` for one that asks a server. It may import by relative path, URL, `npm:`, `jsr:` and what the nearest
 * deno.json maps, read files, and do nothing else unless `permissions` allow it. What it prints goes to standard error.
 *
 * `start` loads it, and rejects with the reason if it cannot be used.
 *
 * @throws {TypeError} for limits that are not positive.
 */
export function moduleReward(options: ModuleRewardOptions): ProcessReward {
  const { path, name, permissions, ...others } = options;
  const remote = /^(?:https?|npm|jsr):/.test(path);
  const file = path.startsWith("file:") ? fileURLToPath(path) : resolve(path);
  return processReward({
    ...others,
    name: name ?? basename(path, extname(path)),
    module: remote ? path : pathToFileURL(file).href,
    form: "function",
    config: remote ? undefined : nearestConfig(dirname(file)),
    permissions: { read: true, ...permissions },
  });
}

/** The deno.json that Deno itself would read for a program in this folder. */
function nearestConfig(folder: string): string | undefined {
  for (const name of ["deno.json", "deno.jsonc"]) {
    const file = join(folder, name);
    if (isFile(file)) return file;
  }
  const parent = dirname(folder);
  return parent === folder ? undefined : nearestConfig(parent);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false; // not there, or nothing that we may read
  }
}
