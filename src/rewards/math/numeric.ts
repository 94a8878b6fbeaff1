/**
 * Formulas as complex doubles at sampled points: what the finite field cannot decide.
 *
 * @module
 */
import * as c from "./complex.ts";
import type { Complex } from "./complex.ts";
import { evaluateExactly } from "./exact.ts";
import type { Expression } from "./expression.ts";
import { toNumber } from "./rational.ts";
import { spend } from "./work.ts";

/** The value of a variable in a sample. */
export type Sample = (name: string) => number;

const UNKNOWN: Complex = { re: NaN, im: NaN, error: NaN };
const ONE: Complex = { re: 1, im: 0, error: 0 };

/** How a logarithm without a base is read. */
export type LogBase = "e" | "10";

/** A formula's value at a sample: not a number where it has none. */
export function evaluateNumerically(
  expression: Expression,
  sample: Sample,
  log: LogBase,
): Complex {
  const walk = (e: Expression): Complex => {
    spend(3);
    if (e.kind === "number") return fromRational(e);
    if (e.kind === "symbol") return constant(e.name) ?? c.complex(sample(e.name));
    const [first, second] = e.args;
    if (e.name === "root") {
      const degree = evaluateExactly(second);
      const radicand = walk(first);
      // An odd root of a negative number is the real one when it is written with the root sign.
      if (degree !== null && degree.d === 1n && degree.n % 2n !== 0n && isNegative(radicand)) {
        return c.negate(c.power(c.negate(radicand), c.divide(ONE, c.complex(Number(degree.n)))));
      }
      return c.power(radicand, c.divide(ONE, walk(second)));
    }
    const args = e.args.map(walk);
    return operate(e.name, args, log) ?? exactly(e, first !== undefined);
  };
  const exactly = (e: Expression, hasOperands: boolean): Complex => {
    const value = hasOperands ? evaluateExactly(e) : null;
    return value === null ? UNKNOWN : c.complex(toNumber(value));
  };
  return walk(expression);
}

const isNegative = (a: Complex) => a.im === 0 && a.re < 0;

function fromRational(e: Expression & { kind: "number" }): Complex {
  const re = toNumber(e.value);
  return e.value.d === 1n && Number.isSafeInteger(re) ? { re, im: 0, error: 0 } : c.complex(re);
}

function constant(name: string): Complex | null {
  switch (name) {
    case "pi":
      return c.complex(Math.PI);
    case "e":
      return c.complex(Math.E);
    case "i":
      return { re: 0, im: 1, error: 0 };
    case "infinity":
      return UNKNOWN;
    default:
      return null;
  }
}

const reciprocal = (a: Complex) => c.divide(ONE, a);
const plusOne = (a: Complex) => c.add(a, ONE);

function operate(name: string, args: readonly Complex[], log: LogBase): Complex | null {
  const [a, b] = args;
  switch (name) {
    case "add":
      return args.reduce(c.add);
    case "multiply":
      return args.reduce(c.multiply);
    case "negate":
      return c.negate(a);
    case "divide":
      return b === undefined ? UNKNOWN : c.divide(a, b);
    case "power":
      return b === undefined ? UNKNOWN : c.power(a, b);
    case "sqrt":
      return c.sqrt(a);
    case "exp":
      return c.exp(a);
    case "ln":
      return c.ln(a);
    case "log":
      if (b !== undefined) return c.divide(c.ln(a), c.ln(b));
      return log === "e" ? c.ln(a) : c.divide(c.ln(a), c.complex(Math.LN10));
    case "log2":
      return c.divide(c.ln(a), c.complex(Math.LN2));
    case "abs":
      return { re: c.magnitude(a), im: 0, error: a.error };
    case "conjugate":
      return { ...a, im: -a.im };
    case "degrees":
      return c.multiply(a, c.complex(Math.PI / 180));
    case "sin":
      return c.sin(a);
    case "cos":
      return c.cos(a);
    case "tan":
      return c.divide(c.sin(a), c.cos(a));
    case "cot":
      return c.divide(c.cos(a), c.sin(a));
    case "sec":
      return reciprocal(c.cos(a));
    case "csc":
      return reciprocal(c.sin(a));
    case "arcsin":
      return c.arcsin(a);
    case "arccos":
      return c.arccos(a);
    case "arctan":
      return c.arctan(a);
    case "arccot":
      return c.add(c.complex(Math.PI / 2), c.negate(c.arctan(a)));
    case "arcsec":
      return c.arccos(reciprocal(a));
    case "arccsc":
      return c.arcsin(reciprocal(a));
    case "sinh":
      return c.sinh(a);
    case "cosh":
      return c.cosh(a);
    case "tanh":
      return c.divide(c.sinh(a), c.cosh(a));
    case "coth":
      return c.divide(c.cosh(a), c.sinh(a));
    case "sech":
      return reciprocal(c.cosh(a));
    case "csch":
      return reciprocal(c.sinh(a));
    case "arcsinh":
      return c.ln(c.add(a, c.sqrt(plusOne(c.multiply(a, a)))));
    case "arccosh":
      return c.ln(
        c.add(a, c.multiply(c.sqrt(plusOne(a)), c.sqrt(c.add(a, c.negate(ONE))))),
      );
    case "arctanh":
      return c.multiply(
        c.complex(0.5),
        c.ln(c.divide(plusOne(a), plusOne(c.negate(a)))),
      );
    case "factorial":
      return c.gamma(plusOne(a));
    case "binomial":
      return b === undefined ? UNKNOWN : c.divide(
        c.gamma(plusOne(a)),
        c.multiply(c.gamma(plusOne(b)), c.gamma(plusOne(c.add(a, c.negate(b))))),
      );
    case "floor":
      return a.im === 0 ? c.complex(Math.floor(a.re)) : UNKNOWN;
    case "ceil":
      return a.im === 0 ? c.complex(Math.ceil(a.re)) : UNKNOWN;
    case "max":
    case "min":
      return args.every(({ im }) => im === 0)
        ? args.reduce((x, y) => (x.re > y.re) === (name === "max") ? x : y)
        : UNKNOWN;
    default:
      return null;
  }
}
