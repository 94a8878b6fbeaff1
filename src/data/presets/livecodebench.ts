import { inflateSync } from "node:zlib";
import { Buffer } from "node:buffer";
import { asText } from "../columns.ts";
import { isRecord } from "../../std/record.ts";
import { parseRow } from "../readers/reader.ts";
import { readCodeTests } from "./code_tests.ts";
import {
  isLeftOut,
  leaveOut,
  type LeftOutRow,
  type Preset,
  type PresetRow,
  type ProblemParts,
  readPrompt,
} from "./preset.ts";

/** Private tests unpack to no more than this. */
const MAX_TESTS_LENGTH = 256 * 2 ** 20;

/**
 * LiveCodeBench's code generation: public and private tests together, of programs or of a method of
 * class `Solution`, whose name stands in `metadata`. Private tests are JSON, or JSON that was
 * pickled, deflated and written in base64. The starter code is part of the prompt.
 */
export const livecodebench: Preset = {
  columns: {
    prompt: ["question_content"],
    tests: ["public_test_cases"],
    tier: ["difficulty"],
  },
  tierOrder: ["easy", "medium", "hard"],
  read(row: PresetRow): ProblemParts | LeftOutRow {
    const question = readPrompt(row);
    if (isLeftOut(question)) return question;
    const cases: unknown[] = [];
    for (const given of [row.part("tests"), row.column("private_test_cases")]) {
      if (given === undefined || given === null || given === "") continue;
      const list = readList(given);
      if (typeof list === "string") return leaveOut(list);
      cases.push(...list);
    }
    const metadata = row.column("metadata");
    const details = typeof metadata === "string" ? parseRow(metadata) : metadata;
    const name = isRecord(details) ? asText(details.func_name) ?? undefined : undefined;
    const tests = readCodeTests(cases, name);
    if (typeof tests === "string") return leaveOut(tests);
    const starter = asText(row.column("starter_code"))?.trimEnd() ?? "";
    const prompt = starter === ""
      ? question
      : `${question}\n\nUse this starter code:\n\n\`\`\`python\n${starter}\n\`\`\``;
    return { prompt, answer: "", trace: "", tests };
  },
};

function readList(given: unknown): unknown[] | string {
  if (Array.isArray(given)) return given;
  if (typeof given !== "string") return "its tests are no list";
  const text = given.trimStart().startsWith("[") ? given : unpack(given);
  if (text === null) return "its private tests cannot be unpacked";
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : "its tests are no list";
  } catch {
    return "its tests are no JSON";
  }
}

/** The text in base64 of a deflated pickle of one string; null for anything else. */
function unpack(packed: string): string | null {
  try {
    return pickledText(
      inflateSync(Buffer.from(packed, "base64"), { maxOutputLength: MAX_TESTS_LENGTH }),
    );
  } catch {
    return null;
  }
}

/** The string that a pickle holds, if it holds a string and nothing else. Nothing is executed. */
function pickledText(bytes: Uint8Array): string | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length;) {
    const opcode = bytes[at++];
    if (opcode === 0x80) at += 1; // PROTO
    else if (opcode === 0x95) at += 8; // FRAME
    else {
      // SHORT_BINUNICODE, BINUNICODE and BINUNICODE8 differ in the size of the length.
      const size = { 0x8c: 1, 0x58: 4, 0x8d: 8 }[opcode];
      if (size === undefined) return null;
      const length = size === 1
        ? bytes[at]
        : size === 4
        ? view.getUint32(at, true)
        : Number(view.getBigUint64(at, true));
      at += size;
      if (at + length > bytes.length) return null;
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(at, at + length));
    }
  }
  return null;
}
