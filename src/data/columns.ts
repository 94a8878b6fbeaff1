/** Columns of a row: looked up by name or dotted path, and read as the parts of a problem. */

/** One row of a data file. */
export type Row = Readonly<Record<string, unknown>>;

function own(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

/**
 * The value at a column's name or dotted path, such as `reward_model.ground_truth` or
 * `prompt.0.content`; undefined if there is none. A column whose name itself has dots comes first.
 */
export function lookUp(row: Row, path: string): unknown {
  if (Object.hasOwn(row, path)) return row[path];
  let value: unknown = row;
  for (const key of path.split(".")) value = own(value, key);
  return value;
}

/** The first of these columns that the row has with a value, or undefined. */
export function firstOf(row: Row, paths: readonly string[]): unknown {
  for (const path of paths) {
    const value = lookUp(row, path);
    if (value !== undefined && value !== null) return value;
  }
  return undefined;
}

/**
 * A value as text: text as it is, finite numbers (`27.0` is 27 to JSON) and booleans as written, a
 * list of one value as that value. Null for anything else.
 */
export function asText(value: unknown): string | null {
  if (Array.isArray(value) && value.length === 1) value = value[0];
  if (typeof value === "string") return value;
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : null;
  return typeof value === "boolean" ? String(value) : null;
}

/**
 * A question as text. A list of chat messages, as verl and other trainers write them, gives its
 * last user message (`role` and `content`, or `from` and `value`).
 */
export function asPrompt(value: unknown): string | null {
  if (Array.isArray(value) && value.some((part) => typeof part === "object" && part !== null)) {
    const users = value.filter((message) =>
      ["user", "human"].includes(String(own(message, "role") ?? own(message, "from")))
    );
    const last = users.at(-1);
    return asText(own(last, "content") ?? own(last, "value"));
  }
  return asText(value);
}

/**
 * A tier: the position of the value in `order`, from 1, where there is an order; otherwise a finite
 * number, or text that is or ends in one (`Level 5`). Null if it is none of these.
 */
export function asTier(value: unknown, order: readonly string[] | null): number | null {
  const text = asText(value);
  if (text === null) return null;
  if (order !== null) {
    const at = order.indexOf(text);
    return at < 0 ? null : at + 1;
  }
  const match = /^(?:[A-Za-z][A-Za-z _-]*\s)?\s*(-?\d+(?:\.\d+)?)$/.exec(text.trim());
  const tier = match === null ? NaN : Number(match[1]);
  return Number.isFinite(tier) ? tier : null;
}
