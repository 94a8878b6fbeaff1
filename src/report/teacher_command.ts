/** What `deno task data traces` and `deno task data hints` share: flags, progress, the summary. */
import { normalize } from "node:path";
import { formatDataReport } from "../data/report.ts";
import {
  type Command,
  type CommandArguments,
  type CommandOption,
  parseCommand,
  UsageError,
} from "../std/help.ts";
import { integerOption, numberOption } from "../std/option_values.ts";
import { OpenAiTeacher } from "../teacher/client.ts";
import { collect, type CollectionResult, type CollectionState } from "../teacher/collect.ts";
import type { TeacherTask } from "../teacher/collect.ts";
import { checkInstruction } from "../teacher/instruction.ts";
import { type CollectionSettings, rejectedPath } from "../teacher/journal.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import { CountedProgress } from "./counted_progress.ts";
import { compact, duration, grouped } from "./format.ts";
import { loadWithProgress, readSource, sourceOptions } from "./source_options.ts";
import { type ProgressStream, standardError } from "./terminal.ts";

/** The flags of both commands, before and after those of their own. */
export const teacherOptions: {
  readonly first: readonly CommandOption[];
  readonly last: readonly CommandOption[];
} = {
  first: [
    { name: "model-name", value: "NAME", description: "The teacher's name on its server" },
    {
      name: "base-url",
      value: "URL",
      description: "Its API, such as http://localhost:8000/v1. Default: OPENAI_BASE_URL",
    },
    { name: "out", value: "FILE.jsonl", description: "Where rows go; rejects go beside it" },
    { name: "limit", value: "N", description: "Only the first N problems" },
    {
      name: "attempts",
      value: "N",
      description: "The most completions of a problem until one is kept. Default: 4",
    },
  ],
  last: [
    {
      name: "tokenizer",
      value: "FOLDER",
      description: "Whose tokens count for the length: a model's folder",
    },
    { name: "max-tokens", value: "N", description: "The most tokens of a completion" },
    { name: "concurrency", value: "N", description: "Requests at a time. Default: 8" },
    { name: "timeout", value: "SECONDS", description: "Of one request in all. Default: 600" },
    {
      name: "retries",
      value: "N",
      description: "How often a request that failed is repeated. Default: 6",
    },
    { name: "price-in", value: "PRICE", description: "Of a million tokens sent" },
    { name: "price-out", value: "PRICE", description: "Of a million tokens received" },
    {
      name: "prompt-file",
      value: "FILE",
      description: "An instruction in place of ours, with {question}, {solution}, {answer}",
    },
    ...sourceOptions,
  ],
};

/** What both commands say of themselves below their summary. */
export const teacherNotes: string =
  "The key of the API comes from the environment variable OPENAI_API_KEY only.\n" +
  "Rows are written as they come: the same call goes on after Ctrl-C, a kill or an error.";

/** What is read from the command line for both commands. */
export interface TeacherArguments {
  /** Every flag, for those of a command's own. */
  readonly options: CommandArguments["options"];
  /** The instruction from a file; undefined for ours. */
  readonly instruction: string | undefined;
  /** Counts tokens by the tokenizer that was named; undefined without one. */
  readonly count: ((text: string) => number) | undefined;
  /** Settings that the rows depend on. */
  readonly settings: CollectionSettings;
}

/** A price for tokens: of a million sent and a million received; null where it is not known. */
export interface TokenPrices {
  /** Sent. */
  readonly input: number;
  /** Received. */
  readonly output: number;
}

/**
 * Runs one of the two commands: loads the problems, asks, shows progress, prints the summary.
 *
 * @param temperature Sampling temperature where none is given; undefined for the server's.
 * @param makeTask The task, from the flags.
 * @returns The exit code: 0, 1 if requests failed that the next call repeats, 130 after an interrupt.
 */
export async function runTeacherCommand(
  command: Command,
  args: readonly string[],
  { noun, temperature, makeTask }: {
    readonly noun: string;
    readonly temperature: number | undefined;
    readonly makeTask: (args: TeacherArguments) => TeacherTask | Promise<TeacherTask>;
  },
): Promise<number> {
  const { options, positionals } = parseCommand(command, args, 1);
  const [path] = positionals;
  if (path === undefined) throw new UsageError(`No data is given: see ${command.name} --help`);
  const text = (name: string) => options[name] as string | undefined;
  const required = (name: string) => {
    const value = text(name);
    if (value !== undefined) return value;
    throw new UsageError(`Option '--${name}' is missing: see ${command.name} --help`);
  };
  const model = required("model-name"), out = required("out");
  if (!out.endsWith(".jsonl")) {
    throw new UsageError(`Option '--out' must end in .jsonl: current value is '${out}'`);
  }
  const baseUrl = text("base-url") ?? (Deno.env.get("OPENAI_BASE_URL") || undefined);
  if (baseUrl === undefined) {
    throw new UsageError(
      "No server is named: give --base-url=http://localhost:8000/v1 (https://api.openai.com/v1 is OpenAI's)",
    );
  }
  const limit = integerOption(options, "limit", { min: 1 });
  const attempts = integerOption(options, "attempts", { min: 1 });
  const concurrency = integerOption(options, "concurrency", { min: 1, max: 1000 });
  const maxTokens = integerOption(options, "max-tokens", { min: 1 });
  const seconds = numberOption(options, "timeout", { min: 0.001, max: 1e6 });
  const retries = integerOption(options, "retries", { min: 0, max: 100 });
  const sampled = options.temperature === "server"
    ? undefined
    : numberOption(options, "temperature", { min: 0 }) ?? temperature;
  const prices = readPrices(options);
  const { source, reading } = await readSource(path, options);
  const instruction = await readInstruction(text("prompt-file"));
  const tokenizer = text("tokenizer");
  const loaded = tokenizer === undefined ? undefined : await Tokenizer.load(tokenizer);
  const task = await makeTask({
    options,
    instruction,
    count: loaded && ((text) => loaded.encode(text).length),
    settings: {
      data: normalize(path),
      preset: source.preset,
      columns: source.columns && JSON.stringify(source.columns),
      tier_order: source.tier_order && source.tier_order.join(","),
      temperature: sampled ?? null,
      max_tokens: maxTokens ?? null,
      tokenizer: tokenizer === undefined ? null : normalize(tokenizer),
    },
  });
  let teacher: OpenAiTeacher;
  try {
    teacher = new OpenAiTeacher({
      baseUrl,
      model,
      apiKey: Deno.env.get("OPENAI_API_KEY"),
      ...(sampled === undefined ? {} : { temperature: sampled }),
      ...(maxTokens === undefined ? {} : { maxTokens }),
      ...(seconds === undefined ? {} : { timeout: seconds * 1000 }),
      ...(retries === undefined ? {} : { retries }),
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }

  const { problems: all, report } = await loadWithProgress(source);
  console.error(`${formatDataReport(report)}\n  read as  ${reading}`);
  const problems = limit === undefined ? all : all.slice(0, limit);
  const [stop, kill] = [new AbortController(), new AbortController()];
  const progress = new TeacherProgress(noun, prices);
  const hear = interruptListener(stop, kill, () => progress.end());
  Deno.addSignalListener("SIGINT", hear);
  Deno.addSignalListener("SIGTERM", hear);
  const started = performance.now();
  try {
    const result = await collect({
      ...{ teacher, task, problems, out, attempts, concurrency },
      stop: stop.signal,
      kill: kill.signal,
      onProgress: (state) => progress.show(state),
    });
    progress.end();
    console.log(teacherSummary(noun, out, result, prices, (performance.now() - started) / 1000));
    return result.stopped ? 130 : result.failed > 0 ? 1 : 0;
  } finally {
    progress.end();
    Deno.removeSignalListener("SIGINT", hear);
    Deno.removeSignalListener("SIGTERM", hear);
  }
}

/** What of a command's length flag is asked for: its most tokens, and how they are counted. */
export function lengthOption(
  { options, count }: TeacherArguments,
  name: string,
): { max: number; count: (text: string) => number } | undefined {
  const max = integerOption(options, name, { min: 1 });
  if (max === undefined) return undefined;
  if (count === undefined) {
    throw new UsageError(`Option '--${name}' needs --tokenizer=FOLDER, whose tokens it counts`);
  }
  return { max, count };
}

/** A second signal so soon belongs to the same Ctrl-C: it comes from the terminal and from `deno task`. */
const sameKeyMs = 200;

/** The first Ctrl-C asks nothing new, the second drops what is under way. */
function interruptListener(
  stop: AbortController,
  kill: AbortController,
  before: () => void,
): () => void {
  let first = 0;
  return () => {
    if (!stop.signal.aborted) {
      first = performance.now();
      stop.abort();
      before();
      console.error("waiting for the answers under way; Ctrl-C again drops them");
    } else if (performance.now() - first > sameKeyMs) kill.abort();
  };
}

function readPrices(options: CommandArguments["options"]): TokenPrices | null {
  const [input, output] = ["price-in", "price-out"].map((name) =>
    numberOption(options, name, { min: 0 })
  );
  return input === undefined && output === undefined
    ? null
    : { input: input ?? 0, output: output ?? 0 };
}

async function readInstruction(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return checkInstruction(await Deno.readTextFile(path));
  } catch (error) {
    throw new UsageError(`Cannot use --prompt-file=${path}: ${(error as Error).message}`);
  }
}

/** How many problems a call is through with. */
function done({ kept, exhausted, failed, leftOut }: CollectionState): number {
  return kept + exhausted + failed + sum(leftOut);
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((a, b) => a + b, 0);
}

function costOf({ tokens }: CollectionState, prices: TokenPrices): number {
  return (tokens.input * prices.input + tokens.output * prices.output) / 1e6;
}

function money(value: number): string {
  return value.toFixed(value < 10 ? 4 : 2);
}

/** One live line on a terminal, a plain line now and then elsewhere. */
export class TeacherProgress {
  #progress: CountedProgress | null = null;
  #before = 0;

  /** Shows on stderr, or on another stream. */
  constructor(
    readonly noun: string,
    readonly prices: TokenPrices | null,
    readonly stream: ProgressStream = standardError(),
  ) {}

  /** Where the collection stands. */
  show(state: CollectionState): void {
    if (this.#progress === null) {
      this.#before = done(state);
      this.#progress = new CountedProgress({
        phase: this.noun,
        total: state.total,
        before: this.#before,
        stream: this.stream,
      });
    }
    const rejected = sum(state.rejected);
    const through = done(state);
    this.#progress.update(through, [
      `kept ${grouped(state.kept)}`,
      `rejected ${grouped(rejected)}`,
      ...(state.failed > 0 ? [`failed ${state.failed}`] : []),
      ...(state.retries > 0 ? [`repeats ${state.retries}`] : []),
      `tokens ${compact(state.tokens.input)} in ${compact(state.tokens.output)} out`,
      ...(this.prices === null ? [] : this.#cost(state, through, this.prices)),
    ]);
  }

  /** Takes the live line away. */
  end(): void {
    this.#progress?.end();
  }

  #cost(state: CollectionState, through: number, prices: TokenPrices): string[] {
    const cost = costOf(state, prices);
    const whole = through === 0 ? "" : ` of about ${money(cost / through * state.total)}`;
    return [`cost ${money(cost)}${whole}`];
  }
}

/** What a call has come to, as text. */
export function teacherSummary(
  noun: string,
  out: string,
  result: CollectionResult,
  prices: TokenPrices | null,
  seconds: number,
): string {
  const { total, kept, added, exhausted, failed, lastFailure, tokens, uncounted } = result;
  const listed = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).sort(([, a], [, b]) => b - a)
      .map(([reason, n]) => `${reason} ${grouped(n)}`).join(", ");
  const open = total - done(result);
  const lines = [
    `${out}: ${grouped(kept)} of ${grouped(total)} problems have ${noun} ` +
    `(${grouped(added)} from this call, ${duration(seconds)})`,
  ];
  if (exhausted > 0) lines.push(`  attempts used up: ${grouped(exhausted)} problems`);
  if (sum(result.leftOut) > 0) {
    lines.push(`  not asked about: ${listed(result.leftOut)} (${rejectedPath(out)} says why)`);
  }
  if (sum(result.rejected) > 0) {
    lines.push(`  completions rejected: ${listed(result.rejected)} (${rejectedPath(out)})`);
  }
  if (failed > 0) {
    lines.push(`  requests failed: ${grouped(failed)}, the last with: ${lastFailure}`);
  }
  const cost = prices === null ? "" : `, cost ${money(costOf(result, prices))}`;
  lines.push(`  tokens: ${grouped(tokens.input)} in, ${grouped(tokens.output)} out${cost}`);
  if (uncounted > 0) lines.push(`  without the tokens of ${grouped(uncounted)} completions`);
  if (result.stopped || failed > 0) {
    const left = open + failed;
    lines.push(
      `  ${grouped(left)} ${
        left === 1 ? "problem is" : "problems are"
      } open: the same call goes on`,
    );
  }
  return lines.join("\n");
}
