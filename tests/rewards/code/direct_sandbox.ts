/** A sandbox that holds nothing back: for programs of our own, where what is tested is who judges and how. */

import {
  defaultLimits,
  type Language,
  type Limits,
  type Program,
  type RunOptions,
  type Sandbox,
  type SandboxUsage,
  type Verdict,
} from "../../../src/sandbox/sandbox.ts";

/** Python itself, since what is found by its name may be a slow script of a version manager; null without one. */
const python: string | null = (() => {
  try {
    const { success, stdout } = new Deno.Command("python3", {
      args: ["-c", "import sys; print(sys.executable)"],
      stderr: "null",
    }).outputSync();
    return success ? new TextDecoder().decode(stdout).trim() : null;
  } catch {
    return null;
  }
})();

/** Why programs in Python cannot run here; undefined if they can. */
export const noPython: string | undefined = python === null ? "no python3" : undefined;

/** Runs programs with the interpreters of this machine, one at a time. */
export class DirectSandbox implements Sandbox {
  readonly name = "direct";
  readonly languages: readonly Language[] = ["python", "javascript", "typescript"];
  /** Every program that it ran, with its inputs. */
  readonly ran: { readonly program: Program; readonly inputs: readonly string[] }[] = [];
  #turn: Promise<void> = Promise.resolve();
  #python: PythonServer | null = null;

  get usage(): SandboxUsage {
    return { programs: this.ran.length, runs: 0, failures: 0, seconds: 0 };
  }

  async *run(
    program: Program,
    inputs: readonly string[],
    options: RunOptions = {},
  ): AsyncGenerator<Verdict> {
    const before = this.#turn;
    const { promise, resolve: leave } = Promise.withResolvers<void>();
    this.#turn = promise;
    await before;
    this.ran.push({ program, inputs });
    const limits = { ...defaultLimits, ...options.limits };
    try {
      for (const input of inputs) {
        const begun = performance.now();
        const { code, stdout, stderr } = program.language === "python"
          ? await (this.#python ??= new PythonServer()).run(program.source, input, limits)
          : await runWithDeno(program, input);
        const ms = performance.now() - begun;
        yield code === null
          ? { type: "timeout", ms, cpuMs: null }
          : stdout.length > limits.outputBytes
          ? { type: "output_limit" }
          : { type: "exited", code, stdout, stderr, truncated: false, ms };
      }
    } finally {
      leave();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#python?.[Symbol.asyncDispose]();
  }
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function runWithDeno({ language, source }: Program, input: string): Promise<Ended> {
  const path = await Deno.makeTempFile({ suffix: language === "typescript" ? ".ts" : ".mjs" });
  try {
    await Deno.writeTextFile(path, source);
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-config", "--no-check", path],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const output = child.output();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
    const { code, stdout, stderr } = await output;
    const [said, complained] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { code, stdout: said, stderr: complained };
  } finally {
    await Deno.remove(path);
  }
}

/** One Python that forks for each program, which is ten times as fast as starting one. */
class PythonServer implements AsyncDisposable {
  readonly #child = new Deno.Command(python!, {
    args: ["-I", new URL("./direct_server.py", import.meta.url).pathname],
    stdin: "piped",
    stdout: "piped",
    cwd: "/tmp",
  }).spawn();
  readonly #writer = this.#child.stdin.getWriter();
  readonly #reader = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  #rest = "";

  async run(source: string, input: string, { timeoutMs }: Limits): Promise<Ended> {
    const request = JSON.stringify({ source, input, seconds: timeoutMs / 1000 });
    await this.#writer.write(new TextEncoder().encode(`${request}\n`));
    for (;;) {
      const end = this.#rest.indexOf("\n");
      if (end >= 0) {
        const line = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 1);
        return JSON.parse(line);
      }
      const { value, done } = await this.#reader.read();
      if (done) throw new Error("The server of Python programs ended");
      this.#rest += value;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    await this.#reader.cancel();
    await this.#child.status;
  }
}
