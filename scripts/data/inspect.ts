/** `deno task data inspect`: what a trainer would see of a data set. */
import { filterProblems } from "../../src/data/filters.ts";
import { findOverlap } from "../../src/data/overlap.ts";
import { presentProblem } from "../../src/data/present.ts";
import { encodeProblem, type Problem, solutionText } from "../../src/data/types.ts";
import { CountedProgress } from "../../src/report/counted_progress.ts";
import {
  formatInspection,
  type InspectedExample,
  type InspectedSource,
  inspectionJson,
  type PartLengths,
} from "../../src/report/inspect.ts";
import {
  loadWithProgress,
  promptOptions,
  readPromptSettings,
  readSource,
  sourceOptions,
} from "../../src/report/source_options.ts";
import { readSandbox, sandboxOption } from "../../src/report/reward_options.ts";
import { RewardSet } from "../../src/rewards/reward_set.ts";
import { type Reward } from "../../src/rewards/reward.ts";
import { validateGold } from "../../src/rewards/score.ts";
import { type Command, parseCommand, UsageError } from "../../src/std/help.ts";
import { integerOption, type OptionTexts } from "../../src/std/option_values.ts";
import { PromptFormat } from "../../src/tokenizer/prompt_format.ts";
import { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { promptFormat } from "../../src/training/prompts.ts";
import { resolveModel } from "../../src/training/find_model.ts";

/** How the command is called. */
export const command: Command = {
  name: "deno task data inspect",
  summary:
    "What a trainer would see of data sets: how many problems, how long, how hard, three of\n" +
    "them as the model reads them, and what is left out and why.\n" +
    "FILE is JSONL, JSON, either gzipped, Parquet, or a folder of these.",
  usage: "FILE ... [--model=FOLDER] [--preset=NAME]",
  options: [
    ...sourceOptions,
    {
      name: "model",
      value: "FOLDER",
      description: "A model's folder: count its tokens, render its prompts. Default: words",
    },
    ...promptOptions,
    {
      name: "max-prompt-length",
      value: "N",
      description: "The most tokens of a prompt, 0 for any; with --model. Default: 512",
    },
    {
      name: "max-trace-length",
      value: "N",
      description: "The most tokens of a trace; with --model. Default: any",
    },
    {
      name: "guidance-length",
      value: "N",
      description: "Where examples show that guidance ends; with --model. Default: with the trace",
    },
    {
      name: "against",
      value: "FILE,...",
      description: "Evaluation sets in which problems must not stand",
    },
    { name: "limit", value: "N", description: "Only the first N problems" },
    {
      name: "run-programs",
      description: "Run reference programs against their tests, which takes a while",
    },
    sandboxOption(),
    { name: "json", description: "Print JSON" },
  ],
  examples: [
    { call: "deno task data inspect gsm8k_train.jsonl", description: "A first look, in words" },
    {
      call: "deno task data inspect train.jsonl --model=models/Qwen3-0.6B --against=math500.jsonl",
      description: "In tokens, with overlap",
    },
  ],
};

/** Runs the command. */
export async function main(args: readonly string[]): Promise<void> {
  const { options, positionals } = parseCommand(command, args);
  if (positionals.length === 0) {
    throw new UsageError(
      "No data is given: name a file or folder, see deno task data inspect --help",
    );
  }
  const limits = readLimits(options);
  const limit = integerOption(options, "limit", { min: 1 });
  const settings = readPromptSettings(options);

  const sources: InspectedSource[] = [];
  const read: Problem[] = [];
  for (const path of positionals) {
    const { source, reading } = await readSource(path, options);
    const { problems, report } = await loadWithProgress(source);
    sources.push({ reading, report });
    for (const problem of problems) read.push(problem);
  }
  const problems = limit === undefined ? read : read.slice(0, limit);
  const against = typeof options.against === "string" ? await readSets(options.against) : null;

  const model = typeof options.model === "string" ? resolveModel(options.model) : null;
  const tokenizer = model === null ? null : await Tokenizer.load(model);
  const format = tokenizer === null ? null : await promptFormat({ data: settings }, tokenizer);
  const presented = problems.map((problem) =>
    presentProblem(problem, {
      render: (question) => format?.render(question) ?? question,
      opensThink: format?.opensThink ?? false,
      style: settings.completion_style,
    })
  );
  const measured = tokenizer === null ? inWords(presented) : inTokens(presented, tokenizer, limits);
  await using rewards = await RewardSet.create([], readSandbox(options));
  const judge = { reward: rewards.judge, programs: options["run-programs"] === true };
  const { stages, problems: kept } = await filter(presented, measured, format, limits, judge);
  const inspection = {
    sources,
    model,
    notes: format?.notes ?? [],
    tiers: countTiers(problems),
    stages,
    // What a problem without a trace does not have has no length.
    lengths: measured.map((lengths) =>
      lengths.part === "prompt"
        ? lengths
        : { ...lengths, values: lengths.values.filter((_, i) => presented[i].trace !== "") }
    ),
    examples: pick(kept.length > 0 ? kept : presented)
      .map((problem) => example(problem, tokenizer, limits.guidance)),
    overlap: against === null ? null : findOverlap(problems, against),
  };
  console.log(
    options.json === true
      ? JSON.stringify(inspectionJson(inspection), null, 2)
      : formatInspection(inspection),
  );
}

/** Below this nothing takes long enough for progress to be shown. */
const manyProblems = 2000;

interface Limits {
  /** Tokens; null for any. */
  readonly prompt: number | null;
  readonly trace: number | null;
  readonly guidance: number | null;
}

function readLimits(options: OptionTexts): Limits {
  const [prompt, trace, guidance] = ["prompt", "trace", "guidance"].map((part) => {
    const name = part === "guidance" ? "guidance-length" : `max-${part}-length`;
    const value = integerOption(options, name, { min: part === "trace" ? 1 : 0 });
    if (value !== undefined && options.model === undefined) {
      throw new UsageError(`Option '--${name}' counts tokens: give --model=FOLDER too`);
    }
    return value;
  });
  const byDefault = options.model === undefined ? null : 512;
  return {
    prompt: prompt === 0 ? null : prompt ?? byDefault,
    trace: trace ?? null,
    guidance: guidance ?? null,
  };
}

async function readSets(paths: string) {
  const sets = [];
  for (const path of paths.split(",")) {
    const { problems, report } = await loadWithProgress((await readSource(path, {})).source);
    sets.push({ name: report.source, problems });
  }
  return sets;
}

/** Lengths of prompt, trace and solution, in this order, one a problem; further ones come behind. */
function inTokens(
  problems: readonly Problem[],
  tokenizer: Tokenizer,
  limits: Limits,
): PartLengths[] {
  const progress = new CountedProgress({ phase: "counting tokens", total: problems.length });
  const prompt: number[] = [], trace: number[] = [], solution: number[] = [];
  for (const problem of problems) {
    const { promptIds, traceIds, solutionIds } = encodeProblem(problem, tokenizer);
    prompt.push(promptIds.length);
    trace.push(traceIds.length);
    solution.push(solutionIds.length);
    if (problems.length > manyProblems) progress.update(prompt.length);
  }
  progress.end();
  return [
    { part: "prompt", unit: "tokens", values: prompt, limit: limits.prompt },
    { part: "trace", unit: "tokens", values: trace, limit: limits.trace },
    { part: "solution", unit: "tokens", values: solution, limit: null },
  ];
}

function inWords(problems: readonly Problem[]): PartLengths[] {
  const count = (unit: string, length: (text: string) => number): PartLengths[] => {
    const values = (part: string, text: (problem: Problem) => string) => ({
      part,
      unit,
      values: problems.map((problem) => length(text(problem))),
      limit: null,
    });
    return [
      values("prompt", ({ prompt }) => prompt),
      values("trace", ({ trace }) => trace),
      values("solution", completionOf),
    ];
  };
  return [
    ...count("words", (text) => text.match(/\S+/g)?.length ?? 0),
    ...count("characters", (text) => text.length),
  ];
}

/** What of the teacher follows the prompt. */
function completionOf(problem: Problem): string {
  return problem.trace === "" ? "" : problem.completion ?? solutionText(problem);
}

/** The filters of the paper's appendix C.1, as far as they ask anything of these problems. */
function filter(
  problems: readonly Problem[],
  [prompt, trace]: readonly PartLengths[],
  format: PromptFormat | null,
  limits: Limits,
  judge: Judge,
) {
  const place = new Map(problems.map((problem, i) => [problem, i]));
  const lengthOf = ({ values }: PartLengths) => (problem: Problem) => values[place.get(problem)!];
  return filterProblems(problems, {
    // A set that is only evaluated needs no trace.
    requireTrace: problems.some(({ trace }) => trace !== ""),
    goldFailures: tried(problems, judge).length > 0
      ? (some) => goldFailures(some, format, judge)
      : undefined,
    ...(limits.prompt === null
      ? {}
      : { maxPromptLength: limits.prompt, promptTokens: lengthOf(prompt) }),
    ...(limits.trace === null
      ? {}
      : { maxTraceLength: limits.trace, traceTokens: lengthOf(trace) }),
  });
}

/** What says whether gold solutions are right, and of which problems it is asked. */
interface Judge {
  readonly reward: Reward;
  /** Whether reference programs are run too. */
  readonly programs: boolean;
}

/** Problems whose gold solution is tried: programs only if that was asked for, since they take their time. */
function tried(problems: readonly Problem[], { programs }: Judge): readonly Problem[] {
  return programs ? problems : problems.filter(({ tests }) => tests === undefined);
}

async function goldFailures(
  problems: readonly Problem[],
  format: PromptFormat | null,
  judge: Judge,
) {
  const judged = tried(problems, judge);
  // Between two words of progress.
  const atOnce = judge.programs ? 50 : 1000;
  const progress = new CountedProgress({ phase: "checking answers", total: judged.length });
  const failures = [];
  for (let at = 0; at < judged.length; at += atOnce) {
    const some = judged.slice(at, at + atOnce);
    failures.push(
      ...await validateGold(some, [judge.reward], { promptOpensThink: format?.opensThink }),
    );
    if (judge.programs || judged.length > manyProblems) progress.update(at + some.length);
  }
  progress.end();
  return failures.map(({ problem, reason }) => ({
    problem,
    reason: `${reason} (gold answer ${problem.answer})`,
  }));
}

function countTiers(problems: readonly Problem[]): { tier: number; count: number }[] {
  const counts = new Map<number, number>();
  for (const { tier } of problems) counts.set(tier, (counts.get(tier) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => a - b).map(([tier, count]) => ({ tier, count }));
}

/** One of the easiest, of the middle and of the hardest. */
function pick(problems: readonly Problem[]): Problem[] {
  const sorted = problems.toSorted((a, b) => a.tier - b.tier);
  const last = sorted.length - 1;
  return [...new Set([0, Math.floor(last / 2), last])].map((i) => sorted[i]);
}

function example(
  problem: Problem,
  tokenizer: Tokenizer | null,
  length: number | null,
): InspectedExample {
  const { id, tier, prompt, trace, answer, tests } = problem;
  const completion = completionOf(problem);
  const guidance = tokenizer === null || length === null
    ? trace
    // A cut inside a character leaves a replacement mark.
    : tokenizer.decode(tokenizer.encode(trace).slice(0, length)).replace(/\uFFFD+$/, "");
  return {
    id,
    tier,
    prompt,
    guidance,
    rest: completion.startsWith(guidance) ? completion.slice(guidance.length) : completion,
    answer,
    tests: tests === undefined
      ? 0
      : tests.kind === "assertions"
      ? tests.assertions.length
      : tests.cases.length,
  };
}
