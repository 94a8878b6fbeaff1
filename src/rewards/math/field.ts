/**
 * Formulas as elements of a finite field: an exact test of identities.
 *
 * Each variable (and π and e, which satisfy no equation with rational coefficients) gets a random
 * element of the field of P elements, i a square root of -1. Rational functions that are the same have
 * the same value; those that are not differ but for a chance of degree/P (Schwartz and Zippel). There is
 * no rounding, and a power of a million costs twenty multiplications.
 *
 * What is no rational function (a root, a sine) is a fixed random function of its operands: equal
 * values then still prove equality, but different ones prove nothing.
 *
 * @module
 */
import { evaluateExactly } from "./exact.ts";
import { type Expression, infinitySign } from "./expression.ts";
import { spend } from "./work.ts";

/** The largest prime below 2^61 that is 1 modulo 4, so that -1 has a square root. */
const P = 2305843009213693921n;

export interface FieldValue {
  readonly value: bigint;
  /** Whether the formula is a rational function: then different values mean different formulas. */
  readonly rational: boolean;
}

function powerMod(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = result * base % P;
    base = base * base % P;
  }
  return result;
}

const mod = (x: bigint) => ((x % P) + P) % P;
const inverse = (x: bigint) => powerMod(x, P - 2n);

/** A square root of -1: n^((P-1)/4) for the first n that is no square. */
const I = (() => {
  for (let n = 2n;; n++) {
    if (powerMod(n, (P - 1n) / 2n) === P - 1n) return powerMod(n, (P - 1n) / 4n);
  }
})();

/** FNV-1a over 64 bits, spread by two multiplications: a fixed random element for a text. */
function hash(text: string): bigint {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x5bd1e995) ^ (low >>> 13);
  }
  const mixed = (BigInt(high >>> 0) << 32n | BigInt(low >>> 0)) * 0x9e3779b97f4a7c15n;
  return mixed % P;
}

const elements = new Map<string, bigint>();

/** The element that stands for a variable. */
function element(name: string): bigint {
  let value = elements.get(name);
  if (value === undefined) {
    if (elements.size > 1000) elements.clear();
    elements.set(name, value = hash(`variable ${name}`));
  }
  return value;
}

const ARITHMETIC = new Set(["add", "multiply", "divide", "power"]);
const ARGUMENT_ORDER_FREE = new Set(["gcd", "lcm", "max", "min"]);

/** The value of a formula in the field, or null where a denominator is zero or ∞ is reckoned with: ∞ - ∞ is not 0. */
export function evaluateInField(expression: Expression): FieldValue | null {
  let isRational = true;
  const opaque = (name: string, args: readonly bigint[]): bigint => {
    isRational = false;
    const ordered = ARGUMENT_ORDER_FREE.has(name) ? args.toSorted((a, b) => a < b ? -1 : 1) : args;
    return hash(`${name} ${ordered.join(" ")}`);
  };
  const divide = (a: bigint, b: bigint) => b === 0n ? null : a * inverse(b) % P;

  const walk = (e: Expression): bigint | null => {
    spend(10);
    if (e.kind === "number") {
      return e.value.d === 1n ? mod(e.value.n) : divide(mod(e.value.n), mod(e.value.d));
    }
    if (e.kind === "symbol") return e.name === "i" ? I : element(e.name);
    if (ARITHMETIC.has(e.name) && e.args.some((arg) => infinitySign(arg) !== 0)) return null;
    if (e.name === "power") return power(e.args[0], e.args[1]);
    const args: bigint[] = [];
    for (const arg of e.args) {
      const value = walk(arg);
      if (value === null) return null;
      args.push(value);
    }
    switch (e.name) {
      case "add":
        return args.reduce((a, b) => (a + b) % P);
      case "negate":
        return mod(-args[0]);
      case "multiply":
        return args.reduce((a, b) => a * b % P);
      case "divide":
        return args.length === 2 ? divide(args[0], args[1]) : null;
      case "exp":
        return power({ kind: "symbol", name: "e" }, e.args[0]);
      case "sqrt":
        return opaque("root 2", args);
      case "root":
        return opaque(`root ${args[1]}`, [args[0]]);
    }
    const exact = evaluateExactly(e);
    if (exact !== null) return divide(mod(exact.n), mod(exact.d));
    return opaque(e.name, args);
  };

  const power = (base: Expression, exponent: Expression | undefined): bigint | null => {
    const value = walk(base);
    if (value === null || exponent === undefined) return null;
    const exact = evaluateExactly(exponent);
    if (exact === null) {
      const raised = walk(exponent);
      return raised === null ? null : opaque("power", [value, raised]);
    }
    const n = exact.d === 1n ? value : opaque(`root ${exact.d}`, [value]);
    if (exact.n < 0n) return n === 0n ? null : inverse(powerMod(n, -exact.n));
    return powerMod(n, exact.n);
  };

  const value = walk(expression);
  return value === null ? null : { value, rational: isRational };
}
