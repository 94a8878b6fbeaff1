/** What the tests of code rewards share. */

import type {
  AssertionTests,
  CodeTests,
  FunctionCase,
  FunctionTests,
} from "../../../src/data/types.ts";
import type { Reward, RewardContext, RewardSample, Ungraded } from "../../../src/rewards/reward.ts";

/** A sample that answers with this completion. */
export function sampleOf(completion: string, tests: CodeTests, id = "p"): RewardSample {
  const problem = { id, prompt: "", answer: "", trace: "", tier: 1, tests };
  return { prompt: "", completion, completionIds: [], given: 0, problem };
}

/** A program as a completion. */
export function block(code: string, label = "python"): string {
  return `<think>x</think><answer>\n\`\`\`${label}\n${code}\n\`\`\`\n</answer>`;
}

/** The score of one completion alone. */
export async function scoreOf(
  reward: Reward,
  sample: RewardSample,
  signal: AbortSignal = new AbortController().signal,
): Promise<number | Ungraded> {
  const context: RewardContext = {
    group: [sample],
    scoreOf: () => Promise.reject(new Error("no other reward")),
    signal,
  };
  return await reward.score(sample, context);
}

/** Tests by code. */
export function assertions(
  pieces: readonly string[],
  more: Partial<AssertionTests> = {},
): AssertionTests {
  return {
    kind: "assertions",
    language: "python",
    setup: "",
    assertions: pieces,
    entryPoint: null,
    ...more,
  };
}

/** Tests by calls of a function. */
export function calls(
  functionName: string,
  cases: readonly FunctionCase[],
  language = "python",
): FunctionTests {
  return { kind: "function", language, functionName, cases };
}
