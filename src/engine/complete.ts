/** Completions of prompts that are text. */
import { type CausalLM } from "../models/model.ts";
import { type Tokenizer } from "../tokenizer/tokenizer.ts";
import { generate, requireFinite } from "./generate.ts";
import { type SamplingOptions } from "./sampling.ts";

/** Options of {@linkcode complete}. */
export interface CompleteOptions extends SamplingOptions {
  /** Completions a prompt. Default: 1. */
  readonly count?: number;
  /** The most tokens of a completion, guidance included. Default: 256. */
  readonly maxTokens?: number;
  /** Text that every completion starts with: given, not sampled. Default: none. */
  readonly guidance?: string;
}

/** One completion. */
export interface TextCompletion {
  /** The prompt as it was given. */
  readonly prompt: string;
  /** The completion's text without special tokens, guidance first. */
  readonly text: string;
  /** The text of each token, special ones included. */
  readonly tokens: readonly string[];
  /** How many of the tokens were given. */
  readonly given: number;
  /** Whether an end token or the length ended it. */
  readonly finishReason: "stop" | "length";
}

/**
 * Completes every prompt `count` times, in order. Randomness is libtorch's: set it with `manualSeed`.
 *
 * @throws {Error} where a text has a character that the tokenizer has no token for.
 */
export function complete(
  model: CausalLM,
  tokenizer: Tokenizer,
  prompts: readonly string[],
  options: CompleteOptions = {},
): TextCompletion[] {
  const { count = 1, maxTokens = 256, guidance = "", ...sampling } = options;
  const prefix = tokenizer.encode(guidance);
  const groups = prompts.map((prompt) => ({
    promptIds: tokenizer.encode(prompt),
    prefixes: Array.from({ length: count }, () => prefix),
  }));
  const rollouts = generate(model, groups, {
    ...sampling,
    maxCompletionLength: maxTokens,
    stopIds: tokenizer.stopTokenIds,
  });
  requireFinite(rollouts);
  return rollouts.map(({ completionIds, given, finishReason }, i) => ({
    prompt: prompts[Math.floor(i / count)],
    text: tokenizer.decode(completionIds, { skipSpecialTokens: true, allowUnknown: true }),
    tokens: completionIds.map((id) => tokenizer.decode([id], { allowUnknown: true })),
    given,
    finishReason,
  }));
}
