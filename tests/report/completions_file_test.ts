import { join } from "node:path";
import { readCompletions, type ReadCompletionsOptions } from "../../src/report/completions_file.ts";
import { assertEquals, assertRejects } from "../../src/std/assert.ts";

const problems = ["a", "b"].map((id) => ({
  id: `set/${id}`,
  prompt: `${id}?`,
  answer: "4",
  trace: "",
  tier: 1,
}));

/** Completions as they are read from a file with these rows. */
async function read(rows: readonly unknown[] | string, options: ReadCompletionsOptions = {}) {
  const folder = await Deno.makeTempDir();
  try {
    const path = join(folder, "completions.jsonl");
    const text = typeof rows === "string"
      ? rows
      : rows.map((row) => `${JSON.stringify(row)}\n`).join("");
    await Deno.writeTextFile(path, text);
    return await readCompletions(path, problems, "set", options);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("readCompletions: one a row or all of a problem, grouped by problem in the order of the file", async () => {
  const groups = await read([
    { id: "b", completions: ["1", "2"] },
    { problem: "set/a", completion: "3", given: 2, prompt: "as it was asked" },
    { id: "set/b", completion: "4", completion_ids: [7, 8] },
  ]);
  assertEquals(groups.map(({ problem }) => problem.id), ["set/b", "set/a"]);
  assertEquals(groups[0].samples.map(({ completion }) => completion), ["1", "2", "4"]);
  assertEquals(groups[0].samples.map(({ completionIds }) => completionIds), [[], [], [7, 8]]);
  assertEquals(groups[0].samples.every(({ problem }) => problem === problems[1]), true);
  const [{ prompt, given }] = groups[1].samples;
  assertEquals([prompt, given, groups[0].samples[0].prompt], ["as it was asked", 2, "b?"]);
});

Deno.test("readCompletions: other columns, and tokens for those that come without", async () => {
  const [{ samples }] = await read(
    [{ nested: { key: "a" }, code: ["xy", "z"], completion_ids: [[5]] }],
    { columns: { id: "nested.key", completion: "code" }, encode: (text) => [text.length] },
  );
  assertEquals(samples.map(({ completionIds }) => completionIds), [[5], [1]]);
});

Deno.test("readCompletions: the line of what cannot be used", async () => {
  const good = { id: "a", completion: "1" };
  const text = "'completion' or 'completions' must be a text or a list of texts";
  for (
    const [rows, message] of [
      [
        [good, { id: "c", completion: "1" }],
        "as its line 2 cannot be graded: no problem of the data has the id 'c'; they look like 'set/a'",
      ],
      [
        [good, { completion: "1" }],
        "line 2 cannot be graded: it has no 'problem' or 'id' that names its problem; its columns are completion",
      ],
      [[good, { id: "a" }], "line 2 cannot be graded: it has no 'completion' or 'completions'"],
      [[{ id: "a", completion: 5 }], `line 1 cannot be graded: ${text}`],
      [[{ id: "a", completions: ["x", null] }], `line 1 cannot be graded: ${text}`],
      [[{ ...good, completion_ids: "1" }], "'completion_ids' must be whole numbers"],
      [[{ ...good, completion_ids: [1.5] }], "'completion_ids' must be whole numbers"],
      [[{ id: "a", completions: ["x"], completion_ids: 5 }], "'completion_ids' must be a list"],
      [[{ ...good, given: -1 }], "'given' must be a whole number of at least 0: it is -1"],
      [`${JSON.stringify(good)}\n{"id": "a",\n`, "line 2 cannot be graded: "],
      [[{ id: "a", completions: [] }], "it has no completions"],
      ["", "completions"],
    ] as const
  ) await assertRejects(() => read(rows), Error, message);
});
