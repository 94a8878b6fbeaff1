import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "../../src/std/assert.ts";
import { OpenAiTeacher, type OpenAiTeacherOptions } from "../../src/teacher/client.ts";
import { TeacherRequestError, TeacherUnavailableError } from "../../src/teacher/teacher.ts";
import {
  type Answerer,
  completion,
  done,
  events,
  failure,
  piece,
  TeacherServer,
} from "./server.ts";

const key = "sk-secret-0123456789abcdef";
const ask = [{ role: "user", content: "2+2?" }] as const;

/** A teacher that waits for milliseconds where it would wait for seconds. */
function teacherOf(
  server: { url: string },
  options: Partial<OpenAiTeacherOptions> = {},
): OpenAiTeacher {
  return new OpenAiTeacher({
    baseUrl: server.url,
    model: "m",
    apiKey: key,
    backoff: 1,
    ...options,
  });
}

Deno.test("a completion is put together from its pieces, with its reasoning and tokens", async () => {
  await using server = new TeacherServer(() => completion("Four. 4", { reasoning: "2 and 2" }));
  const teacher = teacherOf(server, { temperature: 0.5, maxTokens: 7 });
  assertEquals(await teacher.ask(ask), {
    ...{ reasoning: "2 and 2", content: "Four. 4", finishReason: "stop" },
    usage: { input: 10, output: 20 },
  });
  const [{ body, headers }] = server.requests;
  assertEquals(body, {
    ...{ model: "m", messages: [...ask], temperature: 0.5, max_tokens: 7, stream: true },
    stream_options: { include_usage: true },
  });
  assertEquals(headers.get("authorization"), `Bearer ${key}`);
});

Deno.test("without a key none is sent, and settings that were not given are the server's", async () => {
  await using server = new TeacherServer(() => completion("4", { tokens: null }));
  const reply = await new OpenAiTeacher({ baseUrl: server.url, model: "m" }).ask(ask);
  assertEquals([reply.content, reply.usage], ["4", null]);
  assertEquals(server.requests[0].headers.get("authorization"), null);
  assertEquals(Object.keys(server.requests[0].body).sort(), [
    ...["messages", "model", "stream", "stream_options"],
  ]);
});

Deno.test("reasoning under its other name", async () => {
  await using server = new TeacherServer(() =>
    events([piece({ reasoning: "so " }), piece({ reasoning: "4" }), piece({}, "length"), done])
  );
  const reply = await teacherOf(server).ask(ask);
  assertEquals([reply.reasoning, reply.content, reply.finishReason], ["so 4", "", "length"]);
});

const broken: [string, Answerer][] = [
  ["429", () => failure(429, "slow down")],
  ["429 with Retry-After", () => failure(429, "slow down", { "retry-after": "0.01" })],
  ["500", () => failure(500, "oh")],
  ["502 with HTML", () => new Response("<html>bad gateway</html>", { status: 502 })],
  [
    "503 with a date",
    () => failure(503, "later", { "retry-after": new Date(Date.now() + 5).toUTCString() }),
  ],
  ["408", () => failure(408, "time")],
  ["a stream without finish_reason", () => events([piece({ content: "Fo" })])],
  [
    "a stream that ends after its first half, with [DONE]",
    () => events([piece({ content: "Fo" }), done]),
  ],
  ["an empty stream", () => events([])],
  ["malformed JSON in a stream", () => events(['data: {"choices": [\n\n', piece({}, "stop")])],
  [
    "malformed JSON instead of a stream",
    () => new Response('{"choices": [', { headers: { "content-type": "application/json" } }),
  ],
  [
    "a whole answer that was not streamed",
    () => Response.json({ choices: [{ message: { content: "4" }, finish_reason: "stop" }] }),
  ],
  ["a stream without choices", () => events([{ id: "x" }, done])],
  ["choices that are no list", () => events([{ choices: { 0: {} } }, done])],
  ["a choice that is null", () => events([{ choices: [null] }, done])],
  ["content that is no text", () => events([piece({ content: 4 }, "stop"), done])],
  ["a chunk that is a number", () => events(["data: 4\n\n", done])],
  ["an error inside a stream", () => events([{ error: { message: "overloaded" } }])],
];

for (const [name, answer] of broken) {
  Deno.test(`is asked again: ${name}`, async () => {
    await using server = new TeacherServer((asked) =>
      asked.index < 2 ? answer(asked) : completion("4")
    );
    const teacher = teacherOf(server);
    assertEquals((await teacher.ask(ask)).content, "4");
    assertEquals([server.requests.length, teacher.retries], [3, 2]);
  });

  Deno.test(`gives up after its repeats: ${name}`, async () => {
    await using server = new TeacherServer(answer);
    const teacher = teacherOf(server, { retries: 1 });
    const error = await assertRejects(() => teacher.ask(ask), TeacherRequestError);
    assertStringIncludes(error.message, "(tried 2 times)");
    assertEquals(server.requests.length, 2);
  });
}

Deno.test("a connection that is closed before or within an answer is tried again", async () => {
  const chunk = `data: ${JSON.stringify(piece({ content: "Fo" }))}\n\n`;
  const half = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n" +
    `transfer-encoding: chunked\r\n\r\n${chunk.length.toString(16)}\r\n${chunk}\r\n`;
  for (const sent of ["", "HTTP/1.1 200 O", half]) {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const accepting = (async () => {
      for await (const connection of listener) {
        await connection.read(new Uint8Array(10_000));
        await connection.write(new TextEncoder().encode(sent));
        connection.close();
      }
    })();
    const url = `http://127.0.0.1:${listener.addr.port}/v1`;
    const teacher = teacherOf({ url }, { retries: 2 });
    const error = await assertRejects(() => teacher.ask(ask), TeacherRequestError);
    assertStringIncludes(error.message, "(tried 3 times)");
    listener.close();
    await accepting;
    const refused = await assertRejects(() => teacher.ask(ask), TeacherRequestError);
    assertStringIncludes(refused.message, "Connection error");
  }
});

Deno.test("a slow answer ends at the time limit, before its headers and in the middle", async () => {
  const timers: ReturnType<typeof setTimeout>[] = [];
  const later = <T>(value: T) =>
    new Promise<T>((resolve) => timers.push(setTimeout(() => resolve(value), 300)));
  for (
    const answer of [
      () => later(completion("4")),
      () => {
        let sent = 0;
        const stream = new ReadableStream<Uint8Array>({
          async pull(controller) {
            if (sent++ > 0) await later(null);
            const text = `data: ${JSON.stringify(piece({ content: "x" }))}\n\n`;
            try {
              controller.enqueue(new TextEncoder().encode(text));
            } catch { /* the client has gone */ }
          },
        });
        return new Response(stream, { headers: { "content-type": "text/event-stream" } });
      },
    ]
  ) {
    const server = new TeacherServer(answer);
    const start = performance.now();
    const error = await assertRejects(
      () => teacherOf(server, { timeout: 30, retries: 1 }).ask(ask),
      TeacherRequestError,
    );
    assertStringIncludes(error.message, "no whole answer within 0.03 s");
    assert(performance.now() - start < 250, `${performance.now() - start} ms`);
    await server[Symbol.asyncDispose]();
  }
  timers.forEach(clearTimeout);
});

Deno.test("a response beyond the allowed bytes is not read on", async () => {
  let sent = 0;
  await using server = new TeacherServer(() => {
    const line = new TextEncoder().encode(
      `data: ${JSON.stringify(piece({ content: "x".repeat(10_000) }))}\n\n`,
    );
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += line.length;
        controller.enqueue(line);
      },
    });
    return new Response(stream, { headers: { "content-type": "text/event-stream" } });
  });
  const error = await assertRejects(
    () => teacherOf(server, { maxResponseBytes: 100_000 }).ask(ask),
    TeacherRequestError,
  );
  assertStringIncludes(error.message, "longer than 100000 bytes");
  assertEquals(server.requests.length, 1);
  assert(sent < 20e6, `${sent} bytes were sent`);
});

Deno.test("the body of an error is bounded too", async () => {
  await using server = new TeacherServer(() =>
    new Response("x".repeat(1_000_000), { status: 400, headers: { "content-type": "text/plain" } })
  );
  const error = await assertRejects(
    () => teacherOf(server, { maxResponseBytes: 10_000, retries: 0 }).ask(ask),
    TeacherRequestError,
  );
  assert(error.message.length < 700, error.message);
});

for (
  const [name, answer, says] of [
    ["401", () => failure(401, `Incorrect API key provided: ${key}`), "OPENAI_API_KEY"],
    ["403", () => failure(403, "no"), "OPENAI_API_KEY"],
    ["402", () => failure(402, "pay"), "no credit"],
    ["404", () => failure(404, "The model `m` does not exist"), "no model 'm'"],
    [
      "a redirect",
      () =>
        new Response(null, { status: 307, headers: { location: "https://elsewhere.example/v1" } }),
      "redirects to https://elsewhere.example/v1",
    ],
    ["no credit", () => failure(429, "quota", {}, "insufficient_quota"), "no credit"],
    ["a day's wait", () => failure(429, "enough", { "retry-after": "86400" }), "wait 86400 s"],
  ] as [string, Answerer, string][]
) {
  Deno.test(`ends everything at once: ${name}`, async () => {
    await using server = new TeacherServer(answer);
    const error = await assertRejects(() => teacherOf(server).ask(ask), TeacherUnavailableError);
    assertStringIncludes(error.message, says);
    assert(!Deno.inspect(error).includes(key), "the key is in the error");
    assertEquals(server.requests.length, 1);
  });
}

Deno.test("a request that the server refuses is not repeated", async () => {
  await using server = new TeacherServer(() => failure(400, "the prompt is too long"));
  const error = await assertRejects(() => teacherOf(server).ask(ask), TeacherRequestError);
  assertStringIncludes(error.message, "too long");
  assertEquals(server.requests.length, 1);
});

Deno.test("waits double, have jitter and a limit; Retry-After is a lower bound for all requests", async () => {
  const times: number[] = [];
  await using server = new TeacherServer(({ index }) => {
    times.push(performance.now());
    return index < 4 ? failure(500, "oh") : completion("4");
  });
  await teacherOf(server, { backoff: 20, maxBackoff: 50, random: () => 1 }).ask(ask);
  const waits = times.slice(1).map((time, i) => time - times[i]);
  for (const [i, least] of [20, 40, 50, 50].entries()) {
    assert(waits[i] >= least - 1 && waits[i] < least + 40, `wait ${i}: ${waits[i]} ms`);
  }
  times.length = 0;
  await using second = new TeacherServer(({ index }) => {
    times.push(performance.now());
    return index === 0 ? failure(429, "oh", { "retry-after": "0.1" }) : completion("4");
  });
  const teacher = teacherOf(second);
  const first = teacher.ask(ask);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await Promise.all([first, teacher.ask(ask)]);
  assert(times.length === 3 && times.slice(1).every((time) => time - times[0] >= 99), `${times}`);
});

Deno.test("a signal ends a request, and a wait, with its reason", async () => {
  await using server = new TeacherServer(() => failure(500, "oh"));
  for (const backoff of [1, 60_000]) {
    const control = new AbortController();
    const asking = teacherOf(server, { backoff, retries: 1000 }).ask(ask, control.signal);
    setTimeout(() => control.abort(new Error("enough")), 20);
    await assertRejects(() => asking, Error, "enough");
  }
});

Deno.test("a server that takes no stream_options and wants max_completion_tokens is understood", async () => {
  await using server = new TeacherServer(({ body }) =>
    "stream_options" in body
      ? failure(400, "Unrecognized request argument supplied: stream_options")
      : "max_tokens" in body
      ? failure(400, "Unsupported parameter: use 'max_completion_tokens' instead.")
      : completion("4", { tokens: null })
  );
  const teacher = teacherOf(server, { maxTokens: 5 });
  const replies = await Promise.all([teacher.ask(ask), teacher.ask(ask)]);
  assertEquals(replies.map(({ content }) => content), ["4", "4"]);
  const { length } = server.requests;
  await teacher.ask(ask);
  assertEquals(server.requests.length, length + 1, "it is remembered");
  assertEquals(server.requests.at(-1)?.body.max_completion_tokens, 5);
});

Deno.test("a key is sent without white space around it; one that cannot be sent is not shown", async () => {
  await using server = new TeacherServer(() => completion("4"));
  await teacherOf(server, { apiKey: ` ${key}\n` }).ask(ask);
  assertEquals(server.requests[0].headers.get("authorization"), `Bearer ${key}`);
  for (const apiKey of [`${key}\n${key}`, `${key}é`, `a ${key}`]) {
    const error = assertThrows(() => teacherOf(server, { apiKey }), Error, "characters");
    assert(!Deno.inspect(error).includes(key));
  }
});

Deno.test("a base URL must be one, and hold no password", () => {
  for (const baseUrl of ["", "localhost:8000", "ftp://x/v1", "http://me:pass@127.0.0.1/v1"]) {
    let message = "";
    try {
      new OpenAiTeacher({ baseUrl, model: "m" });
    } catch (error) {
      message = (error as Error).message;
    }
    assertStringIncludes(message, "base URL");
    assert(!message.includes("pass@"), message);
  }
});
