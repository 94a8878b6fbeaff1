/** A server that speaks as much of the OpenAI API as a teacher is asked for, and misbehaves where told. */

/** A request as a test sees it. */
export interface Asked {
  /** How many came before it. */
  readonly index: number;
  readonly body: {
    readonly model: string;
    readonly messages: readonly { readonly role: string; readonly content: string }[];
    readonly [name: string]: unknown;
  };
  readonly headers: Headers;
}

export type Answerer = (asked: Asked) => Response | Promise<Response>;

export class TeacherServer {
  readonly requests: Asked[] = [];
  /** The most requests that were open at the same time. */
  peak = 0;
  #open = 0;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(answer: Answerer) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        if (new URL(request.url).pathname !== "/v1/chat/completions") {
          return Response.json({ error: { message: "no such route" } }, { status: 404 });
        }
        this.peak = Math.max(this.peak, ++this.#open);
        try {
          const asked: Asked = {
            index: this.requests.length,
            body: await request.json(),
            headers: request.headers,
          };
          this.requests.push(asked);
          return await answer(asked);
        } finally {
          this.#open--;
        }
      },
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/v1`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** Chunks as server-sent events; text goes out as it is. */
export function events(chunks: readonly (string | object)[]): Response {
  const text = chunks.map((chunk) =>
    typeof chunk === "string" ? chunk : `data: ${JSON.stringify(chunk)}\n\n`
  ).join("");
  return new Response(text, { headers: { "content-type": "text/event-stream" } });
}

/** A chunk with a piece of the completion. */
export function piece(delta: Record<string, unknown>, finish: string | null = null): object {
  return { choices: [{ index: 0, delta, finish_reason: finish }] };
}

export const done = "data: [DONE]\n\n";

/** A whole completion, streamed in pieces, with its tokens counted. */
export function completion(
  content: string,
  { reasoning = "", finish = "stop", tokens = [10, 20] as [number, number] | null } = {},
): Response {
  const half = Math.ceil(content.length / 2);
  return events([
    piece({ role: "assistant", content: "" }),
    ...(reasoning === "" ? [] : [piece({ reasoning_content: reasoning })]),
    piece({ content: content.slice(0, half) }),
    piece({ content: content.slice(half) }),
    piece({}, finish),
    ...(tokens === null ? [] : [{
      choices: [],
      usage: { prompt_tokens: tokens[0], completion_tokens: tokens[1] },
    }]),
    done,
  ]);
}

/** An error as the API words it. */
export function failure(
  status: number,
  message: string,
  headers: Record<string, string> = {},
  code: string | null = null,
): Response {
  return Response.json({ error: { message, code, type: "error" } }, { status, headers });
}
