/** What is there and what is missing on this machine. Looks only: nothing is installed or built. */
import { statfsSync } from "node:fs";
import { builtShim, cudaHeaders, findCompiler, type Source } from "./build.ts";
import { cacheFolder, folderSize, halfWritten } from "./cache.ts";
import {
  currentHost,
  defaultThreads,
  exists,
  hasNvidiaDriver,
  type Host,
  permitted,
} from "./host.ts";
import { findInstallers } from "./install.ts";
import { LibtorchError } from "./libtorch_error.ts";
import {
  activePython,
  isOlder,
  type Libtorch,
  libtorchOfCache,
  libtorchOfEnvironment,
  libtorchOfPython,
  pinnedVersion,
} from "./libtorch.ts";

/** The oldest Deno that Handrail is tested with. */
export const oldestDeno: string = "2.9";

/** One thing that was looked at. */
export interface Finding {
  /** A short name of the thing, for programs. */
  readonly id: string;
  /** What it is called in the report. */
  readonly title: string;
  /** `missing` keeps Handrail from working, `warning` does not. */
  readonly status: "ok" | "warning" | "missing";
  /** What was found. */
  readonly found: string;
  /** What to do about it, unless it is well. */
  readonly cure?: string;
}

/** What the doctor found. */
export interface DoctorReport {
  /** Whether nothing that is needed is missing. */
  readonly ok: boolean;
  /** Everything that was looked at. */
  readonly findings: readonly Finding[];
}

/**
 * Looks at everything that Handrail needs.
 *
 * @param host The machine; this one by default.
 * @param shim The sources whose build is looked for; the shim's own by default.
 */
export async function examine(
  host: Host = currentHost(),
  shim?: { readonly sources: readonly Source[]; readonly sourceHash: string },
): Promise<DoctorReport> {
  const findings: Finding[] = [];
  const add = (
    id: string,
    title: string,
    status: Finding["status"],
    found: string,
    cure?: string,
  ) => {
    findings.push({ id, title, status, found, ...cure === undefined ? {} : { cure } });
  };

  const deno = Deno.version.deno;
  if (isOlder(deno, oldestDeno)) {
    add("deno", "Deno", "missing", deno, `upgrade to ${oldestDeno} or newer: deno upgrade`);
  } else add("deno", "Deno", "ok", deno);

  if (host.os === "linux" || host.os === "darwin") {
    add("platform", "system", "ok", `${host.os} ${host.arch}`);
  } else {
    add(
      "platform",
      "system",
      "missing",
      `${host.os} ${host.arch}`,
      "use Linux or macOS; on Windows, WSL",
    );
  }

  let cache: string | null = null;
  try {
    cache = cacheFolder(host);
  } catch (error) {
    addTrouble("cache", "cache folder", error);
  }
  const driver = hasNvidiaDriver(host);
  const python = await activePython(host);
  const installers = await findInstallers(host);
  const { libtorch, reason } = await lookForLibtorch();
  const { sourceHash, sources } = shim ?? await import("./generated/sources.ts");
  const cuda = driver && (libtorch?.cuda ?? false);
  const built = cache === null || libtorch === null
    ? null
    : await builtShim({ host, cache, libtorch, sources, sourceHash, cuda });

  try {
    const compiler = await findCompiler(host);
    add("compiler", "C++ compiler", "ok", `${compiler.command} (${compiler.version})`);
  } catch (error) {
    // What another compiler has built still runs.
    addTrouble("compiler", "C++ compiler", error, built === null ? "missing" : "warning");
  }

  const needsInstall = libtorch === null;
  if (python === null) add("python", "Python", "ok", "none on the PATH (only an install needs it)");
  else add("python", "Python", "ok", `${python.path} (${python.version})`);
  if (installers.length > 0) {
    const names = installers.map(({ name, command }) => `${name} (${command})`);
    add("installer", "pip or uv", "ok", names.join(", "));
  } else {
    add(
      "installer",
      "pip or uv",
      needsInstall ? "missing" : "ok",
      "none on the PATH",
      needsInstall
        ? "install one (Debian and Ubuntu: apt install python3-pip; macOS: brew install uv), or set LIBTORCH"
        : undefined,
    );
  }

  if (libtorch !== null) {
    const how = {
      LIBTORCH: "named by LIBTORCH",
      python: "of the active Python",
      cache: "in the cache",
    };
    add(
      "libtorch",
      "libtorch",
      "ok",
      `${libtorch.version}, ${how[libtorch.source]}: ${libtorch.folder}`,
    );
  } else if (!findings.some(({ id }) => id === "libtorch")) {
    add(
      "libtorch",
      "libtorch",
      "ok",
      `none yet: the first run installs ${pinnedVersion} (${
        driver ? "about 5 GB" : "about 500 MB"
      })`,
    );
  }
  if (libtorch?.source !== "LIBTORCH" && reason.includes("not used")) {
    add(
      "python-torch",
      "torch of Python",
      "warning",
      reason,
      "nothing, if the cache's libtorch serves you; else update torch",
    );
  }
  if (built !== null) add("shim", "compiled shim", "ok", built);
  else add("shim", "compiled shim", "ok", "none yet: the first run compiles it (about 20 s)");

  const headers = libtorch === null ? null : cudaHeaders(host, libtorch);
  if (!driver) add("cuda", "CUDA", "ok", "no NVIDIA driver: the CPU is used");
  else if (libtorch === null) {
    add("cuda", "CUDA", "ok", "an NVIDIA driver; libtorch will come with CUDA");
  } else if (!libtorch.cuda) {
    add(
      "cuda",
      "CUDA",
      "warning",
      `an NVIDIA driver, but libtorch ${libtorch.version} has no CUDA: the CPU is used`,
      "use a libtorch with CUDA: unset LIBTORCH or leave the Python environment to have one installed",
    );
  } else if (headers === null) {
    add(
      "cuda",
      "CUDA",
      "warning",
      `an NVIDIA driver and libtorch for CUDA ${libtorch.cudaVersion}, but no headers: no memory figures of the GPU`,
      "install the package nvidia-cuda-runtime beside torch, or set CUDA_HOME",
    );
  } else {
    add(
      "cuda",
      "CUDA",
      "ok",
      `an NVIDIA driver, libtorch for CUDA ${libtorch.cudaVersion}, headers in ${headers}`,
    );
  }

  const cores = navigator.hardwareConcurrency;
  add(
    "threads",
    "threads",
    "ok",
    `${cores} processor cores; a run takes ${defaultThreads()} threads unless 'threads' says otherwise ` +
      "(on cores that are busy with something else, 1 is faster than all)",
  );
  addMemory();
  if (cache !== null) addCache(cache);
  return { ok: findings.every(({ status }) => status !== "missing"), findings };

  async function lookForLibtorch(): Promise<{ libtorch: Libtorch | null; reason: string }> {
    try {
      const named = libtorchOfEnvironment(host);
      if (named !== null) return { libtorch: named, reason: "" };
    } catch (error) {
      addTrouble("libtorch", "libtorch", error);
      return { libtorch: null, reason: "" };
    }
    const found = await libtorchOfPython(host);
    if (found.libtorch !== null || cache === null) return found;
    return { libtorch: libtorchOfCache(host, cache, driver), reason: found.reason };
  }

  function addTrouble(
    id: string,
    title: string,
    error: unknown,
    status: "missing" | "warning" = "missing",
  ): void {
    if (!(error instanceof LibtorchError)) throw error;
    add(
      id,
      title,
      status,
      error.finding.replace(/^Cannot \w+ .*? as (?=there|neither)/, ""),
      error.cure === "" ? undefined : error.cure,
    );
  }

  function addMemory(): void {
    if (!permitted({ name: "sys", kind: "systemMemoryInfo" })) return;
    const { total, available } = Deno.systemMemoryInfo();
    const found = `${gigabytes(available)} free of ${gigabytes(total)}`;
    if (available < 1.5e9) {
      add(
        "memory",
        "memory",
        "warning",
        found,
        "close other programs: compiling the shim takes about 1 GB",
      );
    } else add("memory", "memory", "ok", found);
  }

  function addCache(folder: string): void {
    const parts = ["libtorch", "shim"].map((part) =>
      `${part} ${gigabytes(folderSize(`${folder}/${part}`))}`
    );
    const trouble = writeTrouble(folder);
    if (trouble === null) {
      add("cache", "cache folder", "ok", `${folder} (${parts.join(", ")})`);
    } else {
      add(
        "cache",
        "cache folder",
        libtorch !== null && built !== null ? "warning" : "missing",
        `${folder} cannot be written: ${trouble}`,
        "make it writable, or name another folder with HANDRAIL_CACHE",
      );
    }
    const shims = `${folder}/shim`;
    const places = exists(shims)
      ? [...Deno.readDirSync(shims)].map(({ name }) => `${shims}/${name}`)
      : [];
    const half = [`${folder}/libtorch`, ...places].flatMap(halfWritten);
    if (half.length > 0) {
      add(
        "half-written",
        "half-written",
        "warning",
        half.join(", "),
        "an install is going on, or one was killed: the next install removes it",
      );
    }
    const free = freeBytes(nearest(folder));
    if (free === null) return;
    const needed = libtorch !== null ? 0.1e9 : driver ? 10e9 : 3e9;
    if (free < needed) {
      add(
        "disk",
        "free disk",
        "missing",
        gigabytes(free),
        `free ${gigabytes(needed)}, or name a folder on another disk with HANDRAIL_CACHE`,
      );
    } else add("disk", "free disk", "ok", gigabytes(free));
  }
}

/** The folder itself or the first of its parents that is there. */
function nearest(folder: string): string {
  let path = folder;
  while (path !== "" && !exists(path)) path = path.slice(0, path.lastIndexOf("/"));
  return path === "" ? "/" : path;
}

function writeTrouble(folder: string): string | null {
  const place = nearest(folder);
  if (!permitted({ name: "write", path: place })) return "Deno has no permission to write there";
  try {
    Deno.removeSync(Deno.makeTempFileSync({ dir: place, prefix: ".doctor-" }));
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function freeBytes(path: string): number | null {
  // Deno's types do not know this kind, its permissions do.
  if (!permitted({ name: "sys", kind: "statfs" } as unknown as Deno.SysPermissionDescriptor)) {
    return null;
  }
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

function gigabytes(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** The report as text, a line a finding and its cure below it. */
export function formatReport(report: DoctorReport): string {
  const marks = { ok: "ok     ", warning: "warning", missing: "MISSING" };
  const width = Math.max(...report.findings.map(({ title }) => title.length));
  const lines = report.findings.flatMap(({ title, status, found, cure }) => [
    `${marks[status]}  ${title.padEnd(width)}  ${found}`,
    ...cure === undefined ? [] : [`${" ".repeat(width + 11)}-> ${cure}`],
  ]);
  const missing = report.findings.filter(({ status }) => status === "missing").length;
  const end = missing === 0
    ? "Everything that is needed is there."
    : `${missing} needed ${
      missing === 1 ? "thing is" : "things are"
    } missing: see the lines with MISSING.`;
  return [...lines, "", end].join("\n");
}
