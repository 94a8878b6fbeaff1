/** Asks a teacher about many problems at once, until each has what is wanted or its attempts are used up. */

import type { Problem } from "../data/types.ts";
import {
  type Teacher,
  type TeacherMessage,
  type TeacherReply,
  TeacherRequestError,
  TeacherUnavailableError,
} from "./teacher.ts";
import { type CollectionSettings, Journal, type RejectedRow } from "./journal.ts";

/** What became of a completion: the columns of its row, or why it is rejected. */
export type Judgement =
  | { readonly kept: Readonly<Record<string, unknown>> }
  | Rejection;

/** Why something is rejected. */
export interface Rejection {
  /** One word, for counting: `accuracy`, `cut`, `leak`. */
  readonly reason: string;
  /** The same in words, for a person, and for the teacher where it is asked again. */
  readonly detail: string;
}

/** The attempt before, where a problem is asked again. */
export interface LastAttempt extends Rejection {
  /** The teacher's text. */
  readonly content: string;
}

/** What a teacher is asked for: reasoning traces, hints. */
export interface TeacherTask {
  /** Settings that the rows depend on; a resumed collection must have the same. */
  readonly settings: CollectionSettings;
  /** Why a problem is not worth asking about; null if it is. */
  precheck(problem: Problem): Promise<Rejection | null> | Rejection | null;
  /** What is asked. */
  messages(problem: Problem, last: LastAttempt | null): TeacherMessage[];
  /** Judges a completion. */
  judge(problem: Problem, reply: TeacherReply): Promise<Judgement> | Judgement;
}

/** Where a collection stands. */
export interface CollectionState {
  /** Problems in all. */
  readonly total: number;
  /** Problems that have their row. */
  readonly kept: number;
  /** Those of them that this call added. */
  readonly added: number;
  /** Problems whose attempts are used up. */
  readonly exhausted: number;
  /** Problems that cannot be asked about, by reason. */
  readonly leftOut: Readonly<Record<string, number>>;
  /** Problems whose request failed in this call; the next call asks again. */
  readonly failed: number;
  /** What the last of these failures said. */
  readonly lastFailure: string | null;
  /** Rejected attempts by reason. */
  readonly rejected: Readonly<Record<string, number>>;
  /** Completions of this call. */
  readonly replies: number;
  /** Tokens of all calls, as far as the server counted them. */
  readonly tokens: { readonly input: number; readonly output: number };
  /** Completions whose tokens the server did not count. */
  readonly uncounted: number;
  /** Requests that were repeated in this call. */
  readonly retries: number;
}

/** Options of {@linkcode collect}. */
export interface CollectOptions {
  /** Who is asked. */
  readonly teacher: Teacher;
  /** For what. */
  readonly task: TeacherTask;
  /** About which problems; their ids must differ. */
  readonly problems: readonly Problem[];
  /** The file of what is kept: JSONL, `….jsonl`. What is rejected goes to `….rejected.jsonl` beside it. */
  readonly out: string;
  /** The most completions of a problem, over all calls. Default: 4. */
  readonly attempts?: number;
  /** Requests at a time. Default: 8. */
  readonly concurrency?: number;
  /** When it is raised nothing new is asked; what is under way is awaited. */
  readonly stop?: AbortSignal;
  /** When it is raised what is under way is dropped too. */
  readonly kill?: AbortSignal;
  /** Called whenever something changed. */
  readonly onProgress?: (state: CollectionState) => void;
}

/** How a collection ended. */
export interface CollectionResult extends CollectionState {
  /** It was stopped before every problem was through. */
  readonly stopped: boolean;
}

interface History {
  attempts: number;
  leftOut: boolean;
  last: LastAttempt | null;
}

const firstFailures = 3;

/**
 * Collects one row a problem: asks, judges, asks again up to `attempts` times.
 *
 * Every completion is written down when it arrives, so the same call goes on where a kill, an error or an interrupt
 * ended it: problems that are through are not asked again, attempts are counted on, and a request that failed is asked
 * again. When every problem is through the rows stand in the order of the problems; until then in that of the answers.
 *
 * @throws {TeacherUnavailableError} If no request can succeed, or several failed in a row (3, or `concurrency` if that
 * is more).
 * @throws {JournalError} If the files cannot be used, see there.
 */
export async function collect(options: CollectOptions): Promise<CollectionResult> {
  const { teacher, task, problems, attempts = 4, concurrency = 8, stop, kill } = options;
  for (const [name, value] of Object.entries({ attempts, concurrency })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new Error(
        `Cannot collect as '${name}' must be a whole number of at least 1: current value is ${value}`,
      );
    }
  }
  const byId = new Map(problems.map((problem) => [problem.id, problem]));
  if (byId.size < problems.length) {
    const seen = new Set<string>();
    const twice = problems.find(({ id }) => seen.size === seen.add(id).size)!;
    throw new Error(`Cannot collect as two problems have the id '${twice.id}'`);
  }

  const histories = new Map<string, History>();
  const historyOf = (id: string): History => {
    const known = histories.get(id) ?? { attempts: 0, leftOut: false, last: null };
    histories.set(id, known);
    return known;
  };
  const rejected: Record<string, number> = {}, leftOut: Record<string, number> = {};
  const tokens = { input: 0, output: 0 };
  let [added, exhausted, failed, replies, uncounted, kept, inRow] = [0, 0, 0, 0, 0, 0, 0];
  let lastFailure: string | null = null;
  const count = (counts: Record<string, number>, reason: string) =>
    counts[reason] = (counts[reason] ?? 0) + 1;
  const countTokens = (input: number | null | undefined, output: number | null | undefined) => {
    if (typeof input !== "number" || typeof output !== "number") uncounted++;
    else [tokens.input, tokens.output] = [tokens.input + input, tokens.output + output];
  };

  using journal = Journal.open(
    options.out,
    { model: teacher.model, ...task.settings },
    (row) => {
      const problem = byId.get(row.id);
      if (problem !== undefined && problem.prompt !== row.prompt) {
        throw new Error(
          `Cannot go on with '${options.out}' as problem '${row.id}' had another prompt when it ` +
            "was asked: the data has changed. Name another file",
        );
      }
      if (problem !== undefined) kept++;
      countTokens(row.tokens_in, row.tokens_out);
    },
    ({ id, attempt, reason, detail, content = "", tokens_in, tokens_out }) => {
      if (attempt === 0) return void (historyOf(id).leftOut = true);
      historyOf(id).attempts = Math.max(historyOf(id).attempts, attempt);
      historyOf(id).last = { reason, detail, content };
      count(rejected, reason);
      countTokens(tokens_in, tokens_out);
    },
  );

  const state = (): CollectionState => ({
    ...{ total: problems.length, kept, added, exhausted, failed, lastFailure, replies, uncounted },
    leftOut: { ...leftOut },
    rejected: { ...rejected },
    tokens: { ...tokens },
    retries: teacher.retries,
  });
  const report = () => options.onProgress?.(state());
  const broken = new AbortController();
  const drop = kill === undefined ? broken.signal : AbortSignal.any([kill, broken.signal]);
  const stopping = () => stop?.aborted === true || drop.aborted;
  let pending = false;

  const leaveOut = (problem: Problem, why: Rejection) => {
    count(leftOut, why.reason);
    const row: RejectedRow = { id: problem.id, attempt: 0, ...why };
    if (!historyOf(problem.id).leftOut) journal.reject(row);
  };

  /** Asks about one problem until it is through. */
  const treat = async (problem: Problem): Promise<void> => {
    const why = await task.precheck(problem);
    if (why !== null) return leaveOut(problem, why);
    const history = historyOf(problem.id);
    while (history.attempts < attempts) {
      if (stopping()) return void (pending = true);
      let reply: TeacherReply;
      try {
        reply = await teacher.ask(task.messages(problem, history.last), drop);
      } catch (error) {
        if (drop.aborted) return void (pending = true);
        if (!(error instanceof TeacherRequestError)) throw error;
        failed++;
        lastFailure = error.message;
        if (++inRow >= Math.max(firstFailures, concurrency)) {
          throw new TeacherUnavailableError(
            `the last ${inRow} requests failed, this one with: ${error.message}`,
          );
        }
        return;
      }
      inRow = 0;
      replies++;
      const verdict = await task.judge(problem, reply);
      const { input: tokens_in = null, output: tokens_out = null } = reply.usage ?? {};
      const attempt = ++history.attempts;
      countTokens(tokens_in, tokens_out);
      if ("kept" in verdict) {
        const { id, prompt } = problem;
        journal.keep({
          ...{ id, prompt, ...verdict.kept },
          ...{ model: teacher.model, attempts: attempt, tokens_in, tokens_out },
        });
        [kept, added] = [kept + 1, added + 1];
        return;
      }
      const { reason, detail } = verdict;
      const { reasoning, content } = reply;
      journal.reject({
        ...{ id: problem.id, attempt, reason, detail, reasoning, content, tokens_in, tokens_out },
      });
      history.last = { reason, detail, content };
      count(rejected, reason);
      report();
    }
    exhausted++;
  };

  const queue = problems.filter(({ id }) => !journal.has(id)).values();
  const work = async (): Promise<void> => {
    for (const problem of queue) {
      if (stopping()) {
        pending = true;
        return;
      }
      await treat(problem);
      report();
    }
  };
  report();
  const ends = await Promise.allSettled(
    Array.from({ length: concurrency }, () =>
      work().catch((error) => {
        broken.abort(error);
        throw error;
      })),
  );
  // The first error is the reason; others may only follow from it.
  if (ends.some(({ status }) => status === "rejected")) throw broken.signal.reason;
  if (!pending && failed === 0) journal.sort(byId.keys());
  return { ...state(), stopped: pending };
}
