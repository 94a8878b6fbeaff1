/** Programs in completions: fenced blocks and their labels. */

import { answerPlace } from "../sections.ts";

/** The labels of a fenced block by language: the set that the G²RPO-A paper's appendix B.3 calls allowed. */
const LABELS: Readonly<Record<string, readonly string[]>> = {
  python: ["python", "python3", "py"],
  javascript: ["javascript", "js"],
  typescript: ["typescript", "ts"],
  cpp: ["cpp", "c++"],
  c: ["c"],
  java: ["java"],
  go: ["go", "golang"],
  rust: ["rust", "rs"],
};

/** The labels that a block of this language may have; of any known language without one. */
export function labelsOf(language?: string): readonly string[] {
  if (language === undefined) return Object.values(LABELS).flat();
  return LABELS[languageName(language)] ?? [language.toLowerCase()];
}

/** The one name of a language that data sets spell in several ways: `python` for `Python3`. */
export function languageName(spelling: string): string {
  const label = spelling.toLowerCase();
  return Object.keys(LABELS).find((language) => LABELS[language].includes(label)) ?? label;
}

/** A closed fenced block. */
export interface CodeBlock {
  /** What stands behind its opening fence, in lower case; may be empty. */
  readonly label: string;
  /** Its lines. */
  readonly code: string;
}

/** The closed fenced blocks of a text that are not empty, in order. */
export function codeBlocks(text: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let label: string | null = null; // of the block that is open
  let indent = "";
  let lines: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    const fence = /^([ \t]*)```[ \t]*([^\s`]*)([^`]*)$/.exec(line);
    if (label === null) {
      if (fence === null) continue;
      [, indent, label] = fence;
      lines = [];
    } else if (fence === null || fence[1] !== indent || (fence[2] + fence[3]).trim() !== "") {
      // A block inside a list is indented with its fences.
      lines.push(line.startsWith(indent) ? line.slice(indent.length) : line);
    } else {
      const code = lines.join("\n");
      if (code.trim() !== "") blocks.push({ label: label.toLowerCase(), code });
      label = null;
    }
  }
  return blocks;
}

/**
 * The program that a completion answers with: the last fenced block of its answer (see {@linkcode answerPlace}) that is
 * labelled with the language; where no block is, the last one without a label. Null if there is none: a completion that
 * was cut off in its program has none either.
 */
export function programOf(completion: string, language: string): string | null {
  const place = answerPlace(completion);
  if (place === null) return null;
  const blocks = codeBlocks(place.text);
  const labels = labelsOf(language);
  const block = blocks.findLast(({ label }) => labels.includes(label)) ??
    blocks.findLast(({ label }) => label === "");
  return block?.code ?? null;
}
