/** `deno task eval`: held-out accuracy of a trained model in the built-in task, by tier. */
import { initialize } from "../ffi/library.ts";
import { ArithmeticTask } from "../src/data/arithmetic.ts";
import { encodeProblem } from "../src/data/types.ts";
import { evaluateByTier, type GradedProblem, type TierResult } from "../src/evaluation/by_tier.ts";
import { loadModel } from "../src/models/checkpoint.ts";
import { share, textTable } from "../src/report/format.ts";
import { TerminalReporter } from "../src/report/terminal.ts";
import { createReward } from "../src/rewards/registry.ts";
import { type Command, parseCommand, runCommand, UsageError } from "../src/std/help.ts";
import { integerOption, integersOption, numberOption } from "../src/std/option_values.ts";
import { manualSeed } from "../src/tensor/tensor.ts";
import { Tokenizer } from "../src/tokenizer/tokenizer.ts";
import { loadConfig } from "../src/training/config.ts";
import { newestModel, resolveModel, runConfigOf } from "../src/training/find_model.ts";
import { stepSeed } from "../src/training/seed.ts";

const command: Command = {
  name: "deno task eval",
  summary:
    "Held-out accuracy of a trained model in the built-in arithmetic task, without guidance.\n" +
    "FOLDER is a model's or a run's; by default the newest runs/*/final, else the newest checkpoint.\n" +
    "By default the problems are those of the run's own evaluation. Training never sees any of them.",
  usage: "[FOLDER]",
  options: [
    {
      name: "tiers",
      value: "7,8",
      description: "Numbers of operators. Default: the run's, else 7,8",
    },
    {
      name: "num",
      value: "N",
      description: "Problems in all, spread evenly. Default: the run's, else 1000",
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
    { name: "threads", value: "N", description: "CPU threads of libtorch" },
    { name: "device", value: "DEVICE", description: "cpu or cuda. Default: cpu" },
  ],
  examples: [
    { call: "deno task eval", description: "The newest model" },
    {
      call: "deno task eval runs/quickstart --tiers=3,5,7,9 --num=2000 --show=2",
      description: "Easier and harder problems, with examples",
    },
  ],
};

if (import.meta.main) await runCommand(command, Deno.args, main);

async function main(args: readonly string[]): Promise<void> {
  const { options, positionals } = parseCommand(command, args, 1);
  const temperature = numberOption(options, "temperature", { min: 0 }) ?? 0;
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

  const seed = seedGiven ?? run?.seed ?? 42;
  const tokenizer = await Tokenizer.load(folder);
  const problems = new ArithmeticTask().heldOut({
    tiers: tiersGiven ?? run?.data.tiers ?? [7, 8],
    count: countGiven ?? run?.eval.num_problems ?? 1000,
    seed: stepSeed(seed, "held-out", 0),
  }).map((problem) => encodeProblem(problem, tokenizer));
  const needed = problems.reduce((most, { solutionIds }) => Math.max(most, solutionIds.length), 0);
  const asked = run?.eval.max_completion_length ?? run?.max_completion_length;

  console.error(`model: ${folder}`);
  await initialize({ threads });
  using model = await loadModel(folder, { trainable: false, device });
  manualSeed(stepSeed(seed, "evaluation", 0));
  const reporter = new TerminalReporter();
  const { rows, graded } = await evaluateByTier({
    model,
    tokenizer,
    problems,
    reward: createReward("accuracy"),
    generation: {
      temperature,
      maxCompletionLength: maxTokens ?? asked ?? needed,
      stopIds: tokenizer.eosTokenId === null ? [] : [tokenizer.eosTokenId],
    },
    batchSize: run?.eval.batch_size ?? 250,
    onProgress: (done, total) => reporter.evaluating(done, total),
  }).finally(() => reporter.end());
  const shown = [1, 0].flatMap((score) =>
    graded.filter((one) => one.score === score).slice(0, examples)
  );
  console.log(options.json ? asJson(folder, rows, shown) : asText(rows, shown));
}

function asText(rows: readonly TierResult[], examples: readonly GradedProblem[]): string {
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
  const blocks = examples.map(({ problem, completion, score }) =>
    `${
      score === 1 ? "solved" : "failed"
    }  ${problem.prompt}  answer ${problem.answer}\n        ${completion}`
  );
  return [table, ...blocks].join("\n\n");
}

function asJson(
  model: string,
  rows: readonly TierResult[],
  examples: readonly GradedProblem[],
): string {
  const results = rows.map(({ tier, accuracy, stderr, n, meanLength }) => ({
    tier: tier ?? "all",
    accuracy,
    stderr,
    n,
    mean_length: meanLength,
  }));
  const shown = examples.map(({ problem: { prompt, answer }, completion, score }) => ({
    prompt,
    answer,
    completion,
    score,
  }));
  return JSON.stringify({ model, results, examples: shown }, null, 2);
}
