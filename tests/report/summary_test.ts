import { formatSummary, readRun, type RunFiles } from "../../src/report/summary.ts";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "../../src/std/assert.ts";
import { parseConfig, stringifyConfig } from "../../src/training/config.ts";

function evaluation(step: number, accuracy: number) {
  return { step, benchmark: "arithmetic", accuracy, n: 1000, stderr: 0.0157 };
}

function heldOut(score: number, text: string) {
  const benchmark = "arithmetic";
  return {
    benchmark,
    problem: "arithmetic/1+2",
    prompt: "Q:1+2?",
    answer: "3",
    completion: text,
    score,
  };
}

const run: RunFiles = {
  folder: "runs/quickstart",
  config: parseConfig({}),
  sft: [],
  steps: Array.from({ length: 20 }, (_, k) => ({
    reward: k / 20,
    "rewards/accuracy/guided": k / 10,
    "rewards/accuracy/unguided": null,
    "guidance/length": 40 + k,
    num_tokens: 1000 * (k + 1),
    step_time: 10,
  })),
  evaluations: [evaluation(0, 0.045), evaluation(20, 0.43)],
  heldOut: [heldOut(0, "wrong"), heldOut(1, "right"), heldOut(1, "another")],
};

Deno.test("the summary says what was done, learned and not learned", () => {
  const text = formatSummary(run);
  for (
    const part of [
      "20 steps, 160 rollouts, 20k tokens, 3 min 20 s",
      "before  0.045 ± 0.016  n 1000",
      "after   0.430 ± 0.016  n 1000",
      "A gain of 0.385; still wrong on 57 % of them.",
      "reward of all rollouts        0.025       0.925",
      "unguided rollouts               -           -",
      "40.0 -> 45.0 -> 50.0 -> 54.0 -> 59.0 (least 40.0, most 59.0)",
      "partly imitation",
      "solved  Q:1+2?  (3)\n          right",
      "failed  Q:1+2?  (3)\n          wrong",
      "deno task eval runs/quickstart/final",
    ]
  ) assertStringIncludes(text, part);
});

Deno.test("what could not be graded is told", () => {
  assert(!/ungraded|skipped/i.test(formatSummary(run)), "all was");
  const steps = run.steps.map((line) => ({
    ...line,
    skipped_groups: 1,
    "rewards/accuracy/ungraded": 0,
    "rewards/code_execution/ungraded": 5,
  }));
  const text = formatSummary({ ...run, steps });
  assertStringIncludes(text, "Ungraded by code_execution: 100 of 160 rollouts");
  assertStringIncludes(text, "fewer than two graded rollouts: 20 of 20 groups");
  assert(!text.includes("Ungraded by accuracy"));
});

Deno.test("a difference within the noise is not called a gain", () => {
  const text = formatSummary({ ...run, evaluations: [evaluation(0, 0.4), evaluation(20, 0.43)] });
  assertStringIncludes(text, "nothing is shown");
  assert(!text.includes("A gain"));
});

Deno.test("a run without guidance is not said to be guided", () => {
  const text = formatSummary({ ...run, config: parseConfig({ guidance: { ratio: 0 } }) });
  assertStringIncludes(text, "plain GRPO");
  assert(!text.includes("Guidance length"));
});

Deno.test("a run is read from its files, and what it did not write is empty", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/config.yaml`, stringifyConfig(run.config));
    assertEquals(await readRun(folder), {
      ...{ folder, config: run.config, sft: [], steps: [], evaluations: [], heldOut: [] },
    });
    await Deno.mkdir(`${folder}/completions`);
    for (const [step, text] of [["000010", "old"], ["000020", "new"]]) {
      await Deno.writeTextFile(
        `${folder}/completions/eval-${step}.jsonl`,
        JSON.stringify(heldOut(1, text)) + "\n",
      );
    }
    await Deno.writeTextFile(
      `${folder}/sft.jsonl`,
      '{"step":1,"loss":3,"num_tokens":5,"step_time":1}\n',
    );
    const read = await readRun(folder);
    assertEquals(read.heldOut.map(({ completion }) => completion), ["new"]);
    assertStringIncludes(formatSummary(read), "--sft.steps=0");
    await Deno.writeTextFile(`${folder}/eval.jsonl`, "{}\n{half");
    await assertRejects(() => readRun(folder), Error, "line 2 of");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("after supervised training alone, the next call has the run's own data", () => {
  const config = parseConfig({
    data: { path: "train.jsonl" },
    model: { path: "m" },
    sft: { num_train_epochs: 2 },
  });
  const text = formatSummary({ ...run, config, steps: [], evaluations: [], heldOut: [] });
  assertStringIncludes(
    text,
    "deno task train runs/quickstart/config.yaml --model.path=runs/quickstart/final --sft.steps=0 " +
      "--sft.num_train_epochs=null  teach",
  );
});
