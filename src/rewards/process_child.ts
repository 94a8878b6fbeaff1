/**
 * What a reward's child process runs. Its main thread passes messages on and watches the clock; the reward itself runs
 * in a worker, so that it may keep that thread busy for ever and the process still ends.
 *
 * @module
 */

import { parentMessages, sendToParent } from "../sandbox/child.ts";
import type { Reward, RewardContext, RewardSample, Ungraded } from "./reward.ts";

/** The module that a child is started with. */
export const childModule: string = import.meta.url;

/** Begins a child: what it is to load. */
export interface StartMessage {
  /** Which message this is. */
  readonly type: "start";
  /** The reward's name, for error messages. */
  readonly name: string;
  /** URL of the module whose default export is the reward. */
  readonly module: string;
  /** What a default export that is a function is: one that makes the reward, or one that scores a sample. */
  readonly form: "factory" | "function";
  /** JSON, for the function. */
  readonly options: unknown;
  /** Environment variables that it is given. */
  readonly variables: Readonly<Record<string, string>>;
  /** Milliseconds that a sample may take. */
  readonly timeoutMs: number;
}

/** The samples of one prompt. Sent once, before the first of them is asked for. */
export interface GroupMessage {
  /** Which message this is. */
  readonly type: "group";
  /** Its number. */
  readonly group: number;
  /** Each problem of the group once. */
  readonly problems: readonly unknown[];
  /** The samples; `problem` is an index of `problems`. */
  readonly samples: readonly (Omit<RewardSample, "problem"> & { readonly problem: number })[];
}

/** A group will not be asked for any more. */
export interface ForgetMessage {
  /** Which message this is. */
  readonly type: "forget";
  /** Its number. */
  readonly group: number;
}

/** Asks for the score of a sample. */
export interface ScoreMessage {
  /** Which message this is. */
  readonly type: "score";
  /** Number of the question. */
  readonly id: number;
  /** The group that the sample is judged in. */
  readonly group: number;
  /** The sample's place in its group. */
  readonly index: number;
}

/** What another reward gave, in answer to an {@linkcode AskMessage}. */
export interface ValueMessage {
  /** Which message this is. */
  readonly type: "value";
  /** Number of the question that the reward is busy with. */
  readonly id: number;
  /** Number of the asking. */
  readonly ask: number;
  /** The score, unless there is an error. */
  readonly score?: number | Ungraded;
  /** Why there is none. */
  readonly error?: string;
}

/** What a parent sends. */
export type ToChild = StartMessage | GroupMessage | ForgetMessage | ScoreMessage | ValueMessage;

/** An exception as it is sent. */
export interface SentError {
  /** Its message, with the place that it came from. */
  readonly message: string;
  /** Its stack. */
  readonly stack: string;
}

/** Asks for the score that another reward gave the sample. */
export interface AskMessage {
  /** Which message this is. */
  readonly type: "ask";
  /** Number of the question that the reward is busy with. */
  readonly id: number;
  /** Number of the asking. */
  readonly ask: number;
  /** Name of the other reward. */
  readonly of: string;
}

/** What came of a question. */
export type AnswerMessage =
  & {
    /** Number of the question. */
    readonly id: number;
    /** Milliseconds that it took. */
    readonly ms: number;
  }
  & (
    | { readonly type: "scored"; readonly score: number | Ungraded }
    | { readonly type: "threw"; readonly error: SentError }
  );

/** What a child sends. Answers come in the order of the questions. */
export type FromChild =
  | { readonly type: "ready" }
  | { readonly type: "failed"; readonly reason: string }
  | AnswerMessage
  /** The reward broke outside of any question, as by an exception in a timer of its own. */
  | { readonly type: "broke"; readonly error: SentError }
  /** The sample that it is busy with is over its time. */
  | { readonly type: "overran" }
  | { readonly type: "log"; readonly text: string }
  | AskMessage;

if (import.meta.main) {
  if ("WorkerGlobalScope" in globalThis) judge();
  else await relay();
}

/** The main thread: messages to and from the worker, and a watch over it. */
async function relay(): Promise<void> {
  const worker = new Worker(childModule, { type: "module" });
  const asked: number[] = []; // questions that the worker has not answered, oldest first
  let timeoutMs = Infinity;
  let begun = 0; // when the oldest was begun, later by what it waited for other rewards
  let asks = 0; // scores of other rewards that the oldest waits for
  let waitingSince = 0;
  let watching: ReturnType<typeof setInterval> | undefined;
  let suspect: number | undefined;

  const watch = () => {
    const over = asks === 0 && performance.now() - begun > timeoutMs;
    // Over twice: an answer may have waited for this thread.
    if (over && suspect === asked[0]) {
      clearInterval(watching);
      sendToParent({ type: "overran" });
      // The parent kills at once, unless it is itself too busy to read.
      setTimeout(() => Deno.exit(1), 1000);
    }
    suspect = over ? asked[0] : undefined;
  };

  worker.onmessage = ({ data }: MessageEvent<FromChild>) => {
    if (data.type === "scored" || data.type === "threw") {
      asked.shift();
      begun = performance.now();
      asks = 0;
      if (asked.length === 0) clearInterval(watching);
    } else if (data.type === "ask" && data.id === asked[0]) {
      if (asks++ === 0) waitingSince = performance.now();
    }
    sendToParent(data);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    const { message, filename, lineno, colno } = event;
    const stack = `${message}\n    at ${filename}:${lineno}:${colno}`;
    sendToParent({
      type: "broke",
      error: { message: `${message} (${filename}:${lineno})`, stack },
    });
  };
  for await (const { header } of parentMessages()) {
    const message = header as ToChild;
    if (message.type === "start") timeoutMs = message.timeoutMs;
    else if (message.type === "score") {
      if (asked.push(message.id) === 1) {
        begun = performance.now();
        watching = setInterval(watch, Math.min(50, timeoutMs / 4));
      }
    } else if (message.type === "value" && message.id === asked[0] && --asks === 0) {
      begun += performance.now() - waitingSince;
    }
    worker.postMessage(message);
  }
}

/** The worker: loads the reward and scores what is asked for, one after the other. */
function judge(): void {
  const scope = globalThis as unknown as {
    postMessage(message: FromChild): void;
    onmessage: (event: MessageEvent<ToChild>) => void;
  };
  const groups = new Map<number, RewardSample[]>();
  const asks = new Map<number, (value: ValueMessage) => void>();
  const questions: ScoreMessage[] = [];
  const never = new AbortController().signal; // whoever does not want to wait kills the process
  let reward: Reward | undefined; // nothing is asked before it is there
  let busy = false;
  let lastAsk = 0;

  // Standard output belongs to the messages.
  const say = (...values: unknown[]) => {
    const words = values.map((value) => typeof value === "string" ? value : Deno.inspect(value));
    scope.postMessage({ type: "log", text: words.join(" ").slice(0, 10_000) });
  };
  Object.assign(console, { log: say, info: say, debug: say, warn: say, error: say, trace: say });

  const contextOf = ({ id, group }: ScoreMessage): RewardContext => ({
    group: groups.get(group)!,
    signal: never,
    scoreOf(of) {
      const ask = ++lastAsk;
      const { promise, resolve, reject } = Promise.withResolvers<number | Ungraded>();
      asks.set(ask, ({ score, error }) => {
        asks.delete(ask);
        if (score === undefined) reject(new Error(error));
        else resolve(score);
      });
      scope.postMessage({ type: "ask", id, ask, of });
      return promise;
    },
  });
  const answer = async () => {
    busy = true;
    for (let next = questions.shift(); next !== undefined; next = questions.shift()) {
      const { id, group, index } = next;
      const start = performance.now();
      const ms = () => performance.now() - start;
      try {
        let score: unknown = reward!.score(groups.get(group)![index], contextOf(next));
        if (score instanceof Promise) score = await score;
        scope.postMessage({ type: "scored", id, ms: ms(), score: checkScore(score) });
      } catch (error) {
        scope.postMessage({ type: "threw", id, ms: ms(), error: sentError(error) });
      }
    }
    busy = false;
  };
  scope.onmessage = async ({ data }) => {
    switch (data.type) {
      case "start":
        try {
          reward = await loadReward(data);
          scope.postMessage({ type: "ready" });
        } catch (error) {
          scope.postMessage({ type: "failed", reason: sentError(error).message });
        }
        return;
      case "group":
        groups.set(
          data.group,
          data.samples.map((sample) =>
            ({ ...sample, problem: data.problems[sample.problem] }) as RewardSample
          ),
        );
        return;
      case "forget":
        groups.delete(data.group);
        return;
      case "value":
        asks.get(data.ask)?.(data);
        return;
      case "score":
        questions.push(data);
        if (!busy) await answer();
        return;
    }
  };
}

/** The reward that a module exports. */
async function loadReward(message: StartMessage): Promise<Reward> {
  const { name, module, form, options, variables } = message;
  for (const [variable, value] of Object.entries(variables)) Deno.env.set(variable, value);
  const exported: unknown = (await import(module)).default;
  if (isReward(exported)) return exported;
  if (typeof exported !== "function") {
    const found = exported === undefined ? "it has none" : `it is ${kindOf(exported)}`;
    const must = form === "function"
      ? "must be a function (sample, context, options) => score, or an object with a method 'score'"
      : "must be a Reward, or a function (options) => Reward";
    throw new Error(`its default export ${must}: ${found}`);
  }
  if (form === "function") {
    return { name, score: (sample, context) => exported(sample, context, options) };
  }
  const made: unknown = await exported(options);
  if (!isReward(made)) {
    throw new Error(`its default export must make a Reward: it made ${kindOf(made)}`);
  }
  return made;
}

function isReward(value: unknown): value is Reward {
  return typeof value === "object" && value !== null &&
    typeof (value as Partial<Reward>).score === "function";
}

function kindOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "a list" : `of type ${typeof value}`;
}

/** JSON has no NaN, so a score is checked where it is made. */
function checkScore(score: unknown): number | Ungraded {
  if (Number.isFinite(score)) return score as number;
  if (typeof score === "object" && score !== null) {
    const { ungraded } = score as Partial<Ungraded>;
    if (typeof ungraded === "string") return { ungraded };
  }
  const value = typeof score === "number" ? score : kindOf(score);
  throw new Error(
    `a score must be a finite number, or { ungraded: "why" }: current value is ${value}`,
  );
}

function sentError(error: unknown): SentError {
  if (!(error instanceof Error)) return { message: String(error), stack: String(error) };
  const stack = error.stack ?? error.message;
  const place = /((?:file|https?):\/\/\S+?:\d+):\d+\)?$/m.exec(stack)?.[1];
  const elsewhere = place !== undefined && !place.startsWith(childModule);
  return { message: elsewhere ? `${error.message} (${place})` : error.message, stack };
}
