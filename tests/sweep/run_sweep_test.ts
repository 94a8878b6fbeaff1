import { assert, assertEquals, assertRejects, assertStringIncludes } from "../../src/std/assert.ts";
import { SweepError } from "../../src/sweep/plan.ts";
import { events, fakeCommand, planOf, sweep, withFolder } from "./support.ts";

const metricSteps = (folder: string) =>
  Deno.readTextFileSync(`${folder}/metrics.jsonl`).trimEnd().split("\n")
    .map((line) => JSON.parse(line).step as number);

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

Deno.test("runs start after their warm start, at most `jobs` at a time, and finish once", () =>
  withFolder(async (folder) => {
    const plan = await planOf(
      folder,
      "base: { max_steps: 3, sft.steps: 2 }\narms: { a: , b: , c: }\nseeds: [1, 2]",
    );
    const { results, errors, interrupted } = await sweep(plan);
    assertEquals(results.map(({ status }) => status), Array(8).fill("finished"));
    assertEquals([errors.size, interrupted], [0, false]);
    let active = 0, most = 0;
    const seen = events(plan);
    for (const event of seen) {
      active += event.startsWith("begin") ? 1 : -1;
      most = Math.max(most, active);
    }
    // Whether two of them overlap at any time is a matter of how busy the machine is.
    assert(most <= 2, `${most} at a time`);
    for (const seed of [1, 2]) {
      const ready = seen.indexOf(`end warm-start-seed-${seed}`);
      for (const arm of "abc") assert(seen.indexOf(`begin ${arm}-seed-${seed}`) > ready);
    }
    assertStringIncludes(
      Deno.readTextFileSync(`${plan.folder}/results.md`),
      "6 of 6 runs finished.",
    );

    let prepared = false;
    await sweep(plan, { prepare: () => Promise.resolve(void (prepared = true)) });
    assertEquals(events(plan).length, seen.length);
    assertEquals(prepared, false);
  }));

Deno.test("a failed run is reported with its last words, and the rest goes on", () =>
  withFolder(async (folder) => {
    const plan = await planOf(
      folder,
      "base: { max_steps: 2 }\narms: { bad: , good: }\nseeds: [1, 2]",
    );
    const { results, errors } = await sweep(plan);
    assertEquals(
      results.map(({ status }) => status),
      ["failed", "finished", "failed", "finished"],
    );
    assertStringIncludes(errors.get("bad-seed-1")!, "no finite number");
    assertStringIncludes(errors.get("bad-seed-1")!, "(exit code 1)");
    const text = Deno.readTextFileSync(`${plan.folder}/results.md`);
    assertStringIncludes(text, "## Failed runs");
    assertStringIncludes(text, "3 steps in a row");
  }));

Deno.test("runs whose warm start failed fail with it", () =>
  withFolder(async (folder) => {
    const plan = await planOf(folder, "base: { max_steps: 2, sft.steps: 2 }\nseeds: [1]");
    // A program that does nothing and reads nothing.
    const command = [Deno.execPath(), "eval", "Deno.exit(3)"];
    const { results, errors } = await sweep(plan, { command });
    assertEquals(results.map(({ status }) => status), ["failed", "failed"]);
    assertEquals(errors.get("warm-start-seed-1"), "exit code 3");
    assertEquals(errors.get("base-seed-1"), "its warm start 'warm-start-seed-1' failed");
  }));

Deno.test("only wanted arms run, with the warm start they need", () =>
  withFolder(async (folder) => {
    const plan = await planOf(
      folder,
      "base: { max_steps: 1, sft.steps: 2 }\narms: { a: , b: { sft.steps: 0 } }\nseeds: [1]",
    );
    await sweep(plan, { wanted: ({ arm }) => arm?.name === "b" });
    assertEquals(events(plan), ["begin b-seed-1", "end b-seed-1"]);
    await sweep(plan, { wanted: ({ arm }) => arm?.name === "a" });
    assertEquals(events(plan).filter((line) => line.startsWith("begin")), [
      "begin b-seed-1",
      "begin warm-start-seed-1",
      "begin a-seed-1",
    ]);
  }));

Deno.test("a stopped sweep has its runs save, and goes on from there", () =>
  withFolder(async (folder) => {
    const plan = await planOf(
      folder,
      "base: { max_steps: 60 }\narms: { a: , b: , c: }\nseeds: [1]",
    );
    const stop = new AbortController();
    const first = await sweep(plan, {
      stop: stop.signal,
      reporter: { progress: (_, { done }) => done >= 3 && stop.abort() },
    });
    assert(first.interrupted);
    assertEquals(first.results.map(({ status }) => status).sort(), [
      ...["interrupted", "interrupted", "pending"],
    ]);
    assertEquals(first.errors.size, 0);
    const { results } = await sweep(plan);
    assertEquals(results.map(({ status }) => status), Array(3).fill("finished"));
    assertEquals(metricSteps(`${plan.folder}/a-seed-1`), upTo(60));
  }));

Deno.test("a second stop kills the runs", () =>
  withFolder(async (folder) => {
    const plan = await planOf(folder, "base: { max_steps: 100000 }\nseeds: [1]");
    const [stop, kill] = [new AbortController(), new AbortController()];
    // Deaf to the first signal.
    const script = "Deno.addSignalListener('SIGINT', () => {}); console.log('{}');" +
      "setInterval(() => {}, 1000)";
    const { results } = await sweep(plan, {
      command: [Deno.execPath(), "eval", script],
      stop: stop.signal,
      kill: kill.signal,
      reporter: {
        progress() {
          stop.abort();
          setTimeout(() => kill.abort(), 50);
        },
      },
    });
    assertEquals(results[0].status, "interrupted");
  }));

Deno.test("a killed sweep takes its runs with it, and goes on from there", () =>
  withFolder(async (folder) => {
    const plan = await planOf(folder, "base: { max_steps: 100 }\narms: { a: , b: }\nseeds: [1]");
    const script = `
      import { loadSweep, planSweep } from ${
      JSON.stringify(import.meta.resolve("../../src/sweep/plan.ts"))
    };
      import { runSweep } from ${
      JSON.stringify(import.meta.resolve("../../src/sweep/run_sweep.ts"))
    };
      const plan = planSweep(await loadSweep(${JSON.stringify(`${folder}/trial.yaml`)}), ${
      JSON.stringify(plan.folder)
    });
      await runSweep(plan, { command: ${JSON.stringify(fakeCommand)}, jobs: 2, reporter: {
        progress: (_, { done }) => done === 5 && console.log("now"),
      } });`;
    await Deno.writeTextFile(`${folder}/killed.ts`, script);
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", `${folder}/killed.ts`],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    // Its runs hear of it and end.
    for (let i = 0; i < 200; i++) {
      if (events(plan).filter((line) => line.startsWith("end")).length === 2) break;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    assertEquals(events(plan).filter((line) => line.startsWith("end")).length, 2);
    assert(metricSteps(`${plan.folder}/a-seed-1`).length < 100);
    const { results } = await sweep(plan);
    assertEquals(results.map(({ status }) => status), ["finished", "finished"]);
    assertEquals(metricSteps(`${plan.folder}/a-seed-1`), upTo(100));
  }));

Deno.test("a changed sweep is refused by the keys of its runs", () =>
  withFolder(async (folder) => {
    await sweep(await planOf(folder, "base: { max_steps: 2 }\nseeds: [1]"));
    const changed = await planOf(folder, "base: { max_steps: 3, beta: 0.1 }\nseeds: [1]");
    const error = await assertRejects(() => sweep(changed), SweepError);
    assertStringIncludes(error.message, "base-seed-1: max_steps was 2, now 3; beta was 0, now 0.1");
    assertStringIncludes(error.message, "--output");
    // Further arms and seeds are no change.
    const grown = await planOf(folder, "base: { max_steps: 2 }\nseeds: [1, 2]");
    assertEquals((await sweep(grown)).results.map(({ status }) => status), [
      "finished",
      "finished",
    ]);
  }));

Deno.test("two sweeps do not share a folder at a time", () =>
  withFolder(async (folder) => {
    const plan = await planOf(folder, "base: { max_steps: 20 }\nseeds: [1]");
    const first = sweep(plan);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const error = await assertRejects(() => sweep(plan), SweepError);
    assertStringIncludes(error.message, "another process works in");
    await first;
  }));
