import { assertEquals, assertMatch, assertStringIncludes } from "../../src/std/assert.ts";
import { readResult, resultsCsv, resultsMarkdown, statusOf } from "../../src/sweep/results.ts";
import { type SweepPlan } from "../../src/sweep/plan.ts";
import { planOf, withFolder } from "./support.ts";

/** Writes the files of a finished run of 20 steps whose reward rises from 0.01 to 0.20. */
function finish(plan: SweepPlan, name: string, before: number, after: number): void {
  const folder = `${plan.folder}/${name}`;
  Deno.mkdirSync(`${folder}/final`, { recursive: true });
  const lines = (values: unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join("");
  const steps = Array.from({ length: 20 }, (_, i) => ({
    step: i + 1,
    reward: (i + 1) / 100,
    "guidance/length": 30.25,
    step_time: 0.5,
  }));
  Deno.writeTextFileSync(`${folder}/metrics.jsonl`, lines(steps));
  const evals = [[0, before], [10, 0.9], [20, after]].map(([step, accuracy]) => ({
    step,
    benchmark: "arithmetic",
    accuracy,
    n: 1000,
    stderr: 0.01,
  }));
  Deno.writeTextFileSync(`${folder}/eval.jsonl`, lines(evals));
}

const yaml = `
base: { max_steps: 20 }
arms: { a: , b: }
axes: { data.tiers: [[5]] }
seeds: [1, 2, 3]
`;

async function withResults(use: (plan: SweepPlan) => void): Promise<void> {
  await withFolder(async (folder) => {
    const plan = await planOf(folder, yaml);
    finish(plan, "a_data.tiers-5-seed-1", 0.03, 0.2);
    finish(plan, "a_data.tiers-5-seed-2", 0.05, 0.3);
    finish(plan, "a_data.tiers-5-seed-3", 0.04, 0.4);
    finish(plan, "b_data.tiers-5-seed-1", 0.03, 0.5);
    use(plan);
  });
}

const results = (plan: SweepPlan) =>
  plan.runs.map((run) => readResult(plan.folder, run, statusOf(plan.folder, run)));

Deno.test("results.csv has a row a run, in the order of the file", () =>
  withResults((plan) => {
    const [header, ...rows] = resultsCsv(plan, results(plan)).trimEnd().split("\n");
    assertEquals(
      header,
      "arm,seed,data.tiers,accuracy_before,stderr_before,accuracy_after,stderr_after," +
        "reward_first_tenth,reward_last_tenth,guidance_length,seconds,steps,status",
    );
    assertEquals(rows.length, 6);
    assertEquals(
      rows[1],
      "a_data.tiers-5,2,[5],0.05,0.01,0.3,0.01,0.015,0.195,30.25,10,20,finished",
    );
    assertEquals(rows[4], "b_data.tiers-5,2,[5],,,,,,,,0,0,pending");
  }));

Deno.test("results.md has mean and sample standard deviation, and marks the best arm", () =>
  withResults((plan) => {
    const text = resultsMarkdown(plan, results(plan), new Map());
    // (0.03, 0.05, 0.04): mean 0.04, deviations -0.01, 0.01, 0, so sqrt(0.0002 / 2) = 0.01.
    // (0.2, 0.3, 0.4): mean 0.3, sqrt(0.02 / 2) = 0.1.
    assertMatch(
      text,
      /^\| `a_data.tiers-5` +\| 3 +\| 0\.040 ± 0\.010 +\| 0\.300 ± 0\.100 +\| 0\.015 → 0\.195 +\| 30\.3 +\| 10 /m,
    );
    assertMatch(
      text,
      /^\| \*\*`b_data.tiers-5`\*\* \(best\) +\| 1 of 3 +\| 0\.030 +\| \*\*0\.500\*\* /m,
    );
    assertStringIncludes(text, "4 of 6 runs finished.");
    assertStringIncludes(text, "partly imitation");
    assertStringIncludes(text, "has no fixed point");
  }));

Deno.test("a line that is still being written is not read", () =>
  withResults((plan) => {
    const [run] = plan.runs;
    const file = `${plan.folder}/${run.name}/metrics.jsonl`;
    Deno.writeTextFileSync(file, '{"step": 21, "rew', { append: true });
    assertEquals(readResult(plan.folder, run, "running").steps, 20);
  }));
