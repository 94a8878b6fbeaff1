import { verdictsOf } from "../../../src/rewards/code/runs.ts";
import { SandboxError, type Verdict } from "../../../src/sandbox/sandbox.ts";
import { assertEquals, assertRejects } from "../../../src/std/assert.ts";
import { ScriptedSandbox } from "./scripted_sandbox.ts";

const ok = (stdout: string): Verdict => ({
  type: "exited",
  code: 0,
  stdout,
  stderr: "",
  truncated: false,
  ms: 1,
});
const late = (cpuMs: number | null): Verdict => ({ type: "timeout", ms: 1000, cpuMs });

async function run(script: (Verdict | Error)[], inputs: string[]) {
  const sandbox = new ScriptedSandbox(script);
  const signal = new AbortController().signal;
  const verdicts = await Array.fromAsync(
    verdictsOf({ language: "python", source: "" }, inputs, { sandbox, limits: {}, signal }),
  );
  return { verdicts, asked: sandbox.asked, left: sandbox.script.length };
}

Deno.test("verdictsOf: one verdict an input, in one run", async () => {
  const { verdicts, asked } = await run([ok("1"), late(990), ok("3")], ["a", "b", "c"]);
  assertEquals(verdicts, [ok("1"), late(990), ok("3")]);
  assertEquals(asked, [["a", "b", "c"]]);
});

Deno.test("verdictsOf: a sandbox that fails is asked again, from the failed input on", async () => {
  const failed = new SandboxError("no connection");
  const script = [ok("1"), failed, failed, ok("2"), failed, failed, ok("3")];
  const { verdicts, asked } = await run(script, ["a", "b", "c"]);
  assertEquals(verdicts, [ok("1"), ok("2"), ok("3")]);
  assertEquals(asked, [["a", "b", "c"], ["b", "c"], ["b", "c"], ["c"], ["c"]]);
});

Deno.test("verdictsOf: three failures in a row are the sandbox's error", async () => {
  const failed = new SandboxError("no connection");
  await assertRejects(
    () => run([ok("1"), failed, failed, failed], ["a", "b"]),
    SandboxError,
    "no connection",
  );
  await assertRejects(() => run([new TypeError("broken")], ["a"]), TypeError, "broken");
  await assertRejects(() => run([], ["a"]), SandboxError, "gave no verdict");
  await assertRejects(() => run([late(30)], ["a"]), SandboxError, "gave no verdict");
});

Deno.test("verdictsOf: a time-out without CPU time counts only when it happens twice", async () => {
  const once = await run([ok("1"), late(30), ok("2"), ok("3")], ["a", "b", "c"]);
  assertEquals(once.verdicts, [ok("1"), ok("2"), ok("3")]);
  assertEquals(once.asked, [["a", "b", "c"], ["b", "c"]]);
  // Each input has its second chance.
  const twice = await run([late(30), late(40), late(10), ok("2")], ["a", "b"]);
  assertEquals(twice.verdicts, [late(40), ok("2")]);
  assertEquals(twice.asked, [["a", "b"], ["a", "b"], ["b"]]);
  const unknown = await run([late(null), late(900)], ["a", "b"]);
  assertEquals(unknown.asked, [["a", "b"]]);
});
