import type { Reward, RewardSample, Ungraded } from "./reward.ts";
import { countOccurrences } from "./sections.ts";

/** An integer in one spelling: no white space around it, no leading zeros, no -0. */
function canonicalInteger(text: string): string | null {
  const match = /^(-?)0*(\d+)$/.exec(text.trim());
  if (match === null) return null;
  const [, sign, digits] = match;
  return digits === "0" ? "0" : sign + digits;
}

/**
 * The text of the one answer section, or null. There must be exactly one in the whole completion,
 * so that listing guesses earns nothing, and it must stand after the thinking.
 */
function answerOf(completion: string): string | null {
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
 * The accuracy reward of the built-in task: 1 if the completion's answer is the gold integer,
 * otherwise 0.
 *
 * The answer is the integer in the completion's only `<answer>…</answer>`, which stands after the
 * thinking. White space around it and leading zeros do not count. A problem whose gold answer is no
 * integer cannot be graded.
 */
export const accuracyReward: Reward = {
  name: "accuracy",
  score({ completion, problem }: RewardSample): number | Ungraded {
    const gold = canonicalInteger(problem.answer);
    if (gold === null) return { ungraded: `gold answer '${problem.answer}' is not an integer` };
    const answer = answerOf(completion);
    return answer !== null && canonicalInteger(answer) === gold ? 1 : 0;
  },
};
