import type { Problem } from "../data/types.ts";
import { extractAnswer } from "./extract.ts";
import { type Reward, type RewardSample, type Ungraded, ungraded } from "./reward.ts";
import { afterThinking } from "./sections.ts";

/** Words before a letter. */
const INTRODUCTION = /^(?:(?:the|my|final|correct|right|answer|option|choice|is)[\s:]+)*/i;
/** A letter that says a choice, with what may stand around it, and the rest of the text. */
const CHOSEN =
  /^[([]?([A-J])(?:[)\].,:;]+(?=\s|$)|(?=\s+(?:because|since|as|is)\s)|$)\s*([\s\S]*)$/;
const PRAISE =
  /^is (?:the )?(?:correct|right|best|answer)(?: (?:answer|choice|option|one))?[.!]?$/i;
const TAKEN_BACK =
  /\b(?:not|never|wrong|incorrect|false|or|nor|but|either|maybe|perhaps|rather)\b|n['’]t\b/i;
/** A choice's letter within text: not the article "A", not "I". */
const OTHER_LETTER = /(?:^|[\s([,/])(?:[B-HJ]|A(?!\s+[a-z]))(?=[)\].,:;]|\s|$)/;

/** The text of each choice that a problem lists as `A. …`, `(B) …` or `C) …`, by its letter. */
function choices(prompt: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, letter, text] of prompt.matchAll(/^[ \t]*\(?([A-J])[.):][ \t]+(\S.*)$/gm)) {
    found.set(letter, text.trim());
  }
  return found;
}

/** The gold letter, or null where the gold answer is none. */
function goldLetter(answer: string): string | null {
  return /^\s*\(?([A-J])\)?\.?\s*$/.exec(answer)?.[1] ?? null;
}

/** Whether a problem lists choices by letters, and its gold answer is one of these. */
export function isMultipleChoice({ prompt, answer }: Pick<Problem, "prompt" | "answer">): boolean {
  const gold = goldLetter(answer);
  if (gold === null) return false;
  const listed = choices(prompt);
  return listed.size > 1 && listed.has(gold);
}

/** One spelling of a choice's text. */
function spelling(text: string): string {
  return text.toLowerCase().replace(/[\s$*~]+/g, " ").replace(/[.\s]+$/, "").trim();
}

/** The choice that an answer names, or null if it names none or several. */
function choiceOf(answer: string, listed: ReadonlyMap<string, string>): string | null {
  const plain = answer.replace(/\\(?:text(?:bf|rm|it)?|mathrm|mathbf|mbox)\s*\{([^{}]*)\}/g, "$1")
    .replace(/\\[()[\] ,;!]|\*\*|[$`]/g, "").trim();
  const match = CHOSEN.exec(plain.replace(INTRODUCTION, ""));
  if (match?.[2] === "") return match[1];
  const same = [...listed].filter(([, text]) => spelling(text) === spelling(plain));
  if (same.length === 1) return same[0][0];
  if (match === null) return null;
  const [, letter, rest] = match;
  if (PRAISE.test(rest)) return letter;
  const text = listed.get(letter);
  if (text !== undefined && spelling(text) === spelling(rest)) return letter;
  const other = [...listed.values()].some((text) => spelling(text) === spelling(rest));
  return other || OTHER_LETTER.test(rest) || TAKEN_BACK.test(rest) ? null : letter;
}

/**
 * The multiple-choice reward (GPQA): 1 if the completion chooses the gold letter, otherwise 0.
 *
 * The answer stands where {@linkcode extractAnswer} finds it, or is all that follows the thinking. It may be `B`,
 * `(B)`, `\text{(B)}`, `option B`, `B) 3.2 eV` or `The answer is B`; or the text of the gold choice without its letter,
 * if no other choice has the same. Several letters, or a letter with the text of another choice, score 0. A
 * problem whose gold answer is no letter cannot be graded.
 */
export const multipleChoiceReward: Reward = {
  name: "multiple_choice",
  score({ completion, problem }: RewardSample): number | Ungraded {
    const gold = goldLetter(problem.answer);
    if (gold === null) {
      return ungraded(`gold answer '${problem.answer.slice(0, 60)}' is no letter from A to J`);
    }
    const listed = choices(problem.prompt);
    const chosenIn = (answers: readonly string[]) =>
      new Set(answers.flatMap((answer) => choiceOf(answer, listed) ?? []));
    let chosen = chosenIn(extractAnswer(completion, problem.prompt));
    const ending = afterThinking(completion)?.trim() ?? "";
    if (chosen.size === 0 && ending.length <= 200 && !ending.includes("<")) {
      chosen = chosenIn([ending]);
    }
    return chosen.size === 1 && chosen.has(gold) ? 1 : 0;
  },
};
