/**
 * The schema behind `parseConfig`: what a key may be and its default. What a key means stands at the
 * interfaces of config.ts, once; the editor's JSON Schema takes it from there. This is the one
 * module that imports zod (the schema of a sweep has it from here), and no public type mentions it.
 *
 * @module
 */

import { z } from "npm:zod@4.6.7";
import { WARM_START_MIXTURE } from "../data/curriculum.ts";
import { PRESET_NAMES, type PresetName } from "../data/presets/registry.ts";
import { controllerNames } from "../guidance/registry.ts";
import { type ModelPreset, modelPresets } from "../models/presets.ts";
import { LEARNING_RATE_TYPES } from "./lr_schedule.ts";

export { z };

const count = z.int().min(0);
const positiveCount = z.int().min(1);
const share = z.number().min(0).max(1);
const nonNegative = z.number().min(0);
const positive = z.number().gt(0);
const decayRate = z.number().min(0).lt(1);
const tier = z.int().min(1).max(32);
const learningRateType = z.enum(LEARNING_RATE_TYPES);
const path = z.string().min(1);

const model = z.strictObject({
  preset: z.enum(Object.keys(modelPresets) as ModelPreset[]).nullable().default("arithmetic"),
  path: path.nullable().default(null),
  vocab_size: z.int().min(300).default(4096),
  dtype: z.enum(["auto", "float32", "bfloat16"]).default("auto"),
  gradient_checkpointing: z.boolean().default(false),
  use_peft: z.boolean().default(false),
  lora_r: positiveCount.default(16),
  lora_alpha: positive.default(32),
  lora_dropout: decayRate.default(0),
  lora_target_modules: z.union([z.literal("all-linear"), z.array(path).min(1)])
    .default("all-linear"),
  use_rslora: z.boolean().default(false),
});

/** A weight alone, or a weight with options. */
function weighted<Options extends z.ZodRawShape>(options: Options) {
  return z.union([nonNegative, z.strictObject({ ...weight, ...options })]).optional();
}
const weight = { weight: nonNegative.default(1) };
const correctness = z.enum(["accuracy", "code_execution", "multiple_choice"]);

const allowed = z.union([z.boolean(), z.array(path)]).optional();

const rewards = z.strictObject({
  accuracy: nonNegative.optional(),
  multiple_choice: nonNegative.optional(),
  code_execution: weighted({
    all_or_nothing: z.boolean().default(false),
    max_tests: positiveCount.nullable().default(null),
    tolerance: positive.nullable().default(null),
    checker: path.nullable().default(null),
  }),
  format: nonNegative.optional(),
  tag_count: nonNegative.optional(),
  code_format: nonNegative.optional(),
  reasoning_steps: nonNegative.optional(),
  length: weighted({ of: correctness.default("accuracy") }),
  cosine: weighted({
    of: correctness.default("accuracy"),
    min_value_wrong: z.number().default(-1),
    max_value_wrong: z.number().default(-0.5),
    min_value_correct: z.number().default(0.5),
    max_value_correct: z.number().default(1),
    max_length: positiveCount.nullable().default(null),
  }),
  repetition_penalty: weighted({
    ngram_size: positiveCount.default(3),
    max_penalty: z.number().lt(0).default(-1),
  }),
  soft_overlong: weighted({
    max_length: positiveCount.nullable().default(null),
    cache: positiveCount.nullable().default(null),
  }),
  modules: z.array(z.strictObject({
    path,
    name: z.string().regex(/^[a-z][a-z0-9_]*$/, {
      error: "must begin with a small letter, followed by small letters, digits and '_'",
    }).nullable().default(null),
    ...weight,
    timeout: positive.default(10),
    processes: positiveCount.default(1),
    permissions: z.strictObject({
      net: allowed,
      write: allowed,
      env: z.array(path).optional(),
      run: allowed,
    }).default({}),
    options: z.record(z.string(), z.unknown()).default({}),
  })).optional(),
});

const sandbox = z.strictObject({
  provider: z.enum(["pyodide", "process", "e2b"]).default("pyodide"),
  concurrency: positiveCount.nullable().default(null),
  timeout: positive.default(10),
  memory_mb: positiveCount.default(256),
  output_kb: positiveCount.default(1024),
  programs_per_process: positiveCount.default(100),
  template: path.nullable().default(null),
  domain: path.nullable().default(null),
  api_url: path.nullable().default(null),
  sandbox_url: path.nullable().default(null),
});

const columns = z.strictObject({
  id: path.optional(),
  prompt: path.optional(),
  answer: path.optional(),
  trace: path.optional(),
  tier: path.optional(),
  tests: path.optional(),
});
const reading = {
  preset: z.enum(PRESET_NAMES as PresetName[]).nullable().default(null),
  columns: columns.nullable().default(null),
};
const tierOrder = z.array(path).min(1).nullable().default(null);
const sourceName = path.nullable().default(null);

const data = z.strictObject({
  task: z.enum(["arithmetic", "programming", "dataset"]).default("arithmetic"),
  path: path.nullable().default(null),
  ...reading,
  tier_order: tierOrder,
  sources: z.array(z.strictObject({
    path,
    ...reading,
    tier_order: tierOrder,
    name: sourceName,
    weight: positive.default(1),
  })).default([]),
  tiers: z.array(tier).min(1).default([7, 8]),
  curriculum: z.enum(["easy_to_hard", "random", "as_given"]).default("easy_to_hard"),
  num_problems: positiveCount.nullable().default(null),
  difficulty: path.nullable().default(null),
  sample_filter: z.enum(["none", "remove", "replace"]).default("none"),
  hard_tier: z.number().nullable().default(null),
  remove_overlap: z.boolean().default(false),
  max_prompt_length: positiveCount.nullable().default(512),
  max_trace_length: positiveCount.nullable().default(null),
  chat_template: path.default("auto"),
  chat_template_kwargs: z.record(z.string(), z.unknown()).default({}),
  system_prompt: path.nullable().default("reasoning"),
  completion_style: z.enum(["tags", "plain"]).default("tags"),
});

const guidance = z.strictObject({
  controller: z.enum(controllerNames).default("g2rpo_a"),
  ratio: share.default(0.5),
  length: nonNegative.default(40),
  min_length: z.number().min(1).default(1),
  max_length: z.number().min(1).nullable().default(null),
  window: positiveCount.default(2),
  delta: positive.default(8),
  target: share.default(0.5),
  gain: positive.default(8),
  exponent: positive.default(2),
  decay: z.number().gt(0).lt(1).default(0.5),
  interval: positiveCount.nullable().default(null),
  end_length: nonNegative.default(0),
  decay_steps: positiveCount.nullable().default(null),
  reward: path.default("accuracy"),
  loss: z.enum(["all", "none", "clipped_importance"]).default("all"),
  include_answer: z.boolean().default(false),
});

const sft = z.strictObject({
  steps: count.default(0),
  num_train_epochs: positive.nullable().default(null),
  batch_size: positiveCount.default(64),
  per_device_train_batch_size: positiveCount.default(64),
  num_problems: positiveCount.nullable().default(null),
  mixture: z.array(z.strictObject({ tiers: z.array(tier).min(1), weight: positive })).min(1)
    .default(() => WARM_START_MIXTURE.map(({ tiers, weight }) => ({ tiers: [...tiers], weight }))),
  learning_rate: positive.default(2e-5),
  lr_scheduler_type: learningRateType.default("cosine_with_min_lr"),
  min_lr_rate: share.default(0.1),
  warmup_steps: count.default(0),
  adam_beta1: decayRate.default(0.9),
  adam_beta2: decayRate.default(0.95),
  adam_epsilon: positive.default(1e-8),
  weight_decay: nonNegative.default(0.01),
  max_grad_norm: nonNegative.default(1),
  save_steps: count.default(0),
});

const evaluation = z.strictObject({
  data: z.array(z.strictObject({ path, ...reading, name: sourceName })).default([]),
  steps: count.default(0),
  num_problems: positiveCount.default(1000),
  batch_size: positiveCount.default(64),
  temperature: nonNegative.default(0),
  top_p: z.number().gt(0).max(1).default(1),
  top_k: count.default(0),
  max_completion_length: positiveCount.nullable().default(null),
});

/** The schema of a config; its keys are in the order in which a resolved config is written. */
// deno-lint-ignore explicit-module-boundary-types -- internal: its type is the schema
export const configSchema = z.strictObject({
  run_name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, {
    error: "must begin with a letter or digit, followed by letters, digits, '.', '_' or '-'",
  }).default("run"),
  output_dir: z.string().min(1).default("runs"),
  seed: count.default(42),
  threads: positiveCount.nullable().default(null),
  device: z.enum(["cpu", "cuda", "auto"]).default("auto"),

  model: model.prefault({}),
  data: data.prefault({}),
  guidance: guidance.prefault({}),
  rewards: rewards.default({ accuracy: 1 }),
  sandbox: sandbox.prefault({}),
  sft: sft.prefault({}),
  eval: evaluation.prefault({}),

  max_steps: positiveCount.default(100),
  num_train_epochs: positive.nullable().default(null),
  per_device_train_batch_size: positiveCount.default(8),
  gradient_accumulation_steps: positiveCount.default(1),
  num_generations: z.int().min(2).default(8),
  rollout_batch_size: positiveCount.nullable().default(null),
  max_completion_length: positiveCount.default(256),
  max_length: z.int().min(2).nullable().default(null),
  temperature: positive.default(1),
  top_p: z.number().gt(0).max(1).default(1),
  top_k: count.default(0),
  min_p: share.nullable().default(null),

  learning_rate: positive.default(1e-6),
  lr_scheduler_type: learningRateType.default("linear"),
  min_lr_rate: share.default(0.1),
  warmup_steps: count.default(0),
  warmup_ratio: share.default(0),
  adam_beta1: decayRate.default(0.9),
  adam_beta2: decayRate.default(0.999),
  adam_epsilon: positive.default(1e-8),
  weight_decay: nonNegative.default(0),
  max_grad_norm: nonNegative.default(1),

  num_iterations: positiveCount.default(1),
  beta: nonNegative.default(0),
  epsilon: nonNegative.default(0.2),
  epsilon_high: nonNegative.nullable().default(null),
  delta: positive.nullable().default(null),
  loss_type: z.enum(["grpo", "bnpo", "dr_grpo", "dapo"]).default("grpo"),
  scale_rewards: z.enum(["group", "batch", "none"]).default("group"),
  importance_sampling_level: z.enum(["token", "sequence"]).default("token"),
  use_bias_correction_kl: z.boolean().default(false),
  mask_truncated_completions: z.boolean().default(false),

  save_steps: count.default(100),
  save_total_limit: positiveCount.nullable().default(3),
  completions_steps: count.default(10),
  max_skipped_steps: positiveCount.default(3),
});

/** What the schema makes of a value; a type test proves it equal to `Config`. */
export type ConfigOutput = z.output<typeof configSchema>;

/** The keys of `rewards`, and those of each one that has options. */
export const rewardKeys: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(rewards.shape).map(([name, schema]) => [name, optionKeys(schema.unwrap())]),
);

function optionKeys(schema: z.ZodType): string[] {
  const one = schema instanceof z.ZodArray
    ? schema.element
    : schema instanceof z.ZodUnion
    ? schema.options[1]
    : schema;
  return one instanceof z.ZodObject ? Object.keys(one.shape) : [];
}

/** Something wrong with one key. */
export interface SchemaProblem {
  /** Where: keys and list positions from the top. */
  readonly path: readonly (string | number)[];
  /** The unknown keys at `path`; absent if its value is what is wrong. */
  readonly unknownKeys?: readonly string[];
  /** What the value must be, such as "must be a number of at least 0". */
  readonly requirement: string;
  /** The names it may have, if it must be one of a few. */
  readonly options?: readonly string[];
}

/** A checked value with its defaults, or all that is wrong with it. */
export type Checked<T> =
  | { readonly output: T }
  | { readonly problems: readonly SchemaProblem[] };

/** Checks a config against the schema and fills in the defaults. */
export function checkSchema(value: unknown): Checked<ConfigOutput> {
  return check(configSchema, value);
}

/** Checks a value against a schema and fills in the defaults. */
export function check<S extends z.ZodType>(schema: S, value: unknown): Checked<z.output<S>> {
  const result = schema.safeParse(value);
  if (result.success) return { output: result.data };
  return {
    problems: result.error.issues.flatMap((issue) => branchIssues(issue)).map((issue) => ({
      path: issue.path.map((part) => typeof part === "symbol" ? String(part) : part),
      requirement: requirementOf(issue),
      ...(issue.code === "unrecognized_keys" ? { unknownKeys: issue.keys } : {}),
      ...(issue.code === "invalid_value" ? { options: issue.values.map(String) } : {}),
    })),
  };
}

/** Of a value that may be several things, what is wrong with it as the one that it comes nearest to. */
function branchIssues(issue: Issue, prefix: PropertyKey[] = []): Issue[] {
  const path = [...prefix, ...issue.path];
  if (issue.code !== "invalid_union") return [{ ...issue, path }];
  const nearest =
    issue.errors.find((issues) =>
      !issues.some((inner) => inner.code === "invalid_type" && inner.path.length === 0)
    ) ?? issue.errors[0];
  return nearest.flatMap((inner) => branchIssues(inner, path));
}

const kinds: Readonly<Record<string, string>> = {
  int: "an integer",
  number: "a finite number",
  string: "text",
  boolean: "true or false",
  array: "a list",
  object: "a mapping of keys",
  record: "a mapping of keys",
};

type Issue = z.core.$ZodIssue;

function requirementOf(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${kinds[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return issue.values.length === 1
        ? `must be ${String(issue.values[0])}`
        : `must be one of ${issue.values.join(", ")}`;
    case "too_small":
      if (issue.origin === "array" || issue.origin === "string") return "must not be empty";
      return `must be ${issue.inclusive ? "at least" : "above"} ${issue.minimum}`;
    case "too_big":
      return `must be ${issue.inclusive ? "at most" : "below"} ${issue.maximum}`;
    default:
      return issue.message;
  }
}

/** The JSON Schema of a config file (draft 2020-12), without descriptions. */
export function configJsonSchema(): Record<string, unknown> {
  return jsonSchemaOf(configSchema);
}

/** The JSON Schema (draft 2020-12) of what a schema accepts. */
export function jsonSchemaOf(schema: z.ZodType): Record<string, unknown> {
  return z.toJSONSchema(schema, {
    io: "input",
    override({ jsonSchema }) {
      // The bounds that zod gives to every integer say nothing to a reader.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    },
  }) as Record<string, unknown>;
}
