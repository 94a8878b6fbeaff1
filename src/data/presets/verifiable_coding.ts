import { asText } from "../columns.ts";
import { takeReasoning } from "../traces.ts";
import { fenced, readCodeTests } from "./code_tests.ts";
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
 * Verifiable coding problems of Open R1 and DeepCoder: a statement and tests, mostly of standard
 * input and output. The answer is the reference solution in a fenced block, where there is one. The
 * data has no traces: map `trace` to a column that has them.
 */
export const verifiableCoding: Preset = {
  columns: {
    prompt: ["problem", "question", "prompt", "responses_create_params.input"],
    answer: ["gold_standard_solution"],
    tests: ["verification_info", "tests", "verifier_metadata.unit_tests"],
  },
  read(row: PresetRow): ProblemParts | LeftOutRow {
    const prompt = readPrompt(row);
    if (isLeftOut(prompt)) return prompt;
    const given = row.part("tests");
    if (given === undefined || given === null) return leaveOut("it has no tests");
    const tests = readCodeTests(given);
    if (typeof tests === "string") return leaveOut(tests);
    const solution = asText(row.part("answer")) ?? "";
    const answer = solution.includes("```") ? solution.trim() : fenced(solution, tests.language);
    const { trace, complete } = takeReasoning(readTraceText(row));
    return { prompt, answer, trace: complete ? trace : "", tests };
  },
};
