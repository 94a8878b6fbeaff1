/** How a question becomes the text that a model is asked: by its chat template, or as it is. */

import { ChatTemplate } from "./chat_template.ts";
import { type Tokenizer } from "./tokenizer.ts";

/** Options of {@linkcode PromptFormat.create}. */
export interface PromptFormatOptions {
  /** Says how to answer, before the question. Null for none. */
  readonly systemPrompt: string | null;
  /** The tokenizer's own template (`auto`), none, or the text of a Jinja template. */
  readonly chatTemplate: "auto" | "none" | string;
  /** Further variables of the template, such as `enable_thinking`. */
  readonly templateKwargs: Readonly<Record<string, unknown>>;
}

/** Stands in for a question where a template is tried out. */
const PROBE = "How many legs have 3 spiders and 2 ants?";

/** Variables that Transformers sets itself. */
const OWN_VARIABLES = ["messages", "add_generation_prompt", "tools", "documents"];

interface Message {
  readonly role: "system" | "user";
  readonly content: string;
}

function plainText(systemPrompt: string | null, question: string): string {
  return systemPrompt === null ? question : `${systemPrompt}\n\n${question}`;
}

/**
 * Writes a question as the text of a prompt, as Transformers' `apply_chat_template` does with
 * `add_generation_prompt`. Encode it without adding special tokens: a template writes its own.
 *
 * ```ts ignore
 * const format = await PromptFormat.create(tokenizer, {
 *   systemPrompt: REASONING_SYSTEM_PROMPT,
 *   chatTemplate: "auto",
 *   templateKwargs: { enable_thinking: true },
 * });
 * const promptIds = tokenizer.encode(format.render("What is 2 + 2?"));
 * ```
 */
export class PromptFormat {
  /** Whether a rendered prompt ends inside a `<think>` that the template opened. */
  readonly opensThink: boolean;
  /** What a user should be told before a night is spent on it. */
  readonly notes: readonly string[];

  readonly #template: ChatTemplate | null;
  readonly #systemPrompt: string | null;
  readonly #variables: Readonly<Record<string, unknown>>;
  readonly #hasSystemRole: boolean;
  readonly #date = new Date(); // one date for all prompts of a run

  private constructor(
    template: ChatTemplate | null,
    systemPrompt: string | null,
    variables: Readonly<Record<string, unknown>>,
    notes: string[],
  ) {
    this.#template = template;
    this.#systemPrompt = systemPrompt;
    this.#variables = variables;
    this.#hasSystemRole = template !== null && systemPrompt !== null &&
      this.#writesSystemPrompt(systemPrompt);
    if (template !== null && systemPrompt !== null && !this.#hasSystemRole) {
      notes.push(
        "The chat template has no system role: the system prompt stands before the question.",
      );
    }
    const rendered = this.render(PROBE);
    const at = rendered.lastIndexOf(PROBE);
    if (at < 0) throw new Error("Cannot use the chat template: it leaves the question out");
    const end = rendered.slice(at + PROBE.length);
    this.opensThink = end.lastIndexOf("<think>") > end.lastIndexOf("</think>");
    if (this.opensThink) {
      notes.push("The chat template opens <think> itself: completions go on inside it.");
    } else if (end.includes("<think>")) {
      notes.push(
        "The chat template writes an empty <think></think> itself, so that the model answers " +
          "without reasoning: 'enable_thinking' in the template's variables may turn that off.",
      );
    }
    if (template !== null) {
      const messages = this.#messages(PROBE);
      if (template.render(this.#all(messages, false), this.#date) === rendered) {
        notes.push(
          "The chat template has no generation prompt: completions follow the question directly.",
        );
      }
      if (template.render(this.#all(messages, true), new Date(0)) !== rendered) {
        notes.push(
          "The chat template writes today's date, so a run resumed on another day has other " +
            "prompts: give 'date_string' in the template's variables.",
        );
      }
    }
    this.notes = notes;
  }

  /**
   * Throws if the template has what cannot be rendered as Transformers would, refuses a question,
   * or has no end: each is named.
   */
  // deno-lint-ignore require-await
  static async create(tokenizer: Tokenizer, options: PromptFormatOptions): Promise<PromptFormat> {
    const { systemPrompt, chatTemplate, templateKwargs } = options;
    for (const name of OWN_VARIABLES) {
      if (Object.hasOwn(templateKwargs, name)) {
        throw new Error(`Cannot set the chat template's variable '${name}': it is set for you`);
      }
    }
    const notes: string[] = [];
    const source = chatTemplate === "auto"
      ? tokenizer.chatTemplate
      : chatTemplate === "none"
      ? null
      : chatTemplate;
    if (source === null && chatTemplate === "auto") {
      notes.push("The tokenizer has no chat template: the model is given the question as it is.");
    }
    const special = Object.entries({
      bos_token: tokenizer.bosToken,
      eos_token: tokenizer.eosToken,
      pad_token: tokenizer.padToken,
    }).filter(([, token]) => token !== null);
    return new PromptFormat(
      source === null ? null : new ChatTemplate(source),
      systemPrompt === "" ? null : systemPrompt,
      { ...Object.fromEntries(special), ...templateKwargs },
      notes,
    );
  }

  /** The text of the prompt for a question. */
  render(question: string): string {
    if (this.#template === null) return plainText(this.#systemPrompt, question);
    return this.#template.render(this.#all(this.#messages(question), true), this.#date);
  }

  #messages(question: string): Message[] {
    if (this.#systemPrompt === null || this.#hasSystemRole) {
      const user: Message = { role: "user", content: question };
      return this.#systemPrompt === null
        ? [user]
        : [{ role: "system", content: this.#systemPrompt }, user];
    }
    return [{ role: "user", content: plainText(this.#systemPrompt, question) }];
  }

  #all(messages: readonly Message[], generationPrompt: boolean): Record<string, unknown> {
    return {
      messages,
      add_generation_prompt: generationPrompt,
      tools: null,
      documents: null,
      ...this.#variables,
    };
  }

  /** Whether the template writes a system message; one that refuses them does not. */
  #writesSystemPrompt(content: string): boolean {
    const user: Message = { role: "user", content: PROBE };
    const messages: Message[] = [{ role: "system", content }, user];
    try {
      const rendered = this.#template!.render(this.#all(messages, true), this.#date);
      return rendered.includes(content.trim());
    } catch {
      return false; // a fault that is not the system message's is thrown by the next rendering
    }
  }
}
