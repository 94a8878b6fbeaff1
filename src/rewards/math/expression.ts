import type { Rational } from "./rational.ts";

/** A formula: what the evaluators walk over. */
export type Expression =
  | { readonly kind: "number"; readonly value: Rational }
  | { readonly kind: "symbol"; readonly name: string }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Expression[] };

/** Names that are constants and not variables. */
export const CONSTANTS: ReadonlySet<string> = new Set(["pi", "e", "i", "infinity"]);

export const call = (name: string, ...args: Expression[]): Expression => ({
  kind: "call",
  name,
  args,
});
export const symbol = (name: string): Expression => ({ kind: "symbol", name });
export const number = (n: bigint, d = 1n): Expression => ({ kind: "number", value: { n, d } });

/** The variables of a formula, constants left out. */
export function variables(expression: Expression, found = new Set<string>()): Set<string> {
  if (expression.kind === "symbol") {
    if (!CONSTANTS.has(expression.name)) found.add(expression.name);
  } else if (expression.kind === "call") {
    for (const arg of expression.args) variables(arg, found);
  }
  return found;
}

/** 1 for ∞, -1 for -∞, 0 for all else. */
export function infinitySign(e: Expression): number {
  if (e.kind === "symbol") return e.name === "infinity" ? 1 : 0;
  return e.kind === "call" && e.name === "negate" ? -infinitySign(e.args[0]) : 0;
}

/** Whether a formula calls a function of this name anywhere. */
export function calls(expression: Expression, test: (name: string) => boolean): boolean {
  return expression.kind === "call" &&
    (test(expression.name) || expression.args.some((arg) => calls(arg, test)));
}
