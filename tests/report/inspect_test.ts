import { formatFilterStages } from "../../src/data/filters.ts";
import { type DataReport, formatDataReport } from "../../src/data/report.ts";
import {
  barChart,
  difficultyHistogram,
  formatInspection,
  type Inspection,
  inspectionJson,
  lengthBins,
} from "../../src/report/inspect.ts";
import { assert, assertEquals } from "../../src/std/assert.ts";
import { fc } from "../fast_check.ts";

Deno.test("bins are at most ten, of round width, and hold every value once", () => {
  fc.assert(fc.property(
    fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 1, maxLength: 300 }),
    (values) => {
      const bins = lengthBins(values);
      assert(bins.length <= 10);
      assertEquals(bins.reduce((sum, { count }) => sum + count, 0), values.length);
      for (const [i, { from, to, count }] of bins.entries()) {
        assertEquals(count, values.filter((value) => value >= from && value < to).length);
        if (i > 0) assertEquals(from, bins[i - 1].to);
      }
      const width = bins[0].to - bins[0].from;
      if (bins.length > 1) assert(/^[125]0*$/.test(String(width)), `${width}`);
    },
  ));
});

Deno.test("a few long values share the last bin", () => {
  const bins = lengthBins([...Array.from({ length: 999 }, (_, i) => i % 95), 5000]);
  assertEquals(bins.length, 10);
  assertEquals([bins[0].from, bins[0].to], [0, 10]);
  assertEquals(bins[9], { from: 90, to: Infinity, count: 51 });
  assertEquals(lengthBins([]), []);
  assertEquals(lengthBins([7, 7]), [{ from: 7, to: 8, count: 2 }]);
});

Deno.test("bars are in proportion, and every count above 0 has one", () => {
  assertEquals(
    barChart([
      { label: "a", count: 4000 },
      { label: "long", count: 1 },
      { label: "b", count: 0 },
      { label: "c", count: 1000 },
    ]),
    [
      "   a  4,000  ########################################",
      "long      1  #",
      "   b      0",
      "   c  1,000  ##########",
    ],
  );
});

Deno.test("difficulties 0 and 1 stand apart", () => {
  const rows = difficultyHistogram([0, 0, 0.05, 0.1, 0.3, 0.99, 1]);
  assertEquals(
    rows.map((row) => row.replace(/ +#+$/, "").trim()).filter((row) => !/ 0$/.test(row)),
    [
      "0, always solved  2",
      "0.0 to 0.1  1",
      "0.1 to 0.2  1",
      "0.3 to 0.4  1",
      "0.9 to 1.0  1",
      "1, never solved  1",
    ],
  );
});

const report: DataReport = {
  source: "gsm8k_train",
  path: "data/gsm8k_train.jsonl",
  files: [{ file: "gsm8k_train.jsonl", rows: 5, badLines: 1 }],
  ignoredFiles: [],
  rows: 5,
  badLineCount: 1,
  badLines: [{ file: "gsm8k_train.jsonl", line: 3, reason: "it is no JSON" }],
  leftOut: [{
    reason: "it has no answer",
    count: 1,
    examples: [{ file: "gsm8k_train.jsonl", line: 5, detail: "" }],
  }],
  duplicatePrompts: 1,
  kept: 4,
  withTrace: 3,
  tiers: [{ tier: 1, count: 3 }, { tier: 2, count: 1 }],
  notes: [],
};

const inspection: Inspection = {
  sources: [{ reading: "preset gsm8k, as it has column 'answer' with ####", report }],
  model: "models/tiny",
  notes: ["The chat template opens <think> itself: completions go on inside it."],
  tiers: [{ tier: 1, count: 3 }, { tier: 2, count: 1 }],
  stages: [
    { name: "a gold answer that scores 1", before: 4, after: 4, examples: [] },
    {
      name: "a prompt of at most 20 tokens",
      before: 4,
      after: 3,
      examples: [{ id: "gsm8k_train/4", detail: "25 tokens" }],
    },
  ],
  lengths: [
    { part: "prompt", unit: "tokens", values: [12, 15, 18, 25], limit: 20 },
    { part: "trace", unit: "tokens", values: [], limit: null },
  ],
  examples: [{
    id: "gsm8k_train/1",
    tier: 1,
    prompt: "<|user|>\nWhat is 2 + 2?\n<|assistant|>\n",
    guidance: "<think>\n2 + 2 = 4\x1b[2J\n",
    rest: "</think>\n<answer>\n4\n</answer>",
    answer: "4",
    tests: 0,
  }, {
    id: "gsm8k_train/2",
    tier: 2,
    prompt: "x".repeat(2000),
    guidance: "",
    rest: "",
    answer: "",
    tests: 3,
  }],
  overlap: {
    problems: 4,
    overlapping: 1,
    counts: [{
      set: "gsm8k_test",
      problems: 1319,
      training: { strict: 1, loose: 1, ngram: 0 },
      evaluation: { strict: 1, loose: 1, ngram: 0 },
    }],
    overlaps: [{
      index: 0,
      id: "gsm8k_train/1",
      set: "gsm8k_test",
      evaluationId: "gsm8k_test/9",
      kinds: ["strict", "loose"],
      shared: "What is\n2 + 2?",
    }],
  },
};

Deno.test("the whole inspection as text", () => {
  assertEquals(
    formatInspection(inspection),
    `${formatDataReport(report)}
  read as  preset gsm8k, as it has column 'answer' with ####

tiers
  1  3  ########################################
  2  1  ##############

${formatFilterStages(inspection.stages)}
  gsm8k_train/4 is left out: 25 tokens

prompt, tokens: min 12, 5% 12, 25% 15, median 18, 75% 18, 95% 25, max 25; mean 17.5
  12 to 13  1  ########################################
  14 to 15  1  ########################################
  16 to 17  0
  18 to 19  1  ########################################
  20 to 21  0
  22 to 23  0
  24 to 25  1  ########################################
  limit 20: 1 of 4 are above it

overlap with evaluation sets: 1 of 4 problems
  problems that stand in  same text  same letters and digits  13 words in a row
  gsm8k_test (1,319)              1                        1                  0
  gsm8k_train/1 is gsm8k_test/9 of gsm8k_test: What is 2 + 2?

example 1 of 2: gsm8k_train/1, tier 1
  prompt
  | <|user|>
  | What is 2 + 2?
  | <|assistant|>
  the teacher's completion, as far as guidance can give it
  | <think>
  | 2 + 2 = 4 [2J
  and behind that
  | </think>
  | <answer>
  | 4
  | </answer>
  gold answer: 4

example 2 of 2: gsm8k_train/2, tier 2
  prompt
  | ${"x".repeat(600)} [...] ${"x".repeat(600)}
  no trace, so no guidance
  judged by 3 tests of the program

Tokens and prompts are those of models/tiny.
note: The chat template opens <think> itself: completions go on inside it.`,
  );
});

Deno.test("without a model words are counted, and it says so", () => {
  const text = formatInspection({
    ...inspection,
    model: null,
    notes: [],
    stages: [],
    overlap: null,
    examples: [],
    tiers: [{ tier: 1, count: 4 }],
    lengths: [
      { part: "prompt", unit: "words", values: [3, 4], limit: null },
      { part: "prompt", unit: "characters", values: [13, 14], limit: null },
    ],
  });
  assertEquals(
    text.slice(text.indexOf("prompt, words")),
    `prompt, words: min 3, 5% 3, 25% 3, median 4, 75% 4, 95% 4, max 4; mean 3.5
  3  1  ########################################
  4  1  ########################################

prompt, characters: min 13, 5% 13, 25% 13, median 14, 75% 14, 95% 14, max 14; mean 13.5

Words and characters are counted: --model=FOLDER counts its tokens and renders its prompts.`,
  );
});

Deno.test("JSON has every count, and no infinity", () => {
  const values = [...Array.from({ length: 999 }, (_, i) => i % 95), 5000];
  const json = JSON.parse(JSON.stringify(inspectionJson({
    ...inspection,
    lengths: [{ part: "prompt", unit: "tokens", values, limit: 20 }],
  })));
  assertEquals(json.sources[0].leftOut[0].count, 1);
  assertEquals(json.lengths[0].quantiles.max, 5000);
  assertEquals(json.lengths[0].bins.at(-1), { from: 90, to: null, count: 51 });
  assertEquals([json.stages[1].before, json.stages[1].after], [4, 3]);
  assertEquals(json.overlap.overlapping, 1);
});
