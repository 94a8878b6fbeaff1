import { processReward, type ProcessRewardSpec } from "../../src/rewards/process.ts";
import type { Reward, RewardContext, Ungraded } from "../../src/rewards/reward.ts";
import { scoreRollouts } from "../../src/rewards/score.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "../../src/std/assert.ts";
import { alive, gone } from "../processes.ts";
import { contextOf, sampleOf } from "./samples.ts";

const module = new URL("processes/puppet.ts", import.meta.url).href;

const puppet = (spec: Partial<ProcessRewardSpec> = {}) =>
  processReward({ name: "puppet", module, ...spec });

/** Scores completions of one group, all asked for at once. */
function scores(
  reward: Reward,
  completions: readonly string[],
  context: Partial<RewardContext> = {},
): Promise<(number | Ungraded)[]> {
  const group = completions.map((completion) => sampleOf({ completion }));
  const whole = { ...contextOf(group), ...context };
  return Promise.all(group.map((one) => reward.score(one, whole)));
}

Deno.test("processReward: each sample has its own score, whatever the order and the number", async () => {
  await using reward = puppet({ processes: 2 });
  const numbers = Array.from({ length: 300 }, (_, i) => i / 7 - 3);
  assertEquals(await scores(reward, numbers.map(String)), numbers);
  assertEquals(await scores(reward, ["0.1", "1e-300", "-5"]), [0.1, 1e-300, -5]);
});

Deno.test("processReward: slow samples are spread over its processes", async () => {
  await using reward = puppet({ processes: 4 });
  const slow = Array.from({ length: 12 }, () => "sleep_pid 200");
  assertGreater(new Set(await scores(reward, slow)).size, 1);
});

Deno.test("processReward: the group and its problem arrive as they are", async () => {
  await using reward = puppet();
  const groups = ["a", "b"].map((id) =>
    [5, 6, 7].map((first) => ({
      ...sampleOf({ completion: "group", id }),
      completionIds: [first],
    }))
  );
  const all = groups.flatMap((group) => {
    const shared = group.map((one) => ({ ...one, problem: group[0].problem }));
    return shared.map((one) => reward.score(one, contextOf(shared)));
  });
  assertEquals(await Promise.all(all), [10_300, 10_301, 10_302, 10_300, 10_301, 10_302]);
  // Without a group it is judged alone.
  const alone = sampleOf({ completion: "tell", id: "c" });
  assertEquals(await reward.score(alone, contextOf([])), { ungraded: "problem c" });
});

Deno.test("processReward: a process keeps no samples that were scored", async () => {
  await using reward = puppet({ memoryBytes: 150 * 1024 * 1024 });
  const [pid] = await scores(reward, ["pid"]);
  const text = `1 ${"x".repeat(8 * 1024 * 1024)}`;
  for (let i = 0; i < 20; i++) assertEquals(await scores(reward, [text]), [1]);
  assertEquals(await scores(reward, ["pid"]), [pid]);
});

Deno.test("processReward: many groups, one after the other and again", async () => {
  await using reward = puppet();
  const groups = Array.from(
    { length: 150 },
    (_, i) => [sampleOf({ completion: "tell", id: `p${i}` }), sampleOf({ completion: `${i}` })],
  );
  const round = (member: number) =>
    Promise.all(groups.map((group) => reward.score(group[member], contextOf(group))));
  assertEquals(await round(0), groups.map((_, i) => ({ ungraded: `problem p${i}` })));
  assertEquals(await round(1), groups.map((_, i) => i));
});

Deno.test("processReward: an exception rejects with its message and place, and ends nothing", async () => {
  await using reward = puppet();
  const error = await assertRejects(() => scores(reward, ["throw"]), Error, "the judge is out (");
  assertStringIncludes(error.message, "puppet.ts:");
  assertStringIncludes(error.stack!, "RangeError: the judge is out");
  await assertRejects(() => scores(reward, ["reject"]), Error, "without an error");
  const [before] = await scores(reward, ["pid"]);
  await assertRejects(
    () => scores(reward, ["NaN"]),
    Error,
    'a score must be a finite number, or { ungraded: "why" }: current value is NaN',
  );
  await assertRejects(() => scores(reward, ["text"]), Error, "current value is of type string");
  assertEquals((await scores(reward, ["pid"]))[0], before);
  await assertRejects(
    () =>
      scoreRollouts([sampleOf({ completion: "1" }), sampleOf({ completion: "throw" })], [
        { reward, weight: 1 },
      ]),
    Error,
    "Reward 'puppet' failed on sample 1 (problem p): the judge is out",
  );
});

Deno.test("processReward: an exception of a timer fails the sample that runs", async () => {
  await using reward = puppet();
  const settled = await Promise.allSettled(
    ["1", "broken", "2"].map((text) => scores(reward, [text])),
  );
  assertEquals(settled.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  assertStringIncludes(`${(settled[1] as PromiseRejectedResult).reason}`, "a timer broke");
});

Deno.test("processReward: an endless loop is killed, ungraded, and the others are graded", async () => {
  await using reward = puppet({ timeoutMs: 400 });
  const start = performance.now();
  assertEquals(await scores(reward, ["1", "loop", "2", "never", "3"]), [
    1,
    { ungraded: "it took over 0.4 s" },
    2,
    { ungraded: "it took over 0.4 s" },
    3,
  ]);
  assert(performance.now() - start < 5000);
});

Deno.test("processReward: after the kill the process is gone", async () => {
  await using reward = puppet({ timeoutMs: 300 });
  const [pid, verdict, next] = await scores(reward, ["pid", "loop", "pid"]);
  assertEquals(verdict, { ungraded: "it took over 0.3 s" });
  assert(next !== pid);
  await gone(pid as number);
});

Deno.test("processReward: memory, of the heap and beside it, is limited", async () => {
  await using reward = puppet({ memoryBytes: 200 * 1024 * 1024, timeoutMs: 30_000 });
  const over = { ungraded: "it took over 200 MB" };
  assertEquals(await scores(reward, ["1", "heap", "2", "buffers", "3"]), [1, over, 2, over, 3]);
});

Deno.test("processReward: what a reward leaves to the garbage collector is no memory that it uses", async () => {
  await using reward = puppet({ memoryBytes: 200 * 1024 * 1024, timeoutMs: 60_000 });
  assertEquals(await scores(reward, ["garbage"]), [1]);
});

Deno.test("processReward: an overrun may be a score", async () => {
  await using reward = puppet({ timeoutMs: 200, onOverrun: 0 });
  assertEquals(await scores(reward, ["loop", "1"]), [0, 1]);
});

Deno.test("processReward: a sample's time begins with it, not with its wait", async () => {
  await using reward = puppet({ timeoutMs: 600 });
  const sleepers = Array.from({ length: 6 }, () => "sleep 200");
  assertEquals(await scores(reward, sleepers), sleepers.map(() => 1));
});

Deno.test("processReward: a thread that is busy here costs no sample its score", async () => {
  await using reward = puppet({ timeoutMs: 1000 });
  await reward.start();
  const pending = scores(reward, ["sleep 100", "sleep 100", "1", "2"]);
  await new Promise((done) => setTimeout(done, 20));
  const end = performance.now() + 1500;
  while (performance.now() < end);
  assertEquals(await pending, [1, 1, 1, 2]);
});

Deno.test("processReward: an endless loop ends even while this thread is busy", async () => {
  await using reward = puppet({ timeoutMs: 200 });
  const [pid] = await scores(reward, ["pid"]) as number[];
  const pending = scores(reward, ["loop", "1"]);
  await new Promise((done) => setTimeout(done, 20)); // it is sent
  const end = performance.now() + 10_000;
  while (performance.now() < end && alive(pid)); // and never yielded to
  assert(!alive(pid));
  assertEquals(await pending, [{ ungraded: "it took over 0.2 s" }, 1]);
});

Deno.test("processReward: what kills its process twice is ungraded, once is tried again", async () => {
  const file = await Deno.makeTempFile();
  await Deno.remove(file);
  await using reward = puppet({ permissions: { read: true, write: true, run: true } });
  try {
    const [first, dead, second, revived] = await scores(
      reward,
      ["1", "die", "2", `die_once ${file}`],
    );
    assertEquals([first, second, revived], [1, 2, 7]);
    assertStringIncludes((dead as Ungraded).ungraded, "its process ended twice");
  } finally {
    await Deno.remove(file).catch(() => {});
  }
});

Deno.test("processReward: it may ask for the score of another reward, for as long as that takes", async () => {
  await using reward = puppet({ timeoutMs: 200 });
  const given: Record<string, number | Ungraded> = { right: 0.5, unknown: { ungraded: "late" } };
  const slowly = {
    async scoreOf(name: string) {
      await new Promise((done) => setTimeout(done, 700));
      if (!(name in given)) throw new Error(`there is no reward '${name}'`);
      return given[name];
    },
  };
  assertEquals(await scores(reward, ["ask right", "ask unknown"], slowly), [
    5,
    { ungraded: "told: late" },
  ]);
  // Its own time goes on afterwards.
  assertEquals(await scores(reward, ["ask_loop right", "1"], slowly), [
    { ungraded: "it took over 0.2 s" },
    1,
  ]);
  await assertRejects(
    () => scores(reward, ["ask nobody"], slowly),
    Error,
    "there is no reward 'nobody'",
  );
});

Deno.test("processReward: what is given up is not waited for, and its process ends", async () => {
  await using reward = puppet();
  const [pid] = await scores(reward, ["pid"]) as number[];
  const abort = new AbortController();
  const given = scores(reward, ["loop"], { signal: abort.signal });
  const other = scores(reward, ["5"]);
  setTimeout(() => abort.abort(new Error("the run ends")), 200);
  await assertRejects(() => given, Error, "the run ends");
  assertEquals(await other, [5]);
  await gone(pid);
  await assertRejects(() => scores(reward, ["1"], { signal: abort.signal }), Error, "the run ends");
});

Deno.test("processReward: disposing kills, rejects what is waited for, and may be done twice", async () => {
  const reward = puppet();
  const [pid] = await scores(reward, ["pid"]) as number[];
  const pending = scores(reward, ["loop", "1"]);
  const failed = assertRejects(() => pending, Error, "Reward 'puppet' was disposed of");
  await reward[Symbol.asyncDispose]!();
  await failed;
  assert(!alive(pid));
  await reward[Symbol.asyncDispose]!();
  await assertRejects(() => scores(reward, ["1"]), Error, "was disposed of");
  await puppet()[Symbol.asyncDispose]!(); // that never started
});

Deno.test("processReward: standard output is the messages', what is printed goes to standard error", async () => {
  await using reward = puppet();
  const told: unknown[] = [];
  const original = console.error;
  console.error = (text: unknown) => told.push(text);
  try {
    assertEquals(await scores(reward, ["print"]), [1]);
  } finally {
    console.error = original;
  }
  assertEquals(told, ['[puppet] said { by: "the puppet" }']);
});

Deno.test("processReward: the environment is empty but for the variables that were named", async () => {
  Deno.env.set("HANDRAIL_TEST_KEY", "1");
  try {
    await using closed = puppet();
    assertEquals(await scores(closed, ["env HANDRAIL_TEST_KEY"]), [0]);
    await using open = puppet({ permissions: { env: ["HANDRAIL_TEST_KEY"] } });
    assertEquals(await scores(open, ["env HANDRAIL_TEST_KEY"]), [1]);
  } finally {
    Deno.env.delete("HANDRAIL_TEST_KEY");
  }
});

Deno.test("processReward: options that are no JSON are refused before a process starts", async () => {
  await using reward = puppet({ options: { count: 1n } });
  await assertRejects(() => reward.start(), Error, "Cannot start a process for reward 'puppet'");
});

Deno.test("processReward: limits that cannot be used are refused by name", () => {
  for (const name of ["timeoutMs", "memoryBytes", "processes"]) {
    for (const value of [0, -1, NaN, Infinity]) {
      assertThrows(
        () => puppet({ [name]: value }),
        TypeError,
        `Cannot make reward 'puppet' as '${name}' must be a number above 0: current value is ${value}`,
      );
    }
  }
});

const parent = new URL("processes/parent.ts", import.meta.url).href;

function startParent(...args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", "-A", parent, ...args],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

async function firstNumber(stdout: ReadableStream<Uint8Array>): Promise<number> {
  for await (const text of stdout.pipeThrough(new TextDecoderStream())) return Number(text);
  throw new Error("it printed nothing");
}

Deno.test("processReward: a program that never disposes of it ends, and its processes with it", async () => {
  const start = performance.now();
  const program = startParent();
  const pid = await firstNumber(program.stdout);
  assertEquals((await program.status).code, 0);
  assert(performance.now() - start < 10_000);
  await gone(pid);
});

Deno.test("processReward: a busy process does not outlive a parent that was killed", async () => {
  const program = startParent("loop");
  const pid = await firstNumber(program.stdout);
  await new Promise((done) => setTimeout(done, 300));
  assert(alive(pid));
  program.kill("SIGKILL");
  await program.status;
  await gone(pid);
});
