/** Finding a libtorch that is already there: LIBTORCH, the torch of the active Python, our cache. */
import { exists, type Host, requirePermission, run, which } from "./host.ts";
import { LibtorchError } from "./libtorch_error.ts";
import { readSharedLibrary } from "./elf.ts";

/** A libtorch that can be built against and loaded. */
export interface Libtorch {
  /** Its version, for example "2.13.0+cu130". */
  readonly version: string;
  /** Its root: the folder that holds lib/ and include/. */
  readonly folder: string;
  /** Where its shared libraries are. */
  readonly libFolder: string;
  /** Where its headers are. */
  readonly includeFolder: string;
  /** Whether its CUDA libraries are there. */
  readonly cuda: boolean;
  /** The CUDA version it was built for, for example "13.0", or null. */
  readonly cudaVersion: string | null;
  /** Whether it uses the C++11 ABI of GNU's standard library. */
  readonly cxx11Abi: boolean;
  /** How it was found. */
  readonly source: "LIBTORCH" | "python" | "cache";
}

/** The oldest libtorch that the shim builds against. */
export const oldestVersion: string = "2.11";
/** The version that is installed where there is none. */
export const pinnedVersion: string = "2.13.0";

/** The ending of a shared library's name. */
export function libraryEnding(host: Host): string {
  return host.os === "darwin" ? "dylib" : "so";
}

/**
 * Looks at a folder that should be a libtorch.
 *
 * @throws {LibtorchError} If something is missing, too old, or for another machine; the message begins with the folder.
 */
export function inspectLibtorch(host: Host, folder: string, source: Libtorch["source"]): Libtorch {
  requirePermission({ name: "read", path: folder }, `look for libtorch in '${folder}'`);
  const libFolder = `${folder}/lib`;
  const includeFolder = `${folder}/include`;
  const ending = libraryEnding(host);
  for (
    const path of [
      `${libFolder}/libtorch_cpu.${ending}`,
      `${libFolder}/libc10.${ending}`,
      `${includeFolder}/ATen/core/Tensor.h`,
    ]
  ) {
    if (!exists(path)) {
      throw new LibtorchError(
        "unfit",
        `'${folder}' is no whole libtorch as it lacks '${path}'`,
        "",
      );
    }
  }
  const { version, cudaVersion } = readVersion(folder);
  if (isOlder(version, oldestVersion)) {
    throw new LibtorchError(
      "version",
      `'${folder}' is libtorch ${version}, older than ${oldestVersion}`,
      "",
    );
  }
  let cxx11Abi = true;
  if (host.os === "linux") {
    const library = readSharedLibrary(`${libFolder}/libtorch_cpu.so`);
    if (library === null) {
      throw new LibtorchError("unfit", `'${libFolder}/libtorch_cpu.so' is no shared library`, "");
    }
    if (!library.whole) {
      throw new LibtorchError("unfit", `'${libFolder}/libtorch_cpu.so' is cut short`, "");
    }
    if (library.arch !== host.arch) {
      throw new LibtorchError(
        "unfit",
        `'${folder}' is for ${library.arch ?? "another processor"}, and this Deno for ${host.arch}`,
        "",
      );
    }
    cxx11Abi = usesCxx11Abi(`${libFolder}/libc10.so`);
  }
  return {
    version,
    folder,
    libFolder,
    includeFolder,
    cuda: exists(`${libFolder}/libtorch_cuda.${ending}`),
    cudaVersion,
    cxx11Abi,
    source,
  };
}

/** Names of the C++11 ABI have `__cxx11` in them; libc10 is small enough to be read whole. */
function usesCxx11Abi(path: string): boolean {
  const text = new TextDecoder("latin1").decode(Deno.readFileSync(path));
  return text.includes("St7__cxx11") || !text.includes("_ZNSs");
}

/** A wheel has version.py, a plain libtorch build-version, and both a header. */
function readVersion(folder: string): { version: string; cudaVersion: string | null } {
  const read = (path: string) => exists(path) ? Deno.readTextFileSync(path) : "";
  const python = read(`${folder}/version.py`);
  const header = read(`${folder}/include/torch/headeronly/version.h`) ||
    read(`${folder}/include/torch/version.h`);
  const part = (name: string) => header.match(new RegExp(`${name} (\\d+)`))?.[1];
  const [major, minor, patch] = ["MAJOR", "MINOR", "PATCH"].map((name) =>
    part(`define TORCH_VERSION_${name}`)
  );
  const version = python.match(/__version__ = ['"]([^'"]+)['"]/)?.[1] ??
    (read(`${folder}/build-version`).trim() ||
      (major !== undefined && minor !== undefined ? `${major}.${minor}.${patch ?? 0}` : ""));
  if (!/^\d+\.\d+/.test(version)) {
    throw new LibtorchError(
      "unfit",
      `'${folder}' does not say its version: it has no version.py, build-version or version.h`,
      "",
    );
  }
  const build = version.match(/\+cu(\d+)(\d)$/);
  const cudaVersion = python.match(/^cuda\b.*= ['"]([\d.]+)['"]/m)?.[1] ??
    (build ? `${build[1]}.${build[2]}` : null);
  return { version, cudaVersion };
}

/** Whether version a is older than b, by their first two numbers. */
export function isOlder(a: string, b: string): boolean {
  const [majorA = 0, minorA = 0] = a.split(".").map((part) => parseInt(part, 10));
  const [majorB = 0, minorB = 0] = b.split(".").map((part) => parseInt(part, 10));
  return majorA < majorB || (majorA === majorB && minorA < minorB);
}

/**
 * The libtorch that LIBTORCH names, or null if it is not set.
 *
 * @throws {LibtorchError} If it is set and unfit.
 */
export function libtorchOfEnvironment(host: Host): Libtorch | null {
  const value = host.env.LIBTORCH;
  if (!value) return null;
  const folder = (value.startsWith("/") ? value : `${Deno.cwd()}/${value}`).replace(/\/+$/, "");
  try {
    return inspectLibtorch(host, folder, "LIBTORCH");
  } catch (error) {
    if (!(error instanceof LibtorchError) || error.problem === "permission") throw error;
    throw new LibtorchError(
      error.problem,
      `Cannot use LIBTORCH as ${error.message}`,
      `set it to the folder that holds lib/ and include/ of a libtorch ${oldestVersion} or newer, or unset it to have one installed`,
      { cause: error },
    );
  }
}

/** The active Python: its path and version, or null. */
export async function activePython(
  host: Host,
): Promise<{ path: string; version: string } | null> {
  for (const name of ["python3", "python"]) {
    const path = which(host, name);
    if (path === null) continue;
    const found = await run(
      host,
      path,
      ["-c", "import platform; print(platform.python_version())"],
      {
        timeoutSeconds: 30,
      },
    );
    if (found.code === 0) return { path, version: found.stdout.trim() };
  }
  return null;
}

/** find_spec does not import torch; without the current folder in the path, a folder `torch` there is not taken for it. */
const whereIsTorch = `
import sys
sys.path[:] = [p for p in sys.path if p]
import importlib.util
spec = importlib.util.find_spec("torch")
print(spec.origin if spec is not None and spec.origin else "")
`;

/**
 * The torch of the active Python.
 *
 * @returns It, or null with the reason why there is none to use.
 */
export async function libtorchOfPython(
  host: Host,
): Promise<{ libtorch: Libtorch | null; reason: string }> {
  for (const name of ["python3", "python"]) {
    const path = which(host, name);
    if (path === null) continue;
    const found = await run(host, path, ["-c", whereIsTorch], { timeoutSeconds: 30 });
    if (found.code !== 0) continue;
    const origin = found.stdout.trim().split("\n").at(-1) ?? "";
    if (origin === "") return { libtorch: null, reason: `'${path}' has no torch` };
    try {
      const folder = origin.replace(/\/[^/]*$/, "");
      return { libtorch: inspectLibtorch(host, folder, "python"), reason: "" };
    } catch (error) {
      if (!(error instanceof LibtorchError) || error.problem === "permission") throw error;
      return { libtorch: null, reason: `the torch of '${path}' is not used: ${error.message}` };
    }
  }
  return { libtorch: null, reason: "there is no Python on the PATH" };
}

/** Where a wheel is installed in the cache; one for CUDA keeps the libraries that need a driver. */
export function installFolder(cache: string, cuda: boolean): string {
  return `${cache}/libtorch/${pinnedVersion}-${cuda ? "cuda" : "cpu"}`;
}

/** The libtorch in our cache that serves this machine, or null. One for CUDA serves without a driver too. */
export function libtorchOfCache(host: Host, cache: string, driver: boolean): Libtorch | null {
  for (const cuda of driver ? [true] : [false, true]) {
    const folder = installFolder(cache, cuda);
    if (!exists(`${folder}/complete`)) continue;
    try {
      return inspectLibtorch(host, `${folder}/torch`, "cache");
    } catch (error) {
      // Half of it is gone, for example by a cleaner of old files: it is installed again.
      if (!(error instanceof LibtorchError) || error.problem === "permission") throw error;
    }
  }
  return null;
}
