/** What of this machine a program gets to see under bubblewrap, and the command line that shows it. */
import { dirname } from "node:path";
import { always } from "./process_guest.ts";
import { type Language, SandboxError } from "./sandbox.ts";

/** How programs of a language that the supervisor's own Python does not run are run. All paths are the guest's. */
export interface Toolchain {
  /** Its programs on the machine; the first that the guest can start is taken. */
  readonly candidates: readonly string[];
  /** Where the program's text is put. */
  readonly file: string;
  /** The command that compiles it, given the compiler. */
  readonly compile?: (compiler: string) => string[];
  /** The command that runs it, given the interpreter. */
  readonly command: (interpreter: string) => string[];
}

/** Languages beyond Python. */
export function toolchains(): ReadonlyMap<Language, Toolchain> {
  // Neither downloads anything nor looks for a project; what it may touch is bubblewrap's affair.
  const deno = (file: string): Toolchain => ({
    // A run's own /tmp would hide it there.
    candidates: [realPath(Deno.execPath())].filter((path) => !path.startsWith("/tmp/")),
    file,
    command: (path) => [
      ...[path, "run", "--quiet", "--allow-all", "--no-prompt", "--no-check", "--no-config"],
      ...["--no-lock", "--no-remote", "--no-npm", "--cached-only"],
      // As programs are mostly written: for Node, with `require` or with `import` from "fs".
      ...["--unstable-detect-cjs", "--unstable-bare-node-builtins", file],
    ],
  });
  return new Map<Language, Toolchain>([
    ["javascript", deno("/tmp/main.js")],
    ["typescript", deno("/tmp/main.ts")],
    ["cpp", {
      candidates: ["/usr/bin/g++", "/usr/bin/clang++"],
      file: "/tmp/main.cpp",
      compile: (compiler) => [compiler, "-O2", "-std=c++20", "-o", "/build/main", "/tmp/main.cpp"],
      command: () => ["/build/main"],
    }],
  ]);
}

/** Where programs are looked for on the machine: the system's own first. */
function find(name: string): string[] {
  const path = Deno.env.get("PATH")?.split(":") ?? [];
  return [...new Set(["/usr/bin", "/bin", "/usr/local/bin", ...path])]
    .map((folder) => `${folder}/${name}`).filter(isFile);
}

/** The programs that the supervisor can be: Pythons, the system's first. */
export function pythons(): string[] {
  const found = find("python3").flatMap((path) => {
    // A shim of a version manager is a script: the interpreter itself says where it is.
    const real = path.startsWith("/usr/") ? path : executableOf(path);
    return real === null ? [] : [realPath(real)];
  });
  return [...new Set(found)];
}

/** bubblewrap itself. */
export function bubblewrap(): string {
  const [path] = find("bwrap");
  if (path === undefined) {
    throw new SandboxError(
      "Cannot start the process sandbox as bubblewrap ('bwrap') is not installed. Install it " +
        "(apt install bubblewrap, dnf install bubblewrap, pacman -S bubblewrap), or use the sandbox 'pyodide'",
    );
  }
  return path;
}

/** The arguments of bubblewrap: an empty system with the machine's programs, read-only, and nothing else of it. */
export function bubblewrapArguments(programs: readonly string[]): string[] {
  const shown = ["/lib", "/lib32", "/lib64", "/bin", "/sbin"].flatMap((path) => {
    const link = linkOf(path);
    if (link !== null) return ["--symlink", link, path];
    return ["--ro-bind-try", path, path];
  });
  const files = String(always.fileBytes);
  return [
    // Namespaces of its own for users, mounts, processes, network, messages, host name and control groups.
    ...["--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"],
    ...["--unshare-cgroup-try", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"],
    // Nothing outlives us; no terminal; its process id goes to standard error as the first thing there.
    ...["--die-with-parent", "--new-session", "--as-pid-1", "--info-fd", "3"],
    ...["--ro-bind", "/usr", "/usr", ...shown],
    ...["/etc/ld.so.cache", "/etc/alternatives"].flatMap((path) => ["--ro-bind-try", path, path]),
    ...programs.filter((path) => !path.startsWith("/usr/")).flatMap((path) => {
      // An interpreter elsewhere comes with its installation: PREFIX/bin/python3.
      const prefix = /\/bin\/python[\d.]*$/.test(path) ? dirname(dirname(path)) : path;
      return ["--ro-bind-try", prefix, prefix];
    }),
    ...["--proc", "/proc", "--dev", "/dev", "--size", files, "--tmpfs", "/build", "--size", files],
    ...["--tmpfs", "/tmp", "--remount-ro", "/dev", "--remount-ro", "/"],
    ...["--chdir", "/tmp", "--clearenv", "--setenv", "PATH", "/usr/bin:/bin", "--setenv", "HOME"],
    ...["/tmp", "--setenv", "LANG", "C.UTF-8", "--setenv", "DENO_DIR", "/tmp/.deno", "--setenv"],
    ...["DENO_NO_UPDATE_CHECK", "1", "--setenv", "NO_COLOR", "1", "--"],
  ];
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function realPath(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    return path;
  }
}

function linkOf(path: string): string | null {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return null;
  }
}

function executableOf(python: string): string | null {
  try {
    const { success, stdout } = new Deno.Command(python, {
      args: ["-I", "-c", "import sys; print(sys.executable)"],
      stderr: "null",
    }).outputSync();
    return success ? new TextDecoder().decode(stdout).trim() : null;
  } catch {
    return null;
  }
}
