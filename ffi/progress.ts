/** What is being done while libtorch and the shim are made ready. */
export interface Progress {
  /** Which part of the work. */
  readonly phase: "find" | "wait" | "install" | "compile" | "link" | "ready";
  /** What is being done, in words; stays the same while the same thing goes on. */
  readonly message: string;
  /** What changes meanwhile, for example how much is there. */
  readonly detail?: string;
  /** The part that is done, 0 to 1, where it is known. */
  readonly fraction?: number;
  /** Seconds since this message was first reported. */
  readonly seconds: number;
}

/** Receives progress. */
export type ProgressListener = (progress: Progress) => void;

/**
 * Reports a message now and once a second until the work has ended.
 *
 * @param detail Says what has changed; called once a second.
 */
export async function reporting<T>(
  listener: ProgressListener,
  step: Pick<Progress, "phase" | "message">,
  work: () => Promise<T>,
  detail: () => Pick<Progress, "detail" | "fraction"> = () => ({}),
): Promise<T> {
  const start = performance.now();
  const report = () => {
    listener({ ...step, ...detail(), seconds: (performance.now() - start) / 1000 });
  };
  report();
  const timer = setInterval(report, 1000);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/**
 * Prints progress on standard error: one live line on a terminal, a line for each new message otherwise.
 *
 * @returns `report` takes progress; `end` leaves the terminal on a fresh line.
 */
export function progressPrinter(): { report: ProgressListener; end: () => void } {
  const encoder = new TextEncoder();
  const write = (text: string) => {
    Deno.stderr.writeSync(encoder.encode(text));
  };
  const terminal = Deno.stderr.isTerminal();
  let last = "";
  let seconds = 0;
  const finishLine = () => {
    if (terminal && last !== "") write(`\r\x1b[2K${last} (${Math.round(seconds)} s)\n`);
    last = "";
  };
  return {
    report(progress) {
      if (progress.phase === "find" || progress.phase === "ready") return;
      if (progress.message !== last) {
        finishLine();
        if (!terminal) write(`${progress.message}\n`);
      }
      last = progress.message;
      seconds = progress.seconds;
      if (!terminal) return;
      const detail = progress.detail === undefined ? "" : `, ${progress.detail}`;
      write(`\r\x1b[2K${last} (${Math.round(seconds)} s${detail})`);
    },
    end: finishLine,
  };
}
