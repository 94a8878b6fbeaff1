/**
 * The values of a chat template, and what Python makes of them: truth, equality, text, JSON.
 *
 * A template's `None` is null, an undefined name undefined, a list an array, a dictionary a Map and
 * an integer a number; what JavaScript has no word for is a class here.
 */

/** A Python float, which prints a point where an integer does not. */
export class Float {
  constructor(readonly value: number) {}
}

/** A Python tuple. */
export class Tuple extends Array<Value> {}

/** The keys, values or items of a dictionary: read like a list, but printed otherwise. */
export class View extends Array<Value> {}

/** What filters such as `map` give: always true, and empty once it has been read. */
export class Lazy {
  #items: Value[];

  constructor(items: Iterable<Value>) {
    this.#items = [...items];
  }

  /** All that is left. */
  take(): Value[] {
    return this.#items.splice(0);
  }

  /** The next one, undefined after the last. */
  next(): Value {
    return this.#items.shift();
  }
}

/** What `namespace()` makes: the one thing that a loop can assign to outside of itself. */
export class Namespace {
  constructor(readonly entries: Map<string, Value>) {}
}

/** A macro, or one of the functions that Transformers gives a template. */
export class Callable {
  constructor(
    readonly call: (args: readonly Value[], named: ReadonlyMap<string, Value>) => Value,
  ) {}
}

/** Any value of a template. */
export type Value =
  | string
  | number
  | boolean
  | null
  | undefined
  | Float
  | Value[]
  | Map<string, Value>
  | Lazy
  | Namespace
  | Callable;

/** Python's name of a value's type, for messages. */
export function typeName(value: Value): string {
  if (value === undefined) return "an undefined value";
  if (value === null) return "None";
  if (typeof value === "string") return "a string";
  if (typeof value === "boolean") return "a boolean";
  if (typeof value === "number") return "an integer";
  if (value instanceof Float) return "a float";
  if (value instanceof Tuple) return "a tuple";
  if (Array.isArray(value)) return "a list";
  if (value instanceof Map) return "a dictionary";
  if (value instanceof Lazy) return "a generator";
  return value instanceof Namespace ? "a namespace" : "a function";
}

/** A JavaScript value as a template's. A whole number is an integer. */
export function toValue(value: unknown): Value {
  if (value === undefined || value === null) return value;
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isSafeInteger(value) ? value : new Float(value);
  if (Array.isArray(value)) return value.map(toValue);
  if (typeof value === "object") {
    return new Map(Object.entries(value).map(([key, item]) => [key, toValue(item)]));
  }
  throw new TypeError(`a template's variable cannot be a ${typeof value}`);
}

/** Whether Python holds a value true. */
export function truthy(value: Value): boolean {
  if (value instanceof Float) return value.value !== 0;
  if (Array.isArray(value)) return value.length > 0;
  return value instanceof Map ? value.size > 0 : Boolean(value);
}

/** The number a value counts as in arithmetic and comparisons; undefined if none. */
export function numberOf(value: Value): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return Number(value);
  return value instanceof Float ? value.value : undefined;
}

/** Python's `==`. */
export function equals(a: Value, b: Value): boolean {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined || y !== undefined) return x === y;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a instanceof Tuple === b instanceof Tuple && a.length === b.length &&
      a.every((item, i) => equals(item, b[i]));
  }
  if (a instanceof Map && b instanceof Map) {
    return a.size === b.size &&
      [...a].every(([key, item]) => b.has(key) && equals(item, b.get(key)));
  }
  return a === b;
}

/** The items Python would iterate over. An undefined value has none. */
export function iterate(value: Value): Value[] {
  if (value === undefined) return [];
  if (typeof value === "string") return Array.from(value);
  if (Array.isArray(value)) return value;
  if (value instanceof Map) return [...value.keys()];
  if (value instanceof Lazy) return value.take();
  throw new Error(`${typeName(value)} cannot be iterated over`);
}

function floatText(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || (size !== 0 && (size >= 1e16 || size < 1e-4))) {
    throw new Error(`the float ${value} cannot be written as Python writes it`);
  }
  if (Object.is(value, -0)) return "-0.0";
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

function escaped(character: string): string {
  const code = character.codePointAt(0)!;
  const hex = (digits: number) => code.toString(16).padStart(digits, "0");
  if (character === "\\") return "\\\\";
  if (character === "\n") return "\\n";
  if (character === "\r") return "\\r";
  if (character === "\t") return "\\t";
  if (code <= 0xff) return `\\x${hex(2)}`;
  return code <= 0xffff ? `\\u${hex(4)}` : `\\U${hex(8)}`;
}

/** Python's `repr()`: what an item of a printed list looks like. */
function repr(value: Value): string {
  if (value === undefined) return "Undefined";
  if (typeof value !== "string") return text(value);
  const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
  const body = value.replace(/\\|(?! )[\p{C}\p{Z}]/gu, escaped);
  return quote + (quote === "'" ? body.replaceAll("'", "\\'") : body) + quote;
}

/** Python's `str()`: what a template prints. An undefined value prints nothing. */
export function text(value: Value): string {
  if (typeof value === "string") return value;
  if (value === undefined) return "";
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return String(value);
  if (value instanceof Float) return floatText(value.value);
  if (Array.isArray(value) && !(value instanceof View)) {
    const items = Array.from(value, repr).join(", ");
    if (value instanceof Tuple) return value.length === 1 ? `(${items},)` : `(${items})`;
    return `[${items}]`;
  }
  if (value instanceof Map) {
    return `{${[...value].map(([key, item]) => `${repr(key)}: ${repr(item)}`).join(", ")}}`;
  }
  throw new Error(`${typeName(value)} cannot be printed`);
}

/** Options of {@linkcode json}, as of Python's `json.dumps`. */
export interface JsonOptions {
  readonly indent: string | null;
  readonly ensureAscii: boolean;
  readonly separators: readonly [string, string];
  readonly sortKeys: boolean;
}

function jsonString(value: string, ensureAscii: boolean): string {
  const quoted = JSON.stringify(value);
  if (!ensureAscii) return quoted;
  return quoted.replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function byCodePoint(a: string, b: string): number {
  const [x, y] = [Array.from(a), Array.from(b)];
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    if (x[i] !== y[i]) return x[i].codePointAt(0)! - y[i].codePointAt(0)!;
  }
  return x.length - y.length;
}

/** Python's `json.dumps`. */
export function json(value: Value, options: JsonOptions, padding = "\n"): string {
  if (value === null) return "null";
  if (typeof value === "boolean") return String(value);
  if (typeof value === "string") return jsonString(value, options.ensureAscii);
  if (typeof value === "number" || value instanceof Float) return text(value);
  const [itemSeparator, keySeparator] = options.separators;
  const inner = padding + (options.indent ?? "");
  const wrap = (open: string, items: string[], close: string) =>
    options.indent === null || items.length === 0
      ? open + items.join(itemSeparator) + close
      : open + inner + items.join(itemSeparator + inner) + padding + close;
  if (Array.isArray(value) && !(value instanceof View)) {
    return wrap("[", Array.from(value, (item) => json(item, options, inner)), "]");
  }
  if (value instanceof Map) {
    const entries = [...value];
    if (options.sortKeys) entries.sort(([a], [b]) => byCodePoint(a, b));
    return wrap(
      "{",
      entries.map(([key, item]) =>
        jsonString(key, options.ensureAscii) + keySeparator + json(item, options, inner)
      ),
      "}",
    );
  }
  throw new Error(`${typeName(value)} cannot be written as JSON`);
}

/** Python's order of two values: negative, zero or positive. Numbers and strings only. */
export function compare(a: Value, b: Value): number {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined) return x - y;
  if (typeof a === "string" && typeof b === "string") return byCodePoint(a, b);
  throw new Error(`${typeName(a)} cannot be compared with ${typeName(b)}`);
}
