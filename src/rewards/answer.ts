/**
 * Final answers: where they stand in a text, and one spelling of each, which is cheap to make.
 *
 * Equal spellings mean the same; numbers (integers, decimals, fractions, scientific notation) become exact
 * reduced fractions. Different spellings may mean the same all the same: there is no algebra here, that is
 * math/verify.ts.
 *
 * @module
 */

/** Longer answers are not compared: no final answer of a data set comes near it. */
const MAX_LENGTH = 2000;
/** Digits and powers of ten beyond this are text, so that no number grows without bound. */
const MAX_DIGITS = 400;
/** Nested tuples beyond this are compared as they stand. */
const MAX_DEPTH = 4;
/** A text with more words than this is a proof or a sentence, which no comparison of text can grade. */
const MAX_WORDS = 12;

/** The index after the closing brace of each opening one that has one. */
function closingBraces(text: string): Map<number, number> {
  const closed = new Map<number, number>();
  const open: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === "\\") i++; // an escaped brace opens and closes nothing
    else if (character === "{") open.push(i);
    else if (character === "}" && open.length > 0) closed.set(open.pop()!, i + 1);
  }
  return closed;
}

/** One `\boxed{…}` of a text. */
export interface Boxed {
  /** What stands in the box, without white space around it. */
  readonly content: string;
  /** Index of the backslash. */
  readonly start: number;
  /** Index after the box. */
  readonly end: number;
}

/** Every `\boxed{…}` and `\fbox{…}` with balanced braces, in order; `\boxed 5` too. */
export function boxedAnswers(text: string): Boxed[] {
  const found: Boxed[] = [];
  let closed: Map<number, number> | null = null; // most texts have no box
  for (const match of text.matchAll(/\\(?:boxed|fbox)\s*(?=[{\w-])/g)) {
    const start = match.index;
    const open = start + match[0].length;
    if (text[open] !== "{") {
      const token = /^(?:-?\d[\d.,]*|\w)/.exec(text.slice(open, open + 40));
      // Without braces and without white space `\boxedx` is another command.
      if (token !== null && /\s$/.test(match[0])) {
        const content = token[0].replace(/[.,]+$/, "");
        found.push({ content, start, end: open + content.length });
      }
      continue;
    }
    if (found.length > 0 && open < found[found.length - 1].end) continue; // a box inside a box
    const end = (closed ??= closingBraces(text)).get(open);
    if (end !== undefined) {
      found.push({ content: text.slice(open + 1, end - 1).trim(), start, end });
    }
  }
  return found;
}

/** The last box of a text, or null. */
export function lastBoxed(text: string): Boxed | null {
  return boxedAnswers(text).at(-1) ?? null;
}

/** The answer after GSM8K's `####`, or null unless the text's last line has it. */
export function hashAnswer(text: string): string | null {
  const at = text.lastIndexOf("####");
  if (at < 0) return null;
  const answer = text.slice(at + 4).trim();
  return answer === "" || answer.includes("\n") ? null : answer;
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a < 0n ? -a : a;
}

function fraction(numerator: bigint, denominator: bigint): string | null {
  if (denominator === 0n) return null;
  if (denominator < 0n) [numerator, denominator] = [-numerator, -denominator];
  const divisor = greatestCommonDivisor(numerator, denominator);
  const [n, d] = [numerator / divisor, denominator / divisor];
  return d === 1n ? `${n}` : `${n}/${d}`;
}

const DECIMAL = String.raw`[+-]?(?:\d+(?:\.\d*)?|\.\d+)`;
const GROUPED = /^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?$/;

/** A decimal number as numerator and denominator, or null. */
function decimal(text: string): [bigint, bigint] | null {
  const plain = GROUPED.test(text) ? text.replaceAll(",", "") : text;
  if (plain.length > MAX_DIGITS || !new RegExp(`^${DECIMAL}$`).test(plain)) return null;
  const [whole, places = ""] = plain.replace(/^\+/, "").split(".");
  const digits = whole.replace("-", "") + places;
  const value = BigInt(digits === "" ? "0" : digits);
  return [whole.startsWith("-") ? -value : value, 10n ** BigInt(places.length)];
}

/** The reduced fraction of a number's text, or null if it is no number. */
function number(text: string): string | null {
  const plain = decimal(text);
  if (plain !== null) return fraction(...plain);

  const scientific =
    /^(.+?)(?:\\times10|\\cdot10|\*10|×10)\^\{?([+-]?\d{1,3})\}?$|^(.+?)[eE]([+-]?\d{1,3})$/
      .exec(text);
  if (scientific !== null) {
    const mantissa = decimal(scientific[1] ?? scientific[3]);
    const exponent = Number(scientific[2] ?? scientific[4]);
    if (mantissa === null || Math.abs(exponent) > MAX_DIGITS) return null;
    const power = 10n ** BigInt(Math.abs(exponent));
    return exponent < 0
      ? fraction(mantissa[0], mantissa[1] * power)
      : fraction(mantissa[0] * power, mantissa[1]);
  }

  const ratio = /^([+-]?)(\d*)\\frac\{([^{}]+)\}\{([^{}]+)\}$/.exec(text) ??
    /^([+-]?)()([\d.,]+)\/([\d.,]+)$/.exec(text);
  if (ratio === null) return null;
  const [, sign, whole, over, under] = ratio;
  const numerator = decimal(over);
  const denominator = decimal(under);
  if (numerator === null || denominator === null) return null;
  // 1\frac{1}{2} is one and a half.
  let n = numerator[0] * denominator[1];
  const d = numerator[1] * denominator[0];
  if (whole !== "") {
    if (whole.length > MAX_DIGITS) return null;
    n += BigInt(whole) * d;
  }
  return fraction(sign === "-" ? -n : n, d);
}

/** Takes away what LaTeX, currency and typography add without a meaning of their own. */
function plainSpelling(text: string): string {
  return text
    .replace(/[−–]/g, "-")
    .replace(/\\[$%#&]/g, (escaped) => escaped === "\\%" ? "%" : "")
    .replace(/\\[()[\]]|\$/g, "")
    .replace(/\\(?:left|right|displaystyle|limits|bigl?|bigr?|Bigl?|Bigr?)(?![a-zA-Z])/g, "")
    .replace(/\{,\}/g, ",")
    .replace(/\\[!,;: ]|\\q?quad(?![a-zA-Z])|~/g, (space) => space === "\\," ? "" : " ")
    .replace(/\\[dtc]frac(?![a-zA-Z])/g, "\\frac")
    .replace(/\\frac\s*(\d)\s*(\d)/g, "\\frac{$1}{$2}")
    .replace(/\\frac\s*(\d)\s*\{/g, "\\frac{$1}{")
    .replace(/\^\s*\{?\s*\\(?:circ|degree)(?![a-zA-Z])\s*\}?|°|\\degree(?![a-zA-Z])|%/g, "")
    .replace(/\\(?:le|ge|ne)q(?![a-zA-Z])/g, (relation) => relation.slice(0, -1))
    .trim();
}

const TEXT_COMMAND =
  /\\(?:text(?:bf|rm|it|normal)?|mathrm|mathbf|mbox|operatorname)\s*\{([^{}]*)\}/g;
const UNIT_COMMAND =
  /^(.*\S)\s*\\(?:text(?:rm|normal)?|mathrm|mbox)\s*\{[^{}]*\}(?:\s*\^\s*\{?\s*-?\d\s*\}?)?$/s;
const UNIT_WORDS =
  /^([-+\d.,/\\frac{}]+)\s+(?!(?:pi|sqrt|sin|cos|tan|log|ln|or|and|to|mod)\b)[a-zA-Z]{2,}(?:[\s/][a-zA-Z]+)*(?:\^\d)?\.?$/;
/** `x=5` and `f(x)=5` say 5. */
const ASSIGNED = /^\\?[a-zA-Z](?:_\{?\w\}?)?(?:\([a-z]\))?\s*=([^=]+)$/;

/** Splits at the commas that stand in no bracket. */
function pieces(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if ("([{".includes(text[i])) depth++;
    else if (")]}".includes(text[i])) depth--;
    else if (text[i] === "," && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  return [...parts, text.slice(start)];
}

function canonical(text: string, depth: number): string {
  let plain = plainSpelling(text).replace(/[.,;]+$/, "").trim();
  const assigned = ASSIGNED.exec(plain);
  if (assigned !== null) plain = assigned[1].trim();

  for (const pattern of [UNIT_COMMAND, UNIT_WORDS]) {
    const unit = pattern.exec(plain);
    if (unit !== null && number(unit[1].replace(/\s+/g, "")) !== null) plain = unit[1];
  }
  plain = plain.replace(TEXT_COMMAND, "$1").trim();

  const letter = /^\(?([A-Z])\)?[.:)]?$/.exec(plain);
  if (letter !== null) return letter[1];
  if (/^[a-zA-Z][a-zA-Z' -]+$/.test(plain)) return plain.toLowerCase().replace(/\s+/g, " ");

  // Digits never grow together: "3 4" is not 34.
  const tight = plain.replace(/(\d)\s+(?=\d)/g, "$1\u0000").replace(/\s+/g, "")
    .replaceAll("\u0000", " ");
  const value = number(tight);
  if (value !== null) return value;

  if (depth < MAX_DEPTH) {
    const tuple = /^([([])(.+)([)\]])$/s.exec(tight);
    if (tuple !== null && closesAtEnd(tight)) {
      const inner = pieces(tuple[2]);
      if (inner.length > 1) {
        return tuple[1] + inner.map((part) => canonical(part, depth + 1)).join(",") + tuple[3];
      }
    }
    const list = pieces(tight);
    if (list.length > 1) return list.map((part) => canonical(part, depth + 1)).join(",");
  }
  return tight
    .replace(/([\^_]|\\sqrt)\{(\w)\}/g, "$1$2")
    .replace(/\\(?:cdot|times)(?![a-zA-Z])/g, "*");
}

/** Whether the bracket at the start is closed by the one at the end. */
function closesAtEnd(text: string): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if ("([".includes(text[i])) depth++;
    else if (")]".includes(text[i]) && --depth === 0) return i === text.length - 1;
  }
  return false;
}

/**
 * The one spelling of an answer, or null if it cannot be compared: it is empty, over 2,000
 * characters, has unbalanced braces, or is prose.
 *
 * ```ts
 * canonicalAnswer("$\\dfrac{10}{4}$ cm"); // "5/2"
 * canonicalAnswer("1,080.00"); // "1080"
 * ```
 */
export function canonicalAnswer(text: string): string | null {
  if (text.length > MAX_LENGTH || !balanced(text)) return null;
  const words = text.replace(/\\[a-zA-Z]+/g, " ").match(/[a-zA-Z]{2,}/g)?.length ?? 0;
  if (words > MAX_WORDS) return null;
  const spelling = canonical(text, 0);
  return spelling === "" ? null : spelling;
}

function balanced(text: string): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === "{") depth++;
    else if (text[i] === "}" && --depth < 0) return false;
  }
  return depth === 0;
}
