/**
 * Whether two formulas are the same function of their variables, and whether one is a multiple of the other.
 *
 * Three evaluators decide, each where it can: exact rationals; a finite field, which is exact for rational
 * functions; complex doubles with an error bound at sampled points for roots, logarithms and trigonometry.
 *
 * @module
 */
import * as c from "./complex.ts";
import type { Complex } from "./complex.ts";
import { evaluateExactly } from "./exact.ts";
import { call, calls, type Expression, variables } from "./expression.ts";
import { evaluateInField } from "./field.ts";
import { evaluateNumerically, type LogBase, type Sample } from "./numeric.ts";
import { differFurther } from "./precise.ts";
import { equal } from "./rational.ts";

/** Sampled points; this many must have a value. */
const POINTS = 10;
const NEEDED = 3;

/** Whether two formulas are equal wherever `gold` has a real value. */
export function sameFormula(prediction: Expression, gold: Expression): boolean {
  const p = evaluateExactly(prediction);
  const g = evaluateExactly(gold);
  if (p !== null && g !== null) return equal(p, g);
  const inField = [evaluateInField(prediction), evaluateInField(gold)];
  const [left, right] = inField;
  if (left !== null && right !== null) {
    if (left.value === right.value) return true;
    if (left.rational && right.rational) return false;
  }
  const agreed = logBases([prediction, gold]).some((log) =>
    agree(prediction, gold, log, difference)
  );
  return agreed && !differFurther(prediction, gold);
}

/**
 * Whether one formula is a multiple of the other by a number: "same" if by a positive one, "opposite" if by
 * a negative one, otherwise null.
 */
export function proportional(
  prediction: Expression,
  gold: Expression,
): "same" | "opposite" | null {
  const names = [...new Set([...variables(prediction), ...variables(gold)])].sort();
  if (names.length === 0) return null;
  for (const log of logBases([prediction, gold])) {
    const ratios: Complex[] = [];
    const steady = agree(prediction, gold, log, (a, b) => {
      if (c.magnitude(b) <= 1e3 * b.error) return null;
      const ratio = c.divide(a, b);
      ratios.push(ratio);
      return difference(ratio, ratios[0]);
    });
    if (!steady || ratios.length === 0) continue;
    const { re, im, error } = ratios[0];
    if (Math.abs(im) > 64 * error + 1e-12 || Math.abs(re) <= 64 * error) continue;
    if (!isMultiple(prediction, gold)) continue;
    return re > 0 ? "same" : "opposite";
  }
  return null;
}

/** The exact side of proportionality: p(x)·g(y) = p(y)·g(x) in the field, where that is decisive. */
function isMultiple(prediction: Expression, gold: Expression): boolean {
  const other = (e: Expression): Expression =>
    e.kind === "symbol" && variables(e).size > 0
      ? { kind: "symbol", name: `${e.name} elsewhere` }
      : e.kind === "call"
      ? { ...e, args: e.args.map(other) }
      : e;
  const left = evaluateInField(call("multiply", prediction, other(gold)));
  const right = evaluateInField(call("multiply", other(prediction), gold));
  if (left === null || right === null || !left.rational || !right.rational) return true;
  return left.value === right.value;
}

/** A bare logarithm is natural to some and decimal to others; both sides are read alike. */
function logBases(formulas: readonly Expression[]): readonly LogBase[] {
  const isBare = (e: Expression): boolean =>
    e.kind === "call" && (e.name === "log" && e.args.length === 1 || e.args.some(isBare));
  return formulas.some(isBare) ? ["e", "10"] : ["e"];
}

/** 0 where two values are equal but for rounding, otherwise 1; null where rounding hides it. */
function difference(a: Complex, b: Complex): 0 | 1 | null {
  const apart = Math.hypot(a.re - b.re, a.im - b.im);
  const error = 8 * (a.error + b.error);
  if (apart > error) return 1;
  const size = Math.max(c.magnitude(a), c.magnitude(b));
  return error <= 1e-6 * size || error <= 1e-9 ? 0 : null;
}

function agree(
  prediction: Expression,
  gold: Expression,
  log: LogBase,
  differ: (a: Complex, b: Complex) => 0 | 1 | null,
): boolean {
  const names = variables(gold);
  const isConstant = names.size === 0 && variables(prediction).size === 0;
  const domain = domainOf(prediction, gold);
  let real = 0;
  let complex = 0;
  let sawReal = false;
  for (let k = 0; k < (isConstant ? 1 : POINTS); k++) {
    const sample = point(k, domain);
    const g = evaluateNumerically(gold, sample, log);
    if (!c.isFinite(g)) continue;
    const isReal = Math.abs(g.im) <= 8 * g.error;
    // Where gold has real values, only these count: ln x² is asked for where it is real.
    if (sawReal && !isReal) continue;
    const p = evaluateNumerically(prediction, sample, log);
    const verdict = c.isFinite(p) ? differ(p, g) : 1;
    if (isReal) {
      sawReal = true;
      if (verdict === 1) return false;
      if (verdict === 0) real++;
    } else if (verdict === 1) {
      if (isConstant) return false;
      complex = -POINTS;
    } else if (verdict === 0) complex++;
  }
  if (isConstant) return real + complex === 1;
  return sawReal ? real >= NEEDED : complex >= NEEDED;
}

/** Where formulas are sampled: what is made for whole numbers, at whole numbers, and steps also far out. */
type Domain = "reals" | "wholes" | "steps";

const STEPS = new Set(["floor", "ceil", "mod", "gcd", "lcm"]);
const WHOLES = new Set(["factorial", "double_factorial", "binomial"]);

function domainOf(...formulas: readonly Expression[]): Domain {
  if (formulas.some((e) => calls(e, (name) => STEPS.has(name)))) return "steps";
  const isWhole = formulas.some((e) => calls(e, (name) => WHOLES.has(name)) || alternates(e));
  return isWhole ? "wholes" : "reals";
}

/** (-1)^n, which is meant for whole n. */
function alternates(e: Expression): boolean {
  if (e.kind !== "call") return false;
  if (e.name === "power" && variables(e.args[1] ?? e.args[0]).size > 0) {
    const base = evaluateExactly(e.args[0]);
    if (base !== null && base.n < 0n) return true;
  }
  return e.args.some(alternates);
}

/** The k-th sample. Of the reals: three small positive ones, then of both signs and further out. */
function point(k: number, domain: Domain): Sample {
  return (name) => {
    let hash = 0x811c9dc5 ^ Math.imul(k + 1, 0x9e3779b1);
    for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
    hash ^= hash >>> 15;
    hash = Math.imul(hash, 0x2c1b3c6d);
    hash ^= hash >>> 12;
    hash = Math.imul(hash, 0x297a2d39);
    const fraction = ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32;
    if (domain === "wholes") return 1 + Math.floor(fraction * (k < 5 ? 6 : 12));
    // Up to a million, and fractions between: ⌊√n⌋ and ⌊∛n⌋ agree up to 3.
    if (domain === "steps") return k < 6 ? 1 + Math.floor(10 ** (6 * fraction)) : 50 * fraction;
    if (k < 3) return 0.2 + 0.7 * fraction;
    if (k < 5) return 1.1 + 3 * fraction;
    return (fraction - 0.5) * (k < 8 ? 6 : 24);
  };
}
