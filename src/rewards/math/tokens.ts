/**
 * Answers as they are written, LaTeX or plain, to tokens: spelling that carries no meaning is gone and
 * what has several spellings has one.
 *
 * @module
 */
import { spellInLatex } from "./characters.ts";
import {
  FUNCTIONS,
  GREEK,
  KNOWN,
  OPERATORS,
  PLAIN,
  SEPARATORS,
  SINGLE,
  SKIPPED,
  SKIPPED_WITH_OPERAND,
  SPACES,
  SYNONYMS,
  TEXTS,
  UNIT_WORDS,
} from "./commands.ts";
import { parseUnit } from "./units.ts";

export type TokenKind =
  | "number"
  | "letter"
  | "command"
  | "text"
  | "sign"
  | "open"
  | "close"
  | "unknown";

export interface Token {
  readonly kind: TokenKind;
  /**
   * A number's digits, a letter, a command with its backslash, the words of a text, one of the signs
   * `+ - / ^ _ ! ' = < > , ; : . | & % °`, or a bracket.
   */
  readonly text: string;
  /** Whether white space stood before it. */
  readonly spaced: boolean;
}

/** What a text may mean that is written in two ways. */
export interface Reading {
  /** `1,234` is a number, not two. */
  readonly thousands: boolean;
  /** `2e3` is 2000, not 2·e·3. */
  readonly scientific: boolean;
  /** `2,5` is two and a half. */
  readonly decimalComma: boolean;
}

const MAX_TOKENS = 1500;

/** Tokens of an answer, or null where it is over the limits. */
export function tokenise(answer: string, reading: Reading): Token[] | null {
  const source = /^\s*-?\d{1,3}(?: \d{3})+(?:\.\d+)?\s*$/.test(answer)
    ? answer.replaceAll(" ", "")
    : spellInLatex(answer);
  return new Tokeniser(source, reading).run();
}

class Tokeniser {
  readonly #source: string;
  readonly #reading: Reading;
  readonly #tokens: Token[] = [];
  #at = 0;
  #spaced = false;
  /** Open round and square brackets: in them a comma separates. */
  #brackets = 0;
  #environments = 0;
  /** How many texts this one stands in. */
  #nesting = 0;

  constructor(source: string, reading: Reading) {
    this.#source = source;
    this.#reading = reading;
  }

  run(): Token[] | null {
    while (this.#at < this.#source.length) {
      if (this.#tokens.length > MAX_TOKENS) return null;
      this.#next();
    }
    return this.#tokens;
  }

  #push(kind: TokenKind, text: string): void {
    this.#tokens.push({ kind, text, spaced: this.#spaced });
    this.#spaced = false;
    if (kind === "open" && text !== "{") this.#brackets++;
    if (kind === "close" && text !== "}") {
      this.#brackets = Math.max(0, this.#brackets - 1);
    }
  }

  /** What a pattern with the flag y matches here, which is then read. */
  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#source);
    if (match !== null) this.#at = pattern.lastIndex;
    return match;
  }

  #next(): void {
    const c = this.#source[this.#at];
    if (/\s/.test(c) || c === "~") {
      this.#at++;
      this.#spaced = true;
    } else if (c === "\\") this.#command();
    else if (
      /[0-9]/.test(c) ||
      c === "." && /^\.\d/.test(this.#source.slice(this.#at, this.#at + 2))
    ) {
      this.#number();
    } else if (/[a-zA-Z]/.test(c)) this.#letters();
    else {
      this.#at++;
      this.#character(c);
    }
  }

  #character(c: string): void {
    switch (c) {
      case "$":
      case '"':
      case "`":
      case "#":
      case "€":
      case "£":
      case "¥":
      case "₹":
        return;
      case "(":
      case "[":
        return this.#push("open", c);
      case ")":
      case "]":
        return this.#push("close", c);
      case "{":
        return this.#push("open", "{");
      case "}":
        return this.#push("close", "}");
      case "*":
        if (this.#source[this.#at] !== "*") return this.#push("command", "\\cdot");
        this.#at++;
        // Bold type of Markdown is `**5**`; a power has an operand on each side.
        if (this.#tokens.length > 0 && /^\s*[\w({\\]/.test(this.#source.slice(this.#at))) {
          this.#push("sign", "^");
        }
        return;
      case "<":
      case ">":
      case "!":
      case "=":
        return this.#relation(c);
      case "-":
        if (this.#source[this.#at] === ">") {
          this.#at++;
          return this.#push("command", "\\to");
        }
        return this.#push("sign", c);
      case "°":
        return this.#push("sign", c);
      default:
        return this.#push("+/^_',;:.|&%".includes(c) ? "sign" : "unknown", c);
    }
  }

  /** `<=`, `>=`, `!=`, `==` and `=>` as plain texts write them. */
  #relation(c: string): void {
    const following = this.#source[this.#at];
    if (following === "=") {
      this.#at++;
      const two: Record<string, readonly [TokenKind, string]> = {
        "<": ["command", "\\le"],
        ">": ["command", "\\ge"],
        "!": ["command", "\\ne"],
        "=": ["sign", "="],
      };
      return this.#push(...two[c]);
    }
    if (c === "=" && following === ">") {
      this.#at++;
      return this.#push("command", "\\implies");
    }
    this.#push("sign", c);
  }

  #number(): void {
    const grouped = this.#reading.thousands && this.#brackets === 0
      ? /[1-9]\d{0,2}(?:(?:,(?:\\!\s*)?|\{,\}|\\[,!;: ]\s*)\d{3})+(?!\d)/y
      : /[1-9]\d{0,2}(?:(?:,\\!\s*|\{,\}|\\[,!;: ]\s*)\d{3})+(?!\d)/y;
    const group = this.#match(grouped);
    let digits = group === null ? this.#match(/\d*/y)![0] : group[0].replace(/\D/g, "");
    this.#match(/\.(?=\s*[/*^)}]|\s*\\(?:times|cdot)\b)/y); // 3./2
    const places = this.#reading.decimalComma && this.#brackets === 0
      ? this.#match(/[.,]\d+/y)
      : this.#match(/\.\d+|\{,\}\d+|\.(?=\\(?:overline|bar|dot)\b)/y);
    if (places !== null) digits += places[0].replace(/^(?:\{,\}|,)/, ".");
    const period = digits.includes(".")
      ? this.#match(/\\(?:overline|bar|dot)\s*\{?(\d+)\}?/y)
      : null;
    if (period !== null) return this.#push("number", `${digits}(${period[1]})`);
    const dots = places === null ? null : this.#match(/\s*(?:\\[lc]?dots|\.\.\.)/y);
    if (dots !== null) return this.#push("number", repeating(digits));
    if (this.#reading.scientific) {
      const exponent = this.#match(/[eE][+-]?\d{1,4}(?![\d.a-zA-Z{(^])/y);
      if (exponent !== null) digits += exponent[0];
    }
    this.#push("number", digits);
  }

  #command(): void {
    const name = this.#match(/\\+([a-zA-Z]+)\*?/y);
    if (name === null) return this.#escaped();
    // Texts escaped once too often write `\\frac`; between the rows of a matrix `\\x` is a new row.
    const backslashes = name[0].indexOf(name[1]);
    if (backslashes > 1 && this.#environments > 0 && !this.#known(name[1])) {
      this.#at -= name[0].length - backslashes;
      return this.#push("command", "\\\\");
    }
    if (backslashes > 2 && this.#environments > 0) this.#push("command", "\\\\");
    this.#named(name[1]);
  }

  #known(name: string): boolean {
    return KNOWN.has(name) || FUNCTIONS.has(name) || GREEK.has(name) || TEXTS.has(name) ||
      name in SYNONYMS || name === "end" || SKIPPED.has(name);
  }

  #named(given: string): void {
    if (SKIPPED.has(given)) {
      if (!/^m?(?:left|right)$/.test(given)) return;
      if (this.#match(/\s*\.(?!\d)/y) !== null) return;
      if (this.#match(/\s*(?:\\?\||\\[lr]?[vV]ert\b)/y) === null) return;
      if (given.endsWith("left")) this.#push("open", "\\lvert");
      else this.#push("close", "\\rvert");
      return;
    }
    if (SPACES.has(given)) {
      this.#spaced = true;
      return;
    }
    if (SKIPPED_WITH_OPERAND.has(given)) {
      this.#group();
      return;
    }
    if (TEXTS.has(given)) return this.#text(given);
    if (given === "mathbb" || given === "Bbb") {
      const letter = this.#match(/\s*\{?\s*([A-Z])\s*\}?/y);
      return this.#push("command", letter === null ? "\\mathbb" : `\\mathbb{${letter[1]}}`);
    }
    if (given === "begin" || given === "end") {
      const name = (this.#group() ?? "").replace("*", "");
      if (given === "begin") {
        this.#environments++;
        if (name === "array") this.#group();
        return this.#push("open", `\\begin ${name}`);
      }
      this.#environments = Math.max(0, this.#environments - 1);
      return this.#push("close", `\\end ${name}`);
    }
    const name = SYNONYMS[given] ?? given;
    const single = SINGLE[name];
    if (single !== undefined) return this.#push(...single);
    const known = KNOWN.has(name) || FUNCTIONS.has(name) || GREEK.has(name);
    this.#push(known ? "command" : "unknown", `\\${name}`);
  }

  #escaped(): void {
    this.#at++;
    const c = this.#source[this.#at++] ?? "";
    if (c === "{") this.#push("open", "\\{");
    else if (c === "}") this.#push("close", "\\}");
    else if (c === "%") this.#push("sign", "%");
    else if (c === "|") this.#push("sign", "|");
    else if (c === "\\") {
      if (this.#environments > 0) this.#push("command", "\\\\");
      else this.#spaced = true;
    } else if (c === "&") this.#push("command", "\\land");
    else this.#spaced = true; // \, \; \: \! \$ \( \) \[ \] \_ and the like
  }

  /** The operand in braces that stands here, without them. */
  #group(): string | null {
    this.#match(/\s*/y);
    if (this.#source[this.#at] !== "{") return null;
    let depth = 0;
    const start = this.#at + 1;
    for (let i = this.#at; i < this.#source.length; i++) {
      if (this.#source[i] === "\\") i++;
      else if (this.#source[i] === "{") depth++;
      else if (this.#source[i] === "}" && --depth === 0) {
        this.#at = i + 1;
        return this.#source.slice(start, i);
      }
    }
    this.#at = this.#source.length;
    return this.#source.slice(start);
  }

  #text(command: string): void {
    const content = this.#group();
    // `\mathbf x` has no operand in braces; `\text` alone says nothing.
    if (content !== null) this.#content(command, content, 0);
  }

  /** What a text command's operand says: words, a unit, or mathematics in another type face. */
  #content(command: string, content: string, depth: number): void {
    const plain = content.replace(/\\[,;:! ]|~|[$"`]/g, " ").trim();
    if (plain === "") {
      this.#spaced = true;
      return;
    }
    const joined = /(?:^|[\s,])(and|or)(?=[\s,]|$)/i.exec(plain);
    if (joined !== null && depth < 8) {
      this.#content(command, plain.slice(0, joined.index), depth + 1);
      this.#push(...SEPARATORS[joined[1].toLowerCase()]);
      return this.#content(command, plain.slice(joined.index + joined[0].length), depth + 1);
    }
    const operator = this.#operator(plain);
    if (operator !== undefined) return this.#push(...operator);
    if (/^[ap]\.?\s?m\.?$/i.test(plain)) return this.#push("text", `${plain[0]}m`);
    if (/^percent(age)?$|^pct$|^\\?%$/i.test(plain)) return this.#push("sign", "%");
    if (command === "operatorname" && (FUNCTIONS.has(plain) || plain in SYNONYMS)) {
      return this.#named(plain);
    }
    // Words and units stay words; numbers, formulas and single letters in a text are mathematics.
    const isFace = /^math|^boldsymbol$|^bm$|^pmb$/.test(command);
    const isWords = /^[^\d\\^_=+*{}]*[a-zA-Z]{2}[^\d\\^_=+*{}]*$/.test(plain) &&
      (!isFace || /[a-z]{2}/.test(plain));
    if (isWords || this.#afterValue() && parseUnit(plain) !== null) {
      return this.#push("text", plain);
    }
    const inner = new Tokeniser(content, this.#reading);
    inner.#brackets = this.#brackets;
    inner.#nesting = this.#nesting + 1;
    const tokens = inner.#nesting > 8 ? null : inner.run();
    if (tokens === null) return this.#push("unknown", plain);
    const spaced = this.#spaced;
    tokens.forEach((token, i) => {
      this.#tokens.push(i === 0 && spaced ? { ...token, spaced } : token);
    });
    this.#spaced = /\s$/.test(content);
  }

  /** Whether a unit may stand here. */
  #afterValue(): boolean {
    const last = this.#tokens.at(-1);
    return last !== undefined && !"+-=<>(^_[,".includes(last.text);
  }

  #letters(): void {
    const before = this.#source[this.#at - 1] ?? " ";
    if (
      this.#afterValue() && /\d\s*$/.test(this.#source.slice(Math.max(0, this.#at - 9), this.#at))
    ) {
      const clock = this.#match(/([ap])\.?\s?m\b\.?/iy);
      if (clock !== null) return this.#push("text", `${clock[1]}m`);
    }
    const [run] = this.#match(/[a-zA-Z]+/y)!;
    if (/^(?:np|math|sympy|Math)$/.test(run) && this.#match(/\.(?=[a-z])/y) !== null) return;
    const separator = SEPARATORS[run.toLowerCase()] ?? this.#operator(run);
    if (separator !== undefined) return this.#push(...separator);
    if (/^percent(age)?$|^pct$/i.test(run)) return this.#push("sign", "%");
    if (run.length === 1 && !(run === "a" && this.#beforeWord())) return this.#push("letter", run);
    if (run in PLAIN || FUNCTIONS.has(run) || GREEK.has(run)) {
      if (run === "cbrt") {
        this.#push("command", "\\sqrt");
        this.#push("open", "[");
        this.#push("number", "3");
        return this.#push("close", "]");
      }
      return this.#push("command", `\\${PLAIN[run] ?? run}`);
    }
    if (this.#isWord(run, before)) {
      // A sentence is one text.
      const more = this.#match(/(?:[ ,'’-]+[a-zA-Z]+)*/y)![0];
      const upTo = /^(.*?)(?:[ ,]+(?:and|or)\b.*)?$/s.exec(more)![1];
      this.#at -= more.length - upTo.length;
      return this.#push("text", run + upTo);
    }
    for (const letter of run) this.#push("letter", letter);
  }

  /** The operator that a word names, if an operand follows. */
  #operator(word: string): readonly [TokenKind, string] | undefined {
    const following = /^\s*[\d\\($.]/.test(this.#source.slice(this.#at, this.#at + 20));
    return following ? OPERATORS[word.toLowerCase()] : undefined;
  }

  #beforeWord(): boolean {
    return /^ +[a-zA-Z]{3}/.test(this.#source.slice(this.#at, this.#at + 10));
  }

  /** Whether a run of letters is a word, not a product of variables. */
  #isWord(run: string, before: string): boolean {
    const last = this.#tokens.at(-1);
    const afterNumber = last !== undefined &&
      (last.kind === "number" || last.kind === "close" || last.text === "\\pi");
    if (UNIT_WORDS.has(run) && (afterNumber || this.#spaced && last !== undefined)) return true;
    if (run.length < 3) {
      return this.#spaced && last?.kind === "text" || /[aeio]/.test(run) && this.#beforeWord();
    }
    // ABC names a triangle.
    if (!/[aeiouyAEIOUY]/.test(run) || /^[A-Z]{3,4}$/.test(run)) return false;
    const after = this.#source.slice(this.#at, this.#at + 2).trimStart()[0] ?? "";
    // Beside an operator stands a variable, beside white space or a stop a word.
    return !/[-+*/^_({\\]/.test(before) && !/[+*/^_({]/.test(after) || run.length > 5;
  }
}

/** `0.333...`: a repeating decimal if its last digits were written three times, otherwise as it stands. */
function repeating(digits: string): string {
  const [whole, places] = digits.split(".");
  for (let length = 1; length <= 6 && 3 * length <= places.length; length++) {
    const period = places.slice(-length);
    if (!places.endsWith(period.repeat(3))) continue;
    let start = places.length;
    while (start >= length && places.slice(start - length, start) === period) {
      start -= length;
    }
    return `${whole}.${places.slice(0, start)}(${period})`;
  }
  return digits;
}
