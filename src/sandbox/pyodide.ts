/** Python in WebAssembly: the sandbox that needs no account and nothing installed. */
import type { Child } from "./child.ts";
import { textWithin, withLimits } from "./limits.ts";
import { Places } from "./places.ts";
import type { FromChild, ToChild } from "./pyodide_child.ts";
import {
  describeEnd,
  type Interpreter,
  layout,
  loadInterpreter,
  startChild,
  startError,
} from "./pyodide_files.ts";
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

/** Options of {@linkcode pyodideSandbox}. */
export interface PyodideSandboxOptions {
  /** Programs at a time, one a process. Default: one a core. */
  readonly concurrency?: number;
  /** Limits of every run; what is not named is the default. */
  readonly limits?: Partial<Limits>;
  /** Interpreters that stand by, about 150 MB each. Default: as many as programs at a time. */
  readonly spares?: number;
  /**
   * Programs that a process may run, one after the other, before it is killed. Each finds the memory and the files of
   * the start, as each run of a program does; one that does not end in the ordinary way ends its process. 1 is a fresh
   * process a program, which costs the start of an interpreter (0.5 s of CPU time) each. Default: 100.
   */
  readonly programsPerProcess?: number;
}

/** Milliseconds in which an interpreter must have booted. */
const bootMs = 60_000;

/** Milliseconds beyond a run's own time after which its process does not answer. */
const answerMs = 30_000;

/** Runs that a process is given beforehand, so that it never waits for this one. */
const ahead = 2;

/** Milliseconds that a run may go on which nobody asks for any more: less than a new process costs. */
const lingerMs = 200;

/**
 * Runs Python programs with Pyodide: CPython and its standard library as WebAssembly.
 *
 * A program runs in a child process, a Deno that has given up all permissions, with the interpreter but without
 * Pyodide's bridge to JavaScript: it can compute, use files in memory, read the clock and random numbers, and nothing
 * else. Between two runs, of one program or of two, the interpreter's memory and files are put back to what they were
 * at its start. There are no threads, processes, sockets, nor packages beyond the standard library.
 *
 * What holds a program is WebAssembly and the few imports that it is given, then Deno without permissions: not the
 * operating system. Who does not want to rest on the state being put back between programs sets `programsPerProcess`
 * to 1; who wants the kernel's walls takes the sandbox `process`.
 *
 * The first time on a machine the npm package is installed into Deno's cache (13 MB), and an image of the started
 * interpreter is made (some seconds) and kept in the cache folder (15 MB).
 *
 * Memory counts beyond what the interpreter itself takes.
 *
 * @throws {SandboxError} when the files cannot be had, or the interpreter does not start.
 * @throws {TypeError} for a concurrency or limits that are not positive.
 */
export async function pyodideSandbox(options: PyodideSandboxOptions = {}): Promise<Sandbox> {
  const { concurrency = navigator.hardwareConcurrency, spares = concurrency } = options;
  const { programsPerProcess = 100 } = options;
  const least = { concurrency: 1, spares: 0, programsPerProcess: 1 };
  for (const [name, value] of Object.entries({ concurrency, spares, programsPerProcess })) {
    const smallest = least[name as keyof typeof least];
    if (!(Number.isInteger(value) && value >= smallest)) {
      throw new TypeError(
        `Cannot make a sandbox as '${name}' must be an integer of at least ${smallest}: current value is ${value}`,
      );
    }
  }
  const limits = withLimits(defaultLimits, options.limits);
  return new PyodideSandbox(await loadInterpreter(), {
    concurrency,
    spares,
    programsPerProcess,
    limits,
  });
}

class PyodideSandbox implements Sandbox {
  readonly name = "pyodide";
  readonly languages: readonly Language[] = ["python"];
  readonly #interpreter: Interpreter;
  readonly #limits: Limits;
  readonly #places: Places;
  readonly #spares: Process[] = [];
  readonly #options: Required<PyodideSandboxOptions>;
  readonly #processes = new Set<Process>();
  readonly #usage = { programs: 0, runs: 0, failures: 0, seconds: 0 };
  #closed = false;

  constructor(
    interpreter: Interpreter,
    options: Required<PyodideSandboxOptions> & { readonly limits: Limits },
  ) {
    this.#interpreter = interpreter;
    this.#options = options;
    this.#limits = options.limits;
    this.#places = new Places(options.concurrency);
    this.#fill();
  }

  get usage(): SandboxUsage {
    const alive = [...this.#processes].reduce((sum, process) => sum + process.seconds, 0);
    return { ...this.#usage, seconds: this.#usage.seconds + alive };
  }

  async *run(
    program: Program,
    inputs: readonly string[],
    options: RunOptions = {},
  ): AsyncGenerator<Verdict> {
    const { signal } = options;
    if (!this.languages.includes(program.language)) {
      throw new TypeError(
        `Cannot run a program as 'language' must be one of ${this.languages.join(", ")}: ` +
          `current value is ${JSON.stringify(program.language)}`,
      );
    }
    const limits = withLimits(this.#limits, options.limits);
    const leave = await this.#places.take(signal);
    const alive = setInterval(() => {}, 1000); // children do not keep this process's event loop alive
    try {
      this.#usage.programs++;
      for (let done = 0; done < inputs.length;) {
        // Whatever ends a process early leaves the rest of the inputs to another.
        for await (const verdict of this.#runInOne(program, inputs.slice(done), limits, signal)) {
          done++;
          this.#usage.runs++;
          yield verdict;
        }
      }
    } catch (error) {
      if (error instanceof SandboxError && !this.#closed) this.#usage.failures++;
      throw error;
    } finally {
      clearInterval(alive);
      leave();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#places.close(closed);
    this.#spares.length = 0;
    await Promise.all([...this.#processes].map((process) => process.kill()));
  }

  /** Runs inputs in one process, up to the end of them or its own. */
  async *#runInOne(
    program: Program,
    inputs: readonly string[],
    limits: Limits,
    signal?: AbortSignal,
  ): AsyncGenerator<Verdict> {
    signal?.throwIfAborted();
    const process = this.#take();
    const abort = () => process.kill();
    signal?.addEventListener("abort", abort);
    try {
      await process.ready;
      process.load(program.source);
      const verdicts: Promise<Verdict>[] = [];
      for (let i = 0; i < inputs.length; i++) {
        while (verdicts.length < Math.min(inputs.length, i + ahead)) {
          verdicts.push(process.run(inputs[verdicts.length], limits));
        }
        const verdict = await verdicts[i];
        yield verdict;
        if (process.ended) return;
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#closed ? closed() : error;
    } finally {
      signal?.removeEventListener("abort", abort);
      await this.#giveBack(process);
    }
  }

  /** An interpreter that stands by, or a new one. */
  #take(): Process {
    if (this.#closed) throw closed();
    const process = this.#spares.shift() ?? this.#start();
    process.programs++;
    // Its successor starts meanwhile.
    if (process.programs === this.#options.programsPerProcess) this.#fill();
    return process;
  }

  async #giveBack(process: Process): Promise<void> {
    if (process.programs < this.#options.programsPerProcess) await process.idle(lingerMs);
    if (process.reusable && process.programs < this.#options.programsPerProcess && !this.#closed) {
      this.#spares.push(process);
    } else await process.kill();
    this.#fill();
  }

  #fill(): void {
    while (!this.#closed && this.#spares.length < this.#options.spares) {
      try {
        this.#spares.push(this.#start());
      } catch {
        return; // whoever needs one will hear of it
      }
    }
  }

  #start(): Process {
    const process = new Process(this.#interpreter);
    this.#processes.add(process);
    process.gone.then(() => {
      this.#processes.delete(process);
      this.#usage.seconds += process.seconds;
      // One that stood by and died is no loss.
      const at = this.#spares.indexOf(process);
      if (at >= 0) this.#spares.splice(at, 1);
    });
    return process;
  }
}

function closed(): SandboxError {
  return new SandboxError("Cannot run a program as the sandbox is closed");
}

interface Pending {
  readonly id: string;
  readonly promise: Promise<Verdict>;
  readonly limits: Limits;
  readonly resolve: (verdict: Verdict) => void;
  readonly reject: (error: unknown) => void;
  readonly late: ReturnType<typeof setTimeout>;
}

/** A child process with an interpreter. */
class Process {
  /** Resolves when it has booted. Rejects with a {@linkcode SandboxError}. */
  readonly ready: Promise<void>;
  /** Resolves when its process is gone. */
  readonly gone: Promise<unknown>;
  /** Whether it takes no more runs. */
  ended = false;
  /** Programs that it was given. */
  programs = 0;
  readonly #child: Child;
  readonly #began = performance.now();
  readonly #pending: Pending[] = [];
  #clean = true;
  #end: number | null = null;

  constructor({ files, image }: Interpreter) {
    this.#child = startChild([...Object.values(files), image]);
    this.#child.send({ type: "boot", layout, files, image } satisfies ToChild);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.ready = promise;
    promise.catch(() => {});
    const late = setTimeout(() => {
      reject(startError(`it did not answer in ${bootMs / 1000} s`));
      this.kill();
    }, bootMs);
    Deno.unrefTimer(late);
    this.gone = this.#listen(() => {
      clearTimeout(late);
      resolve();
    }, (error) => {
      clearTimeout(late);
      reject(error);
    });
  }

  /** Seconds that it has lived. */
  get seconds(): number {
    return ((this.#end ?? performance.now()) - this.#began) / 1000;
  }

  /** Whether another program may follow: it is idle, and all that ran in it ended in the ordinary way. */
  get reusable(): boolean {
    return this.#clean && !this.ended && this.#pending.length === 0;
  }

  /** Gives it the program of all runs to come. */
  load(source: string): void {
    this.#child.send({ type: "program" }, new TextEncoder().encode(source));
  }

  /** Runs the program. */
  run(input: string, limits: Limits): Promise<Verdict> {
    const { promise, resolve, reject } = Promise.withResolvers<Verdict>();
    promise.catch(() => {});
    const id = crypto.randomUUID();
    const silent = () => {
      reject(new SandboxError("Cannot run a program as its process does not answer"));
      this.kill();
    };
    // What has arrived meanwhile is read before the second timer.
    const late = setTimeout(() => {
      if (this.#pending[0]?.id === id) {
        setTimeout(() => this.#pending[0]?.id === id && silent(), 1000);
      }
    }, answerMs + ahead * limits.timeoutMs);
    this.#pending.push({ id, limits, promise, resolve, reject, late });
    this.#child.send({ type: "run", id, ...limits }, new TextEncoder().encode(input));
    return promise;
  }

  /** Waits until all its runs have ended, for so many milliseconds at most. */
  async idle(ms: number): Promise<void> {
    if (this.ended || this.#pending.length === 0) return;
    let timer;
    const late = new Promise((resolve) => timer = setTimeout(resolve, ms));
    await Promise.race([Promise.allSettled(this.#pending.map(({ promise }) => promise)), late]);
    clearTimeout(timer);
  }

  /** Ends it, whatever it does. Idempotent. */
  async kill(): Promise<void> {
    this.ended = true;
    await this.#child.kill();
    await this.gone;
  }

  async #listen(booted: () => void, failed: (error: SandboxError) => void): Promise<void> {
    let started = false;
    try {
      for await (const { header, body } of this.#child.messages()) {
        const message = header as FromChild;
        if (message.type === "failed") {
          failed(startError(message.reason));
          this.ended = true;
          await this.#child.kill();
        } else if (message.type === "ready") {
          started = true;
          booted();
        } else {
          const pending = this.#pending[0];
          const verdict = verdictOf(message, body, pending);
          this.#clean &&= message.type === "ended" && message.clean;
          if (
            verdict.type === "timeout" || verdict.type === "memory" && message.type === "memory"
          ) {
            // It is still busy: the verdict is given when it is gone.
            this.ended = true;
            await this.#child.kill();
          }
          this.#settle((settled) => settled.resolve(verdict));
        }
      }
    } catch (error) {
      this.ended = true;
      await this.#child.kill();
      const reason = "Cannot run a program as its process sent what is no message of ours";
      this.#settle(({ reject }) => reject(new SandboxError(reason, { cause: error })));
    }
    const why = await describeEnd(this.#child);
    this.ended = true;
    this.#end = performance.now();
    if (!started) failed(startError(why));
    const ended = await this.#child.ended;
    if (started && typeof ended === "object" && crashed(ended.code)) {
      this.#settle(({ resolve }) => resolve(died(ended.code, ended.stderr)));
    }
    while (this.#pending.length > 0) {
      this.#settle(({ reject }) => reject(new SandboxError(`Cannot run a program as ${why}`)));
    }
  }

  #settle(how: (pending: Pending) => void): void {
    const pending = this.#pending.shift();
    if (pending === undefined) return;
    clearTimeout(pending.late);
    how(pending);
  }
}

/** The exit codes of SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE and SIGSEGV. */
const crashes: readonly number[] = [4, 5, 6, 7, 8, 11].map((signal) => 128 + signal);

/**
 * Whether a process that ended so was brought down by its program: by a signal that a process raises against itself, as
 * V8 does when it has no memory left. Our own errors end it with a small code, and other signals come from outside.
 */
function crashed(code: number): boolean {
  return crashes.includes(code);
}

/** The program made its process end. */
function died(code: number, stderr: string): Verdict {
  return { type: "exited", code, stdout: "", stderr, truncated: false, ms: 0 };
}

/** What a child says about the run that it is busy with. */
function verdictOf(
  message: FromChild,
  body: Uint8Array<ArrayBuffer>,
  pending: Pending | undefined,
): Verdict {
  if (pending === undefined || !("id" in message) || message.id !== pending.id) {
    throw new Error("nobody waits for it");
  }
  switch (message.type) {
    case "timeout":
      return { type: "timeout", ms: message.ms, cpuMs: message.cpuMs };
    case "memory":
      return { type: "memory" };
    case "ended": {
      if (message.how !== "exited") return { type: message.how };
      const { code, ms, truncated, stdoutBytes } = message;
      const { outputBytes } = pending.limits;
      const stdout = textWithin(body.subarray(0, stdoutBytes), outputBytes, false);
      const stderr = textWithin(body.subarray(stdoutBytes), outputBytes, truncated);
      return { type: "exited", code, stdout, stderr, truncated, ms };
    }
  }
}
