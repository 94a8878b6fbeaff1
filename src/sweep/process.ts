/**
 * A run as a child process. The child gets one line of JSON on its standard input, a {@linkcode RunOrder}, and the pipe
 * stays open: its end tells the child that the sweep is gone. It may write lines of JSON to its standard output, each a
 * {@linkcode RunProgress}. SIGINT asks it to save and end. Exit code 0 means finished.
 *
 * @module
 */

import { type Config } from "../training/config.ts";

/** What a child is to do. */
export interface RunOrder {
  /** The run's whole config. */
  readonly config: Config;
  /** Whether it ends after the warm start. */
  readonly sftOnly: boolean;
  /** A file that it holds locked while it works in the run's folder. */
  readonly lock: string;
}

/** How far a child is. */
export interface RunProgress {
  /** Which part of the run. */
  readonly phase: "sft" | "rl" | "eval";
  /** Steps or problems done. */
  readonly done: number;
  /** Of how many. */
  readonly total: number;
}

/** Exit code of a child that was interrupted and has saved. */
export const interruptedCode = 130;

/** How a child ended. */
export interface RunEnding {
  /** Its exit code; 128 and more for a signal. */
  readonly code: number;
  /** The last lines of its standard error. */
  readonly lastWords: string;
}

/** A child that works on a run. */
export interface RunProcess {
  /** Resolves when it has ended. */
  readonly ended: Promise<RunEnding>;
  /** Sends it a signal; does nothing if it has ended. */
  kill(signal: "SIGINT" | "SIGKILL"): void;
}

const keptLines = 12;

/** Starts the program `command` on an order. */
export function startRun(
  command: readonly string[],
  order: RunOrder,
  onProgress: (progress: RunProgress) => void,
): RunProcess {
  const [program, ...args] = command;
  const child = new Deno.Command(program, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    // A group of its own: a Ctrl-C on the terminal reaches it once, through the sweep.
    detached: true,
  }).spawn();
  const stdin = child.stdin.getWriter();
  const sent = stdin.write(new TextEncoder().encode(`${JSON.stringify(order)}\n`))
    .catch(() => {}); // It died before it read: its exit code tells.
  const words: string[] = [];
  const read = async () => {
    await Promise.all([
      eachLine(child.stdout, (line) => {
        const progress = parseProgress(line);
        if (progress !== null) onProgress(progress);
      }),
      eachLine(child.stderr, (line) => {
        words.push(line);
        if (words.length > keptLines) words.shift();
      }),
    ]);
    const { code } = await child.status;
    await sent;
    await stdin.close().catch(() => {});
    return { code, lastWords: words.join("\n").trim() };
  };
  return {
    ended: read(),
    kill(signal) {
      try {
        child.kill(signal);
      } catch (error) {
        // It has ended, and nobody was told yet.
        if (!(error instanceof Deno.errors.NotFound || error instanceof TypeError)) throw error;
      }
    },
  };
}

async function eachLine(stream: ReadableStream<Uint8Array>, use: (line: string) => void) {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    lines.forEach(use);
  }
  if (rest !== "") use(rest);
}

function parseProgress(line: string): RunProgress | null {
  if (!line.startsWith("{")) return null;
  try {
    return JSON.parse(line);
  } catch {
    return null; // Something that a library printed.
  }
}
