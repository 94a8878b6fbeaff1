/**
 * Exact rational numbers under a bit budget.
 *
 * @module
 */

import { spend } from "./work.ts";

/** A rational number in lowest terms, its denominator above zero. */
export interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

/** Larger numerators and denominators are not computed: their value is null. */
const MAX_BITS = 4096;
const LIMIT = 1n << BigInt(MAX_BITS);

const tooLarge = (x: bigint) => x >= LIMIT || x <= -LIMIT;

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  if (a < 0n) a = -a;
  if (b < 0n) b = -b;
  while (b !== 0n) {
    // Euclid's steps on machine integers cost a tenth of those on BigInt.
    if (a <= 9007199254740991n && b <= 9007199254740991n) {
      let [x, y] = [Number(a), Number(b)];
      while (y !== 0) [x, y] = [y, x % y];
      return BigInt(x);
    }
    spend(2);
    [a, b] = [b, a % b];
  }
  return a;
}

/** n/d in lowest terms; null for a zero denominator or one over the bit budget. */
export function rational(n: bigint, d = 1n): Rational | null {
  if (d === 0n || tooLarge(n) || tooLarge(d)) return null;
  if (d === 1n) return { n, d };
  const divisor = greatestCommonDivisor(n, d);
  const sign = d < 0n ? -1n : 1n;
  return { n: sign * n / divisor, d: sign * d / divisor };
}

export const ZERO: Rational = { n: 0n, d: 1n };
export const ONE: Rational = { n: 1n, d: 1n };

export const negate = (a: Rational): Rational => ({ n: -a.n, d: a.d });
export const equal = (a: Rational, b: Rational): boolean => a.n === b.n && a.d === b.d;
export const add = (a: Rational, b: Rational): Rational | null =>
  rational(a.n * b.d + b.n * a.d, a.d * b.d);
export const multiply = (a: Rational, b: Rational): Rational | null =>
  rational(a.n * b.n, a.d * b.d);
export const divide = (a: Rational, b: Rational): Rational | null => rational(a.n * b.d, a.d * b.n);
export const isInteger = (a: Rational): boolean => a.d === 1n;

/** -1, 0 or 1. */
export function compare(a: Rational, b: Rational): number {
  const difference = a.n * b.d - b.n * a.d;
  return difference > 0n ? 1 : difference < 0n ? -1 : 0;
}

export const abs = (a: Rational): Rational => (a.n < 0n ? negate(a) : a);

const bits = (x: bigint): number => (x < 0n ? -x : x).toString(16).length * 4;

/** base^exponent for a whole exponent, or null. */
export function power(base: Rational, exponent: bigint): Rational | null {
  if (exponent < 0n) {
    return base.n === 0n ? null : power(rational(base.d, base.n)!, -exponent);
  }
  const size = Math.max(bits(base.n), bits(base.d));
  if (base.d === 1n && (base.n === 0n || base.n === 1n || base.n === -1n)) {
    return { n: exponent === 0n ? 1n : base.n ** (2n - exponent % 2n), d: 1n };
  }
  if (exponent > BigInt(MAX_BITS) || Number(exponent) * (size - 4) > MAX_BITS) return null;
  return rational(base.n ** exponent, base.d ** exponent);
}

/** The whole k-th root of a number not below zero, if it is one. */
function wholeRoot(x: bigint, k: bigint): bigint | null {
  if (x < 2n) return x;
  // Newton's iteration from above, for floor(x^(1/k)).
  let root = 1n << BigInt(Math.ceil(bits(x) / Number(k)) + 1);
  for (;;) {
    const next = ((k - 1n) * root + x / root ** (k - 1n)) / k;
    if (next >= root) break;
    root = next;
  }
  return root ** k === x ? root : null;
}

/** The real k-th root where it is rational, otherwise null. */
export function root(a: Rational, k: bigint): Rational | null {
  if (k < 1n || k > 64n) return null;
  if (a.n < 0n) {
    if (k % 2n === 0n) return null;
    const positive = root(negate(a), k);
    return positive === null ? null : negate(positive);
  }
  const n = wholeRoot(a.n, k);
  const d = n === null ? null : wholeRoot(a.d, k);
  return n === null || d === null ? null : { n, d };
}

/** The nearest double. */
export function toNumber({ n, d }: Rational): number {
  if (d === 1n) return Number(n);
  const shift = bits(d) - bits(n) + 64;
  // 64 significant bits of the quotient suffice for a double.
  return shift > 0 ? Number((n << BigInt(shift)) / d) / 2 ** shift : Number(n / d);
}

/** A number as it is written: digits with an optional fraction and a power of ten; null if it is none or too long. */
export function parseDecimal(text: string): Rational | null {
  const match = /^(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/.exec(text);
  if (match === null) return null;
  const [, whole, places = "", exponent = "0"] = match;
  if (whole === "" && places === "" || whole.length + places.length > 1200) return null;
  const power = Number(exponent) - places.length;
  if (Math.abs(power) > 1200) return null;
  const digits = BigInt(whole + places);
  return power >= 0
    ? rational(digits * 10n ** BigInt(power))
    : rational(digits, 10n ** BigInt(-power));
}
