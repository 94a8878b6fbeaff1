import { asPrompt } from "../../src/data/columns.ts";
import { findOverlap, type Question, withoutOverlap } from "../../src/data/overlap.ts";
import { Random } from "../../src/data/random.ts";
import { readRows } from "../../src/data/readers/read.ts";
import { DEFAULT_LIMITS } from "../../src/data/readers/reader.ts";
import { assert, assertEquals, assertThrows } from "../../src/std/assert.ts";
import { maybeTest } from "../support.ts";

const random = new Random(5);
/** Words that no other call gives. */
let fresh = 0;
const someWords = (count: number) => Array.from({ length: count }, () => `w${fresh++}`).join(" ");
const questions = (prompts: readonly string[]): Question[] =>
  prompts.map((prompt, i) => ({ id: `q${i}`, prompt }));

function overlapOf(training: readonly string[], evaluation: readonly string[]) {
  const report = findOverlap(questions(training), [
    { name: "test", problems: questions(evaluation) },
  ]);
  return { report, training: report.counts[0].training, evaluation: report.counts[0].evaluation };
}

Deno.test("the same text is found whatever its white space and case", () => {
  const { report, training } = overlapOf(
    ["What is  2+2?\n", "What is 2+3?", "Something else"],
    ["Who?", "what is 2 + 2?"],
  );
  assertEquals(training, { strict: 1, loose: 1, ngram: 0 });
  assertEquals(report.overlaps, [{
    index: 0,
    id: "q0",
    set: "test",
    evaluationId: "q1",
    kinds: ["strict", "loose"],
    shared: "What is  2+2?\n",
  }]);
});

Deno.test("other signs are only loosely equal, and signs alone are not", () => {
  const { training } = overlapOf(
    ["Find $\\frac12$!", "+", "", "-"],
    ["Find (frac 1 2)", "-", "?", ""],
  );
  assertEquals(training, { strict: 0, loose: 1, ngram: 0 });
});

Deno.test("13 words in a row are found, 12 are not", () => {
  for (const [count, hits] of [[13, 1], [12, 0], [14, 1]] as const) {
    const run = someWords(count);
    const { report, training, evaluation } = overlapOf(
      [`${someWords(20)} ${run.toUpperCase().replaceAll(" ", ", ")}: ${someWords(3)}`],
      [someWords(40), `${someWords(2)} ${run} ${someWords(20)}`],
    );
    assertEquals([training.ngram, evaluation.ngram, report.overlapping], [hits, hits, hits]);
    if (hits === 0) continue;
    assertEquals(report.overlaps[0].shared, run.toUpperCase().replaceAll(" ", ", "));
    assertEquals([report.overlaps[0].evaluationId, report.overlaps[0].kinds], ["q1", ["ngram"]]);
  }
});

const phrase = "where m and n are relatively prime positive integers. Find m+n.";

Deno.test("a set phrase is no overlap, however its neighbours fall together", () => {
  // Every problem ends alike, and every pair of problems shares up to 17 words.
  const make = () => `${someWords(25)} can be written as m/n, ${phrase}`;
  const training = Array.from({ length: 20 }, make), evaluation = Array.from({ length: 6 }, make);
  assertEquals(overlapOf(training, evaluation).report.overlapping, 0);
  // It stays common where only one side has it often.
  assertEquals(overlapOf(training, [make()]).report.overlapping, 0);
  assertEquals(overlapOf([make()], evaluation).report.overlapping, 0);
});

Deno.test("a problem that holds a set phrase is found by its other words", () => {
  const story = someWords(15);
  const { training, evaluation } = overlapOf(
    [...Array.from({ length: 20 }, () => `${someWords(25)} ${phrase}`), `${story} ${phrase}`],
    [`In other words: ${story} ${phrase}`, `${someWords(20)} ${phrase}`],
  );
  assertEquals([training.ngram, evaluation.ngram], [1, 1]);
});

Deno.test("copies of a problem do not make its words common", () => {
  const story = someWords(20);
  const { training } = overlapOf(Array(10).fill(`${story} a`), [`${story} b`, `${story} c`]);
  assertEquals(training, { strict: 0, loose: 0, ngram: 10 });
});

Deno.test("an instruction around the questions of a source does not hide that they are equal", () => {
  const numbers = Array.from({ length: 20 }, (_, i) => `What is ${i} + ${i * i}?`);
  const head = "Solve this problem step by step.\n\n";
  const tail = " Let's think step by step and output the final answer within \\boxed{}.";
  const framed = [...numbers.map((text) => head + text + tail), "Who is it?"];
  assertEquals(overlapOf(framed, numbers).training, { strict: 20, loose: 20, ngram: 0 });
  assertEquals(overlapOf(numbers, framed).training, { strict: 20, loose: 20, ngram: 0 });
  // Each source has its own.
  const mixed = [...framed, ...numbers].map((prompt, i) => ({
    id: `${i}`,
    prompt,
    source: i < framed.length ? "verl" : "plain",
  }));
  const report = findOverlap(mixed, [{ name: "test", problems: questions(numbers.slice(5)) }]);
  assertEquals(report.counts[0].training.strict, 30);
});

Deno.test("copies of a question are no instruction, and a short ending is part of it", () => {
  const copies = Array(30).fill("What is the sum of 1, 2, 3 and 4 in all?");
  assertEquals(overlapOf(copies, ["What is the sum of 1, 2, 3 and 4 in all?"]).training.strict, 30);
  const ended = Array.from({ length: 30 }, (_, i) => `${i} is it. Find m+n.`);
  assertEquals(overlapOf(ended, ["7 is it."]).training.strict, 0);
});

Deno.test("several sets are counted apart, and problems are left out by test", () => {
  const run = someWords(13);
  const training = questions(["One?", "Two!", `${run} three`, "four"]);
  const report = findOverlap(training, [
    { name: "a", problems: questions(["one?", "two"]) },
    { name: "b", problems: questions([`${run} five`, "one ?", "six"]) },
    { name: "empty", problems: [] },
  ]);
  assertEquals(report.counts.map(({ set, problems, training }) => [set, problems, training]), [
    ["a", 2, { strict: 1, loose: 2, ngram: 0 }],
    ["b", 3, { strict: 1, loose: 1, ngram: 1 }],
    ["empty", 0, { strict: 0, loose: 0, ngram: 0 }],
  ]);
  assertEquals(report.overlaps.map(({ index, set }) => [index, set]), [
    ...[[0, "a"], [0, "b"], [1, "a"], [2, "b"]],
  ]);
  assertEquals([report.problems, report.overlapping], [4, 3]);
  assertEquals(withoutOverlap(training, report), [training[3]]);
  assertEquals(withoutOverlap(training, report, ["strict"]), training.slice(1));
  assertThrows(() => withoutOverlap([1], report), RangeError, "there are 1");
});

Deno.test("nothing is found in nothing", () => {
  assertEquals(overlapOf([], ["a"]).report.overlapping, 0);
  assertEquals(findOverlap(questions(["a"]), []).overlaps, []);
});

Deno.test("7,500 problems against 5,000 take a second or two", () => {
  const vocabulary = Array.from({ length: 8000 }, (_, i) => `word${i}`);
  const make = (count: number) =>
    questions(Array.from({ length: count }, () =>
      Array.from({ length: 60 }, () => {
        const uniform = random.uniform();
        return vocabulary[Math.floor(8000 * uniform * uniform)];
      }).join(" ")));
  const training = make(7500), evaluation = make(5000);
  const start = performance.now();
  const report = findOverlap(training, [{ name: "test", problems: evaluation }]);
  const seconds = (performance.now() - start) / 1000;
  assertEquals(report.overlapping, 0);
  assert(seconds < 30, `${seconds} s`); // under 1 s on an idle machine
});

const data = new URL("../../../shared/data/math/", import.meta.url);

function absence(): string | undefined {
  try {
    Deno.statSync(data);
    return undefined;
  } catch {
    return "needs ../shared/data";
  }
}

async function load(...files: string[]): Promise<Question[]> {
  const prompts: string[] = [];
  for (const file of files) {
    const path = new URL(file, data).pathname;
    for await (const result of readRows(path, file, DEFAULT_LIMITS)) {
      if (!("row" in result)) throw new Error(`${file}:${result.line}: ${result.reason}`);
      const { problem, question, input, prompt } = result.row;
      prompts.push(asPrompt(problem ?? question ?? input ?? prompt)!);
    }
  }
  return questions(prompts);
}

const subjects = [
  ...["algebra", "counting_and_probability", "geometry", "intermediate_algebra"],
  ...["number_theory", "prealgebra", "precalculus"],
].map((subject) => `math_train_by_subject/train_${subject}.json.gz`);
const aime = "deepscaler_aime_1983_2023_train.json.gz";

// Strict and loose: the figures of SOURCES.md. Words: this module's own rule; without it AIME
// 1983-2023 would share 13 words with AIME 2024 in 167 problems, MATH train with MATH-500 in 172.
for (
  const [name, train, test, strict, loose, ngram] of [
    ["AIME 1983-2023 in MATH test", [aime], "math_test5000.jsonl.gz", 21, 40, 86],
    ["AIME 1983-2023 in MATH-500", [aime], "math500_test.jsonl", 4, 6, 10],
    ["AIME 1983-2023 in AIME 2024", [aime], "aime24.jsonl", 0, 0, 0],
    ["AIME 1983-2023 in AMC 2023", [aime], "amc23.jsonl", 0, 0, 0],
    [
      "DeepScaleR's MATH in MATH test",
      ["deepscaler_math_train.json.gz"],
      "math_test5000.jsonl.gz",
      ...[2, 9, 278],
    ],
    ["MATH train in MATH test", subjects, "math_test5000.jsonl.gz", 2, 10, 289],
    ["MATH train in MATH-500", subjects, "math500_test.jsonl", 0, 1, 40],
    [
      "DSR-sub, with an instruction behind each question, in MATH test",
      ["dsr_sub_1209_train.parquet"],
      "math_test5000.jsonl.gz",
      ...[1, 3, 19],
    ],
    ["GSM8K train in test", ["gsm8k_train.jsonl.gz"], "gsm8k_test.jsonl", 0, 0, 4],
  ] as [string, string[], string, number, number, number][]
) {
  maybeTest(`real data: ${name}`, absence(), async () => {
    const evaluation = { name: "test", problems: await load(test) };
    const report = findOverlap(await load(...train), [evaluation]);
    assertEquals(report.counts[0].training, { strict, loose, ngram });
    if (name.startsWith("GSM8K")) assertEquals(report.counts[0].evaluation.ngram, 3);
  });
}
