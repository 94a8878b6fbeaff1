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
