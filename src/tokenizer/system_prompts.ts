/** System prompts that ask for the tags which the format and tag-count rewards look for. */

/**
 * Asks for reasoning in `<think>` and the answer in `<answer>`: the prompt of Guide-GRPO
 * (arXiv 2506.13923, Appendix H), without its `User:` and `Assistant:`, which a chat template
 * writes. The G²RPO-A paper prints no prompt; its rewards (Appendix B) look for these four tags.
 */
export const REASONING_SYSTEM_PROMPT: string =
  "A conversation between user and assistant. The user asks a question, and the assistant solves it. " +
  "The assistant first thinks about the reasoning process in the mind and then provides the user " +
  "with the answer. The reasoning process and answer are enclosed within <think> </think> and " +
  "<answer> </answer> tags, respectively, i.e., <think> reasoning process here </think> " +
  "<answer> answer here </answer>.";

/**
 * {@linkcode REASONING_SYSTEM_PROMPT} for programming problems: the answer is a fenced block of
 * Python, as the code format reward wants it (G²RPO-A, Appendix B.3). The last sentence is ours.
 */
export const CODE_SYSTEM_PROMPT: string = REASONING_SYSTEM_PROMPT +
  " The answer is one complete Python program in a fenced block, i.e., <answer>\n```python\n" +
  "program here\n```\n</answer>.";
