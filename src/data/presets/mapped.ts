import { thinkingTrace } from "../traces.ts";
import { readCodeTests } from "./code_tests.ts";
import {
  isLeftOut,
  leaveOut,
  type LeftOutRow,
  type Preset,
  type PresetRow,
  type ProblemParts,
  readAnswer,
  readPrompt,
  readTraceText,
} from "./preset.ts";

/**
 * Rows without a preset: every part from the column that the mapping names. A programming problem has
 * `tests`, and then needs no answer.
 */
export const mapped: Preset = {
  columns: {},
  read(row: PresetRow): ProblemParts | LeftOutRow {
    const prompt = readPrompt(row);
    if (isLeftOut(prompt)) return prompt;
    const trace = thinkingTrace(readTraceText(row));
    const given = row.part("tests");
    if (given === undefined || given === null) {
      const answer = readAnswer(row.part("answer"));
      return isLeftOut(answer) ? answer : { prompt, answer, ...trace };
    }
    const tests = readCodeTests(given);
    if (typeof tests === "string") return leaveOut(tests);
    const answer = row.part("answer");
    return { prompt, answer: typeof answer === "string" ? answer : "", ...trace, tests };
  },
};
