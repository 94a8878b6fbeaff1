/**
 * A stand-in for E2B: its documented REST API, and as much of a guest's envd as our calls of it reach. Guests run
 * nothing: they say what a test tells them to.
 */
import type { Job } from "../../src/sandbox/e2b_guest.ts";

/** A guest of the stand-in. */
export interface StubGuest {
  readonly id: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Seconds, each time that they were set. */
  readonly timeouts: number[];
  readonly files: Map<string, string>;
  /** The body that it was made with. */
  readonly made: Readonly<Record<string, unknown>>;
}

/** A request as it came. */
export interface Call {
  readonly name: string;
  readonly key: string | null;
  readonly url: string;
  readonly at: number;
}

/** What goes wrong with a request instead of its answer. */
export interface Fault {
  /** Method and path, `{id}` for a guest's id. */
  readonly on: string;
  /** How often; once where absent. */
  times?: number;
  readonly status?: number;
  readonly headers?: Record<string, string>;
  /** A text is sent as it is. */
  readonly body?: unknown;
  /** Milliseconds before the answer. */
  readonly delayMs?: number;
  /** The answer is what it would have been (after the delay), or it is done and then answered with the fault. */
  readonly after?: boolean;
}

/** What a guest does. `say` is a line of the launcher, `text` anything on its standard output. */
export type Event =
  | { readonly say: Record<string, unknown> }
  | { readonly text: string }
  | { readonly error: string }
  | { readonly waitMs: number }
  | { readonly exit: number }
  | { readonly cut: true };

/** A job that came to a guest. */
export interface StubJob {
  readonly job: Job;
  readonly guest: StubGuest;
  readonly source: string;
  readonly inputs: readonly string[];
  readonly command: string;
  readonly user: string;
}

/** The tools of the stand-in's guests. */
export const stubTools = { "g++": "/usr/bin/g++", node: "/usr/bin/node" };

/** A reply to one request. */
export function reply(stdout: string, more: Record<string, unknown> = {}): Event {
  const base = { type: "exited", code: 0, ms: 3, cpuMs: null, truncated: false };
  return { say: { ...base, stdout: base64(stdout), stderr: "", ...more } };
}

/** What the launcher says first. */
export const ready: Event = {
  say: {
    type: "ready",
    found: Object.values(stubTools),
    tools: stubTools,
    node: "v24.1.0",
    stdout: "",
    stderr: "",
  },
};

/** Each program echoes its input. */
export function* echo({ inputs }: StubJob): Generator<Event> {
  yield ready;
  for (const input of inputs) yield reply(input);
}

/** The server. */
export class E2BStub implements AsyncDisposable {
  readonly key = `e2b_${crypto.randomUUID()}`;
  readonly guests = new Map<string, StubGuest>();
  readonly calls: Call[] = [];
  readonly jobs: StubJob[] = [];
  /** All that were ever made. */
  readonly made: StubGuest[] = [];
  /** Guests alive at a time, at most. */
  most = 0;
  /** What guests do. */
  behaviour: (job: StubJob) => Iterable<Event> = echo;
  /** Guests on a page of a list. */
  pageSize = 100;
  readonly #faults: Fault[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  /** Ends of the pauses under way. */
  readonly #waits = new Set<() => void>();

  constructor() {
    const serve = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    this.#server = Deno.serve(serve, (request) => this.#answer(request));
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** Makes requests fail, in the order of these calls. */
  fail(fault: Fault): void {
    this.#faults.push({ times: 1, ...fault });
  }

  /** A guest that somebody made. */
  add(metadata: Record<string, string>): StubGuest {
    const guest: StubGuest = {
      id: crypto.randomUUID().replaceAll("-", "").slice(0, 20),
      metadata,
      timeouts: [],
      files: new Map(),
      made: {},
    };
    this.guests.set(guest.id, guest);
    return guest;
  }

  /** How often a request came. */
  count(name: string): number {
    return this.calls.filter((call) => call.name === name).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#waits) end();
    await this.#server.shutdown();
  }

  async #answer(incoming: Request): Promise<Response> {
    // Whole, before anything else: whoever sent it may be gone soon.
    const { method, headers } = incoming, body = await incoming.arrayBuffer();
    const request = new Request(
      incoming.url,
      method === "POST" ? { method, headers, body } : { method, headers },
    );
    const url = new URL(request.url);
    const path = url.pathname.replace(/^(\/v2)?\/sandboxes\/[^/]+/, "$1/sandboxes/{id}");
    const name = `${request.method} ${path}`;
    const key = request.headers.get("X-API-KEY");
    this.calls.push({ name, key, url: request.url, at: performance.now() });
    const fault = this.#faults.find(({ on, times }) => on === name && times! > 0);
    if (fault !== undefined) {
      fault.times!--;
      if (fault.after) await this.#done(request.clone(), name, url);
      if (fault.delayMs !== undefined) await this.#wait(fault.delayMs);
      if (fault.status !== undefined) {
        const body = fault.body ?? { code: fault.status, message: "a fault" };
        return new Response(typeof body === "string" ? body : JSON.stringify(body), {
          status: fault.status,
          headers: { "Content-Type": "application/json", ...fault.headers },
        });
      }
    }
    return await this.#done(request, name, url);
  }

  async #done(request: Request, name: string, url: URL): Promise<Response> {
    if (/\/(files|health|process\.Process)/.test(name)) return await this.#envd(request, name);
    if (request.headers.get("X-API-KEY") !== this.key) {
      return Response.json({ code: 401, message: "Invalid API key" }, { status: 401 });
    }
    const id = /\/sandboxes\/([^/]+)/.exec(url.pathname)?.[1] ?? "";
    const guest = this.guests.get(id);
    const missing = () =>
      Response.json({ code: 404, message: "Sandbox not found" }, { status: 404 });
    switch (name) {
      case "POST /v2/sandboxes": {
        const body = await request.json();
        const made = { ...this.add(body.metadata ?? {}), made: body };
        made.timeouts.push(body.timeout);
        this.guests.set(made.id, made);
        this.made.push(made);
        this.most = Math.max(this.most, this.guests.size);
        return Response.json({
          sandboxID: made.id,
          templateID: body.templateID,
          clientID: "client",
          envdVersion: "0.6.4",
          envdAccessToken: "token",
        }, { status: 201 });
      }
      case "GET /v2/sandboxes": {
        const wanted = new URLSearchParams(url.searchParams.get("metadata") ?? "");
        const found = [...this.guests.values()].filter(({ metadata }) =>
          [...wanted].every(([key, value]) => metadata[key] === value)
        );
        const from = Number(url.searchParams.get("nextToken") ?? 0), to = from + this.pageSize;
        const now = new Date().toISOString();
        return Response.json(
          found.slice(from, to).map(({ id, metadata }) => ({
            ...{ sandboxID: id, templateID: "base", clientID: "client", envdVersion: "0.6.4" },
            ...{ startedAt: now, endAt: now, state: "running", metadata },
            ...{ cpuCount: 2, memoryMB: 512, diskSizeMB: 1024 },
          })),
          { headers: to < found.length ? { "X-Next-Token": `${to}` } : {} },
        );
      }
      case "DELETE /sandboxes/{id}":
        if (guest === undefined) return missing();
        this.guests.delete(id);
        return new Response(null, { status: 204 });
      case "POST /sandboxes/{id}/timeout":
        if (guest === undefined) return missing();
        guest.timeouts.push((await request.json()).timeout);
        return new Response(null, { status: 204 });
      default:
        return Response.json({ code: 404, message: `no ${name} here` }, { status: 404 });
    }
  }

  async #envd(request: Request, name: string): Promise<Response> {
    const guest = this.guests.get(request.headers.get("E2b-Sandbox-Id") ?? "");
    if (guest === undefined) {
      // What the proxy in front of the guests says of one that is gone.
      return Response.json({ code: 502, message: "The sandbox was not found" }, { status: 502 });
    }
    if (name === "GET /health") return new Response(null, { status: 204 });
    if (name === "POST /files") {
      const written: { name: string; type: string; path: string }[] = [];
      for (const [, file] of await request.formData()) {
        if (!(file instanceof File)) continue;
        // The form's parser keeps no folders: jobs have one each, and their files have one name each.
        const name = file.name.split("/").at(-1)!;
        guest.files.set(name, await file.text());
        written.push({ name, type: "file", path: file.name });
      }
      return Response.json(written);
    }
    if (name === "POST /process.Process/Start") return await this.#start(request, guest);
    return Response.json({});
  }

  async #start(request: Request, guest: StubGuest): Promise<Response> {
    const bytes = new Uint8Array(await request.arrayBuffer());
    const { process } = JSON.parse(new TextDecoder().decode(bytes.subarray(5)));
    const job: Job = JSON.parse(guest.files.get("job.json")!);
    const stubJob: StubJob = {
      job,
      guest,
      source: guest.files.get(job.source)!,
      inputs: job.inputs.map((name) => guest.files.get(name)!),
      command: process.args.at(-1),
      user: atob((request.headers.get("Authorization") ?? "").replace("Basic ", "")).replace(
        ":",
        "",
      ),
    };
    this.jobs.push(stubJob);
    const events = this.behaviour(stubJob)[Symbol.iterator]();
    const send = (event: unknown) => frame(0, { event });
    const stdout = (text: string) => send({ data: { stdout: base64(text) } });
    let started = false, ended = false, left = false, gone = () => {};
    const body = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        if (!started) {
          started = true;
          return controller.enqueue(send({ start: { pid: 7 } }));
        }
        const { value: event = { exit: 0 }, done } = ended
          ? { done: true, value: undefined }
          : events.next();
        if (ended) return controller.close();
        if (done) ended = true;
        if ("say" in event) {
          controller.enqueue(stdout(`\n${job.id} ${JSON.stringify(event.say)}\n`));
        } else if ("text" in event) controller.enqueue(stdout(event.text));
        else if ("error" in event) {
          controller.enqueue(send({ data: { stderr: base64(event.error) } }));
        } else if ("waitMs" in event) {
          await this.#wait(event.waitMs, (end) => gone = end);
          if (!left) controller.enqueue(send({ keepalive: {} }));
        } else if ("cut" in event) controller.close(); // without the frame that ends a stream
        else {
          ended = true;
          const end = { exitCode: event.exit, exited: true, status: `exit status ${event.exit}` };
          const error = event.exit === 0 ? {} : { error: `exit status ${event.exit}` };
          controller.enqueue(send({ end: { ...end, ...error } }));
          controller.enqueue(frame(2, {}));
        }
      },
      cancel: () => {
        left = true;
        gone();
      },
    });
    return new Response(body, { headers: { "Content-Type": "application/connect+json" } });
  }

  #wait(ms: number, early?: (end: () => void) => void): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#waits.delete(end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#waits.add(end);
      early?.(end);
    });
  }
}

/** A message of the Connect protocol: flags, length, JSON. */
function frame(flags: number, message: unknown): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(message));
  const bytes = new Uint8Array(5 + json.length);
  bytes[0] = flags;
  new DataView(bytes.buffer).setUint32(1, json.length);
  bytes.set(json, 5);
  return bytes;
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
