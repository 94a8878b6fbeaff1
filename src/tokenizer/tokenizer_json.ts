/**
 * What a tokenizer.json may have: the parts for which the ids here are those of Hugging Face's
 * `tokenizers`. Everything else is refused by name, before a wrong id is learned from.
 */

import { BYTE_CHARACTERS, type DecoderJson } from "./decoder.ts";
import { isRecord } from "../std/record.ts";

/** A token that is found in a text before anything else is done with it. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special?: boolean;
  readonly lstrip?: boolean;
  readonly rstrip?: boolean;
  readonly normalized?: boolean;
}

/** A part of a tokenizer.json: a normalizer, pre-tokenizer or post-processor. */
interface Part {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** A tokenizer.json that has been checked. */
export interface TokenizerJson {
  readonly added_tokens: readonly AddedToken[];
  readonly normalizer: Part | null;
  readonly pre_tokenizer: Part | null;
  readonly post_processor: Part | null;
  readonly decoder: DecoderJson | null;
  readonly model: {
    readonly type: "BPE" | "WordLevel";
    readonly vocab: Readonly<Record<string, number>>;
    readonly merges?: readonly (string | readonly [string, string])[];
    readonly unk_token?: string | null;
    readonly byte_fallback?: boolean;
    readonly ignore_merges?: boolean;
  };
}

/** Vocabularies in use have up to 260,000 tokens. */
const MOST_IDS = 1 << 24;

/** GPT-2's pattern, which `ByteLevel` splits by unless told not to. */
const GPT2_PATTERN =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/** What `Whitespace` holds to be part of a word; other patterns have another notion of `\w`. */
const WORD = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\u200c\\u200d";

const MODELS = ["BPE", "WordLevel"];
const NORMALIZERS = ["NFC", "NFD", "NFKC", "NFKD", "Prepend", "Replace", "Sequence"];
const PRE_TOKENIZERS = [
  ...["ByteLevel", "Digits", "Metaspace", "Sequence", "Split", "Whitespace", "WhitespaceSplit"],
];
const DECODERS = ["ByteFallback", "ByteLevel", "Fuse", "Metaspace", "Replace", "Sequence", "Strip"];
const POST_PROCESSORS = ["ByteLevel", "Sequence", "TemplateProcessing"];

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < MOST_IDS;
}

function described(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 60) ?? String(value);
}

/** A part and, of a sequence, those in it. */
function part(value: unknown, what: string, allowed: readonly string[], list?: string): Part[] {
  if (value === undefined || value === null) return [];
  if (!isRecord(value) || typeof value.type !== "string") {
    throw new Error(
      `its ${what} must be an object with a 'type': current value is ${described(value)}`,
    );
  }
  if (!allowed.includes(value.type)) {
    throw new Error(
      `its ${what} '${value.type}' is not supported: it can be ${allowed.join(", ")}`,
    );
  }
  if (value.type !== "Sequence" || list === undefined) return [value as Part];
  const parts = value[list];
  if (!Array.isArray(parts)) throw new Error(`its ${what} 'Sequence' must have a list '${list}'`);
  return parts.flatMap((inner) => {
    if (!isRecord(inner)) throw new Error(`its ${what} 'Sequence' must have a list of objects`);
    if (inner.type === "Sequence") {
      throw new Error(`its ${what} has a 'Sequence' in a 'Sequence', which is not supported`);
    }
    return part(inner, what, allowed);
  });
}

function checkVocabulary(vocab: unknown): Readonly<Record<string, number>> {
  if (!isRecord(vocab)) throw new Error("its 'model' must have a 'vocab' of tokens and ids");
  const seen = new Map<number, string>();
  for (const [token, id] of Object.entries(vocab)) {
    if (!isId(id)) {
      throw new Error(
        `the id of token ${JSON.stringify(token)} must be an integer from 0 below ${MOST_IDS}: ` +
          `current value is ${described(id)}`,
      );
    }
    if (seen.has(id)) {
      throw new Error(
        `tokens ${JSON.stringify(seen.get(id))} and ${
          JSON.stringify(token)
        } have the same id ${id}`,
      );
    }
    seen.set(id, token);
  }
  if (seen.size === 0) throw new Error("its vocabulary is empty");
  return vocab as Record<string, number>;
}

function checkMerges(merges: unknown, vocab: Readonly<Record<string, number>>): void {
  if (!Array.isArray(merges)) throw new Error("its 'model' must have a list of 'merges'");
  const style = typeof merges[0];
  for (const [i, merge] of merges.entries()) {
    const pair: unknown[] = typeof merge === "string" ? merge.split(" ") : merge;
    const isPair = typeof merge === style && Array.isArray(pair) && pair.length === 2 &&
      pair.every((token) => typeof token === "string");
    if (!isPair) {
      throw new Error(`merge ${i} must be two tokens: current value is ${described(merge)}`);
    }
    for (const token of [...pair, pair.join("")] as string[]) {
      if (!Object.hasOwn(vocab, token)) {
        throw new Error(
          `merge ${i}, ${described(merge)}, names the token ${JSON.stringify(token)}, ` +
            `which its vocabulary does not have`,
        );
      }
    }
  }
}

function checkModel(value: unknown): void {
  if (!isRecord(value)) throw new Error("its 'model' must have a 'vocab'");
  // Files of early versions name no type.
  const type = value.type ?? (Array.isArray(value.merges) ? "BPE" : undefined);
  if (type !== undefined && !MODELS.includes(type as string)) {
    throw new Error(
      `its model '${described(type).replaceAll('"', "")}' is not supported: ` +
        `it can be ${MODELS.join(", ")}`,
    );
  }
  const vocab = checkVocabulary(value.vocab);
  if (type === undefined) throw new Error("its 'model' must have a 'type'");
  const { unk_token: unknown = null } = value;
  if (unknown !== null && (typeof unknown !== "string" || !Object.hasOwn(vocab, unknown))) {
    throw new Error(`its 'unk_token' ${described(unknown)} must be in its vocabulary`);
  }
  if (type === "WordLevel") {
    if (unknown === null) throw new Error("its model 'WordLevel' must have an 'unk_token'");
    return;
  }
  checkMerges(value.merges, vocab);
  for (const name of ["dropout", "continuing_subword_prefix", "end_of_word_suffix"]) {
    if (value[name]) throw new Error(`its model has '${name}', which is not supported`);
  }
  for (const name of ["byte_fallback", "fuse_unk", "ignore_merges"]) {
    if (typeof (value[name] ?? false) !== "boolean") {
      throw new Error(
        `'${name}' must be true or false: current value is ${described(value[name])}`,
      );
    }
  }
  const hasEveryByte = Array.from(
    { length: 256 },
    (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
  ).every((token) => Object.hasOwn(vocab, token));
  if (value.byte_fallback && !hasEveryByte) {
    throw new Error("its model has 'byte_fallback' without a token for every byte");
  }
  if (value.fuse_unk && unknown !== null && !value.byte_fallback) {
    throw new Error("its model has 'fuse_unk', which is not supported without 'byte_fallback'");
  }
}

function patternOf(value: Part, what: string): { Regex: string } | { String: string } {
  const { pattern } = value;
  if (isRecord(pattern)) {
    if (typeof pattern.Regex === "string") return { Regex: pattern.Regex };
    if (typeof pattern.String === "string" && pattern.String !== "") {
      return { String: pattern.String };
    }
  }
  throw new Error(`its ${what} '${value.type}' must have a 'pattern'`);
}

function checkReplace(value: Part, what: string): void {
  const pattern = patternOf(value, what);
  if (typeof value.content !== "string") {
    throw new Error(`its ${what} 'Replace' must have 'content'`);
  }
  if (what === "decoder" && !("String" in pattern)) {
    throw new Error("its decoder 'Replace' with a regular expression is not supported");
  }
  // JavaScript would put a part of the match in its place.
  if (value.content.includes("$")) {
    throw new Error(`its ${what} 'Replace' has '$' in its content, which is not supported`);
  }
}

function split(regex: string, behavior: string, invert: boolean): Part {
  return { type: "Split", pattern: { Regex: regex }, behavior, invert };
}

/** A pre-tokenizer in words for which the library gives Hugging Face's pieces. */
function preTokenizer(value: Part, mergesInside: string | undefined): Part[] {
  switch (value.type) {
    case "ByteLevel": {
      const plain = { type: "ByteLevel", add_prefix_space: false, use_regex: false };
      if (value.use_regex === false) {
        return [{ ...plain, add_prefix_space: value.add_prefix_space }];
      }
      if (value.add_prefix_space !== false) {
        throw new Error("its pre-tokenizer 'ByteLevel' with 'add_prefix_space' is not supported");
      }
      // The library's own pattern takes JavaScript's white space for Unicode's.
      return [split(GPT2_PATTERN, "Isolated", false), plain];
    }
    case "Digits":
      return [split(value.individual_digits ? "\\p{N}" : "\\p{N}+", "Isolated", false)];
    case "Whitespace":
      return [split(`[${WORD}]+|[^${WORD}\\s]+`, "Removed", true)];
    case "WhitespaceSplit":
      return [split("\\S+", "Removed", true)];
    case "Split": {
      const pattern = patternOf(value, "pre-tokenizer");
      const behavior = String(value.behavior).toLowerCase();
      if (behavior === "isolated") return [{ ...value, pattern, invert: false }];
      if (behavior === "removed" && value.invert === true && "Regex" in pattern) return [value];
      throw new Error(
        `its pre-tokenizer 'Split' with the behavior ${described(value.behavior)} is not supported`,
      );
    }
    default: // Metaspace
      if (value.split !== false && mergesInside !== undefined) {
        // The library does not split at the mark, and would join what Hugging Face keeps apart.
        throw new Error(
          `its pre-tokenizer 'Metaspace' splits words, but its vocabulary has ` +
            JSON.stringify(mergesInside),
        );
      }
      return [value];
  }
}

function checkDecoder(value: Part): void {
  if (value.type === "Replace") checkReplace(value, "decoder");
  if (value.type === "Strip") {
    const { content, start, stop } = value;
    if (typeof content !== "string" || ![start, stop].every(isId)) {
      throw new Error("its decoder 'Strip' must have 'content', 'start' and 'stop'");
    }
  }
}

function checkTemplateProcessing(value: Part): void {
  const { single, special_tokens } = value;
  const isItem = (item: unknown) =>
    isRecord(item) && (isRecord(item.Sequence) ||
      (isRecord(item.SpecialToken) && typeof item.SpecialToken.id === "string"));
  if (!Array.isArray(single) || !single.every(isItem) || !isRecord(special_tokens)) {
    throw new Error(
      "its post-processor 'TemplateProcessing' must have 'single' and 'special_tokens'",
    );
  }
  for (const [name, token] of Object.entries(special_tokens)) {
    if (!isRecord(token) || !Array.isArray(token.tokens) || token.tokens.join() !== name) {
      throw new Error(
        `its post-processor writes '${name}' as other tokens, which is not supported`,
      );
    }
  }
}

/** Whether a normalizer would rewrite this text, as far as can be seen. */
function rewrites({ type, prepend, pattern }: Part, text: string): boolean {
  switch (type) {
    case "Prepend":
      return prepend !== "";
    case "Replace": {
      const { String: literal } = pattern as { String?: string };
      return literal === undefined || text.includes(literal);
    }
    default: // a Unicode form
      return text.normalize(type) !== text;
  }
}

function checkAddedTokens(
  value: unknown,
  vocab: Readonly<Record<string, number>>,
  normalizers: readonly Part[],
): void {
  if (!Array.isArray(value)) throw new Error("its 'added_tokens' must be a list");
  const contents = new Set<string>();
  const used = new Set(Object.values(vocab));
  let next = used.size;
  for (const token of value) {
    if (!isRecord(token) || typeof token.content !== "string" || token.content === "") {
      throw new Error(`an added token must have 'content': current value is ${described(token)}`);
    }
    const { id, content, single_word, normalized } = token;
    const isKnown = Object.hasOwn(vocab, content);
    // Hugging Face's library numbers added tokens itself, so an id with a hole before it would be
    // one id there and another here.
    const expected = isKnown ? vocab[content] : next++;
    if (id !== expected) {
      throw new Error(
        `added token '${content}' must have id ${expected}, with no hole before it: ` +
          `current value is ${described(id)}`,
      );
    }
    if (contents.has(content)) throw new Error(`added token '${content}' stands there twice`);
    if (!isKnown && used.has(id)) {
      throw new Error(`added token '${content}' has another's id ${id}`);
    }
    contents.add(content);
    // Hugging Face's library then looks for another text, and no longer takes it for special.
    if (normalized !== false && normalizers.some((part) => rewrites(part, content))) {
      throw new Error(
        `added token '${content}' is 'normalized' and its normalizer changes it, ` +
          `which is not supported`,
      );
    }
    if (single_word) {
      throw new Error(`added token '${content}' has 'single_word', which is not supported`);
    }
  }
}

/**
 * Checks a tokenizer.json. Throws with a sentence that names what is wrong or not supported.
 *
 * @returns The same tokenizer, in words for which `@huggingface/tokenizers` gives Hugging Face's ids.
 */
export function checkTokenizerJson(json: Readonly<Record<string, unknown>>): TokenizerJson {
  checkModel(json.model);
  const model = json.model as TokenizerJson["model"];
  const normalizers = part(json.normalizer, "normalizer", NORMALIZERS, "normalizers");
  for (const value of normalizers) {
    if (value.type === "Replace") checkReplace(value, "normalizer");
    if (value.type === "Prepend" && typeof value.prepend !== "string") {
      throw new Error("its normalizer 'Prepend' must have 'prepend'");
    }
  }
  const added = json.added_tokens ?? [];
  checkAddedTokens(added, model.vocab, normalizers);
  const preTokenizers = part(json.pre_tokenizer, "pre-tokenizer", PRE_TOKENIZERS, "pretokenizers");
  const metaspace = preTokenizers.find(({ type }) => type === "Metaspace");
  let mergesInside: string | undefined;
  if (metaspace !== undefined) {
    const mark = String(metaspace.replacement ?? "\u2581");
    mergesInside = Object.keys(model.vocab).find((token) => token.indexOf(mark, 1) > 0);
  }
  for (const value of part(json.decoder, "decoder", DECODERS, "decoders")) checkDecoder(value);
  for (const value of part(json.post_processor, "post-processor", POST_PROCESSORS, "processors")) {
    if (value.type === "TemplateProcessing") checkTemplateProcessing(value);
  }
  const isByteLevel = preTokenizers.some(({ type }) => type === "ByteLevel");
  if (
    model.merges !== undefined && !model.unk_token && !model.byte_fallback && !isByteLevel &&
    normalizers.length + preTokenizers.length > 0
  ) {
    throw new Error(
      "its model has neither an unknown token nor tokens for bytes: it would drop characters",
    );
  }
  const pieces = preTokenizers.flatMap((value) => preTokenizer(value, mergesInside));
  return {
    added_tokens: added as AddedToken[],
    normalizer: json.normalizer as Part ?? null,
    pre_tokenizer: pieces.length === 0 ? null : { type: "Sequence", pretokenizers: pieces },
    post_processor: json.post_processor as Part ?? null,
    decoder: json.decoder as DecoderJson ?? null,
    model: { ...model, type: model.type ?? "BPE" },
  };
}

/** The bytes that a byte-level tokenizer has no token for: it would drop them in silence. */
export function missingBytes({ model, pre_tokenizer }: TokenizerJson): ReadonlySet<number> {
  const parts = (pre_tokenizer?.pretokenizers ?? []) as Part[];
  if (model.unk_token || !parts.some(({ type }) => type === "ByteLevel")) return new Set();
  return new Set(
    BYTE_CHARACTERS.flatMap((character, byte) =>
      Object.hasOwn(model.vocab, character) ? [] : [byte]
    ),
  );
}
