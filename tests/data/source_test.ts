import { PRESET_NAMES } from "../../src/data/presets/registry.ts";
import { DataFileError } from "../../src/data/readers/reader.ts";
import { formatDataReport } from "../../src/data/report.ts";
import { loadProblems } from "../../src/data/source.ts";
import { assert, assertEquals, assertRejects } from "../../src/std/assert.ts";
import { jsonl, loadRows, source, withFolder } from "./support.ts";

Deno.test("columns alone: paths, traces, tiers in order, tests", async () => {
  const rows = [
    {
      n: 7,
      chat: [{ role: "user", content: "1+1" }],
      gold: { value: 2 },
      how: "<think>Add.</think>2",
    },
    { n: 8, chat: "2+2", gold: { value: "4" }, how: null, level: "hard" },
    { n: 9, chat: "3+3", gold: { value: 6 }, level: "none" },
  ];
  const { problems, report } = await loadRows(rows, {
    name: "mine",
    columns: { id: "n", prompt: "chat", answer: "gold.value", trace: "how", tier: "level" },
    tier_order: ["easy", "hard"],
  });
  assertEquals(problems, [
    { id: "mine/7", prompt: "1+1", answer: "2", trace: "Add.", tier: 1, source: "mine" },
    { id: "mine/8", prompt: "2+2", answer: "4", trace: "", tier: 2, source: "mine" },
  ]);
  assertEquals(report.leftOut, [{
    reason: "its tier is none of easy, hard: set 'tier_order' or 'columns.tier'",
    count: 1,
    examples: [{ file: "rows.jsonl", line: 3, detail: "none" }],
  }]);
  assertEquals(report.notes, ["rows without a tier are in tier 1: 1"]);

  const tests = { inputs: ["1\n"], outputs: ["2\n"] };
  const coding = await loadRows([{ q: "Add 1", tests }], {
    columns: { prompt: "q", tests: "tests" },
  });
  assertEquals(coding.problems[0].tests, {
    kind: "stdin",
    language: "python",
    cases: [{ input: "1\n", output: "2\n" }],
  });
});

Deno.test("a mapping stands above the preset's columns", async () => {
  const { problems } = await loadRows([{ text: "1+1", answer: "3", gold: "2", level: 4 }], {
    preset: "math",
    columns: { prompt: "text", answer: "gold" },
  });
  assertEquals(problems.map(({ prompt, answer, tier }) => [prompt, answer, tier]), [[
    "1+1",
    "2",
    4,
  ]]);
});

Deno.test("ids: the rows' own where they are unique, otherwise file and line", async () => {
  const ids = async (rows: Record<string, unknown>[]) => {
    const full = rows.map((row) => ({ problem: "q", answer: "1", ...row }));
    const { problems, report } = await loadRows(full, { preset: "math", name: "m" });
    return [problems.map(({ id }) => id), report.notes];
  };
  assertEquals(await ids([{ id: 1 }, { id: "m/b" }, {}]), [["m/1", "m/b", "m/rows.jsonl:3"], []]);
  assertEquals(await ids([{ uuid: "u", idx: 0 }]), [["m/u"], []]);
  assertEquals(await ids([{ id: 1 }, { id: 1 }, { id: 2 }]), [
    ["m/rows.jsonl:1", "m/rows.jsonl:2", "m/rows.jsonl:3"],
    ["its ids repeat (1 of them): problems are named by file and line"],
  ]);
});

Deno.test("the report accounts for every line, and says it as text", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(
      `${folder}/a.jsonl`,
      jsonl([{ problem: "q", answer: "1" }, {
        problem: "q",
        answer: "2",
        solution: "Add. \\boxed{2}",
      }]) +
        "{\n",
    );
    await Deno.writeTextFile(
      `${folder}/b.json`,
      JSON.stringify([{ problem: "r", answer: "" }, {
        problem: "s",
        answer: "3",
        level: "Level 2",
      }]),
    );
    await Deno.writeTextFile(`${folder}/notes.txt`, "");
    const { report, problems } = await loadProblems(
      source({ path: folder, preset: "math", name: "mine" }),
    );
    assertEquals(report.files, [
      { file: "a.jsonl", rows: 2, badLines: 1 },
      { file: "b.json", rows: 2, badLines: 0 },
    ]);
    assertEquals(report.ignoredFiles, ["notes.txt"]);
    assertEquals([report.rows, report.kept, report.badLineCount], [4, 3, 1]);
    assertEquals(
      report.rows,
      report.kept + report.leftOut.reduce((sum, { count }) => sum + count, 0),
    );
    assertEquals(report.tiers, [{ tier: 1, count: 2 }, { tier: 2, count: 1 }]);
    assertEquals(problems.map(({ id }) => id), [
      "mine/a.jsonl:1",
      "mine/a.jsonl:2",
      "mine/b.json:2",
    ]);
    const lines = formatDataReport(report).split("\n");
    assert(lines[4].startsWith("  not readable  1 line"));
    assert(lines[5].startsWith("    a.jsonl:3  it is no JSON: "));
    assertEquals([...lines.slice(0, 4), ...lines.slice(6)], [
      "mine: 3 problems of 4 rows in 2 files (1 with a trace)",
      "  tiers  1: 2, 2: 1",
      "  left out  1  it has no answer",
      "    b.json:1",
      "  repeated  1 row whose prompt an earlier row has too",
      "  note  rows without a tier are in tier 1: 2",
    ]);
  });
});

Deno.test("a source that cannot be read says what is wrong and the way out", async () => {
  const row = { question: "1+1", answer: "#### 2" };
  const cases: [() => Promise<unknown>, string][] = [
    [() => loadRows([row], { preset: "humaneval" }), "none of its 1 rows becomes a problem"],
    [() => loadRows([row], { preset: "humaneval" }), "Its columns are question, answer"],
    [() => loadRows([], { preset: "math" }), "'rows.jsonl' as it has no rows"],
    [() => loadRows([1, 2], { preset: "math" }), "nothing in it can be read; at 1: a row must be"],
    [() => loadRows([row], {}), "without 'preset' its 'columns' must name 'prompt'"],
    [() => loadRows([row], { columns: { prompt: "question" } }), "and 'answer' or 'tests'"],
    [() => loadRows([row], { preset: "gsm8k", weight: 0 }), "'weight' must be a number above 0"],
    [
      () => loadRows([row], { preset: "gsm8k", columns: { promt: "q" } as never }),
      "'columns' maps id, prompt, answer, trace, tier, tests only: it has 'promt'",
    ],
    [
      () => loadRows([row], { preset: "gsm9k" as never }),
      `one of ${PRESET_NAMES.join(", ")}: current value is 'gsm9k'`,
    ],
    [
      () => loadProblems(source({ path: "/nowhere/x.jsonl", preset: "math" })),
      "there is no such file",
    ],
  ];
  for (const [load, message] of cases) await assertRejects(load, Error, message);
});

Deno.test("a folder with several splits is remarked on", async () => {
  await withFolder(async (folder) => {
    for (const split of ["train", "test"]) {
      await Deno.writeTextFile(
        `${folder}/${split}-00000-of-00001.jsonl`,
        jsonl([{ problem: split, answer: "1" }]),
      );
    }
    const { report } = await loadProblems(source({ path: folder, preset: "math" }));
    assertEquals(report.notes, [
      "its files look like several splits (train, test): name one file or folder",
    ]);
  });
});

Deno.test("a damaged shard is an error, though others could be read", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/a.jsonl`, jsonl([{ problem: "q", answer: "1" }]));
    await Deno.writeFile(`${folder}/b.jsonl.gz`, new Uint8Array([0x1f, 0x8b, 8, 0]));
    await assertRejects(
      () => loadProblems(source({ path: folder, preset: "math" })),
      DataFileError,
      "'b.jsonl.gz'",
    );
  });
});

Deno.test("a source that is read the wrong way is told the preset that its columns look like", async () => {
  const gsm8k = [{ question: "1+1?", answer: "1+1=2\n#### 2" }];
  const columns = { prompt: "prompt", answer: "answer" };
  await assertRejects(
    () => loadRows(gsm8k, { columns }),
    DataFileError,
    "Its columns are question, answer: those of the preset 'gsm8k'",
  );
  const own = [{ prompt: "1+1?", answer: "2", trace: "Add." }];
  await assertRejects(() => loadRows(own, { preset: "gsm8k" }), DataFileError, "give no 'preset'");
});

Deno.test("many tiers are told by their range", async () => {
  const load = async (count: number) => {
    const rows = Array.from(
      { length: count },
      (_, i) => ({ problem: `q${i}`, answer: "1", level: 1 + i / 8 }),
    );
    return formatDataReport((await loadRows(rows, { preset: "math" })).report);
  };
  assert((await load(3)).includes("tiers  1: 1, 1.125: 1, 1.25: 1"));
  assert((await load(25)).includes("\n  tiers  25 values from 1 to 4"));
});

Deno.test("a sample is uniform, in order, the same for a seed, and its counts are those of all", async () => {
  const rows = Array.from({ length: 60 }, (_, i) => ({
    question: `What is ${i}+1?`,
    answer: String(i + 1),
    how: i % 2 === 0 ? "Count on." : "",
  }));
  await withFolder(async (folder) => {
    const path = `${folder}/rows.jsonl`;
    await Deno.writeTextFile(path, jsonl(rows));
    const columns = { prompt: "question", answer: "answer", trace: "how" };
    const load = (seed: number) =>
      loadProblems(source({ path, columns }), { sample: { count: 15, seed } });
    const drawn = new Map<string, number>();
    for (let seed = 0; seed < 200; seed++) {
      const { problems, report } = await load(seed);
      assertEquals([problems.length, report.kept, report.withTrace], [15, 60, 30]);
      const lines = problems.map(({ id }) => Number(id.split(":").at(-1)));
      assertEquals(lines, lines.toSorted((a, b) => a - b));
      for (const { id } of problems) drawn.set(id, (drawn.get(id) ?? 0) + 1);
    }
    // Each row is in a quarter of 200 samples: 50, with a standard deviation of 6.1.
    assertEquals(drawn.size, 60);
    for (const [id, count] of drawn) assert(count > 20 && count < 80, `${id}: ${count}`);
    assertEquals((await load(7)).problems, (await load(7)).problems);
    const all = await loadProblems(source({ path, columns }), { sample: { count: 60, seed: 1 } });
    assertEquals([all.problems.length, all.report.notes], [60, []]);
    await assertRejects(
      () => loadProblems(source({ path, columns }), { sample: { count: 0, seed: 1 } }),
      RangeError,
      "'count' must be a positive integer",
    );
  });
});
