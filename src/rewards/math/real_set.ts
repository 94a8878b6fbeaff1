/**
 * Sets of real numbers as intervals, however they are written: (1, 2], 1 < x ≤ 2, x < 1 or x > 3, ℝ \ {0}.
 *
 * @module
 */
import { isName } from "./assignment.ts";
import { infinitySign, symbol, variables } from "./expression.ts";
import { evaluateNumerically } from "./numeric.ts";
import type { Relation, Shape } from "./shape.ts";
import { makeValue, type Value } from "./value.ts";

interface End {
  /** A double that orders the ends; ±Infinity for an open side. */
  readonly at: number;
  readonly shape: Shape;
  readonly isOpen: boolean;
}
interface Interval {
  readonly low: End;
  readonly high: End;
}
/** A set of real numbers. */
export interface RealSet {
  /** In order, none touching the next. */
  readonly intervals: readonly Interval[];
  /** The variable that a relation bounds; null where the set itself is written. */
  readonly variable: string | null;
}

const infinite = (sign: 1 | -1): End => ({
  at: sign * Infinity,
  shape: makeValue({ formula: symbol("infinity"), spelling: "" }),
  isOpen: true,
});
const ALL: readonly Interval[] = [{ low: infinite(-1), high: infinite(1) }];

const written = (intervals: readonly Interval[]): RealSet => ({ intervals, variable: null });

/** One set of several by an operation on their intervals; null where they bound different variables. */
function combined(
  sets: readonly (RealSet | null)[],
  operation: (a: readonly Interval[], b: readonly Interval[]) => readonly Interval[],
): RealSet | null {
  if (sets.length === 0 || !sets.every((set) => set !== null)) return null;
  const names = new Set(sets.map(({ variable }) => variable).filter((name) => name !== null));
  if (names.size > 1) return null;
  const intervals = sets.map((set) => set.intervals).reduce(operation);
  return { intervals, variable: [...names][0] ?? null };
}

/** The set that a shape describes, or null: then it describes none. */
export function realSet(shape: Shape): RealSet | null {
  switch (shape.kind) {
    case "value":
      return isReals(shape) ? written(ALL) : null;
    case "tuple": {
      if (shape.items.length !== 2) return null;
      const [low, high] = shape.items;
      return interval(low, shape.open !== "[", high, shape.close !== "]");
    }
    case "set":
      return combined(shape.items.map((item) => interval(item, false, item, false)), union);
    case "combination":
      return combined(
        shape.parts.map(realSet),
        shape.operation === "union"
          ? union
          : shape.operation === "intersection"
          ? intersection
          : (a, b) => intersection(a, complement(b)),
      );
    case "relation":
      return relationSet(shape.sides, shape.relations);
    case "list":
      return listSet(shape);
    default:
      return null;
  }
}

const isReals = (value: Value) =>
  value.formula?.kind === "symbol" && value.formula.name === "RealNumbers" ||
  /^all real(s| numbers?)$|^real numbers?$/.test(value.spelling);

function listSet(shape: Shape & { kind: "list" }): RealSet | null {
  // Numbers and points in a list are answers of their own; intervals show in their ends.
  const parts = shape.items.map((item) =>
    item.kind === "value" || item.kind === "tuple" && !isInterval(item) ? null : realSet(item)
  );
  const both = combined(parts, intersection);
  // `x > 1, x < 3` holds between, `x < 1, x > 3` outside.
  const holdsBoth = shape.joiner === "and" || shape.joiner === "," && both?.intervals.length !== 0;
  return both?.variable != null && holdsBoth ? both : combined(parts, union);
}

/** Whether a pair can only be an interval. */
function isInterval({ open, close, items }: Shape & { kind: "tuple" }): boolean {
  return (open === "(") !== (close === ")") ||
    items.some((item) =>
      item.kind === "value" && item.formula !== null && infinitySign(item.formula) !== 0
    );
}

function end(shape: Shape, isOpen: boolean): End | null {
  if (shape.kind !== "value" || shape.formula === null) return null;
  const sign = infinitySign(shape.formula);
  if (sign !== 0) return { at: sign * Infinity, shape, isOpen: true };
  if (variables(shape.formula).size > 0) return null;
  const { re, im, error } = evaluateNumerically(shape.formula, () => NaN, "e");
  if (!Number.isFinite(re) || Math.abs(im) > 8 * error) return null;
  return { at: re, shape, isOpen };
}

function interval(low: Shape, lowOpen: boolean, high: Shape, highOpen: boolean): RealSet | null {
  const ends = [end(low, lowOpen), end(high, highOpen)];
  const [from, to] = ends;
  if (from === null || to === null || from.at > to.at) return null;
  return written([{ low: from, high: to }]);
}

/** x > 3, 1 < x ≤ 2, x ≠ 0, x ∈ S with one variable that stands alone. */
function relationSet(sides: readonly Shape[], relations: readonly Relation[]): RealSet | null {
  const at = sides.findIndex((side) =>
    side.kind === "value" && side.formula !== null && side.formula.kind !== "number" && isName(side)
  );
  if (at < 0) return null;
  const variable = spelled(sides[at]);
  if (relations.length === 1 && relations[0] === "in") {
    const set = at === 0 ? realSet(sides[1]) : null;
    return set === null ? null : { ...set, variable };
  }
  let intervals = ALL;
  for (const [i, relation] of relations.entries()) {
    if (i !== at && i + 1 !== at) return null;
    // The variable's own side first: 3 < x is x > 3.
    const part = i === at
      ? bounded(relation, sides[i + 1])
      : bounded(MIRRORED[relation] ?? relation, sides[i]);
    if (part === null) return null;
    intervals = intersection(intervals, part);
  }
  return { intervals, variable };
}

const spelled = (shape: Shape) => shape.kind === "value" ? shape.spelling : "";

const MIRRORED: Partial<Record<Relation, Relation>> = { "<": ">", ">": "<", le: "ge", ge: "le" };

function bounded(relation: Relation, bound: Shape): readonly Interval[] | null {
  const at = end(bound, relation === "<" || relation === ">");
  if (at === null) return null;
  switch (relation) {
    case "<":
    case "le":
      return [{ low: infinite(-1), high: at }];
    case ">":
    case "ge":
      return [{ low: at, high: infinite(1) }];
    case "ne":
      return complement([{ low: at, high: at }]);
    case "=":
      return [{ low: at, high: at }];
    default:
      return null;
  }
}

function union(a: readonly Interval[], b: readonly Interval[]): readonly Interval[] {
  const sorted = [...a, ...b].sort((a, b) =>
    a.low.at - b.low.at || Number(a.low.isOpen) - Number(b.low.isOpen)
  );
  const merged: Interval[] = [];
  for (const next of sorted) {
    const last = merged.at(-1);
    const touches = last !== undefined && (next.low.at < last.high.at ||
      next.low.at === last.high.at && !(next.low.isOpen && last.high.isOpen));
    if (!touches) merged.push(next);
    else if (
      next.high.at > last.high.at ||
      next.high.at === last.high.at && !next.high.isOpen
    ) merged[merged.length - 1] = { low: last.low, high: next.high };
  }
  return merged;
}

function intersection(a: readonly Interval[], b: readonly Interval[]): readonly Interval[] {
  const parts: Interval[] = [];
  for (const x of a) {
    for (const y of b) {
      const low = x.low.at > y.low.at || x.low.at === y.low.at && x.low.isOpen ? x.low : y.low;
      const high = x.high.at < y.high.at || x.high.at === y.high.at && x.high.isOpen
        ? x.high
        : y.high;
      if (low.at < high.at || low.at === high.at && !low.isOpen && !high.isOpen) {
        parts.push({ low, high });
      }
    }
  }
  return parts;
}

function complement(set: readonly Interval[]): readonly Interval[] {
  const parts: Interval[] = [];
  let low = infinite(-1);
  for (const { low: from, high: to } of set) {
    if (from.at > -Infinity) parts.push({ low, high: { ...from, isOpen: !from.isOpen } });
    low = { ...to, isOpen: !to.isOpen };
  }
  if (low.at < Infinity) parts.push({ low, high: infinite(1) });
  return parts;
}

/** Whether two sets have the same ends. */
export function sameRealSet(
  p: RealSet,
  g: RealSet,
  sameShape: (prediction: Shape, gold: Shape) => boolean,
): boolean {
  const sameEnd = (a: End, b: End) =>
    Number.isFinite(a.at) && Number.isFinite(b.at)
      ? a.isOpen === b.isOpen && sameShape(a.shape, b.shape)
      : a.at === b.at;
  if (p.variable !== null && g.variable !== null && p.variable !== g.variable) return false;
  return p.intervals.length === g.intervals.length &&
    g.intervals.every(({ low, high }, i) =>
      sameEnd(p.intervals[i].low, low) && sameEnd(p.intervals[i].high, high)
    );
}
