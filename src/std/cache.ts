/** The cache folder of this project: for what is made once and can be made again. */

/** The environment variables that say where the cache folder is. */
export const CACHE_VARIABLES: readonly string[] = ["HANDRAIL_CACHE", "XDG_CACHE_HOME", "HOME"];

/**
 * HANDRAIL_CACHE, or `handrail` in the user's cache folder; null where the environment names neither.
 *
 * @param env The environment; by default the process's own, of which {@linkcode CACHE_VARIABLES} are read.
 */
export function cacheFolder(
  env: Readonly<Record<string, string | undefined>> = environment(),
  os: string = Deno.build.os,
): string | null {
  const { HANDRAIL_CACHE, XDG_CACHE_HOME, HOME } = env;
  if (HANDRAIL_CACHE) {
    return HANDRAIL_CACHE.startsWith("/") ? HANDRAIL_CACHE : `${Deno.cwd()}/${HANDRAIL_CACHE}`;
  }
  if (XDG_CACHE_HOME) return `${XDG_CACHE_HOME}/handrail`;
  if (HOME) return os === "darwin" ? `${HOME}/Library/Caches/handrail` : `${HOME}/.cache/handrail`;
  return null;
}

function environment(): Record<string, string | undefined> {
  return Object.fromEntries(CACHE_VARIABLES.map((name) => [name, Deno.env.get(name)]));
}
