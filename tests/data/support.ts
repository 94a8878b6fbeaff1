/** What the tests of data share. */

import { gzipSync } from "node:zlib";
import type { Row } from "../../src/data/columns.ts";
import type { PresetName } from "../../src/data/presets/registry.ts";
import { readRows } from "../../src/data/readers/read.ts";
import {
  type BadRow,
  DEFAULT_LIMITS,
  type ReadLimits,
  type ReadRow,
} from "../../src/data/readers/reader.ts";
import { assertEquals } from "../../src/std/assert.ts";
import { type DataSource, type LoadedProblems, loadProblems } from "../../src/data/source.ts";

/** Where the repository's real data lies, if it is there. */
export const SHARED_DATA = new URL("../../../shared/data", import.meta.url).pathname;

/** Why tests over the real data cannot run; undefined if they can. */
export const noSharedData: string | undefined = (() => {
  try {
    Deno.statSync(SHARED_DATA);
    return undefined;
  } catch {
    return "no ../shared/data";
  }
})();

/** Runs with a folder that is removed afterwards. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir();
  try {
    return await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A source with the given differences from the simplest one. */
export function source(differences: Partial<DataSource> & { path: string }): DataSource {
  return { preset: null, columns: null, tier_order: null, weight: 1, name: null, ...differences };
}

/** Rows as JSONL. */
export function jsonl(rows: readonly unknown[]): string {
  return rows.map((row) => JSON.stringify(row) + "\n").join("");
}

/** Loads rows that are written to a file of this name first. */
export function loadRows(
  rows: readonly unknown[],
  differences: Partial<DataSource> = {},
): Promise<LoadedProblems> {
  return withFolder(async (folder) => {
    const path = `${folder}/rows.jsonl`;
    await Deno.writeTextFile(path, jsonl(rows));
    return await loadProblems(source({ path, ...differences }));
  });
}

/** The one problem that a preset makes of a row, or why it makes none. */
export async function loadRow(preset: PresetName | null, row: Row) {
  // A row that always becomes a problem stands beside it, since a source must have one.
  const { problems, report } = await loadRows([row, GOOD_ROWS[preset ?? "math"] ?? {}], {
    preset,
  });
  return problems.length === 2 ? problems[0] : report.leftOut[0].reason;
}

const CODE_TESTS = [{ input: "", output: "1" }];
const PLAIN = { problem: "1+1", answer: "2" };
const GOOD_ROWS: Partial<Record<PresetName, Row>> = {
  aime: PLAIN,
  amc: PLAIN,
  gpqa: { prompt: "A. 1 B. 2", final_answer: "B", choices: { A: "1", B: "2" } },
  gsm8k: { question: "1+1", answer: "One and one.\n#### 2" },
  humaneval: {
    prompt: "def one():\n",
    entry_point: "one",
    canonical_solution: "    return 1\n",
    test: "def check(f):\n    assert f() == 1\n",
  },
  limo: { question: "1+1", answer: "2" },
  livecodebench: { question_content: "Print 1", public_test_cases: JSON.stringify(CODE_TESTS) },
  math: PLAIN,
  mbpp: { text: "Return 1", code: "def one():\n  return 1", test_list: ["assert one() == 1"] },
  minerva: { problem: "1+1", solution: "\\boxed{2}" },
  olympiadbench: { question: "1+1", final_answer: ["2"] },
  "openr1-math": {
    ...PLAIN,
    source: "cn_contest",
    generations: ["<think>One and one.</think>\\boxed{2}"],
    correctness_math_verify: [true],
  },
  s1k: { question: "1+1", solution: "2" },
  "verifiable-coding": { problem: "Print 1", tests: CODE_TESTS },
  verl: { prompt: [{ role: "user", content: "1+1" }], reward_model: { ground_truth: "2" } },
};

/** Everything that a reader gives for a file with this content. */
export function readContent(
  name: string,
  content: string | Uint8Array,
  limits: Partial<ReadLimits> = {},
): Promise<{ rows: Row[]; bad: BadRow[] }> {
  return withFolder(async (folder) => {
    const path = `${folder}/${name}`;
    await Deno.writeFile(
      path,
      typeof content === "string" ? new TextEncoder().encode(content) : content,
    );
    return await readAll(path, name, limits);
  });
}

/** Everything that a reader gives for a file. */
export async function readAll(
  path: string,
  name: string,
  limits: Partial<ReadLimits> = {},
): Promise<{ rows: Row[]; bad: BadRow[] }> {
  const rows: ReadRow[] = [];
  const bad: BadRow[] = [];
  for await (const result of readRows(path, name, { ...DEFAULT_LIMITS, ...limits })) {
    if ("row" in result) rows.push(result);
    else bad.push(result);
  }
  assertEquals(rows.map(({ line }) => line), rows.map(({ line }) => line).sort((a, b) => a - b));
  return { rows: rows.map(({ row }) => row), bad };
}

/** Text, packed. */
export function gzip(text: string): Uint8Array {
  return new Uint8Array(gzipSync(text));
}
