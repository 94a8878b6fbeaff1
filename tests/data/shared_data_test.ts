import type { PresetName } from "../../src/data/presets/registry.ts";
import { type DataSource, loadProblems } from "../../src/data/source.ts";
import { assert, assertEquals } from "../../src/std/assert.ts";
import { maybeTest } from "../support.ts";
import { noSharedData, SHARED_DATA, source } from "./support.ts";

interface Expected {
  readonly path: string;
  readonly preset: PresetName | null;
  /** Rows, as SOURCES.md counts them. */
  readonly rows: number;
  /** Rows left out, by reason. */
  readonly leftOut?: Readonly<Record<string, number>>;
  readonly withTrace?: number;
  readonly more?: Partial<DataSource>;
}

const NO_ANSWER = "it has no answer";
const OPENR1 = "derived/openr1_math_shape_from_qwen_cot.jsonl.gz";
const FILES: readonly Expected[] = [
  { path: "math/gsm8k_train.jsonl.gz", preset: "gsm8k", rows: 7473, withTrace: 7473 },
  { path: "math/gsm8k_test.jsonl", preset: "gsm8k", rows: 1319, withTrace: 1319 },
  { path: "math/math500_test.jsonl", preset: "math", rows: 500 },
  { path: "math/math_test5000.jsonl.gz", preset: "math", rows: 5000 },
  {
    path: "math/math_train_by_subject",
    preset: "math",
    rows: 7498,
    leftOut: { [NO_ANSWER]: 2 },
  },
  // Two empty answers and two that are null.
  {
    path: "math/deepscaler_math_train.json.gz",
    preset: "math",
    rows: 7474,
    leftOut: { [NO_ANSWER]: 4 },
    withTrace: 0,
  },
  { path: "math/deepscaler_aime_1983_2023_train.json.gz", preset: "aime", rows: 975 },
  { path: "math/minerva_math.jsonl", preset: "minerva", rows: 272 },
  { path: "math/aime24.jsonl", preset: "aime", rows: 30 },
  { path: "math/aime25.jsonl", preset: "aime", rows: 30 },
  { path: "math/aime25.parquet", preset: "aime", rows: 30 },
  { path: "math/amc23.jsonl", preset: "amc", rows: 40 },
  { path: "math/olympiadbench_675.jsonl.gz", preset: "olympiadbench", rows: 675 },
  // One ground truth is empty, one ends inside a brace.
  {
    path: "math/dsr_sub_1209_train.parquet",
    preset: "verl",
    rows: 1209,
    leftOut: { [NO_ANSWER]: 1, "its answer cannot be graded": 1 },
  },
  { path: "math/olymmath_en_easy.jsonl", preset: "math", rows: 100 },
  {
    path: "math/olymmath_en_hard.jsonl",
    preset: null,
    rows: 100,
    more: { columns: { id: "unique_id", prompt: "problem", answer: "answer" } },
  },
  { path: "gpqa/gpqa_diamond.json.gz", preset: "gpqa", rows: 198 },
  { path: "code/HumanEval.jsonl.gz", preset: "humaneval", rows: 164 },
  { path: "code/mbpp.jsonl", preset: "mbpp", rows: 974 },
  { path: "code/deepcoder_codeforces_test.json.gz", preset: "verifiable-coding", rows: 408 },
  { path: "code/deepcoder_code_contests_test.json.gz", preset: "verifiable-coding", rows: 165 },
  { path: "code/nemo_gym_code_gen_example.jsonl", preset: "verifiable-coding", rows: 5 },
  { path: "derived/verifiable_coding_shape.jsonl.gz", preset: "verifiable-coding", rows: 573 },
  {
    path: "traces/qwen25math_cot_100x8.jsonl.gz",
    preset: "math",
    rows: 100,
    more: { columns: { id: "idx", prompt: "question", answer: "gt", trace: "gt_cot" } },
  },
  // A proof, and an answer that stands in prose alone.
  {
    path: "traces/s1k_sample5.parquet",
    preset: "s1k",
    rows: 5,
    leftOut: { "its solution has no short answer": 2 },
    withTrace: 3,
  },
  // Not one of the five sources of OpenR1-Math: its tier is the MATH level.
  {
    path: OPENR1,
    preset: "openr1-math",
    rows: 100,
    leftOut: { "no complete generation is correct": 4 },
    withTrace: 96,
    more: { columns: { tier: "level" } },
  },
];

for (const { path, preset, rows, leftOut = {}, withTrace, more } of FILES) {
  maybeTest(`${path} as ${preset}: ${rows} rows`, noSharedData, async () => {
    const { problems, report } = await loadProblems(
      source({ path: `${SHARED_DATA}/${path}`, preset, ...more }),
    );
    assertEquals(report.rows, rows);
    assertEquals(report.badLineCount, 0);
    const reasons = Object.fromEntries(report.leftOut.map(({ reason, count }) => [reason, count]));
    assertEquals(reasons, leftOut);
    assertEquals(problems.length, rows - Object.values(leftOut).reduce((sum, n) => sum + n, 0));
    assertEquals(new Set(problems.map(({ id }) => id)).size, problems.length);
    if (withTrace !== undefined) assertEquals(report.withTrace, withTrace);
    for (const { prompt, trace, answer, tests } of problems) {
      assert(prompt !== "" && (answer !== "" || tests !== undefined));
      assert(!/<\/?(?:think|answer)>/.test(trace));
    }
  });
}

maybeTest("every data file of ../shared/data is read here", noSharedData, () => {
  const missing: string[] = [];
  const visit = (folder: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(`${SHARED_DATA}/${folder}`)) {
      const path = folder === "" ? name : `${folder}/${name}`;
      if (isDirectory) visit(path);
      else if (/\.(?:jsonl|json|parquet)(?:\.gz)?$/.test(name)) {
        if (!FILES.some((file) => path === file.path || path.startsWith(`${file.path}/`))) {
          missing.push(path);
        }
      }
    }
  };
  visit("");
  assertEquals(missing, []);
});

maybeTest("math traces of ../shared/data give no final box away", noSharedData, async () => {
  for (const path of ["math/math_test5000.jsonl.gz", "math/math_train_by_subject"]) {
    const { problems, report } = await loadProblems(
      source({ path: `${SHARED_DATA}/${path}`, preset: "math" }),
    );
    assert(problems.every(({ trace }) => !trace.includes("\\boxed")));
    assert(report.withTrace > 0.84 * problems.length);
  }
});
