/** Answers that are equal to the gold answer and yet answer nothing. */

import { canonicalAnswer } from "./answer.ts";
import { sameAnswer } from "./math/verify.ts";

/** Spelling without what LaTeX adds to it. */
function tight(text: string): string {
  return text.replace(/\\(?:left|right|displaystyle|[!,;: ()[\]])|[\s$]/g, "")
    .replace(/\\[dt]frac/g, "\\frac").replace(/\\(?:cdot|times)(?![a-zA-Z])|×|·/g, "*")
    .replace(/([\^_]|\\sqrt|\\frac)\{(\w)\}(?:\{(\w)\})?/g, "$1$2$3").replace(/[.,;:?]+$/, "");
}

/** The signs of an expression in no order, so that `1+x` is `x+1` in other words. */
function signs(text: string): string {
  return [...text.replace(/[{}()+]/g, "")].sort().join("");
}

/** The expressions of a problem's text, and the sides of its equations. */
function expressions(prompt: string): string[] {
  const inMath = [...prompt.matchAll(/\$\$?([^$]+)\$|\\\(([\s\S]*?)\\\)|\\\[([\s\S]*?)\\\]/g)]
    .map((match) => match[1] ?? match[2] ?? match[3]);
  const inText = prompt.split(/\s+/).filter((word) => /\d.*[\^!]|√|sqrt/.test(word));
  return [...inMath, ...inText].flatMap((text) => [text, ...text.split("=")]).map(tight);
}

function isNumber(canonical: string | null): boolean {
  return canonical !== null && /^-?\d+(?:\/\d+)?$/.test(canonical);
}

/** Numbers with + - * / between them and nothing else, more than one fraction or mixed number. */
function isUndone(text: string): boolean {
  let plain = tight(text).replace(/\\div(?![a-zA-Z])|÷/g, "/").replace(/\{,\}/g, ",");
  // Brackets around a number, and around all of it, do nothing: (12/(5,525)).
  plain = plain.replace(
    /\((-?[\d.,]+)\)(?![\d(])/g,
    (all, inside, at) => /[\d)]/.test(plain[at - 1] ?? "") ? all : inside,
  ).replace(/^(-?)\(([^()]+)\)$/, "$1$2");
  if (isNumber(canonicalAnswer(plain))) return false;
  if (!/^(?:\\frac|[-+*/(){}\d.,−])+$/.test(plain)) return false;
  return /\d[)}]*[-+*/−]|\\frac|[)}]\(|\d\(|\)\d/.test(plain) && !/,\D|,$/.test(plain);
}

/** Operations that end in a number only once they are worked out. */
const UNFINISHED =
  /\\(?:sum|prod|o?int|lim|log|ln|lg|exp|arc?(?:sin|cos|tan)|(?:sin|cos|tan|cot|sec|csc)h?|lfloor|lceil|gcd|max|min|det)(?![a-zA-Z])/;
/** Operations that may stand in an answer, unless working them out is the problem. */
const OPERATIONS: readonly RegExp[] = [
  /\^(?!\s*\{?\s*\\circ)/,
  /[\d)}]!/,
  /\\[dt]?binom/,
  /\\sqrt|√|\bsqrt/,
  /_\{?\d/,
];

/** Units, with their powers. */
const UNITS =
  /\\(?:text(?:rm|bf|it|normal)?|mathrm|mbox|operatorname)\s*\{[^{}]*\}(?:\s*\^\s*\{?\s*-?\d+\s*\}?)?|(?<![\\A-Za-z])[A-Za-z]+\^\{?-?\d+\}?/g;

function leavesWork(given: string, prompt: string): boolean {
  const answer = given.replace(UNITS, " ");
  if (isNumber(canonicalAnswer(answer))) return false;
  return isUndone(answer) || UNFINISHED.test(answer) ||
    OPERATIONS.some((operation) => operation.test(answer) && operation.test(prompt));
}

/**
 * Whether an answer that is equal to the gold answer only says the problem again, or leaves to the reader what was asked:
 *
 * - the gold answer is a number and the answer has one to be worked out: one or more of + - * / between numbers
 *   (`123*456`; `3/4` and `1 \frac{1}{2}` are numbers), a sum, an integral, a logarithm; a power, root, factorial,
 *   binomial or base only if the problem has one too, since `2^{10}` counts subsets well enough;
 * - the answer is an expression of the problem itself, as it stands or with its terms in another order, and not the
 *   gold answer as that is written.
 */
export function restatesProblem(answer: string, prompt: string, gold: string): boolean {
  // An equation answers with its last side.
  const said = gold.includes("=") ? answer : answer.split("=").at(-1)!;
  const [spelled, goldSpelled] = [tight(said), tight(gold)];
  if (spelled === goldSpelled) return false;
  const [value, goldValue] = [canonicalAnswer(said), canonicalAnswer(gold)];
  if (isNumber(goldValue) && !isNumber(value) && leavesWork(said, prompt)) return true;
  // Decimals and integers stand in problems for many reasons; an expression stands there to be worked out.
  if (/^[-+]?[\d.,]+$/.test(spelled) || !/[-+*/^!_\\]/.test(spelled)) return false;
  const own = signs(spelled);
  return own !== signs(goldSpelled) &&
    expressions(prompt).some((given) => signs(given) === own && sameAnswer(given, gold));
}
