/**
 * Text to token ids and back, from a Hugging Face `tokenizer.json`.
 *
 * The only module that knows `@huggingface/tokenizers`, which turns text into tokens. Where that
 * library differs from Hugging Face's `tokenizers` in silence, `checkTokenizerJson` says it in other
 * words or refuses it; tokens become text by {@linkcode decodeTokens}.
 */

import { Tokenizer as Backend } from "npm:@huggingface/tokenizers@0.2.0";
import { join } from "node:path";
import { isRecord } from "../std/record.ts";
import { decodeTokens } from "./decoder.ts";
import { checkTokenizerJson, missingBytes, type TokenizerJson } from "./tokenizer_json.ts";

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
  /**
   * Write U+FFFD for an id that is not in the vocabulary, instead of an error. For what a model has sampled: its
   * embedding may have more rows than its tokenizer has tokens. Off by default.
   */
  readonly allowUnknown?: boolean;
}

/** The tokenizer's files of a folder, written back as they were read. */
const FILES = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "chat_template.jinja",
  "chat_template.json",
] as const;

type FileName = typeof FILES[number];

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether the tokens of a text, joined, must give that text: nothing rewrites it on the way. */
function keepsEveryCharacter(json: TokenizerJson): boolean {
  return json.model.type === "BPE" && !json.normalizer && !json.pre_tokenizer &&
    !json.model.unk_token && !json.model.byte_fallback &&
    !json.added_tokens.some((token) => token.lstrip || token.rstrip);
}

/** A token's text in tokenizer_config.json: a string, or an object with `content`. */
function configToken(config: Record<string, unknown>, name: string): string | null {
  const value = config[name];
  if (typeof value === "string") return value;
  return isRecord(value) && typeof value.content === "string" ? value.content : null;
}

/** The ids `name` of the first of several configurations that has any. */
function configTokenIds(
  configs: readonly Record<string, unknown>[],
  name: string,
): readonly number[] {
  for (const config of configs) {
    const value = config[name];
    const ids = Array.isArray(value) ? value : [value]; // some models list several end tokens
    if (ids.length > 0 && ids.every((id) => Number.isInteger(id))) return ids;
  }
  return [];
}

/** A template of tokenizer_config.json or chat_template.json: a text, or several with names. */
function namedTemplate(value: unknown, source: string): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "string") return value;
  const named = new Map<unknown, unknown>(
    Array.isArray(value)
      ? value.filter(isRecord).map(({ name, template }) => [name, template])
      : Object.entries(value),
  );
  const template = named.get("default");
  if (typeof template === "string") return template;
  throw new Error(
    `its 'chat_template' in ${source} must be a text or have one named 'default': ` +
      `it has ${[...named.keys()].join(", ") || "none"}`,
  );
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function parseJson(path: string, text: string | undefined): Record<string, unknown> {
  if (text === undefined) return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`Cannot read '${path}' as it is not valid JSON: ${message(error)}`);
  }
  if (!isRecord(value)) throw new Error(`Cannot read '${path}' as it must hold a JSON object`);
  return value;
}

/** What a tokenizer is made of: the texts of its files, and what other files say. */
interface Parts {
  readonly files: ReadonlyMap<FileName, string>;
  readonly json: Record<string, unknown>;
  readonly config: Record<string, unknown>;
  readonly templateJson: Record<string, unknown>;
  readonly modelConfigs: readonly Record<string, unknown>[];
  readonly source: string;
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
  /** The token that opens a text, or null if the tokenizer names none. */
  readonly bosToken: string | null;
  /** The end token, or null if the tokenizer names none. */
  readonly eosToken: string | null;
  /** The padding token, or null if the tokenizer names none. */
  readonly padToken: string | null;
  /** The id of the end token, or null if the tokenizer names none. */
  readonly eosTokenId: number | null;
  /** The id of the padding token, or null if the tokenizer names none. */
  readonly padTokenId: number | null;
  /**
   * The ids that end a completion: that of the end token and all of generation_config.json's (of
   * config.json's, where that has none). Empty if nobody names any.
   */
  readonly stopTokenIds: readonly number[];
  /**
   * The text of the chat template: that of chat_template.jinja, else of tokenizer_config.json, else
   * of chat_template.json; of several with names the one named `default`. Null if there is none.
   */
  readonly chatTemplate: string | null;

  readonly #backend: Backend;
  readonly #json: TokenizerJson;
  readonly #files: ReadonlyMap<FileName, string>;
  readonly #tokens: string[] = [];
  readonly #ids: ReadonlyMap<string, number>;
  readonly #specialIds: ReadonlySet<number>;
  readonly #keepsEveryCharacter: boolean;
  readonly #missingBytes: ReadonlySet<number>;

  private constructor({ files, json, config, templateJson, modelConfigs, source }: Parts) {
    // A damaged file may hold "tokens" of any length.
    const fail = (reason: string) =>
      new Error(
        `Cannot load the tokenizer of ${source}: ${
          reason.length > 1000 ? `${reason.slice(0, 500)} [...] ${reason.slice(-500)}` : reason
        }`,
      );
    try {
      this.#json = checkTokenizerJson(json);
      this.#backend = new Backend(
        this.#json as unknown as ConstructorParameters<typeof Backend>[0],
        // Of a word-level model the library takes the unknown token from here.
        { unk_token: this.#json.model.unk_token } as ConstructorParameters<typeof Backend>[1],
      );
      this.chatTemplate = files.get("chat_template.jinja") ??
        namedTemplate(config.chat_template, "tokenizer_config.json") ??
        namedTemplate(templateJson.chat_template, "chat_template.json");
    } catch (error) {
      throw fail(message(error));
    }
    this.#files = files;
    this.#keepsEveryCharacter = keepsEveryCharacter(this.#json);
    this.#missingBytes = missingBytes(this.#json);

    const { model, added_tokens } = this.#json;
    const ids = new Map(Object.entries(model.vocab));
    for (const { content, id } of added_tokens) ids.set(content, id);
    for (const [token, id] of ids) this.#tokens[id] = token;
    this.#ids = ids;
    this.vocabSize = this.#tokens.length;
    this.#specialIds = new Set(added_tokens.filter((t) => t.special).map(({ id }) => id));

    const resolve = (name: "bos_token" | "eos_token" | "pad_token"): number | null => {
      const token = configToken(config, name);
      if (token === null) return configTokenIds(modelConfigs, `${name}_id`)[0] ?? null;
      const id = ids.get(token);
      if (id === undefined) throw fail(`'${name}' is '${token}', which is not in its vocabulary`);
      return id;
    };
    const tokenOf = (id: number | null) => id === null ? null : this.#tokens[id] ?? null;
    this.eosTokenId = resolve("eos_token");
    this.padTokenId = resolve("pad_token");
    this.bosToken = tokenOf(resolve("bos_token"));
    this.eosToken = tokenOf(this.eosTokenId);
    this.padToken = tokenOf(this.padTokenId);
    const stops = configTokenIds(modelConfigs, "eos_token_id");
    this.stopTokenIds = [
      ...new Set(this.eosTokenId === null ? stops : [this.eosTokenId, ...stops]),
    ];
  }

  /**
   * Loads `tokenizer.json` and, where present, `tokenizer_config.json` and the chat template of a
   * folder. End and padding tokens that they leave out are taken from generation_config.json, then
   * config.json. Throws with the name of what is damaged or not supported.
   */
  static async load(folder: string): Promise<Tokenizer> {
    const read = async (name: string) => {
      const path = join(folder, name);
      return [name, path, await readIfPresent(path)] as const;
    };
    const texts = await Promise.all([...FILES, "generation_config.json", "config.json"].map(read));
    if (texts[0][2] === undefined) {
      throw new Error(
        `Cannot load the tokenizer of '${folder}' as it has no tokenizer.json: ` +
          `give the folder of a model in Hugging Face's format`,
      );
    }
    const json = (name: string) => {
      const [, path, text] = texts.find((file) => file[0] === name)!;
      return parseJson(path, text);
    };
    return new Tokenizer({
      files: new Map(
        texts.flatMap(([name, , text]) =>
          text === undefined || !FILES.includes(name as FileName) ? [] : [[name as FileName, text]]
        ),
      ),
      json: json("tokenizer.json"),
      config: json("tokenizer_config.json"),
      templateJson: json("chat_template.json"),
      modelConfigs: [json("generation_config.json"), json("config.json")],
      source: `'${folder}'`,
    });
  }

  /** Makes a tokenizer of the contents of `tokenizer.json` and `tokenizer_config.json`. */
  static fromJson(tokenizerJson: object, config: object = {}): Tokenizer {
    const file = (value: object) => JSON.stringify(value, null, 2) + "\n";
    return new Tokenizer({
      files: new Map([
        ["tokenizer.json", file(tokenizerJson)],
        ["tokenizer_config.json", file(config)],
      ]),
      json: { ...tokenizerJson },
      config: { ...config },
      templateJson: {},
      modelConfigs: [],
      source: "the given JSON",
    });
  }

  /**
   * The token ids of a text. Throws if the text has a character for which the tokenizer has neither
   * a token nor an unknown token, rather than dropping it, and if it has half a surrogate pair.
   */
  encode(text: string, options: EncodeOptions = {}): number[] {
    if (text === "" && !options.addSpecialTokens) return [];
    this.#refuse(text);
    const { ids } = this.#backend.encode(text, {
      add_special_tokens: options.addSpecialTokens ?? false,
    });
    if (ids.some((id) => id === undefined)) {
      throw new Error(
        `Cannot encode ${described(text)} as it has text outside the tokenizer's vocabulary`,
      );
    }
    return ids;
  }

  /** Throws for text of which the library would lose a part. */
  #refuse(text: string): void {
    if (!text.isWellFormed()) {
      const at = [...text].findIndex((character) => !character.isWellFormed());
      throw new Error(
        `Cannot encode ${described(text)} as its character ${at} is half a surrogate pair`,
      );
    }
    if (this.#keepsEveryCharacter) this.#refuseUnknownCharacters(text);
    if (this.#missingBytes.size > 0) {
      const byte = new TextEncoder().encode(text).find((byte) => this.#missingBytes.has(byte));
      if (byte !== undefined) {
        throw new Error(
          `Cannot encode ${described(text)} as the tokenizer has no token for the byte ${byte}`,
        );
      }
    }
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
        `Cannot encode ${described(text)} as the tokenizer has no token for ` +
          `${JSON.stringify(character)} at position ${at}`,
      );
    }
  }

  /**
   * The text of token ids. Spaces are not cleaned up, whatever tokenizer_config.json says:
   * Transformers does not either for these tokenizers. Throws if an id is not in the vocabulary,
   * unless `allowUnknown` is set.
   */
  decode(ids: readonly number[], options: DecodeOptions = {}): string {
    const pieces: string[][] = [[]];
    for (const id of ids) {
      const token = this.#tokens[id];
      if (token === undefined) {
        if (options.allowUnknown) {
          pieces.push([]);
          continue;
        }
        throw new RangeError(
          `Cannot decode token ids as an id must be in the tokenizer's vocabulary of ` +
            `${this.vocabSize}: current value is ${id}`,
        );
      }
      if (!options.skipSpecialTokens || !this.#specialIds.has(id)) pieces.at(-1)!.push(token);
    }
    return pieces.map((tokens) => decodeTokens(tokens, this.#json.decoder)).join("\uFFFD");
  }

  /** The id of a token, or undefined if the vocabulary does not have it. */
  tokenToId(token: string): number | undefined {
    return this.#ids.get(token);
  }

  /** Writes the tokenizer's files, as they were read, into a folder that exists. */
  async save(folder: string): Promise<void> {
    for (const [name, text] of this.#files) await Deno.writeTextFile(join(folder, name), text);
  }
}

function described(text: string): string {
  return JSON.stringify(text.length > 60 ? text.slice(0, 60) + "…" : text);
}
