/**
 * Child Deno processes: framed messages over their pipes, limits, and an end that nothing in them can put off.
 *
 * A frame is the length of its header and of its body (unsigned, 32 bits, big-endian), the header as JSON, the body.
 *
 * @module
 */

/** A message between a parent and its child. */
export interface Message {
  /** A JSON value. */
  readonly header: unknown;
  /** Bytes; may be none. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** How a child ended: killed by its parent, killed over its memory limit, or by itself. */
export type ChildEnd = "killed" | "memory" | {
  /** Its exit code; 128 + n where signal n ended it. */
  readonly code: number;
  /** The end of its standard error. */
  readonly stderr: string;
};

/** Options of {@linkcode Child.spawn}. */
export interface ChildOptions {
  /** URL of the module that it runs: file:, or https: of a module that this process has loaded. */
  readonly module: string;
  /** Arguments of the module. */
  readonly args?: readonly string[];
  /** Its permissions, as Deno's flags name them. None by default. */
  readonly permissions?: readonly string[];
  /** More flags of Deno. */
  readonly flags?: readonly string[];
  /** Bytes of resident memory, from which on the child ends itself and {@linkcode Child.ended} is "memory". */
  readonly memoryBytes?: number;
}

/**
 * Where Deno finds what it has loaded before, and how it gets what it has not: through which proxy, trusting whose
 * certificates. Nothing else of the environment reaches a child.
 */
const kept = [
  ...["DENO_DIR", "HOME", "XDG_CACHE_HOME", "NPM_CONFIG_REGISTRY"],
  ...["DENO_CERT", "DENO_TLS_CA_STORE", "NODE_EXTRA_CA_CERTS"],
  ...["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"],
];

/** The exit code of a child over its memory limit: no signal's, and none that programs use. */
const overMemory = 94;

/** Milliseconds between two looks at a child's memory when it is near its limit. */
const watchMs = 10;

/** Bytes that no process takes in a millisecond: with more room a look can wait, and looking costs 1 % of a core less. */
const fastest = 8 * 1024 * 1024;

/** Bytes of standard error that are kept. */
const keptStderr = 64 * 1024;

/** Lengths that no sender of ours reaches: whoever announces more does not speak our frames. */
const longest = { header: 64 * 1024 * 1024, body: 256 * 1024 * 1024 };

/**
 * A child Deno process that is killed with SIGKILL, never asked. Its module receives by {@linkcode parentMessages} and
 * answers by {@linkcode sendToParent} on its main thread, and does its work in a worker, so that the main thread is
 * never busy: it sees that the parent is gone, or that memory runs over, and ends the process whatever the worker does.
 * A child does not keep its parent's event loop alive.
 */
export class Child implements AsyncDisposable {
  /** Its process. */
  readonly pid: number;
  /** How it ended. Never rejects. */
  readonly ended: Promise<ChildEnd>;
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #output: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  #killed = false;
  #complaint = "";

  private constructor(process: Deno.ChildProcess) {
    this.#process = process;
    this.pid = process.pid;
    this.#input = process.stdin.getWriter();
    this.#input.closed.catch(() => {});
    this.#output = process.stdout.getReader();
    this.ended = this.#end(lastText(process.stderr));
  }

  /**
   * Starts a child.
   *
   * @throws {Deno.errors.NotCapable} Without the permission to run Deno.
   */
  static spawn(options: ChildOptions): Child {
    const { module, args = [], permissions = [], flags = [], memoryBytes } = options;
    const process = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", ...permissions, ...flags, module, ...args],
      clearEnv: true,
      env: { ...environment(), DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      // A Ctrl-C on the terminal is for the parent, which may still have a step to finish.
      detached: true,
    }).spawn();
    // Whoever waits for an answer keeps the program alive, not the child.
    process.unref();
    const child = new Child(process);
    child.send({ memoryBytes: memoryBytes ?? null } satisfies Setup);
    return child;
  }

  /** Queues a message, whose body must not change afterwards. A child that has ended does not get it. */
  send(header: unknown, body?: Uint8Array<ArrayBuffer>): void {
    for (const bytes of frame(header, body)) this.#input.write(bytes).catch(() => {});
  }

  /**
   * What the child sends, in order, until it ends. To be iterated once. Nothing is read ahead: a child whose messages
   * nobody takes waits. One that sends no frame is killed.
   */
  async *messages(): AsyncGenerator<Message, void> {
    try {
      yield* frames(this.#output);
    } catch (error) {
      this.#complaint = (error as Error).message;
      this.#signal();
    }
  }

  /** Ends the child with SIGKILL. It is gone when this resolves. Idempotent. */
  async kill(): Promise<void> {
    this.#killed = true;
    this.#signal();
    const alive = setInterval(() => {}, 1000);
    await this.ended;
    await this.#output.cancel().catch(() => {});
    clearInterval(alive);
  }

  /** As {@linkcode Child.kill}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #signal(): void {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }

  async #end(stderr: { text(): string; done: Promise<void> }): Promise<ChildEnd> {
    const { code } = await this.#process.status;
    // A process that the child started may hold its standard error open.
    let timer;
    await Promise.race([stderr.done, new Promise((end) => timer = setTimeout(end, 200))]);
    clearTimeout(timer);
    await this.#input.abort().catch(() => {});
    if (this.#killed) return "killed";
    if (code === overMemory) return "memory";
    return { code, stderr: stderr.text() + this.#complaint };
  }
}

/** The first frame of all, which {@linkcode parentMessages} takes for itself. */
interface Setup {
  readonly memoryBytes: number | null;
}

/**
 * In a child: what the parent sends, in order. The process ends when the parent does, and when its memory runs over the
 * limit. To be called once, on the main thread, which must never be busy for long.
 *
 * @param atEnd What is still to be done when the parent has ended. The process ends when it resolves.
 */
export async function* parentMessages(
  atEnd?: () => Promise<void>,
): AsyncGenerator<Message, void> {
  const received: Message[] = [];
  let wake = () => {};
  const read = async () => {
    // Read ahead, so that the parent's end is seen whatever the iteration waits for.
    const incoming = frames(Deno.stdin.readable.getReader());
    const setup = (await incoming.next()).value?.header as Setup | undefined;
    if (typeof setup?.memoryBytes === "number") watchMemory(setup.memoryBytes);
    for await (const message of incoming) {
      received.push(message);
      wake();
    }
    await atEnd?.();
    Deno.exit();
  };
  read().catch(() => Deno.exit(1));
  while (true) {
    while (received.length > 0) yield received.shift()!;
    await new Promise<void>((resolve) => wake = resolve);
  }
}

function watchMemory(bytes: number): void {
  const room = bytes - Deno.memoryUsage().rss;
  if (room < 0) Deno.exit(overMemory);
  setTimeout(watchMemory, Math.max(watchMs, room / fastest), bytes);
}

const unsent: Uint8Array<ArrayBuffer>[] = [];
let sending = false;

/**
 * In a child: queues a message to the parent, whose body must not change afterwards. A parent that does not read does
 * not block the main thread.
 */
export function sendToParent(header: unknown, body?: Uint8Array<ArrayBuffer>): void {
  unsent.push(...frame(header, body));
  if (!sending) flush();
}

async function flush(): Promise<void> {
  sending = true;
  try {
    for (let bytes = unsent.shift(); bytes !== undefined; bytes = unsent.shift()) {
      for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
    }
  } catch {
    Deno.exit(1); // the parent is gone
  }
  sending = false;
}

function environment(): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of kept) {
    // Without the permission to read one, Deno's own defaults hold.
    if (Deno.permissions.querySync({ name: "env", variable: name }).state !== "granted") continue;
    const value = Deno.env.get(name);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

function frame(header: unknown, body?: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const start = new Uint8Array(8 + json.length);
  const view = new DataView(start.buffer);
  view.setUint32(0, json.length);
  view.setUint32(4, body?.length ?? 0);
  start.set(json, 8);
  return body !== undefined && body.length > 0 ? [start, body] : [start];
}

/** Frames up to the end of the stream; one that is cut off there is dropped. */
async function* frames(
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Message, void> {
  let chunk = new Uint8Array(0);
  const take = async (length: number) => {
    const taken = new Uint8Array(length);
    for (let at = 0; at < length;) {
      if (chunk.length === 0) {
        const { value, done } = await reader.read();
        if (done) return null;
        chunk = value;
      }
      const part = chunk.subarray(0, length - at);
      taken.set(part, at);
      at += part.length;
      chunk = chunk.subarray(part.length);
    }
    return taken;
  };
  while (true) {
    const lengths = await take(8);
    if (lengths === null) return;
    const view = new DataView(lengths.buffer);
    const headerLength = view.getUint32(0);
    const bodyLength = view.getUint32(4);
    if (headerLength > longest.header || bodyLength > longest.body) {
      throw new Error(`Cannot read a message of ${headerLength} + ${bodyLength} bytes`);
    }
    const json = await take(headerLength);
    const body = json && await take(bodyLength);
    if (json === null || body === null) return;
    yield { header: JSON.parse(new TextDecoder().decode(json)), body };
  }
}

/** Reads a stream to its end and keeps the last of it. */
function lastText(stream: ReadableStream<Uint8Array>): { text(): string; done: Promise<void> } {
  let text = "";
  const read = async () => {
    for await (const part of stream.pipeThrough(new TextDecoderStream())) {
      text = (text + part).slice(-keptStderr);
    }
  };
  return { text: () => text, done: read().catch(() => {}) };
}
