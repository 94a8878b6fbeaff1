import { benchSandboxes, gradedPrograms, measureSandbox } from "../../src/bench/sandbox.ts";
import { processSandbox } from "../../src/sandbox/process.ts";
import type { Sandbox, Verdict } from "../../src/sandbox/sandbox.ts";
import { assert, assertEquals, assertGreater, assertRejects } from "../../src/std/assert.ts";
import { maybeTest } from "../support.ts";

const skip = await processSandbox({ concurrency: 1 }).then(
  async (sandbox) => {
    await sandbox[Symbol.asyncDispose]();
    return undefined;
  },
  (error: Error) => error.message,
);

maybeTest("sandboxes are measured on what they grade rightly", skip, async () => {
  const programs = gradedPrograms(4, 2);
  assertEquals(new Set(programs.map(({ source }) => source)).size, 4);
  const { speeds, skipped } = await benchSandboxes(programs, [{ provider: "process" }]);
  assertEquals(skipped, {});
  assertEquals(speeds.map(({ name }) => name), [
    "a process a test, 1 at once",
    `a process a test, ${navigator.hardwareConcurrency} at once`,
    "process",
  ]);
  for (const { programsPerSecond, testsPerSecond } of speeds) {
    assertGreater(programsPerSecond, 0);
    assert(Math.abs(testsPerSecond / programsPerSecond - 2) < 1e-9);
  }
});

Deno.test("a sandbox that answers wrongly or too little has no speed", async () => {
  const programs = gradedPrograms(2, 3);
  const answering = (stdout: string, count: number): Sandbox => ({
    name: "other",
    languages: ["python"],
    usage: { programs: 0, runs: 0, failures: 0, seconds: 0 },
    async *run(): AsyncGenerator<Verdict> {
      for (let i = 0; i < count; i++) {
        yield { type: "exited", code: 0, stdout, stderr: "", truncated: false, ms: 1 };
      }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
  await assertRejects(() => measureSandbox(answering("wrong", 3), programs), Error, `"wrong"`);
  await assertRejects(() => measureSandbox(answering("7", 0), programs), Error, "0 of 3 tests");
});

Deno.test("a provider that cannot start is skipped with its reason", async () => {
  const spec = { provider: "process", concurrency: 0 } as const;
  const { skipped } = await benchSandboxes([], [spec]);
  assert(skipped.process.includes("concurrency"), JSON.stringify(skipped));
});
