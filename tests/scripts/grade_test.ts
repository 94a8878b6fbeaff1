import { join } from "node:path";
import { assert, assertEquals, assertStringIncludes } from "../../src/std/assert.ts";
import { maybeTest } from "../support.ts";

const script = new URL("../../scripts/grade.ts", import.meta.url).href;

/** Runs `deno task grade`, with no permission that anything native would need. */
async function grade(args: readonly string[], cwd?: string) {
  const permissions = ["--allow-read", "--allow-write", "--allow-env", "--allow-run"];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", ...permissions, script, ...args],
    cwd,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const out = decode(stdout);
  const lines = () => out.trim().split("\n").map((line) => JSON.parse(line));
  return { code, stdout: out, stderr: decode(stderr), lines };
}

const problems = [
  { id: "a", prompt: "How much is 2 + 2?", answer: "4" },
  { id: "b", prompt: "How much is 2 + 3?", answer: "5" },
];
const right = "<think>two and two</think><answer>4</answer>";
const wrong = "<think>two and two</think><answer>5</answer>";

const jsonLines = (rows: readonly unknown[]) =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join("");

/** A folder with the problems, `completions.jsonl` and more files. */
async function inFolder(
  completions: readonly unknown[] | string,
  test: (cwd: string) => Promise<void>,
  files: Readonly<Record<string, string>> = {},
): Promise<void> {
  const cwd = await Deno.makeTempDir();
  try {
    const all = {
      "problems.jsonl": jsonLines(problems),
      "completions.jsonl": typeof completions === "string" ? completions : jsonLines(completions),
      ...files,
    };
    for (const [name, text] of Object.entries(all)) {
      await Deno.writeTextFile(join(cwd, name), text);
    }
    await test(cwd);
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

const given = ["--data=problems.jsonl", "--completions=completions.jsonl"];

Deno.test("grade --help exits 0 and names every reward", async () => {
  const { code, stdout, stderr } = await grade(["--help"]);
  assertEquals([code, stderr], [0, ""]);
  for (const part of ["Usage: deno task grade", "--rewards.accuracy", "--sandbox.provider"]) {
    assertStringIncludes(stdout, part);
  }
  assert(!stdout.includes("--learning_rate"));
});

Deno.test("grade: accuracy by default, a line a completion, the means on stderr", async () => {
  await inFolder([
    { id: "b", completions: [wrong, right] },
    { id: "a", completion: right },
    { problem: "problems/a", completion: wrong },
  ], async (cwd) => {
    const { code, lines, stderr } = await grade(given, cwd);
    assertEquals(code, 0, stderr);
    assertEquals(lines(), [
      { id: "problems/b", index: 0, rewards: { accuracy: 1 }, total: 1 },
      { id: "problems/b", index: 1, rewards: { accuracy: 0 }, total: 0 },
      { id: "problems/a", index: 0, rewards: { accuracy: 1 }, total: 1 },
      { id: "problems/a", index: 1, rewards: { accuracy: 0 }, total: 0 },
    ]);
    assertStringIncludes(stderr, "4 completions of 2 problems");
    assert(/accuracy +1 +0\.5000 +4 +0\n/.test(stderr), stderr);
  });
});

Deno.test("grade: any rewards with their weights; what is not graded is null and counted", async () => {
  await inFolder([
    { id: "a", completions: [right, wrong], completion_ids: [[1, 2], [1, 2, 3]] },
    { id: "b", completion: wrong },
  ], async (cwd) => {
    const { code, lines, stderr } = await grade([
      ...given,
      "--rewards.accuracy=2",
      "--rewards.format=0.5",
      "--rewards.length=1",
    ], cwd);
    assertEquals(code, 0, stderr);
    assertEquals(lines(), [
      { id: "problems/a", index: 0, rewards: { accuracy: 1, format: 1, length: 0.5 }, total: 3 },
      { id: "problems/a", index: 1, rewards: { accuracy: 0, format: 1, length: -0.5 }, total: 0 },
      {
        id: "problems/b",
        index: 0,
        rewards: { accuracy: 1, format: 1, length: null },
        total: null,
        ungraded: { length: "its length is not known as it came without token ids" },
      },
    ]);
    assertStringIncludes(stderr, "1 × length: its length is not known");
    assert(/total +1\.5000 +2 +1\n/.test(stderr), stderr);
  });
});

Deno.test("grade: a reward of one's own, from a config, with a flag over it", async () => {
  const config = `rewards:
  format: 1
  modules: [{ path: ./short.ts, weight: 0.5, options: { most: 45 } }]
learning_rate: 1.0e-5
`;
  const own = `export default ({ completion }, _, { most }) => completion.length < most ? 1 : 0;`;
  await inFolder([{ id: "a", completions: [right, `${right} `] }], async (cwd) => {
    const { code, stdout, stderr } = await grade(
      ["my.yaml", ...given, "--rewards.format=3", "--out=grades.jsonl"],
      cwd,
    );
    assertEquals([code, stdout], [0, ""], stderr);
    const written = await Deno.readTextFile(join(cwd, "grades.jsonl"));
    assertEquals(
      written.trim().split("\n").map((line) => JSON.parse(line).rewards),
      [{ format: 1, short: 1 }, { format: 1, short: 0 }],
    );
    assertEquals(JSON.parse(written.split("\n")[0]).total, 3.5);
    // What is written stays.
    const again = await grade(["my.yaml", ...given, "--out=grades.jsonl"], cwd);
    assertEquals(again.code, 2);
    assertStringIncludes(again.stderr, "'grades.jsonl' is; remove it or choose another");
    assertEquals(await Deno.readTextFile(join(cwd, "grades.jsonl")), written);
  }, { "my.yaml": config, "short.ts": own });
});

Deno.test("grade: a reward that fails ends it and names the problem", async () => {
  const own = `export default ({ completion }) => JSON.parse(completion);`;
  await inFolder([{ id: "a", completions: ["1", "x"] }], async (cwd) => {
    const { code, stderr } = await grade(
      [...given, "--rewards.modules=[{path: ./own.ts}]"],
      cwd,
    );
    assertEquals(code, 1);
    assertStringIncludes(stderr, "Reward 'own' failed on sample 1 (problem problems/a)");
    assertStringIncludes(stderr, "own.ts:1");
  }, { "own.ts": own });
});

Deno.test("grade: a line of the completions that cannot be used ends it before anything is scored", async () => {
  await inFolder([{ id: "a", completion: right }, { id: "c", completion: right }], async (cwd) => {
    const { code, stderr } = await grade([...given, "--out=grades.jsonl"], cwd);
    assertEquals(code, 1);
    assertEquals(await Deno.stat(join(cwd, "grades.jsonl")).catch(() => "none"), "none");
    assertStringIncludes(stderr, "'completions.jsonl' as its line 2 cannot be graded: no problem");
  });
});

Deno.test("grade: options that are missing or do not count are refused", async () => {
  await inFolder([{ id: "a", completion: right }], async (cwd) => {
    for (
      const [args, message] of [
        [given.slice(0, 1), "Option '--completions' is missing"],
        [given.slice(1), "Option '--data' is missing"],
        [[...given, "--learning_rate=1"], "Key 'learning_rate' does not count for grading"],
        [[...given, "--rewards.acuracy=1"], "did you mean '--rewards.accuracy'?"],
        [[...given, "--rewards.accuracy=x"], "'rewards.accuracy'"],
        [[...given, "--rewards.length=1"], "name 'accuracy' under 'rewards' too"],
        [[...given, "--data=nothing.jsonl"], "nothing.jsonl"],
      ] as const
    ) {
      const { code, stderr } = await grade(args, cwd);
      assert(code !== 0, stderr);
      assertStringIncludes(stderr, message);
    }
  });
});

Deno.test("grade: nothing that could be graded is exit code 1", async () => {
  await inFolder([{ id: "a", completion: right }], async (cwd) => {
    const { code, lines, stderr } = await grade([...given, "--rewards.soft_overlong=1"], cwd);
    assertEquals(code, 1);
    assertEquals(lines()[0].total, null);
    assertStringIncludes(stderr, "nothing could be graded");
  });
});

const generations = new URL(
  "../../../shared/data/traces/qwen25math_cot_100x8.jsonl.gz",
  import.meta.url,
).pathname;
const absent = await Deno.stat(generations).then(() => undefined, () => `no ${generations}`);

maybeTest("grade: 800 generations, two rewards, in order", absent, async () => {
  const { code, lines, stderr } = await grade([
    `--data=${generations}`,
    `--completions=${generations}`,
    "--completion-column=code",
    "--rewards.accuracy=1",
    "--rewards.reasoning_steps=0",
  ]);
  assertEquals(code, 0, stderr);
  assertEquals(
    lines().map(({ id, index }) => `${id} ${index}`),
    Array.from({ length: 800 }, (_, i) => `qwen25math_cot_100x8/${Math.floor(i / 8)} ${i % 8}`),
  );
  assertStringIncludes(stderr, "800 completions of 100 problems");
  const accuracy = lines().filter(({ rewards }) => rewards.accuracy === 1).length;
  assert(accuracy > 700 && accuracy < 760, `${accuracy} right`);
});
