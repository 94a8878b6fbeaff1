/** A problem as the model sees it: the rendered prompt, and the teacher's text in the run's style. */

import { takeReasoning } from "./traces.ts";
import type { Problem } from "./types.ts";

/** How prompts and completions are written. */
export interface Presentation {
  /** The prompt of a question: chat template, system prompt, generation prompt. */
  render(question: string): string;
  /** Whether the rendered prompt ends inside an open `<think>`. */
  readonly opensThink: boolean;
  /**
   * `tags`: `<think>` trace `</think>` and an `<answer>` section, which the rewards of the G²RPO-A paper's appendix B
   * look for. `plain`: the trace, then the answer in a box, as models write that were tuned on mathematics.
   */
  readonly style: "tags" | "plain";
}

/**
 * A problem with its prompt rendered and its trace opened as completions are, and with the teacher's whole completion
 * where it has a trace. Guidance is taken from the trace, which ends before the answer.
 */
export function presentProblem(problem: Problem, presentation: Presentation): Problem {
  const { render, opensThink, style } = presentation;
  const prompt = render(problem.prompt);
  const reasoning = takeReasoning(problem.trace).trace; // a trace may have tags of its own
  if (reasoning === "") return { ...problem, prompt, trace: "" };
  if (style === "plain" && !opensThink) {
    const trace = `${reasoning}\n\n`;
    return { ...problem, prompt, trace, completion: trace + boxed(problem.answer) };
  }
  const trace = `${opensThink ? "" : "<think>\n"}${reasoning}\n`;
  const answer = style === "plain"
    ? `\n${boxed(problem.answer)}`
    : `<answer>\n${problem.answer}\n</answer>`;
  return { ...problem, prompt, trace, completion: `${trace}</think>\n${answer}` };
}

function boxed(answer: string): string {
  return `The answer is $\\boxed{${answer}}$.`;
}
