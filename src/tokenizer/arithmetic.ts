/** The tokenizer of the built-in arithmetic task: 24 tokens, one a tag and one a character. */

import { ARITHMETIC_VOCABULARY } from "../data/arithmetic.ts";
import { Tokenizer } from "./tokenizer.ts";

/** Tokens that are no part of the text: left out when decoding with `skipSpecialTokens`. */
const SPECIAL_TOKENS = ["<pad>", "<eos>"];

/**
 * The contents of the task's `tokenizer.json`, in the format of Hugging Face's `tokenizers`:
 * a BPE without merges, so that every character stays a token, with the tags as added tokens.
 */
export function arithmeticTokenizerJson(): object {
  const tags = ARITHMETIC_VOCABULARY.filter((token) => token.length > 1);
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: tags.map((content) => ({
      id: ARITHMETIC_VOCABULARY.indexOf(content),
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: SPECIAL_TOKENS.includes(content),
    })),
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: { type: "Fuse" },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(ARITHMETIC_VOCABULARY.map((token, id) => [token, id])),
      merges: [],
    },
  };
}

/** The tokenizer of the built-in arithmetic task. It needs no files. */
export function arithmeticTokenizer(): Tokenizer {
  return Tokenizer.fromJson(arithmeticTokenizerJson(), {
    tokenizer_class: "PreTrainedTokenizerFast",
    eos_token: "<eos>",
    pad_token: "<pad>",
    clean_up_tokenization_spaces: false,
  });
}
