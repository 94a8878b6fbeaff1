/** What `deno task train` and `deno task sft` share: a config from the command line, a run, its summary. */
import { type CommandOption, UsageError } from "../std/help.ts";
import { type Config, loadConfig, parseFlags, stringifyConfig } from "../training/config.ts";
import { type TrainResult } from "../training/train.ts";
import { missingData } from "../training/dataset.ts";
import { machineFor, memoryTrouble } from "../training/machine.ts";
import { planRun } from "../training/plan.ts";
import { quickstartYaml } from "../training/quickstart.ts";
import { bytes } from "./format.ts";
import { formatPlan } from "./plan.ts";
import { formatSummary, readRun } from "./summary.ts";
import { TerminalReporter } from "./terminal.ts";

/** Flags beside the keys of the config. */
export const trainingOptions: readonly CommandOption[] = [
  {
    name: "resume",
    description: "Continue the newest run of this name from its last checkpoint",
  },
  { name: "dry-run", description: "Print the resolved config and the plan, and end" },
];

/** A command line that was read by {@linkcode readTrainingArguments}. */
export interface TrainingArguments {
  /** Defaults, file and flags. */
  readonly config: Config;
  /** The file it came from; undefined for the embedded quickstart and for the defaults. */
  readonly file: string | undefined;
  /** Whether to continue a run. */
  readonly resume: boolean;
  /** Whether to end before anything is trained. */
  readonly dryRun: boolean;
}

/**
 * Reads `[CONFIG] [--KEY=VALUE ...] [--resume] [--dry-run]`. Without a file flags lie over the quickstart; where they
 * name a data set, over the defaults: the quickstart's settings suit its own small task alone.
 */
export async function readTrainingArguments(args: readonly string[]): Promise<TrainingArguments> {
  const { overrides, options, positionals } = parseFlags(args, trainingOptions);
  const [file, extra] = positionals;
  if (extra !== undefined) {
    throw new UsageError(
      `Unexpected argument '${extra}': one config at a time; a key is a flag, --KEY=VALUE`,
    );
  }
  const source = file !== undefined
    ? { file }
    : namesData(overrides)
    ? { text: "" }
    : { text: quickstartYaml };
  return {
    config: await loadConfig({ ...source, overrides }),
    file,
    resume: options.resume === true,
    dryRun: options["dry-run"] === true,
  };
}

function namesData({ data }: Record<string, unknown>): boolean {
  if (typeof data !== "object" || data === null) return false;
  const { task, path, sources } = data as Record<string, unknown>;
  return task === "dataset" || path !== undefined || sources !== undefined;
}

/**
 * Prints the config as YAML and the plan below it as comments, and loads nothing native.
 *
 * @returns The exit code: 0, or 1 where the run would not fit into this machine's memory.
 */
export async function dryRun(config: Config, sftOnly = false): Promise<number> {
  const machine = await machineFor(config);
  const plan = await planRun(config, machine);
  const lines = formatPlan(config, plan, sftOnly);
  const trouble = memoryTrouble(plan, machine.available);
  if (machine.available !== null) {
    lines.push(`machine     ${machine.device}, ${bytes(machine.available)} free`);
  }
  const missing = missingData(config);
  if (missing.length > 0) lines.push(`not there   ${missing.join(", ")}`);
  const text = `${stringifyConfig(config)}\n# The plan\n${
    lines.map((line) => `# ${line}\n`).join("")
  }`;
  Deno.stdout.writeSync(new TextEncoder().encode(text));
  if (trouble === null) return 0;
  console.error(`This run does not fit on ${machine.device}: ${trouble.text}.`);
  return 1;
}

/**
 * Trains with progress on stderr and the summary on stdout.
 *
 * @param again The call that would resume this run, without `--resume`.
 * @returns The exit code: 0, or 130 after an interrupt and its checkpoint.
 */
export async function runTraining(
  { config, resume }: Pick<TrainingArguments, "config" | "resume">,
  { sftOnly = false, again }: { readonly sftOnly?: boolean; readonly again: string },
): Promise<number> {
  // Imported here, so that `--help` and `--dry-run` need not load it.
  const { train } = await import("../training/train.ts");
  const reporter = new TerminalReporter();
  let result: TrainResult;
  try {
    result = await train(config, { resume, sftOnly, reporter, handleInterrupt: true });
  } finally {
    reporter.end();
  }
  if (result.ending === "interrupted") {
    console.log(`Interrupted, and saved in ${result.folder}. Go on with:\n  ${again} --resume`);
    return 130;
  }
  if (result.ending === "already finished") {
    console.log(`${result.folder} is already finished; without --resume a new run is started.\n`);
  }
  Deno.stdout.writeSync(new TextEncoder().encode(formatSummary(await readRun(result.folder))));
  return 0;
}

/** A call of a task as it would be typed again, without `--resume`. */
export function callAgain(task: string, args: readonly string[]): string {
  const quoted = args.filter((arg) => arg !== "--resume").map((arg) =>
    /^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`
  );
  return [task, ...quoted].join(" ");
}
