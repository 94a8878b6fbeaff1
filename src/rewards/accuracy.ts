import { boxedAnswers, canonicalAnswer, lastBoxed } from "./answer.ts";
import type { Reward, RewardSample, Ungraded } from "./reward.ts";
import { countOccurrences } from "./sections.ts";

/**
 * The text of the one answer section, or null. There must be exactly one in the whole completion,
 * so that listing guesses earns nothing, and it must stand after the thinking.
 */
function answerSection(completion: string): string | null {
  if (
    countOccurrences(completion, "<answer>") !== 1 ||
    countOccurrences(completion, "</answer>") !== 1
  ) return null;
  const start = completion.indexOf("<answer>");
  const end = completion.indexOf("</answer>");
  if (end < start) return null;
  // Thinking that is still open, or that is closed only later, holds the answer inside it.
  if (completion.lastIndexOf("</think>") > start) return null;
  if (completion.lastIndexOf("<think>") > completion.lastIndexOf("</think>")) return null;
  return completion.slice(start + "<answer>".length, end);
}

/**
 * The last box behind the thinking of a completion that has no answer tags at all: how models write that were tuned on
 * mathematics (`data.completion_style: plain`). Only the last one counts, so listing guesses earns nothing.
 */
function lastBox(completion: string): string | null {
  if (completion.includes("<answer>") || completion.includes("</answer>")) return null;
  const close = completion.lastIndexOf("</think>");
  if (completion.lastIndexOf("<think>") > close) return null;
  const ending = close < 0 ? completion : completion.slice(close + "</think>".length);
  return lastBoxed(ending)?.content ?? null;
}

/** What an answer section answers: its box, where it has exactly one, otherwise all of it. */
function finalAnswer(section: string): string | null {
  const boxes = boxedAnswers(section);
  if (boxes.length > 1) return null; // several boxes list guesses
  return boxes.length === 1 ? boxes[0].content : section;
}

/**
 * The accuracy reward (G²RPO-A, appendix B.5): 1 if the completion's answer is the gold answer,
 * otherwise 0.
 *
 * The answer stands in the completion's only `<answer>…</answer>`, after the thinking; where the
 * section has a `\boxed{}`, in that. A completion without answer tags answers in its last box after
 * the thinking. It is compared as {@linkcode canonicalAnswer} spells it. A
 * problem whose gold answer cannot be compared cannot be graded, nor one that tests judge.
 */
export const accuracyReward: Reward = {
  name: "accuracy",
  score({ completion, problem }: RewardSample): number | Ungraded {
    if (problem.tests !== undefined) {
      return { ungraded: "a programming problem is judged by its tests" };
    }
    const gold = canonicalAnswer(problem.answer);
    if (gold === null) {
      return { ungraded: `gold answer '${shorten(problem.answer)}' cannot be compared` };
    }
    const section = answerSection(completion);
    const answer = section === null ? lastBox(completion) : finalAnswer(section);
    return answer !== null && canonicalAnswer(answer) === gold ? 1 : 0;
  },
};

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
