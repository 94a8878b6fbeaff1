/**
 * A teacher's text as bare reasoning: without tags and without its final answer, which guidance must
 * never give away.
 */

import { boxedAnswers, lastBoxed } from "../rewards/answer.ts";

/** A teacher's completion taken apart. */
export interface Reasoning {
  /** The reasoning without tags. */
  readonly trace: string;
  /** Whether the thinking was closed, where it was opened. */
  readonly complete: boolean;
  /** The whole text, if it has an answer section in tags of its own; otherwise undefined. */
  readonly completion?: string;
}

/** The text inside `<think>…</think>`; all of it where it has no such tags. */
export function takeReasoning(text: string): Reasoning {
  const open = text.indexOf("<think>");
  const close = text.indexOf("</think>", Math.max(open, 0));
  if (close < 0 && open >= 0) return { trace: text.slice(open + 7).trim(), complete: false };
  if (close < 0) {
    const answer = text.indexOf("<answer>");
    if (answer < 0) return { trace: text.trim(), complete: true };
    return { trace: text.slice(0, answer).trim(), complete: true, completion: text };
  }
  const trace = text.slice(open < 0 ? 0 : open + 7, close).trim();
  const answered = text.indexOf("<answer>", close) >= 0;
  return { trace, complete: true, ...(answered ? { completion: text } : {}) };
}

/** Where the sentence or paragraph begins in which `at` stands. */
function sentenceStart(text: string, at: number): number {
  const before = text.slice(0, at);
  let start = before.lastIndexOf("\n\n") + 1;
  const last = [...before.slice(start).matchAll(/[.!?][)\]"'$*]*\s+/g)].at(-1);
  if (last !== undefined) start += last.index + last[0].length;
  return start;
}

/** Where the last line says `The answer is`, or the text's end. */
function closingSentence(text: string): number {
  const line = text.lastIndexOf("\n") + 1;
  const at = text.slice(line).search(/The (?:final )?answer is:?\s/i);
  return at < 0 ? text.length : line + at;
}

/**
 * A worked solution up to the sentence or paragraph that holds its first `\boxed{}`: what comes after
 * states the answer. A closing `The answer is X.` goes too. A solution that is a single such sentence
 * leaves nothing.
 */
export function beforeBoxedAnswer(solution: string): string {
  const first = boxedAnswers(solution).at(0);
  const cut = solution.slice(
    0,
    first === undefined ? closingSentence(solution) : sentenceStart(solution, first.start),
  );
  return cut.trim();
}

/**
 * Thinking without the final box that it ends with, and without the heading above that. A box in the
 * middle, after which the thinking goes on, stays.
 */
export function withoutFinalBox(thinking: string): string {
  const box = lastBoxed(thinking);
  if (box === null || thinking.length - box.end > 120) return thinking.trim();
  const text = thinking.slice(0, sentenceStart(thinking, box.start)).trimEnd();
  const tail = Math.max(0, text.length - 60);
  const heading = /(?:#+ *|\*\*)?(?:The )?Final Answer:?(?:\*\*)?:?$/i.exec(text.slice(tail));
  return (heading === null ? text : text.slice(0, tail + heading.index)).trim();
}

/** A trace as a problem holds it. */
export interface TraceParts {
  /** Bare reasoning; empty if the teacher's text breaks off inside its thinking. */
  readonly trace: string;
  /** As in {@linkcode Reasoning}. */
  readonly completion?: string;
}

/** A reasoning model's text as a trace: without tags and without the box that it ends with. */
export function thinkingTrace(text: string): TraceParts {
  const { trace, complete, completion } = takeReasoning(text);
  if (!complete) return { trace: "" };
  return { trace: withoutFinalBox(trace), ...(completion === undefined ? {} : { completion }) };
}

/** A worked solution as a trace: without what states its answer; thinking, where it has tags. */
export function solutionTrace(text: string): TraceParts {
  return /<\/?think>|<answer>/.test(text)
    ? thinkingTrace(text)
    : { trace: beforeBoxedAnswer(text) };
}
