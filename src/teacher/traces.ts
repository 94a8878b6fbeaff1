/** Reasoning traces: what guidance is taken from and SFT learns. */

import type { Problem } from "../data/types.ts";
import type { Reward } from "../rewards/reward.ts";
import { scoreRollouts } from "../rewards/score.ts";
import type { TeacherReply } from "./teacher.ts";
import type { Judgement, Rejection, TeacherTask } from "./collect.ts";
import { fillInstruction } from "./instruction.ts";
import type { CollectionSettings } from "./journal.ts";
import { finalAnswer, splitReply, traceOf } from "./reply.ts";

/** What a teacher is told by default; a `{question}` becomes the problem. */
export const traceInstruction: string =
  `Solve the problem below. Reason step by step in plain sentences, and check the steps that are easy to get wrong.
Then give the final answer alone, without a unit or an explanation, between <answer> and </answer>.

Problem:
{question}`;

/** Options of {@linkcode traceTask}. */
export interface TraceTaskOptions {
  /** What the teacher is told, see {@linkcode traceInstruction}. */
  readonly instruction?: string;
  /** A trace is kept if it scores 1 under each of these. */
  readonly rewards: readonly Reward[];
  /** The most tokens of a trace, and how they are counted. Default: any length. */
  readonly length?: { readonly max: number; readonly count: (text: string) => number };
  /** Further settings that the traces depend on, such as the sampling temperature. */
  readonly settings?: CollectionSettings;
}

/** A completion as a model is to write it. */
function completionOf(trace: string, answer: string): string {
  return `<think>\n${trace}\n</think>\n<answer>\n${answer}\n</answer>`;
}

/**
 * The task of writing a reasoning trace.
 *
 * The trace is the teacher's reasoning where it comes apart (`reasoning_content`, `reasoning`, `<think>`), otherwise its
 * text, without the final answer (see {@linkcode traceOf}). Its answer is judged with it, by the rewards, as `<think>trace</think>` and
 * `<answer>answer</answer>`. The rows have the columns id, prompt, answer (the gold one), trace, tier, and source,
 * completion and tests where the problem has them.
 */
export function traceTask(options: TraceTaskOptions): TeacherTask {
  const { instruction = traceInstruction, rewards, length } = options;

  /** What keeps a completion from scoring 1 under every reward; null if nothing does. */
  const fault = async (problem: Problem, completion: string): Promise<Rejection | null> => {
    const [{ values, ungraded }] = await scoreRollouts(
      [{ prompt: problem.prompt, completion, completionIds: [], given: 0, problem }],
      rewards.map((reward) => ({ reward, weight: 1 })),
    );
    for (const { name } of rewards) {
      if (values[name] === null) {
        return { reason: "ungraded", detail: `${name}: ${ungraded[name]}` };
      }
      if (values[name] !== 1) {
        return { reason: name, detail: `the ${name} reward is ${values[name]}` };
      }
    }
    return null;
  };

  return {
    settings: {
      kind: "traces",
      instruction,
      rewards: rewards.map(({ name }) => name).join(","),
      max_trace_length: length?.max ?? null,
      ...options.settings,
    },

    async precheck(problem: Problem): Promise<Rejection | null> {
      // Without a reference program the tests alone judge.
      if (problem.tests !== undefined && problem.answer === "") return null;
      const wrong = await fault(problem, completionOf("…", problem.answer));
      return wrong === null
        ? null
        : { reason: "gold", detail: `its own gold answer does not pass: ${wrong.detail}` };
    },

    messages: (problem: Problem) => [
      { role: "user", content: fillInstruction(instruction, problem) },
    ],

    async judge(problem: Problem, reply: TeacherReply): Promise<Judgement> {
      const unfinished = unfinishedReply(reply);
      if (unfinished !== null) return unfinished;
      const split = splitReply(reply);
      if (split === null) return { reason: "cut", detail: "its reasoning is never closed" };
      const answer = finalAnswer(split.text);
      if (answer === null) return { reason: "no-answer", detail: "no final answer was found" };
      const trace = traceOf(split);
      if (trace === "") {
        return { reason: "no-trace", detail: "there is an answer but no reasoning" };
      }
      const wrong = await fault(problem, completionOf(trace, answer));
      if (wrong !== null) return { ...wrong, detail: `${wrong.detail} for the answer '${answer}'` };
      const tokens = length?.count(trace) ?? null;
      if (length !== undefined && tokens! > length.max) {
        return { reason: "too-long", detail: `${tokens} tokens, ${length.max} are allowed` };
      }
      const { answer: gold, tier, source, tests } = problem;
      return {
        kept: {
          ...{ answer: gold === "" ? answer : gold, trace, tier },
          ...(source === undefined ? {} : { source }),
          ...(tests === undefined ? {} : { tests }),
          ...(tokens === null ? {} : { trace_tokens: tokens }),
        },
      };
    },
  };
}

/** Why a completion is none that can be judged; null if it is whole. */
export function unfinishedReply(
  { finishReason, reasoning, content }: TeacherReply,
): Rejection | null {
  if (finishReason === "length") {
    return { reason: "cut", detail: "the teacher reached its most tokens" };
  }
  if (finishReason !== "stop") {
    return { reason: "refused", detail: `the teacher stopped for '${finishReason}'` };
  }
  return content.trim() === "" && reasoning.trim() === ""
    ? { reason: "empty", detail: "the completion is empty" }
    : null;
}
