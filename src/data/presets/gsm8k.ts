import { canonicalAnswer, hashAnswer } from "../../rewards/answer.ts";
import { takeReasoning } from "../traces.ts";
import {
  isLeftOut,
  leaveOut,
  type LeftOutRow,
  type Preset,
  type PresetRow,
  type ProblemParts,
  readPrompt,
  readTraceText,
} from "./preset.ts";

/**
 * GSM8K: the integer after `####` is the gold answer, without its thousands commas; the solution
 * before it is the trace. Calculator marks (`48/2=<<48/2=24>>24`) are taken out of the trace: they
 * repeat each result, and no model writes them unless taught to.
 */
export const gsm8k: Preset = {
  columns: { prompt: ["question"], answer: ["answer"], trace: ["answer"] },
  read(row: PresetRow): ProblemParts | LeftOutRow {
    const prompt = readPrompt(row);
    if (isLeftOut(prompt)) return prompt;
    const given = row.part("answer");
    const gold = typeof given === "string" ? hashAnswer(given) : null;
    if (gold === null) return leaveOut("it has no answer after ####", given);
    const answer = canonicalAnswer(gold);
    if (answer === null || !/^-?\d+$/.test(answer)) {
      return leaveOut("its answer after #### is no integer", gold);
    }
    const text = readTraceText(row);
    const end = text.lastIndexOf("####");
    const { trace } = takeReasoning(end < 0 ? text : text.slice(0, end));
    return { prompt, answer, trace: trace.replace(/<<[^<>\n]*>>/g, "") };
  },
};
