/** The problems of a run on data sets: read, presented, filtered, held out, encoded, ordered. */
import { createHash } from "node:crypto";
import { readDifficulties, withDifficulty } from "../data/difficulty.ts";
import { orderProblems } from "../data/order.ts";
import { findOverlap, withoutOverlap } from "../data/overlap.ts";
import { Random } from "../data/random.ts";
import { bareName } from "../data/readers/files.ts";
import { type DataReport, formatDataReport } from "../data/report.ts";
import { filterHardProblems } from "../data/sample_filter.ts";
import { type DataSource, loadProblems, OWN_COLUMNS } from "../data/source.ts";
import { type Problem } from "../data/types.ts";
import { type Reward } from "../rewards/reward.ts";
import { trainBpe } from "../tokenizer/bpe_trainer.ts";
import { type PromptFormat } from "../tokenizer/prompt_format.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import { type BenchmarkSettings, type Config, ConfigError } from "./config.ts";
import {
  emptySource,
  formatOverlap,
  formatStages,
  leftOutOf,
  nothingLeft,
  remarks,
} from "./data_summary.ts";
import { type Chosen, type DataProgress, ProblemEncoder } from "./problem_encoder.ts";
import { problemsPerStep, type RunProblems } from "./problems.ts";
import { promptFormat } from "./prompts.ts";
import { stepSeed } from "./seed.ts";

/** Reads a config's data. Without a tokenizer one is learned from the data's own text. */
export async function datasetProblems(
  config: Config,
  loaded: Tokenizer | null,
  judge: Reward,
  progress: DataProgress = () => {},
): Promise<RunProblems> {
  const { data, sft, seed } = config;
  const sources = dataSources(config);
  refuseMissing(config);
  const reports: DataReport[] = [];
  const benchmarkReports: DataReport[] = [];
  const read = await readAll(sources, reports, progress, sampleOf(config));
  if (loaded === null) progress("learning a tokenizer from texts", 0, read.length);
  const tokenizer = loaded ?? learnTokenizer(read, config);
  const format = await promptFormat(config, tokenizer);
  const encoder = new ProblemEncoder(config, tokenizer, format, judge, progress);

  const { rest, held } = config.eval.data.length > 0
    ? { rest: read, held: await readBenchmarks(config.eval.data, benchmarkReports, progress) }
    : holdOut(read, sources, config);
  const benchmarks = await encoder.benchmarks(held);

  progress("comparing with what is evaluated", 0, rest.length);
  const overlap = findOverlap(rest, held);
  const separate = data.remove_overlap ? withoutOverlap(rest, overlap) : rest;
  const { problems: measured, ungraded } = await measure(separate, data.difficulty);
  const { problems: candidates, report: sampleFilter } = data.sample_filter === "none"
    ? { problems: measured, report: null }
    : filterHardProblems(measured, {
      filter: data.sample_filter,
      hardTier: data.hard_tier!,
      seed,
    });

  // The warm start's problems are taken first, and reinforcement learning then draws only others.
  const forSft = sft.num_problems ?? 0;
  const wanted = data.num_problems === null ? Infinity : forSft + data.num_problems;
  const some = data.num_problems !== null || sft.num_problems !== null;
  const order = candidates.map((_, index) => index);
  if (some) new Random(seed, "choice").shuffle(order);
  const chosen = await encoder.choose(candidates, order, wanted);
  const warm = sft.num_problems === null ? chosen : inOrder(chosen.slice(0, forSft));
  const main = inOrder(chosen.slice(forSft));
  if (main.length === 0) throw nothingLeft(encoder.stages, config);
  for (const { name } of sources) {
    if (main.some(({ problem }) => problem.source === name)) continue;
    throw new ConfigError([
      emptySource(name!, [
        ["stand in an evaluation set ('data.remove_overlap')", rest, separate],
        ["have no measured difficulty ('data.difficulty')", separate, measured],
        ["are taken out by 'data.sample_filter'", measured, candidates],
        [
          "do not pass the filters, or are not among those that were chosen",
          candidates,
          main.map(problemOf),
        ],
      ]),
    ]);
  }

  const P = problemsPerStep(config);
  const steps = (epochs: number, problems: number, each: number) =>
    Math.max(1, Math.ceil(epochs * problems / each));
  const maxSteps = config.num_train_epochs === null
    ? config.max_steps
    : steps(config.num_train_epochs, main.length, P);
  const sftSteps = sft.num_train_epochs === null
    ? sft.steps
    : steps(sft.num_train_epochs, warm.length, sft.batch_size);
  const weights = sources.length < 2
    ? undefined
    : Object.fromEntries(sources.map(({ name, weight }) => [name!, weight]));
  const slots = orderProblems(main.map(problemOf), {
    total: maxSteps * P,
    seed,
    order: data.curriculum,
    weights,
  });
  const sftSlots = sftSteps === 0 ? null : orderProblems(warm.map(problemOf), {
    total: sftSteps * sft.batch_size,
    seed: stepSeed(seed, "solutions", 0),
    order: "random",
  });
  const step = (from: readonly Chosen[], slots: Uint32Array, k: number, count: number) =>
    Array.from(
      slots.subarray(k * count, (k + 1) * count),
      (index) => encoder.encoded(from[index].problem),
    );

  const counts = {
    sources: reports,
    benchmark_sources: benchmarkReports,
    overlap: overlap.counts,
    sample_filter: sampleFilter,
    filters: encoder.stages,
    benchmarks: benchmarks.map(({ name, problems }) => ({ name, problems: problems.length })),
    benchmark_filters: encoder.benchmarkStages,
    sft_problems: sftSteps === 0 ? 0 : warm.length,
    problems: main.length,
  };
  return {
    tokenizer,
    opensThink: format.opensThink,
    sftSteps,
    maxSteps,
    problems: (k) => step(main, slots, k, P),
    solutions: (k) => step(warm, sftSlots!, k, sft.batch_size),
    benchmarks,
    notes: [
      ...format.notes,
      ...remarks(config, main, P),
      ...(ungraded.length === 0 ? [] : [
        `${ungraded.length} problems have no measured difficulty and are left out (${ungraded[0]})`,
      ]),
    ],
    report: {
      fingerprint: fingerprint([...warm, ...main].map(problemOf), format),
      lines: [
        ...reports.flatMap((report) => formatDataReport(report).split("\n")),
        ...leftOutOf(benchmarkReports),
        ...formatOverlap(overlap, data.remove_overlap, config.eval.data.length > 0),
        ...(sampleFilter === null ? [] : [
          `${sampleFilter.hard} hard problems of ${sampleFilter.before}: ${sampleFilter.filter}d`,
        ]),
        ...formatStages(encoder.stages),
        ...formatStages(encoder.benchmarkStages),
        `${main.length} problems to train on${
          counts.sft_problems > 0 ? `, ${counts.sft_problems} for the warm start` : ""
        }, ${benchmarks.map((b) => `${b.problems.length} of ${b.name}`).join(", ")} to evaluate on`,
      ],
      counts,
    },
  };
}

/**
 * Only what a config holds out, for a model that is not trained further, with what of it was left out and what should
 * be known of its prompts, a line each.
 */
export async function datasetBenchmarks(
  config: Config,
  tokenizer: Tokenizer,
  judge: Reward,
  progress: DataProgress = () => {},
): Promise<Pick<RunProblems, "benchmarks" | "opensThink" | "notes">> {
  const format = await promptFormat(config, tokenizer);
  const encoder = new ProblemEncoder(config, tokenizer, format, judge, progress);
  const sources = config.eval.data.length > 0 ? [] : dataSources(config);
  refuseMissing(config);
  const reports: DataReport[] = [];
  const held = config.eval.data.length > 0
    ? await readBenchmarks(config.eval.data, reports, progress)
    : holdOut(await readAll(sources, reports, progress, sampleOf(config)), sources, config).held;
  const benchmarks = await encoder.benchmarks(held);
  const notes = [...leftOutOf(reports), ...formatStages(encoder.benchmarkStages), ...format.notes];
  return { benchmarks, opensThink: format.opensThink, notes };
}

/** The files and folders that a config names for its data and that are not there, each with its key. */
export function missingData({ data, eval: { data: benchmarks } }: Config): string[] {
  const named: [key: string, path: string | null][] = [
    ["data.path", data.path],
    ...data.sources.map(({ path }, i): [string, string] => [`data.sources[${i}].path`, path]),
    ...benchmarks.map(({ path }, i): [string, string] => [`eval.data[${i}].path`, path]),
    ["data.difficulty", data.difficulty],
  ];
  return named.flatMap(([key, path]) =>
    path === null || isThere(path) ? [] : [`'${key}' (${path})`]
  );
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    // Whatever else is the matter, reading it says it better.
    return !(error instanceof Deno.errors.NotFound);
  }
}

/** Before anything is read, since a large data set takes minutes. */
function refuseMissing(config: Config): void {
  const missing = missingData(config);
  if (missing.length === 0) return;
  throw new ConfigError([
    `there is no such file or folder: ${
      missing.join(", ")
    }; name your own, or fetch it, for example with ` +
    "`hf download OWNER/NAME --repo-type dataset --local-dir FOLDER` (the head of a shipped config has the calls)",
  ]);
}

/** Rows between two words of progress. */
const progressEvery = 256;

/** Where few problems are wanted, not all of a large data set need be held: twenty for each are enough to filter from. */
function sampleOf({ data, sft, seed }: Config): { count: number; seed: number } | undefined {
  if (data.num_problems === null) return undefined;
  const wanted = data.num_problems + (sft.num_problems ?? 0);
  return { count: Math.max(20_000, 20 * wanted), seed };
}

async function readAll(
  sources: readonly DataSource[],
  reports: DataReport[],
  progress: DataProgress,
  sample?: { readonly count: number; readonly seed: number },
): Promise<Problem[]> {
  const read: Problem[] = [];
  for (const source of sources) {
    const { problems, report } = await loadProblems(source, {
      onRow(rows) {
        if (rows % progressEvery === 0) progress(`reading ${source.name}, rows`, rows, null);
      },
      sample,
    });
    reports.push(report);
    for (const problem of problems) read.push(problem);
  }
  return read;
}

/** The data sets of a config, each with a name of its own. */
function dataSources({ data }: Config): DataSource[] {
  const { path, preset, columns, tier_order, sources } = data;
  if (path === null && sources.length === 0) {
    throw new ConfigError([
      "'data.path' must name the data set: --data.path=FILE_OR_FOLDER (the head of a shipped config says where " +
      "it can be had)",
    ]);
  }
  const listed = path === null
    ? sources
    : [{ path, preset, columns, tier_order, name: null, weight: 1 }];
  const named = listed.map((source) => withDefaults(source, source.name));
  const names = named.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new ConfigError([
      `'data.sources' has two sources named '${twice}': give each its 'name'`,
    ]);
  }
  return named;
}

function withDefaults<S extends Pick<DataSource, "path" | "preset" | "columns">>(
  source: S,
  name: string | null,
): S & { name: string } {
  const columns = source.preset === null ? { ...OWN_COLUMNS, ...source.columns } : source.columns;
  return { ...source, columns, name: name ?? bareName(source.path) };
}

interface HeldOut {
  readonly name: string;
  readonly problems: Problem[];
}

async function readBenchmarks(
  settings: readonly BenchmarkSettings[],
  reports: DataReport[],
  progress: DataProgress,
): Promise<HeldOut[]> {
  const read: HeldOut[] = [];
  for (const benchmark of settings) {
    const source = { ...withDefaults(benchmark, benchmark.name), tier_order: null, weight: 1 };
    read.push({ name: source.name, problems: await readAll([source], reports, progress) });
  }
  return read;
}

/** Without benchmarks a tenth of the data is kept from training, chosen by the seed. */
function holdOut(
  problems: readonly Problem[],
  sources: readonly DataSource[],
  { eval: { num_problems }, seed }: Config,
): { rest: Problem[]; held: HeldOut[] } {
  const count = Math.min(num_problems, Math.floor(problems.length / 10));
  const order = problems.map((_, index) => index);
  new Random(seed, "held out").shuffle(order);
  const name = sources.map((source) => source.name).join(" + ");
  const out = new Set(order.slice(0, count));
  const part = (held: boolean) => problems.filter((_, index) => out.has(index) === held);
  return {
    rest: part(false),
    held: count === 0 ? [] : [{ name, problems: part(true) }],
  };
}

/** The problems with their measured difficulty in the place of the tier, where a file has it. */
async function measure(
  problems: Problem[],
  file: string | null,
): Promise<{ problems: Problem[]; ungraded: string[] }> {
  if (file === null) return { problems, ungraded: [] };
  const { measured } = await readDifficulties(file);
  return withDifficulty(problems, measured, file);
}

/** A tokenizer for a model that starts from random weights. */
function learnTokenizer(problems: readonly Problem[], { model }: Config): Tokenizer {
  const texts = problems.map(({ prompt, trace, answer }) => `${prompt}\n${trace}\n${answer}`);
  const { tokenizerJson, tokenizerConfig } = trainBpe(texts, { vocabSize: model.vocab_size });
  return Tokenizer.fromJson(tokenizerJson, tokenizerConfig);
}

function inOrder(problems: readonly Chosen[]): Chosen[] {
  return [...problems].sort((a, b) => a.index - b.index);
}

function problemOf({ problem }: Chosen): Problem {
  return problem;
}

/** Of the problems and of how their prompts are written. */
function fingerprint(problems: readonly Problem[], format: PromptFormat): string {
  const hash = createHash("sha256").update(format.render("?"));
  for (const { id, prompt, answer, trace, tier } of problems) {
    hash.update(JSON.stringify([id, prompt, answer, trace, tier]));
  }
  return hash.digest("hex");
}
