import { canonicalAnswer, lastBoxed } from "../../rewards/answer.ts";
import { asText } from "../columns.ts";
import { takeReasoning, withoutFinalBox } from "../traces.ts";
import {
  isLeftOut,
  leaveOut,
  type LeftOutRow,
  type Preset,
  type PresetRow,
  type ProblemParts,
  readPrompt,
} from "./preset.ts";

/** Teachers of the s1K files, the better one first. */
const TEACHERS = ["deepseek", "gemini"];

/**
 * s1K and s1K-1.1. The gold answer is the last box of `solution`, or all of it where it is a bare
 * answer; proofs have none and are left out. The trace is the first teacher's whose attempt was not
 * graded wrong.
 */
export const s1k: Preset = {
  columns: {
    prompt: ["question", "problem"],
    answer: ["answer", "solution"],
    trace: ["thinking_trajectories"],
  },
  read(row: PresetRow): ProblemParts | LeftOutRow {
    const prompt = readPrompt(row);
    if (isLeftOut(prompt)) return prompt;
    const solution = asText(row.part("answer"))?.trim() ?? "";
    const answer = lastBoxed(solution)?.content ?? solution;
    if (answer === "") return leaveOut("it has no answer");
    if (canonicalAnswer(answer) === null) {
      return leaveOut("its solution has no short answer", answer);
    }
    return { prompt, answer, trace: withoutFinalBox(traceOf(row)) };
  },
};

function traceOf(row: PresetRow): string {
  const given = row.part("trace");
  const first = Array.isArray(given) ? given[0] : given;
  if (typeof first === "string") return takeReasoning(first).trace;
  for (const teacher of TEACHERS) {
    const thinking = row.column(`${teacher}_thinking_trajectory`);
    const grade = row.column(`${teacher}_grade`);
    if (typeof thinking === "string" && grade !== "No") return takeReasoning(thinking).trace;
  }
  return "";
}
