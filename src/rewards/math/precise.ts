/**
 * Real constants to 75 digits: a last look at two that agree as doubles, since e^(π√163) is no whole number
 * and √(10²⁰ + 1) is not 10¹⁰.
 *
 * Numbers are BigInts that count units of 2^-256.
 *
 * @module
 */
import { evaluateExactly } from "./exact.ts";
import type { Expression } from "./expression.ts";
import { spend } from "./work.ts";

const BITS = 256n;
const ONE = 1n << BITS;
/** Larger values are left to the doubles. */
const LARGEST = 1n << (BITS + 512n);
/** Steps that one root or series costs. */
const SERIES = 150;

const multiply = (a: bigint, b: bigint): bigint => a * b >> BITS;
const divide = (a: bigint, b: bigint): bigint | null => b === 0n ? null : (a << BITS) / b;
const abs = (a: bigint): bigint => a < 0n ? -a : a;

/** A double for starting an iteration. */
function toDouble(a: bigint): number {
  const shift = Math.max(0, abs(a).toString(16).length * 4 - 64);
  return Number(a >> BigInt(shift)) * 2 ** (shift - Number(BITS));
}

/** The nearest value to a double. */
function fromDouble(x: number): bigint | null {
  if (!Number.isFinite(x) || Math.abs(x) > 2 ** 500) return null;
  const high = BigInt(Math.trunc(x));
  return (high << BITS) + (BigInt(Math.round((x - Number(high)) * 2 ** 60)) << (BITS - 60n));
}

function squareRoot(a: bigint): bigint | null {
  if (a < 0n) return null;
  if (a === 0n) return 0n;
  spend(SERIES);
  const radicand = a << BITS;
  let root = 1n << BigInt(Math.ceil(radicand.toString(2).length / 2));
  for (;;) {
    const next = (root + radicand / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** arctan(1/n) by its series. */
function inverseTangent(n: bigint): bigint {
  let power = ONE / n;
  let sum = power;
  for (let k = 3n; power !== 0n; k += 2n) {
    power = -power / (n * n);
    sum += power / k;
  }
  return sum;
}

/** Machin's formula. */
const PI = 4n * (4n * inverseTangent(5n) - inverseTangent(239n));

/** e^a for small |a|: Taylor's series of a fraction of it, squared back. */
function smallExponential(a: bigint): bigint {
  const part = a >> 8n;
  let term = ONE;
  let sum = ONE;
  for (let k = 1n; term !== 0n && term !== -1n; k++) {
    term = multiply(term, part) / k;
    sum += term;
  }
  for (let k = 0; k < 8; k++) sum = multiply(sum, sum);
  return sum;
}

/** 2·artanh(1/3). */
const LN2 = (() => {
  let power = ONE / 3n;
  let sum = power;
  for (let k = 3n; power !== 0n; k += 2n) {
    power /= 9n;
    sum += power / k;
  }
  return 2n * sum;
})();
const E = smallExponential(ONE);

function exponential(a: bigint): bigint | null {
  spend(SERIES);
  const doublings = a / LN2;
  if (abs(doublings) > 500n) return null;
  const small = smallExponential(a - doublings * LN2);
  return doublings >= 0n ? small << doublings : small >> -doublings;
}

/** By Halley's iteration from the double. */
function logarithm(a: bigint): bigint | null {
  if (a <= 0n) return null;
  let value = fromDouble(Math.log(toDouble(a)));
  for (let k = 0; k < 3 && value !== null; k++) {
    const raised = exponential(value);
    const step = raised === null ? null : divide(2n * (a - raised), a + raised);
    value = step === null ? null : value + step;
  }
  return value;
}

/** Sine and cosine by their series. */
function circular(a: bigint): { sin: bigint; cos: bigint } | null {
  if (abs(a) > ONE << 40n) return null;
  spend(SERIES);
  const turn = 2n * PI;
  let angle = a % turn;
  if (angle > PI) angle -= turn;
  if (angle < -PI) angle += turn;
  let [sin, cos] = [0n, ONE];
  let term = ONE;
  for (let k = 1n; abs(term) > 1n; k++) {
    term = multiply(term, angle) / k;
    const sign = k % 4n < 2n ? 1n : -1n;
    if (k % 2n === 1n) sin += sign * term;
    else cos += (k % 4n === 0n ? 1n : -1n) * term;
  }
  return { sin, cos };
}

function arctangent(a: bigint): bigint | null {
  let value = fromDouble(Math.atan(toDouble(a)));
  for (let k = 0; k < 3 && value !== null; k++) {
    const at = circular(value);
    if (at === null) return null;
    const step = divide(multiply(a, at.cos) - at.sin, at.cos + multiply(a, at.sin));
    value = step === null ? null : value + step;
  }
  return value;
}

function power(base: bigint, exponent: Expression, degree = 1n): bigint | null {
  const exact = evaluateExactly(exponent);
  if (exact !== null && exact.d * degree <= 2n && abs(exact.n) <= 64n) {
    const root = exact.d * degree === 1n ? base : squareRoot(base);
    if (root === null) return null;
    let result = ONE;
    for (let k = 0n; k < abs(exact.n); k++) {
      result = multiply(result, root);
      if (abs(result) > LARGEST) return null;
    }
    return exact.n < 0n ? divide(ONE, result) : result;
  }
  const [log, raised] = [logarithm(base), walk(exponent)];
  return log === null || raised === null ? null : exponential(multiply(log, raised) / degree);
}

function tangent(a: bigint): bigint | null {
  const at = circular(a);
  return at === null ? null : divide(at.sin, at.cos);
}

/** Null where the value is not real, or of a function that is not known here. */
function walk(e: Expression): bigint | null {
  spend(5);
  const exact = evaluateExactly(e);
  if (exact !== null) return (exact.n << BITS) / exact.d;
  if (e.kind === "symbol") return e.name === "pi" ? PI : e.name === "e" ? E : null;
  if (e.kind === "number") return null;
  if (e.name === "power" || e.name === "root") {
    const base = walk(e.args[0]);
    if (base === null || e.args.length < 2) return null;
    if (e.name === "power") return power(base, e.args[1]);
    const degree = evaluateExactly(e.args[1]);
    if (degree === null || degree.d !== 1n || degree.n < 1n) return null;
    const root = power(abs(base), { kind: "number", value: { n: 1n, d: 1n } }, degree.n);
    return base >= 0n ? root : degree.n % 2n === 1n && root !== null ? -root : null;
  }
  const args: bigint[] = [];
  for (const arg of e.args) {
    const value = walk(arg);
    if (value === null || abs(value) > LARGEST) return null;
    args.push(value);
  }
  const [a, b] = args;
  switch (e.name) {
    case "add":
      return args.reduce((x, y) => x + y);
    case "multiply":
      return args.reduce(multiply);
    case "negate":
      return -a;
    case "divide":
      return divide(a, b);
    case "abs":
      return abs(a);
    case "sqrt":
      return squareRoot(a);
    case "exp":
      return exponential(a);
    case "ln":
      return logarithm(a);
    case "degrees":
      return multiply(a, PI) / 180n;
    case "sin":
      return circular(a)?.sin ?? null;
    case "cos":
      return circular(a)?.cos ?? null;
    case "tan":
      return tangent(a);
    case "arctan":
      return arctangent(a);
    default:
      return null;
  }
}

/** Whether two constants that agree as doubles differ further behind. */
export function differFurther(a: Expression, b: Expression): boolean {
  const [x, y] = [walk(a), walk(b)];
  if (x === null || y === null) return false;
  // The last 64 bits may be rounding.
  return abs(x - y) > (ONE + abs(x)) >> (BITS - 64n);
}
