/** Finds what a completion answers. */

import { type Boxed, boxedAnswers, hashAnswer } from "./answer.ts";
import { answerPlace } from "./sections.ts";
import { statedAnswer } from "./stated_answer.ts";

/** Longer answers are none. */
const MAX_LENGTH = 2000;

/** What may stand between boxes that answer together: `\boxed{1} and \boxed{2}`. */
const JOINT = /^[\s$,;.\\()]*(?:and|&|or|\\(?:text|mbox)\{\s*(?:and|or)\s*\})?[\s$,;\\()]*$/;

/** More between two boxes is text. */
const MAX_JOINT = 40;

function belongTogether(text: string, a: Boxed, b: Boxed): boolean {
  return b.start - a.end <= MAX_JOINT && JOINT.test(text.slice(a.end, b.start));
}

/** The last boxes that answer together, as one list; the same box twice is one. */
function lastBoxes(text: string, boxes: readonly Boxed[]): { content: string; all: boolean } {
  let first = boxes.length - 1;
  while (first > 0 && belongTogether(text, boxes[first - 1], boxes[first])) first--;
  const contents = [...new Set(boxes.slice(first).map(({ content }) => content))];
  const all = new Set(boxes.map(({ content }) => content)).size === contents.length;
  return { content: contents.join(" \\text{ and } "), all };
}

/** A box around nothing but a box is that box; a box beside others inside a box lists guesses. */
function unwrapped(content: string): string | null {
  if (content.length > MAX_LENGTH) return null;
  for (let inner = content;;) {
    const boxes = boxedAnswers(inner);
    if (boxes.length === 0) return inner;
    const [box] = boxes;
    if (boxes.length > 1 || box.start !== 0 || box.end !== inner.length) return null;
    inner = box.content;
  }
}

/** Several equations beside each other, which are no chain: `x = 3 and x = 5`. */
const EQUATIONS =
  /[,;<>&]|\\\\|=(?:[^A-Za-z=]|\\[a-zA-Z]+)*(?:\s|\\[!:;, ])[A-Za-z]\s*=|(?<![\\{~A-Za-z])[a-z]{2,}|\\(?:text|mbox)\s*\{\s*(?:and|or|if|for|when|with)\b|\\(?:begin|n?eq?|le|ge|q?quad|implies|Rightarrow)(?![a-zA-Z])/;

/** What equations in a row come to: `V = \pi r^2 h = 120` says 120. Figures alone are steps of work. */
function chainEnd(text: string): string[] {
  const plain = text.replace(/^(?:\$+|\\[[(])|(?:\$+|\\[\])])$/g, "").trim();
  const sides = plain.split("=");
  const steps = !/[\\$]/.test(text);
  return sides.length < 3 || steps || EQUATIONS.test(plain) || plain.includes("$")
    ? []
    : [sides.at(-1)!.trim()];
}

/** The readings with what chains among them come to. */
function withChains(found: readonly string[]): string[] {
  return [...new Set([...found, ...found.flatMap(chainEnd)])]
    .filter((reading) => reading !== "" && reading.length <= MAX_LENGTH);
}

/** Markdown's `**bold**`; `2**3**2` is a power. */
const BOLD = /(?<![\w)}\]*])\*\*(?![\s*])([^*\n]+)(?<!\s)\*\*(?![\w({*])/g;
/** A text in Markdown's `*italics*` or `__bold__`. */
const EMPHASIZED = /^(\*|__)(?![\s*_])([^*_\n]+)(?<!\s)\1(?=\.?$)/;

/** A text that answers, as it stands and as what it states. */
function readings(text: string, prompt: string): string[] {
  const plain = text.trim().replace(BOLD, "$1").replace(EMPHASIZED, "$2");
  return withChains([plain, ...statedAnswer(plain, prompt, true)]);
}

/**
 * The readings of the one answer that a completion gives, the widest first; empty if it gives none. All readings are of
 * the same words: `120 \text{ cm}` and, without its unit, `120`. There are never two answers to choose from.
 *
 * 1. Where: in the only `<answer>…</answer>` after the thinking. Several sections, a missing tag, or thinking that is
 *    still open give none. A completion without any answer tag answers in what follows its thinking.
 * 2. What, in this order: the `\boxed{}`; what follows GSM8K's `####` in the last line; in a section all of it; the
 *    statement of the last sentence ({@linkcode statedAnswer}).
 * 3. Of a section's boxes all must belong together (`\boxed{1} and \boxed{2}` is the list of both), otherwise they are
 *    guesses. Without a section the last box counts with those that belong to it. A box that holds another beside more
 *    text gives none, nor does a last box that is never closed.
 *
 * @param prompt The problem's text: a sentence of it that is repeated states nothing.
 */
export function extractAnswer(completion: string, prompt: string): readonly string[] {
  const place = answerPlace(completion);
  if (place === null) return [];
  const { text, tagged } = place;
  const boxes = boxedAnswers(text);
  if (boxes.length > 0) {
    if (/\\(?:boxed|fbox)\s*\{/.test(text.slice(boxes.at(-1)!.end))) return []; // cut off
    const { content, all } = lastBoxes(text, boxes);
    const answer = tagged && !all ? null : unwrapped(content);
    return answer === null ? [] : readings(answer, prompt);
  }
  const hash = hashAnswer(text);
  if (hash !== null) return readings(hash, prompt);
  return tagged ? readings(text, prompt) : withChains(statedAnswer(text, prompt, false));
}
