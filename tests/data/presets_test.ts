import { deflateSync } from "node:zlib";
import { Buffer } from "node:buffer";
import { readCodeTests } from "../../src/data/presets/code_tests.ts";
import { PRESET_NAMES } from "../../src/data/presets/registry.ts";
import type { Problem } from "../../src/data/types.ts";
import { assert, assertEquals } from "../../src/std/assert.ts";
import { loadRow, loadRows } from "./support.ts";

/** The parts of a problem that presets make, without those that are empty. */
function parts(loaded: Problem | string): unknown {
  if (typeof loaded === "string") return loaded;
  const { id: _id, source: _source, ...rest } = loaded;
  return rest;
}

for (const preset of PRESET_NAMES) {
  Deno.test(`${preset}: a row of something else is left out with its reason`, async () => {
    for (const row of [{}, { x: 1 }, { prompt: null, problem: [], question: {}, answer: {} }]) {
      const loaded = await loadRow(preset, row);
      assert(typeof loaded === "string" && loaded.startsWith("it has no"), String(loaded));
    }
  });
}

Deno.test("gsm8k: the integer after ####, and the solution without calculator marks", async () => {
  const answer =
    "She sells 500*2 = $<<500*2=1000>>1000.\nThen 80 more: <<1000+80=1080>>1080.\n#### 1,080";
  assertEquals(parts(await loadRow("gsm8k", { question: " How much? ", answer })), {
    prompt: "How much?",
    answer: "1080",
    trace: "She sells 500*2 = $1000.\nThen 80 more: 1080.",
    tier: 1,
  });
  const negative = await loadRow("gsm8k", { question: "q", answer: "So.\n#### -5" });
  assertEquals((negative as Problem).answer, "-5");
  assertEquals(
    await loadRow("gsm8k", { question: "q", answer: "5" }),
    "it has no answer after ####",
  );
  assertEquals(
    await loadRow("gsm8k", { question: "q", answer: "#### five" }),
    "its answer after #### is no integer",
  );
});

Deno.test("math: answer column or last box, level as tier, the solution as trace", async () => {
  const solution = "We add. So it is $\\boxed{\\frac{1}{2}}$.";
  const expected = { prompt: "q", answer: "\\frac{1}{2}", trace: "We add.", tier: 5 };
  for (
    const row of [
      { problem: "q", solution, level: "Level 5" },
      { problem: "q", solution, answer: "\\frac{1}{2}", level: 5 },
      {
        input: "q",
        process: `${solution} The answer is 0.5.`,
        label: "\\frac{1}{2}",
        difficulty: 5,
      },
    ]
  ) assertEquals(parts(await loadRow("math", row)), expected);
  assertEquals(await loadRow("math", { problem: "q", solution: "No box." }), "it has no answer");
  assertEquals(await loadRow("math", { problem: "q", answer: "" }), "it has no answer");
  assertEquals(
    await loadRow("math", { problem: "q", answer: "\\frac{1}{2" }),
    "its answer cannot be graded",
  );
});

Deno.test("aime and amc: integers as files write them", async () => {
  const cases = [["025", "25"], [27.0, "27"], ["336^\\circ", "336"], ["0", "0"]];
  for (const [answer, expected] of cases) {
    const loaded = await loadRow("aime", { problem: "q", answer });
    assertEquals((loaded as Problem).answer, expected);
  }
  for (const answer of ["1000", "-1", "1/2", "x"]) {
    const loaded = await loadRow("aime", { problem: "q", answer });
    assertEquals(loaded, "its answer is no integer from 0 to 999");
  }
  const chat = { prompt: [{ role: "user", content: "q" }], reward_model: { ground_truth: "70" } };
  for (const preset of ["aime", "verl"] as const) {
    assertEquals(parts(await loadRow(preset, chat)), {
      prompt: "q",
      answer: "70",
      trace: "",
      tier: 1,
    });
  }
  assertEquals((await loadRow("amc", { problem: "q", answer: -1 }) as Problem).answer, "-1");
  assertEquals(await loadRow("amc", { problem: "q", answer: "\\pi" }), "its answer is no integer");
});

Deno.test("minerva, olympiadbench, limo, s1k", async () => {
  const solution = "Start. First \\boxed{1}. Then it is \\boxed{2}.";
  assertEquals(parts(await loadRow("minerva", { problem: "q", solution })), {
    prompt: "q",
    answer: "2",
    trace: "Start.",
    tier: 1,
  });
  assertEquals(
    parts(
      await loadRow("olympiadbench", {
        question: "How many?",
        context: "A box.",
        final_answer: ["1,3"],
        solution: ["Count.", "Or not."],
      }),
    ),
    { prompt: "A box.\n\nHow many?", answer: "1,3", trace: "Count.", tier: 1 },
  );
  assertEquals(
    await loadRow("olympiadbench", { question: "q", final_answer: ["1", "2"] }),
    "it has no answer",
  );
  assertEquals(
    parts(
      await loadRow("limo", {
        question: "q",
        answer: "2",
        solution: "Okay, \\boxed{1}? " + "Wait, no. ".repeat(20) +
          "\n\n**Final Answer**\n\\boxed{2}",
      }),
    ),
    {
      prompt: "q",
      answer: "2",
      trace: "Okay, \\boxed{1}? " + "Wait, no. ".repeat(20).trim(),
      tier: 1,
    },
  );
  const s1k = {
    question: "q",
    solution: "128",
    gemini_thinking_trajectory: "Gemini.",
    deepseek_thinking_trajectory: "DeepSeek.",
  };
  assertEquals((await loadRow("s1k", s1k) as Problem).trace, "DeepSeek.");
  assertEquals(
    (await loadRow("s1k", { ...s1k, deepseek_grade: "No" }) as Problem).trace,
    "Gemini.",
  );
  assertEquals(
    await loadRow("s1k", { ...s1k, solution: "We prove that it is so. ".repeat(10) }),
    "its solution has no short answer",
  );
});

Deno.test("openr1-math: the first generation that is complete, correct and has a trace", async () => {
  const row = {
    problem: "q",
    answer: "2",
    source: "olympiads",
    generations: [
      "<think>cut",
      "<think>wrong</think>3",
      "<think>\\boxed{2}</think>",
      "<think>Add. So \\boxed{2}.</think>It is \\boxed{2}.",
      "<think>later</think>2",
    ],
    correctness_math_verify: [true, false, true, true, true],
    is_reasoning_complete: [true, true, true, true, true],
    finish_reasons: null,
  };
  const expected = { prompt: "q", answer: "2", trace: "Add.", tier: 4 };
  assertEquals(parts(await loadRow("openr1-math", row)), expected);
  // Where Math-Verify could not say, the judge of the file does.
  const judged = { correctness_math_verify: null, correctness_llama: [true, false, true, true] };
  assertEquals(parts(await loadRow("openr1-math", { ...row, ...judged })), expected);

  const reasons: [Record<string, unknown>, string][] = [
    [{ correctness_math_verify: Array(5).fill(false) }, "no complete generation is correct"],
    [{ correctness_math_verify: null }, "no complete generation is correct"],
    [{ is_reasoning_complete: Array(5).fill(false) }, "no generation is complete"],
    [{ finish_reasons: Array(5).fill("length") }, "no generation is complete"],
    [{ generations: ["<think>cut"] }, "no generation is complete"],
    [{ generations: [] }, "it has no generations"],
    [
      { generations: ["<think>\\boxed{2}</think>"], correctness_math_verify: [true] },
      "no correct generation has a trace before its answer",
    ],
    [
      { source: "synthetic_math" },
      "its tier is none of cn_contest, aops_forum, amc_aime, olympiads, olympiads_ref: " +
      "set 'tier_order' or 'columns.tier'",
    ],
  ];
  for (const [change, reason] of reasons) {
    assertEquals(await loadRow("openr1-math", { ...row, ...change }), reason);
  }
  const { problems } = await loadRows([{ ...row, source: "synthetic_math" }], {
    preset: "openr1-math",
    tier_order: ["synthetic_math", "olympiads"],
  });
  assertEquals(problems[0].tier, 1);
});

Deno.test("an answer section of the teacher's own keeps the whole completion", async () => {
  const text = "<think>Add.</think>\n<answer>2</answer>";
  const loaded = await loadRow("limo", { question: "q", answer: "2", solution: text });
  assertEquals(parts(loaded), {
    prompt: "q",
    answer: "2",
    trace: "Add.",
    completion: text,
    tier: 1,
  });
});

Deno.test("gpqa: a letter of the choices; the original columns in a stable order", async () => {
  const prompt = [{ from: "user", value: "Which?\n\nA. a\nB. b" }];
  const row = { prompt, final_answer: "B", choices: { A: "a", B: "b" } };
  assertEquals(parts(await loadRow("gpqa", row)), {
    prompt: "Which?\n\nA. a\nB. b",
    answer: "B",
    trace: "",
    tier: 1,
  });
  assertEquals(
    await loadRow("gpqa", { ...row, final_answer: "C" }),
    "its answer is none of its choices",
  );
  assertEquals(await loadRow("gpqa", { ...row, final_answer: "b!" }), "it has no answer letter");

  const original = {
    Question: "Which?",
    "Correct Answer": "right\n",
    "Incorrect Answer 1": "w1",
    "Incorrect Answer 2": "w2",
    "Incorrect Answer 3": "w3",
  };
  const first = await loadRow("gpqa", original) as Problem;
  assert(first.prompt.includes(`\n${first.answer}. right`));
  assertEquals([...first.prompt.matchAll(/^[A-D]\. /gm)].length, 4);
  assertEquals(first, await loadRow("gpqa", { ...original }));
  const letters = new Set<string>();
  for (let i = 0; i < 20; i++) {
    letters.add((await loadRow("gpqa", { ...original, Question: `Q${i}` }) as Problem).answer);
  }
  assertEquals(letters.size, 4);
});

Deno.test("humaneval: what stands before the function is setup, the gold answer the whole file", async () => {
  const row = {
    task_id: "HumanEval/0",
    prompt: 'from math import pi\n\ndef helper():\n    pass\n\ndef area(r):\n    """Area."""\n',
    entry_point: "area",
    canonical_solution: "    return pi * r * r\n",
    test: "def check(candidate):\n    assert candidate(0) == 0\n",
  };
  assertEquals(parts(await loadRow("humaneval", row)), {
    prompt: row.prompt,
    answer: `\`\`\`python\n${row.prompt}    return pi * r * r\n\`\`\``,
    trace: "",
    tests: {
      kind: "assertions",
      language: "python",
      setup: "from math import pi\n\ndef helper():\n    pass\n\n",
      assertions: ["def check(candidate):\n    assert candidate(0) == 0\n\ncheck(area)\n"],
      entryPoint: "area",
    },
    tier: 1,
  });
  assertEquals(
    await loadRow("humaneval", { ...row, entry_point: "volume" }),
    "its prompt does not define its entry point",
  );
  assertEquals(
    await loadRow("humaneval", { ...row, test: "assert True" }),
    "its tests define no function 'check'",
  );
});

Deno.test("mbpp: the assertions are part of the prompt, CRLF goes, setup stays", async () => {
  const row = {
    text: "Add.",
    code: "import os\r\ndef add(a, b):\r\n  return a + b\r\n",
    test_setup_code: "x = 1",
    test_list: ["assert add(1, 2) == 3", "assert add(0, 0) == 0"],
  };
  assertEquals(parts(await loadRow("mbpp", row)), {
    prompt:
      "Add.\n\nYour code must pass these tests:\n\nassert add(1, 2) == 3\nassert add(0, 0) == 0",
    answer: "```python\nimport os\ndef add(a, b):\n  return a + b\n```",
    trace: "",
    tests: {
      kind: "assertions",
      language: "python",
      setup: "x = 1",
      assertions: row.test_list,
      entryPoint: "add",
    },
    tier: 1,
  });
  assertEquals(
    await loadRow("mbpp", { ...row, test_list: ["assert sub(1, 2) == 3"] }),
    "its tests call nothing that its code defines",
  );
});

Deno.test("verifiable-coding: the shapes of Open R1, DeepCoder and NeMo Gym", async () => {
  const cases = [{ input: "1\n", output: "2\n" }];
  const tests = { kind: "stdin" as const, language: "python", cases };
  const info = {
    language: "python",
    test_cases: [{ fn_name: null, ...cases[0], type: "stdin_stdout" }],
  };
  for (
    const row of [
      { problem: "q", verification_info: info },
      { problem: "q", verification_info: JSON.stringify(info) },
      { problem: "q", tests: cases },
      { problem: "q", tests: { inputs: ["1\n"], outputs: ["2\n"] } },
      {
        responses_create_params: { input: [{ role: "user", content: "q" }] },
        verifier_metadata: { unit_tests: { inputs: ["1\n"], outputs: ["2\n"] } },
      },
    ]
  ) {
    const loaded = await loadRow("verifiable-coding", row);
    assertEquals(parts(loaded), { prompt: "q", answer: "", trace: "", tests, tier: 1 });
  }
  const solved = await loadRow("verifiable-coding", {
    problem: "q",
    tests: cases,
    gold_standard_solution: "print(2)",
  });
  assertEquals((solved as Problem).answer, "```python\nprint(2)\n```");
});

Deno.test("readCodeTests: functions, and what is no test", () => {
  assertEquals(readCodeTests({ fn_name: "add", inputs: [[1, 2], [3, 4]], outputs: [[3], [7]] }), {
    kind: "function",
    language: "python",
    functionName: "add",
    cases: [{ args: [1, 2], expected: 3 }, { args: [3, 4], expected: 7 }],
  });
  assertEquals(
    readCodeTests([{ input: "[1, 2]\n3", output: "[4, 5]", testtype: "functional" }], "f"),
    {
      kind: "function",
      language: "python",
      functionName: "f",
      cases: [{ args: [[1, 2], 3], expected: [4, 5] }],
    },
  );
  const wrong: [unknown, string][] = [
    [[], "it has no tests"],
    ["not json", "it has no tests in a known shape"],
    [5, "it has no tests in a known shape"],
    [{ inputs: ["1"], outputs: [] }, "it has 1 test inputs and 0 outputs"],
    [[{ input: "1" }], "a test has no input or no output"],
    [[{ input: {}, output: "" }], "a test's input or output is no text"],
    [["1"], "its tests are no list of objects"],
    [
      [{ input: "1", output: "1", type: "function_call" }],
      "its tests call a function that nothing names",
    ],
    [
      [{ input: "1", output: "1", fn_name: "f" }, { input: "1", output: "1" }],
      "its tests are partly of a function and partly of a program",
    ],
    [
      [{ input: "1", output: "1", fn_name: "f" }, { input: "1", output: "1", fn_name: "g" }],
      "its tests call several functions",
    ],
    [[{ input: "{", output: "1", fn_name: "f" }], "a test's arguments are no JSON"],
  ];
  for (const [value, reason] of wrong) assertEquals(readCodeTests(value), reason);
});

/** What Python's pickle writes for a text (protocol 4), with a frame. */
function pickled(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  const length = new Uint8Array(new Uint32Array([bytes.length]).buffer);
  return new Uint8Array([
    0x80,
    4,
    0x95,
    9,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0x58,
    ...length,
    ...bytes,
    0x94,
    0x2e,
  ]);
}

Deno.test("livecodebench: public and private tests, plain and packed, and a method's name", async () => {
  const packed = Buffer.from(
    deflateSync(pickled(JSON.stringify([{ input: "3", output: "4", testtype: "stdin" }]))),
  ).toString("base64");
  const row = {
    question_content: "Add 1.",
    public_test_cases: JSON.stringify([{ input: "1", output: "2", testtype: "stdin" }]),
    private_test_cases: packed,
    starter_code: "",
    metadata: "{}",
    difficulty: "hard",
  };
  const cases = [{ input: "1", output: "2" }, { input: "3", output: "4" }];
  assertEquals(parts(await loadRow("livecodebench", row)), {
    prompt: "Add 1.",
    answer: "",
    trace: "",
    tests: { kind: "stdin", language: "python", cases },
    tier: 3,
  });
  const method = await loadRow("livecodebench", {
    question_content: "Add.",
    public_test_cases: JSON.stringify([{ input: "1\n2", output: "3", testtype: "functional" }]),
    starter_code: "class Solution:\n    def add(self, a, b):\n        ",
    metadata: JSON.stringify({ func_name: "add" }),
  }) as Problem;
  assert(method.prompt.endsWith("```python\nclass Solution:\n    def add(self, a, b):\n```"));
  assertEquals(method.tests, {
    kind: "function",
    language: "python",
    functionName: "add",
    cases: [{ args: [1, 2], expected: 3 }],
  });
  for (
    const broken of ["AAAA", Buffer.from(deflateSync(new Uint8Array([0x63]))).toString("base64")]
  ) {
    assertEquals(
      await loadRow("livecodebench", { ...row, private_test_cases: broken }),
      "its private tests cannot be unpacked",
    );
  }
});
