/** Compares what a program printed with what it must print. */

/** How far numbers may be apart. */
export interface Tolerance {
  /** By how much, whatever their size. */
  readonly absolute: number;
  /** By which part of the expected one. */
  readonly relative: number;
}

/** Whether two numbers are within a tolerance. Infinities must be equal; NaN is close to nothing. */
export function isClose(
  expected: number,
  actual: number,
  { absolute, relative }: Tolerance,
): boolean {
  if (expected === actual) return true;
  if (!Number.isFinite(expected) || !Number.isFinite(actual)) return false;
  return Math.abs(expected - actual) <= Math.max(absolute, relative * Math.abs(expected));
}

/** Lines without the blanks at their ends and without empty ones at the end of the text. */
function linesOf(text: string): string[] {
  const lines = text.split("\n").map((line) => line.trimEnd());
  while (lines.at(-1) === "") lines.pop();
  return lines;
}

const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

function sameToken(expected: string, actual: string, tolerance: Tolerance): boolean {
  if (expected === actual) return true;
  if (!NUMBER.test(expected) || !NUMBER.test(actual)) return false;
  return isClose(Number(expected), Number(actual), tolerance);
}

/**
 * Whether a program printed what it must: line by line, blanks at the end of a line and empty lines at the end ignored.
 * With a tolerance lines are compared word by word, numbers within it.
 */
export function sameOutput(expected: string, actual: string, tolerance?: Tolerance): boolean {
  const [wanted, printed] = [linesOf(expected), linesOf(actual)];
  if (wanted.length !== printed.length) return false;
  return wanted.every((line, i) => {
    if (line === printed[i]) return true;
    if (tolerance === undefined) return false;
    const [tokens, others] = [line, printed[i]].map((text) => text.trim().split(/\s+/));
    return tokens.length === others.length &&
      tokens.every((token, j) => sameToken(token, others[j], tolerance));
  });
}
