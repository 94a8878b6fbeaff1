/** One guest, from its making to its end, and the jobs that it does. */
import { Buffer } from "node:buffer";
import { type Job, launcher } from "./e2b_guest.ts";
import type { Command, Guest } from "./e2b_sdk.ts";
import { guest as supervisor, type Reply, type Request } from "./process_guest.ts";
import { SandboxError } from "./sandbox.ts";

/** What the launcher says first. */
export interface Ready {
  readonly type: "ready";
  /** Those of the programs that a program can start. */
  readonly found: readonly string[];
  /** Programs that were asked for by name. */
  readonly tools: Readonly<Record<string, string>>;
  /** The version of its Node. */
  readonly node: string | null;
}

/** A job without what is made for it. */
export interface Work {
  readonly tools?: readonly string[];
  readonly seen: readonly string[];
  readonly fileBytes: number;
  readonly requests: readonly Request[];
  readonly source: string;
  /** One for each request. */
  readonly inputs: readonly string[];
}

/** How late a guest may be, ms: its own clock ends runs, this one only notices that it is lost. */
const GRACE_MS = 30_000;

/** A guest that was made for one program. */
export class Machine {
  readonly id: string;
  readonly #guest: Guest;
  readonly #debug: boolean;
  readonly #graceMs: number;
  readonly #started = performance.now();
  readonly #ended = Promise.withResolvers<never>();

  /** `debug`: it is an envd that nobody kills. */
  constructor(guest: Guest, debug: boolean, graceMs = GRACE_MS) {
    this.id = guest.sandboxId;
    this.#guest = guest;
    this.#debug = debug;
    this.#graceMs = graceMs;
    this.#ended.promise.catch(() => {});
  }

  /** Seconds since it was made. */
  get seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  /** Makes whatever waits for it fail with this. */
  abandon(reason: unknown): void {
    this.#ended.reject(reason);
  }

  /** Does a job: what the guest says first, then a reply to each request, fewer if it failed to build. */
  async *work({ inputs, source, ...work }: Work): AsyncGenerator<Ready | Reply> {
    const id = crypto.randomUUID(), folder = `/tmp/handrail-${id}`;
    const job: Job = {
      tools: [],
      ...work,
      id,
      source: "source",
      inputs: inputs.map((_, i) => `input-${i}`),
    };
    const files = Object.entries({
      "launcher.py": launcher,
      "supervisor.py": supervisor,
      "job.json": JSON.stringify(job),
      source,
      ...Object.fromEntries(inputs.map((input, i) => [`input-${i}`, input])),
    }).map(([name, data]) => ({ path: `${folder}/${name}`, data }));
    await this.#within(this.#guest.files.write(files, { user: "root" }), this.#graceMs);

    const limitMs = work.requests.reduce((sum, { timeoutMs }) => sum + timeoutMs, this.#graceMs);
    const lines = new Lines(id);
    const command = await this.#within(
      this.#guest.commands.run(
        `exec timeout -s KILL ${
          Math.ceil(limitMs / 1000)
        } python3 -I ${folder}/launcher.py ${folder}`,
        {
          background: true,
          user: "root",
          cwd: "/",
          timeoutMs: limitMs + this.#graceMs,
          onStdout: (text) => lines.add(text),
        },
      ),
      this.#graceMs,
    );
    command.wait().then(() => lines.end(null), (error) => lines.end(readable(error)));
    try {
      // Up to the launcher's own end, which comes right after the last reply.
      for (let answers = 0;; answers++) {
        const ownMs = work.requests[answers - 1]?.timeoutMs ?? 0;
        const reply = await this.#within(lines.next(), ownMs + this.#graceMs);
        if (reply === null) return;
        yield reply;
      }
    } finally {
      if (!lines.ended) await this.#stop(command, folder);
    }
  }

  async #stop(command: Command, folder: string): Promise<void> {
    if (this.#debug) {
      await command.kill().catch(() => {});
      await this.#guest.files.remove(folder, { user: "root" }).catch(() => {});
    }
    await command.disconnect();
  }

  /** Whatever comes first: it, the end of this machine, or so much time. */
  async #within<T>(promise: Promise<T>, ms: number): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const message = `Guest ${this.id} has not answered for ${Math.round(ms / 1000)} s`;
    // The second timer gives an answer that waits in its socket a turn, when our own thread was busy for long.
    let timer = setTimeout(() => {
      timer = setTimeout(() => reject(new SandboxError(message)), 2000);
    }, ms);
    promise.catch(() => {});
    try {
      return await Promise.race([promise, this.#ended.promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The SDK's error of a command that failed, with what the command said. */
function readable(error: unknown): unknown {
  const { exitCode, stderr } = error as { exitCode?: number; stderr?: string };
  if (exitCode === undefined) return error;
  const said = stderr?.trim().slice(-2000);
  return new SandboxError(
    exitCode === 127
      ? "Cannot run programs as the guest has no python3: use a template with Python 3.9 or newer, such as 'base'"
      : `The guest's supervisor ended with exit code ${exitCode}${said ? `: ${said}` : ""}`,
  );
}

/** The launcher's lines, out of what comes in pieces. */
class Lines {
  readonly #start: string;
  readonly #replies: (Ready | Reply)[] = [];
  #parts: string[] = [];
  #ended = false;
  #error: unknown = null;
  #wake = () => {};

  constructor(id: string) {
    this.#start = `${id} `;
  }

  get ended(): boolean {
    return this.#ended;
  }

  add(text: string): void {
    const [first, ...rest] = text.split("\n");
    this.#parts.push(first);
    for (const part of rest) {
      this.#line(this.#parts.join(""));
      this.#parts = [part];
    }
    this.#wake();
  }

  end(error: unknown): void {
    this.#ended = true;
    this.#error ??= error;
    this.#wake();
  }

  /** The next reply; null after the last. */
  async next(): Promise<Ready | Reply | null> {
    while (true) {
      const reply = this.#replies.shift();
      if (reply !== undefined) return reply;
      if (this.#error !== null) throw this.#error;
      if (this.#ended) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  #line(line: string): void {
    // A login shell may print lines of its own.
    if (!line.startsWith(this.#start)) return;
    try {
      this.#replies.push(replyOf(JSON.parse(line.slice(this.#start.length))));
    } catch (error) {
      this.#error ??= error;
    }
  }
}

function replyOf(message: Record<string, unknown>): Ready | Reply {
  if (message.type === "ready") return message as unknown as Ready;
  if (message.type === "failed") {
    throw new SandboxError(`Cannot isolate a program in the guest: ${message.message}`);
  }
  const bytes = (text: unknown) => new Uint8Array(Buffer.from(text as string, "base64"));
  return {
    ...message,
    stdout: bytes(message.stdout),
    stderr: bytes(message.stderr),
  } as unknown as Reply;
}
