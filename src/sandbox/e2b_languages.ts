/** The languages of a guest beyond Python: by which of its programs each is run. All paths are the guest's. */
import type { Language } from "./sandbox.ts";

/** How programs of a language are run. */
export interface Toolchain {
  /** Where a program's text is put. */
  readonly file: (source: string) => string;
  /** The command that compiles it. */
  readonly compile?: readonly string[];
  /** The command that runs a file. */
  readonly command: (file: string) => readonly string[];
}

/** What a guest has: where tools are, by name, and what its Node says of its version. */
export interface Tools {
  readonly paths: Readonly<Record<string, string>>;
  readonly node: string | null;
}

/** Names of all tools that serve a language. */
export const toolNames = ["deno", "node", "bun", "tsx", "g++", "clang++"] as const;

/** The toolchain of each language that has one in a guest with these tools. */
export function toolchains({ paths, node }: Tools): ReadonlyMap<Language, Toolchain> {
  const found = new Map<Language, Toolchain>();
  const add = (language: Language, tool: string, toolchain: (path: string) => Toolchain) => {
    if (Object.hasOwn(paths, tool) && !found.has(language)) {
      found.set(language, toolchain(paths[tool]));
    }
  };
  const script = (file: string, ...flags: string[]) => (path: string): Toolchain => ({
    file: () => file,
    command: (file) => [path, ...flags, file],
  });
  // What is no more than run: nothing is downloaded, and no project is looked for.
  const deno = [
    ...["run", "--quiet", "--allow-all", "--no-prompt", "--no-check", "--no-config", "--no-lock"],
    ...["--no-remote", "--no-npm", "--cached-only"],
    // As programs are mostly written: for Node, with `require` or with `import` from "fs".
    ...["--unstable-detect-cjs", "--unstable-bare-node-builtins"],
  ];
  add("javascript", "deno", script("/tmp/main.js", ...deno));
  add("javascript", "node", (path) => ({
    file: (source) => isModule(source) ? "/tmp/main.mjs" : "/tmp/main.cjs",
    command: (file) => [path, file],
  }));
  add("javascript", "bun", script("/tmp/main.js", "run"));
  add("typescript", "deno", script("/tmp/main.ts", ...deno));
  if (knowsTypes(node)) {
    add("typescript", "node", (path) => ({
      file: (source) => isModule(source) ? "/tmp/main.mts" : "/tmp/main.cts",
      command: (file) => [path, "--experimental-transform-types", "--no-warnings", file],
    }));
  }
  add("typescript", "bun", script("/tmp/main.ts", "run"));
  add("typescript", "tsx", script("/tmp/main.ts"));
  for (const compiler of ["g++", "clang++"]) {
    add("cpp", compiler, (path) => ({
      file: () => "/tmp/main.cpp",
      compile: [path, "-O2", "-std=c++20", "-o", "/build/main", "/tmp/main.cpp"],
      command: () => ["/build/main"],
    }));
  }
  return found;
}

/** Whether Node has to take it for a module: one that it takes for a script is refused for this. */
function isModule(source: string): boolean {
  return /^\s*(import[\s{*"']|export[\s{*])/m.test(source) ||
    /^(?:(?:const|let|var)\s[^=\n]*=\s*)?await\s/m.test(source);
}

/** Node runs enums and namespaces since 22.7. */
function knowsTypes(version: string | null): boolean {
  const [, major, minor] = /^v(\d+)\.(\d+)/.exec(version ?? "") ?? [];
  return Number(major) > 22 || Number(major) === 22 && Number(minor) >= 7;
}
