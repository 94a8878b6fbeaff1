import { FUNCTIONS } from "./commands.ts";
import { table } from "./table.ts";
import type { Token } from "./tokens.ts";
import { type Group, isSign as hasSign, type Item, split } from "./tree.ts";

/** Functions of several operands, between whose brackets commas may stand. */
const SEVERAL = new Set(["\\gcd", "\\lcm", "\\max", "\\min"]);
const INVERSES = table<string>({
  "\\sin": "\\arcsin",
  "\\cos": "\\arccos",
  "\\tan": "\\arctan",
  "\\cot": "\\arccot",
  "\\sec": "\\arcsec",
  "\\csc": "\\arccsc",
  "\\sinh": "\\arsinh",
  "\\cosh": "\\arcosh",
  "\\tanh": "\\artanh",
});
/** The parser's names where they differ. */
const SPELLINGS = table<string>({
  "\\arcsinh": "\\arsinh",
  "\\arccosh": "\\arcosh",
  "\\arctanh": "\\artanh",
  "\\lcm": "\\operatorname{lcm}",
});
/** Commands that shapes.ts takes apart: inside a formula they make it unreadable. */
const STRUCTURAL = new Set(
  String.raw`
    \cup \cap \setminus \in \notin \land \lor \le \ge \ne \pm \mp \approx \implies \to \\ \ldots \equiv \sim
    \emptyset \subset \subseteq \not \pmod \mod \mathbb
  `.trim().split(/\s+/),
);

/** Thrown, and caught here, for what is no formula. */
class NoFormula extends Error {}

/** Strict LaTeX of one formula: every operand in braces, every bracket round; null if it is none. */
export function writeFormula(items: readonly Item[]): string | null {
  if (items.length === 0) return null;
  try {
    return write(items);
  } catch (error) {
    if (error instanceof NoFormula) return null;
    throw error;
  }
}

const isSign = (item: Item | undefined, text: string) => item !== undefined && hasSign(item, text);
const isLetter = (item: Item | undefined, text?: string) =>
  item?.kind === "letter" && (text === undefined || item.text === text);

function write(items: readonly Item[]): string {
  const out: string[] = [];
  let i = 0;
  /** Where the last number stands that is no part of another operation. */
  let lastNumber = -1;

  /** The next operand, in braces. */
  const operand = (single: boolean): string => {
    const item = items[i++];
    if (item === undefined) throw new NoFormula();
    if (item.kind === "group") {
      if (item.open === "{" && item.items.length > 0) return `{${write(item.items)}}`;
      if (item.open === "(") return `{${bracketed(item, false)}}`;
      throw new NoFormula();
    }
    if (item.kind === "number" && single && /^\d{2,}$/.test(item.text)) {
      // `\frac12` is a half: LaTeX takes one digit at a time.
      items = [...items.slice(0, i - 1), { ...item, text: item.text.slice(1) }, ...items.slice(i)];
      i--;
      return `{${item.text[0]}}`;
    }
    if (item.kind === "number" || item.kind === "letter") return `{${leaf(item)}}`;
    if (item.text === "\\sqrt" || item.text === "\\frac" || item.text === "\\binom") {
      return `{${command(item)}}`;
    }
    if (item.text === "-" || item.text === "+") return `{${item.text}${operand(false)}}`;
    if (item.kind === "command" && !STRUCTURAL.has(item.text)) return `{${leaf(item)}}`;
    throw new NoFormula();
  };

  const command = (item: Token): string => {
    if (item.text === "\\frac" || item.text === "\\binom") {
      const derivative = item.text === "\\frac" ? derivativeOf(items[i], items[i + 1]) : null;
      if (derivative !== null) {
        i += 2;
        return derivative;
      }
      if (i === items.length - 1) items = [...items.slice(0, i), ...separated(items[i])];
      const over = operand(true);
      return `${item.text}${over}${operand(true)}`;
    }
    const degree = items[i];
    if (degree?.kind === "group" && degree.open === "[") {
      i++;
      return `\\sqrt[${write(degree.items)}]${operand(false)}`;
    }
    return `\\sqrt${operand(false)}`;
  };

  /** `\sin`, its powers and its base. */
  const named = (item: Token): string => {
    let name = item.text;
    let scripts = "";
    for (;;) {
      const next = items[i];
      if (next?.kind !== "sign" || next.text !== "^" && next.text !== "_") break;
      i++;
      const script = operand(false);
      if (next.text === "^" && /^\{\{?-\{?1\}*$/.test(script) && name in INVERSES) {
        name = INVERSES[name];
      } else if (next.text === "_" && name === "\\log" && script === "{10}") {
        name = "\\lg";
      } else scripts += next.text + script;
    }
    const following = items[i];
    if (following === undefined) throw new NoFormula();
    const spelled = (SPELLINGS[name] ?? name) + scripts;
    if (following.kind === "group" && "([".includes(following.open)) {
      i++;
      // The brackets are the function's, so that `\ln(x)y` is a product.
      return `${spelled}(${bracketed(following, SEVERAL.has(item.text))})`;
    }
    return `${spelled} `;
  };

  /** `\sum_{k=1}^{n}`, in whichever order its bounds are written. */
  const series = (item: Token): string => {
    let [from, to] = ["", ""];
    for (;;) {
      const isLower = isSign(items[i], "_");
      if (!isLower && !isSign(items[i], "^")) return `${item.text}${from}${to} `;
      i++;
      const script = items[i];
      const bounds = isLower && script?.kind === "group"
        ? split(script.items, (inner) => isSign(inner, "="))
        : [];
      if (bounds.length === 2) {
        i++;
        from = `_{${bounds.map(bracketedItems).join("=")}}`;
      } else if (isLower) from = `_${operand(false)}`;
      else to = `^${operand(false)}`;
    }
  };

  while (i < items.length) {
    const item = items[i++];
    if (item.kind === "group") out.push(nested(item));
    else if (item.kind === "number") {
      const previous = items[i - 2];
      const besideNumber = i > 1 && lastNumber === i - 2;
      lastNumber = i - 1;
      if (besideNumber) {
        // `1 1/2` is a mixed number; other numbers side by side are none.
        const [slash, under] = [items[i], items[i + 1]];
        if (slash?.kind !== "sign" || slash.text !== "/" || under?.kind !== "number") {
          throw new NoFormula();
        }
        i += 2;
        out.push(`\\frac{${item.text}}{${under.text}}`);
        continue;
      }
      // `1/2x` is half of x.
      const [slash, under, after] = [items[i], items[i + 1], items[i + 2]];
      const before = previous?.kind === "sign" ? previous.text : "";
      if (
        slash?.kind === "sign" && slash.text === "/" &&
        under?.kind === "number" && before !== "/" &&
        (after?.kind === "letter" || after?.kind === "group" ||
          after?.kind === "command" && !STRUCTURAL.has(after.text) && after.text !== "\\cdot")
      ) {
        i += 2;
        out.push(`\\frac{${leaf(item)}}{${leaf(under)}}`);
      } else out.push(leaf(item));
    } else if (item.kind === "letter") {
      const plain = item.text === "d" && isSign(items[i + 1], "/") && isLetter(items[i + 2], "d");
      if (plain && isLetter(items[i]) && isLetter(items[i + 3])) {
        out.push(
          `\\mathrm{derivative${lettersOf(items.slice(i - 1, i + 1))}by${
            lettersOf(items.slice(i + 2, i + 4))
          }}`,
        );
        i += 4;
      } else out.push(item.text);
    } else if (item.kind === "sign") {
      if (item.text === "^") {
        const exponent = exponentAt(items, i);
        if (exponent !== null) {
          i = exponent.after;
          out.push(exponent.text);
        } else out.push(`^${operand(false)}`);
      } else if (item.text === "_") {
        if (items[i - 2]?.kind === "number") throw new NoFormula();
        out.push(`_{${index(items[i++])}}`);
      } else if (item.text === "°") out.push("^{\\circ}");
      else if ("+-/!'".includes(item.text)) out.push(item.text);
      else throw new NoFormula();
    } else if (item.kind === "command") {
      if (STRUCTURAL.has(item.text)) throw new NoFormula();
      if (item.text === "\\frac" || item.text === "\\binom" || item.text === "\\sqrt") {
        out.push(command(item));
      } else if (item.text === "\\sum" || item.text === "\\prod") out.push(series(item));
      else if (ACCENTS.has(item.text) && /^[a-zA-Z]+$/.test(lettersOf([items[i]]))) {
        out.push(`\\mathrm{${item.text.slice(1)}${lettersOf([items[i++]])}}`);
      } else if (FUNCTIONS.has(item.text.slice(1))) out.push(named(item));
      else out.push(`${item.text} `);
    } else throw new NoFormula();
  }
  return out.join("");
}

/** `\frac{\sqrt{3}{2}`, which misses a brace: the last group inside is the second operand. */
function separated(item: Item): Item[] {
  const last = item.kind === "group" ? item.items.at(-1) : undefined;
  return item.kind === "group" && item.open === "{" && item.items.length > 1 &&
      last?.kind === "group" && last.open === "{"
    ? [{ ...item, items: item.items.slice(0, -1) }, last]
    : [item];
}

/** `^\circ` and `^{\prime}`, which are no exponents. */
function exponentAt(items: readonly Item[], i: number): { text: string; after: number } | null {
  let item: Item | undefined = items[i];
  if (item?.kind === "group" && item.open === "{" && item.items.length === 1) item = item.items[0];
  if (item === undefined || item.kind === "group") return null;
  if (item.text === "\\circ" || item.text === "°") return { text: "^{\\circ}", after: i + 1 };
  if (item.text === "'") return { text: "'", after: i + 1 };
  return null;
}

function leaf(token: Token): string {
  if (token.kind !== "number") return token.kind === "command" ? `${token.text} ` : token.text;
  return token.text.replace(/\((\d+)\)$/, "\\overline{$1}");
}

function nested(group: Group): string {
  switch (group.open) {
    case "{":
      if (group.items.length === 0) return "";
      return group.items.some((item) => item.kind === "command" && item.text === "\\choose")
        ? choose(group.items)
        : `{${write(group.items)}}`;
    case "(":
    case "[":
      return `(${bracketed(group, false)})`;
    case "|":
    case "\\lvert":
      return `\\left|${bracketed(group, false)}\\right|`;
    case "\\lfloor":
      return `\\lfloor ${bracketed(group, false)}\\rfloor `;
    case "\\lceil":
      return `\\lceil ${bracketed(group, false)}\\rceil `;
    default:
      throw new NoFormula();
  }
}

/** The letters and digits of items that are part of a name. */
function lettersOf(items: readonly (Item | undefined)[]): string {
  return items.map((item) =>
    item === undefined
      ? ""
      : item.kind === "group"
      ? lettersOf(item.items)
      : NAMED_SIGNS[item.text] ?? item.text.replace(/[^a-zA-Z0-9]/g, "")
  ).join("");
}

const NAMED_SIGNS = table<string>({
  "+": "plus",
  "-": "minus",
  "/": "over",
  "^": "to",
  "_": "at",
  ",": "comma",
  "'": "prime",
});

/** An index, which is part of a name and may be words. */
function index(item: Item | undefined): string {
  const name = lettersOf([item]);
  if (name === "") throw new NoFormula();
  return /^(?:\d+|[a-zA-Z])$/.test(name) ? name : `\\mathrm{${name}}`;
}

/**
 * dy/dx as one symbol: the parser forgets its order, and as a fraction it would be y/x. Null where it is
 * none.
 */
function derivativeOf(over: Item | undefined, under: Item | undefined): string | null {
  const isDifferential = (item: Item | undefined): boolean => {
    const first = item?.kind === "group" && item.open === "{" ? item.items[0] : undefined;
    return first !== undefined && first.kind !== "group" &&
      (first.text === "d" || first.text === "\\partial");
  };
  if (!isDifferential(under) || !isDifferential(over)) return null;
  return `\\mathrm{derivative${lettersOf([over])}by${lettersOf([under])}}`;
}

const ACCENTS = new Set([
  "\\dot",
  "\\ddot",
  "\\hat",
  "\\tilde",
  "\\vec",
  "\\overline",
  "\\widehat",
]);

/** `{n \choose k}`. */
function choose(items: readonly Item[]): string {
  const at = items.findIndex((item) => item.kind === "command" && item.text === "\\choose");
  return `\\binom{${bracketedItems(items.slice(0, at))}}{${bracketedItems(items.slice(at + 1))}}`;
}

function bracketedItems(items: readonly Item[]): string {
  if (items.length === 0) throw new NoFormula();
  return write(items);
}

function bracketed(group: Group, several: boolean): string {
  if (!several) return bracketedItems(group.items);
  const parts: Item[][] = [[]];
  for (const item of group.items) {
    if (item.kind === "sign" && item.text === ",") parts.push([]);
    else parts.at(-1)!.push(item);
  }
  return parts.map(bracketedItems).join(",");
}
