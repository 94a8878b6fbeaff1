import { join } from "node:path";
import { initialize } from "../../ffi/library.ts";
import { ArithmeticTask } from "../../src/data/arithmetic.ts";
import { saveModel } from "../../src/models/checkpoint.ts";
import { modelPresets } from "../../src/models/presets.ts";
import { randomModel } from "../../src/models/random.ts";
import { assert, assertEquals, assertStringIncludes } from "../../src/std/assert.ts";
import { arithmeticTokenizer } from "../../src/tokenizer/arithmetic.ts";
import { trainBpe } from "../../src/tokenizer/bpe_trainer.ts";
import { Tokenizer } from "../../src/tokenizer/tokenizer.ts";

const script = new URL("../../scripts/data.ts", import.meta.url).href;
/** Without `--allow-ffi` no library can be opened, without `--allow-run` none installed or built. */
const pure = ["--allow-read", "--allow-env"];
const native = [...pure, "--allow-write", "--allow-run", "--allow-ffi", "--allow-sys"];

/** Runs `deno task data` with these permissions. */
async function data(
  args: readonly string[],
  options: { permissions?: readonly string[]; cwd?: string } = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { permissions = pure, cwd } = options;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", ...permissions, script, ...args],
    cwd,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

async function inFolder(test: (cwd: string) => Promise<void>): Promise<void> {
  const cwd = await Deno.makeTempDir();
  try {
    await test(cwd);
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

const jsonLines = (rows: readonly unknown[]) =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join("");

const questions = [
  { question: "How much is 2 + 2?", answer: "2 + 2 = <<2+2=4>>4\n#### 4" },
  { question: "How much is 2 + 3?", answer: "First 2.\nThen 2 + 3 = 5\n#### 5" },
  { question: "How much is 3 + 3?", answer: "#### 6" },
  { question: "How much is 2 + 2?", answer: "It is 4\n#### 4" },
  { question: "How much?", answer: "nothing" },
];

for (const name of ["inspect", "difficulty", "traces", "hints"]) {
  Deno.test(`data ${name} --help exits 0 and needs nothing native`, async () => {
    const { code, stdout, stderr } = await data([name, "--help"]);
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, `Usage: deno task data ${name}`);
    assertStringIncludes((await data(["--help"])).stdout, name);
  });
}

for (
  const [args, message] of [
    [[], "No command: give inspect, difficulty, traces or hints"],
    [["inspekt"], "did you mean 'inspect'?"],
    [["inspect"], "No data is given"],
    [["inspect", "x", "--prest=gsm8k"], "did you mean '--preset'?"],
    [["inspect", "x", "--preset=gsm8"], "did you mean 'gsm8k'?"],
    [["inspect", "x", "--max-trace-length=9"], "give --model=FOLDER too"],
    [["difficulty", "x"], "'--model' is missing"],
    [["difficulty", "--model=x"], "No data is given"],
    [["difficulty", "x", "--model=x", "--attempts=0"], "'--attempts' must be a whole number"],
    [["difficulty", "x", "--model=x", "--reward=accurate"], "'--reward'"],
    [["difficulty", "x", "--model=x", "--device=tpu"], "must be cpu or cuda"],
  ] as [string[], string][]
) {
  Deno.test(`data ${args.join(" ")} is a usage error`, async () => {
    const { code, stdout, stderr } = await data(args);
    assertEquals([code, stdout], [2, ""], stderr);
    assertStringIncludes(stderr, message);
  });
}

Deno.test("inspect shows what is kept, what is left out and why, and what it took the file for", async () => {
  await inFolder(async (cwd) => {
    await Deno.writeTextFile(join(cwd, "train.jsonl"), `${jsonLines(questions)}{"question": \n`);
    await Deno.writeTextFile(
      join(cwd, "test.jsonl"),
      jsonLines([{ question: "how much is 2+3?", answer: "#### 5" }]),
    );
    const { code, stdout, stderr } = await data(
      ["inspect", "train.jsonl", "--against=test.jsonl"],
      {
        cwd,
      },
    );
    assertEquals(code, 0, stderr);
    for (
      const text of [
        "train: 4 problems of 5 rows",
        "preset gsm8k, by column 'answer' with ####",
        "left out  1",
        "train.jsonl:5",
        "train.jsonl:6",
        "prompt, words: min 6",
        "test (1)",
        "is test/test.jsonl:1 of test: How much is 2 + 3?",
        "example 1 of 3: train/train.jsonl:1, tier 1",
        "  | 2 + 2 = 4\n  and behind that\n  | </think>",
        "gold answer: 4",
      ]
    ) assertStringIncludes(stdout, text);
    assert(/trace +4 +3 +1\n/.test(stdout), stdout);
  });
});

Deno.test("inspect gives JSON, of the columns that are named", async () => {
  await inFolder(async (cwd) => {
    const rows = questions.map(({ question }, i) => ({ q: { text: question }, a: i, hard: i % 2 }));
    await Deno.writeTextFile(join(cwd, "own.json"), JSON.stringify(rows));
    const { code, stdout, stderr } = await data([
      ...["inspect", "own.json", "--json", "--limit=4", "--columns.prompt=q.text"],
      ...["--columns.answer=a", "--columns.tier=hard"],
    ], { cwd });
    assertEquals(code, 0, stderr);
    const json = JSON.parse(stdout);
    assertEquals(json.sources[0].kept, 5);
    assertEquals(json.tiers, [{ tier: 0, count: 2 }, { tier: 1, count: 2 }]);
    assertEquals(json.lengths[0].quantiles.max, 6);
  });
});

Deno.test("a file that is like no preset is said to be so, with its columns", async () => {
  await inFolder(async (cwd) => {
    await Deno.writeTextFile(join(cwd, "own.jsonl"), jsonLines([{ q: "1", a: "2" }]));
    const { code, stderr } = await data(["inspect", "own.jsonl"], { cwd });
    assertEquals(code, 2);
    assertStringIncludes(stderr, "its columns are q, a. Give --preset=NAME");
    const missing = await data(["inspect", "nowhere.jsonl"], { cwd });
    assertEquals(missing.code, 1);
    assertStringIncludes(missing.stderr, "nowhere.jsonl");
  });
});

Deno.test("inspect with a model counts its tokens, renders its prompts and cuts the guidance", async () => {
  await inFolder(async (cwd) => {
    await Deno.writeTextFile(join(cwd, "train.jsonl"), jsonLines(questions.slice(0, 4)));
    const { tokenizerJson, tokenizerConfig } = trainBpe(
      questions.map(({ question, answer }) => `${question} ${answer}`),
      { vocabSize: 300 },
    );
    const tokenizer = Tokenizer.fromJson(tokenizerJson, tokenizerConfig);
    const model = join(cwd, "model");
    await Deno.mkdir(model);
    await tokenizer.save(model);
    await Deno.writeTextFile(join(model, "config.json"), "{}");
    const { code, stdout, stderr } = await data([
      ...["inspect", "train.jsonl", "--model=model", "--system-prompt=Think!"],
      ...["--guidance-length=6", "--max-trace-length=20", "--json"],
    ], { cwd });
    assertEquals(code, 0, stderr);
    const { lengths, examples, stages } = JSON.parse(stdout);
    assertStringIncludes(examples[0].prompt, "Think!");
    assertStringIncludes(examples[0].prompt, "How much is 2 + 2?");
    assert(examples[0].prompt.length > "Think!How much is 2 + 2?".length, "a template is around");
    assertEquals(tokenizer.encode(examples[0].guidance).length, 6);
    assertStringIncludes(examples[0].guidance + examples[0].rest, "2 + 2 = 4\n</think>");
    const traces = ["2 + 2 = 4", "First 2.\nThen 2 + 3 = 5", "It is 4"]
      .map((trace) => tokenizer.encode(`<think>\n${trace}\n`).length);
    assertEquals(lengths[1].quantiles.max, Math.max(...traces));
    assertEquals(lengths[1].n, 3);
    assertEquals(stages.at(-1).after, traces.filter((length) => length <= 20).length);
  });
});

Deno.test("difficulty", async (t) => {
  await initialize({ threads: 1 });
  await inFolder(async (cwd) => {
    const tokenizer = arithmeticTokenizer();
    const folder = join(cwd, "model");
    await Deno.mkdir(folder);
    {
      using model = randomModel(modelPresets.arithmetic, { seed: 1 });
      const { eosTokenId, padTokenId } = tokenizer;
      saveModel(model, folder, { eosTokenId, padTokenId });
    }
    await tokenizer.save(folder);
    const problems = new ArithmeticTask().heldOut({ tiers: [1, 2], count: 10, seed: 0 });
    await Deno.writeTextFile(join(cwd, "chains.jsonl"), jsonLines(problems));
    const options = { permissions: native, cwd };
    const measure = [
      ...["difficulty", "chains.jsonl", "--model=model", "--system-prompt=none"],
      ...["--attempts=3", "--max-tokens=4", "--batch-size=6", "--threads=1", "--out=found.jsonl"],
    ];
    const out = join(cwd, "found.jsonl");

    await t.step("measures, and shows how it is spread", async () => {
      const { code, stdout, stderr } = await data(measure, options);
      assertEquals(code, 0, stderr);
      assertStringIncludes(stdout, "10 problems, mean difficulty");
      assertStringIncludes(stdout, "--data.difficulty=found.jsonl");
      assertStringIncludes(stderr, "measuring 10/10");
      const [header, ...lines] = (await Deno.readTextFile(out)).trimEnd().split("\n")
        .map((line) => JSON.parse(line));
      assertEquals([header.difficulty_of.attempts, header.difficulty_of.model], [3, "model"]);
      assertEquals(lines.map(({ id }) => id), problems.map(({ id }) => `chains/${id}`));
      for (const line of lines) assertEquals(line.difficulty, line.failures / 3);
    });

    await t.step("goes on where it was killed, to the same end", async () => {
      const whole = await Deno.readTextFile(out);
      const lines = whole.split("\n");
      await Deno.writeTextFile(out, `${lines.slice(0, 5).join("\n")}\n${lines[5].slice(0, 20)}`);
      const { code, stderr } = await data(measure, options);
      assertEquals(code, 0, stderr);
      assertEquals(await Deno.readTextFile(out), whole);
      const again = await data(measure, { ...options, permissions: [...pure, "--allow-write"] });
      assertEquals(again.code, 0, "what is measured needs no libtorch: " + again.stderr);
      assertEquals(await Deno.readTextFile(out), whole);
    });

    await t.step("says so where nothing can be measured", async () => {
      // No sandbox runs this language.
      const tests = { language: "java", test_cases: [{ input: "1\n", output: "2\n" }] };
      const row = { prompt: "1", tests };
      await Deno.writeTextFile(join(cwd, "code.jsonl"), jsonLines([row]));
      const args = ["difficulty", "code.jsonl", "--model=model", "--system-prompt=none"];
      const { code, stdout, stderr } = await data([...args, "--threads=1"], options);
      assertEquals(code, 0, stderr);
      assert(stdout.startsWith("no problem could be measured\n1 without a difficulty"), stdout);
      assert(!stdout.includes("always solved"), stdout);
    });

    await t.step("refuses to mix settings", async () => {
      const { code, stderr } = await data([...measure, "--temperature=0.5"], options);
      assertEquals(code, 1);
      assertStringIncludes(stderr, "temperature was 1 and is 0.5");
    });
  });
});
