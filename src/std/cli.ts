/**
 * The part of `@std/cli/parse-args` that we use, under its names and signatures, on `node:util`.
 * It differs in one thing: positional arguments stay strings, as with `string: ["_"]` there.
 *
 * @module
 */

import { parseArgs as parseNodeArgs } from "node:util";

/** Options of {@linkcode parseArgs}: flags that are not declared are handed to `unknown`. */
export interface ParseOptions<
  Boolean extends string = string,
  Text extends string = string,
  Collect extends string = string,
> {
  /** Flags without a value: `--flag`, `--flag=false`. */
  boolean?: readonly Boolean[];
  /** Flags with a value: `--flag=value`, `--flag value`. */
  string?: readonly Text[];
  /** Those flags of `string` that may be repeated; their value is a list. */
  collect?: readonly Collect[];
  /** Those flags of `boolean` that can be written `--no-flag`. */
  negatable?: readonly string[];
  /** Values of the flags that were not given. */
  default?: Readonly<Record<string, unknown>>;
  /** Other name of a flag by flag, such as `{ help: "h" }`. */
  alias?: Readonly<Record<string, string>>;
  /** Called with each flag that is not declared; it is left out if this returns false. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** What {@linkcode parseArgs} found. `_` are the positional arguments. */
export type Args<
  Boolean extends string = never,
  Text extends string = never,
  Collect extends string = never,
> =
  & { _: string[] }
  & { [name in Boolean]: boolean }
  & { [name in Exclude<Text, Collect>]?: string }
  & { [name in Collect]: string[] };

/**
 * Splits command-line arguments into flags and positional arguments.
 *
 * @example
 * ```ts
 * const args = parseArgs(["a.yaml", "--resume", "--seed=3"], {
 *   boolean: ["resume"],
 *   string: ["seed"],
 * });
 * console.log(args._, args.resume, args.seed); // [ "a.yaml" ] true 3
 * ```
 */
export function parseArgs<
  const Boolean extends string = never,
  const Text extends string = never,
  const Collect extends string = never,
>(
  args: readonly string[],
  options: ParseOptions<Boolean, Text, Collect> = {},
): Args<Boolean, Text, Collect> {
  const booleans = new Set<string>(options.boolean ?? []);
  const texts = new Set<string>(options.string ?? []);
  const collected = new Set<string>(options.collect ?? []);
  const negatable = new Set<string>(options.negatable ?? []);
  const shortOf = options.alias ?? {};
  const nameOf = new Map(Object.entries(shortOf).map(([name, alias]) => [alias, name]));

  const declared: Record<string, { type: "boolean" | "string"; short?: string }> = {};
  for (const name of [...booleans, ...texts, ...collected]) {
    const type = booleans.has(name) ? "boolean" : "string";
    const short = shortOf[name]?.length === 1 ? shortOf[name] : undefined;
    declared[name] = short === undefined ? { type } : { type, short };
  }
  for (const [name, alias] of Object.entries(shortOf)) {
    if (alias.length > 1 && declared[name]) declared[alias] = { type: declared[name].type };
  }
  const { tokens } = parseNodeArgs({
    args: args.map((arg, index) => lacksValue(arg, args[index + 1], texts) ? `${arg}=` : arg),
    options: declared,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });

  const found = new Map<string, unknown>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const name = nameOf.get(token.name) ?? token.name;
    const negated = name.startsWith("no-") ? name.slice(3) : undefined;
    if (collected.has(name)) {
      const list = (found.get(name) ?? []) as string[];
      found.set(name, [...list, token.value ?? ""]);
    } else if (texts.has(name)) {
      found.set(name, token.value ?? "");
    } else if (booleans.has(name)) {
      found.set(name, token.value !== "false");
    } else if (negated !== undefined && negatable.has(negated)) {
      found.set(negated, false);
    } else if (options.unknown?.(token.rawName, name, token.value ?? true) !== false) {
      found.set(name, token.value ?? true);
    }
  }
  const result: Record<string, unknown> = { _: positionals };
  for (const name of booleans) result[name] = options.default?.[name] ?? false;
  for (const name of collected) result[name] = options.default?.[name] ?? [];
  for (const name of texts) {
    if (!collected.has(name) && options.default?.[name] !== undefined) {
      result[name] = options.default[name];
    }
  }
  for (const [name, value] of found) {
    if (name !== "__proto__") result[name] = value;
  }
  return result as Args<Boolean, Text, Collect>;
}

/** Whether a flag that takes a value has none. A negative number is a value, another flag is not. */
function lacksValue(arg: string, next: string | undefined, texts: ReadonlySet<string>): boolean {
  return arg.startsWith("--") && texts.has(arg.slice(2)) &&
    (next === undefined || /^-[^\d.]/.test(next));
}
