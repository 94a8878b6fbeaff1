/** Progress of work that is counted: one live line on a terminal, a plain line now and then elsewhere. */
import { clock, grouped } from "./format.ts";
import { type ProgressStream, standardError } from "./terminal.ts";

/** What {@linkcode CountedProgress} counts. */
export interface CountedProgressOptions {
  /** What is done, such as `measuring`. */
  readonly phase: string;
  /** How many there are. */
  readonly total: number;
  /** How many were done before: they cost no time. Default: 0. */
  readonly before?: number;
  /** Default: stderr. */
  readonly stream?: ProgressStream;
  /** Milliseconds from any start. Default: `performance.now`. */
  readonly now?: () => number;
}

/** At most so often a live line is drawn again, in milliseconds. */
const redrawEvery = 100;
/** Before each plain line but the last, in milliseconds. */
const plainEvery = 10_000;

/** Shows how far counted work is and how long it will take. Call {@linkcode CountedProgress.end} after it. */
export class CountedProgress {
  readonly #options: Required<CountedProgressOptions>;
  readonly #start: number;
  #shownAt: number;
  #live = false;
  #plain = "";

  /** The work begins. */
  constructor(options: CountedProgressOptions) {
    this.#options = {
      before: 0,
      stream: standardError(),
      now: () => performance.now(),
      ...options,
    };
    this.#start = this.#options.now();
    this.#shownAt = this.#options.stream.terminal ? -Infinity : this.#start;
  }

  /** So many are done in all, those before included; with figures to show beside. */
  update(done: number, figures: readonly string[] = []): void {
    const { phase, total, before, stream, now } = this.#options;
    const time = now();
    const every = stream.terminal ? redrawEvery : plainEvery;
    if (done < total && time - this.#shownAt < every) return;
    this.#shownAt = time;
    const left = (time - this.#start) / 1000 / (done - before) * (total - done);
    const fields = [
      `${phase} ${grouped(done)}/${grouped(total)}`,
      ...(done > before && done < total ? [`${clock(left)} left`] : []),
      ...figures,
    ];
    const line = fields.join("  ");
    if (!stream.terminal) {
      // The end may be told more than once.
      if (line !== this.#plain) stream.write(`${line}\n`);
      this.#plain = line;
      return;
    }
    // Some terminals wrap when the last column is written.
    const room = Math.max(1, stream.columns() - 1);
    stream.write(`\r\x1b[2K${[...line].slice(0, room).join("")}`);
    this.#live = true;
  }

  /** Takes the live line away, for whoever writes next. */
  end(): void {
    if (this.#live) this.#options.stream.write("\r\x1b[2K");
    this.#live = false;
  }
}
