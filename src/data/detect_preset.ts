/** Which preset reads a file, guessed from its first row, for who has not said it. */

import { type Row } from "./columns.ts";
import { type PresetName } from "./presets/registry.ts";
import { findFiles } from "./readers/files.ts";
import { readRows } from "./readers/read.ts";
import { DEFAULT_LIMITS } from "./readers/reader.ts";
import { type ColumnMapping, OWN_COLUMNS } from "./source.ts";

/** How a file's rows are probably to be read. */
export interface DetectedReading {
  /** The preset; null maps `columns` alone. */
  readonly preset: PresetName | null;
  /** The columns of problems as Handrail writes them, where that is what the file has. */
  readonly columns: ColumnMapping | null;
  /** What it was recognised by, in words. */
  readonly because: string;
}

/** A preset, the columns that give it away, and what their values or the file's name must look like. */
interface Sign {
  readonly preset: PresetName;
  readonly columns: readonly string[];
  readonly fits?: (row: Row, file: string) => boolean;
  readonly because?: string;
}

const named = (word: string) => (row: Row, file: string): boolean =>
  new RegExp(word, "i").test(`${file.split("/").at(-1)} ${String(row.url ?? "")}`);

// What is particular stands before what is general: math reads what many others read too.
const SIGNS: readonly Sign[] = [
  { preset: "livecodebench", columns: ["question_content"] },
  { preset: "verifiable-coding", columns: ["verification_info"] },
  { preset: "verifiable-coding", columns: ["verifier_metadata"] },
  { preset: "verifiable-coding", columns: ["problem", "tests"] },
  { preset: "humaneval", columns: ["entry_point", "test"] },
  { preset: "mbpp", columns: ["test_list"] },
  { preset: "openr1-math", columns: ["generations"] },
  { preset: "s1k", columns: ["thinking_trajectories"] },
  { preset: "s1k", columns: ["gemini_thinking_trajectory"] },
  { preset: "s1k", columns: ["deepseek_thinking_trajectory"] },
  { preset: "gpqa", columns: ["Correct Answer"] },
  { preset: "gpqa", columns: ["choices", "final_answer"] },
  { preset: "olympiadbench", columns: ["final_answer", "is_multiple_answer"] },
  { preset: "verl", columns: ["reward_model"] },
  {
    preset: "gsm8k",
    columns: ["question", "answer"],
    fits: ({ answer }) => typeof answer === "string" && answer.includes("####"),
    because: "column 'answer' with ####",
  },
  { preset: "aime", columns: ["aime_number"] },
  ...(["aime", "amc"] as const).map((preset): Sign => ({
    preset,
    columns: ["problem", "answer"],
    fits: named(preset),
    because: `its name or url, which has '${preset}'`,
  })),
  {
    preset: "minerva",
    columns: ["problem", "solution"],
    fits: named("minerva"),
    because: "its name, which has 'minerva'",
  },
  {
    preset: "limo",
    columns: ["question", "solution", "answer"],
    fits: (row) => !Object.hasOwn(row, "problem") && !Object.hasOwn(row, "level"),
  },
  { preset: "math", columns: ["problem", "answer"] },
  { preset: "math", columns: ["problem", "solution"] },
  { preset: "math", columns: ["question", "solution"] },
  { preset: "math", columns: ["input", "label"] },
];

/**
 * The preset whose columns a row has, or the plain columns of a file of problems as Handrail writes
 * them; null where the row is like none of these.
 *
 * @param file The file's path: some data sets are told apart by their names alone.
 */
export function detectPreset(row: Row, file: string): DetectedReading | null {
  const has = (column: string) => Object.hasOwn(row, column);
  for (const { preset, columns, fits, because } of SIGNS) {
    if (!columns.every(has) || fits?.(row, file) === false) continue;
    const list = columns.map((column) => `'${column}'`).join(" and ");
    return {
      preset,
      columns: null,
      because: because ?? `column${columns.length > 1 ? "s" : ""} ${list}`,
    };
  }
  if (!has("prompt") || !(has("answer") || has("tests"))) return null;
  // Later rows may have what the first one lacks.
  const seen = Object.keys(OWN_COLUMNS).filter(has).join(", ");
  return {
    preset: null,
    columns: OWN_COLUMNS,
    because: `columns ${seen}, as Handrail names them`,
  };
}

/** The first row that can be read of a file or folder, with its file's name; null if there is none. */
export async function firstRow(path: string): Promise<{ file: string; row: Row } | null> {
  const { files } = await findFiles(path);
  for (const file of files) {
    for await (const result of readRows(file.path, file.name, DEFAULT_LIMITS)) {
      if ("row" in result) return { file: file.name, row: result.row };
    }
  }
  return null;
}
