/**
 * The numbers that a text states or lets a reader compute: digits, LaTeX, words, and arithmetic of numbers alone.
 *
 * It serves to find an answer in a hint, so it reads generously: what could be a number is one.
 */

/** An exact number: `numerator / denominator`, in lowest terms, the denominator above 0. */
export interface Rational {
  /** Signed. */
  readonly numerator: bigint;
  /** At least 1. */
  readonly denominator: bigint;
}

/** A number in a text. */
export interface NumberMention {
  /** Its value. */
  readonly value: Rational;
  /** How it stands in the text, without white space. */
  readonly source: string;
  /** It is the value of an expression with an operator; otherwise it is written out. */
  readonly computed: boolean;
  /** Digits after its decimal point, 0 without one. */
  readonly decimals: number;
}

/** Longer numbers and larger powers are no answers of a problem, and must cost nothing. */
const maxDigits = 100;
const maxBits = 2000;
const maxDepth = 40;
const hundred: Rational = { numerator: 100n, denominator: 1n };

/** The rational of two integers; null where it has no value. */
export function rational(numerator: bigint, denominator: bigint = 1n): Rational | null {
  if (denominator === 0n) return null;
  if (denominator < 0n) [numerator, denominator] = [-numerator, -denominator];
  let [a, b] = [numerator < 0n ? -numerator : numerator, denominator];
  while (b !== 0n) [a, b] = [b, a % b];
  return { numerator: numerator / a, denominator: denominator / a };
}

/** Whether two rationals are the same number. */
export function sameNumber(a: Rational, b: Rational): boolean {
  return a.numerator === b.numerator && a.denominator === b.denominator;
}

const words: Readonly<Record<string, number>> = Object.fromEntries([
  ..."zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
    .split(" ").map((word, value) => [word, value] as const),
  ..."twenty thirty forty fifty sixty seventy eighty ninety"
    .split(" ").map((word, i) => [word, 20 + 10 * i] as const),
]);
const scales: Readonly<Record<string, number>> = {
  dozen: 12,
  hundred: 100,
  thousand: 1e3,
  million: 1e6,
  billion: 1e9,
};
const denominators: Readonly<Record<string, number>> = {
  half: 2,
  halves: 2,
  quarter: 4,
  quarters: 4,
  ...Object.fromEntries(
    "third fourth fifth sixth seventh eighth ninth tenth".split(" ")
      .flatMap((word, i) => [[word, i + 3], [`${word}s`, i + 3]] as const),
  ),
};

/** A number that stood as words: the scanner takes it as one piece. */
function piece(numerator: number, denominator = 1): string {
  return ` ⟦${numerator}/${denominator}⟧ `;
}

/**
 * Number words as digits: `seventy-two`, `one hundred and five`, `two dozen`, `three quarters`, `half`.
 *
 * `one` and `zero` alone stay words: they are pronouns and turns of speech far more often than answers.
 */
function wordsToDigits(text: string): string {
  const word = `(?:${Object.keys({ ...words, ...scales, ...denominators }).join("|")})`;
  const run = new RegExp(`\\b(?:an?[\\s-]+)?${word}(?:(?:\\s+and)?[\\s-]+${word})*\\b`, "gi");
  return text.replaceAll(run, (matched) => {
    const out: string[] = [];
    let total = 0, group: number | null = null, open = 100, article = false, last = "";
    const flush = () => {
      if (group !== null) {
        const value = total + group;
        const pronoun = /^(one|zero)$/.test(last) && value <= 1;
        out.push(pronoun || !Number.isSafeInteger(value) ? last : piece(value));
      }
      [total, group, open, last] = [0, null, 100, ""];
    };
    for (const name of matched.toLowerCase().split(/[\s-]+/)) {
      if (name === "and") {
        // "one hundred and five" goes on, "two and three" does not.
        if (group === null || open !== 100 || group % 100 !== 0) {
          flush();
          out.push("and");
        }
      } else if (name === "a" || name === "an") {
        article = true;
      } else if (name in words) {
        const value = words[name];
        const fits = group === null ||
          (value > 0 && value < open && (open !== 100 || group % 100 === 0));
        if (!fits) flush();
        group = (group ?? 0) + value;
        open = value >= 20 ? 10 : 0;
        last = name;
      } else if (name in scales) {
        const scale = scales[name];
        group = (group ?? 1) * scale;
        if (scale >= 1000) [total, group] = [total + group, 0];
        open = 100;
        last = name;
      } else {
        const count: number | null = group === null ? (article ? 1 : null) : total + group;
        const known = count ?? (name === "half" ? 1 : null);
        [total, group, open, last] = [0, null, 100, ""];
        out.push(known === null ? name : piece(known, denominators[name]));
      }
      if (name !== "a" && name !== "an") article = false;
    }
    flush();
    return out.join(" ");
  }).replaceAll(
    /(?:⟦(\d+)\/1⟧|(?<![\d/.,])\b(\d+))\s+and\s+⟦(\d)\/([2-9]|10)⟧/g, // two and a half
    (whole, word: string | undefined, digits: string | undefined, top: string, bottom: string) => {
      const count = Number(word ?? digits);
      const sum = count * Number(bottom) + Number(top);
      return Number.isSafeInteger(sum) ? piece(sum, Number(bottom)) : whole;
    },
  );
}

const superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** Replaces innermost first, so that nested arguments are reached too; bounded. */
function repeatedly(text: string, step: (text: string) => string): string {
  for (let round = 0; round < maxDepth; round++) {
    const next = step(text);
    if (next === text) break;
    text = next;
  }
  return text;
}

/**
 * A text in which numbers and formulas have one spelling: Unicode and LaTeX as plain characters, braces as parentheses,
 * number words as digits, the words of the four operations as operators.
 */
export function plainMath(text: string): string {
  let plain = text
    .replaceAll(
      /[⁰¹²³⁴⁵⁶⁷⁸⁹]+/g,
      (digits) => `^(${[...digits].map((digit) => superscripts.indexOf(digit)).join("")})`,
    )
    // "2½" is two and a half.
    .replaceAll(/[¼½¾⅐-⅞]/g, (part) => ` ${part.normalize("NFKC").replace("⁄", "/")} `)
    .normalize("NFKC")
    .replaceAll(/\p{Cf}/gu, "")
    .replaceAll(/[−‒–—]/g, "-")
    .replaceAll("⁄", "/")
    .replaceAll(/\\[dtc]frac(?![a-zA-Z])/g, "\\frac")
    .replaceAll(/\\(?:left|right|displaystyle|textstyle|big|Big)(?![a-z])/g, "")
    .replaceAll("{,}", ",")
    .replaceAll(/(\d)(?:\\[,;:!]|\\ |~)(?=\d{3})/g, "$1")
    .replaceAll(/\\[,;:! ]|~/g, " ")
    .replaceAll(/\\\$/g, " ")
    .replaceAll(/\\[()[\]]/g, " ")
    .replaceAll(/\\%/g, "%")
    .replaceAll(/\^\s*(?:\\circ|\{\s*\\circ\s*\}|°)|°/g, " degrees ")
    .replaceAll(/\\(?:text|textbf|mathrm|mathbf|mbox|operatorname)\s*\{([^{}]*)\}/g, " $1 ")
    .replaceAll(/\\frac\s*(\d)\s*(\d)/g, " $1/$2 ");
  plain = repeatedly(plain, (now) =>
    now.replaceAll(
      /\\frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}/g,
      (_, a: string, b: string) =>
        /^\s*\d+\s*$/.test(a + b) ? ` ${a.trim()}/${b.trim()} ` : `((${a})/(${b}))`,
    ).replaceAll(/\\sqrt\s*\{([^{}]*)\}/g, " sqrt($1)")
      .replaceAll(/\^\s*\{([^{}]*)\}/g, "^($1)")
      .replaceAll(/_\s*\{([^{}]*)\}/g, "_$1"));
  plain = plain
    .replaceAll(/\\(?:times|cdot|ast)\b|[×·⋅∗∙]/g, "*")
    .replaceAll(/\\div\b|÷/g, "/")
    .replaceAll("√", "sqrt")
    .replaceAll("π", "pi")
    .replaceAll(/\\([a-zA-Z]+)/g, " $1 ")
    .replaceAll("{", "(").replaceAll("}", ")")
    .replaceAll(/[$\\]/g, " ");
  return wordsToDigits(plain)
    .replaceAll(/\b(?:multiplied by|times)\b/gi, "*")
    .replaceAll(/\bdivided by\b/gi, "/")
    .replaceAll(/\b(?:plus|added to)\b/gi, "+")
    .replaceAll(/\bminus\b/gi, "-")
    .replaceAll(/\bper ?cent\b/gi, "%")
    .replaceAll(/%\s*of\b/gi, "% *")
    .replaceAll(/((?:\d\/\d+|⟧)\s*)of\s+(?=[\d⟦])/gi, "$1* ");
}

interface NumberToken {
  readonly kind: "number";
  readonly value: Rational;
  readonly text: string;
  /** White space stands before it. */
  readonly spaced: boolean;
}

type Token = NumberToken | {
  readonly kind: "operator" | "word";
  readonly text: string;
  readonly spaced: boolean;
};

const lexeme =
  /⟦(\d+)\/(\d+)⟧|(\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)|(sqrt|[-+*/^()%])|([\p{L}_][\p{L}\p{N}_]*|\S)/gu;

/** A single letter that multiplies the number before it: a variable, not a unit. */
const variable = /^(?:[xyzabnkrtpquvwXYZ]|pi)$/;

function tokens(plain: string): Token[] {
  const found: Token[] = [];
  let end = 0;
  for (const match of plain.matchAll(lexeme)) {
    const [text, top, bottom, number, operator] = match;
    const spaced = match.index > end;
    end = match.index + text.length;
    if (number !== undefined || top !== undefined) {
      const value = top === undefined
        ? decimal(number.replaceAll(",", ""))
        : rational(BigInt(top), BigInt(bottom));
      found.push(
        value === null ? { kind: "word", text, spaced } : {
          kind: "number",
          value,
          text: number ?? (bottom === "1" ? top : `${top}/${bottom}`),
          spaced,
        },
      );
    } else if (operator !== undefined) found.push({ kind: "operator", text, spaced });
    else found.push({ kind: "word", text, spaced });
  }
  return found;
}

function decimal(digits: string): Rational | null {
  if (digits.length > maxDigits) return null;
  const [whole, part = ""] = digits.split(".");
  return rational(BigInt(whole + part), 10n ** BigInt(part.length));
}

const bits = (n: bigint) => n.toString(2).length;

function power(base: Rational, exponent: Rational): Rational | null {
  if (exponent.denominator !== 1n) return null;
  const size = exponent.numerator < 0n ? -exponent.numerator : exponent.numerator;
  if (size > 1000n) return null;
  if ((bits(base.numerator) + bits(base.denominator)) * Number(size) > maxBits) return null;
  const [top, bottom] = [base.numerator ** size, base.denominator ** size];
  return exponent.numerator < 0n ? rational(bottom, top) : rational(top, bottom);
}

function wholeRoot(n: bigint): bigint | null {
  if (n < 0n || bits(n) > maxBits) return null;
  // Newton's method from above: it falls until it has the root's whole part.
  let root = 1n << BigInt((bits(n) + 1) >> 1);
  while (root * root > n) root = (root + n / root) / 2n;
  return root * root === n ? root : null;
}

function operate(a: Rational, operator: string, b: Rational): Rational | null {
  if (bits(a.numerator) + bits(a.denominator) + bits(b.numerator) + bits(b.denominator) > maxBits) {
    return null;
  }
  switch (operator) {
    case "+":
      return rational(
        a.numerator * b.denominator + b.numerator * a.denominator,
        a.denominator * b.denominator,
      );
    case "-":
      return rational(
        a.numerator * b.denominator - b.numerator * a.denominator,
        a.denominator * b.denominator,
      );
    case "*":
      return rational(a.numerator * b.numerator, a.denominator * b.denominator);
    case "/":
      return rational(a.numerator * b.denominator, a.denominator * b.numerator);
    default:
      return power(a, b);
  }
}

/** What a parse gave: the value, and whether an operator made it. */
interface Node {
  readonly value: Rational;
  readonly computed: boolean;
}

/** Reads the arithmetic that begins at a token, and notes every value on the way. */
class Arithmetic {
  readonly mentions: NumberMention[] = [];
  #at = 0;
  #depth = 0;
  #muted = false;

  constructor(readonly tokens: readonly Token[]) {}

  /** Every number and every expression of the text. */
  run(): void {
    while (this.#at < this.tokens.length) {
      const { kind, text } = this.tokens[this.#at];
      if (text === "^") {
        // The exponent of something that is no number: x^2, (a + b)^2.
        this.#at++;
        this.#skipAtom();
      } else if (kind === "number" || text === "(" || text === "sqrt" || text === "-") {
        const before = this.#at;
        this.#sum();
        this.#at = Math.max(this.#at, before + 1);
      } else this.#at++;
    }
  }

  #peek(): Token | undefined {
    return this.tokens[this.#at];
  }

  #sourceFrom(start: number): string {
    return this.tokens.slice(start, this.#at).map(({ text }) => text).join("");
  }

  #note(value: Rational, source: string, computed: boolean, decimals = 0): Node {
    if (!this.#muted) this.mentions.push({ value, source, computed, decimals });
    return { value, computed };
  }

  #result(value: Rational | null, start: number): Node | null {
    return value === null ? null : this.#note(value, this.#sourceFrom(start), true);
  }

  #skipAtom(): void {
    if (this.#peek()?.text === "-") this.#at++;
    let open = 0;
    do {
      const text = this.tokens[this.#at++]?.text;
      if (text === "(") open++;
      if (text === ")") open--;
    } while (open > 0 && this.#at < this.tokens.length);
  }

  /** Operands with one of these operators between them, from left to right. */
  #chain(operators: string, operand: () => Node | null): Node | null {
    const start = this.#at;
    let left = operand();
    while (left !== null) {
      const next = this.#peek();
      if (next?.kind !== "operator") break;
      const implied = operators === "*/" && next.text === "(" && !next.spaced; // 2(36)
      if (!implied && !operators.includes(next.text)) break;
      if (!implied) this.#at++;
      const right = operand();
      if (right === null) break;
      left = this.#result(operate(left.value, implied ? "*" : next.text, right.value), start);
    }
    return left;
  }

  #sum(): Node | null {
    if (this.#depth >= maxDepth) return null;
    this.#depth++;
    const node = this.#chain("+-", () => this.#chain("*/", () => this.#power()));
    this.#depth--;
    return node;
  }

  #power(): Node | null {
    const start = this.#at;
    const base = this.#atom();
    if (base === null || this.#peek()?.text !== "^") return base;
    this.#at++;
    const from = this.#at;
    const muted = this.#muted;
    this.#muted = true; // nobody takes an exponent for an answer
    const exponent = this.#atom();
    this.#muted = muted;
    if (exponent !== null) return this.#result(operate(base.value, "^", exponent.value), start);
    this.#at = from;
    this.#skipAtom();
    return null;
  }

  #atom(): Node | null {
    const start = this.#at;
    const token = this.#peek();
    if (token?.kind === "number") return this.#number(token);
    if (token?.text === "(") {
      this.#at++;
      const node = this.#sum();
      if (this.#peek()?.text !== ")") return null;
      this.#at++;
      return node;
    }
    if (token?.text === "sqrt") {
      this.#at++;
      const inside = this.#peek()?.text === "sqrt" ? null : this.#atom();
      if (inside === null) return null;
      const [top, bottom] = [inside.value.numerator, inside.value.denominator].map(wholeRoot);
      return top === null || bottom === null ? null : this.#result(rational(top, bottom), start);
    }
    if (token?.text === "-") {
      this.#at++;
      const next = this.#peek();
      if (next?.kind !== "number" && next?.text !== "(") return null;
      const node = this.#atom();
      if (node === null) return null;
      const value = { ...node.value, numerator: -node.value.numerator };
      return this.#note(value, this.#sourceFrom(start), node.computed);
    }
    return null;
  }

  #number(token: NumberToken): Node | null {
    this.#at++;
    const [next, slash, bottom] = this.tokens.slice(this.#at, this.#at + 3);
    // 2x, 2 pi, 2 sqrt(3): coefficients
    if (next?.kind === "word" && !next.spaced && variable.test(next.text)) return null;
    if (next?.text === "pi" || next?.text === "sqrt") return null;
    if (
      next?.kind === "number" && next.spaced && slash?.text === "/" && bottom?.kind === "number"
    ) {
      // 2 1/2
      const part = operate(next.value, "/", bottom.value);
      const value = part === null ? null : operate(token.value, "+", part);
      if (value !== null) {
        this.#at += 3;
        return this.#note(value, `${token.text} ${next.text}/${bottom.text}`, false);
      }
    }
    const decimals = token.text.split(".")[1]?.length ?? 0;
    const node = this.#note(token.value, token.text, false, decimals);
    if (next?.text !== "%") return node;
    this.#at++;
    return this.#note(operate(token.value, "/", hundred)!, `${token.text}%`, false);
  }
}

/**
 * Every number that a text (of {@linkcode plainMath}) writes out or computes.
 *
 * Left out: exponents and subscripts, digits inside a name (`x2`), and coefficients of a variable (`2x`, `2 pi`).
 */
export function numberMentions(plain: string): NumberMention[] {
  const arithmetic = new Arithmetic(tokens(plain));
  arithmetic.run();
  return arithmetic.mentions;
}
