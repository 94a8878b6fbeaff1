/** Hints, which help with a problem without giving its answer: the guidance of Guide-GRPO. */

import type { Problem } from "../data/types.ts";
import type { TeacherMessage, TeacherReply } from "./teacher.ts";
import type { Judgement, LastAttempt, Rejection, TeacherTask } from "./collect.ts";
import { fillInstruction } from "./instruction.ts";
import type { CollectionSettings } from "./journal.ts";
import { leakOf } from "./leak.ts";
import { splitReply } from "./reply.ts";
import { unfinishedReply } from "./traces.ts";

/**
 * What a teacher is told by default, after the aims of Guide-GRPO's appendix G: hints from the principle to the
 * approach, with the likely mistakes, and without steps, calculations or the answer.
 */
export const hintInstruction: string =
  `You help students to solve problems by themselves. Below are a problem and a solution of it; the student sees only the problem.
Write three to five short hints, numbered, each more direct than the one before:
- the first names the idea or the principle that the problem turns on,
- the next ones say how to go about it and where a student is likely to go wrong,
- the last one describes the method to the end, in words.
Leave the work to the student: do not calculate, do not write a formula with the problem's numbers in it, and never write the final answer or a result on the way to it, neither as a number nor in words.
Write the hints and nothing else.

Problem:
{question}

Solution:
{solution}

Final answer, to be kept secret:
{answer}`;

/** Options of {@linkcode hintTask}. */
export interface HintTaskOptions {
  /** What the teacher is told, see {@linkcode hintInstruction}. */
  readonly instruction?: string;
  /** The most tokens of a hint, and how they are counted. Default: any length up to 20,000 characters. */
  readonly length?: { readonly max: number; readonly count: (text: string) => number };
  /** Further settings that the hints depend on, such as the sampling temperature. */
  readonly settings?: CollectionSettings;
}

/** What has no place in a hint, which is put into a prompt. */
const markup = /<\/?(?:think|answer)>|\[HINT_(?:START|END)\]|<\|/;
const maxCharacters = 20_000;

/** What must not be told: the answer, or the solution of a problem that has only that, such as a program. */
function secretOf({ answer, completion = "" }: Problem): string {
  return answer.trim() === "" ? completion.trim() : answer.trim();
}

/**
 * The task of writing a hint. One that leaks the answer (see {@linkcode leakOf}), is too long or has markup is sent back
 * with the reason. The rows have the columns id, prompt, answer, hint, tier, and trace, source, completion and tests
 * where the problem has them.
 */
export function hintTask(options: HintTaskOptions = {}): TeacherTask {
  const { instruction = hintInstruction, length } = options;

  const fault = (hint: string, problem: Problem): Rejection | null => {
    if (hint === "") return { reason: "empty", detail: "there is no hint" };
    const found = markup.exec(hint);
    if (found !== null) return { reason: "markup", detail: `it contains '${found[0]}'` };
    if (hint.length > maxCharacters) {
      return {
        reason: "too-long",
        detail: `it has ${hint.length} characters, ${maxCharacters} are allowed`,
      };
    }
    const tokens = length?.count(hint);
    if (length !== undefined && tokens! > length.max) {
      return { reason: "too-long", detail: `it has ${tokens} tokens, ${length.max} are allowed` };
    }
    const leak = leakOf(hint, { prompt: problem.prompt, answer: secretOf(problem) });
    return leak === null ? null : { reason: "leak", detail: leak };
  };

  return {
    settings: {
      kind: "hints",
      instruction,
      max_hint_length: length?.max ?? null,
      ...options.settings,
    },

    precheck: (problem: Problem) =>
      secretOf(problem) === ""
        ? { reason: "no-answer", detail: "without its answer a leak cannot be seen" }
        : null,

    messages(problem: Problem, last: LastAttempt | null): TeacherMessage[] {
      const asked: TeacherMessage = {
        role: "user",
        content: fillInstruction(instruction, problem),
      };
      const hint = last === null ? null : splitReply({ reasoning: "", content: last.content });
      if (last === null || !/^(?:leak|too-long|markup)$/.test(last.reason) || hint === null) {
        return [asked];
      }
      return [asked, { role: "assistant", content: hint.text }, {
        role: "user",
        content:
          `These hints cannot be used: ${last.detail}. Write them anew without that, and nothing else.`,
      }];
    },

    judge(problem: Problem, reply: TeacherReply): Judgement {
      const unfinished = unfinishedReply(reply);
      if (unfinished !== null) return unfinished;
      const hint = splitReply(reply)?.text;
      if (hint === undefined) return { reason: "cut", detail: "its reasoning is never closed" };
      const wrong = fault(hint, problem);
      if (wrong !== null) return wrong;
      const { answer, trace, tier, source, completion, tests } = problem;
      return {
        kept: {
          ...{ answer, hint, tier },
          ...(trace === "" ? {} : { trace }),
          ...(source === undefined ? {} : { source }),
          ...(completion === undefined ? {} : { completion }),
          ...(tests === undefined ? {} : { tests }),
        },
      };
    },
  };
}
