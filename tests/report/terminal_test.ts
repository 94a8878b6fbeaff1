import { type ProgressStream, TerminalReporter } from "../../src/report/terminal.ts";
import { assert, assertEquals, assertStringIncludes } from "../../src/std/assert.ts";
import { parseConfig } from "../../src/training/config.ts";

/** A stream that keeps what was written, and a clock that only moves when told. */
function stage(terminal: boolean, columns = 100) {
  const written: string[] = [];
  const time = { now: 0 };
  const stream: ProgressStream = {
    terminal,
    columns: () => columns,
    write: (text) => written.push(text),
  };
  const reporter = new TerminalReporter({ stream, now: () => time.now });
  return { reporter, time, written, text: () => written.join("") };
}

const start = {
  folder: "runs/quickstart",
  config: parseConfig({}),
  resumedFrom: null,
  parameters: 205632,
  trainable: 205632,
  data: [],
  notes: [],
  example: { prompt: "Q:7*3+2?", guidance: "<think>7*3=21;", given: 8, trace: 15, answer: "23" },
};

/** What stands above the live line. */
const head = [
  "runs/quickstart: 205,632 parameters",
  "a prompt as the model sees it:",
  "  | Q:7*3+2?",
  "  guided rollouts start with 8 of the trace's 15 tokens:",
  "  | <think>7*3=21;",
  "  gold answer: 23",
];

const metrics = {
  reward: 0.421,
  "rewards/accuracy/guided": 0.714,
  "rewards/accuracy/unguided": 0.128,
  "guidance/length": 38.2,
  "perf/rollout_tokens_per_second": 14_210,
};

/** What a terminal of endless width shows after these writes. */
function screen(text: string): string[] {
  const lines = [""];
  // deno-lint-ignore no-control-regex
  for (const part of text.split(/(\r\x1b\[2K|\n)/)) {
    if (part === "\n") lines.push("");
    else if (part.startsWith("\r")) lines[lines.length - 1] = "";
    else lines[lines.length - 1] += part;
  }
  return lines;
}

Deno.test("a terminal has one live line with every figure", () => {
  const { reporter, time, text } = stage(true);
  reporter.start(start);
  for (let step = 1; step <= 37; step++) {
    time.now += 2000;
    reporter.step(step, 100, metrics);
  }
  assertEquals(screen(text()), [
    ...head,
    "RL  37/100  reward 0.42  guided 0.71  unguided 0.13  ℓ 38  2:06 left  14k tok/s",
  ]);
});

Deno.test("lines of their own stand above the live line", () => {
  const { reporter, text } = stage(true);
  reporter.start(start);
  reporter.sftStep(1, 10, { loss: 1.25, "perf/train_tokens_per_second": 950 });
  reporter.warn("step 1 was skipped:\nits loss is \x1b[31mNaN");
  reporter.saved("runs/quickstart/checkpoints/sft-000001");
  assertEquals(screen(text()), [
    ...head,
    "warning: step 1 was skipped:",
    "its loss is  [31mNaN",
    "saved runs/quickstart/checkpoints/sft-000001",
    "warm start  1/10  loss 1.250  0:00 left  950 tok/s",
  ]);
  reporter.evaluating(10, 10);
  reporter.evaluated({
    step: 0,
    benchmark: "arithmetic",
    accuracy: 0.0451,
    n: 1000,
    stderr: 0.0066,
  });
  reporter.end();
  assertEquals(screen(text()).slice(-2), [
    "held-out arithmetic without guidance, before reinforcement learning: 0.045 ± 0.007 of 1000",
    "",
  ]);
});

Deno.test("a narrow terminal loses the last fields and never wraps", () => {
  for (
    const [columns, shown] of [
      [80, "RL  37/100  reward 0.42  guided 0.71  unguided 0.13  ℓ 38  0:00 left  14k tok/s"],
      [79, "RL  37/100  reward 0.42  guided 0.71  unguided 0.13  ℓ 38  0:00 left"],
      [30, "RL  37/100  reward 0.42"],
      [6, "RL  3"],
      [0, "R"],
    ] as const
  ) {
    const { reporter, text } = stage(true, columns);
    reporter.step(37, 100, metrics);
    assertEquals(screen(text()), [shown]);
  }
});

Deno.test("a terminal is not redrawn for every fast step, but for the last", () => {
  const { reporter, time, written } = stage(true);
  for (let step = 1; step <= 1000; step++) {
    time.now += 1;
    reporter.sftStep(step, 1000, { loss: 1 });
  }
  assert(written.length <= 12, `${written.length} writes`);
  assertEquals(screen(written.join("")), ["warm start 1000/1000  loss 1.000  - tok/s"]);
});

Deno.test("a pipe has few plain lines, the first and the last among them", () => {
  const { reporter, time, text } = stage(false);
  reporter.start(start);
  for (let step = 1; step <= 700; step++) {
    time.now += 100;
    reporter.sftStep(step, 700, { loss: 1 / step });
    reporter.evaluating(step, 700);
  }
  // deno-lint-ignore no-control-regex
  assert(!/[\x00-\x09\x0b-\x1f\x7f]/.test(text()), "control characters");
  const lines = text().trimEnd().split("\n");
  assert(lines.length <= 25, `${lines.length} lines`);
  assertEquals(lines.slice(0, head.length), head);
  assertStringIncludes(lines[head.length], "warm start   1/700  loss 1.000");
  assertStringIncludes(lines.at(-1)!, "warm start 700/700");
});

Deno.test("a pipe has a line about every ten seconds of slow steps", () => {
  const { reporter, time, text } = stage(false);
  for (let step = 1; step <= 60; step++) {
    time.now += 1000;
    reporter.step(step, 100_000, metrics);
  }
  assertEquals(text().trimEnd().split("\n").length, 6);
});

Deno.test("reading data has a live line, and in a pipe a line where it takes long", () => {
  const live = stage(true);
  live.reporter.preparing("reading sums, rows", 1024, null);
  assertEquals(screen(live.text()), ["reading sums, rows 1,024"]);
  live.reporter.start(start);
  assertEquals(screen(live.text()), [...head, ""]);

  const pipe = stage(false);
  for (const [at, done] of [[0, 256], [9_000, 512], [10_000, 768], [12_000, 1024]]) {
    pipe.time.now = at;
    pipe.reporter.preparing("choosing problems", done, 2000);
  }
  assertEquals(pipe.written, ["choosing problems 768/2,000\n"]);
});

Deno.test("time left follows the step time, leaving out evaluations and the other phase", () => {
  const { reporter, time, text } = stage(true);
  reporter.start(start);
  time.now += 100;
  reporter.sftStep(1, 1, { loss: 1 });
  time.now += 60_000;
  reporter.evaluated({ step: 0, benchmark: "arithmetic", accuracy: 0, n: 1, stderr: 0 });
  time.now += 1000;
  reporter.step(1, 11, metrics);
  assertStringIncludes(screen(text()).at(-1)!, "0:10 left");
  for (let step = 2; step <= 101; step++) {
    time.now += 3000;
    reporter.step(step, 3701, metrics);
  }
  assertStringIncludes(screen(text()).at(-1)!, "3:00:00 left");
});

Deno.test("what is missing, null or no number is a dash", () => {
  const { reporter, text } = stage(true);
  reporter.step(1, 1, {
    reward: null,
    "guidance/length": NaN,
    "rewards/accuracy/guided": Infinity,
  });
  assertEquals(screen(text()), ["RL 1/1  reward -  guided -  unguided -  ℓ -  - tok/s"]);
  reporter.evaluated({ step: 1, benchmark: "arithmetic", accuracy: null, n: 0, stderr: null });
  assertStringIncludes(text(), "after step 1: - ± - of 0");
});

Deno.test("without guidance there is no guided success and no length", () => {
  const { reporter, text } = stage(true);
  reporter.start({
    ...start,
    config: parseConfig({ guidance: { ratio: 0 } }),
    resumedFrom: "step-000025",
    example: { ...start.example, guidance: "", given: 0 },
  });
  reporter.step(1, 1, metrics);
  assertEquals(screen(text()), [
    "runs/quickstart: 205,632 parameters, resumed from step-000025",
    ...head.slice(1, 3),
    "  no guidance at this step",
    head.at(-1)!,
    "RL 1/1  reward 0.42  unguided 0.13  14k tok/s",
  ]);
});
