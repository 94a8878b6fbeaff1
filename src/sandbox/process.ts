/** Native interpreters under bubblewrap. */
import { bubblewrap, pythons, type Toolchain, toolchains } from "./process_system.ts";
import { textWithin, withLimits } from "./limits.ts";
import { Places } from "./places.ts";
import { always, compileLimits, python, type Reply, verdictOf } from "./process_guest.ts";
import { Worker } from "./process_worker.ts";
import {
  defaultLimits,
  type Language,
  type Limits,
  type Program,
  type RunOptions,
  type Sandbox,
  SandboxError,
  type SandboxUsage,
  type Verdict,
} from "./sandbox.ts";

/** Options of {@linkcode processSandbox}. */
export interface ProcessSandboxOptions {
  /** Programs that run at a time. Default: one a core. */
  readonly concurrency?: number;
  /** Limits of each run; what is not named is {@linkcode defaultLimits}. */
  readonly limits?: Partial<Limits>;
}

/**
 * A sandbox of native interpreters under bubblewrap: Python, and JavaScript, TypeScript (Deno) and C++ (g++, clang++)
 * where their programs are found and readable to others than root. Linux only.
 *
 * Each run has namespaces of its own (user, mount, process, network, messages, host name, control groups): it sees the
 * machine's /usr read-only, an empty /tmp, no network, no environment, no other process, and is nobody. It has no
 * privileges and a filter of system calls. Time, memory of the whole tree, processes (128), files (64 MiB) and output are
 * limited; nothing of a run is left when its verdict is there.
 *
 * @throws {SandboxError} where bubblewrap or Python is not installed, or the kernel forbids user namespaces: with the
 * reason and the way out. There is no way to run without isolation.
 */
export async function processSandbox(options: ProcessSandboxOptions = {}): Promise<Sandbox> {
  const concurrency = options.concurrency ?? navigator.hardwareConcurrency;
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new TypeError(
      `Cannot start the process sandbox as 'concurrency' must be a positive integer: current value is ${concurrency}`,
    );
  }
  const limits = withLimits(defaultLimits, options.limits);
  if (Deno.build.os !== "linux") {
    throw new SandboxError(
      `Cannot start the process sandbox as bubblewrap needs Linux: this is ${Deno.build.os}. Use the sandbox 'pyodide'`,
    );
  }
  const bwrap = bubblewrap();
  const known = toolchains();
  const candidates = [...new Set([...known.values()].flatMap(({ candidates }) => candidates))];
  const system = candidates.filter((path) => path.startsWith("/usr/"));
  const reasons = new Set<string>();
  for (const python of pythons()) {
    // What lies where nobody may look, such as root's home, cannot be shown: then without it.
    for (const seen of candidates.length > system.length ? [candidates, system] : [system]) {
      const start = () => new Worker(bwrap, python, seen);
      const first = start();
      try {
        const found = await first.found;
        await trial(first);
        const tools = [...known].flatMap(([language, toolchain]): [Language, Tools][] => {
          const path = toolchain.candidates.find((candidate) => found.includes(candidate));
          return path === undefined ? [] : [[language, { ...toolchain, path }]];
        });
        return new ProcessSandbox(start, first, new Map(tools), concurrency, limits);
      } catch (error) {
        await first.kill();
        if (!(error instanceof SandboxError)) throw error;
        reasons.add(`${python}: ${error.message}`);
      }
    }
  }
  throw new SandboxError(
    reasons.size === 0
      ? "Cannot start the process sandbox as no python3 is installed. Install it (apt install python3), or use the " +
        "sandbox 'pyodide'"
      : `Cannot start the process sandbox: ${
        [...reasons].join("; ")
      }. It needs unprivileged user namespaces ` +
        "(sysctl user.max_user_namespaces above 0, kernel.apparmor_restrict_unprivileged_userns=0 where there is " +
        "AppArmor, a container that allows them). The sandbox 'pyodide' needs none",
  );
}

/** A toolchain with that of its programs which is here. */
type Tools = Toolchain & { readonly path: string };

/**
 * Runs a small program: the kernel may let bubblewrap start and yet not let a run be isolated, or not hold its limit on
 * processes against the user that we are.
 */
async function trial(worker: Worker): Promise<void> {
  const request = { ...defaultLimits, ...always, ...python, first: true, build: false };
  const source = `import os
try: print("unlimited" if os.fork() else "")
except OSError: print("limited")`;
  // The program and its init are two.
  const reply = await worker.run({ ...request, processes: 2 }, bytes(source), bytes(""));
  if (reply.type !== "exited" || reply.code !== 0) {
    throw new SandboxError(
      `a small program ended with ${reply.type}: ${textWithin(reply.stderr, 1000)}`,
    );
  }
  if (textWithin(reply.stdout, 100).trim() !== "limited") {
    throw new SandboxError("processes cannot be limited for root here: start it as another user");
  }
}

class ProcessSandbox implements Sandbox {
  readonly name = "process";
  readonly languages: readonly Language[];
  readonly #start: () => Worker;
  readonly #tools: ReadonlyMap<Language, Tools>;
  readonly #limits: Limits;
  readonly #workers = new Set<Worker>();
  readonly #idle: Worker[] = [];
  readonly #places: Places;
  #closed = false;
  #programs = 0;
  #runs = 0;
  #failures = 0;
  #seconds = 0;

  constructor(
    start: () => Worker,
    first: Worker,
    tools: ReadonlyMap<Language, Tools>,
    concurrency: number,
    limits: Limits,
  ) {
    this.#start = start;
    this.#workers.add(first);
    this.#idle.push(first);
    this.#tools = tools;
    this.languages = ["python", ...tools.keys()];
    this.#places = new Places(concurrency);
    this.#limits = limits;
  }

  get usage(): SandboxUsage {
    const alive = [...this.#workers].reduce((sum, worker) => sum + worker.seconds, 0);
    return {
      programs: this.#programs,
      runs: this.#runs,
      failures: this.#failures,
      seconds: this.#seconds + alive,
    };
  }

  async *run(
    program: Program,
    inputs: readonly string[],
    options: RunOptions = {},
  ): AsyncGenerator<Verdict> {
    const { signal } = options, limits = withLimits(this.#limits, options.limits);
    if (!this.languages.includes(program.language)) {
      throw new TypeError(
        `Cannot run a program of '${program.language}': this sandbox runs ${
          this.languages.join(", ")
        }`,
      );
    }
    const leave = await this.#places.take(signal);
    let worker: Worker | null = null;
    const kill = () => void worker?.kill();
    signal?.addEventListener("abort", kill);
    try {
      // Both may have come while the place was handed over.
      signal?.throwIfAborted();
      if (this.#closed) throw closed();
      worker = this.#worker();
      this.#programs++;
      for await (const reply of this.#replies(worker, program, inputs, limits)) {
        this.#runs++;
        yield verdictOf(reply, limits);
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (this.#closed) throw closed();
      this.#failures++;
      throw error;
    } finally {
      signal?.removeEventListener("abort", kill);
      if (worker?.alive && !this.#closed) this.#idle.push(worker);
      else if (worker !== null) await this.#end(worker);
      leave();
    }
  }

  /** A supervisor that waits for work, or a new one. */
  #worker(): Worker {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.alive) return idle;
      void this.#end(idle); // something else has ended it
    }
    try {
      const worker = this.#start();
      this.#workers.add(worker);
      return worker;
    } catch (error) {
      throw new SandboxError(`Cannot start bubblewrap: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  async *#replies(
    worker: Worker,
    { language, source }: Program,
    inputs: readonly string[],
    limits: Limits,
  ): AsyncGenerator<Reply> {
    const tools = this.#tools.get(language);
    const compile = tools?.compile?.(tools.path);
    let first = true;
    if (tools !== undefined && compile !== undefined && inputs.length > 0) {
      const request = { ...compileLimits, ...always, file: tools.file, arguments: compile };
      const reply = await worker.run({ ...request, first, build: true }, bytes(source), bytes(""));
      first = false;
      if (reply.type !== "exited" || reply.code !== 0) {
        // What does not compile ends so whatever its input.
        for (const _ of inputs) yield reply;
        return;
      }
    }
    const way = tools === undefined
      ? python
      : { file: tools.file, arguments: tools.command(tools.path) };
    const text = bytes(compile === undefined ? source : "");
    for (const input of inputs) {
      const request = { ...limits, ...always, ...way, first, build: false };
      yield await worker.run(request, text, bytes(input));
      first = false;
    }
  }

  async #end(worker: Worker): Promise<void> {
    await worker.kill();
    if (this.#workers.delete(worker)) this.#seconds += worker.seconds;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#places.close(closed);
    await Promise.all([...this.#workers].map((worker) => this.#end(worker)));
  }
}

function closed(): SandboxError {
  return new SandboxError("Cannot run a program: the sandbox is closed");
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
