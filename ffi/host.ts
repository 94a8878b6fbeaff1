/**
 * The machine as the search for libtorch sees it: environment, programs on the PATH, child processes. Taken as a value
 * so that a test can describe another machine.
 */
import { LibtorchError, neededFlags, permissionTrouble } from "./libtorch_error.ts";

/** Environment and platform. */
export interface Host {
  /** The environment variables that matter here. */
  readonly env: Readonly<Record<string, string>>;
  /** The operating system, as Deno names it. */
  readonly os: string;
  /** The processor, as Deno names it. */
  readonly arch: string;
}

/** What a child process left. */
export interface ChildResult {
  /** Exit status. */
  readonly code: number;
  /** Standard output as text. */
  readonly stdout: string;
  /** Standard error as text. */
  readonly stderr: string;
}

const exactNames = [
  "HANDRAIL_CACHE",
  "LIBTORCH",
  "CXX",
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "LANG",
  "TMPDIR",
  "NETRC",
  "VIRTUAL_ENV",
  "REQUESTS_CA_BUNDLE",
  "CURL_CA_BUNDLE",
  "CPATH",
  "CPLUS_INCLUDE_PATH",
  "LIBRARY_PATH",
  "COMPILER_PATH",
  "SDKROOT",
  "DEVELOPER_DIR",
  "MACOSX_DEPLOYMENT_TARGET",
  "CUDA_HOME",
  "CUDA_PATH",
  "LD_LIBRARY_PATH",
  "XDG_CACHE_HOME",
  "XDG_CONFIG_HOME",
  "XDG_CONFIG_DIRS",
  "XDG_DATA_HOME",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "ALL_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "all_proxy",
  "no_proxy",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "PIP_INDEX_URL",
  "PIP_EXTRA_INDEX_URL",
  "PIP_CONFIG_FILE",
  "PIP_FIND_LINKS",
  "PIP_CERT",
  "UV_INDEX",
  "UV_DEFAULT_INDEX",
  "UV_CACHE_DIR",
  "PYTHONPATH",
  "PYTHONHOME",
];
const prefixes = ["PIP_", "UV_", "SSL_", "PYTHON", "PYENV_", "CONDA_", "CCACHE_", "LC_"];

/** Whether a permission is granted; asking never prompts. */
export function permitted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}

/** Refuses with a clear error, before Deno would prompt, when a permission is missing. */
export function requirePermission(descriptor: Deno.PermissionDescriptor, doing: string): void {
  if (permitted(descriptor)) return;
  const flag = `--allow-${descriptor.name}`;
  throw new LibtorchError(
    "permission",
    `Cannot ${doing} without Deno's permission ${flag}`,
    `start Deno with ${neededFlags}`,
  );
}

/** This machine. Reads only the variables that the permissions allow. */
export function currentHost(): Host {
  const env: Record<string, string> = {};
  if (permitted({ name: "env" })) {
    for (const [name, value] of Object.entries(Deno.env.toObject())) {
      if (exactNames.includes(name) || prefixes.some((prefix) => name.startsWith(prefix))) {
        env[name] = value;
      }
    }
  } else {
    for (const variable of exactNames) {
      if (!permitted({ name: "env", variable })) continue;
      const value = Deno.env.get(variable);
      if (value !== undefined) env[variable] = value;
    }
    requirePermission({ name: "env", variable: "PATH" }, "find a compiler and libtorch");
  }
  return { env, os: Deno.build.os, arch: Deno.build.arch };
}

/** The path of an executable on the PATH, or null. */
export function which(host: Host, name: string): string | null {
  const candidates = name.includes("/")
    ? [name]
    : (host.env.PATH ?? "").split(":").filter((folder) => folder !== "").map((folder) =>
      `${folder}/${name}`
    );
  for (const path of candidates) {
    if (!permitted({ name: "read", path })) continue;
    try {
      const info = Deno.statSync(path);
      if (info.isFile && ((info.mode ?? 0o111) & 0o111) !== 0) return path;
    } catch {
      // Not there, or not ours to see: the next folder of the PATH.
    }
  }
  return null;
}

/**
 * Runs a program to its end with the host's environment.
 *
 * The child never inherits: with LD_LIBRARY_PATH set, Deno refuses a scoped `--allow-run` to a child that would.
 */
export async function run(
  host: Host,
  command: string,
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string; timeoutSeconds?: number } = {},
): Promise<ChildResult> {
  requirePermission({ name: "run", command }, `run '${command}'`);
  const env: Record<string, string> = { ...host.env, ...options.env };
  if (!permitted({ name: "run" })) delete env.LD_LIBRARY_PATH;
  const seconds = options.timeoutSeconds;
  try {
    const output = await new Deno.Command(command, {
      args: [...args],
      clearEnv: true,
      env,
      cwd: options.cwd,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      signal: seconds === undefined ? undefined : AbortSignal.timeout(seconds * 1000),
    }).output();
    const decoder = new TextDecoder();
    return {
      code: output.code,
      stdout: decoder.decode(output.stdout),
      stderr: decoder.decode(output.stderr),
    };
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) {
      throw permissionTrouble(error, `run '${command}'`);
    }
    return {
      code: 127,
      stdout: "",
      stderr: error instanceof Error ? error.message : String(error),
    };
  }
}

/** Whether an NVIDIA driver is installed. Deno reads no file under /proc without all permissions, so by its library. */
export function hasNvidiaDriver(host: Host): boolean {
  if (host.os !== "linux") return false;
  const folders = [
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/usr/lib/wsl/lib",
    "/usr/local/nvidia/lib64",
    "/run/opengl-driver/lib",
    ...(host.env.LD_LIBRARY_PATH ?? "").split(":").filter((folder) => folder !== ""),
  ];
  return folders.some((folder) => exists(`${folder}/libcuda.so.1`)) ||
    which(host, "nvidia-smi") !== null;
}

/** Whether a path exists and may be seen. */
export function exists(path: string): boolean {
  if (!permitted({ name: "read", path })) return false;
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** CPU threads of libtorch where none are asked for: the cores, at most 8. */
export function defaultThreads(): number {
  return Math.min(navigator.hardwareConcurrency || 1, 8);
}
