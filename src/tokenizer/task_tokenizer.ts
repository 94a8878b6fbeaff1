/** The tokenizer of a built-in task: its whole vocabulary is a list. */

import { Tokenizer } from "./tokenizer.ts";

/** Tokens that are no part of the text, in every task: left out when decoding with `skipSpecialTokens`. */
export const SPECIAL_TOKENS: readonly string[] = ["<pad>", "<eos>"];

/**
 * The contents of a task's `tokenizer.json`, in the format of Hugging Face's `tokenizers`: a BPE without merges, so that
 * every character stays a token, with the longer tokens as added ones.
 *
 * @param vocabulary Every token in the order of its id.
 */
export function taskTokenizerJson(vocabulary: readonly string[]): object {
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: vocabulary.flatMap((content, id) =>
      content.length === 1 ? [] : [{
        id,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: SPECIAL_TOKENS.includes(content),
      }]
    ),
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
      vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
      merges: [],
    },
  };
}

/** The tokenizer of such a vocabulary. It needs no files. */
export function taskTokenizer(vocabulary: readonly string[]): Tokenizer {
  return Tokenizer.fromJson(taskTokenizerJson(vocabulary), {
    tokenizer_class: "PreTrainedTokenizerFast",
    eos_token: "<eos>",
    pad_token: "<pad>",
    clean_up_tokenization_spaces: false,
  });
}
