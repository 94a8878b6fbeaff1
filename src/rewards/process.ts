/** Rewards that run in child processes, which alone can be stopped whatever they do. */

import { fileURLToPath } from "node:url";
import { Child } from "../sandbox/child.ts";
import {
  type AnswerMessage,
  type AskMessage,
  childModule,
  type FromChild,
  type GroupMessage,
  type SentError,
  type ToChild,
} from "./process_child.ts";
import {
  type Reward,
  type RewardContext,
  type RewardSample,
  type Ungraded,
  ungraded,
} from "./reward.ts";

/**
 * Deno's permissions of a process: true for all, or a list of the folders, hosts or names allowed. The environment of a
 * process is empty but for the variables that `env` names.
 */
export interface ProcessPermissions {
  /** Files and folders that it may read. */
  readonly read?: boolean | readonly string[];
  /** Files and folders that it may write. */
  readonly write?: boolean | readonly string[];
  /** Hosts that it may reach. */
  readonly net?: boolean | readonly string[];
  /** Environment variables that it is given. */
  readonly env?: readonly string[];
  /** Programs that it may run. */
  readonly run?: boolean | readonly string[];
  /** What it may ask about the system. */
  readonly sys?: boolean | readonly string[];
}

/** What {@linkcode processReward} runs, and within which limits. */
export interface ProcessRewardSpec {
  /** The reward's name in configs and metrics. */
  readonly name: string;
  /** URL of the module whose default export is the reward. */
  readonly module: string;
  /**
   * What a default export that is a function is: `factory`, which makes the reward from `options`, or `function`,
   * `(sample, context, options) => score`. Default: factory.
   */
  readonly form?: "factory" | "function";
  /** What the function is given: JSON. Default: undefined. */
  readonly options?: unknown;
  /**
   * Milliseconds that a sample may take from when its process begins it; waiting for the scores of other rewards is not
   * counted. Default: 10,000.
   */
  readonly timeoutMs?: number;
  /** Bytes that a process may use, its interpreter's own 60 MiB or so included. Default: 512 MiB. */
  readonly memoryBytes?: number;
  /** Samples judged at a time, each in a process of its own; one more process stands by. Default: 1. */
  readonly processes?: number;
  /** What the processes may do beside importing what lies in the module's folder. Default: nothing. */
  readonly permissions?: ProcessPermissions;
  /** Path of a deno.json whose import map holds in the processes. Default: none. */
  readonly config?: string;
  /** What a sample gets whose time or memory is up: a number, or `ungraded`. Default: ungraded. */
  readonly onOverrun?: "ungraded" | number;
}

/** A reward that can be started before its first score. */
export interface ProcessReward extends Reward {
  /** It limits its time by itself. */
  readonly timeoutMs: null;
  /** Loads the module in its first process. Rejects, as every score then does, if that cannot be used as a reward. */
  start(): Promise<void>;
  /** Kills its processes; scores that are waited for reject. Idempotent. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A reward that runs in child processes of its own. One that overruns its time or memory is killed with SIGKILL, never
 * asked; its sample stays ungraded (or gets `onOverrun`) and the others go on in a process that stood by.
 *
 * An exception of the reward rejects its score. If a process dies by itself, its sample is tried once more in a fresh
 * one and is then ungraded. The processes start with the first score, keep no program alive that has nothing else to
 * do, and end with it however it ends.
 *
 * @throws {TypeError} for limits that are not positive.
 */
export function processReward(spec: ProcessRewardSpec): ProcessReward {
  const pool = new Pool(spec);
  return {
    name: spec.name,
    timeoutMs: null,
    start: () => pool.start(),
    score: (sample, context) => pool.score(sample, context),
    [Symbol.asyncDispose]: () => pool.dispose(),
  };
}

/** A sample that is to be judged. */
interface Task {
  readonly id: number;
  readonly group: Group;
  readonly index: number;
  readonly context: RewardContext;
  readonly resolve: (score: number | Ungraded) => void;
  readonly reject: (error: unknown) => void;
  /** How many processes died of it, as it seems. */
  deaths: number;
}

/** A child with what it was given to do. */
interface Station {
  readonly child: Child;
  /** Whether it has loaded the reward: only then it is asked for anything. */
  loaded: boolean;
  /** What it was asked and has not answered, in its order: it is busy with the first. */
  readonly tasks: Task[];
  /** The groups that it knows. */
  readonly groups: Set<Group>;
  /** Whether it was killed by us, and not by its own or anybody else's doing. */
  killed: boolean;
  /** Whether it was killed as its sample, or loading, took too long. */
  overran: boolean;
  /** Ticks of the watch since it was heard of. */
  silentTicks: number;
  /** Scores of other rewards that it waits for. */
  asks: number;
}

/** The samples of a prompt as they are sent. */
interface Group {
  readonly message: GroupMessage;
  readonly indexOf: ReadonlyMap<RewardSample, number>;
  /** Samples of it that are waited for. */
  waiting: number;
}

/** How a child ended. */
type Ending = Awaited<Child["ended"]>;

/**
 * Samples that a child is given beforehand: about so many milliseconds of work, so that it has some while this thread is
 * busy, but little waits behind a slow sample while another child has nothing to do.
 */
const ahead = { ms: 250, least: 2, most: 256 };
/** Milliseconds between two looks at children that do not answer. */
const watchEvery = 500;
/** Milliseconds beyond a sample's own after which a child is killed that has not ended itself. */
const grace = 5000;
/** Milliseconds in which a child must have loaded the reward. */
const startTimeout = 60_000;
/** Where the child's own modules lie, and those of the rewards that come with it. */
const library = new URL("../", childModule).href;
const mebibyte = 1024 * 1024;

class Pool {
  readonly #spec: ProcessRewardSpec;
  readonly #timeoutMs: number;
  readonly #memoryBytes: number;
  readonly #processes: number;
  readonly #stations: Station[] = [];
  #spare: Station | null = null;
  readonly #queue: Task[] = [];
  readonly #groups = new WeakMap<readonly RewardSample[], Group>();
  readonly #started = Promise.withResolvers<void>();
  /** Children in a row that ended before they had loaded the reward. */
  #failedStarts = 0;
  /** Milliseconds that a sample took lately. */
  #pace: number | null = null;
  #lastTask = 0;
  #lastGroup = 0;
  #watch: ReturnType<typeof setInterval> | undefined;
  /** Why nothing can be scored any more. */
  #broken: Error | null = null;

  constructor(spec: ProcessRewardSpec) {
    this.#spec = spec;
    const { timeoutMs = 10_000, memoryBytes = 512 * mebibyte, processes = 1 } = spec;
    for (const [name, value] of Object.entries({ timeoutMs, memoryBytes, processes })) {
      if (!(value > 0) || !Number.isFinite(value)) {
        throw new TypeError(
          `Cannot make reward '${spec.name}' as '${name}' must be a number above 0: ` +
            `current value is ${value}`,
        );
      }
    }
    this.#timeoutMs = timeoutMs;
    this.#memoryBytes = memoryBytes;
    this.#processes = Math.ceil(processes);
    this.#started.promise.catch(() => {}); // whoever starts it or scores hears of it
  }

  start(): Promise<void> {
    if (this.#stations.length === 0) this.#addStation();
    return this.#started.promise;
  }

  score(sample: RewardSample, context: RewardContext): Promise<number | Ungraded> {
    if (this.#broken !== null) return Promise.reject(this.#broken);
    if (context.signal.aborted) return Promise.reject(context.signal.reason);
    const { promise, resolve, reject } = Promise.withResolvers<number | Ungraded>();
    const group = this.#groupOf(sample, context);
    group.waiting++;
    const task: Task = {
      id: ++this.#lastTask,
      group,
      index: group.indexOf.get(sample)!,
      context,
      resolve,
      reject,
      deaths: 0,
    };
    this.#queue.push(task);
    const abort = () => this.#giveUp(task, context.signal.reason);
    context.signal.addEventListener("abort", abort, { once: true });
    this.#keepWatch();
    this.#work();
    return promise.finally(() => {
      context.signal.removeEventListener("abort", abort);
      if (--group.waiting === 0) this.#forget(group);
    });
  }

  async dispose(): Promise<void> {
    const { name } = this.#spec;
    this.#fail(new Error(`Reward '${name}' was disposed of`));
    await Promise.all(this.#all().map(({ child }) => child[Symbol.asyncDispose]()));
  }

  #all(): Station[] {
    return this.#spare === null ? this.#stations : [...this.#stations, this.#spare];
  }

  /** Hands out what is queued, to the child with the least to do. */
  #work(): void {
    while (this.#queue.length > 0) {
      const free = this.#stations.filter(({ loaded, killed }) => loaded && !killed)
        .reduce<Station | null>(
          (least, one) => least === null || one.tasks.length < least.tasks.length ? one : least,
          null,
        );
      const starting = this.#stations.filter(({ loaded }) => !loaded).length;
      if (
        free?.tasks.length !== 0 && this.#stations.length < this.#processes &&
        starting < this.#queue.length
      ) {
        this.#addStation();
        continue;
      }
      const most = this.#pace === null ? ahead.least : ahead.ms / this.#pace;
      const inHand = Math.min(Math.max(most, ahead.least), ahead.most);
      if (free === null || free.tasks.length >= inHand) return;
      const task = this.#queue.shift()!;
      try {
        this.#ask(free, task);
      } catch (error) {
        task.reject(error); // a sample that cannot be written as JSON
      }
    }
  }

  /** Puts a child to work: the one that stands by, or a new one. */
  #addStation(): void {
    if (this.#broken !== null) return;
    const spare = this.#spare;
    this.#spare = null;
    try {
      this.#stations.push(spare ?? this.#startStation());
      this.#keepWatch();
      if (spare?.loaded) this.#standBy();
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #ask(station: Station, task: Task): void {
    const { id, group, index } = task;
    if (!station.groups.has(group)) this.#send(station, group.message);
    station.groups.add(group);
    if (station.tasks.push(task) === 1) station.silentTicks = 0;
    this.#send(station, { type: "score", id, group: group.message.group, index });
  }

  #forget(group: Group): void {
    for (const station of this.#all()) {
      if (!station.groups.delete(group)) continue;
      this.#send(station, { type: "forget", group: group.message.group });
    }
  }

  #send(station: Station, message: ToChild): void {
    station.child.send(message);
  }

  #groupOf(sample: RewardSample, context: RewardContext): Group {
    const known = this.#groups.get(context.group);
    if (known !== undefined && known.indexOf.has(sample)) return known;
    // Whoever calls the reward alone may give no group.
    const samples = context.group.includes(sample) ? context.group : [...context.group, sample];
    const problems = [...new Set(samples.map(({ problem }) => problem))];
    const made: Group = {
      message: {
        type: "group",
        group: ++this.#lastGroup,
        problems,
        samples: samples.map((one) => ({ ...one, problem: problems.indexOf(one.problem) })),
      },
      indexOf: new Map(samples.map((one, index) => [one, index])),
      waiting: 0,
    };
    this.#groups.set(context.group, made);
    return made;
  }

  #startStation(): Station {
    const { name, module, form = "factory", options, permissions = {}, config } = this.#spec;
    let child: Child;
    try {
      JSON.stringify(options); // what cannot be sent is found before there is a process
      child = Child.spawn({
        module: childModule,
        permissions: permissionFlags([library, module], permissions),
        flags: [
          config === undefined ? "--no-config" : `--config=${config}`,
          "--no-lock",
          "--node-modules-dir=none",
          // So that garbage is collected before it counts as memory that is used.
          `--v8-flags=--max-old-space-size=${Math.ceil(0.75 * this.#memoryBytes / mebibyte)}`,
        ],
        memoryBytes: this.#memoryBytes,
      });
    } catch (error) {
      throw new Error(
        `Cannot start a process for reward '${name}': ${(error as Error).message}`,
        { cause: error },
      );
    }
    const station: Station = {
      child,
      loaded: false,
      tasks: [],
      groups: new Set(),
      killed: false,
      overran: false,
      silentTicks: 0,
      asks: 0,
    };
    this.#listen(station);
    this.#send(station, {
      type: "start",
      name,
      module,
      form,
      options,
      variables: variables(permissions.env ?? []),
      timeoutMs: this.#timeoutMs,
    });
    return station;
  }

  async #listen(station: Station): Promise<void> {
    const { name, module } = this.#spec;
    for await (const { header } of station.child.messages()) {
      const message = header as FromChild;
      station.silentTicks = 0;
      switch (message.type) {
        case "ready":
          station.loaded = true;
          this.#failedStarts = 0;
          this.#started.resolve();
          this.#work();
          this.#standBy();
          break;
        case "failed":
          // Of one that only stands by this is nobody's trouble yet.
          if (this.#spare === station) this.#kill(station);
          else this.#fail(new Error(`Cannot use ${module} as reward '${name}': ${message.reason}`));
          break;
        case "scored":
          this.#answered(station, message)?.resolve(message.score);
          break;
        case "threw":
          this.#answered(station, message)?.reject(receivedError(message.error));
          break;
        case "broke": {
          const task = station.tasks.shift();
          if (task === undefined) console.error(`[${name}] ${message.error.stack}`);
          else task.reject(receivedError(message.error));
          this.#kill(station);
          break;
        }
        case "overran":
          this.#kill(station, true);
          break;
        case "ask":
          this.#forward(station, message);
          break;
        case "log":
          console.error(`[${name}] ${message.text}`);
      }
    }
    const ending = await station.child.ended;
    const early = this.#stations.includes(station) && !station.loaded && this.#broken === null;
    if (early && ++this.#failedStarts === 2) {
      const how = station.overran
        ? `took over ${startTimeout / 1000} s`
        : `ended twice ${inWords(ending)}`;
      this.#fail(new Error(`Cannot start reward '${name}': its process ${how} to load ${module}`));
    }
    this.#lost(station, ending);
    if (early && this.#stations.length === 0) this.#addStation();
  }

  #kill(station: Station, overran = false): void {
    station.killed = true;
    station.overran ||= overran;
    station.child.kill();
  }

  /** Takes an answered task away; undefined if nobody waits for it. */
  #answered(station: Station, { id, ms }: AnswerMessage): Task | undefined {
    if (station.tasks[0]?.id !== id) return undefined;
    const task = station.tasks.shift();
    this.#pace = this.#pace === null ? ms : 0.9 * this.#pace + 0.1 * ms;
    this.#work();
    return task;
  }

  async #forward(station: Station, { id, ask, of }: AskMessage): Promise<void> {
    const task = station.tasks.find((one) => one.id === id);
    if (task === undefined) return;
    station.asks++;
    try {
      this.#send(station, { type: "value", id, ask, score: await task.context.scoreOf(of) });
    } catch (error) {
      this.#send(station, { type: "value", id, ask, error: (error as Error).message });
    }
    station.asks--;
    station.silentTicks = 0;
  }

  /** A child has ended: what it was busy with is judged by how, what it had not begun is queued again. */
  #lost(station: Station, ending: Ending): void {
    if (this.#spare === station) this.#spare = null;
    const place = this.#stations.indexOf(station);
    if (place < 0) return;
    this.#stations.splice(place, 1);
    const [task, ...others] = station.tasks.splice(0);
    const again = task !== undefined && !this.#decided(station, task, ending);
    this.#queue.unshift(...(again ? [task] : []), ...others);
    this.#work();
  }

  /** Whether a task is done with, now that its process has ended. */
  #decided({ killed, overran }: Station, task: Task, ending: Ending): boolean {
    const { onOverrun = "ungraded" } = this.#spec;
    const what = overran ? "time" : outOfMemory(ending) ? "memory" : null;
    if (what === null && killed) return false; // for another one's sake
    task.deaths++;
    // Memory may be what earlier samples left, and a process may be killed by the system for others.
    if (what !== "time" && task.deaths < 2) return false;
    if (what === null) {
      task.resolve(ungraded(`its process ended twice ${inWords(ending)}`));
    } else if (onOverrun !== "ungraded") {
      task.resolve(onOverrun);
    } else {
      const limit = what === "time"
        ? `${this.#timeoutMs / 1000} s`
        : `${Math.round(this.#memoryBytes / mebibyte)} MB`;
      task.resolve(ungraded(`it took over ${limit}`));
    }
    return true;
  }

  /** Nobody waits for a task any longer. */
  #giveUp(task: Task, reason: unknown): void {
    const queued = this.#queue.indexOf(task);
    if (queued >= 0) this.#queue.splice(queued, 1);
    const station = this.#stations.find(({ tasks }) => tasks.includes(task));
    if (station?.tasks[0] === task) {
      station.tasks.shift();
      this.#kill(station);
    }
    task.reject(reason);
  }

  /** Starts a child that stands by, once there is one at work. */
  #standBy(): void {
    if (this.#spare === null && this.#broken === null) this.#spare = this.#startStation();
  }

  /** Ends everything with an error. */
  #fail(error: Error): void {
    this.#broken ??= error;
    this.#started.reject(this.#broken);
    clearInterval(this.#watch);
    this.#watch = undefined;
    const waiting = [
      ...this.#queue.splice(0),
      ...this.#stations.flatMap(({ tasks }) => tasks.splice(0)),
    ];
    for (const task of waiting) task.reject(this.#broken);
    for (const station of this.#all()) this.#kill(station);
  }

  /**
   * Keeps the program alive while something is waited for, and kills a child that does not end itself. Ticks are
   * counted, not milliseconds: while this thread is busy, no answer can be read either.
   */
  #keepWatch(): void {
    this.#watch ??= setInterval(() => {
      const waited = this.#stations.filter(({ tasks, loaded }) => tasks.length > 0 || !loaded);
      if (waited.length === 0 && this.#queue.length === 0) {
        clearInterval(this.#watch);
        this.#watch = undefined;
      }
      for (const station of waited) {
        if (station.asks > 0) continue;
        const silent = ++station.silentTicks * watchEvery;
        if (silent > (station.loaded ? this.#timeoutMs + grace : startTimeout)) {
          this.#kill(station, true);
        }
      }
    }, watchEvery);
  }
}

/** Deno's flags for what a process may do; these modules it must be able to import. */
function permissionFlags(modules: readonly string[], permissions: ProcessPermissions): string[] {
  const urls = modules.map((module) => new URL(module));
  const read = urls.filter(({ protocol }) => protocol === "file:")
    .map((url) => fileURLToPath(new URL(".", url)));
  const byNet = urls.some(({ protocol }) => /^https?:$/.test(protocol));
  const flag = (kind: string, allowed: boolean | readonly string[] | undefined): string[] => {
    if (allowed === true) return [`--allow-${kind}`];
    if (allowed === undefined || allowed === false || allowed.length === 0) return [];
    return [`--allow-${kind}=${[...new Set(allowed)].join(",")}`];
  };
  const { read: more = [], write, net, run, sys } = permissions;
  return [
    // Many packages look for variables, and there are none but those it was given.
    "--allow-env",
    ...flag("read", more === true ? true : [...read, ...(more === false ? [] : more)]),
    ...flag("write", write),
    ...flag("net", net),
    ...flag("run", run),
    ...flag("sys", sys),
    ...flag("import", byNet),
  ];
}

/** The variables of this process that a child is given. */
function variables(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}

function receivedError({ message, stack }: SentError): Error {
  return Object.assign(new Error(message), { stack });
}

function outOfMemory(ending: Ending): boolean {
  return ending === "memory" ||
    (typeof ending === "object" && /out of memory/i.test(ending.stderr));
}

function inWords(ending: Ending): string {
  if (typeof ending !== "object") return `(${ending})`;
  const lastWords = ending.stderr.trim().split("\n").slice(-3).join("\n");
  return `with code ${ending.code}${lastWords === "" ? "" : `: ${lastWords}`}`;
}
