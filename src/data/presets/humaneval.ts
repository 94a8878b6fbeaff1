import { asText } from "../columns.ts";
import { fenced } from "./code_tests.ts";
import {
  leaveOut,
  type LeftOutRow,
  type Preset,
  type PresetRow,
  type ProblemParts,
} from "./preset.ts";

/**
 * HumanEval: the prompt is the beginning of a file that ends in a function's signature. What stands
 * before that function (imports, helpers) is the tests' setup, so that a solution which repeats only
 * the function runs too.
 */
export const humaneval: Preset = {
  columns: { prompt: ["prompt"], answer: ["canonical_solution"], tests: ["test"] },
  read(row: PresetRow): ProblemParts | LeftOutRow {
    const prompt = asText(row.part("prompt")); // white space counts in code
    const test = asText(row.part("tests"));
    const entryPoint = asText(row.column("entry_point"));
    if (!prompt?.trim()) return leaveOut("it has no prompt");
    if (!test?.trim()) return leaveOut("it has no tests");
    if (!entryPoint || !/^[A-Za-z_]\w*$/.test(entryPoint)) {
      return leaveOut("its entry point is no function's name", entryPoint);
    }
    const signature = new RegExp(`^def ${entryPoint}\\b`, "m").exec(prompt);
    if (signature === null) {
      return leaveOut("its prompt does not define its entry point", entryPoint);
    }
    if (!/\bdef check\b/.test(test)) return leaveOut("its tests define no function 'check'");
    const solution = asText(row.part("answer")) ?? "";
    return {
      prompt,
      answer: solution.trim() === "" ? "" : fenced(prompt + solution),
      trace: "",
      tests: {
        kind: "assertions",
        language: "python",
        setup: prompt.slice(0, signature.index),
        assertions: [`${test.trim()}\n\ncheck(${entryPoint})\n`],
        entryPoint,
      },
    };
  },
};
