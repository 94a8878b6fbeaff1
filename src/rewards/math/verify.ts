/**
 * Whether a predicted answer means the same as a gold answer: mathematical equivalence for rewards.
 *
 * ## How
 *
 * A text becomes tokens (tokens.ts: spelling, units, malformed LaTeX), a tree of brackets (tree.ts) and a
 * shape (shape.ts: value, list, tuple or interval, set, union, relation, matrix). Formulas inside are
 * written as strict LaTeX (latex.ts) and read by a kept parser (parse.ts). Shapes are compared part by part
 * (compare.ts, real_set.ts), formulas by three evaluators (identity.ts): exact rationals, a finite field,
 * complex doubles with an error bound and, where two constants agree as doubles, 75 digits (precise.ts).
 *
 * The parser is `@cortex-js/compute-engine/latex-syntax` 0.140, chosen of five libraries that were
 * measured: compute-engine's own `isEqual` hangs on power towers, ignores its time limit and calls 2.26e-10
 * equal to 2.55e-10; mathjs with a TeX parser, nerdamer and math-expressions (x > 5 equals x < 5) have wrong
 * verdicts or blow up too. The parser alone is kept, well tested and takes 0.05 ms; it needs balanced
 * brackets (exponential time on bare bars otherwise), which it is given.
 *
 * ## Rules
 *
 * Math-Verify's (Hugging Face, 0.9) are followed but where they call different answers equal.
 *
 * - Any arithmetic is carried out: `2+3` answers 5, as in Math-Verify. The form asked for (lowest terms,
 *   factored) is not judged.
 * - A prediction must give every answer of a gold list, and none beside. Order is free in lists and sets,
 *   and matters in tuples; in a list of names (`x = 1, y = 2`) it may be left to the names.
 * - Of a prediction's equation the last side counts (`x + y = 5` answers 5); a gold equation is answered by
 *   its right side alone only where it names a value (`x = 3`, `f(x) = x^2`, not `2x + 3y = 6`). Two equations
 *   are equal up to a factor, x = 3 and y = 3 are not.
 * - An exact value and a decimal are the same if the decimal is the value rounded (or cut off) at its last
 *   place with five digits or more: 0.33333 is 1/3, 0.333 is not, 3.14 is not π. Math-Verify rounds both to
 *   six places, which makes all numbers below 5e-7 equal. A gold decimal in scientific notation with three
 *   digits or more states what is known: a longer prediction is rounded to it.
 * - 10% is 0.1, and 10 where one side leaves the sign out (but a prediction of 0.5% is not 0.5).
 * - Units may be left out, and words that are none are passed over ("5 apples"); two different units
 *   differ, 5 cm is 50 mm. Words that change a number make it words: "not 5", "5 or more", "half of 5".
 * - Degrees are a unit (90° is 90) but inside a trigonometric function, where they are degrees.
 * - A logarithm without a base is natural or decimal, on both sides alike.
 * - i is the imaginary unit, e Euler's number; f, g, h, F, G, H and P before a bracket are functions.
 * - 101_2 is 5, and `101` where one side leaves the base out.
 * - Words are compared without regard to case. Letters are not: x and X differ.
 *
 * @module
 */
import { same } from "./compare.ts";
import { readShape, type Shape } from "./shape.ts";
import type { Reading } from "./tokens.ts";
import { withinBudget } from "./work.ts";

/** Longer answers are not compared: no final answer of a data set comes near it. */
const MAX_LENGTH = 3000;
/** Steps of evaluation for one verdict: about a tenth of a second. */
const STEPS = 400_000;
/** Characters of texts whose shapes are kept, since gold answers are compared with many predictions. */
const REMEMBERED = 300_000;

const USUAL: Reading = {
  thousands: true,
  scientific: true,
  decimalComma: false,
};

const shapes = new Map<string, Shape | null>();
let remembered = 0;

function shapeOf(text: string, reading: Reading): Shape | null {
  if (text.length > MAX_LENGTH) return null;
  const key = Object.values(reading).map(Number).join("") + text;
  let shape = shapes.get(key);
  if (shape === undefined) {
    shape = readShape(text, reading);
    remembered += key.length;
    if (remembered > REMEMBERED) {
      shapes.clear();
      remembered = key.length;
    }
    shapes.set(key, shape);
  }
  return shape;
}

/** Every way to read both texts: what is ambiguous is read alike in both. */
function readings(prediction: string, gold: string): readonly Reading[] {
  const both = `${prediction} ${gold}`;
  const found = [USUAL];
  if (/\d,[1-9]\d{2}/.test(both) && !/\d,0\d\d/.test(both)) {
    found.push({ ...USUAL, thousands: false });
  }
  if (/\d[eE][-+]?\d/.test(both)) found.push({ ...USUAL, scientific: false });
  if (/\d,\d/.test(prediction) && /\d\.\d/.test(gold) && !gold.includes(",")) {
    found.push({ ...USUAL, thousands: false, decimalComma: true });
  }
  return found;
}

/**
 * Whether a predicted answer means the same as the gold answer. The two are not interchangeable, see the
 * rules above. False also where nothing could be shown: a text is not readable, or the budget is spent
 * (texts of 3,000 characters, about 0.1 s of evaluation). It never throws.
 *
 * ```ts
 * sameAnswer("\\frac12", "0.5"); // true
 * sameAnswer("x = 2\\sqrt{2}", "\\sqrt 8"); // true
 * sameAnswer("4, 5 or 6", "5"); // false
 * ```
 *
 * @param prediction What the model answered, without the text around it.
 * @param gold The right answer.
 */
export function sameAnswer(prediction: string, gold: string): boolean {
  return readings(prediction, gold).some((reading) => {
    const p = shapeOf(prediction, reading);
    const g = p === null ? null : shapeOf(gold, reading);
    return p !== null && g !== null && (prediction.trim() === gold.trim() ||
      withinBudget(STEPS, () => same(p, g), false));
  });
}

/** Whether a text can be compared at all: it is not empty, not over 3,000 characters, and its brackets match. */
export function readable(text: string): boolean {
  return shapeOf(text, USUAL) !== null;
}
