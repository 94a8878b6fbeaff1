import { OWN_COLUMNS } from "../../src/data/source.ts";
import { detectPreset, firstRow } from "../../src/data/detect_preset.ts";
import { type PresetName } from "../../src/data/presets/registry.ts";
import { assertEquals } from "../../src/std/assert.ts";
import { maybeTest } from "../support.ts";

const cases: [name: string, row: Record<string, unknown>, preset: PresetName | null | undefined][] =
  [
    ["gsm8k", { question: "q", answer: "two\n#### 2" }, "gsm8k"],
    ["question and answer alone", { question: "q", answer: "2" }, undefined],
    ["LIMO", { question: "q", solution: "s", answer: "2" }, "limo"],
    ["MATH", { problem: "p", level: "Level 5", type: "Algebra", solution: "s" }, "math"],
    ["OpenR1", { problem: "p", solution: "s", answer: "2", generations: ["g"] }, "openr1-math"],
    ["s1K", { solution: "s", question: "q", thinking_trajectories: ["t"] }, "s1k"],
    ["GPQA", { Question: "q", "Correct Answer": "a", "Incorrect Answer 1": "b" }, "gpqa"],
    ["LiveCodeBench", { question_content: "q", public_test_cases: "[]" }, "livecodebench"],
    ["verl", { prompt: [{ role: "user", content: "q" }], reward_model: {} }, "verl"],
    ["own problems", { id: "1", prompt: "q", answer: "2", trace: "t", x: 1 }, null],
    ["own programming problems", { prompt: "q", tests: [] }, null],
    ["anything else", { text: "t" }, undefined],
  ];

for (const [name, row, preset] of cases) {
  Deno.test(`the preset of ${name}`, () => {
    assertEquals(detectPreset(row, "data/train.jsonl")?.preset, preset);
  });
}

Deno.test("own problems are read by every column that Handrail writes, those too that the first row lacks", () => {
  assertEquals(
    detectPreset({ id: "1", prompt: "q", answer: "2", trace: "t", x: 1 }, "x.jsonl"),
    {
      preset: null,
      columns: OWN_COLUMNS,
      because: "columns prompt, answer, trace, as Handrail names them",
    },
  );
});

const data = new URL("../../../shared/data/", import.meta.url).pathname;

function absence(): string | undefined {
  try {
    Deno.statSync(data);
    return undefined;
  } catch {
    return "needs ../shared/data";
  }
}

for (
  const [file, preset] of [
    ["math/gsm8k_train.jsonl.gz", "gsm8k"],
    ["math/gsm8k_test.jsonl", "gsm8k"],
    ["math/math500_test.jsonl", "math"],
    ["math/math_test5000.jsonl.gz", "math"],
    ["math/math_train_by_subject", "math"],
    ["math/deepscaler_math_train.json.gz", "math"],
    ["math/deepscaler_aime_1983_2023_train.json.gz", "aime"],
    ["math/minerva_math.jsonl", "minerva"],
    ["math/aime24.jsonl", "aime"],
    ["math/amc23.jsonl", "amc"],
    ["math/olympiadbench_675.jsonl.gz", "olympiadbench"],
    ["math/aime25.parquet", "verl"],
    ["math/aime25.jsonl", "aime"],
    ["math/dsr_sub_1209_train.parquet", "verl"],
    ["math/olymmath_en_easy.jsonl", "math"],
    ["gpqa/gpqa_diamond.json.gz", "gpqa"],
    ["code/HumanEval.jsonl.gz", "humaneval"],
    ["code/mbpp.jsonl", "mbpp"],
    ["code/deepcoder_codeforces_test.json.gz", "verifiable-coding"],
    ["code/deepcoder_code_contests_test.json.gz", "verifiable-coding"],
    ["code/nemo_gym_code_gen_example.jsonl", "verifiable-coding"],
    ["traces/s1k_sample5.parquet", "s1k"],
    ["derived/openr1_math_shape_from_qwen_cot.jsonl.gz", "openr1-math"],
    ["derived/verifiable_coding_shape.jsonl.gz", "verifiable-coding"],
  ] as const
) {
  maybeTest(`real data: the preset of ${file}`, absence(), async () => {
    const path = data + file;
    const first = await firstRow(path);
    assertEquals(detectPreset(first!.row, path)?.preset, preset);
  });
}
