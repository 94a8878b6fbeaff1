import type { Expression } from "./expression.ts";
import {
  abs,
  add,
  compare,
  divide,
  isInteger,
  multiply,
  negate,
  ONE,
  power,
  type Rational,
  rational,
  root,
  ZERO,
} from "./rational.ts";
import { spend } from "./work.ts";

/** Factorials, sums and products with more factors or terms are not computed. */
const MAX_TERMS = 600n;

/** The value of a formula that is a rational number, or null: it is none, or computing it costs too much. */
export function evaluateExactly(expression: Expression): Rational | null {
  spend(1);
  if (expression.kind === "number") return expression.value;
  if (expression.kind === "symbol") return null;
  const { name } = expression;
  if (name === "sum" || name === "product") return series(expression.args, name);
  const args: Rational[] = [];
  for (const arg of expression.args) {
    const value = evaluateExactly(arg);
    if (value === null) return null;
    args.push(value);
  }
  const [a, b] = args;
  if (a === undefined) return null;
  switch (name) {
    case "add":
      return fold(args, add);
    case "multiply":
      return fold(args, multiply);
    case "negate":
      return negate(a);
    case "divide":
      return args.length === 2 ? divide(a, b) : null;
    case "power":
      return b === undefined ? null : raised(a, b);
    case "sqrt":
      return root(a, 2n);
    case "root":
      return b !== undefined && isInteger(b) ? root(a, b.n) : null;
    case "abs":
      return abs(a);
    case "factorial":
      return isInteger(a) && a.n >= 0n ? factorial(a.n, 1n) : null;
    case "double_factorial":
      return isInteger(a) && a.n >= 0n ? factorial(a.n, 2n) : null;
    case "binomial":
      return b !== undefined && isInteger(a) && isInteger(b) ? binomial(a.n, b.n) : null;
    case "floor":
      return { n: floor(a), d: 1n };
    case "ceil":
      return { n: -floor(negate(a)), d: 1n };
    case "mod":
      return b === undefined || b.n === 0n ? null : modulo(a, b);
    case "max":
      return args.reduce((x, y) => compare(x, y) >= 0 ? x : y);
    case "min":
      return args.reduce((x, y) => compare(x, y) <= 0 ? x : y);
    case "gcd":
    case "lcm":
      return args.every(isInteger) ? { n: divisor(args.map(({ n }) => n), name), d: 1n } : null;
    case "log":
    case "log2":
      return logarithm(a, name === "log2" ? { n: 2n, d: 1n } : b);
    case "ln":
      return a.n === 1n && a.d === 1n ? ZERO : null;
    default:
      return null;
  }
}

function fold(
  args: readonly Rational[],
  combine: (a: Rational, b: Rational) => Rational | null,
): Rational | null {
  let total: Rational | null = args[0];
  for (let i = 1; i < args.length && total !== null; i++) total = combine(total, args[i]);
  return total;
}

/** A base of ten or of e may be meant by a bare logarithm, so it has no value here but at 1. */
function logarithm(a: Rational, base: Rational | undefined): Rational | null {
  if (a.n === 1n && a.d === 1n) return ZERO;
  if (base === undefined || a.n <= 0n || compare(base, ONE) <= 0) return null;
  for (let k = 1n; k <= 64n; k++) {
    const raised = power(base, k);
    if (raised === null) return null;
    if (raised.n === a.n && raised.d === a.d) return { n: k, d: 1n };
    if (raised.d === a.n && raised.n === a.d) return { n: -k, d: 1n };
  }
  return null;
}

function raised(base: Rational, exponent: Rational): Rational | null {
  // A negative base has no real root that all agree on: (-8)^(1/3) is complex on the principal branch.
  if (!isInteger(exponent) && base.n < 0n) return null;
  const whole = isInteger(exponent) ? base : root(base, exponent.d);
  return whole === null ? null : power(whole, exponent.n);
}

function factorial(n: bigint, step: bigint): Rational | null {
  if (n > MAX_TERMS) return null;
  let product = 1n;
  for (let k = n; k > 1n; k -= step) product *= k;
  return rational(product);
}

function binomial(n: bigint, k: bigint): Rational | null {
  if (k < 0n || n < 0n) return null;
  if (k > n) return ZERO;
  if (k > n - k) k = n - k;
  if (k > MAX_TERMS) return null;
  let product = 1n;
  for (let i = 1n; i <= k; i++) {
    product = product * (n - k + i) / i;
    if (i % 16n === 0n && rational(product) === null) return null;
  }
  return rational(product);
}

function floor({ n, d }: Rational): bigint {
  const quotient = n / d;
  return n < 0n && quotient * d !== n ? quotient - 1n : quotient;
}

function modulo(a: Rational, b: Rational): Rational | null {
  const quotient = divide(a, b);
  if (quotient === null) return null;
  const whole = multiply(b, { n: floor(quotient), d: 1n });
  return whole === null ? null : add(a, negate(whole));
}

function divisor(values: readonly bigint[], name: "gcd" | "lcm"): bigint {
  const gcd = (a: bigint, b: bigint): bigint => b === 0n ? (a < 0n ? -a : a) : gcd(b, a % b);
  if (name === "gcd") return values.reduce(gcd);
  return values.reduce((a, b) => a === 0n || b === 0n ? 0n : a / gcd(a, b) * b);
}

/** A sum or product over a whole-number index with given bounds. */
function series(args: readonly Expression[], name: "sum" | "product"): Rational | null {
  const [body, range] = args;
  if (range?.kind !== "call" || range.args.length !== 3) return null;
  const [index, from, to] = range.args;
  const start = evaluateExactly(from);
  const end = evaluateExactly(to);
  if (index.kind !== "symbol" || start === null || end === null) return null;
  if (!isInteger(start) || !isInteger(end) || end.n - start.n > MAX_TERMS / 4n) return null;
  let total: Rational | null = name === "sum" ? ZERO : ONE;
  for (let k = start.n; k <= end.n && total !== null; k++) {
    const term = evaluateExactly(substitute(body, index.name, { n: k, d: 1n }));
    if (term === null) return null;
    total = name === "sum" ? add(total, term) : multiply(total, term);
  }
  return total;
}

function substitute(expression: Expression, name: string, value: Rational): Expression {
  spend(1);
  if (expression.kind === "number") return expression;
  if (expression.kind === "symbol") {
    return expression.name === name ? { kind: "number", value } : expression;
  }
  return { ...expression, args: expression.args.map((arg) => substitute(arg, name, value)) };
}
