/**
 * Handrail trains small reasoning models with reinforcement learning from verifiable rewards: G²RPO-A, in which part of
 * each group of rollouts starts from a teacher's reasoning and the length of that help follows the reward.
 *
 * Importing this module loads no native library. What needs libtorch wants {@linkcode initialize} first, or calls it
 * itself, as {@linkcode train} does.
 *
 * @example A controller alone, in plain TypeScript
 * ```ts
 * const controller = createController({ controller: "g2rpo_a", length: 40, maxLength: 65 });
 * let state = controller.initial();
 * state = controller.next(state, { step: 0, reward: 0.2, guidedReward: 0.4, unguidedReward: 0 });
 * state = controller.next(state, { step: 1, reward: 0.4, guidedReward: 0.7, unguidedReward: 0.1 });
 * console.log(state.length); // 20: the reward doubled, so the guidance halved
 * ```
 *
 * @module
 */

// Configs and whole runs
export {
  type BenchmarkSettings,
  changedKeys,
  type CodeExecutionSettings,
  type ColumnSettings,
  type Config,
  configDefaults,
  ConfigError,
  type ConfigSource,
  controllerSpec,
  type CosineSettings,
  type DataSettings,
  describeChanges,
  type EvalSettings,
  type GuidanceSettings,
  type LengthSettings,
  loadConfig,
  loraSettings,
  mergeOverrides,
  type MixtureSettings,
  type ModelSettings,
  type ModulePermissions,
  type ModuleRewardSettings,
  type OwnFlag,
  parseConfig,
  type ParsedFlags,
  parseFlags,
  type RepetitionSettings,
  type RewardsSettings,
  type SandboxSettings,
  type SftSettings,
  type SoftOverlongSettings,
  type SourceSettings,
  stringifyConfig,
} from "./src/training/config.ts";
export { rewardSpecs, sandboxSpec } from "./src/training/reward_settings.ts";
export { quickstartYaml } from "./src/training/quickstart.ts";
export { DivergedError, train, type TrainOptions, type TrainResult } from "./src/training/train.ts";
export {
  type EvalRecord,
  type PromptExample,
  type Reporter,
  type RunStart,
} from "./src/training/reporter.ts";
export {
  heldMemory,
  type MemoryPlan,
  type PlanOptions,
  planRun,
  type RunPlan,
  totalMemory,
} from "./src/training/plan.ts";
export { type Machine, machineFor, memoryTrouble } from "./src/training/machine.ts";
export { RunFolderError } from "./src/training/run_folder.ts";
export { version } from "./src/version.ts";

// One step, for a loop of your own
export { type CompletionRecord, type StepRecord, trainStep } from "./src/training/step.ts";
export { sftStep } from "./src/training/sft.ts";
export { type Run } from "./src/training/run.ts";
export { initialState, type Phase, type TrainState } from "./src/training/checkpoint.ts";
export { type Metrics } from "./src/training/metrics.ts";
export { AdamW, type AdamWOptions, clipGradientNorm } from "./src/training/optimizer.ts";
export {
  LEARNING_RATE_TYPES,
  learningRate,
  type LearningRateOptions,
  type LearningRateType,
} from "./src/training/lr_schedule.ts";

// Guidance
export { assignGuidance, type GuidanceOptions, guidedCount } from "./src/guidance/assign.ts";
export {
  adaptiveController,
  type AdaptiveRule,
  type AdaptiveSpec,
  type Controller,
  type ControllerState,
  type Decision,
  type Observation,
  parseControllerState,
  type WindowSpec,
} from "./src/guidance/controller.ts";
export { type DecaySpec, scheduleController } from "./src/guidance/schedule.ts";
export {
  type ControllerName,
  controllerNames,
  type ControllerSpec,
  createController,
} from "./src/guidance/registry.ts";
export { type AdditiveSpec } from "./src/guidance/controllers/additive.ts";
export { type G2rpoASpec } from "./src/guidance/controllers/g2rpo_a.ts";
export { type PrintedSpec } from "./src/guidance/controllers/printed.ts";
export { type ReleasedSpec } from "./src/guidance/controllers/released.ts";
export { type TargetSpec } from "./src/guidance/controllers/target.ts";
export { type ConcaveSpec } from "./src/guidance/schedules/concave.ts";
export { type FixedSpec } from "./src/guidance/schedules/fixed.ts";
export { type LinearSpec } from "./src/guidance/schedules/linear.ts";
export { type RdpSpec } from "./src/guidance/schedules/rdp.ts";
export { type StepSpec } from "./src/guidance/schedules/step.ts";

// Advantages and losses
export {
  ADVANTAGE_EPSILON,
  type AdvantageOptions,
  type Advantages,
  groupAdvantages,
  type ScaleRewards,
} from "./src/algorithms/advantages.ts";
export {
  type TokenLogProbs,
  tokenLogProbs,
  type TokenLogProbsOptions,
} from "./src/algorithms/token_log_probs.ts";
export {
  batchTotals,
  type GuidanceLoss,
  type ImportanceSamplingLevel,
  type Objective,
  type ObjectiveInputs,
  type ObjectiveMask,
  type ObjectiveMetrics,
  objectiveMetrics,
  type ObjectiveOptions,
  type ObjectiveStatistics,
  policyObjective,
} from "./src/algorithms/objective.ts";
export {
  type BatchTotals,
  type LossAggregation,
  type LossType,
  type TokenLosses,
} from "./src/algorithms/losses/loss.ts";

// Rewards
export {
  type Reward,
  type RewardContext,
  type RewardSample,
  type Ungraded,
  ungraded,
} from "./src/rewards/reward.ts";
export {
  createReward,
  type ModuleRewardSpec,
  REWARD_NAMES,
  type RewardName,
  type RewardSpec,
  type WeightedSpec,
} from "./src/rewards/registry.ts";
export { RewardSet } from "./src/rewards/reward_set.ts";
export {
  type GoldFailure,
  type SampleScore,
  type ScoreOptions,
  scoreRollouts,
  validateGold,
  type WeightedReward,
} from "./src/rewards/score.ts";
export {
  type AccuracyOptions,
  accuracyReward,
  gradeAccuracy,
  type GradedProblem,
} from "./src/rewards/accuracy.ts";
export { extractAnswer } from "./src/rewards/extract.ts";
export { multipleChoiceReward } from "./src/rewards/multiple_choice.ts";
export { type CodeExecutionOptions, codeExecutionReward } from "./src/rewards/code_execution.ts";
export { type Tolerance } from "./src/rewards/code/outputs.ts";
export { formatReward } from "./src/rewards/format.ts";
export { tagCountReward } from "./src/rewards/tag_count.ts";
export { codeFormatReward } from "./src/rewards/code_format.ts";
export { reasoningStepsReward } from "./src/rewards/reasoning_steps.ts";
export { lengthReward, type LengthRewardOptions } from "./src/rewards/length.ts";
export { cosineReward, type CosineRewardOptions } from "./src/rewards/cosine.ts";
export {
  type RepetitionPenaltyOptions,
  repetitionPenaltyReward,
} from "./src/rewards/repetition_penalty.ts";
export { type SoftOverlongOptions, softOverlongReward } from "./src/rewards/soft_overlong.ts";
export { moduleReward, type ModuleRewardOptions } from "./src/rewards/module.ts";
export {
  type ProcessPermissions,
  type ProcessReward,
  processReward,
  type ProcessRewardSpec,
} from "./src/rewards/process.ts";
export { readable, sameAnswer } from "./src/rewards/math/verify.ts";
export { type Boxed, boxedAnswers, canonicalAnswer, lastBoxed } from "./src/rewards/answer.ts";

// Sandboxes
export {
  defaultLimits,
  type Exited,
  type Language,
  type Limits,
  type OutOfMemory,
  type OutputLimit,
  type Program,
  type RunOptions,
  type Sandbox,
  SandboxError,
  type SandboxUsage,
  type TimedOut,
  type Verdict,
} from "./src/sandbox/sandbox.ts";
export {
  createSandbox,
  SANDBOX_PROVIDERS,
  type SandboxProvider,
  type SandboxSpec,
} from "./src/sandbox/registry.ts";
export { pyodideSandbox, type PyodideSandboxOptions } from "./src/sandbox/pyodide.ts";
export { processSandbox, type ProcessSandboxOptions } from "./src/sandbox/process.ts";
export { e2bSandbox, type E2BSandboxOptions } from "./src/sandbox/e2b.ts";

// Problems
export {
  type AssertionTests,
  type CodeTests,
  type EncodedProblem,
  encodeProblem,
  type EncodeProblemOptions,
  type FunctionCase,
  type FunctionTests,
  type Problem,
  solutionText,
  type StdinCase,
  type StdinTests,
} from "./src/data/types.ts";
export {
  ARITHMETIC_VOCABULARY,
  type ArithmeticOperator,
  type ArithmeticStep,
  ArithmeticTask,
} from "./src/data/arithmetic.ts";
export {
  type BuiltInTask,
  type HeldOutOptions,
  heldOutProblems,
  type Split,
} from "./src/data/built_in_task.ts";
export {
  PROGRAMMING_WORDS,
  type ProgrammingInput,
  ProgrammingTask,
} from "./src/data/programming.ts";

export {
  curriculumBatch,
  type CurriculumOptions,
  type CurriculumOrder,
  type MixturePart,
  sftBatch,
  WARM_START_MIXTURE,
} from "./src/data/curriculum.ts";
export { hashText, Random, type RandomKey, type RandomState } from "./src/data/random.ts";

// Data sets
export {
  type ColumnMapping,
  type DataSource,
  type LoadedProblems,
  loadProblems,
  type LoadProblemsOptions,
} from "./src/data/source.ts";
export { PRESET_NAMES, type PresetName } from "./src/data/presets/registry.ts";
export {
  type BadRow,
  DataFileError,
  DEFAULT_LIMITS,
  type ReadLimits,
  type ReadResult,
  type ReadRow,
} from "./src/data/readers/reader.ts";
export { readRows } from "./src/data/readers/read.ts";
export { type Row } from "./src/data/columns.ts";
export {
  type DataReport,
  type FileReport,
  formatDataReport,
  type LeftOut,
  type LeftOutExample,
  MAX_BAD_LINES,
} from "./src/data/report.ts";
export {
  addStages,
  type FilterOptions,
  filterProblems,
  type FilterResult,
  type FilterStage,
  formatFilterStages,
  reportStages,
} from "./src/data/filters.ts";
export { type Presentation, presentProblem } from "./src/data/present.ts";
export { type OrderOptions, orderProblems, type ProblemOrder } from "./src/data/order.ts";
export {
  filterHardProblems,
  type SampleFilter,
  type SampleFilterOptions,
  type SampleFilterReport,
} from "./src/data/sample_filter.ts";
export {
  type EvaluationSet,
  findOverlap,
  type Overlap,
  OVERLAP_KINDS,
  type OverlapCount,
  type OverlapKind,
  type OverlapReport,
  type Question,
  withoutOverlap,
} from "./src/data/overlap.ts";
export {
  DifficultyError,
  type DifficultyFile,
  difficultyHeader,
  difficultyLine,
  type DifficultySettings,
  DifficultyWriter,
  type MeasuredDifficulty,
  parseDifficulties,
  readDifficulties,
  withDifficulty,
} from "./src/data/difficulty.ts";
export {
  measureDifficulty,
  type MeasureDifficultyOptions,
  type PromptedProblem,
} from "./src/evaluation/difficulty.ts";

// Traces and hints of a teacher
export {
  type Teacher,
  type TeacherMessage,
  type TeacherReply,
  TeacherRequestError,
  TeacherUnavailableError,
  type TokenUsage,
} from "./src/teacher/teacher.ts";
export {
  collect,
  type CollectionResult,
  type CollectionState,
  type CollectOptions,
  type Judgement,
  type LastAttempt,
  type Rejection,
  type TeacherTask,
} from "./src/teacher/collect.ts";
export { type CollectionSettings, JournalError } from "./src/teacher/journal.ts";
export { traceInstruction, traceTask, type TraceTaskOptions } from "./src/teacher/traces.ts";
export { hintInstruction, hintTask, type HintTaskOptions } from "./src/teacher/hints.ts";
export { leakOf } from "./src/teacher/leak.ts";

// Tokenizers
export { type DecodeOptions, type EncodeOptions, Tokenizer } from "./src/tokenizer/tokenizer.ts";
export { arithmeticTokenizer, arithmeticTokenizerJson } from "./src/tokenizer/arithmetic.ts";
export {
  PROGRAMMING_VOCABULARY,
  programmingTokenizer,
  programmingTokenizerJson,
} from "./src/tokenizer/programming.ts";
export { PromptFormat, type PromptFormatOptions } from "./src/tokenizer/prompt_format.ts";
export { CODE_SYSTEM_PROMPT, REASONING_SYSTEM_PROMPT } from "./src/tokenizer/system_prompts.ts";
export { type BpeOptions, trainBpe, type TrainedBpe } from "./src/tokenizer/bpe_trainer.ts";

// Models and generation
export {
  loadModel,
  type LoadModelOptions,
  saveModel,
  type SaveModelOptions,
  type SpecialTokenIds,
} from "./src/models/checkpoint.ts";
export { adapterShapes, loraScale, type LoraSettings } from "./src/models/lora_settings.ts";
export {
  createAdapters,
  type CreateAdaptersOptions,
  LoraAdapters,
  mergeAdapters,
} from "./src/models/lora.ts";
export {
  findBaseModel,
  loadAdapters,
  type PeftConfig,
  readPeftConfig,
  saveAdapters,
} from "./src/models/peft.ts";
export { type MergedFolder, mergeFolder, type MergeFolderOptions } from "./src/models/merge.ts";
export {
  createValueHead,
  hasValueHead,
  loadValueHead,
  saveValueHead,
  ValueHead,
  type ValueHeadOptions,
} from "./src/models/value_head.ts";
export { ModelError } from "./src/models/config_reader.ts";
export {
  type CachedPass,
  type CausalLM,
  type ForwardOptions,
  type Trunk,
} from "./src/models/model.ts";
export { type ModelPreset, modelPresets } from "./src/models/presets.ts";
export { randomModel, type RandomModelOptions } from "./src/models/random.ts";
export { KvCache, type KvCacheShape } from "./src/nn/kv_cache.ts";
export {
  generate,
  type GenerateOptions,
  type GroupRequest,
  type Rollout,
} from "./src/engine/generate.ts";
export { type Draw, sample, type SamplingOptions } from "./src/engine/sampling.ts";
export { evaluate, type EvaluateOptions, type Evaluation } from "./src/evaluation/evaluate.ts";

// Tensors
export { initialize, type InitializeOptions } from "./ffi/library.ts";
export {
  type Libtorch,
  LibtorchError,
  type LibtorchProblem,
  type Progress,
  type ProgressListener,
} from "./ffi/prepare.ts";
export { type Device, type DType } from "./src/tensor/dtype.ts";
export {
  liveTensors,
  manualSeed,
  type Nested,
  rngState,
  scope,
  type ScopeResult,
  setRngState,
  Tensor,
  tensor,
  type TensorData,
  TensorError,
} from "./src/tensor/tensor.ts";
export {
  backward,
  type BackwardOptions,
  enableGrad,
  gradients,
  noGrad,
} from "./src/tensor/autograd.ts";
export {
  availableMemory,
  cudaDevices,
  memory,
  type MemoryFigures,
  resetPeakMemory,
} from "./src/tensor/memory.ts";
export {
  type SafetensorsEntry,
  SafetensorsError,
  SafetensorsFile,
  writeSafetensors,
} from "./src/tensor/safetensors.ts";
/** libtorch's ops on {@linkcode Tensor}s, under camel-case names; each says its schema. */
export * as ops from "./src/tensor/ops.ts";
