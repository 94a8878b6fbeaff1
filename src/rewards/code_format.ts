import { codeBlocks, labelsOf } from "./code/code_block.ts";
import type { Reward, RewardSample } from "./reward.ts";
import { splitAtTags } from "./sections.ts";

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
    const labels = labelsOf(problem.tests?.language);
    return codeBlocks(answer).some(({ label }) => labels.includes(label)) ? 1 : 0;
  },
};
