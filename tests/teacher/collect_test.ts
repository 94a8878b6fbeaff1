import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "../../src/std/assert.ts";
import { TeacherUnavailableError } from "../../src/teacher/teacher.ts";
import { collect, type CollectionState } from "../../src/teacher/collect.ts";
import { JournalError } from "../../src/teacher/journal.ts";
import { traceTask } from "../../src/teacher/traces.ts";
import { createReward } from "../../src/rewards/registry.ts";
import { readRejects, readRows, solved, sums, teacherAt, traces, withOut } from "./collecting.ts";
import { type Asked, completion, failure, TeacherServer } from "./server.ts";

const contentOf = ({ body }: Asked) => body.messages[0].content;
const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

Deno.test("one row a problem, in the order of the problems whatever comes first", () =>
  withOut(async (out) => {
    await using server = new TeacherServer(async (asked) => {
      await later(20 - 2 * asked.index); // the first asked is the last answered
      return completion(solved(contentOf(asked)));
    });
    const states: CollectionState[] = [];
    const problems = sums(10);
    const result = await collect({
      ...{ teacher: teacherAt(server.url), task: traces(), problems, out, concurrency: 5 },
      onProgress: (state) => states.push(state),
    });
    assertEquals(
      [result.kept, result.added, result.replies, result.stopped, result.tokens],
      [10, 10, 10, false, { input: 100, output: 200 }],
    );
    assertEquals(server.peak, 5);
    const rows = readRows(out);
    assertEquals(rows[3], {
      ...{ id: "sum/3", prompt: "What is 3 + 100?", answer: "103", trace: "Add 100 to 3." },
      ...{ tier: 1, source: "sums", model: "m", attempts: 1, tokens_in: 10, tokens_out: 20 },
    });
    assertEquals(rows.map(({ id }) => id), problems.map(({ id }) => id));
    assertEquals(readRejects(out), []);
    const counts = states.map(({ kept }) => kept);
    assertEquals([counts[0], counts.at(-1)], [0, 10]);
    assertEquals(counts, counts.toSorted((a, b) => a - b));
  }));

Deno.test("never more requests at a time than allowed", () =>
  withOut(async (out) => {
    await using server = new TeacherServer(async (asked) => {
      await later(asked.index % 3);
      return asked.index % 4 === 1 ? failure(500, "oh") : completion(solved(contentOf(asked)));
    });
    const teacher = teacherAt(server.url, { retries: 50 });
    const { kept } = await collect({
      ...{ teacher, task: traces(), problems: sums(40), out, concurrency: 3 },
    });
    assertEquals([kept, server.peak], [40, 3]);
  }));

Deno.test("a completion is rejected with its reason, written down, and asked for again", () =>
  withOut(async (out) => {
    const answers = [
      () => completion("I think.\n<answer>7</answer>"),
      () => completion("<think>half a thou", { finish: "length" }),
      () => completion("<think>never closed"),
      () => completion(""),
      () => completion("No answer at all."),
      () => completion("<answer>100</answer>"),
      () => completion("Why <think>?\n<answer>100</answer>"),
      () => completion("It is one of these: <answer>99</answer><answer>100</answer>"),
      () => completion("…", { finish: "content_filter" }),
      () => completion("x ".repeat(60) + "<answer>100</answer>"),
      () => completion("As easy as that. <answer>100</answer>"),
    ];
    await using server = new TeacherServer(({ index }) => answers[index]());
    const task = traceTask({
      rewards: [createReward("accuracy"), createReward("format")],
      length: { max: 50, count: (text) => text.split(" ").length },
    });
    const teacher = teacherAt(server.url);
    const result = await collect({ teacher, task, problems: sums(1), out, attempts: 20 });
    assertEquals(result.rejected, {
      ...{ accuracy: 1, cut: 2, empty: 1, "no-answer": 2, "no-trace": 1 },
      ...{ format: 1, refused: 1, "too-long": 1 },
    });
    const [row] = readRows(out);
    assertEquals([row.trace, row.attempts, row.trace_tokens], ["As easy as that.", 11, 4]);
    const rejects = readRejects(out);
    assertEquals(rejects.map(({ attempt }) => attempt), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assertEquals(rejects[0], {
      ...{ id: "sum/0", attempt: 1, reason: "accuracy" },
      detail: "the accuracy reward is 0 for the answer '7'",
      ...{ reasoning: "", content: "I think.\n<answer>7</answer>", tokens_in: 10, tokens_out: 20 },
    });
  }));

for (
  const [name, reply, trace] of [
    ["apart", completion("So <answer>100</answer>", { reasoning: "Well, 0." }), "Well, 0."],
    ["in tags", completion("<think>\nWell, 0.\n</think>\n\\boxed{100}"), "Well, 0."],
    ["after a tag of the template", completion("Well.\n</think> \\boxed{100}"), "Well."],
    ["as text before a box", completion("Well, 0. So it is $\\boxed{100}$."), "Well, 0."],
    ["as text before ####", completion("Well, 0.\n#### 100"), "Well, 0."],
    [
      "with a box at its end",
      completion("<answer>100</answer>", {
        reasoning: "Well, 0.\n\nIt is \\boxed{100}.",
      }),
      "Well, 0.",
    ],
  ] as const
) {
  Deno.test(`reasoning that comes ${name} becomes the trace, without the answer`, () =>
    withOut(async (out) => {
      await using server = new TeacherServer(() => reply);
      await collect({ teacher: teacherAt(server.url), task: traces(), problems: sums(1), out });
      assertEquals(readRows(out).map((row) => row.trace), [trace]);
    }));
}

Deno.test("attempts are limited, also over several calls", () =>
  withOut(async (out) => {
    await using server = new TeacherServer(() => completion("Hm.\n<answer>7</answer>"));
    const call = (attempts: number) =>
      collect({ teacher: teacherAt(server.url), task: traces(), problems: sums(2), out, attempts });
    assertEquals((await call(3)).exhausted, 2);
    assertEquals(server.requests.length, 6);
    const again = await call(3);
    assertEquals([server.requests.length, again.exhausted, again.tokens.input], [6, 2, 60]);
    await call(4);
    assertEquals(server.requests.length, 8, "more attempts were allowed");
    assertEquals(readRejects(out).map(({ attempt }) => attempt).sort(), [1, 1, 2, 2, 3, 3, 4, 4]);
  }));

Deno.test("a problem that cannot be graded is not asked about, and named once", () =>
  withOut(async (out) => {
    await using server = new TeacherServer((asked) => completion(solved(contentOf(asked))));
    const [first, second] = sums(2);
    const problems = [{ ...first, answer: "" }, second];
    for (let call = 0; call < 2; call++) {
      const result = await collect({
        ...{ teacher: teacherAt(server.url), task: traces(), problems, out },
      });
      assertEquals([result.leftOut, result.kept], [{ gold: 1 }, 1]);
    }
    assertEquals(server.requests.length, 1);
    assertEquals(readRejects(out).map(({ id, attempt }) => [id, attempt]), [["sum/0", 0]]);
  }));

Deno.test("a request that fails leaves its problem open for the next call", () =>
  withOut(async (out) => {
    let broken = true;
    await using server = new TeacherServer((asked) =>
      broken && contentOf(asked).includes("What is 2 +")
        ? failure(400, "this one is too long")
        : completion(solved(contentOf(asked)))
    );
    const call = () =>
      collect({ teacher: teacherAt(server.url), task: traces(), problems: sums(4), out });
    const first = await call();
    assertEquals([first.kept, first.failed], [3, 1]);
    assertStringIncludes(first.lastFailure!, "too long");
    broken = false;
    const second = await call();
    assertEquals([second.kept, second.added, second.failed], [4, 1, 0]);
    assertEquals(readRows(out).map(({ id }) => id), sums(4).map(({ id }) => id));
  }));

Deno.test("a wrong key ends the collection at once; what was kept stays", () =>
  withOut(async (out) => {
    await using server = new TeacherServer(({ index, ...asked }) =>
      index < 5 ? completion(solved(contentOf({ index, ...asked }))) : failure(401, "expired")
    );
    const call = (url: string) =>
      collect({ teacher: teacherAt(url), task: traces(), problems: sums(50), out, concurrency: 3 });
    const error = await assertRejects(() => call(server.url), TeacherUnavailableError);
    assertStringIncludes(error.message, "expired");
    assert(server.requests.length <= 8, `${server.requests.length} requests`);
    const { length } = readRows(out);
    assert(length >= 1 && length <= 5, `${length} rows`);
    await using good = new TeacherServer((asked) => completion(solved(contentOf(asked))));
    assertEquals([(await call(good.url)).added, good.requests.length], [50 - length, 50 - length]);
  }));

Deno.test("a server that always fails ends the collection soon", () =>
  withOut(async (out) => {
    await using server = new TeacherServer(() => failure(500, "down"));
    const error = await assertRejects(
      () =>
        collect({
          ...{ teacher: teacherAt(server.url, { retries: 1 }), task: traces(), out },
          ...{ problems: sums(1000), concurrency: 4 },
        }),
      TeacherUnavailableError,
    );
    assertStringIncludes(error.message, "the last 4 requests failed, this one with: 500 down");
    assert(server.requests.length < 20);
  }));

Deno.test("a stop awaits what is under way, a kill drops it; both can be resumed", () =>
  withOut(async (out) => {
    const stop = new AbortController(), kill = new AbortController();
    await using server = new TeacherServer(async (asked) => {
      if (asked.index === 3) stop.abort();
      if (asked.index === 9) setTimeout(() => kill.abort(), 5);
      await later(asked.index >= 8 && asked.index < 12 ? 60 : 5);
      return completion(solved(contentOf(asked)));
    });
    const call = (signals: { stop?: AbortSignal; kill?: AbortSignal }) =>
      collect({
        ...{ teacher: teacherAt(server.url), task: traces(), problems: sums(16), out },
        ...{ concurrency: 4, ...signals },
      });
    const stopped = await call({ stop: stop.signal });
    assertEquals([stopped.kept, stopped.stopped, server.requests.length], [4, true, 4]);
    const killed = await call({ kill: kill.signal });
    assertEquals([killed.stopped, killed.kept >= 8 && killed.kept < 12], [true, true]);
    const ended = await call({});
    assertEquals([ended.stopped, ended.kept], [false, 16]);
    assertEquals(readRows(out).map(({ id }) => id), sums(16).map(({ id }) => id));
  }));

Deno.test("SIGKILL at any moment loses and doubles nothing", () =>
  withOut(async (out) => {
    const count = 60;
    let kill = () => {};
    let killAt = 0;
    await using server: TeacherServer = new TeacherServer(async (asked) => {
      if (asked.index === killAt) kill();
      await later(asked.index % 5);
      // Every third problem needs a second attempt.
      const content = contentOf(asked);
      const number = Number(/What is (\d+)/.exec(content)![1]);
      const before: number = server.requests.filter((other) => contentOf(other) === content).length;
      return completion(
        number % 3 === 0 && before < 2 ? "Hm.\n<answer>7</answer>" : solved(content),
      );
    });
    const child = () =>
      new Deno.Command(Deno.execPath(), {
        args: [
          ...["run", "--no-prompt", "--no-check", "--allow-read", "--allow-write", "--allow-env"],
          ...["--allow-net=127.0.0.1", new URL("collect_child.ts", import.meta.url).href],
          ...[server.url, out, String(count)],
        ],
        ...{ stdin: "null", stdout: "piped", stderr: "piped" },
      }).spawn();
    for (const at of [12, 25, 40]) {
      const running = child();
      killAt = at;
      kill = () => running.kill("SIGKILL");
      const { signal } = await running.output();
      assertEquals(signal, "SIGKILL");
      kill = () => {};
    }
    // A kill in the middle of a write leaves half a line.
    for (
      const [path, half] of [[out, '{"id":"sum/5'], [out.replace(".jsonl", ".rejected.jsonl"), "{"]]
    ) {
      await Deno.writeTextFile(path, half, { append: true });
    }
    killAt = -1;
    const { code, stdout, stderr } = await child().output();
    assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
    assertEquals(new TextDecoder().decode(stdout).trim(), String(count));
    assertEquals(readRows(out).map(({ id }) => id), sums(count).map(({ id }) => id));
    const attempts = readRejects(out).map(({ id, attempt }) => `${id} ${attempt}`);
    assertEquals(attempts.length, new Set(attempts).size, "no attempt is written twice");
  }));

Deno.test("other settings are refused by name, other data too; nothing is changed", () =>
  withOut(async (out) => {
    await using server = new TeacherServer((asked) => completion(solved(contentOf(asked))));
    const call = (options: Partial<Parameters<typeof collect>[0]>) =>
      collect({
        teacher: teacherAt(server.url),
        task: traces(),
        problems: sums(2),
        out,
        ...options,
      });
    await call({});
    const before = readRows(out);
    const task = traceTask({
      instruction: "Now {question}",
      rewards: [createReward("accuracy")],
      settings: { temperature: 0.5 },
    });
    const error = await assertRejects(
      () => call({ teacher: teacherAt(server.url, { model: "other" }), task }),
      JournalError,
    );
    for (
      const change of [
        'model: "m" then, "other" now',
        'rewards: "accuracy,format" then, "accuracy" now',
        "temperature: none then, 0.5 now",
        "instruction: ",
      ]
    ) assertStringIncludes(error.message, change);
    const problems = sums(2).map((problem) => ({ ...problem, prompt: `${problem.prompt}!` }));
    const changed = await assertRejects(() => call({ problems }), Error);
    assertStringIncludes(changed.message, "'sum/0' had another prompt");
    assertEquals(readRows(out), before);
    assertEquals((await call({ problems: sums(5) })).added, 3, "more problems are none of these");
  }));

Deno.test("two calls cannot write the same file at once", () =>
  withOut(async (out) => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => open = resolve);
    await using server = new TeacherServer(async (asked) => {
      await gate;
      return completion(solved(contentOf(asked)));
    });
    const call = () =>
      collect({ teacher: teacherAt(server.url), task: traces(), problems: sums(2), out });
    const first = call();
    const error = await assertRejects(call, JournalError);
    assertStringIncludes(error.message, "another process is writing it");
    open();
    assertEquals((await first).kept, 2);
  }));

Deno.test("problems of one id, and counts that are none, are refused before anything is asked", () =>
  withOut(async (out) => {
    await using server = new TeacherServer(() => completion("4"));
    const options = { teacher: teacherAt(server.url), task: traces(), out };
    const twice = [...sums(3), sums(2)[1]];
    const error = await assertRejects(() => collect({ ...options, problems: twice }), Error);
    assertStringIncludes(error.message, "'sum/1'");
    await assertRejects(
      () => collect({ ...options, problems: [], attempts: 0 }),
      Error,
      "attempts",
    );
    await assertRejects(
      () => collect({ ...options, problems: [], concurrency: 1.5 }),
      Error,
      "concurrency",
    );
    assertEquals(server.requests.length, 0);
    assertNotEquals(await Deno.stat(out).catch(() => null), undefined);
  }));
