import { join } from "node:path";
import { withFolder } from "../data/support.ts";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "../../src/std/assert.ts";
import { runProblems } from "../../src/training/assemble.ts";
import {
  type Config,
  ConfigError,
  mergeOverrides,
  parseConfig,
} from "../../src/training/config.ts";
import { type DataProgress } from "../../src/training/problem_encoder.ts";
import { type RunProblems } from "../../src/training/problems.ts";
import { type SumRow, sumRows, writeRows } from "./problem_file.ts";

function dataConfig(path: string, overrides: Record<string, unknown> = {}): Config {
  return parseConfig(mergeOverrides({
    seed: 3,
    model: { preset: "tiny", vocab_size: 320 },
    data: { path, system_prompt: null },
    guidance: { length: 5 },
    per_device_train_batch_size: 16,
    num_generations: 4,
    max_steps: 6,
  }, overrides));
}

async function load(
  folder: string,
  overrides: Record<string, unknown> = {},
  rows: readonly object[] = sumRows(100),
): Promise<RunProblems> {
  return await runProblems(dataConfig(writeRows(folder, "sums.jsonl", rows), overrides));
}

const idsOf = (set: RunProblems) =>
  Array.from({ length: set.maxSteps }, (_, k) => set.problems(k).map(({ id }) => id));

Deno.test("the problems of a step are encoded prompts, traces and solutions", () =>
  withFolder(async (folder) => {
    const { tokenizer, problems } = await load(folder);
    const [problem, ...rest] = problems(0);
    assertEquals(rest.length, 3); // P = 16 / 4
    const prompt = tokenizer.decode(problem.promptIds);
    assertStringIncludes(prompt, "<|im_start|>user\nAnn has");
    assert(prompt.endsWith("<|im_start|>assistant\n"), prompt);
    const trace = tokenizer.decode(problem.traceIds);
    assert(trace.startsWith("<think>\nShe had") && trace.endsWith(".\n"), trace);
    assertEquals(
      tokenizer.decode(problem.solutionIds, { skipSpecialTokens: true }),
      `${trace}</think>\n<answer>\n${problem.answer}\n</answer>`,
    );
    assertEquals(problem.solutionIds.at(-1), tokenizer.eosTokenId);
  }));

Deno.test("the same config gives the same problems, another seed others", () =>
  withFolder(async (folder) => {
    const set = await load(folder);
    const again = await load(folder);
    assertEquals(idsOf(again), idsOf(set));
    assertEquals(again.report!.fingerprint, set.report!.fingerprint);
    const other = await load(folder, { seed: 4 });
    assert(idsOf(other).join() !== idsOf(set).join());
  }));

Deno.test("easy problems come first", () =>
  withFolder(async (folder) => {
    const set = await load(folder, { max_steps: 20 });
    const tiers = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, k) => set.problems(from + k).map(({ tier }) => tier))
        .flat();
    const mean = (list: number[]) => list.reduce((a, b) => a + b) / list.length;
    assert(mean(tiers(0, 5)) < 1.3, "the first quarter is of tier 1");
    assert(mean(tiers(15, 20)) > 1.7, "the last quarter is of tier 2");
  }));

Deno.test("epochs set the steps, and every problem is drawn once in each", () =>
  withFolder(async (folder) => {
    const set = await load(folder, { num_train_epochs: 2, data: { curriculum: "random" } });
    assertEquals(set.benchmarks[0].problems.length, 10); // a tenth is held out
    assertEquals(set.maxSteps, 45); // 2 epochs of 90 problems, 4 a step
    const drawn = idsOf(set).flat();
    assertEquals(new Set(drawn.slice(0, 90)).size, 90);
    assertEquals(new Set(drawn.slice(90)).size, 90);
  }));

Deno.test("held out, warm start and reinforcement learning have no problem in common", () =>
  withFolder(async (folder) => {
    const set = await load(folder, {
      sft: { num_problems: 30, num_train_epochs: 2, batch_size: 8 },
      num_train_epochs: 1,
      data: { num_problems: 40 },
    });
    assertEquals(set.sftSteps, 8); // 2 epochs of 30 solutions, 8 a step
    const warm = Array.from({ length: 8 }, (_, k) => set.solutions(k).map(({ id }) => id)).flat();
    const main = idsOf(set).flat();
    const held = set.benchmarks.flatMap(({ problems }) => problems.map(({ id }) => id));
    assertEquals([new Set(warm).size, new Set(main).size, held.length], [30, 40, 10]);
    assertEquals(new Set([...warm, ...main, ...held]).size, 80);
  }));

Deno.test("a filter's counts are told, and what it left out", () =>
  withFolder(async (folder) => {
    const rows: SumRow[] = sumRows(40).map((row, i) =>
      i === 3
        ? { ...row, trace: "" }
        : i === 5
        ? { ...row, prompt: `${row.prompt} ${"Think of it again. ".repeat(60)}` }
        : i === 7
        ? { ...row, trace: "So it is. ".repeat(80) }
        : row
    );
    const set = await load(folder, {
      data: { max_prompt_length: 100, max_trace_length: 100 },
      eval: { data: [{ path: writeRows(folder, "eval.jsonl", sumRows(60).slice(50)) }] },
    }, rows);
    const { filters } = set.report!.counts as {
      filters: { name: string; before: number; after: number; examples: { id: string }[] }[];
    };
    assertEquals(filters.map(({ before, after }) => [before, after]), [
      [40, 39],
      [39, 39],
      [39, 38],
      [38, 37],
    ]);
    const losing = filters.filter(({ before, after }) => after < before);
    assertEquals(losing.map(({ examples }) => examples[0].id), [
      "sums/sum-3",
      "sums/sum-5",
      "sums/sum-7",
    ]);
    const text = set.report!.lines.join("\n");
    assertStringIncludes(text, "prompt of at most 100 tokens: 38 of 39; left out sums/sum-5");
    assertStringIncludes(text, "37 problems to train on, 10 of eval to evaluate on");
  }));

Deno.test("problems that stand in a benchmark are told, and left out where that is asked for", () =>
  withFolder(async (folder) => {
    const benchmark = writeRows(folder, "eval.jsonl", sumRows(5));
    const overrides = { eval: { data: [{ path: benchmark, name: "sums test" }] } };
    const kept = await load(folder, overrides);
    assertStringIncludes(
      kept.report!.lines.join("\n"),
      "overlap with sums test: 5 problems (of the same text 5, of the same letters and digits 5, with 13 words in a row 0)",
    );
    assertStringIncludes(kept.report!.lines.join("\n"), "100 problems to train on");
    const other = writeRows(folder, "other.jsonl", [{
      prompt: "Name the tallest hill.",
      answer: "1",
    }]);
    const free = await load(folder, { eval: { data: [{ path: other }] } });
    assertStringIncludes(free.report!.lines.join("\n"), "no overlap with other");
    const removed = await load(folder, { ...overrides, data: { remove_overlap: true } });
    const left = idsOf({ ...removed, maxSteps: 6 }).flat();
    assert(!left.some((id) => /sum-[0-4]$/.test(id)), left.join());
  }));

Deno.test("files that are not there are all named before any is read", () =>
  withFolder(async (folder) => {
    const damaged = join(folder, "damaged.parquet");
    Deno.writeTextFileSync(damaged, "PAR1");
    const config = dataConfig(damaged, {
      data: { difficulty: join(folder, "d.jsonl") },
      eval: { data: [{ path: join(folder, "aime.jsonl"), preset: "aime" }] },
    });
    const error = await assertRejects(
      () => runProblems(config),
      ConfigError,
      "'eval.data[0].path'",
    );
    assertStringIncludes(error.message, "'data.difficulty'");
    assertStringIncludes(error.message, "hf download");
  }));

Deno.test("a source of which nothing is left is named, with what took it", () =>
  withFolder(async (folder) => {
    const few = writeRows(folder, "few.jsonl", sumRows(10));
    const many = writeRows(folder, "many.jsonl", sumRows(90).slice(10));
    const config = (data: object) =>
      parseConfig({
        ...dataConfig(few),
        eval: { data: [{ path: few, name: "test" }] },
        data: { sources: [{ path: few }, { path: many }], system_prompt: null, ...data },
      });
    await runProblems(config({}));
    await assertRejects(
      () => runProblems(config({ remove_overlap: true })),
      ConfigError,
      "'few' is left to train on: its last 10 stand in an evaluation set ('data.remove_overlap')",
    );
  }));

Deno.test("where a limit leaves nothing, it is the limit that is named", () =>
  withFolder(async (folder) => {
    const short = { data: { max_prompt_length: 3 } };
    await assertRejects(() => load(folder, short), ConfigError, "raise 'data.max_prompt_length'");
    const rows = sumRows(20).map((row) => ({ ...row, trace: "" }));
    await assertRejects(() => load(folder, {}, rows), ConfigError, "deno task data traces");
  }));

Deno.test("rows of a benchmark that are left out are told", () =>
  withFolder(async (folder) => {
    const rows = sumRows(5).map((row, i) => i === 2 ? { ...row, answer: "" } : row);
    const benchmark = writeRows(folder, "eval.jsonl", rows);
    const { report } = await load(folder, { eval: { data: [{ path: benchmark }] } });
    assertStringIncludes(report!.lines.join("\n"), "eval: 4 problems of 5 rows");
    assertStringIncludes(report!.lines.join("\n"), "eval.jsonl:3");
  }));

Deno.test("progress tells rows that are read and problems that are chosen", () =>
  withFolder(async (folder) => {
    const path = writeRows(folder, "sums.jsonl", sumRows(600));
    const told: string[] = [];
    const progress: DataProgress = (...what) => told.push(what.join(" "));
    await runProblems(dataConfig(path), { progress });
    assertEquals(told, [
      "reading sums, rows 256 ",
      "reading sums, rows 512 ",
      "learning a tokenizer from texts 0 600",
      "comparing with what is evaluated 0 540",
      "choosing problems 0 540",
      "choosing problems 256 540",
      "choosing problems 512 540",
    ]);
  }));

Deno.test("sources share the draws by their weights", () =>
  withFolder(async (folder) => {
    const few = writeRows(folder, "few.jsonl", sumRows(10));
    const many = writeRows(folder, "many.jsonl", sumRows(90).slice(10));
    const set = await runProblems(parseConfig({
      ...dataConfig(few),
      data: {
        sources: [{ path: few, weight: 3 }, { path: many }],
        system_prompt: null,
        curriculum: "random",
      },
    }));
    const drawn = idsOf(set).flat();
    const share = drawn.filter((id) => id.startsWith("few/")).length / drawn.length;
    assert(Math.abs(share - 0.75) < 0.05, `few has ${share} of the draws`);
  }));

Deno.test("hard problems are removed, or others put in their place", () =>
  withFolder(async (folder) => {
    const removed = await load(folder, { data: { sample_filter: "remove", hard_tier: 1 } });
    assert(removed.problems(5).every(({ tier }) => tier === 1));
    const replaced = await load(folder, { data: { sample_filter: "replace", hard_tier: 1 } });
    assert(replaced.problems(5).every(({ tier }) => tier === 1));
    assertStringIncludes(replaced.report!.lines.join("\n"), "90 problems to train on");
  }));

Deno.test("data that leaves nothing is refused with the filter's name and the way out", () =>
  withFolder(async (folder) => {
    const bare = sumRows(30).map((row) => ({ ...row, trace: "" }));
    const error = await assertRejects(() => load(folder, {}, bare), ConfigError);
    assertStringIncludes(error.message, "'has a trace'");
    assertStringIncludes(error.message, "--guidance.ratio=0");
    const unguided = await load(folder, { guidance: { ratio: 0 } }, bare);
    assertEquals(unguided.problems(0).length, 4);
    await assertRejects(
      () => runProblems(parseConfig({ model: { preset: "tiny" }, data: { task: "dataset" } })),
      ConfigError,
      "--data.path=FILE_OR_FOLDER",
    );
    await assertRejects(
      () => load(folder, { sft: { num_problems: 90, steps: 1 } }),
      ConfigError,
      "'sft.num_problems' (90) takes all",
    );
  }));

Deno.test("changed data has another fingerprint", () =>
  withFolder(async (folder) => {
    const rows = sumRows(30);
    const before = await load(folder, {}, rows);
    const changed = rows.map((row, i) => i === 20 ? { ...row, trace: "Count them." } : row);
    const after = await load(folder, { eval: { num_problems: 1 } }, changed);
    const same = await load(folder, { eval: { num_problems: 1 } }, rows);
    assert(after.report!.fingerprint !== same.report!.fingerprint);
    assert(before.report!.fingerprint !== same.report!.fingerprint, "one problem more is held out");
  }));
