import { bytes, clock, compact, duration, share, textTable } from "../../src/report/format.ts";
import { assertEquals } from "../../src/std/assert.ts";

Deno.test("numbers as people read them", () => {
  assertEquals([0, 950, 999.6, 9540, 12_345, 1_234_567, NaN, null].map(compact), [
    ...["0", "950", "1.0k", "9.5k", "12k", "1.2M", "-", "-"],
  ]);
  assertEquals([0, 59.6, 65, 7390, Infinity].map(clock), ["0:00", "1:00", "1:05", "2:03:10", "-"]);
  assertEquals([12, 185, 7380].map(duration), ["12 s", "3 min 5 s", "2 h 3 min"]);
  assertEquals([0.4567, null, NaN].map((value) => share(value, 3)), ["0.457", "-", "-"]);
  assertEquals([822_528, 2.4e9].map(bytes), ["0.8 MiB", "2.2 GiB"]);
});

Deno.test("a table is aligned", () => {
  assertEquals(textTable([["tier", "n"], ["7", "500"]]), "tier    n\n7     500");
});
