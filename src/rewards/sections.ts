/** The tags of a completion, and where they stand. */

/** The tags of a reasoning completion, in the order of a well-formed one. */
export const TAGS: readonly string[] = ["<think>", "</think>", "<answer>", "</answer>"];

/** How often `part` occurs in `text`. */
export function countOccurrences(text: string, part: string): number {
  return text.split(part).length - 1;
}

/**
 * What stands before, between and after the four tags: the five pieces of
 * `[0]<think>[1]</think>[2]<answer>[3]</answer>[4]`, or null unless every tag occurs exactly once
 * and in this order.
 */
export function splitAtTags(text: string): string[] | null {
  if (TAGS.some((tag) => countOccurrences(text, tag) !== 1)) return null;
  const pieces: string[] = [];
  let start = 0;
  for (const tag of TAGS) {
    const at = text.indexOf(tag, start);
    if (at < 0) return null;
    pieces.push(text.slice(start, at));
    start = at + tag.length;
  }
  return [...pieces, text.slice(start)];
}

/** What stands after the thinking; all of a completion that has none. Null while the thinking is open. */
export function afterThinking(completion: string): string | null {
  const close = completion.lastIndexOf("</think>");
  if (completion.lastIndexOf("<think>") > close) return null;
  return close < 0 ? completion : completion.slice(close + "</think>".length);
}

/**
 * Where a completion answers: in its one `<answer>…</answer>` after the thinking, or, where it has no answer tag at
 * all, anywhere after the thinking. Null if it answers nowhere: the thinking is open, a tag is missing, or there are
 * several sections, so that listing guesses earns nothing.
 */
export function answerPlace(
  completion: string,
): { readonly text: string; readonly tagged: boolean } | null {
  const ending = afterThinking(completion);
  if (ending === null) return null;
  const opened = countOccurrences(completion, "<answer>");
  const closed = countOccurrences(completion, "</answer>");
  if (opened === 0 && closed === 0) return { text: ending, tagged: false };
  if (opened !== 1 || closed !== 1) return null;
  const start = ending.indexOf("<answer>");
  const end = ending.indexOf("</answer>");
  if (start < 0 || end < start) return null; // out of order, or inside the thinking
  return { text: ending.slice(start + "<answer>".length, end), tagged: true };
}
