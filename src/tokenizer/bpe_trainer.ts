/** Trains a byte-level BPE tokenizer (Sennrich et al. 2016, over bytes as in GPT-2) on texts. */

import { BYTE_CHARACTERS } from "./decoder.ts";

/** Options of {@linkcode trainBpe}. */
export interface BpeOptions {
  /** How many ids at most: bytes, merged tokens, special tokens and tags together. */
  readonly vocabSize: number;
  /** Further special tokens. */
  readonly specialTokens?: readonly string[];
  /** Called now and then with the merges made and those to make. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** A trained tokenizer, as its two files. */
export interface TrainedBpe {
  /** The contents of `tokenizer.json`. */
  readonly tokenizerJson: object;
  /** The contents of `tokenizer_config.json`, with a chat template. */
  readonly tokenizerConfig: object;
}

const SPECIAL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

/** A token each, but text like any other: rewards look for them. */
const TAGS = ["<think>", "</think>", "<answer>", "</answer>"];

/** How Qwen2 splits a text before it is tokenised: merged tokens never cross these pieces. */
const PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*" +
  "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** {@linkcode PATTERN} in JavaScript, whose `\s` is not Unicode's white space. */
const pieces = new RegExp(
  PATTERN
    .replace("(?i:'s|'t|'re|'ve|'m|'ll|'d)", "'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])")
    .replaceAll("[^\\s", "[^\\p{White_Space}")
    .replaceAll("\\S", "\\P{White_Space}")
    .replaceAll("\\s", "\\p{White_Space}"),
  "gu",
);

/** Pieces above this many bytes (runs of symbols, encoded files) are not learned from. */
const LONGEST_PIECE = 256;

const CHAT_TEMPLATE = "{%- for message in messages %}" +
  "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}" +
  "{%- endfor %}" +
  "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}";

/** A pair of adjacent tokens as one number; ids stay below 2^24. */
const pairKey = (left: number, right: number) => left * 2 ** 24 + right;

interface Candidate {
  readonly count: number;
  readonly key: number;
}

/** Most frequent pair first; of equals the one with the smaller ids, so that training repeats. */
function isBefore(a: Candidate, b: Candidate): boolean {
  return a.count > b.count || (a.count === b.count && a.key < b.key);
}

class Heap {
  readonly #items: Candidate[] = [];

  push(item: Candidate): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(item, items[parent])) break;
      items[at] = items[parent];
      at = parent;
    }
    items[at] = item;
  }

  pop(): Candidate | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && isBefore(items[child + 1], items[child])) child++;
      if (!isBefore(items[child], last)) break;
      items[at] = items[child];
      at = child;
    }
    items[at] = last;
    return top;
  }
}

/** Each piece of the texts with how often it stands there. */
function countPieces(texts: Iterable<string>, tokens: readonly string[]): Map<string, number> {
  const escaped = tokens.map((token) => token.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  const anyToken = new RegExp(escaped.join("|"), "u");
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const part of text.split(anyToken)) {
      for (const [piece] of part.matchAll(pieces)) {
        if (piece.length <= LONGEST_PIECE) counts.set(piece, (counts.get(piece) ?? 0) + 1);
      }
    }
  }
  return counts;
}

/** Pieces as tokens, and the counts of their pairs, kept up to date from merge to merge. */
class Corpus {
  readonly #words: number[][] = [];
  readonly #counts: number[] = [];
  readonly #pairs = new Map<number, { count: number; words: Set<number> }>();
  readonly #heap = new Heap();

  constructor(pieces: ReadonlyMap<string, number>, idOf: (byte: number) => number) {
    const encoder = new TextEncoder();
    for (const [piece, count] of pieces) {
      const word = Array.from(encoder.encode(piece), idOf);
      const index = this.#words.push(word) - 1;
      this.#counts.push(count);
      for (let i = 1; i < word.length; i++) this.#add(pairKey(word[i - 1], word[i]), index, count);
    }
    for (const [key, { count }] of this.#pairs) this.#heap.push({ count, key });
  }

  #add(key: number, word: number, count: number): void {
    const pair = this.#pairs.get(key);
    if (pair === undefined) {
      this.#pairs.set(key, { count, words: new Set([word]) });
    } else {
      pair.count += count;
      pair.words.add(word);
    }
  }

  /** The most frequent pair that stands there twice or more. */
  next(): [left: number, right: number] | undefined {
    for (let top = this.#heap.pop(); top !== undefined; top = this.#heap.pop()) {
      const count = this.#pairs.get(top.key)?.count ?? 0;
      if (count < 2) continue;
      if (count !== top.count) {
        this.#heap.push({ count, key: top.key }); // it was counted before other merges
        continue;
      }
      return [Math.floor(top.key / 2 ** 24), top.key % 2 ** 24];
    }
    return undefined;
  }

  merge(left: number, right: number, id: number): void {
    const key = pairKey(left, right);
    const { words } = this.#pairs.get(key)!;
    const grown = new Set<number>();
    for (const index of words) {
      const word = this.#words[index];
      const count = this.#counts[index];
      const merged: number[] = [];
      for (let i = 0; i < word.length; i++) {
        if (word[i] === left && word[i + 1] === right) {
          merged.push(id);
          i++;
        } else {
          merged.push(word[i]);
        }
      }
      for (let i = 1; i < word.length; i++) {
        this.#pairs.get(pairKey(word[i - 1], word[i]))!.count -= count;
      }
      for (let i = 1; i < merged.length; i++) {
        const pair = pairKey(merged[i - 1], merged[i]);
        this.#add(pair, index, count);
        if (merged[i - 1] === id || merged[i] === id) grown.add(pair);
      }
      this.#words[index] = merged;
    }
    this.#pairs.delete(key);
    for (const pair of grown) this.#heap.push({ count: this.#pairs.get(pair)!.count, key: pair });
  }
}

/**
 * Trains a byte-level BPE tokenizer: any text can be encoded, and decoding gives it back. Pieces are
 * split as Qwen2 does; `<think>`, `</think>`, `<answer>` and `</answer>` are a token each. The
 * configuration has a chat template with system, user and assistant turns, `<|im_end|>` as end and
 * `<|endoftext|>` as padding token. The same texts give the same tokenizer.
 *
 * ```ts ignore
 * const { tokenizerJson, tokenizerConfig } = trainBpe(texts, { vocabSize: 4096 });
 * const tokenizer = Tokenizer.fromJson(tokenizerJson, tokenizerConfig);
 * ```
 *
 * @returns The two files. Fewer ids than asked for if the texts repeat too little.
 */
export function trainBpe(texts: Iterable<string>, options: BpeOptions): TrainedBpe {
  const { vocabSize, specialTokens = [], onProgress } = options;
  const special = [...new Set([...SPECIAL_TOKENS, ...specialTokens])];
  if (special.includes("")) throw new Error("Cannot train a tokenizer with an empty special token");
  const added = [...new Set([...special, ...TAGS])];
  const least = BYTE_CHARACTERS.length + added.length;
  if (!Number.isInteger(vocabSize) || vocabSize < least || vocabSize >= 2 ** 24) {
    throw new Error(
      `Cannot train a tokenizer as 'vocabSize' must be an integer from ${least} (the bytes and ` +
        `the special tokens) below ${2 ** 24}: current value is ${vocabSize}`,
    );
  }

  // As Hugging Face's trainer numbers them: by the code points of the characters for bytes.
  const alphabet = [...BYTE_CHARACTERS].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
  const vocab = new Map(alphabet.map((character, id) => [character, id]));
  const tokens = [...alphabet];
  const corpus = new Corpus(
    countPieces(texts, added),
    (byte) => vocab.get(BYTE_CHARACTERS[byte])!,
  );
  const merges: [string, string][] = [];
  const total = vocabSize - least;
  while (vocab.size < vocabSize - added.length) {
    if (merges.length % 256 === 0) onProgress?.(vocab.size - alphabet.length, total);
    const pair = corpus.next();
    if (pair === undefined) break;
    const [left, right] = pair.map((id) => tokens[id]);
    const token = left + right;
    let id = vocab.get(token); // two ways of merging can give one token
    if (id === undefined) {
      id = tokens.push(token) - 1;
      vocab.set(token, id);
    }
    merges.push([left, right]);
    corpus.merge(pair[0], pair[1], id);
  }
  onProgress?.(vocab.size - alphabet.length, total);

  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: false };
  return {
    tokenizerJson: {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: added.map((content, i) => ({
        id: vocab.size + i,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: special.includes(content),
      })),
      normalizer: null,
      pre_tokenizer: {
        type: "Sequence",
        pretokenizers: [
          { type: "Split", pattern: { Regex: PATTERN }, behavior: "Isolated", invert: false },
          { ...byteLevel, use_regex: false },
        ],
      },
      post_processor: null,
      decoder: { ...byteLevel, use_regex: false },
      model: {
        type: "BPE",
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: false,
        vocab: Object.fromEntries(vocab),
        merges,
      },
    },
    tokenizerConfig: {
      tokenizer_class: "PreTrainedTokenizerFast",
      eos_token: "<|im_end|>",
      pad_token: "<|endoftext|>",
      clean_up_tokenization_spaces: false,
      model_max_length: 131072,
      chat_template: CHAT_TEMPLATE,
    },
  };
}
