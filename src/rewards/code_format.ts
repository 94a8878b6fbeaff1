import type { Reward, RewardSample } from "./reward.ts";
import { splitAtTags } from "./sections.ts";

/** The labels of a fenced block by language: the set that appendix B.3 calls allowed. */
const LABELS: Readonly<Record<string, readonly string[]>> = {
  python: ["python", "python3", "py"],
  javascript: ["javascript", "js"],
  typescript: ["typescript", "ts"],
  cpp: ["cpp", "c++"],
  c: ["c"],
  java: ["java"],
  go: ["go", "golang"],
  rust: ["rust", "rs"],
};

/** Whether a text has a closed fenced block that is not empty and has one of these labels. */
function hasCode(text: string, labels: readonly string[]): boolean {
  let label: string | null = null; // of the block that is open
  let code = "";
  for (const line of text.split("\n")) {
    const fence = /^```[ \t]*([^\s`]*)[ \t]*\r?$/.exec(line);
    if (fence === null) code += line;
    else if (label === null) {
      label = fence[1].toLowerCase();
      code = "";
    } else if (fence[1] === "") {
      if (labels.includes(label) && code.trim() !== "") return true;
      label = null;
    }
  }
  return false;
}

/**
 * The code-format reward (G²RPO-A, appendix B.3): 1 if the completion is exactly
 * `<think>…</think><answer>…</answer>` and the answer section has a fenced code block that is not
 * empty, labelled with the language of the problem's tests (any known one without tests);
 * otherwise 0.
 *
 * White space may stand before, between and after the sections; the answer section may have prose
 * around the block.
 */
export const codeFormatReward: Reward = {
  name: "code_format",
  score({ completion, problem }: RewardSample): number {
    const pieces = splitAtTags(completion);
    if (pieces === null) return 0;
    const [before, , between, answer, after] = pieces;
    if ((before + between + after).trim() !== "") return 0;
    const language = problem.tests?.language.toLowerCase();
    const labels = language === undefined
      ? Object.values(LABELS).flat()
      : LABELS[language] ?? [language];
    return hasCode(answer, labels) ? 1 : 0;
  },
};
