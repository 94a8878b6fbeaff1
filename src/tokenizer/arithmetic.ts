/** The tokenizer of the built-in arithmetic task: 24 tokens, one a tag and one a character. */

import { ARITHMETIC_VOCABULARY } from "../data/arithmetic.ts";
import { taskTokenizer, taskTokenizerJson } from "./task_tokenizer.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** The contents of the task's `tokenizer.json`, in the format of Hugging Face's `tokenizers`. */
export function arithmeticTokenizerJson(): object {
  return taskTokenizerJson(ARITHMETIC_VOCABULARY);
}

/** The tokenizer of the built-in arithmetic task. It needs no files. */
export function arithmeticTokenizer(): Tokenizer {
  return taskTokenizer(ARITHMETIC_VOCABULARY);
}
