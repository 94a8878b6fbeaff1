/** What `deno task train` and `deno task sft` share: a config from the command line, a run, its summary. */
import { type CommandOption, UsageError } from "../std/help.ts";
import { type Config, loadConfig, parseFlags, stringifyConfig } from "../training/config.ts";
import { type TrainResult } from "../training/train.ts";
import { planRun } from "../training/plan.ts";
import { quickstartYaml } from "../training/quickstart.ts";
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
  /** The file it came from; undefined for the embedded quickstart. */
  readonly file: string | undefined;
  /** Whether to continue a run. */
  readonly resume: boolean;
  /** Whether to end before anything is trained. */
  readonly dryRun: boolean;
}

/** Reads `[CONFIG] [--KEY=VALUE ...] [--resume] [--dry-run]`. */
export async function readTrainingArguments(args: readonly string[]): Promise<TrainingArguments> {
  const { overrides, options, positionals } = parseFlags(args, trainingOptions);
  const [file, extra] = positionals;
  if (extra !== undefined) {
    throw new UsageError(
      `Unexpected argument '${extra}': one config at a time; a key is a flag, --KEY=VALUE`,
    );
  }
  const source = file === undefined ? { text: quickstartYaml } : { file };
  return {
    config: await loadConfig({ ...source, overrides }),
    file,
    resume: options.resume === true,
    dryRun: options["dry-run"] === true,
  };
}

/** The config as YAML, and the plan below it as comments. Loads nothing native. */
export async function dryRunText(config: Config, sftOnly = false): Promise<string> {
  const plan = formatPlan(config, await planRun(config), sftOnly);
  return `${stringifyConfig(config)}\n# The plan\n${plan.map((line) => `# ${line}\n`).join("")}`;
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
