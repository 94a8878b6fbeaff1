/**
 * LaTeX of one formula to an {@linkcode Expression}: the door to the LaTeX parser of
 * `@cortex-js/compute-engine`.
 *
 * Only the parser is used. It takes exponential time on bare bars and on brackets that do not match,
 * so it is only given what `tokens.ts` has balanced: known commands, round brackets, `\left|…\right|`.
 *
 * @module
 */
import { LatexSyntax } from "npm:@cortex-js/compute-engine@0.140.0/latex-syntax";
import { call, type Expression, number, symbol } from "./expression.ts";
import { parseDecimal, rational } from "./rational.ts";
import { table } from "./table.ts";

/** Longer formulas are not parsed. */
const MAX_LENGTH = 1500;
/** Formulas with more numbers, symbols and operations are not evaluated. */
const MAX_NODES = 1500;
const MAX_DEPTH = 80;

/** What the parser calls an operation, and what the evaluators call it. */
const OPERATIONS = table<string>({
  Add: "add",
  Subtract: "subtract",
  Negate: "negate",
  Multiply: "multiply",
  InvisibleOperator: "multiply",
  Divide: "divide",
  Power: "power",
  Sqrt: "sqrt",
  Root: "root",
  Abs: "abs",
  Factorial: "factorial",
  Factorial2: "double_factorial",
  Binomial: "binomial",
  Choose: "binomial",
  Sin: "sin",
  Cos: "cos",
  Tan: "tan",
  Cot: "cot",
  Sec: "sec",
  Csc: "csc",
  Arcsin: "arcsin",
  Arccos: "arccos",
  Arctan: "arctan",
  Arccot: "arccot",
  Arcsec: "arcsec",
  Arccsc: "arccsc",
  Sinh: "sinh",
  Cosh: "cosh",
  Tanh: "tanh",
  Coth: "coth",
  Sech: "sech",
  Csch: "csch",
  Arsinh: "arcsinh",
  Arcosh: "arccosh",
  Artanh: "arctanh",
  Ln: "ln",
  Log: "log",
  Lb: "log2",
  Exp: "exp",
  Degrees: "degrees",
  Floor: "floor",
  Ceil: "ceil",
  GCD: "gcd",
  LCM: "lcm",
  Mod: "mod",
  Max: "max",
  Min: "min",
  Conjugate: "conjugate",
  Sum: "sum",
  Product: "product",
});

const SYMBOLS = table<string>({
  Pi: "pi",
  ExponentialE: "e",
  ImaginaryUnit: "i",
  PositiveInfinity: "infinity",
});

/** A value of the parser's MathJSON. */
type MathJson =
  | string
  | number
  | readonly MathJson[]
  | { readonly num?: string; readonly fn?: readonly MathJson[]; readonly sym?: string };

/** Thrown, and caught here, for what is no formula. */
class Unreadable extends Error {}

const syntax = new LatexSyntax();

/** The formula, or null where the text is none, or over the limits. */
export function parseFormula(latex: string): Expression | null {
  if (latex.length > MAX_LENGTH) return null;
  try {
    const budget = { nodes: MAX_NODES };
    return convert(syntax.parse(latex) as MathJson, budget, 0);
  } catch {
    // The parser's own failures mean the same as ours: this text is no formula.
    return null;
  }
}

function convert(json: MathJson, budget: { nodes: number }, depth: number): Expression {
  if (--budget.nodes < 0 || depth > MAX_DEPTH) throw new Unreadable();
  if (typeof json === "number") return numeral(String(json));
  if (typeof json === "string") return named(json);
  if (!Array.isArray(json)) {
    const object = json as { num?: string; fn?: readonly MathJson[]; sym?: string };
    if (object.num !== undefined) return numeral(object.num);
    if (object.sym !== undefined) return named(object.sym);
    if (object.fn !== undefined) return convert(object.fn, budget, depth);
    throw new Unreadable();
  }
  const [head, ...operands] = json as readonly MathJson[];
  if (typeof head !== "string") throw new Unreadable();
  if (head === "Delimiter") {
    if (operands.length === 0) throw new Unreadable();
    return convert(operands[0], budget, depth + 1);
  }
  if (head === "Tuple") return call("tuple", ...operands.map((o) => convert(o, budget, depth + 1)));
  if (head === "Error" || head === "Sequence" || head === "Nothing") throw new Unreadable();
  const args = operands.map((operand) => convert(operand, budget, depth + 1));
  if (head === "Subscript" || head === "Prime") return symbol(`${head} ${spelling(args)}`);
  if (head === "InvisibleOperator") {
    return adjacent(args, operands.map((o) => Array.isArray(o) && o[0] === "Delimiter"));
  }
  const name = OPERATIONS[head];
  if (name === undefined) {
    if (!/^[A-Z]\w*$/.test(head)) throw new Unreadable();
    // Kept by its name: equal to itself when its operands are.
    return call(`:${head}`, ...args);
  }
  if (args.length === 0) throw new Unreadable();
  if (name === "subtract") {
    return args.length === 1
      ? call("negate", args[0])
      : call("add", args[0], ...args.slice(1).map((arg) => call("negate", arg)));
  }
  return call(name, ...args);
}

/** Letters that name a function when brackets follow. */
const FUNCTION_NAMES = /^[fghFGHP]$/;

/**
 * Factors written side by side; f(x) is a function of x, and a whole number before a fraction of whole
 * numbers is a mixed number.
 */
function adjacent(factors: Expression[], bracketed: readonly boolean[]): Expression {
  const args: Expression[] = [];
  for (const [i, factor] of factors.entries()) {
    const before = args.at(-1);
    if (bracketed[i] && before?.kind === "symbol" && FUNCTION_NAMES.test(before.name)) {
      args[args.length - 1] = call(`:${before.name}`, factor);
    } else args.push(factor);
  }
  const [first, part, ...rest] = args;
  const isNegative = first.kind === "call" && first.name === "negate";
  const whole = isNegative ? first.args[0] : first;
  if (
    args.length >= 2 && isWhole(whole) && part.kind === "call" && part.name === "divide" &&
    part.args.every(isWhole)
  ) {
    const sum = call("add", whole, part);
    const mixed = isNegative ? call("negate", sum) : sum;
    return rest.length === 0 ? mixed : call("multiply", mixed, ...rest);
  }
  return args.length === 1 ? args[0] : call("multiply", ...args);
}

const isWhole = (e: Expression) => e.kind === "number" && e.value.d === 1n && e.value.n >= 0n;

function numeral(text: string): Expression {
  const repeating = /^(\d*)\.(\d*)\((\d+)\)$/.exec(text);
  if (repeating !== null) {
    const [, whole, fixed, period] = repeating;
    if (text.length > 300) throw new Unreadable();
    const n = BigInt(whole + fixed + period) - BigInt(`0${whole}${fixed}`);
    const d = (10n ** BigInt(period.length) - 1n) * 10n ** BigInt(fixed.length);
    return { kind: "number", value: rational(n, d)! };
  }
  const negative = text.startsWith("-");
  const value = parseDecimal(negative ? text.slice(1) : text);
  if (value === null) throw new Unreadable();
  return number(negative ? -value.n : value.n, value.d);
}

function named(name: string): Expression {
  if (name.startsWith("'") || name === "Nothing" || name === "ContinuationPlaceholder") {
    throw new Unreadable();
  }
  if (name in OPERATIONS) throw new Unreadable(); // a function without its operand
  return symbol(SYMBOLS[name] ?? name);
}

/** One text for operands that are part of a name, such as an index. */
function spelling(args: readonly Expression[]): string {
  return args.map((e) =>
    e.kind === "number"
      ? `${e.value.n}/${e.value.d}`
      : e.kind === "symbol"
      ? e.name
      : `${e.name}(${spelling(e.args)})`
  ).join(",");
}
