import { assertEquals } from "../../src/std/assert.ts";
import { type RunResult } from "../../src/sweep/results.ts";
import { SweepPrinter } from "../../src/sweep/progress.ts";
import { planOf, withFolder } from "./support.ts";

const figures = (accuracy: number | null) => ({ accuracy, stderr: 0.01 });

Deno.test("piped, a sweep prints a line an event; on a terminal a live line below them", () =>
  withFolder(async (folder) => {
    const { runs: [a, b] } = await planOf(folder, "base: { max_steps: 10 }\nseeds: [1, 2]");
    const result = (status: RunResult["status"]): RunResult => ({
      run: a,
      status,
      before: figures(0.045),
      after: figures(0.43),
      rewardFirst: 0,
      rewardLast: 0,
      guidanceLength: 0,
      seconds: 0,
      steps: 10,
    });
    const print = (terminal: boolean) => {
      let text = "", time = 0;
      const printer = new SweepPrinter(
        { terminal, columns: () => 80, write: (more) => text += more },
        () => time,
      );
      printer.start([a, b], []);
      printer.started(a);
      time = 10;
      printer.progress(a, { phase: "rl", done: 5, total: 10 });
      const live = text.slice(text.lastIndexOf("\r") + 1);
      time = 20;
      printer.ended(result("finished"), 20, undefined);
      printer.ended({ ...result("failed"), run: b }, 3, "one\ntwo");
      return { text, live };
    };
    assertEquals(
      print(false).text,
      "2 runs to go\nstarted base-seed-1\n" +
        "finished base-seed-1: accuracy 0.045 -> 0.430 in 20 s (1/2, 20 s left)\n" +
        "failed base-seed-2 after 3 s:\n    one\n    two\n",
    );
    assertEquals(print(true).live, "\x1b[K0/2 runs | base-seed-1 5/10 | 30 s left");
  }));
