import { solutionTrace } from "../traces.ts";
import { goldOf, math } from "./math.ts";
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

/** Minerva's OpenCourseWare problems: the gold answer is the solution's last box. */
export const minerva: Preset = {
  columns: { ...math.columns, answer: ["answer"] },
  read(row: PresetRow): ProblemParts | LeftOutRow {
    const prompt = readPrompt(row);
    if (isLeftOut(prompt)) return prompt;
    const solution = readTraceText(row);
    const answer = readAnswer(goldOf(solution) ?? row.part("answer"));
    return isLeftOut(answer) ? answer : { prompt, answer, ...solutionTrace(solution) };
  },
};
