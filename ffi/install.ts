/** Installing a pinned libtorch into our cache: PyTorch's wheel, by uv or pip with the user's own configuration. */
import { fillFolder } from "./cache.ts";
import { readSharedLibrary } from "./elf.ts";
import { type ChildResult, exists, type Host, run, which } from "./host.ts";
import { diskFull, isDiskFull, LibtorchError } from "./libtorch_error.ts";
import {
  inspectLibtorch,
  installFolder,
  libraryEnding,
  type Libtorch,
  pinnedVersion,
} from "./libtorch.ts";
import { type ProgressListener, reporting } from "./progress.ts";

/** A program that installs wheels. */
export interface Installer {
  /** Its name for messages. */
  readonly name: "uv" | "pip";
  /** The program. */
  readonly command: string;
  /** What comes before the requirements. */
  readonly args: readonly string[];
}

/** The installers that are there, the preferred one first. */
export async function findInstallers(host: Host): Promise<Installer[]> {
  const found: Installer[] = [];
  const uv = which(host, "uv");
  if (uv !== null) found.push({ name: "uv", command: uv, args: ["pip", "install"] });
  const candidates: { name: string; args: string[] }[] = [
    { name: "python3", args: ["-m", "pip"] },
    { name: "python", args: ["-m", "pip"] },
    { name: "pip3", args: [] },
    { name: "pip", args: [] },
  ];
  for (const { name, args } of candidates) {
    const command = which(host, name);
    if (command === null) continue;
    const version = await run(host, command, [...args, "--version"], { timeoutSeconds: 60 });
    if (version.code !== 0) continue;
    found.push({ name: "pip", command, args: [...args, "install"] });
    break;
  }
  return found;
}

/**
 * Installs the pinned libtorch into the cache. The caller holds the lock.
 *
 * @param driver Whether to install what CUDA needs too.
 * @throws {LibtorchError} Without an installer, without network, with a full disk and so on.
 */
export async function installLibtorch(
  host: Host,
  cache: string,
  driver: boolean,
  listener: ProgressListener,
): Promise<Libtorch> {
  const installers = await findInstallers(host);
  if (installers.length === 0) {
    throw new LibtorchError(
      "installer-missing",
      "Cannot install libtorch as neither uv nor a Python with pip is on the PATH",
      "install one of them (Debian and Ubuntu: apt install python3-pip; macOS: brew install uv), or set LIBTORCH to a libtorch that is there",
    );
  }
  const folder = installFolder(cache, driver);
  let most = 0;
  await fillFolder(folder, async (temporary) => {
    const target = `${temporary}/site`;
    const step = {
      phase: "install" as const,
      message: `installing libtorch ${pinnedVersion}${driver ? " with CUDA" : ""} (once)`,
    };
    await reporting(listener, step, async () => {
      const installer = await installTorch(host, installers, temporary, target);
      const wanted = driver
        ? cudaRequirements(target)
        : missingRequirements(host, target, neededLibraries(host, target).missing);
      if (wanted.length > 0) {
        // A second target, because pip replaces no folder that is there; the two are disjoint.
        const more = `${temporary}/more`;
        checkInstall(await install(host, installer, temporary, more, wanted), installer, temporary);
        for await (const entry of Deno.readDir(more)) {
          if (!exists(`${target}/${entry.name}`)) {
            await Deno.rename(`${more}/${entry.name}`, `${target}/${entry.name}`);
          }
        }
        await Deno.remove(more, { recursive: true });
      }
      await trim(host, target, driver);
      await Deno.remove(`${temporary}/tmp`, { recursive: true }).catch(() => {});
      for await (const entry of Deno.readDir(target)) {
        await Deno.rename(`${target}/${entry.name}`, `${temporary}/${entry.name}`);
      }
      await Deno.remove(target, { recursive: true });
      inspectLibtorch(host, `${temporary}/torch`, "cache");
      await Deno.writeTextFile(`${temporary}/complete`, "");
    }, () => {
      // What was downloaded goes away when it is unpacked; a number that falls would look like trouble.
      most = Math.max(most, growth(temporary, 6));
      return most < 1e6 ? {} : { detail: `${Math.round(most / 1e6)} MB` };
    });
  });
  return inspectLibtorch(host, `${folder}/torch`, "cache");
}

/** Tries the installers in turn, because one may be configured for a mirror and the other not. */
async function installTorch(
  host: Host,
  installers: readonly Installer[],
  temporary: string,
  target: string,
): Promise<Installer> {
  let first: unknown;
  for (const installer of installers) {
    try {
      const requirements = ["--no-deps", `torch==${pinnedVersion}`];
      let result = await install(host, installer, temporary, target, requirements);
      if (result.code !== 0 && noWheel(result)) {
        // The libraries are the same for every Python: one too old or too new for the wheel does not matter.
        result = await install(host, installer, temporary, target, [
          "--python-version",
          "3.12",
          "--only-binary",
          ":all:",
          ...requirements,
        ]);
      }
      checkInstall(result, installer, temporary);
      return installer;
    } catch (error) {
      if (error instanceof LibtorchError && error.problem === "disk-full") throw error;
      first ??= error;
      await Deno.remove(target, { recursive: true }).catch(() => {});
    }
  }
  throw first;
}

async function install(
  host: Host,
  installer: Installer,
  temporary: string,
  target: string,
  requirements: readonly string[],
): Promise<ChildResult> {
  // On the cache's own disk, where there is room, and swept with the rest.
  const tmp = `${temporary}/tmp`;
  await Deno.mkdir(tmp, { recursive: true });
  const args = installer.name === "uv"
    ? [...installer.args, "--no-progress", "--target", target, ...requirements]
    : [
      ...installer.args,
      "--progress-bar",
      "off",
      "--no-compile",
      "--disable-pip-version-check",
      "--target",
      target,
      ...requirements,
    ];
  return await run(host, installer.command, args, {
    // What forbids an install into the user's Python does not concern a folder of our own.
    env: { TMPDIR: tmp, PIP_NO_INPUT: "1", PIP_USER: "0", PIP_REQUIRE_VIRTUALENV: "0" },
  });
}

function noWheel(result: ChildResult): boolean {
  return !isNetwork(result.stderr) &&
    /No matching distribution|No solution found|no wheels|not a supported wheel|Requires-Python/
      .test(result.stderr);
}

/** Whether an installer's complaints mean that it could not reach its index. */
export function isNetwork(stderr: string): boolean {
  return /NewConnectionError|ConnectTimeoutError|ReadTimeout|Failed to establish a new connection|name resolution|Name or service not known|nodename nor servname|Network is unreachable|ProxyError|SSLError|CERTIFICATE_VERIFY_FAILED|Connection (refused|reset|broken|aborted)|Max retries exceeded|error sending request|dns error|tcp connect error|client error \(Connect\)|Could not connect|invalid peer certificate/i
    .test(stderr);
}

/** Turns an installer's failure into one sentence. */
function checkInstall(result: ChildResult, installer: Installer, temporary: string): void {
  if (result.code === 0) return;
  const text = `${result.stdout}\n${result.stderr}`;
  if (isDiskFull(text)) throw diskFull(temporary.replace(/\/libtorch\/[^/]*$/, ""));
  const { name } = installer;
  if (/CERTIFICATE_VERIFY_FAILED|invalid peer certificate/.test(text)) {
    throw new LibtorchError(
      "network",
      `Cannot install libtorch as ${name} does not trust the certificate of its package index`,
      "name your organisation's certificates with SSL_CERT_FILE and PIP_CERT, or set LIBTORCH to a libtorch that is there",
    );
  }
  // With its retries switched off pip does not say that the index was out of reach, only that it found nothing.
  if (isNetwork(text) || /\(from versions: none\)/.test(text)) {
    throw new LibtorchError(
      "network",
      `Cannot install libtorch as ${name} could not reach its package index`,
      `check the network, the proxy and the mirror in ${name}'s configuration, or set LIBTORCH to a libtorch that is there`,
    );
  }
  if (noWheel(result)) {
    throw new LibtorchError(
      "no-wheel",
      `Cannot install libtorch as ${name} finds no torch ${pinnedVersion} for this machine in its package index`,
      "set LIBTORCH to a libtorch built for it, or make a Python with torch the active one",
    );
  }
  throw new LibtorchError(
    "install",
    `Cannot install libtorch as ${name} ended with status ${result.code}`,
    lastLines(text, 3),
  );
}

function lastLines(text: string, count: number): string {
  return text.trim().split("\n").map((line) => line.trim()).filter((line) => line !== "").slice(
    -count,
  ).join(" | ");
}

/** The requirements of a wheel's METADATA without its extras. */
export function wheelRequirements(metadata: string): string[] {
  return [...metadata.matchAll(/^Requires-Dist:\s*(.+)$/gm)].map((match) => match[1] ?? "")
    .filter((line) => !/\bextra\s*==/.test(line))
    .map((line) => (line.split(";")[0] ?? "").trim());
}

function requirementsOf(target: string): string[] {
  for (const entry of Deno.readDirSync(target)) {
    if (!/^torch-.*\.dist-info$/.test(entry.name)) continue;
    return wheelRequirements(Deno.readTextFileSync(`${target}/${entry.name}/METADATA`));
  }
  return [];
}

/** What the wheel asks for so that CUDA works; `crt` is added, which the headers of cudart include. */
function cudaRequirements(target: string): string[] {
  return requirementsOf(target).filter((line) => /^(nvidia-|cuda-toolkit\b)/.test(line))
    .map((line) => line.replace(/^cuda-toolkit\[/, "cuda-toolkit[crt,"));
}

/** What a package of NVIDIA's is called whose library is called otherwise. */
const packageNames: Readonly<Record<string, string>> = { cudart: "cuda-runtime" };

/**
 * The requirements that provide libraries that are missing, in the versions that the wheel pins.
 *
 * @param requirements The wheel's requirements, without markers.
 * @param missing Sonames, for example "libcudart.so.13".
 */
export function requirementsFor(
  requirements: readonly string[],
  missing: readonly string[],
): string[] {
  const wanted = new Set<string>();
  const extras = new Map<string, string[]>();
  for (const soname of missing) {
    const stem = soname.replace(/^lib/, "").replace(/\.so.*$/, "").replace(/_host$/, "")
      .toLowerCase();
    for (const line of requirements) {
      const toolkit = line.match(/^(cuda-toolkit)\[([^\]]*)\](.*)$/);
      if (toolkit?.[2]?.split(",").map((extra) => extra.trim()).includes(stem)) {
        const key = `${toolkit[1]}|${toolkit[3]}`;
        extras.set(key, [...extras.get(key) ?? [], stem]);
      } else if (provides(line, stem)) {
        wanted.add(line);
      }
    }
  }
  for (const [key, stems] of extras) {
    const [name, version] = key.split("|");
    wanted.add(`${name}[${stems.join(",")}]${version}`);
  }
  return [...wanted];
}

function provides(requirement: string, stem: string): boolean {
  const name = (requirement.match(/^[\w.-]+/)?.[0] ?? "").replace(/-cu\d+$/, "");
  const part = packageNames[stem] ?? stem;
  return name === `nvidia-${part}` || name === `nvidia-cuda-${part}`;
}

function missingRequirements(host: Host, target: string, missing: readonly string[]): string[] {
  return host.os === "linux" ? requirementsFor(requirementsOf(target), missing) : [];
}

/** Where the wheel's libraries look for each other. */
function libraryFolders(target: string): string[] {
  const folders = [`${target}/torch/lib`];
  if (exists(`${target}/nvidia`)) {
    for (const entry of Deno.readDirSync(`${target}/nvidia`)) {
      if (entry.isDirectory) folders.push(`${target}/nvidia/${entry.name}/lib`);
    }
  }
  return folders;
}

/** The libraries that libtorch_cpu needs, from the wheel itself and from elsewhere. */
function neededLibraries(host: Host, target: string): { kept: Set<string>; missing: string[] } {
  const folders = libraryFolders(target);
  const ending = libraryEnding(host);
  const queue = [`libtorch_cpu.${ending}`, `libc10.${ending}`];
  const kept = new Set<string>();
  const missing = new Set<string>();
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const path = folders.map((folder) => `${folder}/${name}`).find(exists);
    if (path === undefined) missing.add(name);
    else if (!kept.has(path)) {
      kept.add(path);
      queue.push(...readSharedLibrary(path)?.needed ?? []);
    }
  }
  return { kept, missing: [...missing] };
}

/**
 * Deletes what the shim needs neither to be built nor to run: Python, and without a driver the libraries for CUDA.
 * Licences and metadata stay.
 */
async function trim(host: Host, target: string, driver: boolean): Promise<void> {
  const remove = (path: string) => Deno.remove(path, { recursive: true }).catch(() => {});
  for await (const entry of Deno.readDir(target)) {
    if (entry.name === "torch" || entry.name === "nvidia") continue;
    if (!entry.name.endsWith(".dist-info")) await remove(`${target}/${entry.name}`);
  }
  for await (const entry of Deno.readDir(`${target}/torch`)) {
    if (["lib", "include", "version.py"].includes(entry.name)) continue;
    await remove(`${target}/torch/${entry.name}`);
  }
  const { kept } = neededLibraries(host, target);
  for (const folder of libraryFolders(target)) {
    if (!exists(folder)) continue;
    for await (const entry of Deno.readDir(folder)) {
      const path = `${folder}/${entry.name}`;
      const pythonOnly = /^libtorch_python|^libshm|\.a$/.test(entry.name);
      // The Mach-O header is not read, so on macOS every library but Python's stays.
      const spare = host.os === "linux" && !driver && !kept.has(path);
      if (pythonOnly || spare) await remove(path);
    }
  }
}

/** Bytes of what an installer has written so far; it nests folders of its own, and thousands of small files do not count. */
function growth(folder: string, depth: number): number {
  let bytes = 0;
  try {
    for (const entry of Deno.readDirSync(folder)) {
      const path = `${folder}/${entry.name}`;
      if (entry.isFile) bytes += Deno.statSync(path).size;
      else if (
        depth > 0 && /^(site|more|tmp|pip-.*|lib|python|torch|nvidia|cu\d+)$/.test(entry.name)
      ) {
        bytes += growth(path, depth - 1);
      }
    }
  } catch {
    // The installer moved it away meanwhile.
  }
  return bytes;
}
