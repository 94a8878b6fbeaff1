/**
 * A run's config: its keys, their checks, and the way from defaults, file and flags to one value.
 *
 * Top-level keys have TRL's names where TRL has one. A step is one batch of rollouts with all its
 * optimisation passes, and everything counts steps; TRL counts optimizer updates.
 *
 * @module
 */

import type { ControllerName, ControllerSpec } from "../guidance/registry.ts";
import type { PresetName } from "../data/presets/registry.ts";
import type { LoraSettings } from "../models/lora_settings.ts";
import type { ModelPreset } from "../models/presets.ts";
import { parseArgs } from "../std/cli.ts";
import { suggest } from "../std/text.ts";
import { parse, stringify } from "../std/yaml.ts";
import { crossChecks } from "./config_checks.ts";
import { checkSchema, rewardKeys, type SchemaProblem } from "./config_schema.ts";
import type { LearningRateType } from "./lr_schedule.ts";
import { isRecord } from "../std/record.ts";

/** The model that is trained: exactly one of `preset` and `path`. */
export interface ModelSettings {
  /**
   * A shape to initialise at random. Default: arithmetic (the built-in task's, 0.2 M parameters), or
   * null if `path` is given.
   */
  preset: ModelPreset | null;
  /**
   * A folder in Hugging Face's format to load the model and tokenizer from, or one of LoRA adapters.
   * Default: null.
   */
  path: string | null;
  /**
   * Tokens of the byte-level BPE tokenizer that a preset learns from the data set's text. Default: 4096.
   */
  vocab_size: number;
  /**
   * Element type of weights and activations: float32, bfloat16 (with float32 master copies in the
   * optimizer), or auto, which is float32 on a CPU and bfloat16 on a GPU. Default: auto.
   */
  dtype: "auto" | "float32" | "bfloat16";
  /**
   * Recompute a layer's activations in the backward pass instead of keeping them: less memory, about
   * a third more time. TRL's name. Default: false.
   */
  gradient_checkpointing: boolean;
  /**
   * Train LoRA adapters instead of the weights (Hu et al. 2021); needs `path`. The reference of the KL
   * term is then the model without them. TRL's name. Default: false.
   */
  use_peft: boolean;
  /** Rank of the adapters. TRL's name. Default: 16. */
  lora_r: number;
  /** α of LoRA: an adapter is scaled by α / r. TRL's name. Default: 32. */
  lora_alpha: number;
  /**
   * Dropout before an adapter in training passes, 0 to below 1. Rollouts have none, so the ratio π_θ/π_old is then
   * noisy. TRL's name. Default: 0.
   */
  lora_dropout: number;
  /**
   * The linear layers that get an adapter: all-linear (all but the head), or names such as q_proj. TRL's name.
   * Default: all-linear.
   */
  lora_target_modules: "all-linear" | string[];
  /** Scale by α / √r instead (rsLoRA, Kalajdzievski 2023). TRL's name. Default: false. */
  use_rslora: boolean;
}

/** Which column of a row holds which part of a problem; a dotted path reaches into nested values. */
export interface ColumnSettings {
  /** A name that is unique in its source. */
  id?: string;
  /** The question. */
  prompt?: string;
  /** The gold answer. */
  answer?: string;
  /** The teacher's reasoning or solution. */
  trace?: string;
  /** The difficulty: a number, or text that ends in one, or a value of `tier_order`. */
  tier?: string;
  /** Tests of a programming problem. */
  tests?: string;
}

/** A file or folder of problems. */
export interface SourceSettings {
  /** A file (JSONL, JSON, either gzipped, Parquet) or a folder of them. */
  path: string;
  /**
   * How its rows are read: the name of a preset. Default: null, which reads the columns prompt, answer, trace and tier,
   * or those that `columns` names.
   */
  preset: PresetName | null;
  /**
   * Which column holds what: `{ prompt: question, answer: reward_model.ground_truth }`. Default: null.
   */
  columns: ColumnSettings | null;
  /** Values of the column `tier` from easy to hard, where they are names. Default: null. */
  tier_order: string[] | null;
  /** Its name in reports and metrics. Default: null, which is the file's. */
  name: string | null;
  /** Its share of the problems that are drawn, in proportion to the other sources. Default: 1. */
  weight: number;
}

/** The problems of reinforcement learning and of the held-out evaluation. */
export interface DataSettings {
  /**
   * Where the problems come from: arithmetic, the built-in generator; dataset, which `path` or
   * `sources` name. Default: arithmetic, or dataset if one of these is given.
   */
  task: "arithmetic" | "programming" | "dataset";
  /** The data set: a file (JSONL, JSON, either gzipped, Parquet) or a folder of them. Default: null. */
  path: string | null;
  /** How the rows of `path` are read: the name of a preset. Default: null, which reads by `columns`. */
  preset: PresetName | null;
  /**
   * Which column of `path` holds what, also inside a preset: `{ prompt: question }`; fields are id, prompt,
   * answer, trace and tier. Default: null, which is columns of these names.
   */
  columns: ColumnSettings | null;
  /** Values of the column `tier` from easy to hard, where they are names. Default: null. */
  tier_order: string[] | null;
  /** Several data sets with their weights, instead of `path`. Default: []. */
  sources: SourceSettings[];
  /**
   * Difficulty tiers of the arithmetic task, its numbers of operators, in ascending order, 1 to 32.
   * Default: [7, 8].
   */
  tiers: number[];
  /**
   * Order of the problems: easy_to_hard (the share of the harder tiers grows evenly over the run; the
   * paper's Table 5), random, or as_given (data sets only). Default: easy_to_hard.
   */
  curriculum: "easy_to_hard" | "random" | "as_given";
  /** Problems of a data set to train on, chosen by the seed after all filters; null for all. Default: null. */
  num_problems: number | null;
  /**
   * Measured difficulties, a file of `deno task data difficulty`, which take the place of the tiers.
   * Default: null.
   */
  difficulty: string | null;
  /**
   * What becomes of problems of a tier above `hard_tier` (the paper's Table 8): none keeps them, remove
   * leaves them out, replace puts others of moderate difficulty in their place. Default: none.
   */
  sample_filter: "none" | "remove" | "replace";
  /** The highest tier that sample_filter does not count as hard. Default: null. */
  hard_tier: number | null;
  /**
   * Leave problems out that also stand in an evaluation set (the same text, or 13 words in a row).
   * They are reported in any case. Default: false.
   */
  remove_overlap: boolean;
  /** Leave out problems whose prompt has more tokens; null for any. TRL's name. Default: 512. */
  max_prompt_length: number | null;
  /** Leave out problems whose trace has more tokens; null for any. Default: null. */
  max_trace_length: number | null;
  /**
   * How a question becomes a prompt: auto (the model's chat template where it has one), none, or the
   * path of a Jinja file. Default: auto.
   */
  chat_template: string;
  /** Variables for the chat template, such as `{ enable_thinking: false }`. TRL's name. Default: {}. */
  chat_template_kwargs: { [name: string]: unknown };
  /**
   * What stands before the question: null for nothing, reasoning or coding for the built-in prompts, which ask for
   * `<think>` and `<answer>` sections, or a text of your own. Default: reasoning.
   */
  system_prompt: string | null;
  /**
   * How a teacher's solution is written: tags (`<think>` trace `</think>`, then `<answer>`), or plain (the
   * trace, then the answer in a box). Default: tags.
   */
  completion_style: "tags" | "plain";
}

/**
 * Which rollouts start from the teacher's trace (Eq. 4), with how many tokens (Eq. 5 and 6). Keys
 * that the chosen controller does not read are ignored, so that one config serves an ablation.
 */
export interface GuidanceSettings {
  /**
   * What sets the guidance length ℓ. By the rewards: g2rpo_a (Eq. 6), released (the rule of the
   * published code), additive, printed (Eq. 6 as printed, for comparison), target. By the step: fixed,
   * linear, concave, step (Eq. 5), rdp. Default: g2rpo_a.
   */
  controller: ControllerName;
  /**
   * α, the share of a group's rollouts that is guided, 0 to 1: round(αG) of them, halves up. 0 is
   * GRPO, 1 naive guidance. Default: 0.5.
   */
  ratio: number;
  /** ℓ_0, the guidance length at the first step, in tokens. Default: 40. */
  length: number;
  /** ℓ_min in tokens, at least 1. Read by the controllers that follow rewards. Default: 1. */
  min_length: number;
  /**
   * ℓ_max in tokens; best about the longest trace. Read by the controllers that follow rewards.
   * Default: null, which is max_completion_length.
   */
  max_length: number | null;
  /**
   * T, how many earlier steps a reward is compared with. Read by g2rpo_a, printed, additive.
   * Default: 2.
   */
  window: number;
  /** Δ, the tokens that additive adds or takes away a step. Default: 8. */
  delta: number;
  /** The mean reward of the guided rollouts that target holds, 0 to 1. Default: 0.5. */
  target: number;
  /** Tokens by which target moves ℓ when the guided reward is off by 1. Default: 8. */
  gain: number;
  /** The exponent of concave, β in Eq. 5, above 0; 1 is linear. Default: 2. */
  exponent: number;
  /** γ in Eq. 5, the factor of each stage of step, between 0 and 1. Default: 0.5. */
  decay: number;
  /** s in Eq. 5, the steps of a stage of step. Default: null, which is a quarter of decay_steps. */
  interval: number | null;
  /** ℓ_end, the length that rdp ends with, in tokens. Default: 0. */
  end_length: number;
  /**
   * T in Eq. 5, the steps of the whole decay of linear, concave, step and rdp. Default: null,
   * which is max_steps.
   */
  decay_steps: number | null;
  /** The reward that the controller follows, r_k; one of the run's rewards. Default: accuracy. */
  reward: string;
  /**
   * Whether guidance tokens enter the loss: all (Eq. 3), none, or clipped_importance (a teacher's
   * token was chosen with certainty, so its ratio is its probability π_θ, clipped as in Eq. 3). Default: all.
   */
  loss: "all" | "none" | "clipped_importance";
  /**
   * Whether guidance may reach into the trace's answer section, as in the released code. Default:
   * false.
   */
  include_answer: boolean;
}

/** One part of a mixture of tiers. */
export interface MixtureSettings {
  /** The tiers of this part, drawn uniformly, 1 to 32. */
  tiers: number[];
  /** The part's weight among all parts, above 0. */
  weight: number;
}

/** The supervised warm start on whole teacher solutions, before reinforcement learning. */
export interface SftSettings {
  /** Optimizer steps; 0 for no warm start. Default: 0. */
  steps: number;
  /**
   * Passes over the solutions of a data set, which then set `steps`; null to count steps. TRL's name. Default:
   * null.
   */
  num_train_epochs: number | null;
  /** Solutions a step. Default: 64. */
  batch_size: number;
  /** Solutions that go through the model at once, at most. TRL's name. Default: 64. */
  per_device_train_batch_size: number;
  /**
   * Problems of a data set that the warm start learns from, chosen by the seed; reinforcement learning
   * then draws only others. Default: null, which is all, for both.
   */
  num_problems: number | null;
  /**
   * The tiers of the arithmetic task to learn from and their weights. Default: tiers 1 to 3 by 0.97 and 4 to 8 by
   * 0.03, without which longer chains stay at chance.
   */
  mixture: MixtureSettings[];
  /** Peak learning rate; a model that starts from random weights takes a hundred times more. Default: 0.00002. */
  learning_rate: number;
  /**
   * Schedule after the warm-up: constant, constant_with_warmup (the same here), linear, cosine,
   * cosine_with_min_lr. Default: cosine_with_min_lr.
   */
  lr_scheduler_type: LearningRateType;
  /** Where cosine_with_min_lr ends, as a share of learning_rate. Default: 0.1. */
  min_lr_rate: number;
  /** Steps of linear warm-up. Default: 0. */
  warmup_steps: number;
  /** β1 of AdamW. Default: 0.9. */
  adam_beta1: number;
  /** β2 of AdamW. Default: 0.95. */
  adam_beta2: number;
  /** ε of AdamW. Default: 1e-8. */
  adam_epsilon: number;
  /** Decoupled weight decay of AdamW. Default: 0.01. */
  weight_decay: number;
  /** Largest norm of the gradient, to which it is scaled down; 0 for no clipping. Default: 1. */
  max_grad_norm: number;
  /** Steps between two checkpoints of the warm start; 0 for only one at its end. Default: 0. */
  save_steps: number;
}

/** A benchmark. */
export interface BenchmarkSettings {
  /** A file (JSONL, JSON, either gzipped, Parquet) or a folder of them. */
  path: string;
  /** How its rows are read: the name of a preset. Default: null, which reads by `columns`. */
  preset: PresetName | null;
  /** Which column holds what. Default: null, which is columns named prompt and answer. */
  columns: ColumnSettings | null;
  /** Its name in eval.jsonl. Default: null, which is the file's. */
  name: string | null;
}

/**
 * Held-out evaluation without guidance. It always runs before the first step and after the last.
 */
export interface EvalSettings {
  /**
   * The benchmarks of a run on a data set. Default: [], which holds a tenth of the data out, at most num_problems.
   */
  data: BenchmarkSettings[];
  /** Steps between two further evaluations; 0 for none. TRL's eval_steps. Default: 0. */
  steps: number;
  /**
   * Problems an evaluation, of each benchmark at most. With n problems the standard error is at most
   * 0.5/√n. Default: 1000.
   */
  num_problems: number;
  /** Problems generated at a time. Default: 64. */
  batch_size: number;
  /** Sampling temperature; 0 is greedy. Default: 0. */
  temperature: number;
  /** Sample from the smallest set of tokens with this probability; 1 for all. Default: 1. */
  top_p: number;
  /** Sample from that many likeliest tokens; 0 for all. Default: 0. */
  top_k: number;
  /** Most tokens of a completion. Default: null, which is the run's max_completion_length. */
  max_completion_length: number | null;
}

/**
 * The rewards of a run, each by its name with its weight λ ≥ 0: a number, or where it has options a mapping with
 * `weight` among them. A weight of 0 measures a reward without learning from it. Naming any reward leaves out the
 * default, accuracy 1.
 */
export interface RewardsSettings {
  /** 1 for the right answer, compared as mathematics (appendix B.5 of the paper). Default: 1 if no reward is named. */
  accuracy?: number;
  /** 1 for the right letter of a multiple-choice question, as GPQA's. Default: absent. */
  multiple_choice?: number;
  /** Share of a problem's tests that the program passes (appendix B.4). Default: absent. */
  code_execution?: number | CodeExecutionSettings;
  /** 1 for exactly `<think>…</think><answer>…</answer>` (appendix B.2). Default: absent. */
  format?: number;
  /** A quarter for each of the four tags that occurs exactly once (appendix B.1). Default: absent. */
  tag_count?: number;
  /** 1 for the format with a fenced block of code in the answer (appendix B.3). Default: absent. */
  code_format?: number;
  /** Up to 1 for reasoning in visible steps. Default: absent. */
  reasoning_steps?: number;
  /** Shorter is better within a group, for right answers most (Kimi k1.5). Default: absent. */
  length?: number | LengthSettings;
  /** A right answer earns more the shorter it is, a wrong one loses less the longer it is. Default: absent. */
  cosine?: number | CosineSettings;
  /** A penalty for repeated n-grams. Default: absent. */
  repetition_penalty?: number | RepetitionSettings;
  /** A penalty that grows over the last tokens before the limit (DAPO, Eq. 13). Default: absent. */
  soft_overlong?: number | SoftOverlongSettings;
  /** Rewards of your own, each a module that exports it. Default: absent. */
  modules?: ModuleRewardSettings[];
}

/** Options of the reward that runs programs. */
export interface CodeExecutionSettings {
  /** Weight λ. Default: 1. */
  weight: number;
  /** 1 if all tests pass, else 0, where the default is the share that passes. Default: false. */
  all_or_nothing: boolean;
  /** The most tests of a problem to run, chosen by its id, the same for all its samples. Default: null, which is all. */
  max_tests: number | null;
  /** Numbers that a program prints may differ by this much, absolute or relative. Default: null, which is not at all. */
  tolerance: number | null;
  /**
   * A module whose default export tells whether what a program printed is right, `(input, expected, actual) =>
   * boolean`, for problems with several right outputs. Default: null, which compares lines.
   */
  checker: string | null;
}

/** Options of the length reward. */
export interface LengthSettings {
  /** Weight λ. Default: 1. */
  weight: number;
  /** The reward that says which completions are right. Default: accuracy. */
  of: "accuracy" | "code_execution" | "multiple_choice";
}

/** Options of the cosine-scaled reward. */
export interface CosineSettings {
  /** Weight λ. Default: 1. */
  weight: number;
  /** The reward that says which completions are right. Default: accuracy. */
  of: "accuracy" | "code_execution" | "multiple_choice";
  /** A wrong completion of no tokens. Default: -1. */
  min_value_wrong: number;
  /** A wrong completion of the longest. Default: -0.5. */
  max_value_wrong: number;
  /** A right completion of the longest. Default: 0.5. */
  min_value_correct: number;
  /** A right completion of no tokens. Default: 1. */
  max_value_correct: number;
  /** Tokens of the longest. Default: null, which is max_completion_length. */
  max_length: number | null;
}

/** Options of the repetition penalty. */
export interface RepetitionSettings {
  /** Weight λ. Default: 1. */
  weight: number;
  /** Words of an n-gram. Default: 3. */
  ngram_size: number;
  /** What a completion of nothing but repetition gets, below 0. Default: -1. */
  max_penalty: number;
}

/** Options of the soft overlong penalty. */
export interface SoftOverlongSettings {
  /** Weight λ. Default: 1. */
  weight: number;
  /** Tokens from which a completion gets -1. Default: null, which is max_completion_length. */
  max_length: number | null;
  /** Tokens before that over which the penalty grows. Default: null, which is a fifth of them. */
  cache: number | null;
}

/** A reward of your own. */
export interface ModuleRewardSettings {
  /** The module's path or URL, `./my_reward.ts`. */
  path: string;
  /** Its name in metrics. Default: null, which is the file's name. */
  name: string | null;
  /** Weight λ. Default: 1. */
  weight: number;
  /** Seconds after which a sample's score is given up and its process killed. Default: 10. */
  timeout: number;
  /** Samples that are judged at a time, each in a process of its own. Default: 1. */
  processes: number;
  /** What the module may do beside reading files, as Deno's flags say it. Default: nothing. */
  permissions: ModulePermissions;
  /** Handed to the module's function. Default: none. */
  options: Record<string, unknown>;
}

/** What a reward of your own may do: true for all, or a list of the hosts, folders or programs. */
export interface ModulePermissions {
  /** Hosts that it may reach. Default: none. */
  net?: boolean | string[];
  /** Files and folders that it may write. Default: none. */
  write?: boolean | string[];
  /** Environment variables that it is given. Default: none. */
  env?: string[];
  /** Programs that it may run. Default: none. */
  run?: boolean | string[];
}

/** Where programs are run. */
export interface SandboxSettings {
  /**
   * pyodide (Python in WebAssembly, nothing to install), process (native interpreters under bubblewrap), or e2b (E2B's
   * cloud, or a server that speaks its API; the key is read from E2B_API_KEY). Default: pyodide.
   */
  provider: "pyodide" | "process" | "e2b";
  /** Programs at a time. Default: null, which is one a core, and 8 of e2b. */
  concurrency: number | null;
  /** Seconds that a program may run on one test. Default: 10. */
  timeout: number;
  /** Megabytes that a program may use. Default: 256. */
  memory_mb: number;
  /** Kilobytes that a program may print. Default: 1024. */
  output_kb: number;
  /**
   * Programs of pyodide that share a process, one after the other, with its memory and files put back between them; 1
   * for a fresh process each, which takes about ten times as long. Default: 100.
   */
  programs_per_process: number;
  /** Template of e2b. Default: null, which is E2B's own. */
  template: string | null;
  /** Domain of a self-hosted e2b. Default: null. */
  domain: string | null;
  /** URL of the control plane of a self-hosted e2b. Default: null. */
  api_url: string | null;
  /** URL of the sandboxes of a self-hosted e2b. Default: null. */
  sandbox_url: string | null;
}

/** A whole run, every key with its value. See {@linkcode parseConfig} for how to get one. */
export interface Config {
  /** Name of the run's folder; -2, -3, … is added if that is taken. Default: run. */
  run_name: string;
  /** Folder in which the run's folder is made. Default: runs. */
  output_dir: string;
  /** Seed of everything random: initial weights, problems, sampling. Default: 42. */
  seed: number;
  /** CPU threads of libtorch. Default: null, which is a choice by the machine's cores. */
  threads: number | null;
  /** Where tensors live: cpu, cuda, or auto (cuda if there is one). Default: auto. */
  device: "cpu" | "cuda" | "auto";

  /** The model that is trained. */
  model: ModelSettings;
  /** The problems of reinforcement learning. */
  data: DataSettings;
  /** Guidance from the teacher's traces. */
  guidance: GuidanceSettings;
  /** What completions are scored by. Default: `{ accuracy: 1 }`. */
  rewards: RewardsSettings;
  /** Where programs are run, for rewards that run them. */
  sandbox: SandboxSettings;
  /** The supervised warm start. */
  sft: SftSettings;
  /** Held-out evaluation. */
  eval: EvalSettings;

  /** Steps of reinforcement learning. TRL's name. Default: 100. */
  max_steps: number;
  /**
   * Passes over the problems of a data set, which then set `max_steps`; null to count steps. TRL's name. Default:
   * null.
   */
  num_train_epochs: number | null;
  /**
   * Completions of a micro-batch, the most that go through the model at once in training. TRL's
   * name. Default: 8.
   */
  per_device_train_batch_size: number;
  /**
   * Micro-batches of a step. per_device_train_batch_size times this is the number of completions of a
   * step, P·G, and must be divisible by num_generations. TRL's name. Default: 1.
   */
  gradient_accumulation_steps: number;
  /** G, the rollouts of a problem, at least 2. TRL's name. Default: 8. */
  num_generations: number;
  /**
   * Rollouts that are sampled at once, rounded down to whole groups but at least one: fewer take less memory for keys
   * and values. Default: null, which is all of a step.
   */
  rollout_batch_size: number | null;
  /** Most tokens of a completion, guidance and output together. TRL's name. Default: 256. */
  max_completion_length: number;
  /**
   * Most tokens of prompt, guidance and output together. Default: null, which is the model's
   * maximum.
   */
  max_length: number | null;
  /** Sampling temperature of rollouts, above 0. TRL's name. Default: 1. */
  temperature: number;
  /**
   * Sample from the smallest set of tokens with this probability; 1 for all. TRL's name. Default:
   * 1.
   */
  top_p: number;
  /** Sample from that many likeliest tokens; 0 for all. TRL's name. Default: 0. */
  top_k: number;
  /**
   * Leave out tokens less likely than this share of the likeliest; 0 or null for none. TRL's name.
   * Default: null.
   */
  min_p: number | null;

  /** Peak learning rate. TRL's name. Default: 1e-6. */
  learning_rate: number;
  /**
   * Schedule after the warm-up: constant, constant_with_warmup (the same here), linear, cosine,
   * cosine_with_min_lr. TRL's name. Default: linear.
   */
  lr_scheduler_type: LearningRateType;
  /** Where cosine_with_min_lr ends, as a share of learning_rate. Default: 0.1. */
  min_lr_rate: number;
  /** Steps of linear warm-up; not together with warmup_ratio. TRL's name. Default: 0. */
  warmup_steps: number;
  /**
   * Linear warm-up as a share of max_steps, 0 to 1; not together with warmup_steps. TRL's name.
   * Default: 0.
   */
  warmup_ratio: number;
  /** β1 of AdamW. TRL's name. Default: 0.9. */
  adam_beta1: number;
  /** β2 of AdamW. TRL's name. Default: 0.999. */
  adam_beta2: number;
  /** ε of AdamW. TRL's name. Default: 1e-8. */
  adam_epsilon: number;
  /** Decoupled weight decay of AdamW. TRL's name. Default: 0. */
  weight_decay: number;
  /**
   * Largest norm of the gradient, to which it is scaled down; 0 for no clipping. TRL's name.
   * Default: 1.
   */
  max_grad_norm: number;

  /** μ, the optimisation passes over a batch of rollouts. TRL's name. Default: 1. */
  num_iterations: number;
  /**
   * β in Eq. 3, the weight of the KL divergence from the reference; 0 needs no reference. TRL's
   * name. Default: 0.
   */
  beta: number;
  /**
   * ε in Eq. 3: the ratio is clipped from below at 1 − ε, and from above at 1 + ε. TRL's name.
   * Default: 0.2.
   */
  epsilon: number;
  /** The upper ε, if it is another one. TRL's name. Default: null, which is epsilon. */
  epsilon_high: number | null;
  /**
   * Upper bound of the ratio when the advantage is negative, above 1 + ε. TRL's name. Default:
   * null, which is none.
   */
  delta: number | null;
  /**
   * How token losses are averaged: grpo (per completion, Eq. 3), bnpo and dapo
   * (over the tokens of a step), dr_grpo (over a constant length). TRL's name.
   * Default: grpo.
   */
  loss_type: "grpo" | "bnpo" | "dr_grpo" | "dapo";
  /**
   * What advantages are divided by: the standard deviation of the group (Eq. 9) or batch, or none.
   * TRL's name. Default: group.
   */
  scale_rewards: "group" | "batch" | "none";
  /** Whether the ratio π_θ/π_old is taken per token or per sequence. TRL's name. Default: token. */
  importance_sampling_level: "token" | "sequence";
  /**
   * Weigh the KL estimate by the ratio π_θ/π_old, which makes its gradient unbiased. TRL's name.
   * Default: false.
   */
  use_bias_correction_kl: boolean;
  /**
   * Leave completions out of the loss that reached their limit without ending. TRL's name.
   * Default: false.
   */
  mask_truncated_completions: boolean;

  /** Steps between two checkpoints; 0 for only one at the end. TRL's name. Default: 100. */
  save_steps: number;
  /** How many checkpoints are kept; null for all. TRL's name. Default: 3. */
  save_total_limit: number | null;
  /** Steps between two files of completions; 0 for none. Default: 10. */
  completions_steps: number;
  /**
   * Steps in a row with a loss or gradient that is not finite after which the run stops. Default:
   * 3.
   */
  max_skipped_steps: number;
}

/** A config that cannot be used. Its message lists everything that is wrong with it. */
export class ConfigError extends Error {
  /** Name of the class. */
  override name: string = "ConfigError";
  /** Exit code of a command that ends by it: that of a usage error. */
  readonly exitCode: number = 2;
  /** One sentence each: the key, its value and the way out. */
  readonly problems: readonly string[];

  /**
   * An error that lists all problems of a config.
   *
   * @param problems One sentence each.
   * @param source Where the config came from, such as a file's name.
   */
  constructor(problems: readonly string[], source?: string) {
    const title = source === undefined ? "Cannot use this config" : `Cannot use config ${source}`;
    super(
      problems.length === 1
        ? `${title}: ${problems[0]}`
        : `${title}:${problems.map((problem) => `\n  - ${problem}`).join("")}`,
    );
    this.problems = problems;
  }
}

type Mapping = Record<string, unknown>;
type Path = readonly (string | number)[];

function dotted(path: Path): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === "number" ? `${text}[${part}]` : text === "" ? part : `${text}.${part}`,
    "",
  );
}

function show(value: unknown): string {
  return value === undefined ? "missing" : JSON.stringify(value) ?? String(value);
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, part) => (inner as Mapping | undefined)?.[part], value);
}

function without(value: unknown, path: Path): unknown {
  if (path.length === 0 || typeof value !== "object" || value === null) return undefined;
  const [first, ...rest] = path;
  // A list cannot lose a part and stay what it was: it goes as a whole.
  if (Array.isArray(value)) return undefined;
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] =>
    key === first ? [key, without(inner, rest)] : [key, inner]
  );
  return Object.fromEntries(entries.filter(([, inner]) => inner !== undefined));
}

/** A model that is loaded needs no preset, and a data set that is named no task: naming them is enough. */
function chooseImplied<T>(value: T): T {
  if (!isRecord(value)) return value;
  const { model, data } = value;
  const loaded = isRecord(model) && typeof model.path === "string" && !("preset" in model);
  const dataset = isRecord(data) && !("task" in data) &&
    (typeof data.path === "string" || (Array.isArray(data.sources) && data.sources.length > 0));
  return {
    ...value,
    ...(loaded ? { model: { ...model, preset: null } } : {}),
    ...(dataset ? { data: { ...data, task: "dataset" } } : {}),
  };
}

/** The keys below a path; none if it is not known or a value. */
function keysAt(path: Path): readonly string[] {
  if (path[0] === "rewards") {
    return path.length === 1 ? [...rewardKeys.keys()] : rewardKeys.get(String(path[1])) ?? [];
  }
  // Every part of a list has the keys of the first one of its default.
  const value = valueAt(configDefaults, path.map((part) => typeof part === "number" ? 0 : part));
  return isRecord(value) ? Object.keys(value) : [];
}

/** Dotted names of all keys that a flag can set. */
function flagNames(): string[] {
  const options = [...rewardKeys].filter(([name]) => name !== "modules")
    .flatMap(([name, keys]) => keys.map((key) => `rewards.${name}.${key}`));
  return Object.entries(configDefaults).flatMap(([key, value]) =>
    isRecord(value) ? keysAt([key]).map((inner) => `${key}.${inner}`) : [key]
  ).concat(options);
}

function didYouMean(name: string | undefined): string {
  return name === undefined ? "" : `: did you mean '${name}'?`;
}

function unknownKey(path: Path, key: string): string {
  const near = suggest(key, keysAt(path));
  const elsewhere = flagNames().find((name) => name.split(".").at(-1) === key);
  const meant = near === undefined ? elsewhere : dotted([...path, near]);
  const known = keysAt(path);
  const otherwise = known.length > 0 && known.length < 20
    ? `; known are ${known.join(", ")}`
    : "; configs/schema.json lists all keys";
  return `unknown key '${dotted([...path, key])}'` +
    (meant === undefined ? otherwise : didYouMean(meant));
}

function describeProblem(value: unknown, problem: SchemaProblem): string[] {
  const { path, requirement, unknownKeys, options } = problem;
  if (unknownKeys !== undefined) return unknownKeys.map((key) => unknownKey(path, key));
  const current = valueAt(value, path);
  const name = path.length === 0 ? "it" : `'${dotted(path)}'`;
  const orNull = path.length > 0 && valueAt(configDefaults, path) === null ? ", or null" : "";
  if (current === undefined) return [`${name} is missing: it ${requirement}`];
  const near = typeof current === "string" && options ? suggest(current, options) : undefined;
  return [
    `${name} ${requirement}${orNull}: current value is ${show(current)}` +
    (near === undefined ? "" : `; did you mean '${near}'?`),
  ];
}

/**
 * Checks a config and fills in the defaults.
 *
 * @param value A mapping with any of the keys of {@linkcode Config}; what is missing gets its default.
 * @param source Where it came from, for the error's message.
 * @throws {ConfigError} Lists every unknown key (with the nearest known one), every value of the wrong
 * type or out of range, and every contradiction between keys.
 *
 * @example
 * ```ts
 * const config = parseConfig({ num_generations: 4, guidance: { ratio: 0.25 } });
 * console.log(config.num_generations, config.guidance.controller); // 4 g2rpo_a
 * ```
 */
export function parseConfig(value: unknown, source?: string): Config {
  const given = chooseImplied(value);
  const result = checkSchema(given);
  const first = "problems" in result ? result.problems : [];
  const problems = first.flatMap((problem) => describeProblem(given, problem));

  // Contradictions are looked for among the keys that are right by themselves.
  const wrong = first.flatMap(({ path, unknownKeys }) =>
    unknownKeys?.map((key) => [...path, key]) ?? [path]
  );
  const rest = "problems" in result ? checkSchema(wrong.reduce(without, given) ?? {}) : result;
  if ("output" in rest) {
    const broken = first.filter(({ unknownKeys }) => !unknownKeys).map(({ path }) => dotted(path));
    const touches = (key: string) =>
      broken.some((name) =>
        name === key || name.startsWith(`${key}.`) || key.startsWith(`${name}.`)
      );
    for (const { keys, check } of crossChecks) {
      const problem = keys.some(touches) ? undefined : check(rest.output);
      if (problem !== undefined) problems.push(problem);
    }
  }
  if (problems.length > 0 || "problems" in result) throw new ConfigError(problems, source);
  return result.output;
}

/** The config without any key given. */
export const configDefaults: Config = defaults();

function defaults(): Config {
  const result = checkSchema({});
  if ("output" in result) return result.output;
  throw new Error(`Cannot make the default config: ${JSON.stringify(result.problems)}`);
}

/**
 * Lays overrides over a config: mappings are merged, everything else replaces. A dotted key such as
 * `"guidance.ratio"` reaches into a mapping. Neither argument is changed, and nothing is checked:
 * that is {@linkcode parseConfig}'s.
 *
 * @example
 * ```ts
 * console.log(mergeOverrides({ sft: { steps: 700 } }, { "sft.batch_size": 32 }));
 * // { sft: { steps: 700, batch_size: 32 } }
 * ```
 */
export function mergeOverrides(
  base: Readonly<Record<string, unknown>>,
  overrides: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  // Object.fromEntries, unlike an assignment, makes a plain key of "__proto__" too.
  const merged = new Map(Object.entries(base));
  for (const [name, value] of Object.entries(overrides)) {
    const [key, ...rest] = name.split(".");
    const inner = rest.length === 0 ? value : { [rest.join(".")]: value };
    const before = merged.get(key);
    merged.set(
      key,
      isRecord(inner) ? mergeOverrides(isRecord(before) ? before : {}, inner) : inner,
    );
  }
  return Object.fromEntries(merged);
}

/** A flag of a command's own, beside the keys of the config. */
export interface OwnFlag {
  /** Name without dashes. */
  readonly name: string;
  /** Placeholder of its value; a flag without one is a boolean. */
  readonly value?: string;
  /** One-letter form without the dash. */
  readonly short?: string;
}

/** A command line that was split by {@linkcode parseFlags}. */
export interface ParsedFlags {
  /** The config keys given, nested, with values as YAML reads them; not checked yet. */
  readonly overrides: Record<string, unknown>;
  /** The command's own flags that were given, and false for its other booleans. */
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  /** Arguments that are no flags. */
  readonly positionals: readonly string[];
}

/**
 * Splits a command line into config keys, the command's own flags and other arguments. A config key
 * is a dotted flag, `--guidance.ratio=0.25` or `--guidance.ratio 0.25`, whose value is read as YAML;
 * a key that is true or false may go without a value.
 *
 * @param own The command's own flags; a `Command`'s `options` serve.
 * @throws {ConfigError} A flag is unknown (the nearest is named), lacks its value, or is not YAML.
 *
 * @example
 * ```ts
 * const { overrides, options, positionals } = parseFlags(
 *   ["my.yaml", "--guidance.ratio=0.25", "--data.tiers", "[5, 6]", "--resume"],
 *   [{ name: "resume" }],
 * );
 * console.log(overrides); // { guidance: { ratio: 0.25 }, data: { tiers: [5, 6] } }
 * console.log(options.resume, positionals); // true ["my.yaml"]
 * ```
 */
export function parseFlags(args: readonly string[], own: readonly OwnFlag[] = []): ParsedFlags {
  const keys = flagNames();
  const switches = keys.filter((key) =>
    typeof valueAt(configDefaults, key.split(".")) === "boolean"
  );
  const ownSwitches = own.filter(({ value }) => value === undefined).map(({ name }) => name);
  const ownTexts = own.filter(({ value }) => value !== undefined).map(({ name }) => name);
  const problems: string[] = [];
  const { _: positionals, ...found } = parseArgs<string, string>(args, {
    boolean: ownSwitches,
    // The switches of a config are read apart, since only what was given overrides.
    string: [...ownTexts, ...keys.filter((key) => !switches.includes(key))],
    alias: Object.fromEntries(own.flatMap(({ name, short }) => short ? [[name, short]] : [])),
    unknown(flag, key = "") {
      if (switches.includes(key)) return true;
      const near = suggest(key, [...own.map(({ name }) => name), ...keys]);
      const meant = near ?? keys.find((name) => name.split(".").at(-1) === key);
      problems.push(
        meant === undefined
          ? `unknown flag '${flag}'; configs/schema.json lists all keys`
          : `unknown flag '${flag}': did you mean '--${meant}'?`,
      );
      return false;
    },
  }) as { _: string[]; [flag: string]: string | boolean | string[] | undefined };

  const options: Record<string, string | boolean | undefined> = {};
  let overrides: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(found)) {
    if (value === "") {
      problems.push(`flag '--${name}' needs a value: --${name}=VALUE`);
    } else if (ownSwitches.includes(name) || ownTexts.includes(name)) {
      options[name] = value as string | boolean;
    } else {
      try {
        const parsed = typeof value === "string" ? parse(value) : value;
        overrides = mergeOverrides(overrides, { [name]: parsed });
      } catch (error) {
        problems.push(`flag '--${name}' must be YAML: ${(error as Error).message}`);
      }
    }
  }
  if (problems.length > 0) throw new ConfigError(problems, "flags");
  return { overrides, options, positionals };
}

/** Where {@linkcode loadConfig} takes a config from. */
export interface ConfigSource {
  /** A YAML file. */
  readonly file?: string;
  /** YAML text, instead of a file. */
  readonly text?: string;
  /** Keys laid over it, nested or dotted. */
  readonly overrides?: Readonly<Record<string, unknown>>;
}

/**
 * Reads a config: defaults, over them the file or text, over that the overrides.
 *
 * @throws {ConfigError} The file cannot be read, is not YAML, or the config cannot be used.
 */
export async function loadConfig(
  { file, text, overrides = {} }: ConfigSource = {},
): Promise<Config> {
  const source = file === undefined ? undefined : `'${file}'`;
  const content = file === undefined ? text ?? "" : await readConfigFile(file);
  let value: unknown;
  try {
    value = parse(content) ?? {};
  } catch (error) {
    throw new ConfigError([(error as Error).message], source);
  }
  if (!isRecord(value)) {
    throw new ConfigError([
      `a config must be a mapping of keys such as 'max_steps: 100': current value is ${
        show(value)
      }`,
    ], source);
  }
  return parseConfig(mergeOverrides(value, chooseImplied(mergeOverrides({}, overrides))), source);
}

async function readConfigFile(file: string): Promise<string> {
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound
      ? "there is no such file; configs/ has some to start from"
      : `it cannot be read: ${(error as Error).message}`;
    throw new ConfigError([reason], `'${file}'`);
  }
}

/**
 * Writes a config as YAML that {@linkcode loadConfig} reads back to an equal one.
 *
 * @param notes Lines that are put above it as comments, such as the versions in use.
 */
export function stringifyConfig(config: Config, notes: readonly string[] = []): string {
  const comments = notes.flatMap((note) => note.split("\n")).map((line) => `# ${line}\n`).join("");
  return comments + stringify(config);
}

/**
 * The dotted names of the keys in which two configs differ, in the order of the config.
 *
 * @example
 * ```ts
 * console.log(changedKeys(parseConfig({}), parseConfig({ guidance: { length: 20 } })));
 * // [ "guidance.length" ]
 * ```
 */
export function changedKeys(a: Config, b: Config): string[] {
  return changed(a, b, []);
}

/**
 * The changes between two configs in words, one a key: `seed was 1, now 2`.
 *
 * @example
 * ```ts
 * console.log(describeChanges(parseConfig({ seed: 1 }), parseConfig({ seed: 2 })));
 * // [ "seed was 1, now 2" ]
 * ```
 */
export function describeChanges(a: Config, b: Config): string[] {
  return changedKeys(a, b).map((key) => `${key} was ${keyValue(a, key)}, now ${keyValue(b, key)}`);
}

/** The value of a dotted key, as JSON. */
export function keyValue(config: Config, key: string): string {
  return show(valueAt(config, key.split(".")));
}

function changed(a: unknown, b: unknown, path: Path): string[] {
  if (isRecord(a) && isRecord(b)) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...keys].flatMap((key) => changed(a[key], b[key], [...path, key]));
  }
  return JSON.stringify(a) === JSON.stringify(b) ? [] : [dotted(path)];
}

/**
 * The guidance controller that a config describes, for `createController`. A run without guidance
 * (ratio 0) has a fixed length of 0.
 */
export function controllerSpec(config: Config): ControllerSpec {
  const { guidance, max_steps: maxSteps } = config;
  if (guidance.ratio === 0) return { controller: "fixed", length: 0 };
  const { controller, length } = guidance;
  const bounds = {
    length,
    minLength: guidance.min_length,
    maxLength: guidance.max_length ?? config.max_completion_length,
  };
  const decay = { length, maxSteps, decaySteps: guidance.decay_steps ?? maxSteps };
  switch (controller) {
    case "g2rpo_a":
    case "printed":
      return { controller, ...bounds, window: guidance.window };
    case "released":
      return { controller, ...bounds };
    case "additive":
      return { controller, ...bounds, window: guidance.window, delta: guidance.delta };
    case "target":
      return { controller, ...bounds, target: guidance.target, gain: guidance.gain };
    case "fixed":
      return { controller, length };
    case "linear":
      return { controller, ...decay };
    case "concave":
      return { controller, ...decay, exponent: guidance.exponent };
    case "step": {
      const { interval } = guidance;
      const stage = interval === null ? {} : { interval };
      return { controller, ...decay, decay: guidance.decay, ...stage };
    }
    case "rdp":
      return { controller, ...decay, endLength: guidance.end_length };
  }
}

/** The LoRA adapters that a config describes, for `createAdapters`. */
export function loraSettings(model: ModelSettings): LoraSettings {
  return {
    r: model.lora_r,
    alpha: model.lora_alpha,
    dropout: model.lora_dropout,
    targetModules: model.lora_target_modules,
    useRslora: model.use_rslora,
  };
}
