/**
 * Complex doubles that carry a bound on their rounding error, so that "equal but for rounding" needs no
 * guessed tolerance.
 *
 * @module
 */

/** re + im·i, known to within `error` (absolute). */
export interface Complex {
  readonly re: number;
  readonly im: number;
  readonly error: number;
}

const EPSILON = 2.3e-16;

export const magnitude = ({ re, im }: Complex): number =>
  im === 0 ? Math.abs(re) : re === 0 ? Math.abs(im) : Math.hypot(re, im);

const rounded = (re: number, im: number, error: number): Complex => ({
  re,
  im,
  error: error + EPSILON * (Math.abs(re) + Math.abs(im)),
});

export const complex = (re: number, im = 0): Complex => rounded(re, im, 0);
export const isFinite = ({ re, im, error }: Complex): boolean =>
  Number.isFinite(re) && Number.isFinite(im) && Number.isFinite(error);

export const negate = (a: Complex): Complex => ({ re: -a.re, im: -a.im, error: a.error });
export const add = (a: Complex, b: Complex): Complex =>
  rounded(a.re + b.re, a.im + b.im, a.error + b.error);

export function multiply(a: Complex, b: Complex): Complex {
  const error = magnitude(a) * b.error + magnitude(b) * a.error + a.error * b.error;
  if (a.im === 0 && b.im === 0) return rounded(a.re * b.re, 0, error);
  return rounded(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re, 2 * error);
}

function inverse(a: Complex): Complex {
  const size = magnitude(a);
  const error = a.error / (size * size);
  if (a.im === 0) return rounded(1 / a.re, 0, error);
  return rounded(a.re / size / size, -a.im / size / size, error);
}

export const divide = (a: Complex, b: Complex): Complex => multiply(a, inverse(b));

/** A function's value whose derivative has this size at the operand. */
const at = (a: Complex, slope: number, re: number, im: number): Complex =>
  rounded(re, im, slope * a.error);

export function exp(a: Complex): Complex {
  const size = Math.exp(a.re);
  return a.im === 0
    ? at(a, size, size, 0)
    : at(a, size, size * Math.cos(a.im), size * Math.sin(a.im));
}

/** The principal logarithm. */
export function ln(a: Complex): Complex {
  const size = magnitude(a);
  return at(a, 1 / size, Math.log(size), a.im === 0 && a.re >= 0 ? 0 : Math.atan2(a.im, a.re));
}

/** The principal root. */
export function sqrt(a: Complex): Complex {
  const size = magnitude(a);
  if (size === 0) return { re: 0, im: 0, error: Math.sqrt(a.error) };
  const slope = 0.5 / Math.sqrt(size);
  if (a.im === 0) {
    return a.re >= 0 ? at(a, slope, Math.sqrt(a.re), 0) : at(a, slope, 0, Math.sqrt(-a.re));
  }
  const re = Math.sqrt((size + Math.abs(a.re)) / 2);
  const im = Math.abs(a.im) / (2 * re);
  const sign = a.im < 0 ? -1 : 1;
  return a.re >= 0 ? at(a, slope, re, sign * im) : at(a, slope, im, sign * re);
}

/** The principal power. */
export function power(base: Complex, exponent: Complex): Complex {
  const size = magnitude(base);
  if (Number.isNaN(size)) return base; // also to the power 0
  if (size === 0) {
    if (exponent.re === 0 && exponent.im === 0) return complex(1);
    return exponent.re > 0 ? base : { re: NaN, im: NaN, error: NaN };
  }
  const whole = exponent.im === 0 && Number.isInteger(exponent.re);
  if (whole && base.im === 0) {
    const re = base.re ** exponent.re;
    const error = Math.abs(re) *
      (Math.abs(exponent.re) * (base.error / size + EPSILON) +
        Math.abs(Math.log(size)) * (exponent.re === 0 ? 0 : exponent.error - EPSILON));
    return rounded(re, 0, Math.max(error, 0));
  }
  if (whole && Math.abs(exponent.re) <= 64) {
    let result = complex(1);
    for (let k = 0; k < Math.abs(exponent.re); k++) result = multiply(result, base);
    return exponent.re < 0 ? inverse(result) : result;
  }
  return exp(multiply(exponent, ln(base)));
}

const I = { re: 0, im: 1, error: 0 };
const scale = (a: Complex, by: number): Complex => rounded(a.re * by, a.im * by, a.error * by);

export function sin(a: Complex): Complex {
  const re = Math.sin(a.re) * Math.cosh(a.im);
  const im = a.im === 0 ? 0 : Math.cos(a.re) * Math.sinh(a.im);
  // Reducing a large angle by multiples of 2π costs as many digits as the angle has before its point.
  return rounded(re, im, Math.cosh(a.im) * (a.error + EPSILON * Math.abs(a.re)));
}

export function cos(a: Complex): Complex {
  const re = Math.cos(a.re) * Math.cosh(a.im);
  const im = a.im === 0 ? 0 : -Math.sin(a.re) * Math.sinh(a.im);
  return rounded(re, im, Math.cosh(a.im) * (a.error + EPSILON * Math.abs(a.re)));
}

export function arcsin(a: Complex): Complex {
  if (a.im === 0 && Math.abs(a.re) <= 1) {
    const slope = 1 / Math.sqrt(Math.max(1 - a.re * a.re, EPSILON));
    return at(a, slope, Math.asin(a.re), 0);
  }
  // -i ln(iz + sqrt(1 - z²))
  const inner = add(multiply(I, a), sqrt(add(complex(1), negate(multiply(a, a)))));
  return multiply(negate(I), ln(inner));
}

export function arccos(a: Complex): Complex {
  return add(complex(Math.PI / 2), negate(arcsin(a)));
}

export function arctan(a: Complex): Complex {
  if (a.im === 0) return at(a, 1 / (1 + a.re * a.re), Math.atan(a.re), 0);
  // i/2 · ln((i + z) / (i - z))
  return multiply(scale(I, 0.5), ln(divide(add(I, a), add(I, negate(a)))));
}

export function sinh(a: Complex): Complex {
  return scale(add(exp(a), negate(exp(negate(a)))), 0.5);
}

export function cosh(a: Complex): Complex {
  return scale(add(exp(a), exp(negate(a))), 0.5);
}

/** Lanczos' coefficients for g = 7 (Numerical Recipes' ninefold series), good to 15 digits. */
const LANCZOS = [
  0.99999999999980993,
  676.5203681218851,
  -1259.1392167224028,
  771.32342877765313,
  -176.61502916214059,
  12.507343278686905,
  -0.13857109526572012,
  9.9843695780195716e-6,
  1.5056327351493116e-7,
];

/** Γ(a) for a real operand, otherwise not a number. */
export function gamma(a: Complex): Complex {
  if (a.im !== 0) return { re: NaN, im: NaN, error: NaN };
  const value = realGamma(a.re);
  return { re: value, im: 0, error: Math.abs(value) * (1e-13 + 10 * a.error) };
}

function realGamma(x: number): number {
  if (x <= 0 && Number.isInteger(x)) return NaN;
  if (x < 0.5) return Math.PI / (Math.sin(Math.PI * x) * realGamma(1 - x));
  const z = x - 1;
  let sum = LANCZOS[0];
  for (let k = 1; k < LANCZOS.length; k++) sum += LANCZOS[k] / (z + k);
  const t = z + 7.5;
  return Math.sqrt(2 * Math.PI) * t ** (z + 0.5) * Math.exp(-t) * sum;
}
