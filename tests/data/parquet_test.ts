import { checkDeltas, checkRuns, skipThrift } from "../../src/data/readers/parquet_checks.ts";
import { DataFileError } from "../../src/data/readers/reader.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../../src/std/assert.ts";
import { fc } from "../fast_check.ts";
import { readAll, readContent } from "./support.ts";

/** Made by tests/parity/parquet.py. */
const FOLDER = new URL("../fixtures/parquet/", import.meta.url).pathname;
const FILES = ["none", "snappy", "gzip", "brotli", "zstd", "lz4", "pages", "v2", "encodings"];
const ROWS = JSON.parse(Deno.readTextFileSync(`${FOLDER}rows.json`));

for (const name of FILES) {
  Deno.test(`Parquet: ${name}, row groups, nulls, lists, structs and 64-bit integers`, async () => {
    const { rows, bad } = await readAll(`${FOLDER}${name}.parquet`, name);
    assertEquals(rows, ROWS);
    assertEquals(bad, []);
  });
}

Deno.test("Parquet: text that is not UTF-8 spoils its row alone", async () => {
  const { rows, bad } = await readAll(`${FOLDER}invalid_text.parquet`, "x.parquet");
  assertEquals(rows, [{ question: "ok" }]);
  assertEquals(bad, [
    { file: "x.parquet", line: 2, reason: "column 'question' is not valid UTF-8" },
  ]);
});

/** The fixture with its footer's length or other bytes changed. */
function changed(name: string, change: (bytes: Uint8Array, view: DataView) => Uint8Array | void) {
  const bytes = Deno.readFileSync(`${FOLDER}${name}.parquet`);
  return change(bytes, new DataView(bytes.buffer)) ?? bytes;
}

Deno.test("Parquet: cut short, overstated and encrypted footers are named", async () => {
  const cases: [Uint8Array, string][] = [
    [changed("snappy", (bytes) => bytes.subarray(0, 5000)), "it must end in PAR1"],
    [changed("snappy", (bytes) => bytes.subarray(0, 6)), "it is too short"],
    [
      changed("snappy", (bytes, view) => view.setUint32(bytes.length - 8, 0x7fffffff, true)),
      "its footer of 2147483647 bytes does not fit",
    ],
    [
      changed("snappy", (bytes, view) => view.setUint32(bytes.length - 8, 3, true)),
      "its footer of 3 bytes is no Parquet metadata",
    ],
    [
      changed("snappy", (bytes) => bytes.set(new TextEncoder().encode("PARE"), bytes.length - 4)),
      "its footer is encrypted",
    ],
  ];
  for (const [bytes, message] of cases) {
    const error = await assertRejects(
      () => readContent("x.parquet", bytes),
      DataFileError,
      message,
    );
    assert(error.message.startsWith("Cannot read data file 'x.parquet' as its Parquet data"));
  }
});

Deno.test("Parquet: an index beyond its dictionary is damage, not a missing value", async () => {
  const bytes = changed("none", () => {});
  // Column 'name' is n0, n1, n2, n0, …: indices of 2 bits, packed 8 at a time.
  const packed = [2, 2 << 1 | 1, 0b00_10_01_00, 0b01_00_10_01];
  const at = bytes.findIndex((_, i) => packed.every((byte, j) => bytes[i + j] === byte));
  assert(at > 0);
  bytes[at + 2] |= 0b11;
  await assertRejects(
    () => readContent("x.parquet", bytes),
    DataFileError,
    "row group 1: column 'name': a page refers beyond its dictionary",
  );
});

Deno.test("Parquet: mutated files give their rows or a named error, in little memory", async () => {
  const originals = FILES.filter((name) => name !== "brotli").map((name) =>
    changed(name, () => {})
  );
  const memory = Deno.memoryUsage().rss;
  let slowest = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...originals),
      fc.array(fc.tuple(fc.nat(), fc.oneof(fc.constantFrom(0, 0x7f, 0x80, 0xff), fc.nat(255))), {
        minLength: 1,
        maxLength: 6,
      }),
      fc.boolean(),
      fc.option(fc.nat(), { freq: 8 }),
      async (original, changes, inFooter, cut) => {
        const bytes = original.slice();
        const footer = new DataView(bytes.buffer).getUint32(bytes.length - 8, true) + 8;
        const [start, length] = inFooter ? [bytes.length - footer, footer] : [0, bytes.length];
        for (const [at, byte] of changes) bytes[start + at % length] = byte;
        const before = performance.now();
        try {
          const { rows } = await readContent(
            "x.parquet",
            cut === null ? bytes : bytes.slice(cut % length),
          );
          // What a damaged page leaves out must not come back as a null.
          for (const row of rows) assert(row.name !== null);
        } catch (error) {
          assert(error instanceof DataFileError, String(error));
        }
        slowest = Math.max(slowest, performance.now() - before);
      },
    ),
    { numRuns: 600 },
  );
  assert(slowest < 2000, `${slowest} ms`);
  assert(Deno.memoryUsage().rss - memory < 400 * 2 ** 20);
});

Deno.test("runs of values: overstated ones are found before they are decoded", () => {
  const check = (bytes: number[], width: number, count: number) =>
    checkRuns(new Uint8Array(bytes), 0, bytes.length, width, count);
  check([10 << 1, 1], 1, 10);
  check([1 << 1 | 1, 0xff], 1, 8);
  check([1 << 1 | 1, 0xff], 1, 5); // the last group of 8 is filled up
  check([0, 0, 10 << 1, 1], 1, 10);
  assertThrows(() => check([11 << 1, 1], 1, 10), Error, "a run of 11 stands where 10 values");
  assertThrows(() => check([0xfe, 0xff, 0xff, 0xff, 0x0f, 1], 1, 10), Error, "stands where 10");
  assertThrows(() => check([2 << 1 | 1, 0xff], 1, 16), Error, "goes beyond its 1 bytes");
  assertThrows(() => check([3 << 1, 1], 1, 10), Error, "it ends too early");
  assertThrows(() => check([1], 33, 1), Error, "a value cannot have 33 bits");
});

Deno.test("deltas: impossible blocks and other counts are found", () => {
  const check = (...bytes: number[]) => checkDeltas(new Uint8Array(bytes), 0, 2);
  // 128 deltas a block in 4 parts, 2 values, first 0; smallest delta 2, widths 0.
  assertEquals(check(0x80, 1, 4, 2, 0, 2, 0, 0, 0, 0), 10);
  assertThrows(() => check(0x80, 1, 0, 2, 0), Error, "in 0 parts are not possible");
  assertThrows(() => check(0xff, 0xff, 0xff, 0x7f, 4, 2, 0), Error, "are not possible");
  assertThrows(() => check(0x80, 1, 4, 3, 0), Error, "3 deltas for 2 values");
  assertThrows(() => check(0x80, 1, 4, 2, 0, 2, 65, 0, 0, 0), Error, "a delta cannot have 65 bits");
  assertThrows(() => check(...Array(20).fill(0xff)), Error, "more than 10 bytes");
});

Deno.test("Thrift: overstated lists and texts and endless nesting are found", () => {
  const skip = (...bytes: number[]) => skipThrift(new Uint8Array(bytes), 0);
  assertEquals(skip(0x15, 2, 0x18, 1, 65, 0), 6);
  assertThrows(() => skip(0x18, 0xff, 0xff, 0xff, 0x7f, 65), Error, "goes beyond");
  assertThrows(() => skip(0x19, 0xf5, 0xff, 0xff, 0x7f, 1), Error, "a list of");
  assertThrows(() => skip(...Array(100).fill(0x1c)), Error, "nested too deep");
  assertThrows(() => skip(...Array(100).fill(0x19)), Error, "nested too deep");
  assertThrows(() => skip(0x15), Error, "it ends too early");
});
