/** `deno task eval`: held-out accuracy of a trained model, in the built-in task or on data sets, by tier. */
import { initialize } from "../ffi/library.ts";
import { evaluateByTier, type GradedProblem, type TierResult } from "../src/evaluation/by_tier.ts";
import { loadModel } from "../src/models/checkpoint.ts";
import { share, textTable } from "../src/report/format.ts";
import {
  givenPromptSettings,
  promptOptions,
  readSource,
  sourceOptions,
} from "../src/report/source_options.ts";
import { TerminalReporter } from "../src/report/terminal.ts";
import { readSandbox, sandboxOption } from "../src/report/reward_options.ts";
import { RewardSet } from "../src/rewards/reward_set.ts";
import { type Command, parseCommand, runCommand, UsageError } from "../src/std/help.ts";
import {
  integerOption,
  integersOption,
  numberOption,
  type OptionTexts,
} from "../src/std/option_values.ts";
import { manualSeed } from "../src/tensor/tensor.ts";
import { Tokenizer } from "../src/tokenizer/tokenizer.ts";
import { type Config, loadConfig, mergeOverrides, parseConfig } from "../src/training/config.ts";
import { datasetBenchmarks } from "../src/training/dataset.ts";
import { newestModel, resolveModel, runConfigOf } from "../src/training/find_model.ts";
import { taskProblems } from "../src/training/problems.ts";
import { rewardSpecs } from "../src/training/reward_settings.ts";
import { stepSeed } from "../src/training/seed.ts";

/** A benchmark has no order of tiers. */
const benchmarkOptions = sourceOptions.filter(({ name }) => name !== "tier-order");

const command: Command = {
  name: "deno task eval",
  summary:
    "Held-out accuracy of a trained model, without guidance, by tier where the problems have tiers.\n" +
    "FOLDER is a model's or a run's; by default the newest runs/*/final, else the newest checkpoint.\n" +
    "By default the problems are those of the run's own evaluation. Training never sees any of them.\n" +
    "Of a run's model, prompts are written as in the run; flags go before that.",
  usage: "[FOLDER]",
  options: [
    {
      name: "data",
      value: "FILE",
      description: "A benchmark: JSONL, JSON, either gzipped, Parquet, or a folder of them",
    },
    ...benchmarkOptions,
    {
      name: "tiers",
      value: "7,8",
      description: "Difficulty tiers of a built-in task. Default: the run's, else 7,8",
    },
    {
      name: "num",
      value: "N",
      description: "Problems in all, of each benchmark at most. Default: the run's, else 1000",
    },
    { name: "temperature", value: "T", description: "0 takes the likeliest token. Default: 0" },
    {
      name: "max-tokens",
      value: "N",
      description:
        "The most tokens of a completion. Default: what the solutions need, and the run's",
    },
    {
      name: "seed",
      value: "N",
      description: "Seed of the problems and of sampling. Default: the run's, else 42",
    },
    { name: "show", value: "N", description: "Show so many solved and as many failed problems" },
    { name: "json", description: "Print JSON" },
    ...promptOptions,
    sandboxOption("the run's, else pyodide"),
    { name: "threads", value: "N", description: "CPU threads of libtorch" },
    { name: "device", value: "DEVICE", description: "cpu or cuda. Default: cpu" },
  ],
  examples: [
    { call: "deno task eval", description: "The newest model" },
    {
      call: "deno task eval runs/quickstart --tiers=3,5,7,9 --num=2000 --show=2",
      description: "Easier and harder problems, with examples",
    },
    {
      call: "deno task eval models/Qwen3-0.6B --data=test.jsonl --preset=math --num=100",
      description: "A model as it was fetched, on 100 problems of MATH",
    },
  ],
};

if (import.meta.main) await runCommand(command, Deno.args, main);

async function main(args: readonly string[]): Promise<void> {
  const { options, positionals } = parseCommand(command, args, 1);
  const temperature = numberOption(options, "temperature", { min: 0 });
  const maxTokens = integerOption(options, "max-tokens", { min: 1 });
  const examples = integerOption(options, "show", { min: 0 }) ?? 0;
  const threads = integerOption(options, "threads", { min: 1 });
  const { device = "cpu" } = options;
  if (device !== "cpu" && device !== "cuda") {
    throw new UsageError(`Option '--device' must be cpu or cuda: current value is '${device}'`);
  }
  const tiersGiven = integersOption(options, "tiers", { min: 1, max: 32 });
  const countGiven = integerOption(options, "num", { min: 1 });
  const seedGiven = integerOption(options, "seed", { min: 0 });
  const folder = positionals.length === 0 ? newestModel() : resolveModel(positionals[0]);
  const file = runConfigOf(folder);
  const run = file === undefined ? undefined : await loadConfig({ file });

  const tokenizer = await Tokenizer.load(folder);
  const config = await withFlags(folder, run, options, { countGiven, seedGiven, tiersGiven });
  const reporter = new TerminalReporter();
  // Programs are judged as the run judged them.
  const execution = run === undefined
    ? []
    : rewardSpecs(run).filter(({ spec }) => spec.name === "code_execution");
  await using rewards = await RewardSet.create(execution, readSandbox(options, run));
  const { judge } = rewards, { task } = config.data;
  const { benchmarks, opensThink, notes } = task !== "dataset"
    ? await taskProblems(config, task, judge, tokenizer)
    : await datasetBenchmarks(
      config,
      tokenizer,
      judge,
      (phase, done, total) => reporter.preparing(phase, done, total),
    ).finally(() => reporter.end());
  const empty = benchmarks.find(({ problems }) => problems.length === 0);
  if (empty !== undefined) {
    throw new Error(
      [`Cannot evaluate on '${empty.name}' as no problem of it can be graded:`, ...notes].join(
        "\n",
      ),
    );
  }
  const longest = Math.max(
    ...benchmarks.flatMap(({ problems }) => problems.map((p) => p.solutionIds.length)),
  );
  // Without a run, solutions tell how long completions must be; a benchmark may have none.
  const needed = task !== "dataset" ? longest : Math.max(1024, 2 * longest);
  const asked = run?.eval.max_completion_length ?? run?.max_completion_length;

  console.error([`model: ${folder}`, ...notes].join("\n"));
  await initialize({ threads });
  using model = await loadModel(folder, { trainable: false, device });
  manualSeed(stepSeed(config.seed, "evaluation", 0));
  const results: BenchmarkResult[] = [];
  for (const { name, problems } of benchmarks) {
    const { rows, graded } = await evaluateByTier({
      model,
      tokenizer,
      problems,
      reward: judge,
      promptOpensThink: opensThink,
      generation: {
        temperature: temperature ?? run?.eval.temperature ?? 0,
        topP: run?.eval.top_p,
        topK: run?.eval.top_k,
        maxCompletionLength: maxTokens ?? asked ?? Math.min(needed, model.maxPositions),
        stopIds: tokenizer.stopTokenIds,
      },
      batchSize: config.eval.batch_size,
      onProgress: (done, total) => reporter.evaluating(done, total),
    }).finally(() => reporter.end());
    const shown = [1, 0].flatMap((score) =>
      graded.filter((one) => one.score === score).slice(0, examples)
    );
    results.push({ name, rows, shown });
  }
  console.log(options.json ? asJson(folder, results) : results.map(asText).join("\n\n"));
}

/** A benchmark and what came of it. */
interface BenchmarkResult {
  readonly name: string;
  readonly rows: readonly TierResult[];
  readonly shown: readonly GradedProblem[];
}

async function readBenchmark(path: string, options: OptionTexts) {
  const { source: { preset, columns }, reading } = await readSource(path, options);
  console.error(`${path}: read as ${reading}`);
  return { path, preset, columns };
}

/** The run's config, or the default one, with the problems that the flags ask for. */
async function withFlags(
  folder: string,
  run: Config | undefined,
  options: OptionTexts,
  { countGiven, seedGiven, tiersGiven }: {
    countGiven?: number;
    seedGiven?: number;
    tiersGiven?: number[];
  },
): Promise<Config> {
  const { data } = options;
  const lonely = benchmarkOptions.find(({ name }) => options[name] !== undefined);
  if (lonely !== undefined && data === undefined) {
    throw new UsageError(
      `Option '--${lonely.name}' says how a benchmark is read: give --data=FILE with it`,
    );
  }
  const benchmark = typeof data === "string"
    ? {
      model: { preset: null, path: folder },
      data: { task: "dataset" },
      eval: { data: [await readBenchmark(data, options)] },
    }
    : {};
  const flags = {
    data: givenPromptSettings(options),
    ...(seedGiven === undefined ? {} : { seed: seedGiven }),
    ...(tiersGiven === undefined ? {} : { "data.tiers": tiersGiven }),
    ...(countGiven === undefined ? {} : { "eval.num_problems": countGiven }),
  };
  return parseConfig(mergeOverrides(mergeOverrides({ ...run }, benchmark), flags));
}

function asText({ name, rows, shown }: BenchmarkResult): string {
  const table = textTable([
    ["tier", "accuracy", "std. error", "n", "mean tokens"],
    ...rows.map(({ tier, accuracy, stderr, n, meanLength }) => [
      tier === null ? "all" : String(tier),
      share(accuracy, 3),
      share(stderr, 3),
      String(n),
      share(meanLength, 1),
    ]),
  ]);
  const blocks = shown.map(({ problem, completion, score }) =>
    `${
      score === 1 ? "solved" : "failed"
    }  ${problem.prompt}  answer ${problem.answer}\n        ${completion}`
  );
  return [`${name}\n${table}`, ...blocks].join("\n\n");
}

function asJson(model: string, results: readonly BenchmarkResult[]): string {
  const benchmarks = results.map(({ name, rows, shown }) => ({
    benchmark: name,
    results: rows.map(({ tier, accuracy, stderr, n, meanLength }) => ({
      tier: tier ?? "all",
      accuracy,
      stderr,
      n,
      mean_length: meanLength,
    })),
    examples: shown.map(({ problem: { prompt, answer }, completion, score }) => ({
      prompt,
      answer,
      completion,
      score,
    })),
  }));
  return JSON.stringify({ model, benchmarks }, null, 2);
}
