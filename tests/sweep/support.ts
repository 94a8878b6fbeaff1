/** What the tests of sweeps share. */
import { loadSweep, type PlannedRun, planSweep, type SweepPlan } from "../../src/sweep/plan.ts";
import { runSweep, type SweepOptions, type SweepResult } from "../../src/sweep/run_sweep.ts";

/** The command of a run that trains nothing. */
export const fakeCommand: readonly string[] = [
  Deno.execPath(),
  "run",
  "--no-prompt",
  "--no-check",
  "--allow-read",
  "--allow-write",
  "--allow-env",
  new URL("./fake_run.ts", import.meta.url).pathname,
];

/** Calls `use` with a folder that goes away afterwards. */
export async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "handrail-sweep-" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Writes a sweep file and plans it. */
export async function planOf(folder: string, yaml: string): Promise<SweepPlan> {
  const file = `${folder}/trial.yaml`;
  await Deno.writeTextFile(file, yaml);
  return planSweep(await loadSweep(file), `${folder}/out`);
}

/** Runs a plan with the fake command, two at a time. */
export function sweep(
  plan: SweepPlan,
  options: Partial<SweepOptions> = {},
): Promise<SweepResult> {
  return runSweep(plan, { command: fakeCommand, jobs: 2, ...options });
}

/** What the fake runs noted: `begin NAME`, `end NAME`. */
export function events(plan: SweepPlan): string[] {
  return Deno.readTextFileSync(`${plan.folder}/events.txt`).trimEnd().split("\n");
}

/** Names of runs. */
export function names(runs: readonly PlannedRun[]): string[] {
  return runs.map(({ name }) => name);
}
