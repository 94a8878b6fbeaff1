/**
 * Text to token ids and back, from a Hugging Face `tokenizer.json`.
 *
 * The only module that knows `@huggingface/tokenizers`. That library gives Hugging Face's ids, but
 * in a few places it differs in silence from their `tokenizers`; each is made an error or set right
 * here.
 */

import { Tokenizer as Backend } from "npm:@huggingface/tokenizers@0.2.0";
import { join } from "node:path";

/** Options of {@linkcode Tokenizer.encode}. */
export interface EncodeOptions {
  /**
   * Add the tokens that the tokenizer's post-processor puts around a text, such as a begin token.
   * Off by default: a prompt is spelled out whole. Special tokens in the text are always recognised.
   */
  readonly addSpecialTokens?: boolean;
}

/** Options of {@linkcode Tokenizer.decode}. */
export interface DecodeOptions {
  /** Leave out special tokens, such as the end and padding tokens. Off by default. */
  readonly skipSpecialTokens?: boolean;
}

interface AddedToken {
  id: number;
  content: string;
  single_word?: boolean;
  lstrip?: boolean;
  rstrip?: boolean;
}

interface TokenizerJson {
  added_tokens?: AddedToken[];
  normalizer?: unknown;
  pre_tokenizer?: unknown;
  model: {
    type?: string;
    vocab: Record<string, number> | [string, number][];
    unk_token?: string | null;
    byte_fallback?: boolean;
    continuing_subword_prefix?: string | null;
    end_of_word_suffix?: string | null;
  };
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Refuses what this library would tokenise differently from Hugging Face's own. */
function checkAddedTokens(json: TokenizerJson): void {
  const vocab = json.model.vocab;
  const idOf = Array.isArray(vocab)
    ? new Map(vocab.map(([token], id): [string, number] => [token, id]))
    : new Map(Object.entries(vocab));
  let next = idOf.size;
  for (const { id, content, single_word } of json.added_tokens ?? []) {
    // Hugging Face's library numbers added tokens itself, so an id with a hole before it would be
    // one id there and another here.
    const expected = idOf.get(content) ?? next++;
    if (id !== expected) {
      throw new Error(
        `added token '${content}' must have id ${expected}, with no hole before it: ` +
          `current value is ${id}`,
      );
    }
    if (single_word) {
      throw new Error(`added token '${content}' has 'single_word', which is not supported`);
    }
  }
}

/** Whether the tokens of a text, joined, must give that text: nothing rewrites it on the way. */
function keepsEveryCharacter(json: TokenizerJson): boolean {
  const { model } = json;
  return model.type === "BPE" && !json.normalizer && !json.pre_tokenizer &&
    !model.unk_token && !model.byte_fallback && !model.continuing_subword_prefix &&
    !model.end_of_word_suffix &&
    !(json.added_tokens ?? []).some((token) => token.lstrip || token.rstrip);
}

/** A token's text in tokenizer_config.json: a string, or an object with `content`. */
function configToken(config: Record<string, unknown>, name: string): string | undefined {
  const value = config[name];
  if (typeof value === "string") return value;
  return isRecord(value) && typeof value.content === "string" ? value.content : undefined;
}

/** The token id `name` of the first of several configurations that has it. */
function configTokenId(
  configs: readonly Record<string, unknown>[],
  name: string,
): number | null {
  for (const config of configs) {
    const value = config[name];
    const id = Array.isArray(value) ? value[0] : value; // some models list several end tokens
    if (Number.isInteger(id)) return id;
  }
  return null;
}

async function readJson(path: string): Promise<Record<string, unknown>> {
  const text = await Deno.readTextFile(path);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`Cannot read '${path}' as it is not valid JSON: ${message(error)}`);
  }
  if (!isRecord(value)) throw new Error(`Cannot read '${path}' as it must hold a JSON object`);
  return value;
}

async function readJsonIfPresent(path: string): Promise<Record<string, unknown>> {
  try {
    return await readJson(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
}

/**
 * A tokenizer of Hugging Face's `tokenizer.json` format.
 *
 * ```ts ignore
 * const tokenizer = await Tokenizer.load("path/to/model");
 * const ids = tokenizer.encode("Why is the sky blue?");
 * tokenizer.decode(ids); // "Why is the sky blue?"
 * ```
 */
export class Tokenizer {
  /** The number of ids: one more than the highest. A model's embedding may have more rows. */
  readonly vocabSize: number;
  /** The id of the end token, or null if the tokenizer names none. */
  readonly eosTokenId: number | null;
  /** The id of the padding token, or null if the tokenizer names none. */
  readonly padTokenId: number | null;

  readonly #backend: Backend;
  readonly #json: object;
  readonly #config: object;
  readonly #keepsEveryCharacter: boolean;

  private constructor(
    json: object,
    config: Record<string, unknown>,
    modelConfigs: readonly Record<string, unknown>[],
    source: string,
  ) {
    const fail = (reason: string) => new Error(`Cannot load the tokenizer of ${source}: ${reason}`);
    const parsed = json as TokenizerJson;
    try {
      if (!isRecord(parsed.model) || typeof parsed.model.vocab !== "object") {
        throw new Error("its 'model' must have a 'vocab'");
      }
      checkAddedTokens(parsed);
      this.#backend = new Backend(
        { ...json, added_tokens: parsed.added_tokens ?? [] },
        // The library's own default, true, would change the text of tokenizers that say nothing.
        { ...config, clean_up_tokenization_spaces: config.clean_up_tokenization_spaces ?? false },
      );
    } catch (error) {
      throw fail(message(error));
    }
    this.#json = json;
    this.#config = config;
    this.#keepsEveryCharacter = keepsEveryCharacter(parsed);
    let size = 0;
    for (const id of this.#backend.get_vocab().values()) size = Math.max(size, id + 1);
    this.vocabSize = size;

    const resolve = (name: "eos_token" | "pad_token"): number | null => {
      const token = configToken(config, name);
      if (token === undefined) return configTokenId(modelConfigs, `${name}_id`);
      const id = this.tokenToId(token);
      if (id === undefined) {
        throw fail(`'${name}' is '${token}', which is not in its vocabulary`);
      }
      return id;
    };
    this.eosTokenId = resolve("eos_token");
    this.padTokenId = resolve("pad_token");
  }

  /**
   * Loads `tokenizer.json` and, where present, `tokenizer_config.json` of a folder. End and padding
   * tokens that the latter leaves out are taken from generation_config.json, then config.json.
   */
  static async load(folder: string): Promise<Tokenizer> {
    let json: Record<string, unknown>;
    try {
      json = await readJson(join(folder, "tokenizer.json"));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      throw new Error(
        `Cannot load the tokenizer of '${folder}' as it has no tokenizer.json: ` +
          `give the folder of a model in Hugging Face's format`,
      );
    }
    const [config, ...modelConfigs] = await Promise.all(
      ["tokenizer_config.json", "generation_config.json", "config.json"]
        .map((name) => readJsonIfPresent(join(folder, name))),
    );
    return new Tokenizer(json, config, modelConfigs, `'${folder}'`);
  }

  /** Makes a tokenizer of the contents of `tokenizer.json` and `tokenizer_config.json`. */
  static fromJson(tokenizerJson: object, config: object = {}): Tokenizer {
    return new Tokenizer(tokenizerJson, { ...config }, [], "the given JSON");
  }

  /**
   * The token ids of a text. Throws if the text has a character for which the tokenizer has neither
   * a token nor an unknown token, rather than dropping it.
   */
  encode(text: string, options: EncodeOptions = {}): number[] {
    if (text === "" && !options.addSpecialTokens) return [];
    if (this.#keepsEveryCharacter) this.#refuseUnknownCharacters(text);
    const { ids } = this.#backend.encode(text, {
      add_special_tokens: options.addSpecialTokens ?? false,
    });
    if (ids.some((id) => id === undefined)) {
      throw new Error(
        `Cannot encode ${JSON.stringify(text)} as it has text outside the tokenizer's vocabulary`,
      );
    }
    return ids;
  }

  #refuseUnknownCharacters(text: string): void {
    const tokens = this.#backend.tokenize(text, { add_special_tokens: false });
    let at = 0;
    for (const token of tokens) {
      if (!text.startsWith(token, at)) break;
      at += token.length;
    }
    if (at < text.length) {
      const character = String.fromCodePoint(text.codePointAt(at)!);
      throw new Error(
        `Cannot encode ${JSON.stringify(text)} as the tokenizer has no token for ` +
          `${JSON.stringify(character)} at position ${at}`,
      );
    }
  }

  /** The text of token ids. Throws if an id is not one of the vocabulary. */
  decode(ids: readonly number[], options: DecodeOptions = {}): string {
    if (ids.length === 0) return "";
    for (const id of ids) {
      if (this.#backend.id_to_token(id) === undefined) {
        throw new RangeError(
          `Cannot decode token ids as an id must be in the tokenizer's vocabulary of ` +
            `${this.vocabSize}: current value is ${id}`,
        );
      }
    }
    return this.#backend.decode([...ids], {
      skip_special_tokens: options.skipSpecialTokens ?? false,
    });
  }

  /** The id of a token, or undefined if the vocabulary does not have it. */
  tokenToId(token: string): number | undefined {
    return this.#backend.token_to_id(token);
  }

  /** Writes `tokenizer.json` and `tokenizer_config.json` into a folder that exists. */
  async save(folder: string): Promise<void> {
    for (
      const [name, value] of [
        ["tokenizer.json", this.#json],
        ["tokenizer_config.json", this.#config],
      ] as const
    ) {
      await Deno.writeTextFile(join(folder, name), JSON.stringify(value, null, 2) + "\n");
    }
  }
}
