/**
 * A run's progress for people. It goes to stderr, so that stdout has only results. On a terminal one live line is
 * rewritten in place; elsewhere (a pipe, a file) a plain line comes now and then. No colours, so `NO_COLOR` is kept.
 */
import { type Metrics } from "../training/metrics.ts";
import {
  type EvalRecord,
  type PromptExample,
  type Reporter,
  type RunStart,
} from "../training/reporter.ts";
import { clock, compact, grouped, share } from "./format.ts";

/** Where progress is written. */
export interface ProgressStream {
  /** Whether lines can be rewritten in place. */
  readonly terminal: boolean;
  /** Width in characters, asked for each time since a window can be resized. */
  columns(): number;
  /** Writes text at once. */
  write(text: string): void;
}

/** Options of {@linkcode TerminalReporter}. */
export interface TerminalReporterOptions {
  /** Default: stderr. */
  readonly stream?: ProgressStream;
  /** Milliseconds from any start. Default: `performance.now`. */
  readonly now?: () => number;
}

/** At most so often a live line is drawn again, in milliseconds. */
const redrawEvery = 100;
/** Between plain lines, in milliseconds; every tenth of a phase has one too. */
const plainEvery = 10_000;
/** Weight of the newest step in the mean step time. */
const newest = 0.1;

/** The stream of this process's stderr. */
export function standardError(): ProgressStream {
  const encoder = new TextEncoder();
  return {
    terminal: Deno.stderr.isTerminal(),
    columns() {
      try {
        return Deno.consoleSize().columns || 80;
      } catch {
        return 80; // a terminal that does not tell its size
      }
    },
    write(text) {
      let rest = encoder.encode(text);
      while (rest.length > 0) rest = rest.subarray(Deno.stderr.writeSync(rest));
    },
  };
}

/** A step time that forgets, and the time left that follows from it. */
class StepTimer {
  #mark: number;
  #mean: number | null = null;
  #steps = 0;

  constructor(now: number) {
    this.#mark = now;
  }

  /** A step ended now. */
  step(now: number): void {
    this.#steps++;
    // A plain mean at first: a fixed weight would trust the first step, which is the slowest, for long.
    const weight = Math.max(newest, 1 / this.#steps);
    this.#mean = (this.#mean ?? 0) + weight * (now - this.#mark - (this.#mean ?? 0));
    this.#mark = now;
  }

  /** What went on since the last step was no step. */
  skip(now: number): void {
    this.#mark = now;
  }

  /** Steps of another kind begin. */
  forget(): void {
    this.#steps = 0;
    this.#mean = null;
  }

  /** Seconds for so many more steps; null before the first. */
  left(steps: number): number | null {
    return this.#mean === null ? null : this.#mean * steps / 1000;
  }
}

/** Shows a run's progress on a terminal or as plain lines. Call {@linkcode TerminalReporter.end} after the run. */
export class TerminalReporter implements Reporter {
  readonly #stream: ProgressStream;
  readonly #now: () => number;
  readonly #timer: StepTimer;
  #phase = "";
  #reward = "accuracy";
  #guided = true;
  #live = "";
  #drawnAt = -Infinity;
  #plainAt = -Infinity;
  #tenth = 0;
  #preparedAt: number | null = null;

  /** Reports to stderr, or to another stream. */
  constructor(
    { stream = standardError(), now = () => performance.now() }: TerminalReporterOptions = {},
  ) {
    this.#stream = stream;
    this.#now = now;
    this.#timer = new StepTimer(now());
  }

  /** Data is read; a plain line comes only where that takes long. */
  preparing(phase: string, done: number, total: number | null): void {
    const of = total === null ? "" : `/${grouped(total)}`;
    const line = `${phase} ${grouped(done)}${of}`;
    if (this.#stream.terminal) return this.#draw([line], false);
    const now = this.#now();
    this.#preparedAt ??= now;
    if (now - this.#preparedAt < plainEvery) return;
    this.#preparedAt = now;
    this.#say(line);
  }

  /** The run begins. */
  start(run: RunStart): void {
    this.end();
    const { guidance } = run.config;
    this.#reward = guidance.reward;
    this.#guided = guidance.ratio > 0;
    const from = run.resumedFrom === null ? "" : `, resumed from ${run.resumedFrom}`;
    const trained = run.trainable === run.parameters
      ? ""
      : `, of which LoRA trains ${grouped(run.trainable)} of its own`;
    this.#say(`${run.folder}: ${grouped(run.parameters)} parameters${trained}${from}`);
    for (const line of run.data) this.#say(line);
    for (const note of run.notes) this.#say(`note: ${note}`);
    this.#say(formatExample(run.example));
    this.#timer.skip(this.#now());
  }

  /** A step of the warm start. */
  sftStep(done: number, total: number, metrics: Metrics): void {
    this.#step("warm start", done, total, [
      `loss ${share(metrics.loss, 3)}`,
      `${compact(metrics["perf/train_tokens_per_second"])} tok/s`,
    ]);
  }

  /** A step of reinforcement learning. */
  step(done: number, total: number, metrics: Metrics): void {
    const of = (who: string) => share(metrics[`rewards/${this.#reward}/${who}`]);
    this.#step("RL", done, total, [
      `reward ${share(metrics.reward)}`,
      ...(this.#guided ? [`guided ${of("guided")}`] : []),
      `unguided ${of("unguided")}`,
      ...(this.#guided ? [`ℓ ${share(metrics["guidance/length"], 0)}`] : []),
      `${compact(metrics["perf/rollout_tokens_per_second"])} tok/s`,
    ]);
  }

  /** An evaluation is under way. */
  evaluating(done: number, total: number): void {
    this.#draw([`evaluating ${done}/${total}`], done === total);
  }

  /** An evaluation was made. */
  evaluated({ step, benchmark, accuracy, n, stderr }: EvalRecord): void {
    this.end();
    const when = step === 0 ? "before reinforcement learning" : `after step ${step}`;
    this.#say(
      `held-out ${benchmark} without guidance, ${when}: ` +
        `${share(accuracy, 3)} ± ${share(stderr, 3)} of ${n}`,
    );
    this.#timer.skip(this.#now());
  }

  /** A checkpoint was saved. */
  saved(folder: string): void {
    this.#say(`saved ${folder}`);
    this.#timer.skip(this.#now());
  }

  /** Something a person should know. */
  warn(message: string): void {
    this.#say(`warning: ${message}`);
  }

  /** Takes the live line away, for whoever writes next. */
  end(): void {
    if (this.#live !== "") this.#stream.write("\r\x1b[2K");
    this.#live = "";
  }

  #step(phase: string, done: number, total: number, figures: readonly string[]): void {
    const now = this.#now();
    const first = phase !== this.#phase;
    if (first) this.#timer.forget();
    this.#phase = phase;
    this.#timer.step(now);
    const fields = [`${phase} ${String(done).padStart(String(total).length)}/${total}`, ...figures];
    // Before the last field, since in a narrow window the last ones go.
    if (done < total) fields.splice(-1, 0, `${clock(this.#timer.left(total - done))} left`);
    if (this.#stream.terminal) return this.#draw(fields, first || done === total);
    const tenth = Math.floor(done * 10 / total);
    if (!first && done < total && tenth === this.#tenth && now - this.#plainAt < plainEvery) return;
    this.#tenth = tenth;
    this.#plainAt = now;
    this.#say(fields.join("  "));
  }

  /** Rewrites the live line, unless it was drawn a moment ago. */
  #draw(fields: readonly string[], always: boolean): void {
    if (!this.#stream.terminal) return;
    const now = this.#now();
    if (!always && now - this.#drawnAt < redrawEvery) return;
    this.#drawnAt = now;
    this.#live = fit(fields.map(printable), this.#stream.columns());
    this.#stream.write(`\r\x1b[2K${this.#live}`);
  }

  /** A line of its own, above the live one. */
  #say(text: string): void {
    const lines = text.split("\n").map(printable).join("\n");
    this.#stream.write(this.#live === "" ? `${lines}\n` : `\r\x1b[2K${lines}\n${this.#live}`);
  }
}

/** A prompt as the model sees it and what a guided rollout of it is given; long texts lose their middle. */
function formatExample({ prompt, guidance, given, trace, answer }: PromptExample): string {
  const block = (text: string) => {
    const most = 1200;
    const short = text.length <= most
      ? text
      : `${text.slice(0, most / 2)} [...] ${text.slice(-most / 2)}`;
    return short.split("\n").map((line) => `  | ${line}`);
  };
  return [
    "a prompt as the model sees it:",
    ...block(prompt),
    ...(given === 0 ? ["  no guidance at this step"] : [
      `  guided rollouts start with ${given} of the trace's ${trace} tokens:`,
      ...block(guidance),
    ]),
    `  gold answer: ${answer}`,
  ].join("\n");
}

/** Without control characters, which could move the cursor. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, " ");
}

/** As many of the fields as a line of this width has room for. */
function fit(fields: readonly string[], columns: number): string {
  const room = Math.max(1, columns - 1); // some terminals wrap when the last column is written
  let count = fields.length;
  while (count > 1 && [...fields.slice(0, count).join("  ")].length > room) count--;
  return [...fields.slice(0, count).join("  ")].slice(0, room).join("");
}
