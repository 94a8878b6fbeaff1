/** Gold answers of real data sets written in other ways: what a comparison of answers must see through. */
import type { PresetName } from "../../src/data/presets/registry.ts";
import { Random } from "../../src/data/random.ts";
import { loadProblems } from "../../src/data/source.ts";
import type { Problem } from "../../src/data/types.ts";
import { SHARED_DATA, source } from "../data/support.ts";

/** The data sets with mathematical answers, as they are under ../shared/data. */
export const SETS: readonly [name: string, path: string, preset: PresetName | null][] = [
  ["gsm8k_test", "math/gsm8k_test.jsonl", "gsm8k"],
  ["gsm8k_train", "math/gsm8k_train.jsonl.gz", "gsm8k"],
  ["math_test", "math/math_test5000.jsonl.gz", "math"],
  ["math_train", "math/math_train_by_subject", "math"],
  ["math500", "math/math500_test.jsonl", "math"],
  ["aime24", "math/aime24.jsonl", "aime"],
  ["aime25", "math/aime25.jsonl", "aime"],
  ["aime_1983_2023", "math/deepscaler_aime_1983_2023_train.json.gz", "aime"],
  ["amc23", "math/amc23.jsonl", "amc"],
  ["minerva", "math/minerva_math.jsonl", "minerva"],
  ["olympiadbench", "math/olympiadbench_675.jsonl.gz", "olympiadbench"],
  ["olymmath_easy", "math/olymmath_en_easy.jsonl", "math"],
  ["olymmath_hard", "math/olymmath_en_hard.jsonl", null],
];

/** The problems of one of {@linkcode SETS}; about `most` of them, evenly spread. */
export async function loadSet(
  [, path, preset]: (typeof SETS)[number],
  most = Infinity,
): Promise<readonly Problem[]> {
  const columns = preset === null ? { id: "unique_id", prompt: "problem", answer: "answer" } : null;
  const { problems } = await loadProblems(
    source({ path: `${SHARED_DATA}/${path}`, preset, columns }),
  );
  const step = Math.max(1, Math.ceil(problems.length / most));
  return problems.filter((_, i) => i % step === 0);
}

/** Without the marks around mathematics. */
export function bare(gold: string): string {
  const plain = gold.trim();
  const inner = /^\$([^$]+)\$$/.exec(plain) ?? /^\\\(((?:(?!\\\)).)+)\\\)$/s.exec(plain);
  return (inner?.[1] ?? plain).trim();
}

const isText = (gold: string) => !/[\d\\^_=]/.test(gold) && /[A-Za-z]{2}/.test(gold);

/** LaTeX as a careless model writes it: big fractions, sized brackets, thin spaces. */
function noisy(gold: string): string {
  return gold.replace(/\\frac(?![a-zA-Z])/g, "\\dfrac")
    .replace(/\\left(?![a-zA-Z])|\\right(?![a-zA-Z])/g, "")
    .replace(/(?<!\\)\(/g, "\\left(").replace(/(?<!\\)\)/g, "\\right)")
    .replace(/,(?=\s)/g, ",\\;");
}

/** The same in plain characters, where nothing but fractions, roots and products have to be rewritten. */
function plainText(gold: string): string | null {
  // dx/dt; (1/(5,525)), which is a pair to whoever does not know better.
  if (/\bd\s*\w\b|frac.*,/.test(gold)) return null;
  let text = bare(gold).replace(/,\\!\s*/g, ",")
    .replace(/\\(?:left|right)(?![a-zA-Z])|\\[!,;]/g, "")
    .replace(/\\[dt]frac/g, "\\frac")
    .replace(/\\frac\s*(\d)\s*(\d)/g, "\\frac{$1}{$2}").replace(/\\sqrt\s*(\d)/g, "\\sqrt{$1}");
  for (let depth = 0; depth < 4; depth++) {
    text = text.replace(/\\frac\{([^{}]*)\}\{([^{}]*)\}/g, (_, over, under) => {
      const part = (s: string) => /^(?:\d+|[a-z])$/.test(s) ? s : `(${s})`;
      return `(${part(over)}/${part(under)})`;
    }).replace(/\\sqrt\{([^{}]*)\}/g, " sqrt($1)").replace(/\^\{(\w)\}/g, "^$1")
      .replace(/\^\{([^{}]*)\}/g, "^($1)");
  }
  text = text.replace(/^(-?)\(([^(),]*\/[^(),]*)\)$/, "$1$2").replace(/\\pi(?![a-zA-Z])/g, "pi")
    .replace(
      /\\(?:cdot|times)(?![a-zA-Z])/g,
      "*",
    );
  // A mixed number in plain characters, 1 1/2, is not what remains of 1\frac{1}{2}.
  return /[\\{}$]/.test(text) || /\d\s*\\[dt]?frac/.test(gold) ? null : text;
}

/** Another spelling of the value: 7 as 7.0, 1/2 as 2/4, an expression as what a variable is. */
function revalued(gold: string): string | null {
  const plain = bare(gold);
  if (/^-?\d+$/.test(plain)) {
    return plain.replace("-", "").length > 3
      ? BigInt(plain).toLocaleString("en-US").replaceAll(",", "{,}")
      : `${plain}.0`;
  }
  const fraction = /^(-?)\\[dt]?frac\{(\d+)\}\{(\d+)\}$/.exec(plain);
  if (fraction !== null) {
    return `${fraction[1]}\\frac{${2n * BigInt(fraction[2])}}{${2n * BigInt(fraction[3])}}`;
  }
  if (isText(plain)) return `\\text{${plain}}`;
  return /[,=<>$]|\\(?:text|le|ge|in|cup|infty|pm|to|mid|mbox|n?eq|[lg]eq|[lg]eqslant|equiv)(?![a-zA-Z])|:/
      .test(plain)
    ? null
    : `y = ${plain}`;
}

/** How a gold answer is put into a completion; null where it cannot be. */
export const VARIANTS: Readonly<Record<string, (gold: string) => string | null>> = {
  boxed: (gold) => `So it is $\\boxed{${bare(gold)}}$.`,
  section: (gold) => `<think>a</think><answer>${gold}</answer>`,
  prose: (gold) => {
    const plain = bare(gold);
    if (isText(plain)) return plain.split(" ").length > 4 ? null : `The answer is ${plain}.`;
    return gold.includes("$") && plain === gold.trim()
      ? `The answer is ${plain}.`
      : `The answer is $${plain}$.`;
  },
  noisy: (gold) => isText(gold) ? null : `<think>a</think><answer>$${noisy(bare(gold))}$</answer>`,
  plain: (gold) => {
    const text = plainText(gold);
    return text === null || isText(text) ? null : `<think>a</think><answer>${text}</answer>`;
  },
  revalued: (gold) => {
    const text = revalued(gold);
    return text === null ? null : `It is $\\boxed{${text}}$.`;
  },
};

const isSimple = (gold: string) => !/[,=<>]|\\(?:text|mbox|begin|infty|%)|%/.test(gold);

/** Changes after which a gold answer means something else; null where they do not apply. */
export const CHANGES: Readonly<Record<string, (gold: string, random: Random) => string | null>> = {
  digit: (gold, random) => {
    // The digits of units and indices may go unread.
    const places = [...gold.matchAll(/(?<![_^]\{?)\d/g)];
    if (places.length === 0 || /text|mbox|\^|_/.test(gold)) return null;
    const { index, 0: digit } = places[random.int(places.length)];
    const other = (Number(digit) + 1 + random.int(8)) % 10;
    return gold.slice(0, index) + other + gold.slice(index + 1);
  },
  sign: (gold) =>
    gold.startsWith("-")
      ? gold.slice(1)
      : /^(?:[1-9a-z]|\\(?:frac|sqrt|pi))/.test(gold) && !/=\s*0/.test(gold)
      ? `-${gold}`
      : null,
  "sign within": (gold) => {
    const place = /[\da-z})]\s*([+-])/.exec(gold.slice(1));
    if (place === null) return null;
    const at = place.index + place[0].length;
    return gold.slice(0, at) + (gold[at] === "+" ? "-" : "+") + gold.slice(at + 1);
  },
  "one more answer": (gold) => isSimple(gold) ? `${gold}, 987` : null,
  "one answer fewer": (gold) => {
    const parts = gold.split(",");
    if (parts.length < 2 || /[({[\\]/.test(gold)) return null;
    // Twice the same root is one root.
    return new Set(parts.map((part) => part.trim())).size === parts.length
      ? parts.slice(1).join(",")
      : null;
  },
  "plus one": (gold) => isSimple(gold) && /^[-\d\\a-z]/.test(gold) ? `${gold} + 1` : null,
  square: (gold) =>
    isSimple(gold) && /^[\d\\a-z]/.test(gold) && !/^[01]$/.test(gold) ? `(${gold})^2` : null,
  "tuple turned": (gold) => {
    const tuple = /^\(([^(),]+),([^(),]+)\)$/.exec(gold);
    return tuple !== null && tuple[1].trim() !== tuple[2].trim()
      ? `(${tuple[2]},${tuple[1]})`
      : null;
  },
  "other root": (gold) => gold.includes("\\sqrt{") ? gold.replace("\\sqrt{", "\\sqrt[3]{") : null,
  "three for pi": (gold) => gold.includes("\\pi") ? gold.replace("\\pi", "3") : null,
};
