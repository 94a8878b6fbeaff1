import { asText } from "../columns.ts";
import { fenced } from "./code_tests.ts";
import {
  isLeftOut,
  leaveOut,
  type LeftOutRow,
  type Preset,
  type PresetRow,
  type ProblemParts,
  readPrompt,
} from "./preset.ts";

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/**
 * MBPP, full and sanitized. The task's text does not say what the function is called, so the
 * assertions are part of the prompt, as usual. Carriage returns of the reference code are dropped.
 */
export const mbpp: Preset = {
  columns: { prompt: ["text", "prompt"], answer: ["code"], tests: ["test_list"] },
  read(row: PresetRow): ProblemParts | LeftOutRow {
    const task = readPrompt(row);
    if (isLeftOut(task)) return task;
    const assertions = texts(row.part("tests"));
    if (assertions.length === 0) return leaveOut("it has no tests");
    const code = (asText(row.part("answer")) ?? "").replaceAll("\r\n", "\n");
    // The function that the assertions call, where the reference code defines it.
    const defined = [...code.matchAll(/^(?:def|class) +(\w+)/gm)].map((match) => match[1]);
    const entryPoint =
      defined.find((name) =>
        assertions.some((assertion) => new RegExp(`\\b${name}\\b`).test(assertion))
      ) ?? null;
    if (code.trim() !== "" && entryPoint === null) {
      return leaveOut("its tests call nothing that its code defines", assertions[0]);
    }
    const setup = [
      asText(row.column("test_setup_code")) ?? "",
      ...texts(row.column("test_imports")),
    ].join("\n").replaceAll("\r\n", "\n").trim();
    return {
      prompt: `${task}\n\nYour code must pass these tests:\n\n${assertions.join("\n")}`,
      answer: fenced(code),
      trace: "",
      tests: { kind: "assertions", language: "python", setup, assertions, entryPoint },
    };
  },
};
