/**
 * Chat templates: Jinja templates that write a conversation as the text a model was trained on.
 *
 * The only module that knows `@huggingface/jinja`, whose parser it uses. That library's interpreter
 * is not used: it differs from Jinja2 in silence (a name set in a loop lives on into the next round,
 * what stands before a `continue` is lost, `'1' == 1`, printed lists and booleans), cannot be
 * stopped, and its `strftime_now` cannot be set. {@linkcode renderTemplate} gives what Jinja2 gives.
 */

import { Template, tokenize } from "npm:@huggingface/jinja@0.5.11";
import { checkTemplate, checkTokens, type Node } from "./template_check.ts";
import { renderTemplate } from "./template_interpreter.ts";

/** Templates in use have a few kilobytes. */
const MOST_CHARACTERS = 200_000;

function message(error: unknown): string {
  if (error instanceof RangeError && error.message.includes("call stack")) {
    return "it is nested too deeply";
  }
  return error instanceof Error ? error.message : String(error);
}

function fail(reason: string): Error {
  return new Error(`Cannot use the chat template: ${reason}`);
}

function parse(source: string): Node {
  if (source.length > MOST_CHARACTERS) {
    throw new Error(
      `it has ${source.length} characters, and at most ${MOST_CHARACTERS} can be read`,
    );
  }
  if (/\s{1000}/.test(source)) throw new Error("it has 1,000 white spaces in a row");
  if (/\\u[dD][89a-fA-F]/.test(source)) throw new Error("it has the escape of half a character");
  checkTokens(tokenize(source));
  return new Template(source).parsed as unknown as Node;
}

/** A parsed chat template. */
export class ChatTemplate {
  readonly #program: Node;

  /**
   * Throws if the text is no Jinja template, or has a construct that cannot be rendered as Jinja2
   * does; the construct is named.
   */
  constructor(source: string) {
    try {
      this.#program = parse(source.replace(/\r\n?/g, "\n"));
      checkTemplate(this.#program);
    } catch (error) {
      throw fail(message(error));
    }
  }

  /**
   * The text for these variables, on that date (for `strftime_now`). Throws if the template refuses
   * them (`raise_exception`), where Jinja2 throws, and when it has no end.
   */
  render(variables: Readonly<Record<string, unknown>>, date: Date): string {
    try {
      return renderTemplate(this.#program, variables, date);
    } catch (error) {
      throw fail(message(error));
    }
  }
}
