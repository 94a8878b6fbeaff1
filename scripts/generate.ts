/** `deno task generate`: ask a trained model. */
import { initialize } from "../ffi/library.ts";
import { complete, type TextCompletion } from "../src/engine/complete.ts";
import { loadModel } from "../src/models/checkpoint.ts";
import { parseArgs } from "../src/std/cli.ts";
import { type Command, parseCommand, runCommand, UsageError } from "../src/std/help.ts";
import { integerOption, numberOption } from "../src/std/option_values.ts";
import { manualSeed } from "../src/tensor/tensor.ts";
import { Tokenizer } from "../src/tokenizer/tokenizer.ts";
import { loadConfig, parseConfig } from "../src/training/config.ts";
import { promptFormat } from "../src/training/prompts.ts";
import { newestModel, resolveModel, runConfigOf } from "../src/training/find_model.ts";

const command: Command = {
  name: "deno task generate",
  summary: "Prompt a trained model and see what it says.\n" +
    "FOLDER is a model's or a run's; by default the newest runs/*/final, else the newest checkpoint.\n" +
    "Without --prompt each line of a piped stdin is a prompt.",
  usage: '[FOLDER] [--prompt="TEXT" ...]',
  options: [
    {
      name: "prompt",
      value: "TEXT",
      short: "p",
      description: "A prompt; may be given several times",
    },
    { name: "num", value: "N", description: "Completions a prompt. Default: 1" },
    { name: "temperature", value: "T", description: "0 takes the likeliest token. Default: 0" },
    {
      name: "top-p",
      value: "P",
      description: "Only the likeliest tokens of this mass. Default: 1",
    },
    {
      name: "top-k",
      value: "K",
      description: "Only so many likeliest tokens; 0 for all. Default: 0",
    },
    {
      name: "min-p",
      value: "P",
      description: "Only tokens of this share of the likeliest. Default: 0",
    },
    {
      name: "max-tokens",
      value: "N",
      description: "The most tokens of a completion. Default: 256",
    },
    { name: "seed", value: "N", description: "Seed of sampling. Default: 0" },
    {
      name: "system",
      value: "TEXT",
      description: "System prompt, where the model has a chat template. Default: the run's",
    },
    {
      name: "raw",
      description: "Give the prompt to the model as it is, without its chat template",
    },
    { name: "guidance", value: "TEXT", description: "What the completion must start with" },
    { name: "show-tokens", description: "Show each token, given ones apart from sampled ones" },
    { name: "threads", value: "N", description: "CPU threads of libtorch" },
    { name: "device", value: "DEVICE", description: "cpu or cuda. Default: cpu" },
  ],
  examples: [
    { call: 'deno task generate --prompt "Q:12+7*3?"', description: "The newest model" },
    {
      call: 'deno task generate runs/quickstart --prompt "Q:12+7*3?" --guidance "<think>12+7=19;"',
      description: "With a first step given",
    },
  ],
};

if (import.meta.main) await runCommand(command, Deno.args, main);

async function main(args: readonly string[]): Promise<void> {
  const { options, positionals } = parseCommand(command, args, 1);
  const count = integerOption(options, "num", { min: 1 });
  const sampling = {
    temperature: numberOption(options, "temperature", { min: 0 }) ?? 0,
    topP: numberOption(options, "top-p", { min: 0, max: 1 }),
    topK: integerOption(options, "top-k", { min: 0 }),
    minP: numberOption(options, "min-p", { min: 0, max: 1 }),
  };
  const maxTokens = integerOption(options, "max-tokens", { min: 1 });
  const seed = integerOption(options, "seed", { min: 0 }) ?? 0;
  const threads = integerOption(options, "threads", { min: 1 });
  const { device = "cpu" } = options;
  if (device !== "cpu" && device !== "cuda") {
    throw new UsageError(`Option '--device' must be cpu or cuda: current value is '${device}'`);
  }
  const folder = positionals.length === 0 ? newestModel() : resolveModel(positionals[0]);
  const prompts = await readPrompts(args);

  const tokenizer = await Tokenizer.load(folder);
  const rendered = await renderer(folder, tokenizer, options);
  for (const prompt of prompts) tokenizer.encode(rendered(prompt)); // before libtorch is loaded for nothing
  console.error(`model: ${folder}`);
  await initialize({ threads });
  using model = await loadModel(folder, { trainable: false, device });
  manualSeed(seed);
  const guidance = typeof options.guidance === "string" ? options.guidance : "";
  const completions = complete(model, tokenizer, prompts.map(rendered), {
    ...sampling,
    count,
    maxTokens: maxTokens ?? Math.min(256, model.maxPositions),
    guidance,
  });
  for (const [i, completion] of completions.entries()) {
    const prompt = prompts[Math.floor(i / (count ?? 1))];
    show({ ...completion, prompt }, options["show-tokens"] === true);
  }
}

/** How a question becomes a prompt: as the run had it, or by the model's chat template. */
async function renderer(
  folder: string,
  tokenizer: Tokenizer,
  options: Readonly<Record<string, string | boolean | undefined>>,
): Promise<(question: string) => string> {
  const file = runConfigOf(folder);
  const run = file === undefined ? undefined : await loadConfig({ file });
  if (options.raw === true || (run !== undefined && run.data.task !== "dataset")) {
    return (question) => question;
  }
  const data = {
    ...(run ?? parseConfig({})).data,
    ...(run === undefined ? { system_prompt: null } : {}),
  };
  if (typeof options.system === "string") data.system_prompt = options.system;
  const format = await promptFormat({ data }, tokenizer);
  return (question) => format.render(question);
}

/** The completion right behind a prompt of one word, as in the built-in task, else on a line of its own. */
function separated(prompt: string, text: string): string {
  return /\s/.test(prompt) ? `${prompt}\n${text}` : prompt + text;
}

async function readPrompts(args: readonly string[]): Promise<string[]> {
  // Every flag was checked by its table; a flag that repeats is read from the arguments again.
  const { prompt: given } = parseArgs(args, {
    string: (command.options ?? []).flatMap(({ name, value }) => value === undefined ? [] : [name]),
    collect: ["prompt"],
    alias: { prompt: "p" },
  });
  if (given.length > 0) return given;
  if (Deno.stdin.isTerminal()) throw new UsageError('No prompt: give --prompt="Q:12+7*3?", say');
  const text = await new Response(Deno.stdin.readable).text();
  const lines = text.split(/\r?\n/).filter((line) => line !== "");
  if (lines.length > 0) return lines;
  throw new UsageError('No prompt: give --prompt="Q:12+7*3?", say, or lines on stdin');
}

function show({ prompt, text, tokens, given, finishReason }: TextCompletion, each: boolean): void {
  console.log(
    separated(prompt, text) + (finishReason === "length" ? " ... (cut at its most tokens)" : ""),
  );
  if (!each) return;
  if (given > 0) console.log(`  given    ${tokens.slice(0, given).join(" ")}`);
  console.log(`  sampled  ${tokens.slice(given).join(" ")}`);
}
