import { basename, join } from "node:path";
import { initialize } from "../../ffi/library.ts";
import { saveModel } from "../../src/models/checkpoint.ts";
import { modelPresets } from "../../src/models/presets.ts";
import { randomModel } from "../../src/models/random.ts";
import { assert, assertEquals, assertStringIncludes } from "../../src/std/assert.ts";
import { arithmeticTokenizer } from "../../src/tokenizer/arithmetic.ts";
import { loadConfig } from "../../src/training/config.ts";

const scripts = new URL("../../scripts/", import.meta.url);

interface Ending {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script as its task does, with these permissions. */
async function runScript(
  name: string,
  args: readonly string[],
  options: { permissions: readonly string[]; cwd?: string; stdin?: string },
): Promise<Ending> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--no-check",
      ...options.permissions,
      new URL(name, scripts).href,
      ...args,
    ],
    cwd: options.cwd,
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  // A script that does not read its stdin closes it.
  await writer.write(new TextEncoder().encode(options.stdin ?? "")).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await child.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

/** Without `--allow-ffi` no library can be opened, without `--allow-run` none installed or built. */
const pure = ["--allow-read", "--allow-env"];
const native = [...pure, "--allow-write", "--allow-run", "--allow-ffi", "--allow-sys"];

const names = [...Deno.readDirSync(scripts)].map(({ name }) => name)
  .filter((name) => name.endsWith(".ts")).sort();

for (const name of names) {
  Deno.test(`scripts/${name} --help exits 0 and needs nothing native`, async () => {
    const { code, stdout, stderr } = await runScript(name, ["--help"], { permissions: pure });
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, `deno task ${basename(name, ".ts")}`);
    assertStringIncludes(stdout, "--help");
  });
}

Deno.test("train --help lists every key of a config", async () => {
  const { stdout } = await runScript("train.ts", ["--help"], { permissions: pure });
  for (const text of ["--guidance.ratio", "--num_generations", "--resume", "--dry-run"]) {
    assertStringIncludes(stdout, text);
  }
});

for (
  const [name, flag, meant] of [
    ["train.ts", "--guidance.ration=1", "--guidance.ratio"],
    ["sft.ts", "--dry-rum", "--dry-run"],
    ["generate.ts", "--promt=x", "--prompt"],
    ["eval.ts", "--teirs=7", "--tiers"],
  ]
) {
  Deno.test(`scripts/${name} refuses an unknown flag and names the nearest`, async () => {
    const { code, stdout, stderr } = await runScript(name, [flag], { permissions: pure });
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr, `did you mean '${meant}'?`);
  });
}

for (
  const [name, args, message] of [
    ["train.ts", ["nowhere.yaml"], "there is no such file"],
    ["train.ts", ["a.yaml", "b.yaml"], "Unexpected argument 'b.yaml'"],
    ["train.ts", ["--num_generations=1"], "num_generations"],
    [
      "train.ts",
      ["--dry-run", "--model.path=nowhere"],
      "'model.path' must be a folder",
    ],
    ["sft.ts", ["--sft.steps=0"], "'sft.steps' must be at least 1"],
    ["generate.ts", ["--num=0"], "'--num' must be a whole number of at least 1"],
    ["generate.ts", ["--device=tpu"], "'--device' must be cpu or cuda"],
    ["eval.ts", ["--tiers=7,x"], "'--tiers' must be whole numbers with commas"],
    ["eval.ts", ["--temperature"], "'--temperature' needs a value"],
  ] as const
) {
  Deno.test(`${name} ${args.join(" ")} is a usage error`, async () => {
    const { code, stderr } = await runScript(name, args, { permissions: pure });
    assertEquals(code, 2, stderr);
    assertStringIncludes(stderr, message);
  });
}

for (const name of ["train.ts", "sft.ts"]) {
  Deno.test(`${name} --dry-run prints a config and its plan, and writes and loads nothing`, async () => {
    const { code, stdout, stderr } = await runScript(name, ["--dry-run", "--guidance.ratio=0.25"], {
      permissions: pure,
    });
    assertEquals([code, stderr], [0, ""]);
    const config = await loadConfig({ text: stdout });
    assertEquals([config.run_name, config.guidance.ratio], ["quickstart", 0.25]);
    assertStringIncludes(stdout, "205,632 parameters");
    assertStringIncludes(stdout, "900 steps of 64 solutions");
    const reinforcement = "P = 16 problems x G = 8 rollouts; 2 of each group guided";
    assertEquals(
      stdout.includes(reinforcement),
      name === "train.ts",
      "sft plans no more than it does",
    );
  });
}

Deno.test("without a trained model generate and eval say what to do", async () => {
  const cwd = await Deno.makeTempDir();
  try {
    for (const name of ["generate.ts", "eval.ts"]) {
      const { code, stderr } = await runScript(name, [], { permissions: pure, cwd });
      assertEquals(code, 1);
      assertStringIncludes(stderr, "run deno task train first");
    }
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});

Deno.test("generate and eval use a trained folder", async (t) => {
  await initialize({ threads: 1 });
  const cwd = await Deno.makeTempDir();
  const folder = join(cwd, "runs", "quickstart", "final");
  await Deno.mkdir(folder, { recursive: true });
  try {
    const tokenizer = arithmeticTokenizer();
    {
      using model = randomModel(modelPresets.arithmetic, { seed: 1 });
      const { eosTokenId, padTokenId } = tokenizer;
      saveModel(model, folder, { eosTokenId, padTokenId });
    }
    await tokenizer.save(folder);
    const options = { permissions: native, cwd };

    await t.step("prompts from flags, guidance first", async () => {
      const { code, stdout, stderr } = await runScript("generate.ts", [
        ...["--prompt=Q:1+2?", "-p", "Q:3*3?", "--num=2", "--temperature=1", "--seed=3"],
        ...["--guidance=<think>1", "--max-tokens=8", "--show-tokens", "--threads=1"],
      ], options);
      assertEquals(code, 0, stderr);
      assertStringIncludes(stderr, `model: ${join("runs", "quickstart", "final")}`);
      assertEquals(
        stdout.match(/^Q:(1\+2|3\*3)\?<think>1/gm),
        ["Q:1+2?<think>1", "Q:1+2?<think>1", "Q:3*3?<think>1", "Q:3*3?<think>1"],
      );
      assertEquals(stdout.match(/^ {2}given {4}<think> 1$/gm)?.length, 4);
    });

    await t.step("prompts from stdin, the same text for the same seed", async () => {
      const args = ["runs/quickstart", "--temperature=1", "--max-tokens=8", "--threads=1"];
      const first = await runScript("generate.ts", args, { ...options, stdin: "Q:1+2?\n\nQ:4?" });
      assertEquals(first.code, 0, first.stderr);
      assertEquals(first.stdout.trimEnd().split("\n").length, 2);
      const again = await runScript("generate.ts", args, { ...options, stdin: "Q:1+2?\nQ:4?\n" });
      assertEquals(again.stdout, first.stdout);
    });

    await t.step("a character without a token is named before libtorch is loaded", async () => {
      const { code, stderr } = await runScript("generate.ts", ["--prompt=Q:1x?"], {
        permissions: pure,
        cwd,
      });
      assertEquals(code, 1);
      assertStringIncludes(stderr, 'no token for "x" at position 3');
    });

    await t.step("a table of accuracy by tier, and as JSON", async () => {
      const args = ["--tiers=2,3", "--num=10", "--max-tokens=8", "--threads=1"];
      const { code, stdout, stderr } = await runScript("eval.ts", [...args, "--show=1"], options);
      assertEquals(code, 0, stderr);
      assertEquals(stdout.split("\n").slice(0, 5).map((line) => line.split(/ +/)[0]), [
        ...["arithmetic", "tier", "2", "3", "all"],
      ]);
      assertStringIncludes(stdout, "failed  Q:");
      const json = JSON.parse((await runScript("eval.ts", [...args, "--json"], options)).stdout);
      const [{ benchmark, results }] = json.benchmarks;
      assertEquals(benchmark, "arithmetic");
      assertEquals(results.map(({ tier, n }: { tier: unknown; n: number }) => [tier, n]), [
        ...[[2, 5], [3, 5], ["all", 10]],
      ]);
      assert(results[0].mean_length <= 8);
    });

    await t.step(
      "a benchmark of one's own is read by its columns, and what it lacks is told",
      async () => {
        const rows = [{ prompt: "Q:1+2?", answer: "3" }, { prompt: "Q:1?", answer: "" }];
        await Deno.writeTextFile(
          join(cwd, "mine.jsonl"),
          rows.map((row) => JSON.stringify(row)).join("\n"),
        );
        const args = ["runs/quickstart", "--data=mine.jsonl", "--system-prompt=none"];
        const { code, stdout, stderr } = await runScript(
          "eval.ts",
          [...args, "--max-tokens=4", "--threads=1"],
          options,
        );
        assertEquals(code, 0, stderr);
        assertStringIncludes(stderr, "mine.jsonl: read as columns prompt, answer");
        assertStringIncludes(stderr, "left out  1  it has no answer");
        assertEquals(stdout.split("\n")[2].split(/ +/).slice(0, 4), ["1", "0.000", "0.000", "1"]);
        // No sandbox runs this language.
        const tests = { language: "java", test_cases: [{ input: "1\n", output: "2\n" }] };
        const row = { prompt: "Q:1?", tests };
        await Deno.writeTextFile(join(cwd, "code.jsonl"), JSON.stringify(row));
        const ungraded = await runScript(
          "eval.ts",
          ["runs/quickstart", "--data=code.jsonl"],
          options,
        );
        assertEquals(ungraded.code, 1);
        assertStringIncludes(ungraded.stderr, "'code' as no problem of it can be graded");
        const wrong = await runScript("eval.ts", ["--columns.prompt=q"], options);
        assertEquals(wrong.code, 2);
        assertStringIncludes(wrong.stderr, "give --data=FILE with it");
      },
    );
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});

const shortRun = [
  ...["--sft.steps=2", "--sft.warmup_steps=0", "--sft.batch_size=4", "--threads=1"],
  ...["--per_device_train_batch_size=8", "--eval.num_problems=4", "--save_steps=0"],
];

Deno.test("a finished run prints its summary and is not trained again", async () => {
  await initialize({ threads: 1 });
  const cwd = await Deno.makeTempDir();
  try {
    const options = { permissions: native, cwd };
    const first = await runScript("train.ts", [...shortRun, "--max_steps=2"], options);
    assertEquals(first.code, 0, first.stderr);
    assertStringIncludes(first.stderr, "RL 2/2");
    assertStringIncludes(first.stdout, "Reinforcement learning: 2 steps, 16 rollouts");
    assertStringIncludes(first.stdout, join("runs", "quickstart", "final"));
    // deno-lint-ignore no-control-regex
    assert(!/[\x00-\x09\x0b-\x1f]/.test(first.stdout + first.stderr), "control characters");
    const again = await runScript("train.ts", [...shortRun, "--max_steps=2", "--resume"], options);
    assertEquals(again.code, 0, again.stderr);
    assertStringIncludes(again.stdout, "already finished");
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});

Deno.test("an interrupted run saves, says how to go on, and exits with 130", async () => {
  await initialize({ threads: 1 });
  const cwd = await Deno.makeTempDir();
  try {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-prompt", "--no-check", ...native, new URL("train.ts", scripts).href],
        ...[...shortRun, "--max_steps=100000"],
      ],
      cwd,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const stdout = new Response(child.stdout).text();
    let stderr = "", sent = false;
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      stderr += text;
      if (!sent && stderr.includes("RL ")) child.kill("SIGINT");
      sent ||= stderr.includes("RL ");
    }
    assertEquals((await child.status).code, 130, stderr);
    assertStringIncludes(await stdout, "--max_steps=100000 --resume");
    assertEquals([...Deno.readDirSync(join(cwd, "runs/quickstart/checkpoints"))].length, 2);
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});

Deno.test("with a data set and no config every key has its default, and what is not there is named", async () => {
  const cwd = await Deno.makeTempDir();
  try {
    const args = ["--data.path=none.jsonl", "--model.preset=gsm8k", "--dry-run"];
    const { code, stdout, stderr } = await runScript("train.ts", args, { permissions: pure, cwd });
    assertEquals([code, stderr], [0, ""]);
    for (
      const line of [
        "run_name: run\n",
        "\nlearning_rate: 0.000001\n",
        "\n# warm start  none\n",
        "\n# not there   'data.path' (none.jsonl)\n",
      ]
    ) assertStringIncludes(stdout, line);
    const own = await runScript("train.ts", ["--seed=2", "--dry-run"], { permissions: pure, cwd });
    assertStringIncludes(own.stdout, "run_name: quickstart\n");
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});
