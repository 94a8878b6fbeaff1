import { canonicalAnswer } from "../../rewards/answer.ts";
import { solutionTrace } from "../traces.ts";
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

/** A contest whose answers are integers that pass `fits`, or else have this reason. */
function contest(fits: (answer: number) => boolean, reason: string): Preset {
  return {
    columns: {
      prompt: ["problem", "question", "Problem", "prompt"],
      answer: ["answer", "Answer", "expected_answer", "reward_model.ground_truth"],
      trace: ["solution", "Solution"],
      tier: ["difficulty"],
    },
    read(row: PresetRow): ProblemParts | LeftOutRow {
      const prompt = readPrompt(row);
      if (isLeftOut(prompt)) return prompt;
      const given = readAnswer(row.part("answer"));
      if (isLeftOut(given)) return given;
      // 025, 27.0 and 336^\circ are integers as these files write them.
      const answer = canonicalAnswer(given) ?? "";
      if (!/^-?\d+$/.test(answer) || !fits(Number(answer))) return leaveOut(reason, given);
      return { prompt, answer, ...solutionTrace(readTraceText(row)) };
    },
  };
}

/** AIME in its usual shapes, verl's among them. Answers become plain integers. */
export const aime: Preset = contest(
  (answer) => answer >= 0 && answer <= 999,
  "its answer is no integer from 0 to 999",
);

/** AMC problems with integer answers instead of choices. */
export const amc: Preset = contest(() => true, "its answer is no integer");
