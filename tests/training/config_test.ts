import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "../../src/std/assert.ts";
import { guidedCount } from "../../src/guidance/assign.ts";
import { controllerNames, createController } from "../../src/guidance/registry.ts";
import { REWARD_NAMES } from "../../src/rewards/registry.ts";
import { ArithmeticTask } from "../../src/data/arithmetic.ts";
import { encodeProblem } from "../../src/data/types.ts";
import { arithmeticTokenizer } from "../../src/tokenizer/arithmetic.ts";
import { parse } from "../../src/std/yaml.ts";
import {
  changedKeys,
  type Config,
  configDefaults,
  ConfigError,
  controllerSpec,
  loadConfig,
  mergeOverrides,
  parseConfig,
  parseFlags,
  stringifyConfig,
} from "../../src/training/config.ts";
import { rewardWeights } from "../../src/training/reward_settings.ts";
import { type ConfigOutput, rewardKeys } from "../../src/training/config_schema.ts";
import { quickstartYaml } from "../../src/training/quickstart.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;

function problemsOf(value: unknown): readonly string[] {
  return assertThrows(() => parseConfig(value), ConfigError).problems;
}

/** The one problem of a config that is wrong in one way. */
function problemOf(value: unknown): string {
  const problems = problemsOf(value);
  assertEquals(problems.length, 1, problems.join("\n"));
  return problems[0];
}

Deno.test("the Config interface is the schema's output", () => {
  // It is the compiler that checks: a key that only one of them has makes this not assignable.
  const equal: Equal<Config, ConfigOutput> = true;
  const different: Equal<Config, ConfigOutput & { extra: 1 }> = false;
  assert(equal && !different);
});

Deno.test("a config can name every built-in reward", () => {
  assertEquals<readonly string[]>(
    [...rewardKeys.keys()].sort(),
    [...REWARD_NAMES, "modules"].sort(),
  );
});

const shippedConfigs = ["", "paper/"].flatMap((folder) =>
  [...Deno.readDirSync(new URL(`../../configs/${folder}`, import.meta.url))]
    .map(({ name }) => folder + name)
    .filter((name) => name.endsWith(".yaml"))
);

Deno.test("parseConfig: nothing given is the defaults", () => {
  assertEquals(parseConfig({}), configDefaults);
  assertEquals(configDefaults.guidance.controller, "g2rpo_a");
  assertEquals(configDefaults.loss_type, "grpo");
});

Deno.test("parseConfig: two configs share no mutable part", () => {
  parseConfig({}).sft.mixture[0].tiers.push(32);
  parseConfig({}).data.tiers.push(32);
  parseConfig({}).rewards.format = 1;
  assertEquals(parseConfig({}).sft.mixture[0].tiers, [1, 2, 3]);
  assertEquals(parseConfig({}).data.tiers, [7, 8]);
  assertEquals(parseConfig({}).rewards, { accuracy: 1 });
});

Deno.test("parseConfig: what is given replaces its default, also inside a group", () => {
  const config = parseConfig({
    guidance: { ratio: 0.25 },
    rewards: { accuracy: 0.9, format: 0.1 },
  });
  assertEquals(config.guidance, { ...configDefaults.guidance, ratio: 0.25 });
  assertEquals(config.rewards, { accuracy: 0.9, format: 0.1 });
});

Deno.test("loadConfig: a flag that names a folder takes the place of the file's preset", async () => {
  const text = "model: { preset: tiny }";
  const { model } = await loadConfig({ text, overrides: { "model.path": "runs/a/final" } });
  assertEquals([model.preset, model.path], [null, "runs/a/final"]);
});

Deno.test("parseConfig: a path stands for itself, a preset beside it is refused", () => {
  const { model } = parseConfig({ model: { path: "runs/a/final" } });
  assertEquals([model.preset, model.path], [null, "runs/a/final"]);
  assertStringIncludes(
    problemOf({ model: { preset: "tiny", path: "x" } }),
    "exactly one of 'model.preset' and 'model.path'",
  );
  assertStringIncludes(problemOf({ model: { preset: null } }), "exactly one of");
});

Deno.test("parseConfig: an unknown key is refused and the nearest named", () => {
  assertEquals(
    problemOf({ learnin_rate: 1 }),
    "unknown key 'learnin_rate': did you mean 'learning_rate'?",
  );
  assertEquals(
    problemOf({ guidance: { ratoi: 1 } }),
    "unknown key 'guidance.ratoi': did you mean 'guidance.ratio'?",
  );
  assertEquals(
    problemOf({ controller: "fixed" }),
    "unknown key 'controller': did you mean 'guidance.controller'?",
  );
  assertEquals(
    problemOf({ rewards: { accuracy: 1, tagcount: 1 } }),
    "unknown key 'rewards.tagcount': did you mean 'rewards.tag_count'?",
  );
  assertEquals(
    problemOf({
      sft: { mixture: [{ tiers: [1], weight: 1 }, { tier: [1], tiers: [2], weight: 1 }] },
    }),
    "unknown key 'sft.mixture[1].tier': did you mean 'sft.mixture[1].tiers'?",
  );
  assertStringIncludes(problemOf({ data: { folder: 1 } }), "known are task, path, preset, columns");
  assertStringIncludes(problemOf(JSON.parse('{"__proto__": 1}')), "unknown key '__proto__'");
});

Deno.test("parseConfig: a wrong value is named with what it must be", () => {
  const cases: [unknown, string][] = [
    [3, "it must be a mapping of keys: current value is 3"],
    [{ seed: -1 }, "'seed' must be at least 0: current value is -1"],
    [{ max_steps: 1.5 }, "'max_steps' must be an integer: current value is 1.5"],
    [{ threads: "two" }, "'threads' must be a finite number, or null: current value is \"two\""],
    [{ temperature: 0 }, "'temperature' must be above 0: current value is 0"],
    [{ adam_beta2: 1 }, "'adam_beta2' must be below 1: current value is 1"],
    [{ top_p: 2 }, "'top_p' must be at most 1: current value is 2"],
    [{ learning_rate: Infinity }, "'learning_rate' must be a finite number"],
    [{ num_generations: 1 }, "'num_generations' must be at least 2: current value is 1"],
    [{ data: { tiers: [] } }, "'data.tiers' must not be empty: current value is []"],
    [{ model: { gradient_checkpointing: "yes" } }, "must be true or false"],
    [{ guidance: null }, "'guidance' must be a mapping of keys: current value is null"],
    [{ guidance: { loss: "al" } }, "current value is \"al\"; did you mean 'all'?"],
    [{ sft: { mixture: [{ tiers: [1] }] } }, "'sft.mixture[0].weight' is missing"],
    [{ run_name: "../x" }, "'run_name' must begin with a letter or digit"],
  ];
  for (const [value, expected] of cases) assertStringIncludes(problemOf(value), expected);
});

Deno.test("parseConfig: contradictions between keys", () => {
  const cases: [unknown, string][] = [
    [{ num_generations: 3 }, "8 x 1 = 8"],
    [{ guidance: { ratio: 0.01 } }, "use 0 for no guidance, or at least 0.125"],
    [
      { guidance: { max_length: 300 } },
      "'guidance.max_length' must be at most 'max_completion_length' (256)",
    ],
    [
      { guidance: { length: 70, max_length: 65 } },
      "'guidance.length' must be at most 'guidance.max_length' (65)",
    ],
    [
      { guidance: { length: 2, min_length: 3 } },
      "'guidance.length' must be at least 'guidance.min_length' (3)",
    ],
    [
      { guidance: { min_length: 9, max_length: 8 } },
      "'guidance.min_length' must be at most 'guidance.max_length' (8)",
    ],
    [
      { max_completion_length: 30 },
      "'guidance.length' must be at most 'max_completion_length' (30)",
    ],
    [{ guidance: { controller: "rdp", end_length: 41 } }, "'guidance.end_length' must be at most"],
    [{ max_length: 256 }, "'max_completion_length' must be below 'max_length' (256)"],
    [{ max_length: 300, eval: { max_completion_length: 300 } }, "'eval.max_completion_length'"],
    [{ warmup_steps: 1, warmup_ratio: 0.1 }, "only one of 'warmup_steps' and 'warmup_ratio'"],
    [{ warmup_steps: 101 }, "'warmup_steps' must be at most 'max_steps' (100)"],
    [{ sft: { steps: 5, warmup_steps: 6 } }, "'sft.warmup_steps' must be at most 'sft.steps' (5)"],
    [
      { guidance: { reward: "format" } },
      "'guidance.reward' must be one of the run's rewards (accuracy)",
    ],
    [{ rewards: { accuracy: 0 } }, "at least one reward a weight above 0"],
    [{ delta: 1.2 }, "'delta' must be above the upper clip of the ratio (1.2), or null"],
    [{ data: { tiers: [8, 7] } }, "'data.tiers' must be in ascending order"],
  ];
  for (const [value, expected] of cases) assertStringIncludes(problemOf(value), expected);
});

Deno.test("parseConfig: what plays no part is no contradiction", () => {
  parseConfig({ guidance: { ratio: 0 }, max_completion_length: 30 });
  parseConfig({ guidance: { controller: "linear", length: 0 } });
  parseConfig({ guidance: { controller: "fixed", length: 80, max_length: 65 } });
  parseConfig({ rewards: { accuracy: 0, format: 1 } });
});

Deno.test("parseConfig lists everything that is wrong, contradictions among the rest included", () => {
  const problems = problemsOf({
    learnin_rate: 1,
    threads: 0,
    sft: { mixture: [{ tiers: [0], weight: 1 }] },
    num_generations: 3,
    warmup_steps: "x",
    warmup_ratio: 0.1,
  });
  const text = problems.join("\n");
  for (
    const key of ["learnin_rate", "threads", "tiers[0]", "'num_generations'", "'warmup_steps'"]
  ) {
    assertStringIncludes(text, key);
  }
  assertEquals(problems.length, 5, text);
});

Deno.test("mergeOverrides merges mappings, replaces the rest and changes nothing given", () => {
  const base = { a: { b: 1, c: [1, 2] }, d: 1 };
  const merged = mergeOverrides(base, { "a.c": [3], a: { e: { f: 1 } }, "a.e.g": 2, d: null });
  assertEquals<unknown>(merged, { a: { b: 1, c: [3], e: { f: 1, g: 2 } }, d: null });
  assertEquals(base, { a: { b: 1, c: [1, 2] }, d: 1 });
  mergeOverrides({}, JSON.parse('{"__proto__": {"polluted": 1}, "constructor.prototype.x": 1}'));
  assertEquals(({} as Record<string, unknown>).polluted, undefined);
  assertEquals(({} as Record<string, unknown>).x, undefined);
});

Deno.test("parseFlags reads config keys as YAML beside a command's own flags", () => {
  const { overrides, options, positionals } = parseFlags(
    [
      "my.yaml",
      "--guidance.ratio=0.25",
      "--guidance.max_length",
      "null",
      "--data.tiers=[5, 6]",
      "--beta",
      "-1",
      "--learning_rate=3e-4",
      "--model.gradient_checkpointing",
      "--use_bias_correction_kl=false",
      "--rewards.format=0.5",
      "--resume",
      "--out",
      "x",
    ],
    [{ name: "resume" }, { name: "dry-run" }, { name: "out", value: "FILE" }],
  );
  assertEquals<unknown>(overrides, {
    guidance: { ratio: 0.25, max_length: null },
    data: { tiers: [5, 6] },
    beta: -1,
    learning_rate: 3e-4,
    model: { gradient_checkpointing: true },
    use_bias_correction_kl: false,
    rewards: { format: 0.5 },
  });
  assertEquals(options, { resume: true, "dry-run": false, out: "x" });
  assertEquals(positionals, ["my.yaml"]);
});

Deno.test("parseFlags: a switch takes no value but its own", () => {
  const { overrides, positionals } = parseFlags(["--mask_truncated_completions", "my.yaml"]);
  assertEquals(overrides, { mask_truncated_completions: true });
  assertEquals(positionals, ["my.yaml"]);
});

Deno.test("parseFlags lists all flags that it cannot read", () => {
  const { problems } = assertThrows(
    () =>
      parseFlags(["--learnin_rate=1", "--ratio=1", "--resum", "--seed", "--data.tiers=[1"], [
        { name: "resume" },
      ]),
    ConfigError,
  );
  const text = problems.join("\n");
  assertStringIncludes(text, "unknown flag '--learnin_rate': did you mean '--learning_rate'?");
  assertStringIncludes(text, "unknown flag '--ratio': did you mean '--guidance.ratio'?");
  assertStringIncludes(text, "unknown flag '--resum': did you mean '--resume'?");
  assertStringIncludes(text, "flag '--seed' needs a value");
  assertStringIncludes(text, "flag '--data.tiers' must be YAML");
  assertEquals(problems.length, 5);
});

Deno.test("loadConfig: defaults, over them the file, over that the overrides", async () => {
  const file = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    await Deno.writeTextFile(file, "seed: 1\nguidance:\n  ratio: 0.25\n  length: 20\n");
    const config = await loadConfig({ file, overrides: { guidance: { length: 30 } } });
    assertEquals(config.seed, 1);
    assertEquals(config.guidance, { ...configDefaults.guidance, ratio: 0.25, length: 30 });
    await Deno.writeTextFile(file, "sed: 1\n");
    const { message } = await assertRejects(() => loadConfig({ file }), ConfigError);
    assertEquals(message, `Cannot use config '${file}': unknown key 'sed': did you mean 'seed'?`);
    await Deno.writeTextFile(file, "- 1\n");
    await assertRejects(() => loadConfig({ file }), ConfigError, "must be a mapping of keys");
    await Deno.writeTextFile(file, "seed: 1\nseed: 2\n");
    await assertRejects(() => loadConfig({ file }), ConfigError, "line 2");
  } finally {
    await Deno.remove(file);
  }
  await assertRejects(() => loadConfig({ file }), ConfigError, "there is no such file");
  assertEquals(await loadConfig(), configDefaults);
});

Deno.test("stringifyConfig is read back to an equal config", async () => {
  const config = parseConfig({
    learning_rate: 1e-6,
    data: { tiers: [5] },
    rewards: { format: 1, accuracy: 0 },
  });
  const text = stringifyConfig(config, ["handrail 0.1.0\nlibtorch 2.13"]);
  assert(text.startsWith("# handrail 0.1.0\n# libtorch 2.13\nrun_name: run\n"), text);
  assertEquals(await loadConfig({ text }), config);
});

Deno.test("changedKeys names what differs", () => {
  const base = parseConfig({});
  assertEquals(changedKeys(base, parseConfig({})), []);
  const other = parseConfig({
    seed: 1,
    guidance: { length: 20 },
    rewards: { accuracy: 1, format: 1 },
    sft: { mixture: [{ tiers: [1], weight: 1 }] },
  });
  assertEquals(changedKeys(base, other), [
    "seed",
    "guidance.length",
    "rewards.format",
    "sft.mixture",
  ]);
});

Deno.test("controllerSpec makes every controller that a config can name", () => {
  for (const controller of controllerNames) {
    const spec = controllerSpec(parseConfig({ guidance: { controller, length: 30 } }));
    assertEquals(createController(spec).initial().length, 30, controller);
  }
  const none = controllerSpec(parseConfig({ guidance: { ratio: 0 } }));
  assertEquals(createController(none).initial().length, 0);
});

Deno.test("controllerSpec hands the settings on", () => {
  const settings = (guidance: Record<string, unknown>) => controllerSpec(parseConfig({ guidance }));
  const bounds = { length: 40, minLength: 2, maxLength: 65 };
  const given = { min_length: 2, max_length: 65 };
  assertEquals(settings({ ...given, window: 3 }), { controller: "g2rpo_a", ...bounds, window: 3 });
  assertEquals(settings({ controller: "released" }), {
    controller: "released",
    length: 40,
    minLength: 1,
    maxLength: 256,
  });
  assertEquals(settings({ ...given, controller: "target", target: 0.4, gain: 3 }), {
    controller: "target",
    ...bounds,
    target: 0.4,
    gain: 3,
  });
  const decay = { length: 40, maxSteps: 100, decaySteps: 50 };
  assertEquals(settings({ controller: "step", decay: 0.7, interval: 5, decay_steps: 50 }), {
    controller: "step",
    ...decay,
    decay: 0.7,
    interval: 5,
  });
  assertEquals(settings({ controller: "rdp", end_length: 4, decay_steps: 50 }), {
    controller: "rdp",
    ...decay,
    endLength: 4,
  });
});

Deno.test("every shipped config can be used", async () => {
  assert(shippedConfigs.includes("quickstart.yaml"));
  for (const name of shippedConfigs) {
    const url = new URL(`../../configs/${name}`, import.meta.url);
    const text = await Deno.readTextFile(url);
    const schema = name.includes("/") ? "../schema.json" : "./schema.json";
    assertEquals(text.split("\n")[0], `# yaml-language-server: $schema=${schema}`, name);
    const config = parseConfig(parse(text), name);
    assertNotEquals(config.run_name, configDefaults.run_name, `${name} needs its own run_name`);
  }
});

Deno.test("the embedded quickstart is the shipped one, and its lengths fit its problems", async () => {
  const file = new URL("../../configs/quickstart.yaml", import.meta.url);
  assertEquals(quickstartYaml, await Deno.readTextFile(file));
  const config = await loadConfig({ text: quickstartYaml });
  const tokenizer = arithmeticTokenizer();
  const problems = new ArithmeticTask()
    .heldOut({ tiers: config.data.tiers, count: 1000, seed: 1 })
    .map((problem) => encodeProblem(problem, tokenizer));
  const longest = (of: (p: typeof problems[number]) => readonly number[]) =>
    Math.max(...problems.map((problem) => of(problem).length));
  assert(longest((p) => p.solutionIds) < config.max_completion_length);
  const trace = longest((p) => p.traceIds);
  assert(
    Math.abs(trace - config.guidance.max_length!) < 6,
    `the longest trace has ${trace} tokens`,
  );
});

/** α, G and benchmarks of each of the paper's settings: its tables 3, 4, 6 and 13. */
const paper: Record<string, [ratio: number, rollouts: number, guided: number, benchmarks: string]> =
  {
    "qwen3-0.6b-base-math": [0.75, 12, 9, "MATH500,Minerva,GPQA"],
    "qwen3-1.7b-base-math": [0.25, 12, 3, "MATH500,Minerva,GPQA"],
    "qwen3-8b-base-math": [0.14, 7, 1, "MATH500,Minerva,GPQA"],
    "qwen3-0.6b-math": [0.75, 12, 9, "MATH500,Minerva,GPQA,AIME24,AIME25"],
    "qwen3-1.7b-math": [0.25, 12, 3, "MATH500,Minerva,GPQA,AIME24,AIME25"],
    "deepseek-math-7b-math": [0.29, 7, 2, "MATH500,Minerva,GPQA"],
    "qwen3-0.6b-code": [0.75, 12, 9, "HumanEval,LiveCodeBench"],
    "qwen3-1.7b-code": [1, 12, 12, "HumanEval,LiveCodeBench"],
    "qwen3-8b-code": [0.57, 7, 4, "HumanEval,LiveCodeBench"],
    "deepseek-coder-6.7b-code": [0.71, 7, 5, "HumanEval,LiveCodeBench"],
  };

Deno.test("configs/paper has each of the paper's settings", async () => {
  const shipped = shippedConfigs.filter((name) => name.startsWith("paper/"));
  assertEquals(shipped.sort(), Object.keys(paper).map((name) => `paper/${name}.yaml`).sort());
  for (const [name, [ratio, rollouts, guided, benchmarks]] of Object.entries(paper)) {
    const file = new URL(`../../configs/paper/${name}.yaml`, import.meta.url);
    const config = await loadConfig({ text: await Deno.readTextFile(file) });
    assertEquals([config.guidance.ratio, config.num_generations], [ratio, rollouts], name);
    assertEquals(guidedCount(rollouts, ratio), guided, name);
    assertEquals(config.eval.data.map((one) => one.name).join(), benchmarks, name);
    const { learning_rate, lr_scheduler_type, warmup_ratio, num_train_epochs, data } = config;
    assertEquals([learning_rate, lr_scheduler_type, warmup_ratio], [1e-6, "cosine", 0.1], name);
    assertEquals([num_train_epochs, data.num_problems, config.max_length], [5, 1000, 4608], name);
    assertEquals([config.guidance.length, data.max_prompt_length], [3072, 512], name);
    assertEquals(config.guidance.controller, "g2rpo_a", name);
  }
});

Deno.test("a reward is a weight, or a mapping where it has options, which get their defaults", () => {
  const { rewards } = parseConfig({
    rewards: { accuracy: 1, cosine: { max_length: 100 }, soft_overlong: 0.5 },
  });
  assertEquals(rewards.cosine, {
    weight: 1,
    of: "accuracy",
    min_value_wrong: -1,
    max_value_wrong: -0.5,
    min_value_correct: 0.5,
    max_value_correct: 1,
    max_length: 100,
  });
  assertEquals(rewards.soft_overlong, 0.5);
});

Deno.test("a flag reaches the options of a reward", async () => {
  const { overrides } = parseFlags(["--rewards.cosine.max_length=64", "--rewards.accuracy", "1"]);
  const { rewards } = await loadConfig({ text: "rewards: { cosine: 0.5 }", overrides });
  assertEquals(rewards.accuracy, 1);
  assert(typeof rewards.cosine === "object" && rewards.cosine.max_length === 64);
});

Deno.test("what is wrong with a reward is named by its own key", () => {
  const wrong: [unknown, string][] = [
    [{ accuracy: -1 }, "'rewards.accuracy' must be at least 0: current value is -1"],
    [{ accuracy: 1, cosine: "x" }, "'rewards.cosine' must be a finite number"],
    [{ accuracy: 1, cosine: { max_lenght: 3 } }, "did you mean 'rewards.cosine.max_length'?"],
    [{ accuracy: 1, cosine: { weight: -1 } }, "'rewards.cosine.weight' must be at least 0"],
    [{ format: 1, length: 1 }, "'rewards.length' needs to know which completions are right"],
    [{ accuracy: 1, length: { of: "code_execution" } }, "name 'code_execution' under 'rewards'"],
    [
      { accuracy: 1, soft_overlong: { max_length: 10, cache: 11 } },
      "'rewards.soft_overlong.cache' must be at most 'max_length' (10)",
    ],
    [{ accuracy: 1, modules: [{ path: "./My Reward.ts" }] }, "'rewards.modules[0].name'"],
    [{ accuracy: 1, modules: [{ path: "./accuracy.ts" }] }, "names 'accuracy' twice"],
    [{ accuracy: 1, modules: [{ weight: 1 }] }, "'rewards.modules[0].path' is missing"],
  ];
  for (const [rewards, problem] of wrong) {
    const found = problemsOf({ rewards, guidance: { reward: Object.keys(rewards as object)[0] } });
    assert(found.some((text) => text.includes(problem)), `${found} should say: ${problem}`);
  }
});

Deno.test("the controller may follow a reward of one's own", () => {
  const modules = [{ path: "./my_reward.ts", weight: 0.5 }];
  const { rewards } = parseConfig({ rewards: { modules }, guidance: { reward: "my_reward" } });
  assertEquals(rewardWeights(rewards), new Map([["my_reward", 0.5]]));
});
