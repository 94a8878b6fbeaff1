/** The tokenizer of the built-in programming task: a token a tag, a word of the task or of Python, else a character. */

import { PROGRAMMING_WORDS } from "../data/programming.ts";
import { SPECIAL_TOKENS, taskTokenizer, taskTokenizerJson } from "./task_tokenizer.ts";
import type { Tokenizer } from "./tokenizer.ts";

const TAGS = ["<think>", "</think>", "<answer>", "</answer>", "```python\n", "```"];
/** What the task's programs are made of beside its words. Where several tokens fit, the longest is taken. */
const PYTHON = [
  ...["print", "input", "split", "int", "map", "()"],
  ...["[(", "*v+", "*x+", ")%10", " for v in x[", ":]]", "x[", ":len(x)-", "[::-1]", ".swapcase()"],
];

/** Every token of the task in the order of its id: any ASCII text that is to be printed can be written. */
export const PROGRAMMING_VOCABULARY: readonly string[] = [
  ...SPECIAL_TOKENS,
  ...TAGS,
  ...PROGRAMMING_WORDS,
  ...PYTHON,
  "\n",
  ...Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)),
];

/** The contents of the task's `tokenizer.json`, in the format of Hugging Face's `tokenizers`. */
export function programmingTokenizerJson(): object {
  return taskTokenizerJson(PROGRAMMING_VOCABULARY);
}

/** The tokenizer of the built-in programming task. It needs no files. */
export function programmingTokenizer(): Tokenizer {
  return taskTokenizer(PROGRAMMING_VOCABULARY);
}
