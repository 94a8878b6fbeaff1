/** What a sandbox is. Each provider stands in a file of its own and in `registry.ts`. */

/** The programming languages that a sandbox may run. */
export type Language = "python" | "javascript" | "typescript" | "cpp";

/** A program to run: one whole file. */
export interface Program {
  /** Its language. */
  readonly language: Language;
  /** Its text. */
  readonly source: string;
}

/** What one run of a program may use. */
export interface Limits {
  /** Wall-clock milliseconds from the program's start to its end. Starting the sandbox is not in it. */
  readonly timeoutMs: number;
  /** Bytes of memory of the program with all that it starts. */
  readonly memoryBytes: number;
  /** Bytes of standard output. Of standard error as many are kept and the rest is dropped. */
  readonly outputBytes: number;
}

/** The limits where none are given: 10 s, 256 MiB, 1 MiB. */
export const defaultLimits: Limits = {
  timeoutMs: 10_000,
  memoryBytes: 256 * 1024 * 1024,
  outputBytes: 1024 * 1024,
};

/** The program ended by itself, well or not. */
export interface Exited {
  /** Which verdict this is. */
  readonly type: "exited";
  /** Its exit code; 128 + n where signal n ended it. */
  readonly code: number;
  /** Standard output as UTF-8; bytes that are none become U+FFFD. */
  readonly stdout: string;
  /** Standard error as UTF-8, cut at the limit. */
  readonly stderr: string;
  /** Whether standard error was cut. */
  readonly truncated: boolean;
  /** Wall-clock milliseconds that it ran. */
  readonly ms: number;
}

/** The program was killed as its time was up. */
export interface TimedOut {
  /** Which verdict this is. */
  readonly type: "timeout";
  /** Wall-clock milliseconds that it ran. */
  readonly ms: number;
  /**
   * Milliseconds of CPU time that it used; null where the provider cannot tell. Far below `ms`, it slept or the machine
   * was busy with other things.
   */
  readonly cpuMs: number | null;
}

/** The program was killed, or failed, as it asked for more memory than its limit. */
export interface OutOfMemory {
  /** Which verdict this is. */
  readonly type: "memory";
}

/** The program was killed as it printed more than its limit. */
export interface OutputLimit {
  /** Which verdict this is. */
  readonly type: "output_limit";
}

/** How a run ended by the program's own doing: always gradable. */
export type Verdict = Exited | TimedOut | OutOfMemory | OutputLimit;

/**
 * The sandbox failed, not the program: no connection, a rate limit, a crash of the sandbox itself, a start that
 * failed. Never a verdict: whoever grades tries again on a fresh sandbox, and then leaves the sample ungraded.
 */
export class SandboxError extends Error {
  /** Name of the class. */
  override name: string = "SandboxError";
}

/** Options of {@linkcode Sandbox.run}. */
export interface RunOptions {
  /** Limits of each run; what is not named is the sandbox's own. */
  readonly limits?: Partial<Limits>;
  /** Ends the run: whatever runs is killed and the iteration throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What a sandbox has used since it was made. */
export interface SandboxUsage {
  /** Programs begun. */
  readonly programs: number;
  /** Runs that ended with a verdict. */
  readonly runs: number;
  /** Failures of the sandbox itself ({@linkcode SandboxError}), those mended by its own retries included. */
  readonly failures: number;
  /** Seconds that sandboxes were alive, summed over them: what a cloud charges for. */
  readonly seconds: number;
}

/**
 * Runs programs that nobody trusts.
 *
 * No run sees anything of an earlier program. Runs of one program share nothing that a program could notice either.
 */
export interface Sandbox extends AsyncDisposable {
  /** The provider's name in configs. */
  readonly name: string;
  /** The languages that it runs here. */
  readonly languages: readonly Language[];
  /** What it has used. */
  readonly usage: SandboxUsage;
  /**
   * Runs a program once on each standard input, in order, and yields the verdict of each as it ends. Ending the
   * iteration early (`break`) ends the program. Any number of programs may be asked for at once: the sandbox runs as
   * many at a time as it was made for, the others wait.
   *
   * @throws {SandboxError} when the sandbox failed; the verdicts that were yielded before it hold.
   * @throws {TypeError} for a language that it does not run, or limits that are not positive.
   */
  run(program: Program, inputs: readonly string[], options?: RunOptions): AsyncGenerator<Verdict>;
  /** Kills whatever runs, whose iterations then throw a {@linkcode SandboxError}, and frees everything. Idempotent. */
  [Symbol.asyncDispose](): Promise<void>;
}
