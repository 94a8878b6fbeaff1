/**
 * The answer that prose states: "The volume of the cone is 120 cubic inches.", "Thus $x = 5$.", "**Answer:** 12".
 *
 * A text makes one statement, in its last sentence that says anything; what stands before is reasoning. The rules
 * are narrow on purpose: a statement that is missed costs one sample, one that is read out of a sentence which does not
 * make it is a way to be paid for nothing.
 */

/** Only so many characters before the end are read: a statement ends a text. */
const TAIL = 1500;
/** Words that may stand behind the value: units and what was counted. */
const MAX_TAIL_WORDS = 10;
/** Words of an answer that is no mathematics ("Evelyn", "does not exist"). */
const MAX_TEXT_WORDS = 5;
/** Sentences without mathematics that may follow the statement ("I hope it is correct."). */
const MAX_TRAILING = 2;

const MATH =
  /\$\$[^$]+\$\$|\\\[[\s\S]+?\\\]|\\\([\s\S]+?\\\)|\$(?![\s\d,.]*\s[a-z]{2})(?:\\.|[^$\\])+\$(?!\d)|\\boxed\{[^{}]*\}/g;
/** `(3, 4)`, `[0, 1)`, `{1, 2}` outside of math marks. */
const BRACKETED = /[([{](?=[^()[\]{}]*[\d\uE000-\uF8FF])[^()[\]{}A-Za-z]{1,200}[)\]}]/g;
const TEXT_COMMAND = /\\(?:text(?:bf|rm|it|normal)?|mathrm|mbox)\s*\{([^{}]*)\}/g;
const PLACE = 0xE000;
const HAS_PLACE = /[\uE000-\uF8FF]/;

const COPULAS = new Set(
  "is are was were be equals equal becomes remains = gives yields".split(" "),
);
/** What may stand between `is` and the value. */
const FILLERS = new Set(
  ("exactly simply just approximately about roughly around therefore thus hence then so also indeed clearly only " +
    "equal to by given found be the a an total of value number option choice").split(" "),
);
/** What behind a number makes it another number, or one of several. */
const ALTERING =
  /^(?:hundreds?|thousands?|[mbtr]*illions?|dozens?|squared|cubed|factorial|choose|mod|modulo|plus|minus|over|divided|multiplied|greater|larger|smaller|bigger|higher|lower|or|half|halves|thirds?|quarters?|fourths?|fifths?|sixths?|sevenths?|eighths?|ninths?|tenths?|hundredths?|thousandths?|pi|root|power|st|nd|rd|th|from|through|until|but|than|if|when|unless|except|plus|off|away|too|instead|rather|maybe|perhaps|possibly|versus|vs|either|else)$/;
/** What takes a statement back, or makes it no statement. */
const NEGATION =
  /(?:^|\s)(?:not|never|neither|nor|wrong|incorrect|false|except|cannot|unless)(?=$|[\s.,;:!?])|n['’]t\b/i;
const CONDITION = /(?:^|\s)(?:if|suppose|assume|assuming|let|provided|whether)(?=\s)/i;
/** What begins a sentence that asks, orders or recalls instead of concluding. */
const NO_CONCLUSION =
  /^(?:find|compute|calculate|determine|evaluate|what|how|which|who|where|when|why|consider|given|note|recall|solve|express|simplify|is|are|does|do|can|step|case|part|problem|question|exercise|check|verify|or|maybe|perhaps|alternatively|however|but|wait|actually)$/;
/** What begins a sentence that takes back the one before it. */
const TAKEN_BACK =
  /^(?:or|maybe|perhaps|possibly|alternatively|however|but|wait|actually|no|hmm|otherwise)$/;
/** Says nothing of its own: "This is the correct answer.", "I hope it is correct." */
const FLUFF =
  /^(?:this|that|it|which|i|we|hope|thus|hence|so|is|are|completes?|the|a|our|my|final|correct|right|desired|required|proof|solution|answer|result|done|and|as|was|to|be|shown|needed|found|ends)$/;
/** Names an answer; `Answer: the answer is` does so once. */
const NAMED = /\banswers?(?:\s*:|\s+is\b)(?!\s*(?:the|my|our)\b)/gi;
const PREPOSITION = /^(?:of|in|with|from|for|by|among|on|at|per)$/;
const NUMBER_WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split(
  " ",
);

/** One word or one expression of a sentence. */
interface Item {
  /** As the text has it, without the punctuation after it. */
  readonly text: string;
  /** Lower-case word; null for an expression. */
  readonly word: string | null;
  /** The punctuation after it. */
  readonly after: string;
}

/** A text's expressions hidden behind single characters, so that words and sentences can be told apart. */
class Masked {
  readonly #pieces: string[] = [];
  readonly text: string;

  constructor(text: string) {
    const hide = (piece: string): string => {
      this.#pieces.push(this.show(piece));
      // A full stop within the marks ends the sentence all the same.
      const end = /\.\s*(?:\$+|\\[\])])$/.test(piece) ? ". " : "";
      return String.fromCharCode(PLACE + this.#pieces.length - 1) + end;
    };
    this.text = text.replace(/[\uE000-\uF8FF]/g, " ").replace(MATH, hide)
      .replace(TEXT_COMMAND, "$1").replace(/\*\*|__|`|^\s*(?:#+|>)\s+/gm, "")
      .replace(BRACKETED, hide);
  }

  show(text: string): string {
    return text.replace(
      /[\uE000-\uF8FF]/g,
      (place) => this.#pieces[place.charCodeAt(0) - PLACE],
    );
  }
}

/** Sentences, in order. A line goes on in the next one unless it ended or the next is an item of a list. */
function sentences(text: string): string[] {
  let joined = "";
  for (const line of text.split("\n")) {
    const plain = line.trim();
    if (plain === "") {
      // A paragraph that announces the next one goes on.
      if (joined !== "" && !/[:=,]\s*$|answer\W*$/i.test(joined)) joined += "\n";
      continue;
    }
    const item = /^(?:[-*•]|\d+[.)])\s/.test(plain);
    const display = /^[\uE000-\uF8FF]/.test(plain);
    if (display) joined = joined.replace(/(?<![.!?])\n+$/, " ");
    const after = /[\uE000-\uF8FF]$/.test(joined) && /^[A-Z][a-z]/.test(plain);
    joined += (item || after ? "\n" : " ") + plain;
  }
  return joined.replace(/([.!?]["')\]]*)\s+(?=\S)|([\uE000-\uF8FF])(?=[A-Z][a-z])/g, "$1$2\n")
    .split("\n")
    .map((sentence) => sentence.trim()).filter((sentence) =>
      /[\p{L}\d\uE000-\uF8FF]/u.test(sentence)
    );
}

function items(sentence: string, masked: Masked): Item[] {
  const found: Item[] = [];
  const tokens = sentence.split(/\s+/);
  for (const [i, token] of tokens.entries()) {
    const bare = token.replace(/[.,;:!?]+$/, "");
    const after = token.slice(bare.length);
    const math = HAS_PLACE.test(bare) ||
      (/\d/.test(bare) && !/^\d+(?:st|nd|rd|th)$|^\d+-[a-z]{2,}/i.test(bare)) ||
      /^[-+*/=^×·÷−<>≤≥≈]+$/.test(bare) && i > 0 ||
      /^[A-Za-z]$/.test(bare) && tokens[i + 1]?.startsWith("=");
    const last = found.at(-1);
    if (math && last !== undefined && last.word === null && last.after === "") {
      found[found.length - 1] = { text: `${last.text} ${masked.show(bare)}`, word: null, after };
    } else {
      const text = masked.show(bare);
      found.push({ text, word: math ? null : bare.toLowerCase(), after });
    }
  }
  return found;
}

const isMath = ({ word }: Item): boolean => word === null;

function join(parts: readonly Item[]): string {
  return parts.map(({ text, after }, i) => i < parts.length - 1 ? text + after : text).join(" ");
}

/** Where the statement's value begins, or null: behind the last `is` that has a value, or the answer's colon. */
function predicate(sentence: readonly Item[]): { start: number; named: boolean } | null {
  const named = sentence.findLastIndex(({ word }) => word === "answer" || word === "answers");
  if (named >= 0) {
    for (let i = named; i < sentence.length - 1; i++) {
      const { word, after } = sentence[i];
      const says = after.includes(":") || word !== null && i > named && COPULAS.has(word);
      if (says || i === named && isMath(sentence[i + 1])) return { start: i + 1, named: true };
    }
    return null;
  }
  const lastMath = sentence.findLastIndex(isMath);
  for (let i = sentence.length - 2; i >= 0; i--) {
    const { word } = sentence[i];
    if (word === null || !COPULAS.has(word)) continue;
    if (lastMath < 0 || lastMath > i) return { start: i + 1, named: false };
  }
  return null;
}

/** An expression without its currency; the last side of sums that it works out (`9 * 2 = 18`). */
function expression(text: string): string {
  const value = text.replace(/^[$€£](?=\d[\d,.]*$)/, "");
  const sides = value.split("=");
  const worked = sides.slice(0, -1).join("").replace(
    /\\(?:cdot|times|div|[dt]?frac|left|right|sqrt|pi|binom)(?![a-zA-Z])/g,
    "",
  );
  if (sides.length < 2 || /[A-Za-z]/.test(worked)) return value;
  return sides.at(-1)!.replace(/^\s*[$€£](?=\d[\d,.]*$)/, "").replace(/(?:\$+|\\[\])])\s*$/, "")
    .trim();
}

/** A number with what it counts or measures, and the number alone, where nothing makes it another number. */
function quantity(value: readonly Item[]): string[] {
  const at = value.findIndex(isMath);
  const tail = value.slice(at + 1);
  const definite = value.slice(0, at).every(({ word }) => FILLERS.has(word!)) &&
    tail.length <= MAX_TAIL_WORDS && !tail.some(({ word }) => ALTERING.test(word ?? ""));
  if (!definite) return [];
  const { text } = value[at];
  const inner = expression(text);
  const rest = join(tail);
  return rest === "" ? [text, inner] : [`${inner} ${rest}`, inner];
}

/** What the end of a sentence says, as a whole and without its units; nothing if it says nothing definite. */
function readings(value: readonly Item[]): string[] {
  const whole = join(value);
  const numbers = value.filter(isMath);
  if (numbers.length === 0) {
    const digit = value.length === 1 ? NUMBER_WORDS.indexOf(value[0].word!) : -1;
    if (digit >= 0) return [String(digit)];
    return value.length > 0 && value.length <= MAX_TEXT_WORDS ? [whole] : [];
  }
  if (numbers.length === 1) {
    const found = quantity(value);
    return found.length === 0 ? [whole] : [...new Set(found)];
  }
  const several = value.slice(0, value.findLastIndex(isMath)).some(({ word, after }) =>
    after !== "" || /^(?:and|or|but|to|not|while)$/.test(word ?? "")
  );
  if (several) return [whole];
  // Work that comes to something: "20 sheep + 160 sheep = 180 sheep".
  const last = value.findLastIndex(isMath);
  const worked = /^[^A-Za-z\\]*=[^=]*$/.exec(value[last].text);
  if (worked !== null) return [whole, ...quantity(value.slice(last))];
  // "9 divisors of 196"
  const first = value.findIndex(isMath);
  const counted = value[first + 1]?.word != null && !PREPOSITION.test(value[first + 1].word!) &&
    value.slice(first + 2).some(({ word }) => PREPOSITION.test(word ?? ""));
  return counted ? [whole, ...quantity(value).slice(1)] : [whole];
}

/** One spelling of a sentence, to find it in the problem. */
function bare(sentence: string): string {
  return sentence.toLowerCase().replace(
    /^(?:so|thus|therefore|hence|then)[,:]?\s+/,
    "",
  ).replace(/[\s.,:;!?$*]+/g, "");
}

/** The value of "42 is the answer.", or null. */
function answerBefore(parts: readonly Item[]): Item | null {
  const is = parts.findIndex(({ word }) => word === "is");
  const after = parts.slice(is).map(({ word }) => word).join(" ");
  return is > 0 && isMath(parts[is - 1]) && parts.filter(isMath).length === 1 &&
      /^is (?:the|our|my) (?:final |correct |desired |required )?answer$/.test(after) &&
      parts.slice(0, is - 1).every(({ word }) => FILLERS.has(word!))
    ? parts[is - 1]
    : null;
}

/** Whether another value is claimed before this one: "It is 3 or it is 5." */
function claimedBefore(earlier: readonly Item[]): boolean {
  const or = earlier.findLastIndex(({ word }) => word === "or");
  const claim = earlier.slice(0, Math.max(or, 0));
  const is = claim.findIndex(({ word }) => word !== null && COPULAS.has(word));
  return is >= 0 && claim.slice(is).some(isMath) && !earlier.slice(or).some(isMath);
}

/** What a sentence without any `is` concludes: "Thus x = 5.", "She makes 9 * 2 = $18 a day." */
function conclusion(parts: readonly Item[], sentence: string): string[] {
  const at = parts.findLastIndex(isMath);
  if (at < 0) return [];
  if (!parts[at].text.includes("=")) {
    // A text that was cut off ends in the middle of a sentence.
    if (!/[.!]$|[\uE000-\uF8FF]$/.test(sentence)) return [];
    if (parts.filter(isMath).length > 1) return [];
  }
  // What stands before "or", "and" or a comma is part of it: "x = 3 or x = 5".
  let start = at;
  for (let i = at - 1; i >= 0; i--) {
    if (isMath(parts[i])) start = i;
    else if (!/^(?:and|or)$/.test(parts[i].word!)) break;
  }
  return readings(parts.slice(start));
}

/** What one sentence states. */
function statement(sentence: string, masked: Masked, problem: string): string[] {
  const parts = items(sentence, masked);
  // A displayed formula stands alone; a number or a word that does is an item of a list.
  if (parts.length === 1 && /^(?:\$\$|\\\[)/.test(parts[0].text)) return [parts[0].text];
  if (sentence.endsWith("?") || parts.length < 2) return [];
  const text = bare(masked.show(sentence));
  if (text.length > 8 && problem.includes(text)) return [];

  const found = predicate(parts);
  const before = found === null ? answerBefore(parts) : null;
  if (before !== null) return readings([before]);
  const first = parts[0].word ?? "";
  if (TAKEN_BACK.test(first) || NO_CONCLUSION.test(first) && !found?.named) return [];
  if (claimedBefore(parts.slice(0, found?.start ?? 0))) return [];
  // Before the value a "not" describes what is asked for ("the orders with none on top not counted are 18").
  const claim = join(parts.slice(Math.max(0, (found?.start ?? 0) - 2)));
  if (parts.some(isMath) && NEGATION.test(claim)) return [];
  if (!found?.named && CONDITION.test(sentence)) return [];
  return found === null ? conclusion(parts, sentence) : readings(parts.slice(found.start));
}

/**
 * The readings of the one statement that a text of prose ends with, the widest first: the whole value ("120 cubic
 * inches") and the value without its units ("120"). Empty where it states nothing.
 *
 * The statement is `the answer is …`, `Answer: …`, `… is …` or an expression that concludes the last sentence. It is
 * none if it asks, is negated or conditional, is taken back after it, or stands in the problem's own text (`prompt`).
 *
 * @param single The text is an answer and no reasoning: naming the answer twice lists guesses.
 */
export function statedAnswer(text: string, prompt: string, single: boolean): string[] {
  const tail = text.slice(-TAIL);
  if (!/[A-Za-z]{2}/.test(tail.replace(/\\[a-zA-Z]+/g, " "))) return [];
  const masked = new Masked(tail);
  const all = sentences(masked.text);
  if (single && (masked.text.match(NAMED)?.length ?? 0) > 1) return [];
  const problem = bare(prompt);
  for (let back = 0; back <= MAX_TRAILING && back < all.length; back++) {
    const sentence = all[all.length - 1 - back];
    const parts = items(sentence, masked);
    const says = parts.some((part) => isMath(part) || !FLUFF.test(part.word!));
    if (says) return statement(sentence, masked, problem);
    if (TAKEN_BACK.test(parts[0]?.word ?? "") || NEGATION.test(sentence)) return [];
  }
  return [];
}
