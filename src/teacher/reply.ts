/** What a teacher's completion consists of. */

import { beforeBoxedAnswer, withoutFinalBox } from "../data/traces.ts";
import { hashAnswer, lastBoxed } from "../rewards/answer.ts";
import type { TeacherReply } from "./teacher.ts";

/** A completion, its reasoning apart from what it says. */
export interface SplitReply {
  /** The reasoning, without tags; empty if the teacher sent none apart. */
  readonly reasoning: string;
  /** What follows the reasoning, without tags. */
  readonly text: string;
}

/**
 * The reasoning and the text of a completion. The reasoning is what the server sent as such, or what stands between
 * `<think>` and `</think>` at the start of the content; the first of the two may be missing, as chat templates open it.
 *
 * Null if `<think>` is never closed: the completion was cut.
 */
export function splitReply(reply: Pick<TeacherReply, "reasoning" | "content">): SplitReply | null {
  const { reasoning, content } = reply;
  if (reasoning.trim() !== "") return { reasoning: reasoning.trim(), text: content.trim() };
  const close = content.indexOf("</think>");
  const open = /^\s*<think>/.exec(content);
  if (close < 0) return open === null ? { reasoning: "", text: content.trim() } : null;
  return {
    reasoning: content.slice(open?.[0].length ?? 0, close).trim(),
    text: content.slice(close + "</think>".length).trim(),
  };
}

/**
 * The answer that a text ends with: the one `<answer>…</answer>`, else the last `\boxed{…}`, else what follows `####` in
 * the last line. Null if there is none of them, or more than one answer section.
 */
export function finalAnswer(text: string): string | null {
  const sections = [...text.matchAll(/<answer>([\s\S]*?)<\/answer>/g)];
  if (sections.length > 0) return sections.length === 1 ? sections[0][1].trim() : null;
  return lastBoxed(text)?.content ?? hashAnswer(text);
}

/**
 * The reasoning as a data set's trace has it, without the final answer, which guidance must not give away: the teacher's
 * reasoning without the box at its end, or, where none came apart, its text up to the answer.
 */
export function traceOf({ reasoning, text }: SplitReply): string {
  if (reasoning !== "") return withoutFinalBox(reasoning);
  const section = text.indexOf("<answer>");
  if (section >= 0) return beforeBoxedAnswer(text.slice(0, section));
  if (lastBoxed(text) === null && hashAnswer(text) !== null) {
    return text.slice(0, text.lastIndexOf("####")).trim();
  }
  return beforeBoxedAnswer(text);
}
