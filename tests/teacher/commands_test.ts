import { assert, assertEquals, assertStringIncludes } from "../../src/std/assert.ts";
import { loadProblems } from "../../src/data/source.ts";
import { readSource } from "../../src/report/source_options.ts";
import { TeacherProgress } from "../../src/report/teacher_command.ts";
import type { CollectionState } from "../../src/teacher/collect.ts";
import { readRejects, readRows, solved } from "./collecting.ts";
import { type Answerer, completion, failure, TeacherServer } from "./server.ts";

const key = "sk-secret-0123456789abcdef";
const script = new URL("../../scripts/data.ts", import.meta.url).href;

function spawn(args: readonly string[], cwd: string, env: Record<string, string> = {}) {
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-prompt", "--no-check", "--allow-read", "--allow-write", "--allow-env"],
      ...["--allow-net=127.0.0.1", script, ...args],
    ],
    cwd,
    env: { OPENAI_API_KEY: key, NO_COLOR: "1", ...env },
    ...{ stdin: "null", stdout: "piped", stderr: "piped" },
  }).spawn();
}

async function ended(child: Deno.ChildProcess) {
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** A folder with sums in the shape of GSM8K, and a server. */
async function withSums(
  answer: Answerer,
  run: (folder: string, server: TeacherServer) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  await using server = new TeacherServer(answer);
  try {
    const rows = Array.from(
      { length: 6 },
      (_, i) =>
        JSON.stringify({ question: `What is ${i} + 100?`, answer: `Add.\n#### ${i + 100}` }),
    );
    await Deno.writeTextFile(`${folder}/sums.jsonl`, `${rows.join("\n")}\n`);
    await run(folder, server);
    for (const { name, isFile } of Deno.readDirSync(folder)) {
      if (!isFile) continue;
      const text = Deno.readTextFileSync(`${folder}/${name}`);
      assert(!text.includes(key), `the key is in ${name}`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const asked = (...args: string[]) => ["sums.jsonl", "--model-name=m", ...args];

Deno.test("traces: from a file of problems to one that a trainer reads", () =>
  withSums(
    ({ index, body }) => completion(index === 2 ? "no idea" : solved(body.messages[0].content)),
    async (folder, server) => {
      const args = ["traces", ...asked("--out=traces.jsonl", `--base-url=${server.url}`)];
      const { code, stdout, stderr } = await ended(
        spawn([...args, "--concurrency=1", "--price-in=100", "--price-out=1000"], folder),
      );
      assertEquals(code, 0, stderr);
      assertStringIncludes(stderr, "preset gsm8k, by column 'answer' with ####");
      assertStringIncludes(stdout, "traces.jsonl: 6 of 6 problems have traces (6 from this call");
      assertStringIncludes(
        stdout,
        "completions rejected: no-answer 1 (traces.rejected.jsonl)\n" +
          "  tokens: 70 in, 140 out, cost 0.1470",
      );
      // deno-lint-ignore no-control-regex
      assert(!/[\x00-\x09\x0b-\x1f]/.test(stdout + stderr), "control characters");
      assert(!(stdout + stderr).includes(key));
      assertEquals(server.requests[0].headers.get("authorization"), `Bearer ${key}`);
      assertEquals(readRejects(`${folder}/traces.jsonl`).length, 1);

      const { source } = await readSource(`${folder}/traces.jsonl`, {});
      const { problems, report } = await loadProblems(source);
      assertEquals([report.kept, report.withTrace, report.leftOut], [6, 6, []]);
      const rows = readRows(`${folder}/traces.jsonl`);
      assertEquals(
        problems.map(({ prompt, answer, trace, tier }) => ({ prompt, answer, trace, tier })),
        rows.map(({ prompt, answer, trace, tier }) => ({ prompt, answer, trace, tier })),
      );
      assertEquals(problems[1].trace, "Add 100 to 1.");

      const again = await ended(spawn(args, folder));
      assertEquals(again.code, 0, again.stderr);
      assertStringIncludes(again.stdout, "(0 from this call");
      assertEquals(server.requests.length, 7);
      const other = await ended(
        spawn([...args, "--temperature=0.5", "--rewards=accuracy"], folder),
      );
      assertEquals(other.code, 1);
      assertStringIncludes(other.stderr, "temperature: none then, 0.5 now");
      assertStringIncludes(other.stderr, "rewards: ");
    },
  ));

Deno.test("hints: with an instruction of one's own, the base URL from the environment", () =>
  withSums(
    ({ index }) => completion(index === 0 ? "It is one hundred." : "Put one behind the other."),
    async (folder, server) => {
      await Deno.writeTextFile(`${folder}/ask.txt`, "Hint at {question}, which is {answer}.");
      const { code, stdout, stderr } = await ended(spawn(
        ["hints", ...asked("--out=out/hints.jsonl", "--prompt-file=ask.txt", "--limit=2")],
        folder,
        { OPENAI_BASE_URL: server.url },
      ));
      assertEquals(code, 0, stderr);
      assertStringIncludes(stdout, "out/hints.jsonl: 2 of 2 problems have hints (2 from this call");
      const rows = readRows(`${folder}/out/hints.jsonl`);
      assertEquals(rows.map(({ id, hint, answer }) => [id, hint, answer]), [
        ["sums/sums.jsonl:1", "Put one behind the other.", "100"],
        ["sums/sums.jsonl:2", "Put one behind the other.", "101"],
      ]);
      assertEquals(server.requests[0].body.temperature, 0);
      assertEquals(server.requests[0].body.messages, [
        { role: "user", content: "Hint at What is 0 + 100?, which is 100." },
      ]);
    },
  ));

Deno.test("a wrong key: one message without it, and exit code 1", () =>
  withSums(() => failure(401, `Incorrect API key provided: ${key}`), async (folder, server) => {
    const { code, stdout, stderr } = await ended(spawn(
      ["traces", ...asked("--out=traces.jsonl", `--base-url=${server.url}`)],
      folder,
      { HANDRAIL_DEBUG: "1", OPENAI_LOG: "debug" },
    ));
    assertEquals([code, stdout], [1, ""]);
    assertStringIncludes(stderr, "error: the server refuses the key of OPENAI_API_KEY");
    assert(!stderr.includes(key), stderr);
  }));

Deno.test("requests that fail are said, and exit code 1 asks for another call", () =>
  withSums(
    ({ body }) =>
      body.messages[0].content.includes("2 + 100")
        ? failure(400, "too long")
        : completion(solved(body.messages[0].content)),
    async (folder, server) => {
      const { code, stdout } = await ended(spawn(
        ["traces", ...asked("--out=traces.jsonl", `--base-url=${server.url}`)],
        folder,
      ));
      assertEquals(code, 1);
      assertStringIncludes(stdout, "requests failed: 1, the last with: the server refuses");
      assertStringIncludes(stdout, "1 problem is open: the same call goes on");
    },
  ));

Deno.test("Ctrl-C awaits what is under way, exits with 130, and the same call goes on", () => {
  let child: Deno.ChildProcess | undefined;
  return withSums(async ({ index, body }) => {
    if (index === 2) child?.kill("SIGINT");
    if (index >= 2) await new Promise((resolve) => setTimeout(resolve, 100));
    return completion(solved(body.messages[0].content));
  }, async (folder, server) => {
    const args = ["traces", ...asked("--out=traces.jsonl", `--base-url=${server.url}`)];
    child = spawn([...args, "--concurrency=2"], folder);
    const { code, stdout, stderr } = await ended(child);
    assertEquals(code, 130, stderr);
    assertStringIncludes(stderr, "waiting for the answers under way");
    assertStringIncludes(stdout, " open: the same call goes on");
    const { length } = readRows(`${folder}/traces.jsonl`);
    assert(length >= 3 && length <= 4, `${length} rows`);
    child = undefined;
    const again = await ended(spawn(args, folder));
    assertEquals([again.code, readRows(`${folder}/traces.jsonl`).length], [0, 6]);
    assertEquals(server.requests.length, 6);
  });
});

Deno.test("what is wrong on the command line is said before anything is asked", () =>
  withSums(() => completion("x"), async (folder, server) => {
    await Deno.writeTextFile(`${folder}/ask.txt`, "Solve it.");
    const url = `--base-url=${server.url}`;
    for (
      const [args, message] of [
        [["sums.jsonl", "--out=o.jsonl", url], "'--model-name' is missing"],
        [asked(url), "'--out' is missing"],
        [asked("--out=o.json", url), "'--out' must end in .jsonl"],
        [asked("--out=o.jsonl"), "No server is named"],
        [asked("--out=o.jsonl", "--base-url=http://a:b@127.0.0.1/v1"), "a user or a password"],
        [asked("--out=o.jsonl", url, "--attempts=0"), "'--attempts' must be a whole number"],
        [asked("--out=o.jsonl", url, "--max-trace-length=9"), "needs --tokenizer=FOLDER"],
        [asked("--out=o.jsonl", url, "--prompt-file=ask.txt"), "'{question}' must stand in it"],
        [asked("--out=o.jsonl", url, "--prompt-file=no.txt"), "Cannot use --prompt-file=no.txt"],
        [asked("--out=o.jsonl", url, "--rewards=luck"), "current value is 'luck'"],
        [asked("--out=o.jsonl", url, "--preset=gsm9k"), "did you mean 'gsm8k'?"],
        [[url], "No data is given"],
      ] as const
    ) {
      const { code, stdout, stderr } = await ended(spawn(["traces", ...args], folder));
      assertEquals([code, stdout], [2, ""], stderr);
      assertStringIncludes(stderr, message);
      assert(!stderr.includes("a:b@"), stderr);
    }
    assertEquals(server.requests.length, 0);
    assertEquals([...Deno.readDirSync(folder)].length, 2);
  }));

Deno.test("a terminal sees one live line with counts, cost and the time left; a pipe the last one", () => {
  const state: CollectionState = {
    ...{ total: 1000, kept: 0, added: 0, exhausted: 0, leftOut: {}, failed: 0, lastFailure: null },
    ...{ rejected: {}, replies: 0, tokens: { input: 0, output: 0 }, uncounted: 0, retries: 0 },
  };
  for (const terminal of [true, false]) {
    let text = "";
    const stream = { terminal, columns: () => 200, write: (part: string) => void (text += part) };
    const progress = new TeacherProgress("traces", { input: 1, output: 2 }, stream);
    progress.show(state);
    progress.show({
      ...{ ...state, kept: 900, exhausted: 50, leftOut: { gold: 50 }, rejected: { accuracy: 7 } },
      ...{ tokens: { input: 1e6, output: 2e6 }, retries: 3 },
    });
    progress.end();
    const last = "traces 1,000/1,000  kept 900  rejected 7  repeats 3  tokens 1.0M in 2.0M out  " +
      "cost 5.0000 of about 5.0000";
    if (terminal) assertStringIncludes(text, last);
    else assertEquals(text, `${last}\n`);
  }
});
