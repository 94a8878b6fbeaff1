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

/** Files written for verl: chat messages as prompt, the gold answer in `reward_model`. */
export const verl: Preset = {
  columns: {
    prompt: ["prompt"],
    answer: ["reward_model.ground_truth"],
    trace: ["extra_info.solution", "extra_info.answer"],
    tier: ["extra_info.difficulty", "extra_info.level"],
  },
  read(row: PresetRow): ProblemParts | LeftOutRow {
    const prompt = readPrompt(row);
    if (isLeftOut(prompt)) return prompt;
    const answer = readAnswer(row.part("answer"));
    return isLeftOut(answer) ? answer : { prompt, answer, ...solutionTrace(readTraceText(row)) };
  },
};
