import { assert, assertEquals, assertRejects, assertStringIncludes } from "../../src/std/assert.ts";
import { loadSweep, planSweep, stringifySweep, SweepError } from "../../src/sweep/plan.ts";
import { sweepSchemaText } from "../../scripts/schema.ts";
import { names, planOf, withFolder } from "./support.ts";

Deno.test("arms, axes and seeds are crossed in the order of the file", () =>
  withFolder(async (folder) => {
    const plan = await planOf(
      folder,
      `
base: { max_steps: 5 }
arms:
  plain: { guidance.ratio: 0 }
  ours: { guidance: { controller: g2rpo_a } }
axes:
  learning_rate: [1e-4, 3e-4]
  num_iterations: [1, 2]
seeds: [7, 8]
`,
    );
    assertEquals(plan.arms.map(({ name }) => name), [
      "plain_learning_rate-0.0001_num_iterations-1",
      "plain_learning_rate-0.0001_num_iterations-2",
      "plain_learning_rate-0.0003_num_iterations-1",
      "plain_learning_rate-0.0003_num_iterations-2",
      "ours_learning_rate-0.0001_num_iterations-1",
      "ours_learning_rate-0.0001_num_iterations-2",
      "ours_learning_rate-0.0003_num_iterations-1",
      "ours_learning_rate-0.0003_num_iterations-2",
    ]);
    assertEquals(plan.runs.length, 16);
    const run = plan.runs[8 + 2];
    assertEquals(run.name, "plain_learning_rate-0.0003_num_iterations-1-seed-8");
    assertEquals(run.config.run_name, run.name);
    assertEquals(run.config.output_dir, `${folder}/out`);
    assertEquals([run.config.seed, run.config.learning_rate, run.config.num_iterations], [
      8,
      3e-4,
      1,
    ]);
    assertEquals([run.config.guidance.ratio, run.config.max_steps], [0, 5]);
  }));

Deno.test("without arms, axes and seeds the base is run once", () =>
  withFolder(async (folder) => {
    const plan = await planOf(folder, "base: { seed: 5 }");
    assertEquals(names(plan.runs), ["base-seed-5"]);
  }));

Deno.test("runs with the same warm start share it, a seed each", () =>
  withFolder(async (folder) => {
    const plan = await planOf(
      folder,
      `
base: { sft: { steps: 10 } }
arms: { a: , b: { guidance.ratio: 0 }, c: { sft.steps: 20 }, d: { sft.steps: 0 } }
seeds: [1, 2]
`,
    );
    assertEquals(names(plan.runs), [
      ...["warm-start-seed-1", "warm-start-2-seed-1"],
      ...["a-seed-1", "b-seed-1", "c-seed-1", "d-seed-1"],
      ...["warm-start-seed-2", "warm-start-2-seed-2"],
      ...["a-seed-2", "b-seed-2", "c-seed-2", "d-seed-2"],
    ]);
    const [first, second, a, b, c, d] = plan.runs;
    assert(first.sftOnly && second.sftOnly && !a.sftOnly);
    assertEquals([first.config.sft.steps, second.config.sft.steps], [10, 20]);
    assertEquals([a.after, b.after, c.after, d.after], [first.name, first.name, second.name, null]);
    assertEquals(a.config.model.path, `${folder}/out/warm-start-seed-1/final`);
    assertEquals([a.config.model.preset, a.config.sft.steps], [null, 0]);
    assertEquals([d.config.model.preset, d.config.model.path], ["arithmetic", null]);
  }));

Deno.test("a warm start does not depend on what reinforcement learning reads", () =>
  withFolder(async (folder) => {
    const warm = async (keys: string) =>
      (await planOf(folder, `base: { sft: { steps: 10 }, ${keys} }`)).runs[0].config;
    assertEquals(await warm("max_steps: 5"), await warm("max_steps: 6, guidance.ratio: 1"));
  }));

Deno.test("share_warm_start: false leaves the warm start to each run", () =>
  withFolder(async (folder) => {
    const plan = await planOf(folder, "base: { sft: { steps: 10 } }\nshare_warm_start: false");
    assertEquals(names(plan.runs), ["base-seed-42"]);
    assertEquals(plan.runs[0].config.sft.steps, 10);
  }));

Deno.test("everything wrong with a sweep file is listed", () =>
  withFolder(async (folder) => {
    const error = await assertRejects(
      () => planOf(folder, "base: { max_steps: 5 }\nseed: [1]\naxes: { beta: [] }\narms: { a b: }"),
      SweepError,
    );
    assertStringIncludes(error.message, "unknown key 'seed': did you mean 'seeds'?");
    assertStringIncludes(error.message, "'axes.beta' must not be empty: current value is []");
    assertStringIncludes(error.message, "'arms.a b'");
    assertEquals(error.problems.length, 3);
  }));

Deno.test("contradictions of a sweep file are listed", () =>
  withFolder(async (folder) => {
    const error = await assertRejects(() =>
      planOf(
        folder,
        `
base: {}
overrides: { run_name: x }
arms: { a: { seed: 3, guidance: { ratio: 1 } }, warm-start: }
axes: { guidance.ratio: [0, 0] }
seeds: [1, 1]
`,
      ), SweepError);
    assertEquals(error.problems, [
      "'overrides' must not set 'run_name': the sweep names its runs itself",
      "'arms.a' must not set 'seed': list seeds under 'seeds'",
      "'guidance.ratio' must be set by 'arms.a' or by 'axes', not by both",
      "no arm must be named 'warm-start': shared warm starts are named so",
      "'axes.guidance.ratio' must have each value once: [0,0]",
      "'seeds' must have each seed once: current value is [1,1]",
    ]);
  }));

Deno.test("every run's config is checked, and a problem is listed once with its arms", () =>
  withFolder(async (folder) => {
    const error = await assertRejects(() =>
      planOf(
        folder,
        `
base: { max_stepss: 5 }
arms: { a: { guidance.lenght: 5 }, b: { learning_rate: -1 } }
seeds: [1, 2]
`,
      ), SweepError);
    assertEquals(error.problems, [
      "arm 'a': unknown key 'guidance.lenght': did you mean 'guidance.length'?",
      "all arms: unknown key 'max_stepss': did you mean 'max_steps'?",
      "arm 'b': 'learning_rate' must be above 0: current value is -1",
    ]);
  }));

Deno.test("a missing sweep file or base is named", () =>
  withFolder(async (folder) => {
    const missing = await assertRejects(() => loadSweep(`${folder}/no.yaml`), SweepError);
    assertStringIncludes(missing.message, `there is no file '${folder}/no.yaml'`);
    const base = await assertRejects(() => planOf(folder, "base: other.yaml"), SweepError);
    assertStringIncludes(base.message, `there is no file '${folder}/other.yaml'`);
  }));

Deno.test("two arms whose folders would have one name are refused", () =>
  withFolder(async (folder) => {
    const error = await assertRejects(
      () => planOf(folder, "base: {}\naxes: { model.path: [x/y, x-y] }\nseeds: [1]"),
      SweepError,
    );
    assertStringIncludes(error.message, "more than one run would be named 'model.path-x-y-seed-1'");
  }));

Deno.test("the resolved sweep stands alone and gives the same runs", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/base.yaml`, "max_steps: 9\nsft: { steps: 3 }\n");
    const plan = await planOf(
      folder,
      "base: base.yaml\narms: { a: , b: { beta: 0.1 } }\nseeds: [3]",
    );
    const again = await planOf(`${folder}`, stringifySweep(plan.sweep));
    assertEquals(again.runs, plan.runs);
    assertEquals(again.sweep.name, "trial");
  }));

Deno.test("configs/sweeps/quick.yaml: six arms and three warm starts", async () => {
  const file = new URL("../../configs/sweeps/quick.yaml", import.meta.url).pathname;
  const plan = planSweep(await loadSweep(file), "runs/quick");
  assertEquals(plan.arms.map(({ name }) => name), [
    ...["vanilla_grpo", "naive", "fixed", "linear_decay", "g2rpo_a", "target"],
  ]);
  assertEquals(plan.runs.length, 18 + 3);
  assert(plan.runs.every(({ config }) => config.threads === 1));
  assertEquals(plan.runs.filter(({ sftOnly }) => sftOnly).length, 3);
});

Deno.test("configs/sweeps/schema.json is up to date", async () => {
  const file = new URL("../../configs/sweeps/schema.json", import.meta.url);
  assertEquals(await Deno.readTextFile(file), sweepSchemaText());
});
