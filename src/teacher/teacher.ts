/** What a teacher is: a model that is asked in conversations, wherever it runs. */

/** One message of a conversation. */
export interface TeacherMessage {
  /** Who says it. */
  readonly role: "system" | "user" | "assistant";
  /** What is said. */
  readonly content: string;
}

/** Tokens as a server counted them. */
export interface TokenUsage {
  /** Tokens of the prompt. */
  readonly input: number;
  /** Tokens of the completion, reasoning included. */
  readonly output: number;
}

/** A completion that arrived whole. */
export interface TeacherReply {
  /** Its reasoning where the server sends that apart (`reasoning_content` or `reasoning`), else empty. */
  readonly reasoning: string;
  /** Its text. */
  readonly content: string;
  /** Why the model stopped: `stop`, `length` and others. */
  readonly finishReason: string;
  /** What it cost; null where the server does not say. */
  readonly usage: TokenUsage | null;
}

/** A teacher model. Several questions may be asked at once. */
export interface Teacher {
  /** The model's name: it stands in every row, and a collection is resumed with the same one only. */
  readonly model: string;
  /** How many requests were repeated until now. */
  readonly retries: number;
  /**
   * One completion of a conversation.
   *
   * @param signal Drops the request: the promise is then rejected with the signal's reason.
   * @throws {TeacherRequestError} If this request failed for good.
   * @throws {TeacherUnavailableError} If no request can succeed.
   */
  ask(messages: readonly TeacherMessage[], signal?: AbortSignal): Promise<TeacherReply>;
}

/** A request failed for good: it was repeated as often as allowed, or would fail again. Others may succeed. */
export class TeacherRequestError extends Error {
  /** Name of the class. */
  override name: string = "TeacherRequestError";
}

/** No request can succeed: a wrong key, an unknown model, no credit. */
export class TeacherUnavailableError extends Error {
  /** Name of the class. */
  override name: string = "TeacherUnavailableError";
}
