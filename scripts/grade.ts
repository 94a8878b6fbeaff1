/** `deno task grade`: the scores of completions that are there already. */
import schema from "../configs/schema.json" with { type: "json" };
import { formatDataReport } from "../src/data/report.ts";
import { readCompletions } from "../src/report/completions_file.ts";
import { CountedProgress } from "../src/report/counted_progress.ts";
import { duration, grouped } from "../src/report/format.ts";
import { gradeCompletions, GradeSummary } from "../src/report/grade.ts";
import { loadWithProgress, readSource, sourceOptions } from "../src/report/source_options.ts";
import { RewardSet } from "../src/rewards/reward_set.ts";
import { type Command, runCommand, UsageError } from "../src/std/help.ts";
import { isRecord } from "../src/std/record.ts";
import { parse as parseYaml } from "../src/std/yaml.ts";
import { Tokenizer } from "../src/tokenizer/tokenizer.ts";
import { type Config, loadConfig, mergeOverrides, parseFlags } from "../src/training/config.ts";
import { describeKeys } from "../src/training/config_json_schema.ts";
import { resolveModel } from "../src/training/find_model.ts";
import { moduleName, rewardSpecs, sandboxSpec } from "../src/training/reward_settings.ts";

/** The keys of a config that say how is graded. */
const keys = ["rewards", "sandbox", "max_completion_length"];

const command: Command = {
  name: "deno task grade",
  summary: "Scores completions that are there already, by any rewards, and trains nothing.\n" +
    "COMPLETIONS is JSONL (or JSON, gzipped, Parquet): a line {id, completion} each, or\n" +
    "{id, completions: [...]} a problem; completions/step-N.jsonl of a run will do. The lines\n" +
    "{id, index, rewards, total, ungraded} go to stdout, the means to stderr.\n" +
    "CONFIG gives rewards and sandbox, flags go before it; by default it is accuracy alone.",
  usage: "[CONFIG] --data=FILE --completions=COMPLETIONS [--rewards.NAME=WEIGHT ...]",
  options: [
    { name: "data", value: "FILE", description: "The problems: a data set, as for training" },
    { name: "completions", value: "FILE", description: "The completions, or a folder of them" },
    { name: "out", value: "FILE.jsonl", description: "Where the lines go. Default: stdout" },
    ...sourceOptions,
    {
      name: "id-column",
      value: "COLUMN",
      description: "The completions' column of the problem's id. Default: problem, or id",
    },
    {
      name: "completion-column",
      value: "COLUMN",
      description: "Their column of a text or list of texts. Default: completion, or completions",
    },
    {
      name: "model",
      value: "FOLDER",
      description: "A model's folder, whose tokens rewards of length count",
    },
    {
      name: "prompt-opens-think",
      description: "Completions begin inside a <think> that their prompt opened",
    },
  ],
  sections: [{
    title: "Keys of a config that count here, each also a flag whose value is read as YAML",
    rows: describeKeys(schema).filter(({ key }) => keys.includes(key.split(".")[0]))
      .map(({ key, description }) => [`--${key}`, description] as const),
  }],
  examples: [
    {
      call: "deno task grade --data=gsm8k_test.jsonl --completions=answers.jsonl > grades.jsonl",
      description: "Accuracy",
    },
    {
      call:
        "deno task grade --data=train.jsonl --completions=runs/run/completions --rewards.format=1",
      description: "A run's completions by another reward",
    },
    {
      call: "deno task grade --data=mbpp.jsonl --completions=programs.jsonl " +
        "--rewards.code_execution=1 --sandbox.provider=process",
      description: "Programs, natively",
    },
  ],
};

if (import.meta.main) await runCommand(command, Deno.args, main);

async function main(args: readonly string[]): Promise<number> {
  const { overrides, options, positionals } = parseFlags(args, command.options);
  const { data, completions } = options;
  if (positionals.length > 1) {
    throw new UsageError(`Unexpected argument '${positionals[1]}': one config at a time`);
  }
  for (const [name, value] of Object.entries({ data, completions })) {
    if (value === undefined) {
      throw new UsageError(`Option '--${name}' is missing: see ${command.name} --help`);
    }
  }
  const config = await readConfig(positionals[0], overrides);
  const start = performance.now();

  const { source, reading } = await readSource(data as string, options);
  const { problems, report } = await loadWithProgress(source);
  console.error(`${formatDataReport(report)}\n  read as  ${reading}`);
  const tokenizer = typeof options.model === "string"
    ? await Tokenizer.load(resolveModel(options.model))
    : null;
  const text = (name: string) => options[name] as string | undefined;
  const groups = await readCompletions(completions as string, problems, report.source, {
    columns: { id: text("id-column"), completion: text("completion-column") },
    encode: tokenizer === null ? undefined : (completion) => tokenizer.encode(completion),
  });
  const total = groups.reduce((sum, { samples }) => sum + samples.length, 0);

  await using rewards = await RewardSet.create(rewardSpecs(config), sandboxSpec(config.sandbox));
  const out = typeof options.out === "string" ? await newFile(options.out) : null;
  const summary = new GradeSummary(rewards.weighted);
  const progress = new CountedProgress({ phase: "grading", total });
  const graded = gradeCompletions(groups, rewards.weighted, {
    promptOpensThink: options["prompt-opens-think"] === true,
  });
  let done = 0;
  try {
    for await (const lines of graded) {
      writeAll(out ?? Deno.stdout, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
      for (const line of lines) summary.add(line);
      progress.update(done += lines.length);
    }
  } finally {
    progress.end();
    out?.close();
  }
  const { usage } = rewards;
  if (usage !== null) {
    console.error(
      `sandbox ${config.sandbox.provider}: ${grouped(usage.programs)} programs, ` +
        `${grouped(usage.runs)} runs, ${grouped(usage.failures)} failures, ` +
        duration(usage.seconds),
    );
  }
  console.error(
    `${summary}\n${grouped(total)} completions of ${grouped(groups.length)} problems in ` +
      duration((performance.now() - start) / 1000),
  );
  if (summary.graded > 0) return 0;
  console.error("error: nothing could be graded");
  return 1;
}

/** Rewards and sandbox of a config file with flags over it; the rest of a config has no say. */
async function readConfig(
  file: string | undefined,
  overrides: Record<string, unknown>,
): Promise<Config> {
  const other = Object.keys(overrides).find((key) => !keys.includes(key));
  if (other !== undefined) {
    throw new UsageError(
      `Key '${other}' does not count for grading: those that do are ${keys.join(", ")}`,
    );
  }
  const given = mergeOverrides(file === undefined ? {} : await parseFile(file), overrides);
  // A run's controller follows one of its rewards; here there is none, whatever the rewards are.
  const reward = firstReward(given.rewards);
  const all = reward === undefined ? overrides : { ...overrides, guidance: { reward } };
  return await loadConfig({ ...(file === undefined ? { text: "" } : { file }), overrides: all });
}

/** What a config file says, unchecked; what is wrong with it is found when it is loaded. */
async function parseFile(file: string): Promise<Record<string, unknown>> {
  try {
    const value = parseYaml(await Deno.readTextFile(file));
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

function firstReward(rewards: unknown): string | undefined {
  if (!isRecord(rewards)) return undefined;
  const named = Object.keys(rewards).find((name) => name !== "modules");
  if (named !== undefined) return named;
  const own: unknown = Array.isArray(rewards.modules) ? rewards.modules[0] : undefined;
  if (!isRecord(own) || typeof own.path !== "string") return undefined;
  const name = typeof own.name === "string" ? own.name : null;
  return moduleName({ name, path: own.path }) ?? undefined;
}

/** A file that is not there yet: nobody's scores are written over. */
async function newFile(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, { write: true, createNew: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    throw new UsageError(
      `Option '--out' must name a file that is not there yet: '${path}' is; remove it or choose another`,
    );
  }
}

function writeAll(file: { writeSync(data: Uint8Array): number }, text: string): void {
  let rest = new TextEncoder().encode(text);
  while (rest.length > 0) rest = rest.subarray(file.writeSync(rest));
}
