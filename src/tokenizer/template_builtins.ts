/** The filters, tests and string methods of chat templates that give what Jinja2 gives. */

import {
  equals,
  Float,
  iterate,
  json,
  Lazy,
  Namespace,
  numberOf,
  text,
  truthy,
  Tuple,
  typeName,
  type Value,
  View,
} from "./template_values.ts";

/** The arguments of a filter, method or function. */
export interface Arguments {
  readonly positional: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
}

// What Python's str.strip() and str.split() hold to be white space; JavaScript's differs.
const space =
  "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const leadingSpace = new RegExp(`^${space}+`);
const spaces = new RegExp(`${space}+`);

function string(value: Value, what: string): string {
  if (typeof value !== "string") {
    throw new Error(`${what} must be a string, not ${typeName(value)}`);
  }
  return value;
}

function integer(value: Value, what: string): number {
  if (typeof value !== "number") {
    throw new Error(`${what} must be an integer, not ${typeName(value)}`);
  }
  return value;
}

function strip(value: string, chars: Value, left: boolean, right: boolean): string {
  if (chars === undefined || chars === null) {
    const start = left ? value.match(leadingSpace)?.[0].length ?? 0 : 0;
    let end = value.length;
    while (right && end > start && spaces.test(value[end - 1])) end--;
    return value.slice(start, end);
  }
  const set = new Set(string(chars, "what is stripped"));
  const points = Array.from(value);
  let [start, end] = [0, points.length];
  while (left && start < end && set.has(points[start])) start++;
  while (right && end > start && set.has(points[end - 1])) end--;
  return points.slice(start, end).join("");
}

function split(value: string, separator: Value, most: Value, fromRight: boolean): Value[] {
  const limit = most === undefined ? -1 : integer(most, "the number of splits");
  const bound = limit < 0 ? Infinity : limit;
  if (separator === undefined || separator === null) {
    if (fromRight && bound !== Infinity) throw new Error("rsplit() needs a separator");
    const parts: string[] = [];
    let rest = strip(value, undefined, true, false);
    while (rest !== "") {
      const cut = parts.length < bound ? rest.search(spaces) : -1;
      if (cut < 0) {
        // The last piece of a limited split keeps the white space inside it and after it.
        parts.push(rest);
        break;
      }
      parts.push(rest.slice(0, cut));
      rest = strip(rest.slice(cut), undefined, true, false);
    }
    return parts;
  }
  const mark = string(separator, "the separator");
  if (mark === "") throw new Error("the separator must not be empty");
  const parts = value.split(mark);
  if (parts.length - 1 <= bound) return parts;
  return fromRight
    ? [parts.slice(0, parts.length - bound).join(mark), ...parts.slice(parts.length - bound)]
    : [...parts.slice(0, bound), parts.slice(bound).join(mark)];
}

function replace(value: string, old: string, by: string, count: Value): string {
  const limit = count === undefined || count === null ? -1 : integer(count, "the count");
  const pieces = old === "" ? ["", ...Array.from(value), ""] : value.split(old);
  const bound = limit < 0 ? pieces.length : limit;
  let out = pieces[0];
  for (let i = 1; i < pieces.length; i++) out += (i <= bound ? by : old) + pieces[i];
  return out;
}

function affix(value: string, affixes: Value, test: (part: string) => boolean): boolean {
  if (affixes instanceof Tuple) return affixes.some((part) => affix(value, part, test));
  return test(string(affixes, "what a string starts or ends with"));
}

function capitalize(value: string): string {
  const [first = "", ...rest] = Array.from(value);
  const [upper = "", ...more] = Array.from(first.toUpperCase());
  return upper + (more.join("") + rest.join("")).toLowerCase();
}

/** Methods of strings, by name. Arguments are positional. */
export const stringMethods: Readonly<
  Record<string, (value: string, ...args: readonly Value[]) => Value>
> = {
  strip: (value, chars) => strip(value, chars, true, true),
  lstrip: (value, chars) => strip(value, chars, true, false),
  rstrip: (value, chars) => strip(value, chars, false, true),
  split: (value, separator, most) => split(value, separator, most, false),
  rsplit: (value, separator, most) => split(value, separator, most, true),
  startswith: (value, start) => affix(value, start, (part) => value.startsWith(part)),
  endswith: (value, end) => affix(value, end, (part) => value.endsWith(part)),
  replace: (value, old, by, count) =>
    replace(value, string(old, "what is replaced"), string(by, "a replacement"), count),
  upper: (value) => value.toUpperCase(),
  lower: (value) => value.toLowerCase(),
  capitalize,
  find: (value, part) => {
    const at = value.indexOf(string(part, "what is looked for"));
    return at < 0 ? -1 : Array.from(value.slice(0, at)).length;
  },
  join: (value, items) => iterate(items).map((item) => string(item, "what is joined")).join(value),
  removeprefix: (value, start) => {
    const part = string(start, "a prefix");
    return value.startsWith(part) ? value.slice(part.length) : value;
  },
  removesuffix: (value, end) => {
    const part = string(end, "a suffix");
    return part !== "" && value.endsWith(part) ? value.slice(0, -part.length) : value;
  },
};

/** Methods of dictionaries, by name. */
export const dictionaryMethods: Readonly<
  Record<string, (value: ReadonlyMap<string, Value>, ...args: readonly Value[]) => Value>
> = {
  get: (value, key, otherwise = null) =>
    typeof key === "string" && value.has(key) ? value.get(key) : otherwise,
  keys: (value) => View.from(value.keys()) as View,
  values: (value) => View.from(value.values()) as View,
  items: (value) => View.from([...value].map(([key, item]) => Tuple.of(key, item))) as View,
};

/** Python's names on strings, lists and dictionaries: as an attribute each is a bound method. */
export const boundMethods: ReadonlySet<string> = new Set([
  ...["append", "capitalize", "casefold", "center", "clear", "copy", "count", "encode", "endswith"],
  ...["expandtabs", "extend", "find", "format", "format_map", "fromkeys", "get", "index", "insert"],
  ...["isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier", "islower"],
  ...[
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "items",
    "join",
    "keys",
    "ljust",
  ],
  ...["lower", "lstrip", "maketrans", "partition", "pop", "popitem", "remove", "removeprefix"],
  ...["removesuffix", "replace", "reverse", "rfind", "rindex", "rjust", "rpartition", "rsplit"],
  ...["rstrip", "setdefault", "sort", "split", "splitlines", "startswith", "strip", "swapcase"],
  ...["title", "translate", "update", "upper", "values", "zfill"],
]);

/** Tests without an argument (`x is string`), by name. */
export const tests: Readonly<Record<string, (value: Value) => boolean>> = {
  defined: (value) => value !== undefined,
  undefined: (value) => value === undefined,
  none: (value) => value === null,
  string: (value) => typeof value === "string",
  mapping: (value) => value instanceof Map,
  sequence: (value) =>
    value === undefined || typeof value === "string" || Array.isArray(value) ||
    value instanceof Map,
  iterable: (value) =>
    value === undefined || typeof value === "string" || Array.isArray(value) ||
    value instanceof Map || value instanceof Lazy,
  number: (value) => numberOf(value) !== undefined,
  integer: (value) => typeof value === "number",
  float: (value) => value instanceof Float,
  boolean: (value) => typeof value === "boolean",
  true: (value) => value === true,
  false: (value) => value === false,
  odd: (value) => Math.abs(integer(value, "what is odd")) % 2 === 1,
  even: (value) => integer(value, "what is even") % 2 === 0,
};

/** Whether a container holds a value: Python's `in`. */
export function contains(container: Value, value: Value): boolean {
  if (typeof container === "string") {
    return container.includes(string(value, "what is looked for in a string"));
  }
  if (container instanceof Map) return typeof value === "string" && container.has(value);
  return iterate(container).some((item) => equals(item, value));
}

/** Tests with an argument, which `selectattr` and `select` can name. */
const comparisons: Readonly<Record<string, (value: Value, other: Value) => boolean>> = {
  equalto: equals,
  eq: equals,
  "==": equals,
  ne: (value, other) => !equals(value, other),
  "!=": (value, other) => !equals(value, other),
  in: (value, container) => contains(container, value),
};

/** Whether `select`, `selectattr` and their negations can name this test. */
export function isNamedTest(name: string): boolean {
  return Object.hasOwn(tests, name) || Object.hasOwn(comparisons, name);
}

function named(test: Value, argument: Value): (value: Value) => boolean {
  if (test === undefined) return truthy;
  const name = string(test, "a test's name");
  if (Object.hasOwn(tests, name)) return tests[name];
  if (Object.hasOwn(comparisons, name)) return (value) => comparisons[name](value, argument);
  throw new Error(`there is no test '${name}'`);
}

/** An item of a dictionary, namespace or list under a dotted path, as filters look it up. */
function attribute(value: Value, path: Value): Value {
  if (typeof path !== "string") throw new Error("an attribute's name must be a string");
  return path.split(".").reduce((item: Value, name) => {
    if (item === undefined) throw new Error(`an undefined value has no '${name}'`);
    if (item instanceof Namespace) return item.entries.get(name);
    return item instanceof Map ? item.get(name) : undefined;
  }, value);
}

function toJson(value: Value, { named }: Arguments): string {
  const width = named.get("indent") ?? null;
  const separators = named.get("separators") ?? null;
  const indent = width === null ? null : " ".repeat(integer(width, "the indent"));
  const pair = separators === null
    ? [indent === null ? ", " : ",", ": "]
    : iterate(separators).map((part) => string(part, "a separator"));
  return json(value, {
    indent,
    ensureAscii: truthy(named.get("ensure_ascii")),
    separators: [pair[0], pair[1]],
    sortKeys: truthy(named.get("sort_keys")),
  });
}

function toInteger(value: Value): number {
  const number = numberOf(value);
  if (number !== undefined) return Math.trunc(number);
  const trimmed = typeof value === "string" ? strip(value, undefined, true, true) : "";
  if (/^[+-]?\d+(\.\d*)?$/.test(trimmed)) return Math.trunc(Number(trimmed));
  if (/^[+-]?[\d.][\d._eE+-]*$|^[+-]?(inf|nan)/i.test(trimmed)) {
    throw new Error(`'${trimmed}' cannot be read as an integer`);
  }
  return 0;
}

function length(value: Value): number {
  if (typeof value === "string") return Array.from(value).length;
  if (Array.isArray(value)) return value.length;
  if (value instanceof Map) return value.size;
  if (value === undefined) return 0;
  throw new Error(`${typeName(value)} has no length`);
}

function filterItems(
  value: Value,
  args: readonly Value[],
  keep: boolean,
  byAttribute: boolean,
): Lazy {
  const [test, argument] = byAttribute ? args.slice(1) : args;
  const accept = named(test, argument);
  return new Lazy(
    iterate(value).filter((item) => accept(byAttribute ? attribute(item, args[0]) : item) === keep),
  );
}

function map(value: Value, { positional, named }: Arguments): Lazy {
  if (!named.has("attribute")) {
    const [name, ...rest] = positional;
    const filter = filters[string(name, "a filter's name")];
    return new Lazy(
      iterate(value).map((item) => filter.apply(item, { positional: rest, named })),
    );
  }
  return new Lazy(
    iterate(value).map((item) => attribute(item, named.get("attribute")) ?? named.get("default")),
  );
}

/** A filter, and the arguments it may be given. */
export interface Filter {
  /** How many positional arguments at most. */
  readonly most: number;
  /** Its named arguments. */
  readonly names: readonly string[];
  readonly apply: (value: Value, args: Arguments) => Value;
}

function filter(
  apply: (value: Value, args: Arguments) => Value,
  most = 0,
  names: readonly string[] = [],
): Filter {
  return { most, names, apply };
}

const isDefault = filter(
  (value, { positional, named }) => {
    const otherwise = positional[0] ?? named.get("default_value") ?? "";
    const alsoFalse = truthy(positional[1] ?? named.get("boolean"));
    return value === undefined || (alsoFalse && !truthy(value)) ? otherwise : value;
  },
  2,
  ["default_value", "boolean"],
);

const hasLength = filter(length);

/** Filters, by name. */
export const filters: Readonly<Record<string, Filter>> = {
  capitalize: filter((value) => capitalize(text(value))),
  count: hasLength,
  d: isDefault,
  default: isDefault,
  first: filter((value) => value instanceof Lazy ? value.next() : iterate(value)[0]),
  int: filter(toInteger),
  items: filter((value) => {
    if (value !== undefined && !(value instanceof Map)) {
      throw new Error(`the filter 'items' is for dictionaries, not ${typeName(value)}`);
    }
    return new Lazy([...value ?? []].map(([key, item]) => Tuple.of(key, item)));
  }),
  join: filter(
    (value, { positional, named }) =>
      iterate(value).map(text).join(text(positional[0] ?? named.get("d") ?? "")),
    1,
    ["d"],
  ),
  last: filter((value) => {
    if (value instanceof Lazy) throw new Error("a generator has no last item");
    return iterate(value).at(-1);
  }),
  length: hasLength,
  list: filter((value) => [...iterate(value)]),
  lower: filter((value) => text(value).toLowerCase()),
  map: filter(map, 1, ["attribute", "default"]),
  reject: filter((value, { positional }) => filterItems(value, positional, false, false), 2),
  rejectattr: filter((value, { positional }) => filterItems(value, positional, false, true), 3),
  replace: filter(
    (value, { positional: [old, by, count], named }) =>
      replace(text(value), text(old), text(by), count ?? named.get("count")),
    3,
    ["count"],
  ),
  reverse: filter((value) =>
    typeof value === "string"
      ? Array.from(value).reverse().join("")
      : new Lazy([...iterate(value)].reverse())
  ),
  select: filter((value, { positional }) => filterItems(value, positional, true, false), 2),
  selectattr: filter((value, { positional }) => filterItems(value, positional, true, true), 3),
  string: filter(text),
  tojson: filter(toJson, 0, ["indent", "ensure_ascii", "separators", "sort_keys"]),
  trim: filter((value, { positional }) => strip(text(value), positional[0], true, true), 1),
  upper: filter((value) => text(value).toUpperCase()),
};
