/**
 * The vocabulary: commands, words for them, and what they are replaced by.
 *
 * @module
 */
import { table } from "./table.ts";
import type { TokenKind } from "./tokens.ts";

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Commands without a meaning of their own. */
export const SKIPPED = words(`
  left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr bigm middle mleft mright
  displaystyle textstyle scriptstyle limits nolimits rm bf it sf tt rmfamily bfseries mathstrut strut
  boxed fbox ensuremath cancel bcancel xcancel mathord mathrel mathop mathbin mathopen mathclose
  smash therefore because centering noindent par protect underbrace overbrace underline
`);
/** Commands that are white space. */
export const SPACES = words(
  "quad qquad enspace enskip thinspace medspace thickspace space hfill newline",
);
/** Commands left out together with their operand. */
export const SKIPPED_WITH_OPERAND = words(
  "hspace vspace phantom hphantom vphantom color textcolor label tag mspace kern",
);
/** Commands whose operand is words, or letters in another type face. */
export const TEXTS = words(`
  text textbf textit textrm textnormal textsf texttt textup textsc emph mbox hbox operatorname
  mathrm mathbf mathit mathsf mathtt mathnormal boldsymbol bm mathcal mathscr mathfrak pmb
`);

/** Other spellings of one command. */
export const SYNONYMS = table<string>({
  dfrac: "frac",
  tfrac: "frac",
  cfrac: "frac",
  nicefrac: "frac",
  sfrac: "frac",
  dbinom: "binom",
  tbinom: "binom",
  leq: "le",
  leqslant: "le",
  leqq: "le",
  geq: "ge",
  geqslant: "ge",
  geqq: "ge",
  neq: "ne",
  cdot: "cdot",
  times: "cdot",
  ast: "cdot",
  bullet: "cdot",
  wedge: "land",
  vee: "lor",
  varnothing: "emptyset",
  O: "emptyset",
  backslash: "setminus",
  smallsetminus: "setminus",
  bigcup: "cup",
  bigcap: "cap",
  dots: "ldots",
  cdots: "ldots",
  dotsc: "ldots",
  dotsb: "ldots",
  vdots: "ldots",
  ddots: "ldots",
  varphi: "phi",
  varepsilon: "epsilon",
  vartheta: "theta",
  varrho: "rho",
  bar: "overline",
  overrightarrow: "vec",
  lbrace: "{",
  rbrace: "}",
  tg: "tan",
  ctg: "cot",
  asin: "arcsin",
  acos: "arccos",
  atan: "arctan",
  arctg: "arctan",
  arsinh: "arcsinh",
  Rightarrow: "implies",
  Longrightarrow: "implies",
  rightarrow: "to",
  longrightarrow: "to",
  iff: "implies",
  Leftrightarrow: "implies",
  simeq: "approx",
  thickapprox: "approx",
  imath: "i",
  jmath: "j",
  coloneqq: "=",
  infin: "infty",
  inf: "infty",
});

/** Commands that are one of the signs, letters or brackets. */
export const SINGLE = table<readonly [TokenKind, string]>({
  lt: ["sign", "<"],
  gt: ["sign", ">"],
  colon: ["sign", ":"],
  "=": ["sign", "="],
  prime: ["sign", "'"],
  degree: ["sign", "°"],
  vert: ["sign", "|"],
  lvert: ["open", "\\lvert"],
  rvert: ["close", "\\rvert"],
  Vert: ["sign", "|"],
  lVert: ["open", "\\lvert"],
  rVert: ["close", "\\rvert"],
  mid: ["sign", "|"],
  "{": ["open", "\\{"],
  "}": ["close", "\\}"],
  langle: ["open", "\\langle"],
  rangle: ["close", "\\rangle"],
  lfloor: ["open", "\\lfloor"],
  rfloor: ["close", "\\rfloor"],
  lceil: ["open", "\\lceil"],
  rceil: ["close", "\\rceil"],
  lbrack: ["open", "["],
  rbrack: ["close", "]"],
  lparen: ["open", "("],
  rparen: ["close", ")"],
  i: ["letter", "i"],
  j: ["letter", "j"],
});

/** Functions, which plain texts name without a backslash. */
export const FUNCTIONS = words(`
  sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc sinh cosh tanh coth sech csch
  arcsinh arccosh arctanh ln log lg exp sqrt gcd lcm max min det
`);
export const GREEK = words(`
  alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon
  phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell hbar partial nabla
`);
/** Further commands that the formulas and shapes know. */
export const KNOWN = words(`
  frac binom choose pm mp le ge ne cdot div cup cap setminus in notin infty emptyset land lor ldots
  circ approx equiv sim implies to overline vec hat tilde overleftrightarrow angle triangle bmod pmod
  mod sum prod int lim subset subseteq parallel perp propto cong Re Im arg dot widehat boxplus
  measuredangle square Box star dagger not dot ddot odot oplus otimes
`);
/** Plain words for commands. */
export const PLAIN = table<string>({
  infinity: "infty",
  inf: "infty",
  oo: "infty",
  Infinity: "infty",
  asin: "arcsin",
  acos: "arccos",
  atan: "arctan",
  cbrt: "cbrt",
  sqrt: "sqrt",
  union: "cup",
  intersect: "cap",
});

export const UNIT_WORDS = words(`
  mm cm dm km ft yd mi kg mg lb lbs oz ml mph kph hr hrs min mins sec secs deg rad Hz kHz MHz kJ eV
  Pa kPa atm mol rpm cc sq cu USD inches inch feet foot miles mile degrees degree
`);

/** Words between answers. */
export const SEPARATORS = table<readonly [TokenKind, string]>({
  and: ["command", "\\land"],
  or: ["command", "\\lor"],
  "and also": ["command", "\\land"],
});

/** Words for operators, where an operand follows. */
export const OPERATORS = table<readonly [TokenKind, string]>({
  negative: ["sign", "-"],
  minus: ["sign", "-"],
  plus: ["sign", "+"],
  times: ["command", "\\cdot"],
});
