import { readJson } from "../../src/data/readers/json.ts";
import { DataFileError, DEFAULT_LIMITS } from "../../src/data/readers/reader.ts";
import { findFiles } from "../../src/data/readers/files.ts";
import { assert, assertEquals, assertRejects } from "../../src/std/assert.ts";
import { fc } from "../fast_check.ts";
import { gzip, jsonl, readContent, withFolder } from "./support.ts";

const ROWS = [{ q: "a" }, { q: "b", n: 2, list: [{ x: "]}," }] }, { q: "ü\u2028\u2029\u0085\n{" }];

Deno.test("JSONL, JSON and gzip of both: content tells, not the name", async () => {
  const contents = {
    jsonl: jsonl(ROWS),
    list: JSON.stringify(ROWS),
    pretty: JSON.stringify(ROWS, null, 2),
    object: JSON.stringify({ version: 1, data: ROWS }),
    prettyObject: JSON.stringify({ version: 1, data: ROWS }, null, 2),
  };
  for (const [kind, content] of Object.entries(contents)) {
    for (const name of ["x.json", "x", "x.txt"]) {
      assertEquals(await readContent(name, content), { rows: ROWS, bad: [] }, `${kind} ${name}`);
      assertEquals((await readContent(name, gzip(content))).rows, ROWS, `${kind} ${name}.gz`);
    }
  }
  assertEquals((await readContent("x.jsonl", contents.jsonl)).rows, ROWS);
  assertEquals((await readContent("x.parquet", contents.jsonl)).rows, ROWS);
});

Deno.test("JSON by columns, as lists and as pandas writes it", async () => {
  const rows = [{ q: "a", n: 1 }, { q: "b", n: 2 }];
  for (
    const content of [
      { q: ["a", "b"], n: [1, 2] },
      { q: { "0": "a", "1": "b" }, n: { "0": 1, "1": 2 } },
      { "0": rows[0], "1": rows[1] },
    ]
  ) assertEquals((await readContent("x.json", JSON.stringify(content))).rows, rows);
  // One object that is none of these is one row.
  const one = { q: "a", messages: [{ role: "user" }], tags: ["x", "y"] };
  assertEquals((await readContent("x.json", JSON.stringify(one, null, 1))).rows, [one]);
  assertEquals((await readContent("x.json", JSON.stringify(one))).rows, [one]);
  await assertRejects(
    () => readContent("x.json", JSON.stringify({ train: rows, test: rows })),
    DataFileError,
    "it holds several lists of rows ('train', 'test')",
  );
});

Deno.test("JSONL: byte order mark, CRLF, blank lines, no newline at the end", async () => {
  const content = '\ufeff{"q":1}\r\n\r\n  \n{"q":2}\n{"q":3}';
  assertEquals((await readContent("x.jsonl", content)).rows, [{ q: 1 }, { q: 2 }, { q: 3 }]);
  assertEquals((await readContent("x.json", "\ufeff \n [1, 2]")).bad.length, 2);
});

Deno.test("bad lines are reported with file and line, and the others are read", async () => {
  const encoder = new TextEncoder();
  const content = new Uint8Array([
    ...encoder.encode('{"q":1}\n{"q":\n[1]\n"text"\nnull\n{"q":"'),
    0xff,
    ...encoder.encode(`"}\n${'{"a":'.repeat(200)}1${"}".repeat(200)}\n{"q":2}\n{"q"`),
  ]);
  const { rows, bad } = await readContent("x.jsonl", content);
  assertEquals(rows, [{ q: 1 }, { q: 2 }]);
  assertEquals(
    bad.map(({ file, line }) => [file, line]),
    [2, 3, 4, 5, 6, 7, 9].map((line) => [
      "x.jsonl",
      line,
    ]),
  );
  assertEquals(bad[1].reason, "a row must be an object: this is a list");
  assertEquals(bad[4].reason, "it is not valid UTF-8");
  assertEquals(bad[5].reason, "it is nested over 100 levels deep");
  assert(bad[0].reason.startsWith("it is no JSON: "));
});

Deno.test("JSON lists: a bad element spoils itself, and a cut or continued list is said", async () => {
  const { rows, bad } = await readContent("x.json", '[{"q":1},{"q":},3,{"q":2},]');
  assertEquals(rows, [{ q: 1 }, { q: 2 }]);
  assertEquals(bad.map(({ line }) => line), [2, 3]);
  const cut = await readContent("x.json", '[{"q":1},{"q":2},{"q"');
  assertEquals(cut.rows.length, 2);
  assertEquals(cut.bad, [{ file: "x.json", line: 3, reason: "the file ends inside its list" }]);
  const more = await readContent("x.json", '[{"q":1}]\n[{"q":2}]');
  assertEquals(more.bad[0].reason, "more text follows the list");
  assertEquals((await readContent("x.json", "[]")).rows, []);
});

Deno.test("JSON that begins like an object and is none is an error", async () => {
  await assertRejects(() => readContent("x.json", '{"q": 1'), DataFileError, "it is no JSON");
  const { rows, bad } = await readContent("x.json", '{"q": 1\n{"q":2}\n{"q":3}\n');
  assertEquals([rows.length, bad.length], [2, 1]);
});

Deno.test("a line longer than the limit is reported, not kept", async () => {
  const content = jsonl([{ q: "a" }, { q: "x".repeat(300_000) }, { q: "b" }]);
  for (const name of ["x.jsonl", "x.json"]) {
    const { rows, bad } = await readContent(name, content, { maxLineLength: 1000 });
    assertEquals(rows, [{ q: "a" }, { q: "b" }]);
    assertEquals(bad, [{ file: name, line: 2, reason: "it is longer than 1000 bytes" }]);
  }
  const list = await readContent("x.json", JSON.stringify([{ q: "x".repeat(5000) }, { q: "b" }]), {
    maxLineLength: 1000,
  });
  assertEquals([list.rows.length, list.bad.length], [1, 1]);
});

Deno.test("gzip: several members, a cut file, damage and a bomb", async () => {
  const [first, second] = [gzip(jsonl([ROWS[0]])), gzip(jsonl([ROWS[1]]))];
  const both = new Uint8Array([...first, ...second]);
  assertEquals((await readContent("x.jsonl.gz", both)).rows, ROWS.slice(0, 2));
  await assertRejects(
    () => readContent("x.jsonl.gz", first.subarray(0, first.length - 5)),
    DataFileError,
    "its gzip data is damaged or cut short",
  );
  const damaged = first.slice();
  damaged[damaged.length - 6] ^= 1;
  await assertRejects(() => readContent("x.jsonl.gz", damaged), DataFileError, "damaged");
  await assertRejects(
    () => readContent("x.jsonl.gz", gzip("a".repeat(2 ** 22)), { freeBytes: 2 ** 20 }),
    DataFileError,
    "it unpacks to more than 200 times its",
  );
});

Deno.test("a folder: data files by name, links too, others named, hidden ones passed over", async () => {
  await withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/data`);
    await Deno.mkdir(`${folder}/.cache`);
    for (
      const name of [
        "data/train-00001.jsonl",
        "data/train-00000.jsonl",
        "README.md",
        ".cache/x.jsonl",
        "a.json.gz",
        "dataset_info.json",
      ]
    ) await Deno.writeTextFile(`${folder}/${name}`, "{}");
    await Deno.symlink(`${folder}/a.json.gz`, `${folder}/b.parquet`);
    const { files, ignored } = await findFiles(`${folder}/`);
    assertEquals(files.map(({ name }) => name), [
      "a.json.gz",
      "b.parquet",
      "data/train-00000.jsonl",
      "data/train-00001.jsonl",
    ]);
    assertEquals(ignored, ["README.md", "dataset_info.json"]);
    await assertRejects(() => findFiles(`${folder}/none`), DataFileError, "there is no such file");
    await assertRejects(() => findFiles(`${folder}/.cache/x`), DataFileError);
    await Deno.remove(`${folder}/.cache/x.jsonl`);
    await assertRejects(
      () => findFiles(`${folder}/.cache`),
      DataFileError,
      "has no file that ends",
    );
  });
});

async function readChunks(chunks: Uint8Array[], asLines: boolean): Promise<unknown[]> {
  const results: unknown[] = [];
  async function* stream() {
    yield* await Promise.resolve(chunks);
  }
  for await (const result of readJson("x", stream(), asLines, DEFAULT_LIMITS)) {
    results.push("row" in result ? result.row : result);
  }
  return results;
}

function split(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = [
    0,
    ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b),
    bytes.length,
  ];
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}

const rowValue = fc.dictionary(
  fc.string({ unit: "binary", maxLength: 5 }).filter((key) => key !== "__proto__"),
  fc.jsonValue({ maxDepth: 3 }),
  { maxKeys: 4 },
).map((row) => JSON.parse(JSON.stringify(row)) as Record<string, unknown>);

Deno.test("any rows come back from JSONL, in any chunks and with any line ends", async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(rowValue, { minLength: 1, maxLength: 6 }),
    fc.array(fc.nat(), { maxLength: 8 }),
    fc.constantFrom("\n", "\r\n", "\n\n"),
    fc.boolean(),
    async (rows, cuts, newline, last) => {
      const text = rows.map((row) => JSON.stringify(row)).join(newline) + (last ? newline : "");
      assertEquals(await readChunks(split(new TextEncoder().encode(text), cuts), true), rows);
    },
  ));
});

Deno.test("any rows come back from a JSON list, in any chunks and spacing", async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(rowValue, { minLength: 1, maxLength: 6 }),
    fc.array(fc.nat(), { maxLength: 8 }),
    fc.constantFrom(0, 1, "\t"),
    async (rows, cuts, space) => {
      const bytes = new TextEncoder().encode(JSON.stringify(rows, null, space));
      assertEquals(await readChunks(split(bytes, cuts), false), rows);
    },
  ));
});

Deno.test("any rows come back from gzip", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(rowValue, { minLength: 1, maxLength: 6 }), async (rows) => {
      assertEquals((await readContent("x.jsonl.gz", gzip(jsonl(rows)))).rows, rows);
    }),
    { numRuns: 20 },
  );
});

Deno.test("mutated JSON and gzip: rows, bad lines or a named error, quickly", async () => {
  const originals: [string, Uint8Array][] = [
    ["x.jsonl", new TextEncoder().encode(jsonl(ROWS))],
    ["x.json", new TextEncoder().encode(JSON.stringify(ROWS, null, 1))],
    ["x.json", new TextEncoder().encode(JSON.stringify({ data: ROWS }))],
    ["x.jsonl.gz", gzip(jsonl(ROWS))],
  ];
  const before = performance.now();
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...originals),
      fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 5 }),
      fc.option(fc.nat()),
      async ([name, bytes], changes, cut) => {
        const mutated = bytes.slice(0, cut === null ? undefined : cut % bytes.length);
        for (const [at, byte] of changes) mutated[at % mutated.length] = byte;
        try {
          await readContent(name, mutated);
        } catch (error) {
          assert(error instanceof DataFileError, String(error));
        }
      },
    ),
    { numRuns: 300 },
  );
  assert(performance.now() - before < 20_000);
});
