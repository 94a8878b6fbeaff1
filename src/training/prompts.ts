/** The prompts of a run, as its config asks for them. */
import { PromptFormat } from "../tokenizer/prompt_format.ts";
import { CODE_SYSTEM_PROMPT, REASONING_SYSTEM_PROMPT } from "../tokenizer/system_prompts.ts";
import { type Tokenizer } from "../tokenizer/tokenizer.ts";
import { type Config, ConfigError } from "./config.ts";

/** How the questions of a config become prompts. */
export async function promptFormat(
  { data }: Pick<Config, "data">,
  tokenizer: Tokenizer,
): Promise<PromptFormat> {
  const { chat_template: template, system_prompt: system } = data;
  let chatTemplate = template;
  if (template !== "auto" && template !== "none") {
    try {
      chatTemplate = await Deno.readTextFile(template);
    } catch (error) {
      throw new ConfigError([
        `'data.chat_template' must be auto, none or the path of a Jinja file: '${template}' cannot be read ` +
        `(${(error as Error).message})`,
      ]);
    }
  }
  const systemPrompt = system === "reasoning"
    ? REASONING_SYSTEM_PROMPT
    : system === "coding"
    ? CODE_SYSTEM_PROMPT
    : system;
  return await PromptFormat.create(tokenizer, {
    systemPrompt,
    chatTemplate,
    templateKwargs: data.chat_template_kwargs,
  });
}
