/** Whether a hint gives the answer away. */

import type { Problem } from "../data/types.ts";
import {
  type NumberMention,
  numberMentions,
  plainMath,
  type Rational,
  rational,
  sameNumber,
} from "./numbers.ts";

/** Answers that are ordinary words or too short to be looked for: they leak only where a hint declares them. */
const ordinary = /^(?:yes|no|true|false|none|one|zero|.{0,2})$/i;

/** The number at the head of a list item, a step or a hint is none of the problem's. */
const listMarker =
  /^[ \t]*(?:[#>*_ \t-]*)(?:(?:step|hint|tip|part)[ \t]+\d{1,2}\b[ \t]*[.):]?|\(?\d{1,2}[.):](?!\d))[*_]*/gim;

function anyOf(...parts: readonly string[]): RegExp {
  return new RegExp(parts.map((part) => `(?:${part})`).join("|"), "gi");
}

/** What declares an answer: what stands right after it is one. */
const declaration = anyOf(
  String.raw`\bboxed\s*`,
  String.raw`<answer>\s*`,
  String.raw`####\s*`,
  String
    .raw`\b(?:answer|result|solution)s?\b[^.;!?\n]{0,40}?(?:\b(?:is|are|equals?|be|becomes)\b|[:=])\s*`,
  String.raw`\b(?:option|choice|answer)\s+`,
);
/** What declares a number; before words it means nothing. */
const numberDeclaration = anyOf(
  declaration.source,
  String.raw`\b(?:it|this|that) (?:is|equals|makes|gives)\s+`,
  String.raw`\byou (?:(?:should|will|must) )?(?:get|obtain|find|have|end up with|are left with)\s+`,
);
const filler = /^(?:[\s(["'*_:=]|\b(?:simply|just|exactly|equal to|option|choice|the)\b)*/i;

/** A number and perhaps its unit, set apart from it; `3 pi` and `2 sqrt(5)` are formulas. */
const quantity =
  /^(-?(?:\d+ +)?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.?\d+)?(?:\s*\/\s*\d+)?(?<=\d))\s*(?:%|\s(?!sqrt\b|pi\b)[a-z]+(?:[ ./^*-]+[a-z\d]+)*)?$/i;

/** Without what writers of the same formula may do differently. */
function key(plain: string): string {
  return plain.toLowerCase().replaceAll(/[\s*()[\]$\\]/g, "");
}

/** A part of an answer, as it is looked for. */
interface Wanted {
  /** As it was given. */
  readonly text: string;
  /** Its number, and for a percentage the share too; empty where it is none. */
  readonly values: readonly Rational[];
  /** Its {@linkcode plainMath} form in lower case. */
  readonly plain: string;
  /** Its {@linkcode key}. */
  readonly key: string;
}

function wanted(answer: string): Wanted {
  const plain = plainMath(answer).trim().replace(/\.$/, "")
    .replace(/^[a-z]\w*(?:\([a-z]\))?\s*=\s*/i, "").trim();
  const bare = plain.replaceAll(/[⟦⟧]/g, " ").trim();
  const [, number = bare] = quantity.exec(bare) ?? [];
  const source = number.replaceAll(/\s/g, "");
  // The whole must be one number or one computation: `2 1/2`, `-3/4`, `2^10`.
  const value = numberMentions(number).findLast((mention) =>
    mention.source.replaceAll(/\s/g, "") === source
  )?.value;
  const values = value === undefined ? [] : [value];
  if (value !== undefined && /%/.test(plain)) {
    values.push(rational(value.numerator, value.denominator * 100n)!);
  }
  return { text: answer.trim(), values, plain: plain.toLowerCase(), key: key(plain) };
}

/** The parts of an answer that is a list, a tuple or a set; one part for any other. */
function listParts(answer: string): string[] {
  const inner = answer.trim().replace(/^\\?[([{]|\\?[)\]}]$/g, "");
  if (/^-?\d{1,3}(?:,\d{3})+(?:\.\d+)?$/.test(inner)) return [answer];
  const parts: string[] = [];
  let depth = 0, start = 0;
  for (let i = 0; i < inner.length; i++) {
    if ("([{".includes(inner[i])) depth++;
    if (")]}".includes(inner[i])) depth--;
    if (depth === 0 && (inner[i] === "," || inner[i] === ";")) {
      parts.push(inner.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(inner.slice(start));
  return parts.flatMap((part) => part.split(/\s+(?:and|or)\s+|\\text\s*\{\s*(?:and|or)\s*\}/))
    .map((part) => part.trim()).filter((part) => part !== "");
}

/** Whether a mention is this number, written exactly or rounded to two decimals or more. */
function isValue(mention: NumberMention, value: Rational): boolean {
  if (sameNumber(mention.value, value)) return true;
  const { decimals } = mention;
  if (mention.computed || decimals < 2) return false;
  const scale = 10n ** BigInt(decimals);
  if ((value.numerator * scale) % value.denominator === 0n) return false;
  const [a, b] = [mention.value, value];
  const difference = a.numerator * b.denominator - b.numerator * a.denominator;
  const apart = difference < 0n ? -difference : difference;
  return apart * scale < a.denominator * b.denominator;
}

/** `blue`, `June Bug`, `well-known`, but not `p - q`. */
function isWords(plain: string): boolean {
  return /^\p{L}{2,}(?:[\s'-]\p{L}{2,})*$/u.test(plain);
}

/** A text in the forms in which it is searched. */
class Searched {
  readonly plain: string;
  readonly key: string;
  readonly mentions: readonly NumberMention[];

  constructor(text: string) {
    this.plain = plainMath(text);
    this.key = key(this.plain);
    this.mentions = numberMentions(this.plain);
  }

  /** Whether a text answer stands here: words between word boundaries, formulas anywhere. */
  has(answer: Wanted): boolean {
    if (isWords(answer.plain)) {
      const words = answer.plain.split(/\s+/).join("\\s+");
      return new RegExp(`(?<![\\p{L}\\p{N}])${words}(?![\\p{L}\\p{N}])`, "iu").test(this.plain);
    }
    for (
      let at = this.key.indexOf(answer.key);
      at >= 0;
      at = this.key.indexOf(answer.key, at + 1)
    ) {
      // 2x+1 is neither in 12x+1 nor in 2x+10.
      const joins = (a = "", b = "") => /[\d.]/.test(a) && /\d/.test(b);
      const before = joins(this.key[at - 1], answer.key[0]);
      const end = at + answer.key.length;
      const after = /\d/.test(answer.key.at(-1)!) && /^\.?\d/.test(this.key.slice(end, end + 2));
      if (!before && !after) return true;
    }
    return false;
  }
}

/** Where a hint mentions a part of the answer that the problem does not; null if nowhere. */
function mentioned(part: Wanted, hint: Searched, prompt: Searched): string | null {
  if (part.values.length > 0) {
    const found = hint.mentions.find((mention) =>
      part.values.some((value) => isValue(mention, value)) &&
      !prompt.mentions.some((known) =>
        known.computed === mention.computed &&
        (known.computed ? known.source === mention.source : sameNumber(known.value, mention.value))
      )
    );
    return found?.source ?? null;
  }
  if (part.key === "" || ordinary.test(part.key)) return null;
  return hint.has(part) && !prompt.has(part) ? part.text : null;
}

/** What a hint declares to be the answer, if it is the answer. */
function declared(part: Wanted, hint: Searched): string | null {
  const pattern = part.values.length > 0 ? numberDeclaration : declaration;
  for (const match of hint.plain.matchAll(pattern)) {
    const rest = hint.plain.slice(match.index + match[0].length).slice(0, 200);
    const said = rest.slice(filler.exec(rest)?.[0].length ?? 0);
    if (part.values.length > 0) {
      const first = numberMentions(said).find(({ source }) =>
        source.startsWith("-") === said.startsWith("-")
      );
      const starts = /^-?\s*(?:⟦|\d|\.\d|(?:one|zero)\b)/i.test(said);
      const word = /^(one|zero)\b(?!\s+of\b)/i.exec(said)?.[1].toLowerCase();
      const spoken = word === undefined ? null : rational(word === "one" ? 1n : 0n);
      if (spoken !== null && part.values.some((value) => sameNumber(value, spoken))) return word!;
      // The first number, or an expression that begins with it.
      if (starts && first !== undefined && part.values.some((value) => isValue(first, value))) {
        return first.source;
      }
    } else if (part.key !== "" && key(said).startsWith(part.key)) {
      // "blueish" does not declare "blue".
      const goes = /^\p{L}+$/u.test(part.plain) && /\p{L}/u.test(said.charAt(part.plain.length));
      if (!goes) return part.text;
    }
  }
  return null;
}

/** Lines of an answer of several lines, such as a program, that are long enough to be recognised. */
function longLines(text: string): string[] {
  return text.split("\n").map((line) => line.replaceAll(/\s+/g, "")).filter((line) =>
    line.length >= 12
  );
}

/**
 * Why a hint gives the answer of its problem away, in words for whoever writes the next one; null if it does not.
 *
 * A hint leaks if it
 * - writes the answer's number in any form: `72`, `72.0`, `$72`, `1,024`, `\frac{1}{2}`, `0.5`, `50%`, `half`,
 *   `seventy-two`, or rounded to two decimals or more;
 * - writes arithmetic that comes to it: `8 * 9`, `48/2 + 48`, `eight times nine`;
 * - writes an answer that is no number (`2x + 1`, `blue`, a line of a program), whatever its spacing and LaTeX;
 * - writes every part of an answer that is a list;
 * - declares it: `\boxed{…}`, `<answer>…`, `the answer is …`, of a number also `it is …`, `you get …`.
 *
 * A number or an expression that stands in the problem itself is no leak unless it is declared. The numbers of a list
 * (`2.`, `Step 3:`), exponents, subscripts and coefficients of a variable do not count, `one` and `zero` as words, `yes`
 * and `no`, and answers of one or two characters only where they are declared.
 *
 * It cannot see an answer that is described (`one less than 73`), spelled digit by digit or in another language's words,
 * nor a formula that is equal to the answer's and written differently.
 */
export function leakOf(hint: string, problem: Pick<Problem, "prompt" | "answer">): string | null {
  const { answer, prompt } = problem;
  if (answer.trim().includes("\n")) {
    const [said, asked] = [hint, prompt].map((text) => text.replaceAll(/\s+/g, ""));
    const line = longLines(answer).find((line) => said.includes(line) && !asked.includes(line));
    return line === undefined ? null : `it contains a line of the solution: ${line}`;
  }
  const searchedHint = new Searched(hint.replaceAll(listMarker, " "));
  const searchedPrompt = new Searched(prompt);
  const whole = wanted(answer);
  const said = declared(whole, searchedHint);
  if (said !== null) return `it declares the answer: '${said}'`;
  const found = mentioned(whole, searchedHint, searchedPrompt);
  if (found !== null) return `it contains the answer: '${found}'`;

  const parts = listParts(answer).map(wanted);
  if (parts.length < 2) return null;
  const leaks = parts.map((part) => mentioned(part, searchedHint, searchedPrompt));
  // A part that the problem names is no secret; the others must not all be told.
  const secret = parts.flatMap((part, i) =>
    leaks[i] !== null || !isKnown(part, searchedPrompt) ? [leaks[i]] : []
  );
  return secret.length > 0 && secret.every((leak) => leak !== null)
    ? `it contains every part of the answer: ${secret.map((leak) => `'${leak}'`).join(", ")}`
    : null;
}

function isKnown(part: Wanted, prompt: Searched): boolean {
  return part.values.length > 0
    ? prompt.mentions.some((known) => part.values.some((value) => sameNumber(known.value, value)))
    : prompt.has(part);
}
