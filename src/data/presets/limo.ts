import { thinkingTrace } from "../traces.ts";
import { goldOf } from "./math.ts";
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
 * LIMO and trace files of its shape: `question`, `answer` and a `solution` that is one long
 * reasoning trace. The box that the trace ends with is taken away; boxes on the way stay.
 */
export const limo: Preset = {
  columns: {
    prompt: ["question", "problem", "prompt"],
    answer: ["answer"],
    trace: ["solution", "trace", "reasoning", "response"],
    tier: ["difficulty", "level"],
  },
  read(row: PresetRow): ProblemParts | LeftOutRow {
    const prompt = readPrompt(row);
    if (isLeftOut(prompt)) return prompt;
    const text = readTraceText(row);
    const answer = readAnswer(row.part("answer") ?? goldOf(text));
    if (isLeftOut(answer)) return answer;
    return { prompt, answer, ...thinkingTrace(text) };
  },
};
