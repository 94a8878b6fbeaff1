import { hashAnswer, lastBoxed } from "../../rewards/answer.ts";
import { solutionTrace } from "../traces.ts";
import {
  isLeftOut,
  type LeftOutRow,
  type Preset,
  type PresetRow,
  type ProblemParts,
  readAnswer,
  readPrompt,
  readTraceText,
} from "./preset.ts";

/**
 * MATH and what has its shape: MATH-500, the full test set, the train set by subject
 * (`input`, `process`, `label`), DeepScaleR's list without solutions, OlymMATH.
 *
 * The gold answer is the answer column's; without such a column it is the solution's last box. The
 * trace is the solution up to the sentence that holds its first box.
 */
export const math: Preset = {
  columns: {
    prompt: ["problem", "question", "input"],
    answer: ["answer", "label", "final_answer", "ground_truth"],
    trace: ["solution", "process"],
    tier: ["level", "difficulty"],
  },
  read(row: PresetRow): ProblemParts | LeftOutRow {
    const prompt = readPrompt(row);
    if (isLeftOut(prompt)) return prompt;
    const solution = readTraceText(row);
    const answer = readAnswer(row.part("answer") ?? goldOf(solution));
    if (isLeftOut(answer)) return answer;
    return { prompt, answer, ...solutionTrace(solution) };
  },
};

/** The answer that a solution states: its last box, or what follows GSM8K's `####`. */
export function goldOf(solution: string): string | null {
  return lastBoxed(solution)?.content ?? hashAnswer(solution);
}
