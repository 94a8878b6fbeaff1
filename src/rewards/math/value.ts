/**
 * One value of an answer: a formula with its unit, or words.
 *
 * @module
 */
import { call, type Expression, number as literal } from "./expression.ts";
import { writeFormula } from "./latex.ts";
import { parseFormula } from "./parse.ts";
import { parseDecimal, type Rational } from "./rational.ts";
import { FUNCTIONS } from "./commands.ts";
import { table } from "./table.ts";
import type { Token } from "./tokens.ts";
import { type Group, isCommand, isSign, type Item, split } from "./tree.ts";
import { parseUnit, type Unit } from "./units.ts";

/** A formula or words. */
export interface Value {
  readonly kind: "value";
  /** Null for words, and for what is no formula. */
  readonly formula: Expression | null;
  /** One spelling of the whole, for what can only be compared as text. */
  readonly spelling: string;
  readonly percent: boolean;
  /** The words behind it, in lower case; empty where there are none. */
  readonly words: string;
  /** The unit that these words name; null where they name no known one. */
  readonly unit: Unit | null;
  /** How a lone number was written with a decimal point. */
  readonly decimal: Decimal | null;
  /** A number in another base: its digits. */
  readonly digits: string | null;
}

/** A decimal number as it is written: -12.50 has two places and four digits. */
export interface Decimal {
  readonly value: Rational;
  /** Its last digit counts 10^-places. */
  readonly places: number;
  /** Digits from the first that is not zero. */
  readonly digits: number;
  /** Whether it is written with a power of ten. */
  readonly scientific: boolean;
}
/** Items as one formula, or null. */
export function formulaOf(items: readonly Item[]): Expression | null {
  const latex = writeFormula(items);
  return latex === null ? null : parseFormula(latex);
}

/** Words that make a number another answer: "not 5", "5 or more", "half of 5". */
const DENYING = new RegExp(
  String.raw`\b(?:${
    [
      "not?|never|neither|none|undefined|wrong|incorrect|false",
      "less|more|fewer|greater|least|most|except|than|below|above|under|over|between",
      "twice|double|triple|squared|cubed|plus|minus|divided|multiples? of|roots?|factorial|power",
      "hal(?:f|ves)|thirds?|quarters?|(?:four|fif|six|seven|eigh|nin|ten|hundred|thousand)ths?",
    ].join("|")
  })\b`,
);

/** Words behind a number that multiply it. */
const MULTIPLIERS = table<bigint>({
  dozen: 12n,
  hundred: 100n,
  thousand: 1000n,
  million: 1_000_000n,
  billion: 1_000_000_000n,
  trillion: 1_000_000_000_000n,
});

/** Words before a number that say nothing about it: "about", "Answer:", "the total is". */
const LABEL =
  /^(?:about|approx(?:imately)?|around|roughly|exactly|only|just|(?:a )?total(?: of)?)$|[:=]$|\b(?:is|are|equals)$/;

/** The value of items that are no list, relation or bracket. */
export function valueOf(items: readonly Item[]): Value {
  // A leading zero of the hour changes no time.
  const spelling = spell(items).replace(/^0(?=\d:\d\d)/, "");
  const words = items.flatMap((item) => item.kind === "text" ? [item.text.toLowerCase()] : []);
  if (words.some((text) => DENYING.test(text))) return makeValue({ spelling });
  const start = items.findIndex((item) => item.kind !== "text");
  if (start > 0) {
    if (!words.slice(0, start).every((text) => LABEL.test(text.trim()))) {
      return makeValue({ spelling });
    }
    items = items.slice(start);
  }
  const ratio = ratioOf(items);
  if (ratio !== null) return makeValue({ formula: ratio, spelling });

  const end = unitStart(items);
  const behind = end > 0 ? items.slice(end) : [];
  if (!behind.every(isUnitPart)) return makeValue({ spelling });
  if (behind.length > 0) items = items.slice(0, end);
  if (!items.some(isAngular)) items = withoutDegrees(items);
  const unit = measureOf(behind);
  const based = inBase(items);
  if (based !== null) return makeValue({ ...based, spelling });
  const formula = formulaOf(items);
  if (formula === null) return makeValue({ spelling });
  const { factor, ...measure } = unit;
  return factor === 1n
    ? makeValue({ formula, spelling, ...measure, decimal: decimalOf(items) })
    : makeValue({ formula: call("multiply", formula, literal(factor)), spelling, ...measure });
}

/** What the items behind a number say: per cent, a multiplier such as "million", a unit. */
function measureOf(
  behind: readonly Item[],
): { percent: boolean; words: string; unit: Unit | null; factor: bigint } {
  const words = unitSpelling(behind).trim().toLowerCase();
  if (behind.some((item) => isSign(item, "%"))) {
    return { percent: true, words: words.replace("%", "").trim(), unit: null, factor: 1n };
  }
  const [first, ...rest] = words.split(/\s+/);
  const factor = MULTIPLIERS[first] ?? 1n;
  const named = factor === 1n ? words : rest.join(" ");
  return { percent: false, words: named, unit: parseUnit(named), factor };
}

/** 3:4, which is a number, but no time of day. */
function ratioOf(items: readonly Item[]): Expression | null {
  const parts = split(items, (item) => isSign(item, ":"));
  if (parts.length !== 2 || isTime(spell(items))) return null;
  const [over, under] = parts.map(formulaOf);
  return over === null || under === null ? null : call("divide", over, under);
}

/** 9:24 is a time, since as a ratio it would be 3:8, and so are 5:00 and 5:08; 4:15 is read as a ratio. */
function isTime(spelling: string): boolean {
  const time = /^(\d{1,2}):([0-5]\d)$/.exec(spelling);
  if (time === null) return false;
  if (time[2].startsWith("0")) return true;
  const [hour, minute] = [Number(time[1]), Number(time[2])];
  for (let k = 2; k <= hour; k++) if (hour % k === 0 && minute % k === 0) return true;
  return hour === 0;
}

/** A value of which only this is known. */
export function makeValue(given: Partial<Value> & { readonly spelling: string }): Value {
  return {
    kind: "value",
    formula: null,
    percent: false,
    words: "",
    unit: null,
    decimal: null,
    digits: null,
    ...given,
  };
}

/** Where the words behind a number begin; the length where there are none. */
function unitStart(items: readonly Item[]): number {
  const angular = items.some(isAngular);
  for (let i = 1; i < items.length; i++) {
    const item = items[i];
    if (item.kind === "text" || isSign(item, "%")) return i;
    if (item.kind === "group" && item.open === "(" && isWords(item)) return i;
    if (isFractionOfWords(items, i)) return i;
    if (angular) continue;
    if (isSign(item, "°") && i === items.length - 1) return i;
    const exponent = isSign(item, "^") ? items[i + 1] : undefined;
    if (exponent !== undefined && i + 1 >= items.length - 2 && isDegree(exponent)) {
      const after = items[i + 2];
      if (after === undefined || after.kind === "text" || /^[CFK]$/.test(spell([after]))) return i;
    }
    // `5 m`: one letter behind a space is a unit to a reader, a variable to a parser.
  }
  return items.length;
}

/** Whether degrees matter here: in the sine of 30°, not in the angle 30°. */
const isAngular = (item: Item): boolean =>
  item.kind === "group"
    ? item.items.some(isAngular)
    : item.kind === "command" && FUNCTIONS.has(item.text.slice(1)) && !/sqrt|arc/.test(item.text);

function withoutDegrees(items: readonly Item[]): readonly Item[] {
  if (!items.some((item) => item.kind === "group" || isDegree(item))) return items;
  const kept: Item[] = [];
  for (let i = 0; i < items.length; i++) {
    const item = items[i];
    if (isSign(item, "°")) continue;
    if (isSign(item, "^") && i + 1 < items.length && isDegree(items[i + 1])) {
      i++;
    } else {kept.push(
        item.kind === "group" ? { ...item, items: withoutDegrees(item.items) } : item,
      );}
  }
  return kept;
}

const isWords = ({ items }: Group) =>
  items.length > 0 && items.every((item) => item.kind === "text");

function isDegree(item: Item): boolean {
  if (item.kind === "group") {
    return item.open === "{" && item.items.length === 1 && isDegree(item.items[0]);
  }
  return item.text === "\\circ" || item.text === "°";
}

/** What a unit may consist of: in `20% + 1` there is more behind the sign than that. */
function isUnitPart(item: Item, i: number, behind: readonly Item[]): boolean {
  const isExponent = i > 0 && isSign(behind[i - 1], "^");
  switch (item.kind) {
    case "text":
      return true;
    case "sign":
      return "%°^/.'".includes(item.text);
    case "command":
      return item.text === "\\frac"
        ? isFractionOfWords(behind, i)
        : item.text === "\\cdot" || item.text === "\\circ";
    case "letter":
      return /^[CFK]$/.test(item.text);
    case "number":
      return isExponent;
    case "group":
      return isExponent
        ? item.open === "{" && /^\{-?\d\}$|circ|°/.test(spell([item]))
        : item.items.every(isUnitPart);
    default:
      return false;
  }
}

/** `\frac{\text{m}}{\text{s}}`. */
function isFractionOfWords(items: readonly Item[], i: number): boolean {
  const [over, under] = [items[i + 1], items[i + 2]];
  return isCommand(items[i], "\\frac") && over?.kind === "group" && under?.kind === "group" &&
    over.items.length > 0 && over.items.every((item) => item.kind === "text") &&
    under.items.some((item) => item.kind === "text");
}

/** A unit's spelling: `m/s^2`. */
function unitSpelling(items: readonly Item[]): string {
  let out = "";
  let fraction = 0;
  for (const item of items) {
    if (isCommand(item, "\\frac")) fraction = 2;
    else if (item.kind === "group") {
      out += fraction === 1 ? `/${unitSpelling(item.items)}` : unitSpelling(item.items);
      if (fraction > 0) fraction--;
    } else if (item.text === "\\circ") out = out.replace(/\^$/, " °");
    else if (item.kind === "text") out += ` ${item.text}`;
    else if (isCommand(item, "\\cdot")) out += " ";
    else out += item.text;
  }
  return out;
}

/** 101_2: a number in another base, as its value. */
function inBase(
  items: readonly Item[],
): { readonly formula: Expression; readonly digits: string } | null {
  if (items.length < 3) return null;
  const under = items.at(-2)!;
  if (!isSign(under, "_")) return null;
  let base: Item = items.at(-1)!;
  while (base.kind === "group" && base.items.length === 1) base = base.items[0];
  if (base.kind !== "number" || !/^\d{1,2}$/.test(base.text)) return null;
  let before = items.slice(0, -2);
  while (before.length === 1 && before[0].kind === "group") {
    before = [...before[0].items];
  }
  const negative = before.length > 1 && isSign(before[0], "-");
  if (negative) before = before.slice(1);
  if (!before.every((item) => item.kind === "number" || item.kind === "letter")) return null;
  const digits = before.map((item) => (item as Token).text).join("");
  const radix = Number(base.text);
  if (radix < 2 || radix > 16 || digits.length > 300) return null;
  // A letter may be a digit beside others, but x_2 is a name.
  if (!/^\d[0-9a-zA-Z]*(?:\.[0-9a-zA-Z]+)?$|^[A-Z][0-9A-Z]*\d[0-9A-Z]*$/.test(digits)) return null;
  let total = 0n;
  for (const digit of digits.replace(".", "")) {
    const n = parseInt(digit, 36);
    if (!(n < radix)) return null;
    total = total * BigInt(radix) + BigInt(n);
  }
  const places = digits.includes(".") ? digits.length - digits.indexOf(".") - 1 : 0;
  return {
    formula: call(
      "divide",
      literal(negative ? -total : total),
      literal(BigInt(radix) ** BigInt(places)),
    ),
    digits: (negative ? "-" : "") + digits.toLowerCase(),
  };
}

function decimalOf(items: readonly Item[]): Decimal | null {
  let rest = items;
  const negative = isSign(rest[0], "-");
  if (negative || isSign(rest[0], "+")) rest = rest.slice(1);
  const [mantissa, times, ten, power, exponent] = rest;
  if (mantissa?.kind !== "number" || mantissa.text.includes("(")) return null;
  let [digits, shift = "0"] = mantissa.text.toLowerCase().split("e");
  let scientific = mantissa.text.toLowerCase().includes("e");
  if (rest.length > 1) {
    if (rest.length !== 5 || scientific) return null;
    if (!isCommand(times, "\\cdot") || ten.kind !== "number" || ten.text !== "10") return null;
    if (!isSign(power, "^")) return null;
    shift = spell([exponent]).replace(/[{}()]/g, "");
    if (!/^[+-]?\d{1,3}$/.test(shift)) return null;
    scientific = true;
  }
  if (!digits.includes(".") && !scientific) return null;
  const value = parseDecimal(`${digits}e${shift}`);
  if (value === null) return null;
  const [, fraction = ""] = digits.split(".");
  digits = digits.replace(".", "").replace(/^0+/, "");
  return {
    value: negative ? { n: -value.n, d: value.d } : value,
    places: fraction.length - Number(shift),
    digits: digits.length,
    scientific,
  };
}

/** One spelling of items that are compared as text. */
export function spell(items: readonly Item[]): string {
  const parts: string[] = [];
  for (const item of items) {
    if (item.kind === "group") {
      parts.push(item.open, spell(item.items), item.close);
    } else if (item.kind === "text") {
      const text = item.text.toLowerCase().replace(/[^a-z0-9\u0080-\uffff]+/g, " ").trim();
      parts.push(parts.length > 0 && /[a-z]$/.test(parts.at(-1)!) ? ` ${text}` : text);
    } else if (item.kind === "number" && /\d$/.test(parts.at(-1) ?? "")) {
      parts.push(` ${item.text}`);
    } else parts.push(item.text);
  }
  return parts.join("");
}
