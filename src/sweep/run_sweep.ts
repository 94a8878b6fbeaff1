/**
 * Runs a sweep: a process a run, several at a time, from where an earlier call left off.
 *
 * @module
 */

import { join } from "node:path";
import { writeWhole } from "../training/run_folder.ts";
import {
  exists,
  type PlannedRun,
  refuseChangedRuns,
  stringifySweep,
  SweepError,
  type SweepPlan,
} from "./plan.ts";
import { interruptedCode, type RunProcess, type RunProgress, startRun } from "./process.ts";
import { readResult, type RunResult, type RunStatus, statusOf, writeResults } from "./results.ts";

/** Listens to a sweep. */
export interface SweepReporter {
  /** The sweep begins: what it will do, and what is done already. */
  start?(runs: readonly PlannedRun[], finished: readonly PlannedRun[]): void;
  /** A run's process was started. */
  started?(run: PlannedRun): void;
  /** A run has come further. */
  progress?(run: PlannedRun, progress: RunProgress): void;
  /** A run's process has ended. */
  ended?(result: RunResult, seconds: number, error: string | undefined): void;
}

/** Options of {@linkcode runSweep}. */
export interface SweepOptions {
  /** The program and arguments that make one run; see process.ts for what they are told. */
  readonly command: readonly string[];
  /** How many runs at a time. */
  readonly jobs: number;
  /** Whether a run is wanted; its warm start is wanted with it. Default: all. */
  readonly wanted?: (run: PlannedRun) => boolean;
  /** Called once before the first process, if there is anything to run. */
  readonly prepare?: () => Promise<void>;
  /** Aborted when the runs are to save and end. */
  readonly stop?: AbortSignal;
  /** Aborted when the runs are to end at once. */
  readonly kill?: AbortSignal;
  /** Told what happens. */
  readonly reporter?: SweepReporter;
}

/** How a sweep ended. */
export interface SweepResult {
  /** Of every run, in the order of the plan. */
  readonly results: readonly RunResult[];
  /** The last words of runs that failed, by name. */
  readonly errors: ReadonlyMap<string, string>;
  /** Whether it was stopped. */
  readonly interrupted: boolean;
}

/**
 * Runs what is not finished yet. results.csv and results.md are written anew after each run.
 *
 * @throws {SweepError} when the folder was made by another config, or another process works on it.
 */
export async function runSweep(plan: SweepPlan, options: SweepOptions): Promise<SweepResult> {
  const { folder } = plan;
  await refuseChangedRuns(plan);
  Deno.mkdirSync(join(folder, ".locks"), { recursive: true });
  using lock = await Deno.open(join(folder, ".locks", "sweep.lock"), { write: true, create: true });
  if (!await lock.tryLock(true)) {
    throw new SweepError(`Cannot start sweep '${plan.sweep.name}'`, [
      `another process works in '${folder}': wait for it, or choose another folder with --output`,
    ]);
  }
  writeWhole(join(folder, "sweep.yaml"), stringifySweep(plan.sweep));
  return await new Sweeping(plan, options).run();
}

class Sweeping {
  readonly #status = new Map<string, RunStatus>();
  readonly #errors = new Map<string, string>();
  readonly #processes = new Set<RunProcess>();
  readonly #queue: PlannedRun[];

  constructor(readonly plan: SweepPlan, readonly options: SweepOptions) {
    for (const run of plan.runs) this.#status.set(run.name, statusOf(plan.folder, run));
    const wanted = plan.runs.filter((run) => run.arm !== null && (options.wanted?.(run) ?? true));
    const unfinished = wanted.filter((run) => !this.#finished(run));
    this.#queue = plan.runs.filter((run) =>
      unfinished.includes(run) ||
      (!this.#finished(run) && unfinished.some(({ after }) => after === run.name))
    );
    options.reporter?.start?.(this.#queue, wanted.filter((run) => this.#finished(run)));
  }

  async run(): Promise<SweepResult> {
    const { stop, kill, prepare, jobs } = this.options;
    const forward = (signal: "SIGINT" | "SIGKILL") => () => {
      for (const process of this.#processes) process.kill(signal);
    };
    const [interrupt, end] = [forward("SIGINT"), forward("SIGKILL")];
    stop?.addEventListener("abort", interrupt);
    kill?.addEventListener("abort", end);
    try {
      if (this.#queue.length > 0) await prepare?.();
      await this.#work(jobs);
    } finally {
      stop?.removeEventListener("abort", interrupt);
      kill?.removeEventListener("abort", end);
      // After an error of ours no child is left to itself.
      end();
    }
    this.#write();
    return { results: this.#results(), errors: this.#errors, interrupted: stop?.aborted ?? false };
  }

  /** Keeps `jobs` processes at work until nothing is left that can be started. */
  async #work(jobs: number): Promise<void> {
    const working = new Set<Promise<void>>();
    while (true) {
      while (working.size < jobs && !this.options.stop?.aborted) {
        const run = this.#takeReady();
        if (run === undefined) break;
        const work = this.#runOne(run).finally(() => working.delete(work));
        working.add(work);
      }
      if (working.size === 0) return;
      await Promise.race(working);
    }
  }

  /** The next run whose warm start is there; those whose warm start failed fail with it. */
  #takeReady(): PlannedRun | undefined {
    for (const run of [...this.#queue]) {
      if (run.after !== null && this.#status.get(run.after) === "failed") {
        this.#queue.splice(this.#queue.indexOf(run), 1);
        this.#end(run, "failed", 0, `its warm start '${run.after}' failed`);
      } else if (run.after === null || this.#status.get(run.after) === "finished") {
        this.#queue.splice(this.#queue.indexOf(run), 1);
        return run;
      }
    }
    return undefined;
  }

  async #runOne(run: PlannedRun): Promise<void> {
    const { command, reporter, stop, kill } = this.options;
    const begin = performance.now();
    this.#status.set(run.name, "running");
    reporter?.started?.(run);
    const order = {
      config: run.config,
      sftOnly: run.sftOnly,
      lock: join(this.plan.folder, ".locks", `${run.name}.lock`),
    };
    const process = startRun(command, order, (progress) => reporter?.progress?.(run, progress));
    this.#processes.add(process);
    if (kill?.aborted) process.kill("SIGKILL");
    const { code, lastWords } = await process.ended;
    this.#processes.delete(process);
    const seconds = (performance.now() - begin) / 1000;
    // What counts is the folder: a child may be stopped between its last file and its exit.
    if (exists(join(this.plan.folder, run.name, "final"))) {
      this.#end(run, "finished", seconds);
    } else if (code === interruptedCode || stop?.aborted) {
      this.#end(run, "interrupted", seconds);
    } else {
      const why = code === 0 ? "it ended without its final/ folder" : `exit code ${code}`;
      this.#end(run, "failed", seconds, lastWords === "" ? why : `${lastWords}\n(${why})`);
    }
  }

  #end(run: PlannedRun, status: RunStatus, seconds: number, error?: string): void {
    this.#status.set(run.name, status);
    if (error !== undefined) this.#errors.set(run.name, error);
    this.#write();
    this.options.reporter?.ended?.(readResult(this.plan.folder, run, status), seconds, error);
  }

  #finished(run: PlannedRun): boolean {
    return this.#status.get(run.name) === "finished";
  }

  #results(): RunResult[] {
    return this.plan.runs.map((run) =>
      readResult(this.plan.folder, run, this.#status.get(run.name)!)
    );
  }

  #write(): void {
    writeResults(this.plan, this.#results(), this.#errors);
  }
}
