import { type E2BSandboxOptions, type Replaced, startE2B } from "../../src/sandbox/e2b.ts";
import type { Patience } from "../../src/sandbox/e2b_cloud.ts";
import { Keeper } from "../../src/sandbox/e2b_keeper.ts";
import { toolchains } from "../../src/sandbox/e2b_languages.ts";
import {
  type Exited,
  type Sandbox,
  SandboxError,
  type Verdict,
} from "../../src/sandbox/sandbox.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "../../src/std/assert.ts";
import { sandboxContract } from "./contract.ts";
import { E2BStub, echo, ready, reply } from "./e2b_stub.ts";

/** Why the contract cannot be run here: it needs a guest. */
async function envdIsMissing(): Promise<string | null> {
  try {
    const { ok, body } = await fetch("http://127.0.0.1:49983/health");
    await body?.cancel();
    return ok ? null : "what listens at 127.0.0.1:49983 is no envd";
  } catch {
    return "no envd of E2B listens at 127.0.0.1:49983";
  }
}

sandboxContract("e2b", async (options) => {
  using _ = environment({ E2B_DEBUG: "true" });
  return await startE2B({ ...options, sandboxUrl: "http://127.0.0.1:49983" }, {});
}, await envdIsMissing());

// What the control plane and a guest say is scripted from here on.

/** Sets variables, and takes all others of E2B away, until it is disposed of. */
function environment(variables: Record<string, string>): Disposable {
  const names = ["E2B_API_KEY", "E2B_DEBUG", "E2B_DOMAIN", "E2B_API_URL", "E2B_SANDBOX_URL"];
  const before = new Map(
    [...names, ...Object.keys(variables)].map((name) => [name, Deno.env.get(name)]),
  );
  for (const name of names) Deno.env.delete(name);
  for (const [name, value] of Object.entries(variables)) Deno.env.set(name, value);
  return {
    [Symbol.dispose]() {
      for (const [name, value] of before) {
        if (value === undefined) Deno.env.delete(name);
        else Deno.env.set(name, value);
      }
    },
  };
}

/** The stand-in, and a cache folder of the test's own. */
class Scene implements AsyncDisposable {
  readonly stub = new E2BStub();
  readonly cache = Deno.makeTempDirSync({ prefix: "handrail-e2b-" });
  /** Pauses between tries, which take no time here. */
  readonly pauses: number[] = [];
  readonly #environment = environment({ E2B_API_KEY: this.stub.key, HANDRAIL_CACHE: this.cache });

  patience(more: Partial<Patience> = {}): Partial<Patience> {
    const wait = (ms: number, signal?: AbortSignal) => {
      this.pauses.push(ms);
      signal?.throwIfAborted();
      return Promise.resolve();
    };
    return { wait, ...more };
  }

  start(options: E2BSandboxOptions = {}, replaced: Replaced = {}): Promise<Sandbox> {
    const { url } = this.stub;
    return startE2B({ apiUrl: url, sandboxUrl: url, ...options }, {
      unkept: true,
      ...replaced,
      patience: this.patience(replaced.patience),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stub[Symbol.asyncDispose]();
    this.#environment[Symbol.dispose]();
    Deno.removeSync(this.cache, { recursive: true });
  }
}

async function all(
  sandbox: Sandbox,
  inputs: readonly string[],
  options: Parameters<Sandbox["run"]>[2] & { language?: "python" | "cpp"; source?: string } = {},
): Promise<Verdict[]> {
  const { language = "python", source = "print(input())", ...rest } = options;
  const verdicts: Verdict[] = [];
  for await (const verdict of sandbox.run({ language, source }, inputs, rest)) {
    verdicts.push(verdict);
  }
  return verdicts;
}

const outputs = (verdicts: Verdict[]) => verdicts.map((verdict) => (verdict as Exited).stdout);

async function until(condition: () => boolean, ms = 10_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!condition()) {
    assertLess(performance.now(), deadline, "waited in vain");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

Deno.test("e2b: without a key nothing is asked of anybody", async () => {
  await using scene = new Scene();
  Deno.env.delete("E2B_API_KEY");
  const error = await assertRejects(() => scene.start(), SandboxError, "set E2B_API_KEY");
  assertStringIncludes(error.message, "pyodide");
  assertEquals(scene.stub.calls, []);
});

Deno.test("e2b: a program's guest is made, used and killed", async () => {
  await using scene = new Scene();
  const { stub } = scene;
  const sandbox = await scene.start({ template: "mine" }, { unkept: false });
  assertEquals([...sandbox.languages].sort(), ["cpp", "javascript", "python", "typescript"]);
  assertEquals([stub.made.length, stub.guests.size], [1, 0]);
  assertEquals(outputs(await all(sandbox, ["a", "b\n", "ż"])), ["a", "b\n", "ż"]);
  await sandbox[Symbol.asyncDispose]();
  assertEquals([stub.made.length, stub.guests.size], [2, 0]);

  const [, { made, metadata, timeouts }] = stub.made;
  assertEquals([made.templateID, made.allow_internet_access, timeouts[0]], ["mine", false, 120]);
  assertEquals(metadata.handrail, "sandbox");
  assertMatch(metadata.handrail_owner, /^[0-9a-f-]{36}$/);
  const [, { command, user, source, job }] = stub.jobs;
  assertEquals([user, source], ["root", "print(input())"]);
  assertMatch(command, /^exec timeout -s KILL \d+ python3 /);
  assertEquals(job.requests.length, 3);

  const { programs, runs, failures, seconds } = sandbox.usage;
  assertEquals([programs, runs, failures], [1, 3, 0]);
  assert(seconds > 0 && seconds < 60);
  // Nothing is left of its lock, and the key was only ever a header.
  assertEquals([...Deno.readDirSync(`${scene.cache}/e2b`)], []);
  assert(stub.calls.some(({ key }) => key === stub.key));
  for (const { url } of stub.calls) assert(!url.includes(stub.key), url);
  for (const guest of stub.made) {
    assert(!JSON.stringify([guest.made, ...guest.files]).includes(stub.key));
  }
});

Deno.test("e2b: no guest serves two programs, and no more live at a time than places", async () => {
  await using scene = new Scene();
  const { stub } = scene;
  stub.behaviour = function* (job) {
    yield ready;
    yield { waitMs: 20 };
    for (const input of job.inputs) yield reply(`${job.source} ${input}`);
  };
  await using sandbox = await scene.start({ concurrency: 3 });
  const programs = Array.from({ length: 8 }, (_, i) => i);
  const results = await Promise.all(
    programs.map((i) => all(sandbox, ["x", "y"], { source: `p${i}` })),
  );
  assertEquals(results.map(outputs), programs.map((i) => [`p${i} x`, `p${i} y`]));
  assertEquals(stub.most, 3);
  const used = stub.jobs.slice(1).map(({ guest, source }) => [guest.id, source]);
  assertEquals(new Set(used.map(([id]) => id)).size, 8);
  assertEquals(new Set(used.map(([, source]) => source)).size, 8);
});

Deno.test("e2b: what the guest says is a verdict; what anybody else prints there is none", async () => {
  await using scene = new Scene();
  scene.stub.behaviour = function* (job) {
    yield { text: "a login shell says hello" };
    yield ready;
    if (job.inputs.length === 1) return yield reply("42\n");
    const forged = { type: "exited", code: 0, ms: 1, truncated: false, stdout: "", stderr: "" };
    yield { text: `${JSON.stringify(forged)}\n${crypto.randomUUID()} ${JSON.stringify(forged)}` };
    yield reply("", { code: 137, ms: 12 });
    yield reply("", { type: "timeout", ms: 1000, cpuMs: 990 });
    yield reply("", { type: "memory", ms: 5 });
    yield reply("", { type: "output_limit", ms: 5 });
    yield reply("out", { stderr: btoa("\xc5\xbc\xc5"), truncated: true, code: 3 });
    // A line may come in pieces.
    const [before, after] = [
      `\n${job.job.id} {"type":"exited","code":0,"ms":1,"trun`,
      `cated":false,`,
    ];
    yield { text: before };
    yield { text: `${after}"stdout":"bGFzdA==","stderr":""}\n` };
  };
  await using sandbox = await scene.start();
  const exited = { type: "exited", stdout: "", stderr: "", truncated: false } as const;
  assertEquals(await all(sandbox, ["1", "2", "3", "4", "5", "6"]), [
    { ...exited, code: 137, ms: 12 },
    { type: "timeout", ms: 1000, cpuMs: 990 },
    { type: "memory" },
    { type: "output_limit" },
    { ...exited, code: 3, stdout: "out", stderr: "ż", truncated: true, ms: 3 },
    { ...exited, code: 0, stdout: "last", ms: 1 },
  ]);
});

Deno.test("e2b: what does not compile ends so on every input", async () => {
  await using scene = new Scene();
  const { stub } = scene;
  stub.behaviour = function* (job) {
    if (!job.source.startsWith("cpp")) return yield* echo(job);
    yield ready;
    const bad = job.source === "cpp bad";
    yield reply("", { code: bad ? 1 : 0, stderr: bad ? btoa("error: x") : "" });
    if (!bad) { for (const input of job.inputs.slice(1)) yield reply(`ran on ${input}`); }
  };
  await using sandbox = await scene.start();
  const good = await all(sandbox, ["1", "2"], { language: "cpp", source: "cpp good" });
  assertEquals(outputs(good), ["ran on 1", "ran on 2"]);
  const bad = await all(sandbox, ["1", "2", "3"], { language: "cpp", source: "cpp bad" });
  assertEquals(
    bad.map((verdict) => [(verdict as Exited).code, (verdict as Exited).stderr]),
    [[1, "error: x"], [1, "error: x"], [1, "error: x"]],
  );
  const requests = stub.jobs.at(-1)!.job.requests as { build: boolean; first: boolean }[];
  assertEquals(requests.map(({ build, first }) => [build, first]), [
    [true, true],
    ...Array(3).fill([false, false]),
  ]);
});

Deno.test("e2b: many inputs, and large ones, are given in parts", async () => {
  await using scene = new Scene();
  await using sandbox = await scene.start();
  const inputs = Array.from({ length: 7 }, (_, i) => `${i}`);
  const limits = { outputBytes: 16 * 1024 * 1024 };
  assertEquals(outputs(await all(sandbox, inputs, { limits })), inputs);
  // At most 64 MiB of standard output and error may come back from one job.
  assertEquals(scene.stub.jobs.slice(1).map(({ inputs }) => inputs.length), [2, 2, 2, 1]);
  assertEquals(new Set(scene.stub.jobs.slice(1).map(({ guest }) => guest.id)).size, 1);
});

Deno.test("e2b: too many requests are made again, as late as asked", async () => {
  await using scene = new Scene();
  const { stub } = scene;
  await using sandbox = await scene.start();
  const create = "POST /v2/sandboxes";
  stub.fail({ on: create, status: 429, headers: { "Retry-After": "1" } });
  stub.calls.length = 0;
  assertEquals(outputs(await all(sandbox, ["a"])), ["a"]);
  const [first, second] = stub.calls.filter(({ name }) => name === create);
  assertGreater(second.at - first.at, 990);

  // Without a time: ours, longer each time, with chance in it.
  stub.fail({ on: create, status: 429, times: 4 });
  assertEquals(outputs(await all(sandbox, ["b"])), ["b"]);
  assertEquals(scene.pauses.length, 4);
  scene.pauses.forEach((ms, i) => {
    assert(ms >= 250 * 2 ** i && ms <= 500 * 2 ** i, `${scene.pauses}`);
  });
  assertEquals(sandbox.usage.failures, 4);

  stub.fail({ on: create, status: 429, times: 100 });
  await assertRejects(() => all(sandbox, ["c"]), SandboxError, "Lower the sandbox's 'concurrency'");
});

Deno.test("e2b: errors of the server and lost connections are tried again", async () => {
  await using scene = new Scene();
  const { stub } = scene;
  await using sandbox = await scene.start();
  const create = "POST /v2/sandboxes";
  const faults = [
    { status: 500 },
    { status: 503 },
    { status: 502, body: "<html>bad gateway" },
    { status: 200, body: "{ not JSON" },
    { status: 201, body: {} },
  ];
  for (const fault of faults) {
    stub.fail({ on: create, ...fault });
    assertEquals(outputs(await all(sandbox, ["a"])), ["a"], JSON.stringify(fault));
  }
  assertEquals(sandbox.usage.failures, faults.length);

  // Too slow: given up, and made again.
  const quick = await scene.start({}, { patience: { requestMs: 300 } });
  stub.fail({ on: create, delayMs: 5000 });
  assertEquals(outputs(await all(quick, ["b"])), ["b"]);
  assertEquals(quick.usage.failures, 1);
  // Made, but the answer was lost: nobody knows of it, and it is killed at the end all the same.
  stub.fail({ on: create, status: 500, after: true });
  assertEquals(outputs(await all(quick, ["c"])), ["c"]);
  await quick[Symbol.asyncDispose]();
  assertEquals(stub.guests.size, 0);
});

Deno.test("e2b: nobody there", async () => {
  await using scene = new Scene();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}`;
  listener.close();
  const error = await assertRejects(() => scene.start({ apiUrl: url }), SandboxError, url);
  assertStringIncludes(error.message, "7 tries");
  // One more is spent on what may have been made all the same.
  assertEquals(scene.pauses.length, 6 + 1);
});

Deno.test("e2b: a wrong key, and one that the server repeats", async () => {
  await using scene = new Scene();
  const { stub } = scene;
  Deno.env.set("E2B_API_KEY", "e2b_wrong");
  const wrong = await assertRejects(() => scene.start(), SandboxError, "E2B_API_KEY");
  assertStringIncludes(wrong.message, "Unauthorized");
  assertEquals([stub.count("POST /v2/sandboxes"), scene.pauses.length], [1, 0]);

  Deno.env.set("E2B_API_KEY", stub.key);
  const message = `the key ${stub.key} is blocked`;
  stub.fail({ on: "POST /v2/sandboxes", status: 403, body: { code: 403, message } });
  const told = await assertRejects(() => scene.start(), SandboxError, "is blocked");
  assert(!`${told.message}${told.stack}${Deno.inspect(told)}`.includes(stub.key));
});

Deno.test("e2b: no such template", async () => {
  await using scene = new Scene();
  const body = { code: 404, message: "template 'nope' not found" };
  scene.stub.fail({ on: "POST /v2/sandboxes", status: 404, body });
  const error = await assertRejects(() => scene.start({ template: "nope" }), SandboxError, "nope");
  assertStringIncludes(error.message, "Is the template there");
  assertEquals(scene.pauses, []);
});

Deno.test("e2b: a template without what is needed", async () => {
  await using scene = new Scene();
  const { stub } = scene;
  stub.behaviour = () => [{ error: "bash: python3: command not found" }, { exit: 127 }];
  await assertRejects(() => scene.start(), SandboxError, "no python3");
  stub.behaviour = () => [{ error: "Python 3.6.9 is too old: 3.9 is needed" }, { exit: 1 }];
  await assertRejects(() => scene.start(), SandboxError, "3.6.9 is too old");
  stub.behaviour =
    () => [{ say: { type: "failed", message: "unshare: not permitted" } }, { exit: 0 }];
  await assertRejects(() => scene.start(), SandboxError, "unshare: not permitted");
  stub.behaviour = () => [ready, reply("", { code: 1, stderr: btoa("broken") })];
  await assertRejects(() => scene.start(), SandboxError, "broken");
  assertEquals(stub.guests.size, 0);
});

Deno.test("e2b: a guest that dies is replaced, and no verdict is lost or given twice", async () => {
  await using scene = new Scene();
  const { stub } = scene;
  await using sandbox = await scene.start();
  let times = 0;
  stub.behaviour = function* (job) {
    times++;
    yield ready;
    yield reply(`${job.inputs[0]} by ${times}`);
    if (times === 1) yield { cut: true };
    // Ends as if all was done.
    if (times === 2) return yield { exit: 0 };
    for (const input of job.inputs.slice(1)) yield reply(`${input} by ${times}`);
  };
  assertEquals(outputs(await all(sandbox, ["a", "b", "c", "d"])), [
    ...["a by 1", "b by 2", "c by 3", "d by 3"],
  ]);
  assertEquals(sandbox.usage.failures, 2);
  assertEquals(new Set(stub.jobs.slice(1).map(({ guest }) => guest.id)).size, 3);

  stub.behaviour = function* ({ inputs }) {
    yield ready;
    if (inputs.length === 3) yield reply("only this");
    yield { cut: true };
  };
  const verdicts: Verdict[] = [];
  const error = await assertRejects(async () => {
    const program = { language: "python", source: "" } as const;
    for await (const verdict of sandbox.run(program, ["x", "y", "z"])) verdicts.push(verdict);
  }, SandboxError);
  assertStringIncludes(error.message, "3 guests");
  assertEquals(outputs(verdicts), ["only this"]);
});

Deno.test("e2b: a guest that falls silent is given up", async () => {
  await using scene = new Scene();
  const { stub } = scene;
  await using sandbox = await scene.start({}, { graceMs: 300 });
  let silent = true;
  stub.behaviour = function* (job) {
    yield ready;
    if (silent) {
      silent = false;
      yield { waitMs: 60_000 };
    }
    for (const input of job.inputs) yield reply(input);
  };
  const started = performance.now(), inputs = Array.from({ length: 20 }, (_, i) => `${i}`);
  assertEquals(outputs(await all(sandbox, inputs, { limits: { timeoutMs: 500 } })), inputs);
  // Not only after the time that all of them may take.
  assertLess(performance.now() - started, 8000);
  assertEquals(sandbox.usage.failures, 1);
});

Deno.test("e2b: cancelled while its guest is made, and while it runs", async () => {
  await using scene = new Scene();
  const { stub } = scene;
  await using sandbox = await scene.start({ concurrency: 1 });
  const reason = new Error("not any more");
  const cancelled = async (when: () => boolean) => {
    const controller = new AbortController();
    const { signal } = controller;
    const running = assertRejects(() => all(sandbox, ["a", "b"], { signal }));
    await until(when);
    const at = performance.now();
    controller.abort(reason);
    assert(await running === reason);
    assertLess(performance.now() - at, 1000);
    await until(() => stub.made.length === stub.count(create) && stub.guests.size === 0);
  };
  const create = "POST /v2/sandboxes";
  stub.fail({ on: create, delayMs: 300 });
  await cancelled(() => stub.count(create) === 2);
  stub.behaviour = () => [ready, { waitMs: 60_000 }];
  const jobs = stub.jobs.length;
  await cancelled(() => stub.jobs.length > jobs);
  stub.behaviour = echo;
  assertEquals(outputs(await all(sandbox, ["on"])), ["on"]);
  assertEquals(sandbox.usage.failures, 0);
});

Deno.test("e2b: broken off, and closed while programs run and wait", async () => {
  await using scene = new Scene();
  const { stub } = scene;
  const sandbox = await scene.start({ concurrency: 2 });
  stub.behaviour = function* ({ inputs }) {
    yield ready;
    yield reply(inputs[0]);
    yield { waitMs: 60_000 };
  };
  for await (const verdict of sandbox.run({ language: "python", source: "" }, ["a", "b"])) {
    assertEquals(outputs([verdict]), ["a"]);
    break;
  }
  await until(() => stub.guests.size === 0);
  const running = [1, 2, 3, 4].map(() =>
    assertRejects(() => all(sandbox, ["a", "b"]), SandboxError, "closed")
  );
  await until(() => stub.jobs.length === 4);
  const at = performance.now();
  await Promise.all([sandbox[Symbol.asyncDispose](), sandbox[Symbol.asyncDispose]()]);
  await Promise.all(running);
  assertLess(performance.now() - at, 3000);
  assertEquals(stub.guests.size, 0);
  await assertRejects(() => all(sandbox, ["a"]), SandboxError, "closed");
});

Deno.test("e2b: a guest that cannot be killed is left to its own end, and nobody waits for it", async () => {
  await using scene = new Scene();
  const { stub } = scene;
  const sandbox = await scene.start();
  stub.fail({ on: "DELETE /sandboxes/{id}", status: 500, times: 4 });
  assertEquals(outputs(await all(sandbox, ["a"])), ["a"]);
  await until(() => stub.count("DELETE /sandboxes/{id}") === 1 + 4);
  // One that has gone by itself is fine.
  stub.fail({ on: "DELETE /sandboxes/{id}", status: 404, body: "" });
  assertEquals(outputs(await all(sandbox, ["b"])), ["b"]);
  await sandbox[Symbol.asyncDispose]();
  assertEquals(sandbox.usage.failures, 4);
});

Deno.test("e2b: guests live on while they are kept, and only then", async () => {
  await using scene = new Scene();
  const { stub } = scene;
  const owner = crypto.randomUUID();
  const [kept, dropped] = [stub.add({ handrail_owner: owner }), stub.add({})];
  const connection = { apiKey: stub.key, apiUrl: stub.url };
  const keeper = new Keeper(connection, owner, 50);
  await keeper.keep(kept.id);
  await keeper.keep(dropped.id);
  await until(() => kept.timeouts.length > 2 && dropped.timeouts.length > 2);
  assertEquals(new Set(kept.timeouts), new Set([120]));
  keeper.drop(dropped.id);
  const { length } = dropped.timeouts;
  const before = kept.timeouts.length;
  await until(() => kept.timeouts.length > before + 3);
  assertLess(dropped.timeouts.length, length + 2);
  await keeper[Symbol.asyncDispose]();
  assertEquals(stub.guests.size, 2);
});

for (const signal of ["SIGKILL", "SIGINT"] as const) {
  Deno.test(`e2b: a trainer that ends by ${signal} leaves no guest and no process`, async () => {
    await using scene = new Scene();
    const { stub } = scene;
    stub.behaviour = ({ inputs }) =>
      inputs[0] === "" ? [ready, reply("42\n")] : [ready, { waitMs: 60_000 }];
    const create = "POST /v2/sandboxes";
    stub.fail({ on: create, times: 4 });
    stub.fail({ on: create, delayMs: 1500 });
    const trainer = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--allow-all",
        new URL("e2b_trainer.ts", import.meta.url).href,
        stub.url,
      ],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    // One that tries the template and three that run; one more is being made.
    await until(() => stub.jobs.length === 4 && stub.count(create) === 5, 30_000);
    assertEquals(stub.guests.size, 3);
    Deno.kill(trainer.pid, signal);
    await trainer.status;
    await trainer.stdout.cancel();
    await until(() => stub.made.length === 5 && stub.guests.size === 0, 20_000);
    // The next start finds nothing, and clears the lock away.
    const sandbox = await scene.start();
    await sandbox[Symbol.asyncDispose]();
    assertEquals([...Deno.readDirSync(`${scene.cache}/e2b`)], []);
  });
}

Deno.test("e2b: guests of owners that are gone are killed at the next start, others are not", async () => {
  await using scene = new Scene();
  const { stub } = scene;
  stub.pageSize = 2;
  const first = await scene.start();
  stub.behaviour = ({ inputs }) =>
    inputs[0] === "" ? [ready, reply("42\n")] : [ready, { waitMs: 60_000 }];
  const running = assertRejects(() => all(first, ["a"]), SandboxError);
  await until(() => stub.jobs.length === 2);
  const [live] = stub.guests.values();

  assertEquals([...Deno.readDirSync(`${scene.cache}/e2b`)].length, 1);
  const gone = crypto.randomUUID(), elsewhere = crypto.randomUUID();
  Deno.writeTextFileSync(`${scene.cache}/e2b/${gone}.lock`, "");
  const leaked = Array.from(
    { length: 3 },
    () => stub.add({ handrail: "sandbox", handrail_owner: gone }),
  );
  const others = [
    stub.add({ handrail: "sandbox", handrail_owner: elsewhere }),
    stub.add({ handrail: "sandbox" }),
    stub.add({ handrail_owner: gone }),
    stub.add({}),
  ];
  const second = await scene.start();
  const left = (guest: { id: string }) => stub.guests.has(guest.id);
  assertEquals(leaked.map(left), [false, false, false]);
  assertEquals([live, ...others].map(left), [true, true, true, true, true]);
  await second[Symbol.asyncDispose]();
  assert(left(live));
  await first[Symbol.asyncDispose]();
  await running;
  assert(!left(live));
  assertEquals([...Deno.readDirSync(`${scene.cache}/e2b`)], []);
});

Deno.test("e2b: options", async () => {
  await using scene = new Scene();
  await assertRejects(() => scene.start({ concurrency: 0 }), TypeError, "concurrency");
  await assertRejects(() => scene.start({ limits: { timeoutMs: -1 } }), TypeError, "timeoutMs");
  // What the environment says holds where nothing else is said.
  Deno.env.set("E2B_API_URL", scene.stub.url);
  Deno.env.set("E2B_SANDBOX_URL", scene.stub.url);
  const sandbox = await scene.start({ apiUrl: undefined, sandboxUrl: undefined });
  Deno.env.delete("E2B_API_URL");
  Deno.env.delete("E2B_SANDBOX_URL");
  Deno.env.delete("E2B_API_KEY");
  assertEquals(outputs(await all(sandbox, ["a"])), ["a"]);
  await assertRejects(
    () => all(sandbox, ["a"], { language: "cobol" as "cpp" }),
    TypeError,
    "cobol",
  );
  await sandbox[Symbol.asyncDispose]();
});

Deno.test("e2b: languages by what a template has", () => {
  const of = (names: string[], node: string | null = null) => {
    const paths = Object.fromEntries(names.map((name) => [name, `/usr/bin/${name}`]));
    return toolchains({ paths, node });
  };
  const command = (
    found: ReturnType<typeof of>,
    language: "javascript" | "typescript",
    text = "",
  ) => {
    const toolchain = found.get(language);
    return toolchain && toolchain.command(toolchain.file(text)).join(" ");
  };
  assertEquals([...of([]).keys()], []);
  assertEquals([...of(["node", "clang++"], "v20.9.0").keys()], ["javascript", "cpp"]);
  assertEquals([...of(["node"], "v22.6.0").keys()], ["javascript"]);
  assertEquals([...of(["node"], "v22.7.0").keys()], ["javascript", "typescript"]);
  const node = of(["node", "tsx"], "v24.0.0");
  for (
    const script of [
      "const fs = require('fs')",
      "const x = 'import'",
      "// export\nlet y",
      "importer()",
    ]
  ) {
    assertEquals(command(node, "javascript", script), "/usr/bin/node /tmp/main.cjs", script);
  }
  for (
    const module of [
      "import fs from 'fs'",
      "import {x} from 'y'",
      `import "z"`,
      "let a = 1;\nexport default a",
      "const line = await f()",
      "await f()",
    ]
  ) assertEquals(command(node, "javascript", module), "/usr/bin/node /tmp/main.mjs", module);
  assertMatch(
    command(node, "typescript")!,
    /^\/usr\/bin\/node --experimental-transform-types .*\.cts$/,
  );
  assertMatch(
    command(of(["node", "deno"], "v24.0.0"), "typescript")!,
    /^\/usr\/bin\/deno run .*main\.ts$/,
  );
  assertMatch(
    command(of(["node", "tsx"], "v20.0.0"), "typescript")!,
    /^\/usr\/bin\/tsx \/tmp\/main\.ts$/,
  );
});
