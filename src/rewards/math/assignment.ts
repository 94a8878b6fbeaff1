/**
 * Equations that name a value: `x = 3`, `f(x) = x²`, `AB = 5`, `Area = 30`.
 *
 * @module
 */
import { type Expression, variables } from "./expression.ts";
import { evaluateNumerically } from "./numeric.ts";
import type { Shape } from "./shape.ts";

export type RelationShape = Shape & { readonly kind: "relation" };

/** What an equation gives a name to, such as the 3 of `x = 3`; null where it is no assignment. */
export function assigned(shape: RelationShape): Shape | null {
  if (shape.relations[0] === "in" && shape.relations.length === 1 && isName(shape.sides[0])) {
    return shape.sides[1];
  }
  if (!shape.relations.every((relation) => relation === "=" || relation === "approx")) return null;
  // `x = √2 ≈ 1.41` gives x the value √2.
  const rounded = shape.relations.indexOf("approx");
  const last = shape.sides[rounded > 0 ? rounded : shape.sides.length - 1];
  if (isName(shape.sides[0]) || isQuotient(shape.sides[0]) && isConstant(last)) return last;
  return shape.sides.length === 2 && isName(last) ? shape.sides[0] : null;
}

/** The values of `x = 1, y = 2`: assignments to different names, which have an order of their own. */
export function assignedParts(items: readonly Shape[]): readonly Shape[] | null {
  const names = new Set<string>();
  const values: Shape[] = [];
  for (const item of items) {
    const value = item.kind === "relation" && item.relations.length === 1 ? assigned(item) : null;
    if (item.kind !== "relation" || item.relations[0] !== "=" || value === null) return null;
    const name = item.sides[0] === value ? item.sides[1] : item.sides[0];
    if (name.kind !== "value" || names.has(name.spelling)) return null;
    names.add(name.spelling);
    values.push(value);
  }
  return values;
}

/**
 * What a prediction's equation ends in: `2 + 3 = 5` and `x + y = 5` say 5, and so does `5 = x`. Where it
 * ends in `≈`, the exact value and the rounded one, if they are near each other.
 */
export function concluded(shape: RelationShape): readonly Shape[] {
  if (!shape.relations.every((relation) => relation === "=" || relation === "approx")) return [];
  const last = shape.sides.at(-1)!;
  if (isName(last) && !isName(shape.sides[0])) return [shape.sides[0]];
  const exact = shape.sides.at(-2)!;
  if (shape.relations.at(-1) !== "approx" || isName(exact)) return [last];
  return isNear(exact, last) ? [exact, last] : [];
}

/** Within a hundredth of each other: what `≈` may claim. */
function isNear(a: Shape, b: Shape): boolean {
  if (a.kind !== "value" || b.kind !== "value" || a.formula === null || b.formula === null) {
    return false;
  }
  const [x, y] = [a.formula, b.formula].map((e) => evaluateNumerically(e, () => NaN, "e").re);
  return Math.abs(x - y) <= 0.01 * Math.abs(y);
}

/** A symbol, f(x), AB, |AB|, an angle, words, or a tuple of such. */
export function isName(shape: Shape): boolean {
  if (shape.kind === "tuple") return shape.items.every(isName);
  if (shape.kind !== "value") return false;
  const { formula } = shape;
  if (formula === null) return /[a-zA-Z]/.test(shape.spelling);
  return isNaming(formula);
}

function isNaming(e: Expression): boolean {
  if (e.kind === "symbol") return variables(e).size > 0;
  if (e.kind === "number") return false;
  if (e.name.startsWith(":")) return true;
  if (e.name === "abs" || e.name === "conjugate") return e.args.every(isNaming);
  // AB: a letter, then letters and numbers.
  return e.name === "multiply" && isNaming(e.args[0]) &&
    e.args.slice(1).every((arg) => arg.kind !== "call" && (arg.kind === "number" || isNaming(arg)));
}

/** AB : CD. */
const isQuotient = (shape: Shape): boolean =>
  shape.kind === "value" && shape.formula?.kind === "call" && shape.formula.name === "divide" &&
  shape.formula.args.every(isNaming);

const isConstant = (shape: Shape): boolean =>
  shape.kind === "value" && shape.formula !== null && variables(shape.formula).size === 0;
