/**
 * The shape of an answer: one value, several, a tuple, a set, a relation, a matrix.
 *
 * @module
 */
import { assignedParts, isName } from "./assignment.ts";
import { call, number as literal } from "./expression.ts";
import { table } from "./table.ts";
import { type Reading, type Token, tokenise } from "./tokens.ts";
import { type Group, group, isCommand, isSign, type Item, split } from "./tree.ts";
import { formulaOf, makeValue, spell, type Value, valueOf } from "./value.ts";

export type Relation =
  | "="
  | "approx"
  | "<"
  | ">"
  | "le"
  | "ge"
  | "ne"
  | "in"
  | "other";

/** What an answer is. */
export type Shape =
  | Value
  | {
    readonly kind: "list";
    readonly joiner: "," | "and" | "or";
    readonly items: readonly Shape[];
  }
  | {
    readonly kind: "tuple";
    readonly open: string;
    readonly close: string;
    readonly items: readonly Shape[];
  }
  | { readonly kind: "set"; readonly items: readonly Shape[] }
  | {
    readonly kind: "combination";
    readonly operation: "union" | "intersection" | "difference";
    readonly parts: readonly Shape[];
  }
  | { readonly kind: "matrix"; readonly rows: readonly (readonly Shape[])[] }
  | {
    readonly kind: "relation";
    readonly sides: readonly Shape[];
    readonly relations: readonly Relation[];
  };

/** Lists, tuples and matrices with more elements are not compared. */
const MAX_ITEMS = 200;

/** The shape of an answer, or null if it is empty, over the limits or its brackets do not match. */
export function readShape(text: string, reading: Reading): Shape | null {
  const tokens = tokenise(text, reading);
  if (tokens === null) return null;
  const items = group(mended(tokens));
  if (items === null) return null;
  const shape = shapeOf(items, 0);
  return shape !== null && isReadable(shape) ? shape : null;
}

/** `A)` and `5)` without the opening bracket; `]0, 1[` with brackets turned round. */
function mended(tokens: Token[]): Token[] {
  const count = (kind: Token["kind"], text: string) =>
    tokens.filter((token) => token.kind === kind && token.text === text).length;
  const last = tokens.at(-1);
  const first = tokens[0];
  if (first?.text === "]" || last?.text === "[" && first?.text === "[") {
    const turned = (token: Token, i: number): Token => {
      if (i === 0 && token.text === "]") return { ...token, kind: "open", text: "(" };
      if (i === tokens.length - 1 && token.text === "[") {
        return { ...token, kind: "close", text: ")" };
      }
      return token;
    };
    return tokens.map(turned);
  }
  if (last?.text === ")" && count("open", "(") + count("open", "[") < count("close", ")")) {
    return tokens.slice(0, -1);
  }
  return tokens;
}

function isReadable(shape: Shape): boolean {
  switch (shape.kind) {
    case "value":
      return shape.formula !== null || shape.spelling !== "";
    case "relation":
      return shape.sides.every(isReadable);
    case "matrix":
      return shape.rows.every((row) => row.every(isReadable));
    case "combination":
      return shape.parts.every(isReadable);
    default:
      return shape.items.every(isReadable);
  }
}

/** Without stops and brackets that change nothing. */
function trim(items: readonly Item[]): readonly Item[] {
  let [start, end] = [0, items.length];
  while (end > start && (isSign(items[end - 1], ".,;:'&") || isCommand(items[end - 1], "\\\\"))) {
    end--;
  }
  while (start < end && (isSign(items[start], ",;:&") || isCommand(items[start], "\\\\"))) start++;
  const rest = items.slice(start, end);
  const only = rest.length === 1 ? rest[0] : undefined;
  if (only?.kind === "group" && only.open === "{") return trim(only.items);
  return rest;
}

const isSeparator = (item: Item) =>
  isSign(item, ",;") || isCommand(item, "\\land") || isCommand(item, "\\lor");

function shapeOf(given: readonly Item[], depth: number): Shape | null {
  const items = trim(given);
  if (items.length === 0 || depth > 12) return null;
  const implied = split(items, (item) => isCommand(item, "\\implies"));
  if (implied.length > 1) {
    const last = implied.findLast((part) => trim(part).length > 0);
    return last === undefined ? null : shapeOf(last, depth + 1);
  }
  if (items.some(isSeparator)) return listOf(items, depth);
  const related = relationOf(items, depth);
  if (related !== undefined) return related;
  for (
    const [command, operation] of [
      ["\\cup", "union"],
      ["\\cap", "intersection"],
      ["\\setminus", "difference"],
    ] as const
  ) {
    const parts = split(items, (item) => isCommand(item, command));
    if (parts.length > 1) {
      const shapes = parts.map((part) => shapeOf(part, depth + 1));
      return shapes.every((shape) => shape !== null)
        ? { kind: "combination", operation, parts: shapes }
        : null;
    }
  }
  const signed = signsOf(items, depth);
  if (signed !== undefined) return signed;
  const ratio = split(items, (item) => isSign(item, ":"));
  if (ratio.length > 2) {
    const shapes = ratio.map((part) => formulaOf(part) === null ? null : valueOf(part));
    if (shapes.every((shape) => shape !== null)) {
      return { kind: "tuple", open: "(", close: ")", items: shapes };
    }
  }
  return bracketedOf(items, depth) ?? valueOf(items);
}

function listOf(items: readonly Item[], depth: number): Shape | null {
  const parts = split(items, isSeparator).filter((part) => trim(part).length > 0);
  if (parts.length === 0 || parts.length > MAX_ITEMS) return null;
  const solutions = solutionsOf(items, depth);
  if (solutions !== null) return solutions;
  const shapes: Shape[] = [];
  for (const part of parts) {
    const shape = shapeOf(part, depth + 1);
    if (shape === null) return null;
    // `x = 1 ± 2` among others.
    if (shape.kind === "list") shapes.push(...shape.items);
    else shapes.push(shape);
  }
  // `k ∈ ℤ` says what a letter stands for, and is no answer of its own.
  const answers = shapes.filter((shape) => !isCondition(shape));
  const kept = answers.length > 0 ? answers : shapes;
  if (kept.length === 1) return kept[0];
  const joiner = items.some((item) => isCommand(item, "\\lor"))
    ? "or"
    : items.some((item) => isCommand(item, "\\land"))
    ? "and"
    : ",";
  return { kind: "list", joiner, items: kept };
}

/** `x = 1, y = 2; x = 3, y = 4`: several solutions of several unknowns, as tuples; otherwise null. */
function solutionsOf(items: readonly Item[], depth: number): Shape | null {
  const isStrong = (item: Item) => isSign(item, ";") || isCommand(item, "\\lor");
  if (!items.some(isStrong) || !items.some((item) => isSeparator(item) && !isStrong(item))) {
    return null;
  }
  const tuples: Shape[] = [];
  for (const part of split(items, isStrong)) {
    const shape = shapeOf(part, depth + 1);
    const values = shape?.kind === "list" ? assignedParts(shape.items) : null;
    if (values === null) return null;
    tuples.push({ kind: "tuple", open: "(", close: ")", items: values });
  }
  return { kind: "list", joiner: "or", items: tuples };
}

const NUMBER_SETS = new Set(["Integers", "NonNegativeIntegers", "PositiveIntegers"]);
const isSymbol = (shape: Shape, test: (name: string) => boolean) =>
  shape.kind === "value" && shape.formula?.kind === "symbol" && test(shape.formula.name);

function isCondition(shape: Shape): boolean {
  return shape.kind === "relation" && shape.relations[0] === "in" &&
    isSymbol(shape.sides[0], () => true) && isSymbol(
      shape.sides[1],
      (name) => NUMBER_SETS.has(name) || /mathbb|Numbers|Integers/.test(name),
    );
}

const RELATIONS = table<Relation>({
  "=": "=",
  "<": "<",
  ">": ">",
  "\\le": "le",
  "\\ge": "ge",
  "\\ne": "ne",
  "\\in": "in",
  "\\approx": "approx",
  "\\equiv": "other",
  "\\sim": "other",
  "\\subset": "other",
  "\\subseteq": "other",
  "\\cong": "other",
  "\\propto": "other",
  "\\parallel": "other",
  "\\perp": "other",
  "\\notin": "other",
});
const relationSign = (item: Item): Relation | undefined =>
  item.kind === "sign" || item.kind === "command" ? RELATIONS[item.text] : undefined;

/** Undefined where the items are no relation. */
function relationOf(items: readonly Item[], depth: number): Shape | null | undefined {
  const relations: Relation[] = [];
  const sides: Item[][] = [[]];
  for (let i = 0; i < items.length; i++) {
    let relation = relationSign(items[i]);
    if (isCommand(items[i], "\\not") && i + 1 < items.length) {
      const denied = relationSign(items[i + 1]);
      relation = denied === "=" ? "ne" : denied === undefined ? undefined : "other";
      if (relation !== undefined) i++;
    }
    // `:=` defines.
    if (isSign(items[i], ":") && i + 1 < items.length && isSign(items[i + 1], "=")) continue;
    if (relation === undefined) sides.at(-1)!.push(items[i]);
    else {
      relations.push(relation);
      sides.push([]);
    }
  }
  if (relations.length === 0) return undefined;
  if (relations.length > 12) return null;
  // "= 5" says 5.
  if (trim(sides[0]).length === 0 && (relations[0] === "=" || relations[0] === "approx")) {
    sides.shift();
    relations.shift();
    if (relations.length === 0) return shapeOf(sides[0], depth + 1);
  }
  const shapes = sides.map((side) => shapeOf(side, depth + 1));
  if (!shapes.every((shape) => shape !== null)) return null;
  return { kind: "relation", sides: shapes, relations };
}

/** A formula with ± as the list of what it stands for; undefined where it has none. */
function signsOf(items: readonly Item[], depth: number): Shape | null | undefined {
  const plus = count(items, "\\pm");
  const minus = count(items, "\\mp");
  if (plus + minus === 0) return undefined;
  // Several ± are independent of one another, ∓ is the opposite of ±.
  const independent = minus === 0 ? plus : 1;
  if (independent > 3) return null;
  const shapes: Shape[] = [];
  for (let choice = 0; choice < 2 ** independent; choice++) {
    let seen = 0;
    const chosen = (list: readonly Item[]): Item[] =>
      list.map((item) => {
        if (item.kind === "group") return { ...item, items: chosen(item.items) };
        if (item.text !== "\\pm" && item.text !== "\\mp") return item;
        const bit = (choice >> (minus === 0 ? seen++ : 0)) & 1;
        const text = (bit === 0) === (item.text === "\\pm") ? "+" : "-";
        return { kind: "sign", text, spaced: item.spaced };
      });
    const shape = shapeOf(chosen(items), depth + 1);
    if (shape === null) return null;
    shapes.push(shape);
  }
  return { kind: "list", joiner: "or", items: shapes };
}

function count(items: readonly Item[], command: string): number {
  let total = 0;
  for (const item of items) {
    total += item.kind === "group" ? count(item.items, command) : Number(isCommand(item, command));
  }
  return total;
}

const MATRICES = /^\\begin [pbBvV]?(?:small)?(?:matrix|array)$/;

/** Tuples, intervals, sets, matrices; null where the items are none of these. */
function bracketedOf(items: readonly Item[], depth: number): Shape | null {
  const last = items.at(-1)!;
  if (last.kind === "group" && last.open.startsWith("\\begin")) {
    return environmentOf(items.slice(0, -1), last, depth);
  }
  const group = wholeGroup(items);
  if (group === null) return null;
  const parts = split(group.items, (item) => isSign(item, ",;"));
  switch (group.open) {
    case "(":
    case "[":
    case "\\langle": {
      if (parts.length === 1 || parts.length > MAX_ITEMS) {
        return parts.length === 1 && items.length === 1 ? shapeOf(group.items, depth + 1) : null;
      }
      const shapes = parts.map((part) => shapeOf(part, depth + 1));
      if (!shapes.every((shape) => shape !== null)) return null;
      const angle = group.open === "\\langle";
      return {
        kind: "tuple",
        open: angle ? "(" : group.open,
        close: angle ? ")" : group.close,
        items: shapes,
      };
    }
    case "\\{":
      return setOf(group, depth);
    default:
      return null;
  }
}

/** The bracket that is all there is: also behind a point's name, and before the sign of a transpose. */
function wholeGroup(items: readonly Item[]): Group | null {
  let rest = items;
  const power = rest.at(-2);
  const exponent = rest.at(-1);
  if (rest.length > 2 && power !== undefined && isSign(power, "^") && isTranspose(exponent!)) {
    rest = rest.slice(0, -2);
  }
  const [first, second] = rest;
  if (rest.length === 1) return first.kind === "group" ? first : null;
  const named = rest.length === 2 && second.kind === "group" && first.kind === "letter" &&
    /[A-Z]/.test(first.text) && second.items.some((item) => isSign(item, ","));
  return named ? second : null;
}

function isTranspose(item: Item): boolean {
  if (item.kind === "group") return item.items.length === 1 && isTranspose(item.items[0]);
  return item.text === "T" || item.text === "\\top";
}

function setOf(group: Group, depth: number): Shape | null {
  if (trim(group.items).length === 0) return { kind: "set", items: [] };
  const bar = group.items.findIndex((item) => isSign(item, "|:"));
  // {x | x > 3}: the condition says all.
  if (bar > 0) {
    const element = shapeOf(group.items.slice(0, bar), depth + 1);
    if (element === null) return null;
    const named = element.kind === "relation" && element.relations[0] === "in"
      ? element.sides[0]
      : element;
    if (isName(named)) return shapeOf(group.items.slice(bar + 1), depth + 1);
    return makeValue({ spelling: spell([group]) });
  }
  const inner = shapeOf(group.items, depth + 1);
  if (inner === null) return null;
  return { kind: "set", items: inner.kind === "list" ? inner.items : [inner] };
}

function environmentOf(before: readonly Item[], group: Group, depth: number): Shape | null {
  const rows = split(group.items, (item) => isCommand(item, "\\\\"))
    .filter((row) => trim(row).length > 0);
  if (rows.length * rows.length > MAX_ITEMS * MAX_ITEMS || rows.length === 0) return null;
  if (!MATRICES.test(group.open)) {
    if (before.length > 0) return null;
    const lines = rows.map((row) => {
      const cells = split(row, (item) => isSign(item, "&"));
      const whole = group.open === "\\begin cases" && cells.length === 2;
      if (!whole) return shapeOf(cells.flat(), depth + 1);
      const pair = cells.map((cell) => shapeOf(cell, depth + 1));
      return pair.every((shape) => shape !== null)
        ? { kind: "tuple", open: "(", close: ")", items: pair } as const
        : null;
    });
    if (!lines.every((line) => line !== null)) return null;
    return lines.length === 1 ? lines[0] : { kind: "list", joiner: "and", items: lines };
  }
  const cells = rows.map((row) =>
    split(row, (item) => isSign(item, "&")).map((cell) => shapeOf(cell, depth + 1))
  );
  if (!cells.every((row) => row.every((cell) => cell !== null))) return null;
  const matrix = cells as Shape[][];
  if (before.length === 0) return { kind: "matrix", rows: matrix };
  // A number before a matrix multiplies its elements.
  const factor = before.length === 1 && isSign(before[0], "-") ? literal(-1n) : formulaOf(
    before.at(-1) !== undefined && isCommand(before.at(-1)!, "\\cdot")
      ? before.slice(0, -1)
      : before,
  );
  if (factor === null) return null;
  const scaled = (shape: Shape): Shape =>
    shape.kind === "value" && shape.formula !== null
      ? { ...shape, formula: call("multiply", factor, shape.formula), decimal: null }
      : shape;
  return { kind: "matrix", rows: matrix.map((row) => row.map(scaled)) };
}
