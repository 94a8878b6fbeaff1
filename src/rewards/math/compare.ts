/**
 * Whether a prediction of one shape answers a gold answer of another. The two are not interchangeable:
 * see the rules in verify.ts.
 *
 * @module
 */
import { evaluateExactly } from "./exact.ts";
import { call, type Expression, number, variables } from "./expression.ts";
import { assigned, assignedParts, concluded, isName, type RelationShape } from "./assignment.ts";
import { proportional, sameFormula } from "./identity.ts";
import { evaluateNumerically } from "./numeric.ts";
import * as q from "./rational.ts";
import { type Rational, toNumber } from "./rational.ts";
import { realSet, sameRealSet } from "./real_set.ts";
import type { Relation, Shape } from "./shape.ts";
import type { Decimal, Value } from "./value.ts";

/** A decimal stands for a number that it rounds only with as many digits as this. */
const ROUNDED_DIGITS = 5;
/** A gold answer such as 2.26e-10 states its significant digits: a longer prediction is rounded to them. */
const SCIENTIFIC_DIGITS = 3;

/** Whether the prediction says what gold says. */
export function same(prediction: Shape, gold: Shape): boolean {
  const p = single(prediction);
  const g = single(gold);
  if (p.kind === "relation" && g.kind === "relation") return sameRelation(p, g) || sameAsSets(p, g);
  if (g.kind === "relation") {
    const named = assigned(g);
    return named !== null && same(p, named) || sameAsSets(p, g);
  }
  if (p.kind === "relation") {
    const values = p.relations[0] === "in" && isName(p.sides[0]) ? [p.sides[1]] : concluded(p);
    return values.some((value) => same(value, g)) || sameAsSets(p, g);
  }
  switch (g.kind) {
    case "value":
      if (p.kind === "value") return sameValue(p, g) || sameAsSets(p, g);
      if (p.kind !== "set") return sameAsSets(p, g);
      return p.items.length === 0 ? isEmptySet(g) : p.items.length === 1 && same(p.items[0], g);
    case "list":
      return sameList(p, g);
    case "set":
      if (p.kind === "set" || p.kind === "list") return sameElements(p.items, g.items);
      return p.kind === "value" && g.items.length === 1 && same(p, g.items[0]) ||
        p.kind === "value" && g.items.length === 0 && isEmptySet(p) || sameAsSets(p, g);
    case "tuple":
      return sameTuple(p, g) || sameAsSets(p, g);
    case "combination":
      return sameAsSets(p, g) || p.kind === "combination" && p.operation === g.operation &&
          (g.operation === "difference"
            ? sameInOrder(p.parts, g.parts)
            : sameElements(p.parts, g.parts));
    case "matrix":
      return sameMatrix(p, g);
  }
}

const isEmptySet = (value: Value) => value.spelling === "\\emptyset";

/** A list whose elements all say the same is one answer. */
function single(shape: Shape): Shape {
  if (shape.kind !== "list" || shape.items.length > 4) return shape;
  const distinct: Shape[] = [];
  for (const item of shape.items) {
    if (item.kind !== "value" || !distinct.some((other) => same(item, other))) distinct.push(item);
  }
  if (distinct.length === shape.items.length) return shape;
  return distinct.length === 1 ? distinct[0] : { ...shape, items: distinct };
}

// Numbers, formulas and words

function sameValue(p: Value, g: Value): boolean {
  if (p.formula === null && g.formula === null && p.spelling === g.spelling) return true;
  if (p.formula === null || g.formula === null) return sameLetters(p, g);
  // Where gold names the base, its digits alone will do.
  if (g.digits !== null && p.digits === null && p.spelling.toLowerCase() === g.digits) return true;
  if (contradict(p.words, g.words)) return false;
  if (p.unit !== null && g.unit !== null) {
    if (p.unit.dimension !== g.unit.dimension) return false;
    if (!q.equal(p.unit.scale, g.unit.scale)) return sameFormula(scaled(p), scaled(g));
  }
  if (p.percent !== g.percent) return (p.percent ? g : p).words === "" && samePercent(p, g);
  return sameFormula(p.formula, g.formula) || rounds(p, g);
}

/** Words that give a number a direction. */
const DIRECTIONS = new RegExp(
  String.raw`\b(?:${
    [
      "north\\w*|south\\w*|east\\w*|west\\w*|up\\w*|down\\w*|left|right|forwards?|backwards?",
      "increase\\w*|decrease\\w*|gains?|loss(?:es)?|profits?|won|lost|wins?|loses?",
      "clockwise|counterclockwise|anticlockwise|positive|negative|[ap][. ]*m\\b",
      "january|february|march|april|may|june|july|august|september|october|november|december",
    ].join("|")
  })`,
  "g",
);

/** Whether both name a direction, and not the same: 9 a.m. and 9 p.m. */
function contradict(p: string, g: string): boolean {
  if (p === "" || g === "" || p === g) return false;
  const [a, b] = [p, g].map((words) =>
    (words.match(DIRECTIONS) ?? []).map((word) => word.replace(/[. ]/g, "")).join(" ")
  );
  return a !== "" && b !== "" && a !== b;
}

const scaled = (v: Value): Expression =>
  call("multiply", v.formula!, { kind: "number", value: v.unit!.scale });

/** A word and the product of its letters: `\text{abc}` and abc. */
function sameLetters(p: Value, g: Value): boolean {
  const letters = (v: Value) => v.spelling.replace(/[\s{}()]/g, "").toLowerCase();
  return letters(p) === letters(g) && /^[a-z]+$/.test(letters(g)) && letters(g).length > 1;
}

/**
 * 10% is 0.1, and it is 10 where the question asks for per cent. A prediction below 1% is not also taken
 * for the number before its sign: 0.5% is no answer to 0.5.
 */
function samePercent(p: Value, g: Value): boolean {
  const [withSign, without] = p.percent ? [p, g] : [g, p];
  if (sameFormula(call("divide", withSign.formula!, number(100n)), without.formula!)) return true;
  const exact = evaluateExactly(withSign.formula!);
  if (p.percent && (exact === null || q.compare(q.abs(exact), q.ONE) < 0)) return false;
  return sameFormula(p.formula!, g.formula!) || rounds(p, g);
}

/** Whether one is written as a decimal that rounds the other, to enough digits. */
function rounds(p: Value, g: Value): boolean {
  if (p.decimal === null && g.decimal === null) return false;
  if (p.decimal !== null && g.decimal !== null) {
    const isFiner = p.decimal.places >= g.decimal.places;
    const [fine, coarse] = isFiner ? [p.decimal, g.decimal] : [g.decimal, p.decimal];
    const needed = isFiner && coarse.scientific && coarse.digits >= SCIENTIFIC_DIGITS
      ? SCIENTIFIC_DIGITS
      : ROUNDED_DIGITS;
    return coarse.digits >= needed && isRounded(coarse, fine.value);
  }
  const decimal = (p.decimal ?? g.decimal)!;
  const other = (p.decimal === null ? p.formula : g.formula)!;
  if (decimal.digits < ROUNDED_DIGITS || variables(other).size > 0) return false;
  const exact = evaluateExactly(other);
  if (exact !== null) return isRounded(decimal, exact);
  const { re, im, error } = evaluateNumerically(other, () => NaN, "e");
  if (!Number.isFinite(re) || Math.abs(im) > 8 * error) return false;
  const last = 10 ** -decimal.places;
  return withinLastPlace(toNumber(decimal.value), re, last, 8 * error);
}

/** Rounded to the nearest, or cut off, at the decimal's last place. */
function isRounded(decimal: Decimal, value: Rational): boolean {
  const last = q.power({ n: 10n, d: 1n }, BigInt(-decimal.places));
  const apart = q.add(value, q.negate(decimal.value));
  if (last === null || apart === null) return false;
  const size = q.abs(apart);
  const half = q.multiply(last, { n: 1n, d: 2n });
  if (half !== null && q.compare(size, half) <= 0) return true;
  const isCut = apart.n === 0n || (apart.n > 0n) === (decimal.value.n > 0n);
  return isCut && q.compare(size, last) < 0;
}

function withinLastPlace(decimal: number, value: number, last: number, error: number): boolean {
  const apart = Math.abs(decimal - value);
  if (error > last / 4) return false;
  if (apart <= last / 2 + error) return true;
  return apart < last && Math.abs(decimal) < Math.abs(value);
}

// Several answers

/** The same elements in any order. */
function sameElements(p: readonly Shape[], g: readonly Shape[]): boolean {
  if (p.length !== g.length) return false;
  const left = [...p];
  for (const gold of g) {
    const found = left.findIndex((prediction) => same(prediction, gold));
    if (found < 0) return false;
    left.splice(found, 1);
  }
  return true;
}

const sameInOrder = (p: readonly Shape[], g: readonly Shape[]): boolean =>
  p.length === g.length && g.every((gold, i) => same(p[i], gold));

const isNameless = (items: readonly Shape[]) => items.every(({ kind }) => kind !== "relation");

function sameList(p: Shape, g: Shape & { kind: "list" }): boolean {
  if (p.kind === "list" || p.kind === "set") {
    if (sameElements(p.items, g.items)) return true;
    if (p.kind === "list") {
      // With the names left out on one side the order must be right.
      const [values, golds] = [assignedParts(p.items), assignedParts(g.items)];
      if (golds !== null && isNameless(p.items)) return sameInOrder(p.items, golds);
      if (values !== null && isNameless(g.items)) {
        return g.joiner === "," && sameInOrder(values, g.items);
      }
    }
  }
  if (p.kind === "tuple" && p.open === "(" && p.close === ")") {
    return sameInOrder(p.items, assignedParts(g.items) ?? g.items);
  }
  return sameAsSets(p, g);
}

function sameTuple(p: Shape, g: Shape & { kind: "tuple" }): boolean {
  switch (p.kind) {
    case "tuple": {
      // A pair may be an interval, whose brackets matter.
      const brackets = g.items.length === 2
        ? p.open === g.open && p.close === g.close
        : (p.open === "(") === (p.close === ")");
      return brackets && sameInOrder(p.items, g.items);
    }
    case "list":
      return g.open === "(" && g.close === ")" &&
        sameInOrder(assignedParts(p.items) ?? p.items, g.items);
    case "matrix":
      return isVector(p.rows) && sameInOrder(p.rows.flat(), g.items);
    default:
      return false;
  }
}

const isVector = (rows: readonly (readonly Shape[])[]) =>
  rows.length === 1 || rows.every((row) => row.length === 1);

function sameMatrix(p: Shape, g: Shape & { kind: "matrix" }): boolean {
  if (p.kind === "tuple") return isVector(g.rows) && sameInOrder(p.items, g.rows.flat());
  if (p.kind !== "matrix") {
    return p.kind === "value" && g.rows.flat().length === 1 && same(p, g.rows[0][0]);
  }
  return p.rows.length === g.rows.length && g.rows.every((row, i) => sameInOrder(p.rows[i], row));
}

function sameAsSets(p: Shape, g: Shape): boolean {
  const gold = realSet(g);
  const prediction = gold === null ? null : realSet(p);
  return gold !== null && prediction !== null && sameRealSet(prediction, gold, same);
}

// Relations

function sameRelation(p: RelationShape, g: RelationShape): boolean {
  const isEquation = (shape: RelationShape) => shape.relations.every((r) => r === "=");
  if (isEquation(p) && isEquation(g)) {
    const values = [assigned(p), assigned(g)];
    const named = isName(p.sides[0]) && isName(g.sides[0]) && same(p.sides[0], g.sides[0]);
    if (named && values[0] !== null && values[1] !== null && same(values[0], values[1])) {
      return true;
    }
  }
  if (p.relations.length !== g.relations.length) return false;
  const pairs = (shape: RelationShape, reversed: boolean) => {
    const links = shape.relations.map((relation, i) =>
      oriented(shape.sides[i], relation, shape.sides[i + 1])
    );
    return reversed ? links.toReversed() : links;
  };
  const gold = pairs(g, false);
  return [false, true].some((reversed) => {
    const prediction = pairs(p, reversed);
    return gold.every((link, i) => sameLink(prediction[i], link));
  });
}

interface Link {
  readonly left: Shape;
  readonly relation: "=" | "approx" | "<" | "le" | "ne" | "in" | "other";
  readonly right: Shape;
}

/** With the larger side on the right. */
function oriented(left: Shape, relation: Relation, right: Shape): Link {
  if (relation === ">") return { left: right, relation: "<", right: left };
  if (relation === "ge") return { left: right, relation: "le", right: left };
  return { left, relation, right };
}

function sameLink(p: Link, g: Link): boolean {
  if (p.relation !== g.relation) return false;
  if (same(p.left, g.left) && same(p.right, g.right)) return true;
  if (g.relation === "in" || g.relation === "other") return false;
  if (g.relation === "=" || g.relation === "ne") {
    if (same(p.left, g.right) && same(p.right, g.left)) return true;
  }
  const difference = ({ left, right }: Link): Expression | null =>
    left.kind === "value" && right.kind === "value" && left.formula !== null &&
      right.formula !== null
      ? call("add", right.formula, call("negate", left.formula))
      : null;
  const [a, b] = [difference(p), difference(g)];
  if (a === null || b === null) return false;
  const sign = proportional(a, b);
  return sign === "same" || sign === "opposite" && (g.relation === "=" || g.relation === "ne");
}
