import { CountedProgress } from "../../src/report/counted_progress.ts";
import { type ProgressStream } from "../../src/report/terminal.ts";
import { assertEquals } from "../../src/std/assert.ts";

/** A stream that keeps what was written, and a clock that only moves when told. */
function stage(terminal: boolean, columns = 100) {
  const written: string[] = [];
  const time = { now: 0 };
  const stream: ProgressStream = {
    terminal,
    columns: () => columns,
    write: (text) => written.push(text),
  };
  const options = { phase: "measuring", total: 1000, stream, now: () => time.now };
  return { options, time, written };
}

Deno.test("a terminal has one live line, which is taken away in the end", () => {
  const { options, time, written } = stage(true);
  const progress = new CountedProgress({ ...options, before: 100 });
  progress.end();
  time.now = 60_000;
  progress.update(400, ["difficulty 0.25"]);
  progress.update(401); // too soon after
  time.now = 70_000;
  progress.update(1000);
  progress.end();
  progress.end();
  assertEquals(written, [
    "\r\x1b[2Kmeasuring 400/1,000  2:00 left  difficulty 0.25",
    "\r\x1b[2Kmeasuring 1,000/1,000",
    "\r\x1b[2K",
  ]);
});

Deno.test("elsewhere a plain line comes every ten seconds, and at the end", () => {
  const { options, time, written } = stage(false);
  const progress = new CountedProgress(options);
  for (let done = 1; done <= 1000; done++) {
    time.now = done * 30;
    progress.update(done);
  }
  progress.update(1000); // said once
  progress.end();
  assertEquals(written, [
    "measuring 334/1,000  0:20 left\n",
    "measuring 668/1,000  0:10 left\n",
    "measuring 1,000/1,000\n",
  ]);
});

Deno.test("a narrow window cuts the line, and nothing done yet has no time left", () => {
  const { options, written } = stage(true, 12);
  const progress = new CountedProgress({ ...options, before: 7 });
  progress.update(7, ["x"]);
  assertEquals(written, ["\r\x1b[2Kmeasuring 7"]);
});
