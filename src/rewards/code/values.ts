/**
 * Values that travel between a sandbox and us as JSON, and their equality. Nothing of them is ever run.
 *
 * None, booleans, strings and lists are themselves, as are integers that a double holds. Everything else is an object
 * with one tag:
 *
 * | tag | what |
 * |---|---|
 * | `i` | another integer, in hexadecimal |
 * | `f` | a float as Python writes it |
 * | `t`, `s`, `z`, `d` | tuple, set, frozenset; dict as a list of pairs |
 * | `b`, `a` | bytes, bytearray, in hexadecimal |
 * | `c`, `q`, `m` | complex, Fraction: two texts; Decimal: a text |
 * | `y` | a built-in type by its name |
 * | `g` | what an iterator gives |
 * | `o` | anything else: only its type's name; equal to nothing |
 */

import { isRecord } from "../../std/record.ts";
import { isClose, type Tolerance } from "./outputs.ts";

/** Deeper values are equal to nothing. */
const MAX_DEPTH = 120;

/** The number that a value is in Python, where a boolean is one; null if it is none, or a complex one. */
function numberOf(value: unknown): number | bigint | null {
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "number") return value;
  if (!isRecord(value)) return null;
  if (typeof value.i === "string") {
    const parts = /^(-?)(0x[0-9a-f]+)$/.exec(value.i);
    if (parts === null) return null;
    return parts[1] === "" ? BigInt(parts[2]) : -BigInt(parts[2]);
  }
  if (typeof value.f !== "string") return null;
  return Number(value.f.replace("inf", "Infinity"));
}

/** Exact equality of numbers of any kind. */
function sameNumber(a: number | bigint, b: number | bigint): boolean {
  if (typeof a === typeof b) return a === b;
  const [float, integer] = typeof a === "number" ? [a, b as bigint] : [b as number, a];
  return Number.isInteger(float) && BigInt(float) === integer;
}

/** The items under a tag that holds a list; null without it. */
function itemsOf(value: unknown, ...tags: readonly string[]): readonly unknown[] | null {
  if (!isRecord(value)) return null;
  for (const tag of tags) if (Array.isArray(value[tag])) return value[tag];
  return null;
}

/** The pairs of a dict; null if it is none. */
function pairsOf(value: unknown): readonly (readonly [unknown, unknown])[] | null {
  const pairs = itemsOf(value, "d");
  const sound = pairs?.every((pair) => Array.isArray(pair) && pair.length === 2);
  return sound ? pairs as [unknown, unknown][] : null;
}

/** A text that is the same for hashable values that are equal; null where that is not known. */
function keyOf(value: unknown, depth = 0): string | null {
  if (depth > MAX_DEPTH) return null;
  const number = numberOf(value);
  if (number !== null) {
    const whole = typeof number === "bigint" || Number.isInteger(number);
    return `n${whole ? BigInt(number).toString(16) : number}`;
  }
  if (value === null) return "none";
  if (typeof value === "string") return `s${JSON.stringify(value)}`;
  const tuple = itemsOf(value, "t");
  if (tuple === null) return null;
  const keys = tuple.map((item) => keyOf(item, depth + 1));
  return keys.includes(null) ? null : `t[${keys.join()}]`;
}

/** What no comparison of data can tell: equal by code of a class, or values that are rare. */
type Known = boolean | null;

function every(results: Iterable<Known>): Known {
  let all: Known = true;
  for (const result of results) {
    if (result === false) return false;
    if (result === null) all = null;
  }
  return all;
}

/** Whether two values are equal in Python; null where that takes Python to say. */
export function pythonEqual(a: unknown, b: unknown, depth = 0): boolean | null {
  if (depth > MAX_DEPTH) return null;
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== null && y !== null) return sameNumber(x, y);
  for (const value of [a, b]) {
    if (isRecord(value) && ["o", "g"].some((tag) => Object.hasOwn(value, tag))) return false;
    // Complex numbers, fractions, decimals and bytes equal values of other kinds.
    if (
      isRecord(value) && ["c", "q", "m", "b", "a", "y"].some((tag) => Object.hasOwn(value, tag))
    ) {
      return null;
    }
  }
  if (x !== null || y !== null) return false;
  if (a === null || b === null || typeof a === "string" || typeof b === "string") return a === b;

  for (
    const lists of [
      [a, b].map((v) => Array.isArray(v) ? v : null),
      [a, b].map((v) => itemsOf(v, "t")),
    ]
  ) {
    const [left, right] = lists;
    if (left === null && right === null) continue;
    if (left === null || right === null || left.length !== right.length) return false;
    return every(left.map((item, i) => pythonEqual(item, right[i], depth + 1)));
  }
  // Who forges values may repeat a member or a key: each counts once.
  const sets = [a, b].map((value) => itemsOf(value, "s", "z"));
  if (sets[0] !== null && sets[1] !== null) {
    const [left, right] = sets.map((items) => new Set(items!.map((item) => keyOf(item))));
    if (left.has(null) || right.has(null)) return null;
    return left.size === right.size && left.isSubsetOf(right);
  }
  const dicts = [a, b].map((value) => pairsOf(value));
  if (dicts[0] !== null && dicts[1] !== null) {
    const [left, right] = dicts.map((pairs) =>
      new Map(pairs!.map(([key, value]) => [keyOf(key), value]))
    );
    if (left.has(null) || right.has(null)) return null;
    if (left.size !== right.size) return false;
    return every(
      [...left].map(([key, value]) =>
        right.has(key) && pythonEqual(value, right.get(key), depth + 1)
      ),
    );
  }
  return sets[0] !== null || sets[1] !== null || dicts[0] !== null || dicts[1] !== null
    ? false
    : null;
}

/** Whether a value is true in a condition; null where that takes its class to say. */
export function pythonTruth(value: unknown): boolean | null {
  const number = numberOf(value);
  if (number !== null) return number != 0; // also of a bigint
  if (value === null) return false;
  if (typeof value === "string" || Array.isArray(value)) return value.length > 0;
  const items = itemsOf(value, "t", "s", "z", "d");
  return items === null ? null : items.length > 0;
}

/** What Python's `json` makes of a dict's key; null for one that it refuses. */
function jsonKey(key: unknown): string | null {
  if (typeof key === "string") return key;
  if (key === null || typeof key === "boolean") return String(key);
  const number = numberOf(key);
  if (number === null) return null;
  return isRecord(key) && typeof key.f === "string" ? key.f : String(number);
}

/**
 * Whether a returned value is what a data set expects in JSON. As in Python 1 is 1.0 and True; a tuple is a list, and a
 * dict's keys are texts, since JSON has nothing else. What JSON cannot hold equals nothing.
 *
 * An expected integer beyond 2⁵³ is only known as the double next to it, so every integer that rounds to it equals it.
 */
export function sameJson(
  expected: unknown,
  actual: unknown,
  tolerance?: Tolerance,
  depth = 0,
): boolean {
  if (depth > MAX_DEPTH) return false;
  const number = numberOf(actual);
  if (typeof expected === "number" || typeof expected === "boolean") {
    if (number === null) return false;
    const wanted = Number(expected);
    if (sameNumber(number, wanted)) return true;
    if (Number.isInteger(wanted) && !Number.isSafeInteger(wanted)) return Number(number) === wanted;
    return tolerance !== undefined && isClose(wanted, Number(number), tolerance);
  }
  if (expected === null || typeof expected === "string") return expected === actual;
  if (Array.isArray(expected)) {
    const items = Array.isArray(actual) ? actual : itemsOf(actual, "t");
    return items !== null && items.length === expected.length &&
      expected.every((item, i) => sameJson(item, items[i], tolerance, depth + 1));
  }
  if (!isRecord(expected)) return false;
  const pairs = pairsOf(actual);
  if (pairs === null) return false;
  const found = new Map(pairs.map(([key, value]) => [jsonKey(key), value]));
  if (found.size !== Object.keys(expected).length) return false;
  return Object.entries(expected).every(([key, value]) =>
    found.has(key) && sameJson(value, found.get(key), tolerance, depth + 1)
  );
}

/** A value as plain JSON, for a checker; undefined for what JSON cannot hold. */
export function toJson(value: unknown, depth = 0): unknown {
  if (depth > MAX_DEPTH) return undefined;
  if (value === null || typeof value === "string") return value;
  if (typeof value === "boolean") return value;
  const number = numberOf(value);
  if (number !== null) return Number(number);
  const items = Array.isArray(value) ? value : itemsOf(value, "t", "s", "z");
  if (items !== null) {
    const list = items.map((item) => toJson(item, depth + 1));
    return list.includes(undefined) ? undefined : list;
  }
  const pairs = pairsOf(value);
  if (pairs === null) return undefined;
  const entries = pairs.map(([key, item]) => [jsonKey(key), toJson(item, depth + 1)] as const);
  return entries.some(([key, item]) => key === null || item === undefined)
    ? undefined
    : Object.fromEntries(entries as [string, unknown][]);
}
