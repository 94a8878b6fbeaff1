import { fileURLToPath } from "node:url";
import type { CodeTests } from "../../src/data/types.ts";
import { codeExecutionReward } from "../../src/rewards/code_execution.ts";
import { type Sandbox, SandboxError, type Verdict } from "../../src/sandbox/sandbox.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../../src/std/assert.ts";
import { maybeTest } from "../support.ts";
import { DirectSandbox, noPython } from "./code/direct_sandbox.ts";
import { ScriptedSandbox } from "./code/scripted_sandbox.ts";
import { assertions, block, calls, sampleOf, scoreOf } from "./code/support.ts";

const printed = (stdout: string, code = 0): Verdict => ({
  type: "exited",
  code,
  stdout,
  stderr: "",
  truncated: false,
  ms: 1,
});

function stdin(cases: readonly [input: string, output: string][], language = "python"): CodeTests {
  return {
    kind: "stdin",
    language,
    cases: cases.map(([input, output]) => ({ input, output })),
  };
}

const three = stdin([["1", "2"], ["2", "4"], ["3", "6"]]);

Deno.test("code_execution: the share of tests that pass (Appendix B.4)", async () => {
  const sandbox = new ScriptedSandbox([printed("2\n"), printed("5\n"), printed("6\n")]);
  const reward = codeExecutionReward({ sandbox });
  assertEquals([reward.name, reward.timeoutMs], ["code_execution", null]);
  assertEquals(await scoreOf(reward, sampleOf(block("x"), three)), 2 / 3);
  assertEquals(sandbox.asked, [["1", "2", "3"]]);
});

Deno.test("code_execution: allOrNothing stops at the first failure", async () => {
  const sandbox = new ScriptedSandbox([printed("2"), printed("5"), printed("6")]);
  const reward = codeExecutionReward({ sandbox, allOrNothing: true });
  assertEquals(await scoreOf(reward, sampleOf(block("x"), three)), 0);
  assertEquals(sandbox.script.length, 1);
  const right = new ScriptedSandbox([printed("2"), printed("4"), printed("6")]);
  const strict = codeExecutionReward({ sandbox: right, allOrNothing: true });
  assertEquals(await scoreOf(strict, sampleOf(block("x"), three)), 1);
});

Deno.test("code_execution: only a program that ends well passes", async () => {
  const verdicts: Verdict[] = [
    printed("2", 1),
    printed("2", 139),
    { type: "timeout", ms: 1000, cpuMs: 1000 },
    { type: "memory" },
    { type: "output_limit" },
  ];
  for (const verdict of verdicts) {
    const reward = codeExecutionReward({ sandbox: new ScriptedSandbox([verdict]) });
    const score = await scoreOf(reward, sampleOf(block("x"), stdin([["1", "2"]])));
    assertEquals(score, 0, verdict.type);
  }
});

Deno.test("code_execution: without a program nothing runs and the score is 0", async () => {
  const sandbox = new ScriptedSandbox([]);
  const reward = codeExecutionReward({ sandbox });
  const cut = "<think>x</think><answer>\n```python\nprint(1)\n";
  for (const completion of ["", "print(2)", cut, block("x", "js")]) {
    assertEquals(await scoreOf(reward, sampleOf(completion, three)), 0, completion);
  }
  assertEquals(sandbox.asked, []);
});

Deno.test("code_execution: what cannot be judged is ungraded, with the reason", async () => {
  const reward = codeExecutionReward({ sandbox: new ScriptedSandbox([]) });
  const cases: [tests: CodeTests | undefined, reason: string][] = [
    [undefined, "the problem has no tests"],
    [stdin([]), "the problem has no tests"],
    [
      stdin([["", ""]], "rust"),
      "sandbox 'scripted' does not run 'rust': it runs python, cpp",
    ],
    [
      calls("f", [{ args: [], expected: 1 }], "cpp"),
      "its tests call a function, which a program in cpp cannot be asked for",
    ],
    [
      assertions(["assert(1)"], { language: "cpp" }),
      "its tests are code in 'cpp', which can be judged in python only",
    ],
  ];
  for (const [tests, reason] of cases) {
    const sample = sampleOf(block("x"), three);
    const given = { ...sample, problem: { ...sample.problem, tests } };
    assertEquals(await scoreOf(reward, given), { ungraded: reason });
  }
});

Deno.test("code_execution: a sandbox that fails three times leaves the sample ungraded", async () => {
  const failed = new SandboxError("no connection");
  const sandbox = new ScriptedSandbox([printed("2"), failed, failed, failed, printed("2")]);
  const reward = codeExecutionReward({ sandbox });
  const sample = sampleOf(block("x"), stdin([["1", "2"], ["2", "4"]]));
  assertEquals(await scoreOf(reward, sample), { ungraded: "the sandbox failed: no connection" });
  // It was not decided, so it is not remembered.
  sandbox.script.splice(0, Infinity, printed("2"), printed("4"));
  assertEquals(await scoreOf(reward, sample), 1);
});

Deno.test("code_execution: a program that is sampled again runs once", async () => {
  const sandbox = new ScriptedSandbox([printed("2"), printed("4"), printed("6"), printed("2")]);
  const reward = codeExecutionReward({ sandbox });
  const samples = [block("x"), block("x"), `Other words.\n${"```py\nx\n```"}`]
    .map((completion) => sampleOf(completion, three));
  const scores = await Promise.all(samples.map((sample) => scoreOf(reward, sample)));
  assertEquals(scores, [1, 1, 1]);
  assertEquals(sandbox.asked.length, 1);
  // The same program for another problem is another matter.
  assertEquals(await scoreOf(reward, sampleOf(block("x"), stdin([["9", "2"]]))), 1);
  assertEquals(sandbox.asked.length, 2);
});

Deno.test("code_execution: aborting ends the run with the signal's reason", async () => {
  const aborter = new AbortController();
  aborter.abort(new Error("the run ends"));
  const reward = codeExecutionReward({ sandbox: new ScriptedSandbox([printed("2")]) });
  const score = () => scoreOf(reward, sampleOf(block("x"), three), aborter.signal);
  await assertRejects(score, Error, "the run ends");
});

Deno.test("code_execution: maxTests takes the same tests for every sample of a problem", async () => {
  const cases = Array.from({ length: 20 }, (_, i): [string, string] => [`${i}`, "0"]);
  const tests = stdin(cases);
  const sandbox = new ScriptedSandbox(Array.from({ length: 20 }, () => printed("0")));
  const reward = codeExecutionReward({ sandbox, maxTests: 5 });
  for (const program of ["a", "b"]) await scoreOf(reward, sampleOf(block(program), tests));
  await scoreOf(reward, sampleOf(block("a"), stdin(cases), "another problem"));
  const [first, second, other] = sandbox.asked;
  assertEquals(first, second);
  assertEquals([first.length, other.length], [5, 5]);
  assert(first.join() !== other.join() && first.join() !== "0,1,2,3,4");
  assertEquals(first, first.toSorted((a, b) => Number(a) - Number(b)));
});

Deno.test("code_execution: limits reach the sandbox, with room for what must be printed", async () => {
  const long = "x".repeat(500_000);
  const sandbox = new ScriptedSandbox([printed("2"), printed(long)]);
  const reward = codeExecutionReward({ sandbox, limits: { timeoutMs: 1234 } });
  await scoreOf(reward, sampleOf(block("x"), stdin([["1", "2"]])));
  assertEquals(await scoreOf(reward, sampleOf(block("x"), stdin([["1", long]]))), 1);
  assertEquals(sandbox.options.map(({ limits }) => limits), [
    { timeoutMs: 1234 },
    { timeoutMs: 1234, outputBytes: 2_000_000 },
  ]);
});

Deno.test("code_execution: the sandbox is asked for when the first program runs", async () => {
  let started = 0;
  const reward = codeExecutionReward({
    sandbox: () => {
      started++;
      return Promise.resolve<Sandbox>(new ScriptedSandbox([printed("2")]));
    },
  });
  assertEquals(started, 0);
  assertEquals(await scoreOf(reward, sampleOf(block("x"), stdin([["1", "2"]]))), 1);
  await reward[Symbol.asyncDispose](); // leaves the sandbox alone
});

Deno.test("code_execution: options that cannot be are refused", () => {
  const sandbox = new ScriptedSandbox([]);
  assertThrows(
    () => codeExecutionReward({ sandbox, maxTests: 0 }),
    RangeError,
    "'maxTests' must be a positive integer: current value is 0",
  );
  assertThrows(
    () => codeExecutionReward({ sandbox, tolerance: -1 }),
    RangeError,
    "must be a number of at least 0: current value is -1",
  );
});

Deno.test("code_execution: tolerance, of outputs and of values", async () => {
  const script = [printed("0.333"), printed("0.34")];
  const tests = stdin([["", "0.3333"], ["", "0.3333"]]);
  for (const [tolerance, expected] of [[1e-3, 0.5], [{ relative: 0.1 }, 1], [0, 0]] as const) {
    const reward = codeExecutionReward({ sandbox: new ScriptedSandbox(script), tolerance });
    assertEquals(await scoreOf(reward, sampleOf(block("x"), tests)), expected);
  }
});

maybeTest("code_execution: programs by what they read and print", noPython, async () => {
  await using sandbox = new DirectSandbox();
  const reward = codeExecutionReward({ sandbox });
  const doubled = "print(2 * int(input()))";
  assertEquals(await scoreOf(reward, sampleOf(block(doubled), three)), 1);
  const sometimes = "n = int(input())\nprint(2 * n if n < 3 else 7)";
  assertEquals(await scoreOf(reward, sampleOf(block(sometimes), three)), 2 / 3);
  assertEquals(await scoreOf(reward, sampleOf(block("print("), three)), 0);
});

Deno.test("code_execution: a checker judges in place of the comparison", async () => {
  const checker = new URL("./code/any_order_checker.ts", import.meta.url).href;
  const outputs = ["b a\n", "a c\n", "throw\n", "vague\n"];
  const sandbox = new ScriptedSandbox(outputs.map((output) => printed(output)));
  const reward = codeExecutionReward({ sandbox, checker });
  try {
    await reward.start!();
    const tests = stdin([["it", "a b"]]);
    const reason = (words: string) => ({ ungraded: `checker '${checker}': the checker ${words}` });
    const expected = [
      1,
      0,
      reason("failed: cannot read what it gave"),
      reason("must give true or false: it gave a number"),
    ];
    for (const [i, score] of expected.entries()) {
      assertEquals(await scoreOf(reward, sampleOf(block(`program ${i}`), tests)), score);
    }
  } finally {
    await reward[Symbol.asyncDispose]();
  }
});

maybeTest("code_execution: a checker sees a function's values", noPython, async () => {
  await using sandbox = new DirectSandbox();
  const checker = fileURLToPath(new URL("./code/any_order_checker.ts", import.meta.url));
  const reward = codeExecutionReward({ sandbox, checker });
  try {
    const tests = calls("f", [{ args: [3], expected: [0, 1, 2] }]);
    const programs: [string, number][] = [
      ["def f(n): return tuple(reversed(range(n)))", 1],
      ["def f(n): return {2, 1, 0}", 1],
      ["def f(n): return [0, 1, 3]", 0],
      ["def f(n): return [f]", 0], // no data
    ];
    for (const [code, score] of programs) {
      assertEquals(await scoreOf(reward, sampleOf(block(code), tests)), score, code);
    }
  } finally {
    await reward[Symbol.asyncDispose]();
  }
});

Deno.test("code_execution: a checker that cannot be used is refused at the start", async () => {
  const checker = new URL("./code/support.ts", import.meta.url).href;
  const reward = codeExecutionReward({ sandbox: new ScriptedSandbox([]), checker });
  try {
    const must = "must be a function (input, expected, actual) => boolean";
    await assertRejects(() => reward.start!(), Error, must);
  } finally {
    await reward[Symbol.asyncDispose]();
  }
});
