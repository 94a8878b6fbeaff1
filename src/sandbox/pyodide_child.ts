/**
 * What an interpreter's child process runs. Its main thread passes messages on and watches time and memory; the
 * interpreter runs in a worker, so that it may keep that thread busy for ever and the process still ends.
 *
 * @module
 */
import { parentMessages, sendToParent } from "./child.ts";
import process from "node:process";
import { readImage } from "./pyodide_image.ts";
import type { FromWorker, Image, Layout, ToWorker } from "./pyodide_worker.ts";
import { workerSource } from "./pyodide_worker.ts";

/** The module that a child is started with. */
export const childModule: string = import.meta.url;

/** Paths of Pyodide's files. */
export interface PyodideFiles {
  /** The interpreter. */
  readonly wasm: string;
  /** Its JavaScript. */
  readonly glue: string;
  /** Python's standard library. */
  readonly library: string;
  /** What starts it the first time. */
  readonly loader: string;
}

/** What the parent sends. */
export type ToChild =
  | {
    readonly type: "make";
    readonly layout: Layout;
    readonly files: PyodideFiles;
    readonly start: string;
  }
  | {
    readonly type: "boot";
    readonly layout: Layout;
    readonly files: PyodideFiles;
    /** Path of the image. */
    readonly image: string;
  }
  /** The body is the program. */
  | { readonly type: "program" }
  /** The body is its standard input. */
  | {
    readonly type: "run";
    /** Unknown to whatever runs in the worker. */
    readonly id: string;
    readonly timeoutMs: number;
    readonly memoryBytes: number;
    readonly outputBytes: number;
  };

/** What a child sends. The body of `ended` is standard output, then standard error. */
export type FromChild =
  | { readonly type: "ready" }
  | { readonly type: "failed"; readonly reason: string }
  /** The body is the memory. */
  | { readonly type: "image"; readonly image: Image }
  | {
    readonly type: "ended";
    readonly id: string;
    readonly how: "exited" | "memory" | "output_limit";
    readonly code: number;
    readonly ms: number;
    readonly stdoutBytes: number;
    readonly truncated: boolean;
    /** Whether another program may follow. */
    readonly clean: boolean;
  }
  | { readonly type: "timeout"; readonly id: string; readonly ms: number; readonly cpuMs: number }
  | { readonly type: "memory"; readonly id: string };

/** Milliseconds between two looks at the memory. */
const watchMs = 10;

/** Bytes that a process may take for a run beside the interpreter's memory: output, compiled code, garbage. */
const slack = 96 * 1024 * 1024;

async function relay(): Promise<void> {
  const send = (message: FromChild, body?: Uint8Array<ArrayBuffer>) => sendToParent(message, body);
  const runs: (ToChild & { type: "run" })[] = []; // not ended, oldest first
  let watch: Watch | null = null;

  const begin = () => {
    // What has been read was all there is to read.
    Deno.permissions.revokeSync({ name: "read" });
    const source = new Blob([workerSource()], { type: "text/javascript" });
    const worker = new Worker(URL.createObjectURL(source), { type: "module" });
    worker.onerror = (event) => {
      event.preventDefault();
      send({ type: "failed", reason: event.message });
    };
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => hear(data);
    return worker;
  };
  const hear = (data: FromWorker) => {
    if (data.type === "ready" || data.type === "failed") return send(data);
    if (data.type === "image") return send({ type: "image", image: data.image }, data.memory);
    const run = runs[0];
    if (run === undefined) return;
    if (data.type === "begun") {
      watch ??= new Watch(run, (what) => {
        runs.length = 0; // nothing that the worker says counts any more
        send(what);
      });
      return;
    }
    if (watch === null) return;
    watch.stop();
    watch = null;
    runs.shift();
    const { stdout, stderr } = data;
    const body = new Uint8Array(stdout.length + stderr.length);
    body.set(stdout);
    body.set(stderr, stdout.length);
    const { how, code, ms, truncated, clean } = data;
    const stdoutBytes = stdout.length;
    send({ type: "ended", id: run.id, how, code, ms, truncated, clean, stdoutBytes }, body);
  };
  let worker: Worker;
  const tell = (message: ToWorker, transfer: Transferable[] = []) =>
    worker.postMessage(message, transfer);

  for await (const { header, body } of parentMessages()) {
    const message = header as ToChild;
    switch (message.type) {
      case "make":
      case "boot": {
        const { layout, files } = message;
        const module = await WebAssembly.compile(Deno.readFileSync(files.wasm));
        const glue = Deno.readTextFileSync(files.glue);
        const library = Deno.readFileSync(files.library);
        const common = { module, glue, library, layout };
        if (message.type === "make") {
          const loader = Deno.readTextFileSync(files.loader);
          worker = begin();
          tell({ type: "make", ...common, loader, start: message.start }, [library.buffer]);
        } else {
          const { image, memory } = readImage(message.image);
          worker = begin();
          tell({ type: "boot", ...common, image, memory }, [
            library.buffer,
            memory.buffer,
          ]);
        }
        break;
      }
      case "program":
        tell({ type: "program", source: body });
        break;
      case "run": {
        runs.push(message);
        const { memoryBytes, outputBytes } = message;
        tell({ type: "run", input: body, memoryBytes, outputBytes });
      }
    }
  }
}

/** Watches a run's time and the memory of the process. */
class Watch {
  readonly #begun = performance.now();
  readonly #cpuAtStart = cpuMs();
  readonly #timers: ReturnType<typeof setTimeout>[];

  constructor(run: ToChild & { type: "run" }, over: (what: FromChild) => void) {
    const most = Deno.memoryUsage().rss + run.memoryBytes + slack;
    const finish = (what: FromChild) => {
      this.stop();
      over(what);
    };
    this.#timers = [
      setInterval(() => {
        if (Deno.memoryUsage().rss > most) finish({ type: "memory", id: run.id });
      }, watchMs),
      setTimeout(() => {
        const ms = performance.now() - this.#begun;
        const cpu = cpuMs() - this.#cpuAtStart;
        // An end that came in time may be waiting behind this.
        this.#timers.push(
          setTimeout(() => finish({ type: "timeout", id: run.id, ms, cpuMs: cpu }), 1),
        );
      }, run.timeoutMs),
    ];
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}

/** Milliseconds of CPU time that the process has used. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

if (import.meta.main) await relay();
