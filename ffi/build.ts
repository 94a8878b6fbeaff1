/** Compiling the shim against a libtorch, once for each libtorch, compiler and set of sources. */
import { fillFolder, hashText, makeFolder, withLock } from "./cache.ts";
import { exists, type Host, run, which } from "./host.ts";
import { diskFull, fileTrouble, isDiskFull, LibtorchError } from "./libtorch_error.ts";
import { libraryEnding, type Libtorch } from "./libtorch.ts";
import { type ProgressListener, reporting } from "./progress.ts";

/** One file of the shim's sources. */
export interface Source {
  /** File name, for example "core.cpp"; a name that does not end in .cpp is a header. */
  readonly name: string;
  /** Its whole text. */
  readonly text: string;
  /** Whether it needs the headers of CUDA. */
  readonly cuda: boolean;
}

/** A C++ compiler. */
export interface Compiler {
  /** The program. */
  readonly command: string;
  /** What comes first on its command line, from CXX. */
  readonly args: readonly string[];
  /** The first line of its --version. */
  readonly version: string;
}

/** Oldest major versions that know C++20 well enough for libtorch's headers. */
const oldestCompilers = { gcc: 11, clang: 13 } as const;

/**
 * The C++ compiler: CXX, else c++, g++ or clang++.
 *
 * @throws {LibtorchError} Without one, or if all are too old.
 */
export async function findCompiler(host: Host): Promise<Compiler> {
  const chosen = host.env.CXX?.trim().split(/\s+/);
  const candidates = chosen && chosen[0] ? [chosen] : [["c++"], ["g++"], ["clang++"]];
  let tooOld: string | null = null;
  for (const [name = "", ...args] of candidates) {
    const command = which(host, name);
    if (command === null) continue;
    const result = await run(host, command, [...args, "--version"], {
      env: { LC_ALL: "C" },
      timeoutSeconds: 30,
    });
    // On macOS c++ is there before the command line tools are, and fails.
    if (result.code !== 0) continue;
    const version = result.stdout.split("\n")[0]?.trim() ?? "";
    const oldest = outdated(result.stdout);
    if (oldest === null) return { command, args, version };
    tooOld ??= `'${command}' (${version}) is older than ${oldest}`;
  }
  const cure = host.os === "darwin"
    ? "xcode-select --install"
    : "Debian and Ubuntu: apt install g++; Fedora: dnf install gcc-c++";
  if (tooOld !== null) {
    throw new LibtorchError(
      "compiler-old",
      `Cannot compile the shim over libtorch as ${tooOld}`,
      "install a newer compiler, or name one with CXX",
    );
  }
  throw new LibtorchError(
    "compiler-missing",
    chosen && chosen[0]
      ? `Cannot compile the shim over libtorch as CXX names '${chosen[0]}', which does not run`
      : "Cannot compile the shim over libtorch as there is no C++ compiler on the PATH",
    chosen && chosen[0] ? "correct or unset it" : `install one (${cure}), or name one with CXX`,
  );
}

/** The oldest version that would do, if a compiler's --version is of an older one; null if it is fit or unknown. */
export function outdated(versionText: string): string | null {
  const clang = versionText.match(/clang version (\d+)/);
  if (clang) {
    return Number(clang[1]) < oldestCompilers.clang ? `clang ${oldestCompilers.clang}` : null;
  }
  const gcc = versionText.match(/^\S*(?:g\+\+|c\+\+|gcc)\S*\s.*?\)\s+(\d+)\.\d+/m);
  if (gcc) return Number(gcc[1]) < oldestCompilers.gcc ? `g++ ${oldestCompilers.gcc}` : null;
  return null;
}

/** The headers of CUDA for a libtorch, or null. */
export function cudaHeaders(host: Host, libtorch: Libtorch): string | null {
  const site = libtorch.folder.replace(/\/[^/]*$/, "");
  const major = libtorch.cudaVersion?.split(".")[0] ?? "";
  const folders = [
    `${site}/nvidia/cu${major}/include`,
    `${site}/nvidia/cuda_runtime/include`,
    ...[host.env.CUDA_HOME, host.env.CUDA_PATH, "/usr/local/cuda"].filter((folder) => folder)
      .map((folder) => `${folder}/include`),
  ];
  return folders.find((folder) =>
    ["cuda_runtime_api.h", "crt/host_config.h"].every((name) => exists(`${folder}/${name}`))
  ) ?? null;
}

/** What {@linkcode buildShim} needs. */
export interface BuildOptions {
  /** The machine. */
  readonly host: Host;
  /** The cache folder. */
  readonly cache: string;
  /** What to build against. */
  readonly libtorch: Libtorch;
  /** The shim's sources. */
  readonly sources: readonly Source[];
  /** What names them in the cache. */
  readonly sourceHash: string;
  /** Whether to link libtorch's CUDA libraries; without a driver they only cost time. */
  readonly cuda: boolean;
  /** Receives progress. */
  readonly listener: ProgressListener;
  /** Whether to load what was built, to see that it can be; on unless a test builds with a stand-in. */
  readonly load?: boolean;
}

/**
 * Gives the compiled shim, from the cache or built now.
 *
 * @throws {LibtorchError} If it cannot be compiled, linked or loaded.
 */
export async function buildShim(o: BuildOptions): Promise<{ shimPath: string; builtNow: boolean }> {
  const { host } = o;
  const { headers, sources, folder, name } = await placeOf(o);

  let compiler: Compiler;
  try {
    compiler = await findCompiler(host);
  } catch (error) {
    // A compiler is needed to build, not to run what another one built.
    const built = anyBuilt(folder, name);
    if (built !== null) return { shimPath: built, builtNow: false };
    throw error;
  }
  const identity = [compiler.command, ...compiler.args, compiler.version].join(" ");
  const target = `${folder}/${(await hashText(identity)).slice(0, 8)}`;
  const shimPath = `${target}/${name}`;
  if (exists(shimPath)) return { shimPath, builtNow: false };

  return await withLock(o.cache, "shim", "compiles the shim", o.listener, async () => {
    if (exists(shimPath)) return { shimPath, builtNow: false };
    await fillFolder(target, async (temporary) => {
      for (const source of sources) {
        await Deno.writeTextFile(`${temporary}/${source.name}`, source.text);
      }
      const objects = await compile(o, compiler, sources, headers, temporary);
      await link(o, compiler, objects, temporary, name);
      for (const object of objects) await Deno.remove(`${temporary}/${object}`);
    });
    if (o.load ?? true) {
      try {
        load(shimPath);
      } catch (error) {
        await Deno.remove(target, { recursive: true }).catch(() => {});
        throw error;
      }
    }
    return { shimPath, builtNow: true };
  });
}

/** Where the shim for a libtorch goes, one folder in it for each compiler. */
async function placeOf(
  o: Pick<BuildOptions, "host" | "cache" | "libtorch" | "sources" | "sourceHash" | "cuda">,
): Promise<{ headers: string | null; sources: Source[]; folder: string; name: string }> {
  const { host, libtorch } = o;
  const headers = o.cuda ? cudaHeaders(host, libtorch) : null;
  const sources = o.sources.filter((source) => !source.cuda || headers !== null);
  const library = `${libtorch.libFolder}/libtorch_cpu.${libraryEnding(host)}`;
  const hash = await hashText(JSON.stringify([
    flags,
    o.sourceHash,
    sources.map((source) => source.name),
    libtorch.version,
    library,
    Deno.statSync(library).size,
    o.cuda,
    host.os,
    host.arch,
  ]));
  const folder = `${o.cache}/shim/${hash.slice(0, 16)}`;
  return { headers, sources, folder, name: `libhandrail.${libraryEnding(host)}` };
}

/** The shim that some compiler has built for a libtorch, or null. */
export async function builtShim(
  o: Pick<BuildOptions, "host" | "cache" | "libtorch" | "sources" | "sourceHash" | "cuda">,
): Promise<string | null> {
  const { folder, name } = await placeOf(o);
  return anyBuilt(folder, name);
}

function anyBuilt(folder: string, name: string): string | null {
  if (!exists(folder)) return null;
  for (const entry of Deno.readDirSync(folder)) {
    const path = `${folder}/${entry.name}/${name}`;
    if (exists(path)) return path;
  }
  return null;
}

/** Headers take most of the time; what is generated gains nothing from more than -O1, as libtorch does the work. */
const flags = {
  all: ["-std=c++20", "-fPIC", "-fvisibility=hidden", "-w"],
  generated: ["-O1"],
  core: ["-O2"],
} as const;

function objectName(source: Source): string {
  return source.name.replace(/\.cpp$/, ".o");
}

async function compile(
  o: BuildOptions,
  compiler: Compiler,
  sources: readonly Source[],
  cudaHeaders: string | null,
  folder: string,
): Promise<string[]> {
  const objects: string[] = [];
  const units = sources.filter((source) => source.name.endsWith(".cpp"))
    // The longest first, so that none is left alone at the end.
    .toSorted((a, b) => b.text.length - a.text.length);
  const queue = [...units];
  const include = o.libtorch.includeFolder;
  let done = 0;
  let failure: unknown;
  const worker = async () => {
    for (let unit = queue.shift(); unit !== undefined; unit = queue.shift()) {
      const result = await run(o.host, compiler.command, [
        ...compiler.args,
        ...flags.all,
        ...unit.name.startsWith("ops") ? flags.generated : flags.core,
        ...o.host.os === "linux" ? [`-D_GLIBCXX_USE_CXX11_ABI=${o.libtorch.cxx11Abi ? 1 : 0}`] : [],
        `-I${include}`,
        `-I${include}/torch/csrc/api/include`,
        ...cudaHeaders === null ? [] : [`-I${cudaHeaders}`],
        "-c",
        unit.name,
        "-o",
        objectName(unit),
      ], { cwd: folder, env: { LC_ALL: "C" } });
      if (result.code !== 0) {
        const trouble = await compilerTrouble(
          o,
          compiler,
          `compile ${unit.name} of the shim`,
          result.stderr,
        );
        if (unit.cuda) {
          // The GPU serves without it; only its memory figures are missing then.
          o.listener({
            phase: "compile",
            message: `leaving out ${unit.name}: ${trouble.message}`,
            seconds: 0,
          });
        } else {
          queue.length = 0;
          failure ??= trouble;
        }
      } else objects.push(objectName(unit));
      done++;
    }
  };
  await reporting(
    o.listener,
    { phase: "compile", message: `compiling the shim for libtorch ${o.libtorch.version} (once)` },
    async () => {
      const workers = Math.max(1, Math.min(units.length, navigator.hardwareConcurrency));
      await Promise.all(Array.from({ length: workers }, worker));
    },
    () => ({ fraction: units.length === 0 ? 1 : done / units.length }),
  );
  if (failure !== undefined) throw failure;
  return objects;
}

async function link(
  o: BuildOptions,
  compiler: Compiler,
  objects: readonly string[],
  folder: string,
  name: string,
): Promise<void> {
  const mac = o.host.os === "darwin";
  await reporting(o.listener, { phase: "link", message: "linking the shim" }, async () => {
    const result = await run(o.host, compiler.command, [
      ...compiler.args,
      mac ? "-dynamiclib" : "-shared",
      ...objects,
      "-o",
      name,
      `-L${o.libtorch.libFolder}`,
      // libtorch does not survive being unloaded; and nothing of ours names a symbol of torch_cuda.
      ...mac ? [] : ["-Wl,-z,nodelete", "-Wl,--no-as-needed"],
      "-ltorch_cpu",
      "-lc10",
      ...o.cuda ? ["-ltorch_cuda", "-lc10_cuda"] : [],
      `-Wl,-rpath,${o.libtorch.libFolder}`,
    ], { cwd: folder, env: { LC_ALL: "C" } });
    if (result.code !== 0) {
      throw await compilerTrouble(o, compiler, "link the shim", result.stderr);
    }
  });
}

/** Keeps the whole log and makes one sentence of its end. */
async function compilerTrouble(
  o: BuildOptions,
  compiler: Compiler,
  doing: string,
  stderr: string,
): Promise<LibtorchError> {
  if (isDiskFull(stderr)) return diskFull(o.cache);
  const log = `${o.cache}/logs/build-${o.sourceHash.slice(0, 8)}.log`;
  try {
    makeFolder(`${o.cache}/logs`);
    await Deno.writeTextFile(log, `${compiler.command} ${compiler.version}\n${stderr}`);
  } catch (error) {
    return fileTrouble(error, "write a log", `${o.cache}/logs`);
  }
  if (/[cC]\+\+20|-std=c\+\+20|concepts? .*not (supported|available)/.test(stderr)) {
    return new LibtorchError(
      "compiler-old",
      `Cannot ${doing} as '${compiler.command}' (${compiler.version}) does not know C++20`,
      `install g++ ${oldestCompilers.gcc} or clang ${oldestCompilers.clang} or newer, or name one with CXX; the log is '${log}'`,
    );
  }
  const memory = /Killed|out of memory|[cC]annot allocate memory/.test(stderr)
    ? " (the memory was not enough: about 1 GB a core is needed)"
    : "";
  const important = stderr.split("\n").filter((line) =>
    /error|undefined reference|Killed|cannot find/.test(line)
  );
  const end = (important.length > 0 ? important : stderr.trim().split("\n").slice(-3)).slice(0, 3);
  return new LibtorchError(
    doing === "link the shim" ? "link" : "compile",
    `Cannot ${doing} with '${compiler.command}' (${compiler.version})${memory}`,
    `${end.map((line) => line.trim()).join(" | ")}; the log is '${log}'`,
  );
}

function load(path: string): void {
  try {
    Deno.dlopen(path, {}).close();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new LibtorchError(
      "load",
      `Cannot load the shim that was built (${text.replace(/^Could not open library: /, "")})`,
      "'deno task doctor' shows which libtorch it was built against",
      { cause: error },
    );
  }
}
