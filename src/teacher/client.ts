/** Asks a server that speaks the OpenAI API for chat completions. */

import OpenAI, { APIConnectionError, APIError } from "npm:openai@7.55.0";
import {
  type Teacher,
  type TeacherMessage,
  type TeacherReply,
  TeacherRequestError,
  TeacherUnavailableError,
  type TokenUsage,
} from "./teacher.ts";
import { isRecord } from "../std/record.ts";

/** Options of {@linkcode OpenAiTeacher}. Times are in milliseconds. */
export interface OpenAiTeacherOptions {
  /** Where the API is, up to and with `/v1`, such as `http://localhost:8000/v1`. */
  readonly baseUrl: string;
  /** The model's name on that server. */
  readonly model: string;
  /** Sent as a bearer token and never written anywhere. Default: none is sent. */
  readonly apiKey?: string;
  /** Sampling temperature. Default: the server's. */
  readonly temperature?: number;
  /** The most tokens of a completion. Default: the server's. */
  readonly maxTokens?: number;
  /** How long one request may take in all. Default: 600,000. */
  readonly timeout?: number;
  /** How often a request is repeated after a failure that may pass. Default: 6. */
  readonly retries?: number;
  /** The wait before the first repeat; it doubles with each. Default: 1,000. */
  readonly backoff?: number;
  /** The longest such wait. Default: 60,000. */
  readonly maxBackoff?: number;
  /** A server that asks (`Retry-After`) for a longer wait than this ends the work. Default: 600,000. */
  readonly maxRetryAfter?: number;
  /** The most bytes of one response. Default: 64 MiB. */
  readonly maxResponseBytes?: number;
  /** A random number from 0 to 1 for the jitter of waits. Default: `Math.random`. */
  readonly random?: () => number;
}

/** A failure of one try. */
interface Failure {
  readonly message: string;
  readonly kind: "passing" | "request" | "fatal";
  /** Milliseconds that the server asked to wait. */
  readonly wait?: number;
}

class Failed extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

/** A timer for longer would end at once. */
const longestTimer = 2 ** 31 - 1;

const passing = (message: string) => new Failed({ message, kind: "passing" });

/** What some servers do not take; found out by being refused. */
interface Dialect {
  usageInStream: boolean;
  maxTokens: "max_tokens" | "max_completion_tokens";
}

/**
 * A teacher model on a server.
 *
 * Completions are streamed, so that no proxy takes a long reasoning for a dead connection; one that ends without its
 * `finish_reason` was cut and is asked for again. Failures that may pass (429, 408, 409, 500 and above, lost
 * connections, time-outs, malformed answers) are repeated with waits that double, with jitter; a `Retry-After` is
 * honoured and holds back every other request too.
 */
export class OpenAiTeacher implements Teacher {
  readonly #client: OpenAI;
  readonly #options: Required<Omit<OpenAiTeacherOptions, "apiKey" | "temperature" | "maxTokens">>;
  readonly #temperature: number | undefined;
  readonly #maxTokens: number | undefined;
  readonly #key: string;
  readonly #dialect: Dialect = { usageInStream: true, maxTokens: "max_tokens" };
  #quietUntil = 0;
  #retries = 0;

  /** Connects at the first request. Throws if the base URL is none or holds a password, or the key cannot be sent. */
  constructor(options: OpenAiTeacherOptions) {
    checkBaseUrl(options.baseUrl);
    this.#options = {
      timeout: 600_000,
      retries: 6,
      backoff: 1000,
      maxBackoff: 60_000,
      maxRetryAfter: 600_000,
      maxResponseBytes: 64 * 2 ** 20,
      random: Math.random,
      ...options,
    };
    this.#temperature = options.temperature;
    this.#maxTokens = options.maxTokens;
    this.#key = checkedKey(options.apiKey ?? "");
    this.#client = new OpenAI({
      baseURL: options.baseUrl,
      apiKey: this.#key || "none",
      adminAPIKey: null,
      defaultHeaders: this.#key === "" ? { authorization: null } : {},
      maxRetries: 0, // ours also repeat what breaks in the middle of a stream
      timeout: longestTimer, // ours also covers the body
      logLevel: "off",
      // A redirect could carry the key to another host.
      fetch: async (url, init) =>
        bounded(
          await fetch(url, { ...init, redirect: "manual" }),
          this.#options.maxResponseBytes,
        ),
    });
  }

  /** The model's name. */
  get model(): string {
    return this.#options.model;
  }

  /** How many requests were repeated until now. */
  get retries(): number {
    return this.#retries;
  }

  /**
   * One completion of a conversation.
   *
   * @param signal Drops the request: the promise is then rejected with the signal's reason.
   * @throws {TeacherRequestError} If this request failed for good.
   * @throws {TeacherUnavailableError} If no request can succeed.
   */
  async ask(messages: readonly TeacherMessage[], signal?: AbortSignal): Promise<TeacherReply> {
    const { retries, backoff, maxBackoff, maxRetryAfter, random } = this.#options;
    for (let attempt = 0;; attempt++) {
      await this.#quiet(signal);
      let failure: Failure;
      try {
        return await this.#once(messages, signal);
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof Failed)) throw error;
        failure = { ...error.failure, message: this.#shown(error.failure.message) };
      }
      if (failure.kind === "fatal") throw new TeacherUnavailableError(failure.message);
      if (failure.kind === "request") throw new TeacherRequestError(failure.message);
      if (failure.wait !== undefined && failure.wait > maxRetryAfter) {
        throw new TeacherUnavailableError(
          `${failure.message}; the server asks to wait ${Math.ceil(failure.wait / 1000)} s`,
        );
      }
      if (attempt >= retries) {
        const times = attempt === 0 ? "" : ` (tried ${attempt + 1} times)`;
        throw new TeacherRequestError(`${failure.message}${times}`);
      }
      this.#retries++;
      if (failure.wait !== undefined) {
        this.#quietUntil = Math.max(this.#quietUntil, performance.now() + failure.wait);
      }
      // Half of the wait is random, so that requests that failed together do not come back together.
      const wait = Math.min(maxBackoff, backoff * 2 ** attempt) * (0.5 + 0.5 * random());
      await sleep(Math.max(wait, failure.wait ?? 0), signal);
    }
  }

  /** Waits while the server has asked for silence. */
  async #quiet(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    for (;;) {
      const left = this.#quietUntil - performance.now();
      if (left <= 0) return;
      await sleep(left, signal);
    }
  }

  async #once(
    messages: readonly TeacherMessage[],
    signal: AbortSignal | undefined,
  ): Promise<TeacherReply> {
    const { timeout, model } = this.#options;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), Math.min(timeout, longestTimer));
    const either = signal === undefined ? late.signal : AbortSignal.any([late.signal, signal]);
    const dialect = { ...this.#dialect }; // another request may find out more meanwhile
    try {
      const { data: stream, response } = await this.#client.chat.completions.create({
        model,
        messages: [...messages],
        stream: true,
        ...(dialect.usageInStream ? { stream_options: { include_usage: true } } : {}),
        ...(this.#temperature === undefined ? {} : { temperature: this.#temperature }),
        ...(this.#maxTokens === undefined ? {} : { [dialect.maxTokens]: this.#maxTokens }),
      }, { signal: either }).withResponse();
      const type = response.headers.get("content-type") ?? "none";
      if (!type.includes("text/event-stream")) {
        await response.body?.cancel();
        throw passing(`the server sent no stream but content of type ${type}`);
      }
      return await collect(stream as AsyncIterable<unknown>);
    } catch (error) {
      signal?.throwIfAborted();
      if (late.signal.aborted) throw passing(`no whole answer within ${timeout / 1000} s`);
      if (error instanceof APIError && this.#adapt(error, dialect)) {
        return await this.#once(messages, signal);
      }
      throw error instanceof Failed ? error : new Failed(failureOf(error, model));
    } finally {
      clearTimeout(timer);
    }
  }

  /** Leaves out or renames what the server refused, if that is such a thing; whether to ask again at once. */
  #adapt({ status, message }: APIError, used: Dialect): boolean {
    if (status !== 400 && status !== 422) return false;
    if (used.usageInStream && /stream_options|include_usage/.test(message)) {
      this.#dialect.usageInStream = false;
      return true;
    }
    if (
      this.#maxTokens !== undefined && used.maxTokens === "max_tokens" &&
      message.includes("max_completion_tokens")
    ) {
      this.#dialect.maxTokens = "max_completion_tokens";
      return true;
    }
    return false;
  }

  /** A server's message without the key, which it may repeat, and no longer than a person reads. */
  #shown(message: string): string {
    const safe = this.#key === "" ? message : message.replaceAll(this.#key, "[API key]");
    const line = safe.replaceAll(/[\s\p{Cc}]+/gu, " ").trim();
    return line.length > 500 ? `${line.slice(0, 500)} …` : line;
  }
}

function checkBaseUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new Error(
      `Cannot ask a teacher as its base URL must be like http://localhost:8000/v1: ` +
        `current value is '${text}'`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new Error(
      "Cannot ask a teacher as its base URL holds a user or a password: " +
        "give a key by the environment variable OPENAI_API_KEY",
    );
  }
}

/** The key without white space around it, as it often has from a file. */
function checkedKey(text: string): string {
  const key = text.trim();
  if (/^[\x21-\x7e]*$/.test(key)) return key;
  throw new Error("Cannot ask a teacher as its API key has characters that no key can have");
}

/** A response whose body fails once it is longer than allowed. */
function bounded(response: Response, maxBytes: number): Response {
  if (response.body === null) return response;
  let size = 0;
  const body = response.body.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        size += chunk.length;
        if (size > maxBytes) {
          controller.error(
            new Failed({
              message: `the response is longer than ${maxBytes} bytes`,
              kind: "request",
            }),
          );
        } else controller.enqueue(chunk);
      },
    }),
  );
  const { status, statusText, headers } = response;
  return new Response(body, { status, statusText, headers });
}

/** The text of a field that is a string, null or not there. */
function textOf(delta: Record<string, unknown>, name: string): string {
  const value = delta[name];
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") throw passing(`malformed answer: '${name}' is no text`);
  return value;
}

/** Puts a stream together. What a server sends is checked, as its type is only a promise. */
async function collect(chunks: AsyncIterable<unknown>): Promise<TeacherReply> {
  const reasoning: string[] = [], content: string[] = [];
  let finishReason: string | null = null;
  let usage: TokenUsage | null = null;
  for await (const chunk of chunks) {
    if (!isRecord(chunk)) throw passing("malformed answer: a chunk is no object");
    if (isRecord(chunk.usage)) {
      const { prompt_tokens: input, completion_tokens: output } = chunk.usage;
      if (Number.isSafeInteger(input) && Number.isSafeInteger(output)) {
        usage = { input: input as number, output: output as number };
      }
    }
    if (!Array.isArray(chunk.choices)) {
      if (isRecord(chunk.usage)) continue;
      throw passing("malformed answer: a chunk has no choices");
    }
    const [choice] = chunk.choices;
    if (choice === undefined) continue; // the chunk of the usage
    if (!isRecord(choice)) throw passing("malformed answer: a choice is no object");
    if (isRecord(choice.delta)) {
      reasoning.push(
        textOf(choice.delta, "reasoning_content") || textOf(choice.delta, "reasoning"),
      );
      content.push(textOf(choice.delta, "content"));
    }
    if (typeof choice.finish_reason === "string") finishReason = choice.finish_reason;
  }
  // The library ends an aborted stream as if it were whole, too.
  if (finishReason === null) throw passing("the stream was cut: it ended without a finish_reason");
  return { reasoning: reasoning.join(""), content: content.join(""), finishReason, usage };
}

/** What a failure of the library means. */
function failureOf(error: unknown, model: string): Failure {
  const found = causeThat(error, (cause) => cause instanceof Failed);
  if (found !== undefined) return (found as Failed).failure;
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof APIError) || error instanceof APIConnectionError) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : "";
    const syntax = error instanceof SyntaxError ? "malformed answer: " : "";
    return {
      message: `${syntax}${message}${cause === "" ? "" : ` ${cause}`}`,
      kind: "passing",
    };
  }
  const { status, code } = error;
  if (code === "insufficient_quota") {
    return { message: `the account has no credit: ${message}`, kind: "fatal" };
  }
  if (status === undefined || status === 408 || status === 409 || status === 429 || status >= 500) {
    return { message, kind: "passing", wait: retryAfter(error.headers ?? null) };
  }
  if (status >= 300 && status < 400) {
    const to = error.headers?.get("location") ?? "another place";
    return { message: `the server redirects to ${to}: give that as the base URL`, kind: "fatal" };
  }
  if (status === 401 || status === 403) {
    return {
      message: `the server refuses the key of OPENAI_API_KEY, or wants one: ${message}`,
      kind: "fatal",
    };
  }
  if (status === 402) return { message: `the account has no credit: ${message}`, kind: "fatal" };
  if (status === 404 || status === 405) {
    return {
      message: `the server has no model '${model}', or the base URL is wrong (it mostly ends in ` +
        `/v1): ${message}`,
      kind: "fatal",
    };
  }
  return { message: `the server refuses the request: ${message}`, kind: "request" };
}

function causeThat(error: unknown, fits: (error: unknown) => boolean): unknown {
  for (let depth = 0; depth < 5 && error !== undefined; depth++) {
    if (fits(error)) return error;
    error = error instanceof Error ? error.cause : undefined;
  }
  return undefined;
}

/** Milliseconds of a `Retry-After`, in seconds or as a date; undefined without a sensible one. */
function retryAfter(headers: Headers | null): number | undefined {
  const exact = Number(headers?.get("retry-after-ms") ?? NaN);
  if (Number.isFinite(exact) && exact >= 0) return exact;
  const text = headers?.get("retry-after")?.trim();
  if (text === undefined || text === "") return undefined;
  const wait = /^[\d.]+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(wait) ? Math.max(0, wait) : undefined;
}

/** Waits, or is rejected with the signal's reason. */
function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const end = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", end);
      resolve();
    }, Math.min(ms, longestTimer));
    signal?.addEventListener("abort", end, { once: true });
  });
}
