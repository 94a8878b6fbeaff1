/** A supervisor under bubblewrap, and the runs that it is asked for. */
import { guest, type Reply, type Request } from "./process_guest.ts";
import { bubblewrapArguments } from "./process_system.ts";
import { SandboxError } from "./sandbox.ts";

interface Frame {
  readonly header: Omit<Reply, "type"> & {
    type: Reply["type"] | "ready" | "failed";
    found?: string[];
    message?: string;
    out: number;
    err: number;
  };
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** How long a supervisor may be late, ms: its own clock ends runs, this one only notices that it is stuck. */
const GRACE_MS = 30_000;

/** A supervisor. It serves one run at a time. */
export class Worker {
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #stderr: Promise<string>;
  #buffer = new Uint8Array(0);
  #pid: number | null = null;
  #dead = false;
  readonly #started = performance.now();
  #seconds: number | null = null;
  #reaped = false;
  /** Once it serves: those of the programs that it can start. Rejects with a SandboxError when it cannot serve. */
  readonly found: Promise<readonly string[]>;

  /** Starts one, which can start the programs `seen` outside of /usr too. */
  constructor(bwrap: string, python: string, seen: readonly string[]) {
    this.#process = spawn(bwrap, [
      ...bubblewrapArguments([python, ...seen]),
      ...[python, "-I", "-X", "utf8", "-c", guest, JSON.stringify(seen)],
    ]);
    this.#writer = this.#process.stdin.getWriter();
    this.#reader = this.#process.stdout.getReader();
    this.#stderr = this.#readStderr();
    this.#process.status.then(() => this.#dead = this.#reaped = true);
    // An idle supervisor keeps nobody's program alive.
    this.#process.unref();
    this.found = this.#receive(GRACE_MS).then(({ header }) => header.found!);
    // Whoever asks it for a run hears of a start that failed.
    this.found.catch(() => {});
  }

  /** Whether it can serve another run. */
  get alive(): boolean {
    return !this.#dead;
  }

  /** Seconds that it has lived. */
  get seconds(): number {
    return this.#seconds ?? (performance.now() - this.#started) / 1000;
  }

  /** One run. */
  async run(request: Request, source: Uint8Array, input: Uint8Array): Promise<Reply> {
    await this.found;
    const header = new TextEncoder().encode(
      JSON.stringify({ ...request, sourceBytes: source.length, inputBytes: input.length }),
    );
    const message = new Uint8Array(4 + header.length + source.length + input.length);
    new DataView(message.buffer).setUint32(0, header.length);
    message.set(header, 4);
    message.set(source, 4 + header.length);
    message.set(input, 4 + header.length + source.length);
    // A supervisor that has ended is noticed by its silence.
    this.#writer.write(message).catch(() => {});
    const { header: { type, ...rest }, stdout, stderr } = await this.#receive(
      request.timeoutMs + GRACE_MS,
    );
    return { ...rest, type: type as Reply["type"], stdout, stderr };
  }

  /** Kills it with all that it runs; nothing of it is left when this resolves. */
  async kill(): Promise<void> {
    this.#dead = true;
    this.#process.ref();
    if (!this.#reaped) {
      // Its first process: bubblewrap outside ends only when the kernel has ended all that were under it.
      if (this.#pid === null || !signal(() => Deno.kill(this.#pid!, "SIGKILL"))) {
        signal(() => this.#process.kill("SIGKILL"));
      }
    }
    await this.#process.status;
    this.#seconds ??= (performance.now() - this.#started) / 1000;
    this.#writer.close().catch(() => {});
    await this.#stderr;
  }

  async #receive(withinMs: number): Promise<Frame> {
    this.#process.ref();
    // The second timer gives an answer that waits in the pipe its turn, when our own thread was busy for long.
    let late = setTimeout(() => late = setTimeout(() => void this.kill(), 2000), withinMs);
    try {
      const length = new DataView((await this.#read(4)).buffer).getUint32(0);
      const header = JSON.parse(new TextDecoder().decode(await this.#read(length)));
      const stdout = await this.#read(header.out), stderr = await this.#read(header.err);
      if (header.type === "failed") {
        throw new SandboxError(`Cannot isolate a run: ${header.message}`);
      }
      return { header, stdout, stderr };
    } catch (error) {
      await this.kill();
      throw error;
    } finally {
      clearTimeout(late);
      this.#process.unref();
    }
  }

  async #read(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const parts = [this.#buffer];
    let have = this.#buffer.length;
    while (have < length) {
      const { value, done } = await this.#reader.read();
      if (done) {
        const { code, signal } = await this.#process.status;
        const why = (await this.#stderr).trim();
        throw new SandboxError(
          `The sandbox's supervisor ended (${signal ?? `exit code ${code}`})${
            why ? `: ${why}` : ""
          }`,
        );
      }
      parts.push(value);
      have += value.length;
    }
    const whole = new Uint8Array(have);
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    this.#buffer = whole.slice(length);
    return whole.slice(0, length);
  }

  /** The last of what it says on standard error; first comes bubblewrap's note of its process. */
  async #readStderr(): Promise<string> {
    let text = "";
    for await (const chunk of this.#process.stderr.pipeThrough(new TextDecoderStream())) {
      text = (text + chunk).slice(-10_000);
      const note = /^\{\s*"child-pid":\s*(\d+)[^}]*\}\s*/.exec(text);
      if (note !== null) {
        this.#pid = Number(note[1]);
        text = text.slice(note[0].length);
      }
    }
    return text;
  }
}

/** Whether it could be sent: the process may be gone, or not ours to signal. */
function signal(send: () => void): boolean {
  try {
    send();
    return true;
  } catch {
    return false;
  }
}

function spawn(bwrap: string, args: string[]): Deno.ChildProcess {
  const command = (id?: number) =>
    // bubblewrap closes the file that it notes its process in: a copy of standard error.
    new Deno.Command("/bin/sh", {
      args: ["-c", 'exec "$@" 3>&2', "sh", bwrap, ...args],
      cwd: "/",
      // What bubblewrap is started with can be read in its /proc/1/environ.
      clearEnv: true,
      env: {},
      // Ctrl-C goes to every process of the terminal's group: the trainer decides what it means.
      detached: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      ...(id === undefined ? {} : { uid: id, gid: id }),
    }).spawn();
  // Root is exempt from the limit on processes, and what leaves the sandbox would be root: a user that nobody is; in a
  // container that has no such users nobody; in one that has a single user that one.
  const nobodies = [1_000_000_000 + crypto.getRandomValues(new Uint32Array(1))[0] % 1_000_000_000];
  for (const id of isRoot() ? [...nobodies, 65534] : []) {
    try {
      return command(id);
    } catch {
      // The kernel does not know this user.
    }
  }
  return command();
}

let root: boolean | undefined;

/** Asked of a program: Deno tells only with a permission of its own. */
function isRoot(): boolean {
  root ??=
    new TextDecoder().decode(new Deno.Command("/usr/bin/id", { args: ["-u"] }).outputSync().stdout)
      .trim() === "0";
  return root;
}
