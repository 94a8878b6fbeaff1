/**
 * What a sweep prints: a line an event, and on a terminal one live line below them.
 *
 * @module
 */

import { type PlannedRun } from "./plan.ts";
import { type RunProgress } from "./process.ts";
import { type RunResult } from "./results.ts";
import { type SweepReporter } from "./run_sweep.ts";

/** What one step of a part of a run costs, in steps of reinforcement learning; for the time left. */
const cost = { sft: 0.25, rl: 1 } as const;

/** Where the lines go. */
export interface SweepOutput {
  /** Whether lines can be overwritten. */
  readonly terminal: boolean;
  /** Its width in columns. */
  readonly columns: () => number;
  /** Writes text as it is. */
  readonly write: (text: string) => void;
}

/** A reporter that prints. */
export class SweepPrinter implements SweepReporter {
  readonly #running = new Map<string, string>();
  readonly #done = new Map<string, number>();
  readonly #seconds = { start: 0 };
  #work = 0;
  #total = 0;
  #finished = 0;
  #failed = 0;
  #shown = 0;

  /** Prints to `output`. */
  constructor(
    readonly output: SweepOutput,
    readonly now: () => number = () => performance.now() / 1000,
  ) {}

  /** See {@linkcode SweepReporter}. */
  start(runs: readonly PlannedRun[], finished: readonly PlannedRun[]): void {
    this.#seconds.start = this.now();
    this.#total = runs.length;
    this.#work = runs.reduce((sum, run) => sum + workOf(run), 0);
    const before = finished.length === 0 ? "" : `, ${finished.length} finished before`;
    if (runs.length === 0) this.#line("every run is finished");
    else this.#line(`${count(runs.length, "run")} to go${before}`);
  }

  /** See {@linkcode SweepReporter}. */
  started(run: PlannedRun): void {
    this.#running.set(run.name, run.name);
    this.#line(`started ${run.name}`);
  }

  /** See {@linkcode SweepReporter}. */
  progress(run: PlannedRun, { phase, done, total }: RunProgress): void {
    const what = { sft: "warm start ", rl: "", eval: "evaluation " }[phase];
    this.#running.set(run.name, `${run.name} ${what}${done}/${total}`);
    if (phase === "sft") this.#done.set(run.name, done * cost.sft);
    if (phase === "rl") {
      this.#done.set(run.name, run.config.sft.steps * cost.sft + done * cost.rl);
    }
    // A terminal need not be redrawn for every step of the warm start.
    const now = this.now();
    if (now - this.#shown >= 0.2) this.#draw(now);
  }

  /** See {@linkcode SweepReporter}. */
  ended({ run, status, before, after }: RunResult, seconds: number, error?: string): void {
    this.#running.delete(run.name);
    if (status === "finished") {
      this.#finished++;
      this.#done.set(run.name, workOf(run));
    }
    if (status === "failed") this.#failed++;
    const accuracies = before.accuracy === null || after.accuracy === null
      ? ""
      : `: accuracy ${before.accuracy.toFixed(3)} -> ${after.accuracy.toFixed(3)}`;
    const left = this.#timeLeft();
    const place = `(${this.#finished}/${this.#total}${left === "" ? "" : `, ${left}`})`;
    this.#line(
      error === undefined
        ? `${status} ${run.name}${accuracies} in ${duration(seconds)} ${place}`
        : `failed ${run.name} after ${duration(seconds)}:\n${error.replaceAll(/^/gm, "    ")}`,
    );
  }

  /** Takes the live line away. */
  end(): void {
    if (this.output.terminal) this.output.write("\r\x1b[K");
  }

  #line(text: string): void {
    this.output.write(`${this.output.terminal ? "\r\x1b[K" : ""}${text}\n`);
    this.#draw(this.now());
  }

  #draw(now: number): void {
    if (!this.output.terminal) return;
    this.#shown = now;
    const failed = this.#failed === 0 ? "" : `, ${this.#failed} failed`;
    const parts = [
      `${this.#finished}/${this.#total} runs${failed}`,
      ...this.#running.values(),
      this.#timeLeft(),
    ].filter((part) => part !== "");
    const text = parts.join(" | ").slice(0, Math.max(20, this.output.columns() - 1));
    this.output.write(`\r\x1b[K${text}`);
  }

  #timeLeft(): string {
    const done = [...this.#done.values()].reduce((a, b) => a + b, 0);
    const elapsed = this.now() - this.#seconds.start;
    // Before a hundredth is done, loading a model would count for too much.
    if (this.#work === 0 || done < 0.01 * this.#work || done >= this.#work) return "";
    return `${duration(elapsed * (this.#work - done) / done)} left`;
  }
}

function workOf({ config, sftOnly }: PlannedRun): number {
  return config.sft.steps * cost.sft + (sftOnly ? 0 : config.max_steps * cost.rl);
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

/** `52 s`, `12 min`, `1 h 5 min` */
function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
