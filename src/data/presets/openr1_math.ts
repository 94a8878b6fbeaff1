import { asText } from "../columns.ts";
import { takeReasoning, withoutFinalBox } from "../traces.ts";
import {
  isLeftOut,
  leaveOut,
  type LeftOutRow,
  type Preset,
  type PresetRow,
  type ProblemParts,
  readAnswer,
  readPrompt,
} from "./preset.ts";

function list(value: unknown): readonly unknown[] | null {
  return Array.isArray(value) ? value : null;
}

/**
 * OpenR1-Math: of a row's generations the first that is complete, correct and can be parsed gives
 * the trace (G²RPO-A, appendix C.1.1, both filtrations); a row without one is left out, with the
 * filtration that it failed. `source` is the tier: five sources from easy to hard. Rows of other
 * sources are left out too, unless `tier_order` or another tier column says where they belong.
 *
 * Correct is `correctness_math_verify`, where the file has it; where Math-Verify could not say
 * (null), `correctness_llama`.
 */
export const openr1Math: Preset = {
  columns: {
    prompt: ["problem", "question"],
    answer: ["answer"],
    trace: ["generations"],
    tier: ["source"],
  },
  tierOrder: ["cn_contest", "aops_forum", "amc_aime", "olympiads", "olympiads_ref"],
  read(row: PresetRow): ProblemParts | LeftOutRow {
    const prompt = readPrompt(row);
    if (isLeftOut(prompt)) return prompt;
    const answer = readAnswer(row.part("answer"));
    if (isLeftOut(answer)) return answer;

    const given = row.part("trace");
    const generations = typeof given === "string" ? [given] : list(given) ?? [];
    if (generations.length === 0) return leaveOut("it has no generations");
    const column = (name: string, i: number) => list(row.column(name))?.[i];

    const complete = generations.flatMap((generation, index) => {
      const text = asText(generation);
      const reasoning = text === null ? null : takeReasoning(text);
      const whole = reasoning !== null && reasoning.complete &&
        column("is_reasoning_complete", index) !== false &&
        column("finish_reasons", index) !== "length";
      return whole ? [{ ...reasoning, index }] : [];
    });
    if (complete.length === 0) return leaveOut("no generation is complete");
    const correct = complete.filter(({ index }) => {
      const verified = column("correctness_math_verify", index);
      return (verified ?? column("correctness_llama", index) ?? false) === true;
    });
    if (correct.length === 0) return leaveOut("no complete generation is correct");
    for (const { trace, completion } of correct) {
      const bare = withoutFinalBox(trace);
      if (bare === "") continue;
      return { prompt, answer, trace: bare, ...(completion === undefined ? {} : { completion }) };
    }
    return leaveOut("no correct generation has a trace before its answer");
  },
};
