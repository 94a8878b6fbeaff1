/** `deno task sweep`: many runs of a config with variations, and one table. */
import { join } from "node:path";
import { prepareShim } from "../ffi/prepare.ts";
import { type Command, parseCommand, runCommand, UsageError } from "../src/std/help.ts";
import {
  loadSweep,
  type PlannedRun,
  planSweep,
  refuseChangedRuns,
  type SweepPlan,
} from "../src/sweep/plan.ts";
import { SweepPrinter } from "../src/sweep/progress.ts";
import { resultsMarkdown, statusOf } from "../src/sweep/results.ts";
import { runSweep } from "../src/sweep/run_sweep.ts";
import { changedKeys, keyValue, parseConfig } from "../src/training/config.ts";

const command: Command = {
  name: "deno task sweep",
  summary:
    "Trains every arm of a sweep file with every seed, a process a run, and compares them in " +
    "a table. Called again, it goes on where it was stopped.",
  usage: "FILE [--output=DIR] [--jobs=N] [--only=ARM] [--dry-run]",
  options: [
    {
      name: "output",
      value: "DIR",
      description: "The sweep's folder. Default: runs/ and the sweep's name",
    },
    {
      name: "jobs",
      value: "N",
      description: "Runs at a time. Default: as many as fit the cores with the config's threads",
    },
    {
      name: "only",
      value: "ARM",
      description: "Only arms of this name; * and ? match as in files",
    },
    {
      name: "dry-run",
      description: "Print the runs and how they differ from the base; run nothing",
    },
  ],
  examples: [
    { call: "deno task sweep configs/sweeps/quick.yaml", description: "Six methods, three seeds" },
    {
      call: "deno task sweep configs/sweeps/quick.yaml --only='*decay'",
      description: "Some of its arms",
    },
  ],
};

// What `deno task train` has.
const runCommandLine: readonly string[] = [
  Deno.execPath(),
  "run",
  "--no-prompt",
  ...["read", "write", "env", "run", "ffi"].map((name) => `--allow-${name}`),
  new URL("../src/sweep/run_one.ts", import.meta.url).href,
];

/** A second signal so soon belongs to the same Ctrl-C: it comes from the terminal and from `deno task`. */
const sameKeyMs = 200;

await runCommand(command, Deno.args, async (args) => {
  const { options, positionals } = parseCommand(command, args, 1);
  const [file] = positionals;
  if (file === undefined) {
    throw new UsageError("No sweep file is given: see deno task sweep --help");
  }
  const sweep = await loadSweep(file);
  const plan = planSweep(sweep, options.output as string ?? join("runs", sweep.name));
  const wanted = choose(plan, options.only as string | undefined);
  const jobs = jobsOf(plan, options.jobs as string | undefined);
  if (options["dry-run"]) {
    await refuseChangedRuns(plan);
    printPlan(plan, wanted, jobs);
    return 0;
  }
  const output = {
    terminal: Deno.stdout.isTerminal(),
    // Some terminals say 0.
    columns: () => Deno.consoleSize().columns || 80,
    write: (text: string) => void Deno.stdout.writeSync(new TextEncoder().encode(text)),
  };
  const printer = new SweepPrinter(output);
  const [stop, kill] = [new AbortController(), new AbortController()];
  let first = 0;
  const hear = () => {
    if (!stop.signal.aborted) {
      first = performance.now();
      console.error("\nthe runs stop after this step and save; Ctrl-C again ends them at once");
      stop.abort();
    } else if (performance.now() - first > sameKeyMs) {
      kill.abort();
    }
  };
  Deno.addSignalListener("SIGINT", hear);
  Deno.addSignalListener("SIGTERM", hear);
  console.log(`sweep ${sweep.name} in ${plan.folder}, ${jobs} at a time`);
  const { results, errors, interrupted } = await runSweep(plan, {
    command: runCommandLine,
    jobs,
    wanted,
    prepare: async () => void await prepareShim(),
    stop: stop.signal,
    kill: kill.signal,
    reporter: printer,
  });
  printer.end();
  // A sweep stopped before its first run has ended has no table to show.
  if (results.some(({ status }) => status === "finished")) {
    console.log(
      `\n${resultsMarkdown(plan, results, errors)}\nWritten to ${plan.folder}/results.md`,
    );
  }
  if (interrupted) {
    console.log("Stopped: the same command goes on from here.");
    return 130;
  }
  return results.some(({ run, status }) => wanted(run) && status !== "finished") ? 1 : 0;
});

function choose(plan: SweepPlan, glob: string | undefined): (run: PlannedRun) => boolean {
  if (glob === undefined) return ({ arm }) => arm !== null;
  const escaped = glob.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&");
  const pattern = new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`);
  if (!plan.arms.some(({ name }) => pattern.test(name))) {
    const names = plan.arms.map(({ name }) => name).join(", ");
    throw new UsageError(`No arm is named '${glob}': the sweep has ${names}`);
  }
  return ({ arm }) => arm !== null && pattern.test(arm.name);
}

function jobsOf(plan: SweepPlan, given: string | undefined): number {
  const cores = navigator.hardwareConcurrency;
  if (given === undefined) {
    // Without a thread count a run takes all cores.
    const threads = Math.max(...plan.runs.map(({ config }) => config.threads ?? cores));
    return Math.max(1, Math.floor(cores / threads));
  }
  const jobs = Number(given);
  if (Number.isInteger(jobs) && jobs >= 1) return jobs;
  throw new UsageError(`'--jobs' must be an integer of at least 1: current value is ${given}`);
}

function printPlan(plan: SweepPlan, wanted: (run: PlannedRun) => boolean, jobs: number): void {
  const base = parseConfig(plan.sweep.base);
  const runs = plan.runs.filter((run) => run.arm !== null && wanted(run));
  const needed = plan.runs.filter((run) =>
    runs.includes(run) || runs.some(({ after }) => after === run.name)
  );
  console.log(
    `sweep ${plan.sweep.name} in ${plan.folder}: ${needed.length} runs, ${jobs} at a time`,
  );
  for (const run of needed) {
    // What a shared warm start takes the place of says nothing about the arm.
    const hidden = run.after === null
      ? /^(run_name|output_dir)$/
      : /^(run_name|output_dir|model|sft)\b/;
    const values = changedKeys(base, run.config).filter((key) => !hidden.test(key))
      .map((key) => `${key}=${keyValue(run.config, key)}`);
    const notes = [
      statusOf(plan.folder, run),
      ...(run.after === null ? [] : [`after ${run.after}`]),
    ];
    console.log(
      `  ${run.name} (${notes.join(", ")}) ${run.arm === null ? "" : values.join(" ")}`.trimEnd(),
    );
  }
}
