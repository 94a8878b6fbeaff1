/** `deno task data difficulty`: how hard problems are for a model. */
import { initialize } from "../../ffi/library.ts";
import {
  type DifficultySettings,
  DifficultyWriter,
  type MeasuredDifficulty,
} from "../../src/data/difficulty.ts";
import { presentProblem } from "../../src/data/present.ts";
import { formatDataReport } from "../../src/data/report.ts";
import { measureDifficulty, type PromptedProblem } from "../../src/evaluation/difficulty.ts";
import { loadModel } from "../../src/models/checkpoint.ts";
import { CountedProgress } from "../../src/report/counted_progress.ts";
import { compact, grouped, share } from "../../src/report/format.ts";
import { difficultyHistogram } from "../../src/report/inspect.ts";
import {
  loadWithProgress,
  promptOptions,
  readPromptSettings,
  readSource,
  sourceOptions,
} from "../../src/report/source_options.ts";
import { readSandbox, rewardsByName, sandboxOption } from "../../src/report/reward_options.ts";
import { type Reward } from "../../src/rewards/reward.ts";
import { validateGold } from "../../src/rewards/score.ts";
import { type Command, parseCommand, UsageError } from "../../src/std/help.ts";
import { integerOption, numberOption } from "../../src/std/option_values.ts";
import { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { promptFormat } from "../../src/training/prompts.ts";
import { resolveModel } from "../../src/training/find_model.ts";

/** How the command is called. */
export const command: Command = {
  name: "deno task data difficulty",
  summary:
    "How hard problems are for a model: the share of its attempts that fail (ADARFT's way).\n" +
    "Problems are written as they are measured: the same call goes on after Ctrl-C or a kill.\n" +
    "Train in their order by --data.difficulty=FILE.jsonl.",
  usage: "FILE --model=FOLDER [--attempts=N] [--out=FILE.jsonl]",
  options: [
    { name: "model", value: "FOLDER", description: "A model's or a run's folder" },
    { name: "data", value: "FILE", description: "The same as FILE" },
    {
      name: "out",
      value: "FILE.jsonl",
      description: "Where difficulties go. Default: FILE's name with .difficulty.jsonl, here",
    },
    {
      name: "attempts",
      value: "N",
      description: "Attempts at each problem; the paper has 128. Default: 16",
    },
    { name: "temperature", value: "T", description: "Of sampling. Default: 1" },
    {
      name: "top-p",
      value: "P",
      description: "Only the likeliest tokens of this mass. Default: 1",
    },
    { name: "max-tokens", value: "N", description: "The most tokens of an attempt. Default: 1024" },
    { name: "limit", value: "N", description: "Only the first N problems" },
    {
      name: "reward",
      value: "NAME",
      description:
        "Under which an attempt must score 1. Default: accuracy, and all its tests of a problem that has some",
    },
    sandboxOption(),
    ...sourceOptions,
    ...promptOptions,
    { name: "batch-size", value: "N", description: "Attempts generated at a time. Default: 64" },
    { name: "seed", value: "N", description: "Seed of sampling. Default: 0" },
    { name: "threads", value: "N", description: "CPU threads of libtorch" },
    { name: "device", value: "DEVICE", description: "cpu or cuda. Default: cpu" },
  ],
  examples: [{
    call: "deno task data difficulty gsm8k_train.jsonl --model=models/Qwen2.5-1.5B-Instruct",
    description: "GSM8K by a small model",
  }],
};

/** Runs the command. */
export async function main(args: readonly string[]): Promise<void> {
  const { options, positionals } = parseCommand(command, args, 1);
  const text = (name: string) => options[name] as string | undefined;
  const path = positionals[0] ?? text("data");
  if (path === undefined) throw new UsageError(`No data is given: see ${command.name} --help`);
  if (text("model") === undefined) {
    throw new UsageError(`Option '--model' is missing: see ${command.name} --help`);
  }
  const attempts = integerOption(options, "attempts", { min: 1, max: 100_000 }) ?? 16;
  const temperature = numberOption(options, "temperature", { min: 0 }) ?? 1;
  const topP = numberOption(options, "top-p", { min: 0, max: 1 }) ?? 1;
  const maxTokens = integerOption(options, "max-tokens", { min: 1 }) ?? 1024;
  const limit = integerOption(options, "limit", { min: 1 });
  const batchSize = integerOption(options, "batch-size", { min: 1 }) ?? 64;
  const seed = integerOption(options, "seed", { min: 0 }) ?? 0;
  const threads = integerOption(options, "threads", { min: 1 });
  const { device = "cpu" } = options;
  if (device !== "cpu" && device !== "cuda") {
    throw new UsageError(`Option '--device' must be cpu or cuda: current value is '${device}'`);
  }
  const named = text("reward");
  await using rewards = await rewardsByName(
    "reward",
    named === undefined ? ["accuracy"] : [named],
    readSandbox(options),
  );
  const reward = named === undefined ? rewards.judge : rewards.weighted[0].reward;
  const data = readPromptSettings(options);
  const folder = resolveModel(text("model")!);

  const { source, reading } = await readSource(path, options);
  const { problems: all, report } = await loadWithProgress(source);
  console.error(`${formatDataReport(report)}\n  read as  ${reading}\nmodel: ${folder}`);
  const out = text("out") ?? `${report.source}.difficulty.jsonl`;
  const tokenizer = await Tokenizer.load(folder);
  const format = await promptFormat({ data }, tokenizer);
  for (const note of format.notes) console.error(`note: ${note}`);
  const problems = all.slice(0, limit).map((problem): PromptedProblem => {
    const presented = presentProblem(problem, {
      render: (question) => format.render(question),
      opensThink: format.opensThink,
      style: data.completion_style,
    });
    return { ...presented, promptIds: tokenizer.encode(presented.prompt) };
  });

  const settings: DifficultySettings = {
    ...{ model: folder, reward: reward.name, attempts, temperature, top_p: topP },
    max_tokens: maxTokens,
    system_prompt: data.system_prompt,
    chat_template: data.chat_template,
    chat_template_kwargs: JSON.stringify(data.chat_template_kwargs),
  };
  using writer = DifficultyWriter.open(out, settings);
  const measured = new Map(writer.before);
  const left = problems.filter(({ id }) => !measured.has(id));
  if (left.length > 0) {
    await initialize({ threads });
    using model = await loadModel(folder, { trainable: false, device });
    const unfit = await unmeasurable(left, reward, format.opensThink, model.maxPositions);
    writer.append(unfit);
    for (const one of unfit) measured.set(one.id, one);
    const before = problems.length - left.length + unfit.length;
    const progress = new CountedProgress({ phase: "measuring", total: problems.length, before });
    const start = performance.now();
    let done = before, tokens = 0;
    await measureDifficulty({
      ...{ model, tokenizer, reward, attempts, batchSize, seed },
      problems: left.filter(({ id }) => !measured.has(id)),
      promptOpensThink: format.opensThink,
      generation: {
        temperature,
        topP,
        maxCompletionLength: maxTokens,
        stopIds: tokenizer.stopTokenIds,
      },
      onMeasured(batch, count) {
        writer.append(batch);
        for (const one of batch) measured.set(one.id, one);
        done += batch.length;
        tokens += count;
        const seconds = (performance.now() - start) / 1000;
        const mean = meanOf([...measured.values()]);
        progress.update(done, [
          `difficulty ${share(mean)}`,
          `${compact(tokens / seconds)} tok/s`,
        ]);
      },
    }).finally(() => progress.end());
  }
  console.log(summary(problems.flatMap(({ id }) => measured.get(id) ?? []), out));
}

/**
 * Problems that no attempt can solve, or that leave no room for one: they are not hard, they have
 * no difficulty.
 */
async function unmeasurable(
  problems: readonly PromptedProblem[],
  reward: Reward,
  promptOpensThink: boolean,
  positions: number,
): Promise<MeasuredDifficulty[]> {
  const failures = await validateGold(problems, [reward], { promptOpensThink });
  const reasons = new Map(failures.map(({ problem, reason }) => [problem.id, reason]));
  for (const { id, promptIds } of problems) {
    if (promptIds.length >= positions) {
      reasons.set(
        id,
        `its prompt has ${promptIds.length} tokens, the model ${positions} positions`,
      );
    }
  }
  return [...reasons].map(([id, reason]) => ({
    ...{ id, attempts: 0, failures: 0, difficulty: null, reason },
  }));
}

function meanOf(measured: readonly MeasuredDifficulty[]): number | null {
  const values = measured.flatMap(({ difficulty }) => difficulty ?? []);
  return values.length === 0 ? null : values.reduce((a, b) => a + b, 0) / values.length;
}

function summary(measured: readonly MeasuredDifficulty[], out: string): string {
  const values = measured.flatMap(({ difficulty }) => difficulty ?? []);
  const ungraded = measured.filter(({ difficulty }) => difficulty === null);
  const without = ungraded.length === 0 ? [] : [
    `${grouped(ungraded.length)} without a difficulty; ${ungraded[0].id}: ${ungraded[0].reason}`,
  ];
  if (values.length === 0) return ["no problem could be measured", ...without, out].join("\n");
  return [
    `${grouped(values.length)} problems, mean difficulty ${
      share(meanOf(measured), 3)
    } (share of failed attempts)`,
    ...difficultyHistogram(values).map((line) => `  ${line}`),
    ...without,
    `${out}: train in this order by --data.difficulty=${out}`,
  ].join("\n");
}
