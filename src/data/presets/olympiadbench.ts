import { asText } from "../columns.ts";
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
 * OlympiadBench's text problems: the gold answer is the one string of the list `final_answer`, which
 * itself lists the answers where `is_multiple_answer` is true; `context`, where there is one, stands
 * before the question.
 */
export const olympiadbench: Preset = {
  columns: { prompt: ["question"], answer: ["final_answer"], trace: ["solution"] },
  read(row: PresetRow): ProblemParts | LeftOutRow {
    const question = readPrompt(row);
    if (isLeftOut(question)) return question;
    const answer = readAnswer(row.part("answer"));
    if (isLeftOut(answer)) return answer;
    const context = asText(row.column("context"))?.trim();
    const prompt = context ? `${context}\n\n${question}` : question;
    return { prompt, answer, ...solutionTrace(readTraceText(row)) };
  },
};
