/** Virtual machines of E2B, of its cloud or of a server of one's own. */
import { Cloud, type Patience, patience } from "./e2b_cloud.ts";
import { closed, Fleet } from "./e2b_fleet.ts";
import { toolchains, toolNames } from "./e2b_languages.ts";
import type { Machine, Ready } from "./e2b_machine.ts";
import { withLimits } from "./limits.ts";
import { Places } from "./places.ts";
import {
  always,
  compileLimits,
  python,
  type Reply,
  type Request,
  verdictOf,
} from "./process_guest.ts";
import {
  defaultLimits,
  type Language,
  type Limits,
  type Program,
  type RunOptions,
  type Sandbox,
  SandboxError,
  type SandboxUsage,
  type Verdict,
} from "./sandbox.ts";

/** Options of {@linkcode e2bSandbox}. What is absent is taken from E2B_DOMAIN, E2B_API_URL and E2B_SANDBOX_URL. */
export interface E2BSandboxOptions {
  /** Programs at a time, each in a guest of its own. Default: 8. */
  readonly concurrency?: number;
  /** Limits of each run; what is not named is {@linkcode defaultLimits}. */
  readonly limits?: Partial<Limits>;
  /** Name or id of the template that guests are made from: any with Python 3.9 or newer. Default: `base`. */
  readonly template?: string;
  /** Domain of the API and of the guests. Default: E2B's cloud. */
  readonly domain?: string;
  /** URL of the API, where it is not `https://api.DOMAIN`. */
  readonly apiUrl?: string;
  /** URL under which all guests are reached, where each has no host name of its own. */
  readonly sandboxUrl?: string;
}

/** Guests that a program is tried on, when they fail. */
const TRIES = 3;

/** Bytes of inputs that a guest is given at a time, and of outputs that it may answer with. */
const BATCH = { inputBytes: 16 * 1024 * 1024, outputBytes: 64 * 1024 * 1024 } as const;

/**
 * A sandbox of virtual machines of E2B: Python, and JavaScript, TypeScript and C++ where the template has what they
 * need (Deno, Node, Bun or tsx; g++ or clang++). The key is read from E2B_API_KEY. With E2B_DEBUG=true the guest is an
 * envd on this machine's port 49983, without a key.
 *
 * Each program has a guest of its own, without network, which is killed after it. In the guest each run is isolated as
 * in the sandbox `process`: it sees the template's programs read-only, an empty /tmp, no network and no other process,
 * is nobody, and is limited in time, memory of the whole tree, processes (128), files (64 MiB) and output. Expected
 * outputs never enter a guest.
 *
 * At most as many programs a second run as E2B lets an account make guests (1 or 5, by its plan). Guests live for two
 * minutes, and longer only while a process beside this one keeps them alive, which also kills them when this one is
 * gone, even by SIGKILL. Those that are left all the same (after a loss of power) are killed when the next sandbox
 * starts on this machine. Requests that fail for a while (429, 5xx, no connection) are made again.
 *
 * @throws {SandboxError} without a key; if E2B refuses the key or knows no such template, or cannot be reached; if the
 * template has no Python.
 * @throws {TypeError} for a concurrency or limits that are not positive.
 */
export function e2bSandbox(options: E2BSandboxOptions = {}): Promise<Sandbox> {
  return startE2B(options, {});
}

/** What tests replace. */
export interface Replaced {
  /** How long and how often the control plane is asked. */
  readonly patience?: Partial<Patience>;
  /** How late a guest may answer, ms. */
  readonly graceMs?: number;
  /** No process keeps the guests alive, and kills them when this one is gone. */
  readonly unkept?: boolean;
}

/** As {@linkcode e2bSandbox}. */
export async function startE2B(options: E2BSandboxOptions, replaced: Replaced): Promise<Sandbox> {
  const { concurrency = 8, limits, template, domain, apiUrl, sandboxUrl } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new TypeError(
      `Cannot start the e2b sandbox as 'concurrency' must be a positive integer: current value is ${concurrency}`,
    );
  }
  const own = withLimits(defaultLimits, limits);
  const cloud = await Cloud.connect({ template, domain, apiUrl, sandboxUrl }, {
    ...patience,
    ...replaced.patience,
  });
  const fleet = await Fleet.open(cloud, replaced);
  try {
    return new E2BSandbox(fleet, await probe(fleet), concurrency, own);
  } catch (error) {
    await fleet.close();
    throw cloud.problem("start the e2b sandbox", error);
  }
}

/** How a program of a language is run. */
interface Way {
  readonly file: (source: string) => string;
  readonly compile?: readonly string[];
  readonly command: (file: string) => readonly string[] | null;
  /** Its programs in the guest, by path. */
  readonly seen: readonly string[];
}

/** Which languages guests of the template run, found out in one of them, where a program of one line must run well. */
async function probe(fleet: Fleet): Promise<ReadonlyMap<Language, Way>> {
  const machine = await fleet.make();
  try {
    const request = { ...defaultLimits, ...always, ...python, first: true, build: false };
    const replies = machine.work({
      tools: toolNames,
      seen: [],
      fileBytes: always.fileBytes,
      requests: [request],
      source: "print(6 * 7)",
      inputs: [""],
    });
    let ready: Ready | undefined, reply: Reply | undefined;
    for await (const said of replies) {
      if (said.type === "ready") ready = said;
      else reply = said;
    }
    if (ready === undefined || reply?.type !== "exited" || reply.code !== 0) {
      const why = reply === undefined
        ? "without an answer"
        : `with ${JSON.stringify(verdictOf(reply, defaultLimits))}`;
      throw new SandboxError(`A program of one line ended ${why}`);
    }
    const startable = Object.entries(ready.tools).filter(([, path]) => ready.found.includes(path));
    const found = toolchains({ paths: Object.fromEntries(startable), node: ready.node });
    const ways = new Map<Language, Way>([
      ["python", { file: () => python.file, command: () => null, seen: [] }],
    ]);
    for (const [language, toolchain] of found) {
      ways.set(language, { ...toolchain, seen: startable.map(([, path]) => path) });
    }
    return ways;
  } finally {
    await fleet.end(machine);
  }
}

class E2BSandbox implements Sandbox {
  readonly name = "e2b";
  readonly languages: readonly Language[];
  readonly #fleet: Fleet;
  readonly #ways: ReadonlyMap<Language, Way>;
  readonly #places: Places;
  readonly #limits: Limits;
  readonly #closing = new AbortController();
  #closed: Promise<void> | null = null;
  #programs = 0;
  #runs = 0;
  #failures = 0;

  constructor(
    fleet: Fleet,
    ways: ReadonlyMap<Language, Way>,
    concurrency: number,
    limits: Limits,
  ) {
    this.#fleet = fleet;
    this.#ways = ways;
    this.languages = [...ways.keys()];
    this.#places = new Places(concurrency);
    this.#limits = limits;
  }

  get usage(): SandboxUsage {
    return {
      programs: this.#programs,
      runs: this.#runs,
      failures: this.#failures + this.#fleet.failures,
      seconds: this.#fleet.seconds,
    };
  }

  async *run(
    program: Program,
    inputs: readonly string[],
    options: RunOptions = {},
  ): AsyncGenerator<Verdict> {
    const limits = withLimits(this.#limits, options.limits);
    const way = this.#ways.get(program.language);
    if (way === undefined) {
      throw new TypeError(
        `Cannot run a program of '${program.language}': this sandbox runs ${
          this.languages.join(", ")
        }`,
      );
    }
    const leave = await this.#places.take(options.signal);
    const ends = [this.#closing.signal, options.signal].filter((signal) => signal !== undefined);
    const signal = AbortSignal.any(ends);
    let given = 0, ended: Promise<void> | undefined;
    try {
      this.#programs++;
      for (let attempt = 1; given < inputs.length; attempt++) {
        // So many guests as there are places: the one before is gone first.
        await ended;
        const machine = await this.#fleet.make(signal);
        const abort = () => machine.abandon(signal.reason);
        signal.addEventListener("abort", abort);
        try {
          for await (const reply of replies(machine, way, program, inputs.slice(given), limits)) {
            given++;
            this.#runs++;
            yield verdictOf(reply, limits);
          }
        } catch (error) {
          signal.throwIfAborted();
          this.#failures++;
          if (attempt === TRIES) throw error;
        } finally {
          signal.removeEventListener("abort", abort);
          ended = this.#fleet.end(machine);
        }
      }
    } catch (error) {
      signal.throwIfAborted();
      throw this.#fleet.problem(`run a program in ${TRIES} guests`, error);
    } finally {
      if (ended === undefined) leave();
      else ended.then(leave);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(closed());
    this.#places.close(closed);
    return this.#closed ??= this.#fleet.close();
  }
}

/** One for each input. */
async function* replies(
  machine: Machine,
  way: Way,
  { source }: Program,
  inputs: readonly string[],
  limits: Limits,
): AsyncGenerator<Reply> {
  const file = way.file(source), { fileBytes } = always;
  const common = { ...always, file, first: false };
  const compile: Request[] = way.compile === undefined
    ? []
    : [{ ...compileLimits, ...common, arguments: way.compile, first: true, build: true }];
  let given = 0;
  while (given < inputs.length) {
    const batch = inputs.slice(given, given + batchLength(inputs.slice(given), limits));
    const request = { ...limits, ...common, arguments: way.command(file), build: false };
    const requests = [...compile, ...batch.map(() => request)];
    const inputsOfAll = [...compile.map(() => ""), ...batch];
    const work = { seen: way.seen, fileBytes, requests, source, inputs: inputsOfAll };
    let compiled = compile.length === 0, answered = 0;
    for await (const reply of machine.work(work)) {
      if (reply.type === "ready") continue;
      if (compiled) {
        answered++;
        yield reply;
      } else if (reply.type === "exited" && reply.code === 0) compiled = true;
      else {
        // What does not compile ends so whatever its input.
        for (; given < inputs.length; given++) yield reply;
        return;
      }
    }
    if (answered < batch.length) {
      throw new SandboxError(
        `The guest's supervisor answered ${answered} of ${batch.length} requests`,
      );
    }
    given += batch.length;
  }
}

/** How many of the inputs are given at a time. */
function batchLength(inputs: readonly string[], { outputBytes }: Limits): number {
  const most = Math.max(1, Math.floor(BATCH.outputBytes / (2 * outputBytes)));
  let length = 0, bytes = 0;
  for (const input of inputs.slice(0, most)) {
    bytes += input.length;
    if (length > 0 && bytes > BATCH.inputBytes) break;
    length++;
  }
  return length;
}
