/** A whole run: warm start, reinforcement learning, evaluations, checkpoints, and the way back in after a stop. */
import { evaluate } from "../evaluation/evaluate.ts";
import { loadModel, saveModel } from "../models/checkpoint.ts";
import { type Reward } from "../rewards/reward.ts";
import { RewardSet } from "../rewards/reward_set.ts";
import { type WeightedReward } from "../rewards/score.ts";
import { availableMemory } from "../tensor/memory.ts";
import { manualSeed, type Tensor } from "../tensor/tensor.ts";
import { initialize, libtorch } from "../../ffi/library.ts";
import { assemble, chooseDevice, type Parts } from "./assemble.ts";
import {
  listCheckpoints,
  readTrainState,
  removeIfThere,
  saveCheckpoint,
  type TrainState,
} from "./checkpoint.ts";
import { type Config, describeChanges, loadConfig, stringifyConfig } from "./config.ts";
import { type Interrupt, listenForInterrupt } from "./interrupt.ts";
import { machineFor, memoryTrouble } from "./machine.ts";
import { planRun } from "./plan.ts";
import { type Metrics } from "./metrics.ts";
import { type DataSummary } from "./problems.ts";
import {
  type EvalRecord,
  type HeldOutRecord,
  type PromptExample,
  type Reporter,
} from "./reporter.ts";
import {
  evalName,
  jsonLine,
  readJsonLines,
  RunFolder,
  RunFolderError,
  stepName,
} from "./run_folder.ts";
import { rewardSpecs, sandboxSpec } from "./reward_settings.ts";
import { sftStep } from "./sft.ts";
import { stepSeed } from "./seed.ts";
import { trainStep } from "./step.ts";
import { type SandboxUsage } from "../sandbox/sandbox.ts";
import { eventLoop } from "../std/turns.ts";
import { version } from "../version.ts";

/** Options of {@linkcode train}. */
export interface TrainOptions {
  /** Continue the newest run of this name from its last checkpoint. Default: start a new one. */
  readonly resume?: boolean;
  /** End after the warm start. Default: false. */
  readonly sftOnly?: boolean;
  /**
   * Rewards of your own, one at least, in place of the config's. They are not disposed of. Guidance follows the one that
   * `guidance.reward` names, otherwise the first.
   */
  readonly rewards?: readonly WeightedReward[];
  /** What says right or wrong of gold answers and in evaluations, in place of accuracy and code execution. */
  readonly judge?: Reward;
  /** Told what happens. */
  readonly reporter?: Reporter;
  /** Finish the step and save on Ctrl-C; a second one ends at once. Default: false. */
  readonly handleInterrupt?: boolean;
}

/** How a run ended. */
export interface TrainResult {
  /** Its folder. */
  readonly folder: string;
  /** `finished`; `interrupted`, with a checkpoint to resume from; `already finished`, with nothing done. */
  readonly ending: "finished" | "interrupted" | "already finished";
  /** Every evaluation, in order. */
  readonly evaluations: readonly EvalRecord[];
}

/** Too many steps in a row had a loss or gradient that is no finite number. */
export class DivergedError extends Error {
  /** Name of the class. */
  override name: string = "DivergedError";
}

/**
 * Runs a config from where it stands to its end, and leaves the run's folder: config.yaml, sft.jsonl, metrics.jsonl,
 * eval.jsonl, completions/, checkpoints/, final/, and reference/ where β is not 0.
 *
 * @throws {DivergedError} after `max_skipped_steps` steps in a row without a finite loss and gradient.
 * @throws {RunFolderError} when a resume does not fit, or a checkpoint cannot be written.
 */
export async function train(config: Config, options: TrainOptions = {}): Promise<TrainResult> {
  const { reporter = {} } = options;
  if (options.rewards?.length === 0) {
    throw new Error("Cannot train without rewards: option 'rewards' must have one, or be left out");
  }
  const existing = options.resume ? RunFolder.newest(config.output_dir, config.run_name) : null;
  if (existing !== null) await refuseChangedKeys(existing, config);
  if (existing !== null && isFinished(existing, options.sftOnly ?? false)) {
    return { folder: existing.path, ending: "already finished", evaluations: readEvals(existing) };
  }
  await initialize({ threads: config.threads });
  await refuseWhatCannotFit(config, reporter);
  await using rewards = await RewardSet.create(
    rewardSpecs(config),
    sandboxSpec(config.sandbox),
  );
  using claimed = new DisposableStack();
  if (existing !== null) claimed.use(existing.lock());
  const name = existing === null ? undefined : listCheckpoints(existing).at(-1);
  const checkpoint = name === undefined ? null : existing!.join("checkpoints", name);
  const saved = checkpoint === null ? null : readTrainState(checkpoint);
  using parts = await assemble(
    config,
    chooseDevice(config),
    checkpoint,
    saved?.state ?? null,
    options.rewards ?? rewards.weighted,
    options.judge ?? rewards.judge,
    (phase, done, total) => reporter.preparing?.(phase, done, total),
  );

  // What cannot be loaded leaves no folder behind.
  const folder = existing ?? RunFolder.create(config.output_dir, config.run_name);
  if (existing === null) claimed.use(folder.lock());
  folder.cutBack(
    saved?.logs ?? { "sft.jsonl": 0, "metrics.jsonl": 0, "eval.jsonl": 0 },
    saved?.state.phase === "rl" ? saved.state.step : 0,
  );
  const { report, notes } = parts.set;
  if (checkpoint === null) {
    folder.writeWhole("config.yaml", stringifyConfig(config, versions()));
    if (report !== null) {
      folder.writeWhole("data.json", JSON.stringify(report, null, 2) + "\n");
    }
  } else if (report !== null) refuseChangedData(folder, report);

  const state = saved?.state ?? parts.initialState();
  const count = (of: ReadonlyMap<string, Tensor>) =>
    [...of.values()].reduce((n, p) => n + p.size, 0);
  reporter.start?.({
    folder: folder.path,
    config: parts.config,
    resumedFrom: name ?? null,
    parameters: count(parts.policy.parameters),
    trainable: count(parts.policy.trainable),
    data: report?.lines ?? [],
    notes,
    example: promptExample(parts, state),
  });
  using interrupt = options.handleInterrupt ? await listenForInterrupt() : null;
  const usage = () => rewards.usage;
  const loop = new Loop(parts.config, folder, parts, state, reporter, interrupt, usage);
  const ending = await loop.run(options.sftOnly ?? false);
  return { folder: folder.path, ending, evaluations: readEvals(folder) };
}

/** Before hours of reading and training, what is held all through must fit; what may not is said. */
async function refuseWhatCannotFit(config: Config, reporter: Reporter): Promise<void> {
  const device = chooseDevice(config) === "cpu" ? "cpu" : "cuda";
  const available = device === "cpu" ? availableMemory() : (await machineFor(config)).available;
  const trouble = memoryTrouble(await planRun(config, { device }), available);
  if (trouble?.kind === "never") throw new Error(`Cannot train on ${device}: ${trouble.text}`);
  if (trouble !== null) reporter.warn?.(trouble.text);
}

/** Names and versions for the head of config.yaml. */
function versions(): string[] {
  return [
    `handrail ${version}, deno ${Deno.version.deno}, libtorch ${libtorch().version}`,
    `${Deno.build.os} ${Deno.build.arch}; the seed stands below`,
  ];
}

/** Whether the run has ended. One that ended with its warm start is finished only for who wants no more. */
function isFinished(folder: RunFolder, sftOnly: boolean): boolean {
  try {
    Deno.statSync(folder.join("final"));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  return sftOnly || readTrainState(folder.join("final")).state.phase === "rl";
}

async function refuseChangedKeys(folder: RunFolder, config: Config): Promise<void> {
  const file = folder.join("config.yaml");
  try {
    Deno.statSync(file);
  } catch (error) {
    // Killed before its first file was whole: there is nothing to differ from.
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  const before = await loadConfig({ file });
  // The folder was found by these two, spelled one way or another.
  const { output_dir, run_name } = config;
  const list = describeChanges({ ...before, output_dir, run_name }, config);
  if (list.length === 0) return;
  throw new RunFolderError(
    `Cannot resume '${folder.path}' with another config: ${list.join("; ")}. ` +
      "Put them back, or start a new run without --resume.",
  );
}

/** Other problems would make another run of it. */
function refuseChangedData(folder: RunFolder, { fingerprint }: DataSummary): void {
  const file = folder.join("data.json");
  let before: unknown;
  try {
    before = JSON.parse(Deno.readTextFileSync(file)).fingerprint;
  } catch (error) {
    throw new RunFolderError(
      `Cannot resume: '${file}' cannot be read (${(error as Error).message})`,
    );
  }
  if (before === fingerprint) return;
  throw new RunFolderError(
    `Cannot resume '${folder.path}': its data set has changed since it began. ` +
      "Put the files back, or start a new run without --resume.",
  );
}

/** The next step's first prompt with its guidance, so that a wrong template is seen before it costs a night. */
function promptExample({ config, set, tokenizer }: Parts, state: TrainState): PromptExample {
  const step = state.phase === "rl" ? Math.min(state.step, set.maxSteps - 1) : 0;
  const [problem] = set.problems(step);
  const length = config.guidance.ratio === 0 ? 0 : Math.round(state.controller.length);
  const given = problem.traceIds.slice(0, length);
  return {
    prompt: tokenizer.decode(problem.promptIds),
    guidance: tokenizer.decode(given),
    given: given.length,
    trace: problem.traceIds.length,
    answer: problem.answer,
  };
}

function readEvals(folder: RunFolder): EvalRecord[] {
  return readJsonLines(folder.join("eval.jsonl"));
}

/**
 * What a step used of the sandbox; nothing where none was started. How many programs were run is no figure of the run
 * itself: what was scored before, and is remembered, is not run again, and after a resume nothing is remembered.
 */
function usageMetrics(before: SandboxUsage | null, after: SandboxUsage | null): Metrics {
  if (after === null) return {};
  return {
    "perf/sandbox_programs": after.programs - (before?.programs ?? 0),
    "perf/sandbox_failures": after.failures - (before?.failures ?? 0),
    "time/sandbox": after.seconds - (before?.seconds ?? 0),
  };
}

/** Walks a run's state to its end. */
class Loop {
  constructor(
    readonly config: Config,
    readonly folder: RunFolder,
    readonly parts: Parts,
    readonly state: TrainState,
    readonly reporter: Reporter,
    readonly interrupt: Interrupt | null,
    readonly sandboxUsage: () => SandboxUsage | null,
  ) {}

  async run(sftOnly: boolean): Promise<"finished" | "interrupted"> {
    const { config, state } = this;
    if (state.phase === "sft" && !await this.warmStart()) return "interrupted";
    if (sftOnly) return await this.finish();
    if (state.step === 0 || state.phase === "sft") await this.enterReinforcement();
    await this.prepareReference();
    while (state.step < config.max_steps) {
      const used = this.sandboxUsage();
      const record = await trainStep(state, this.parts);
      const metrics = { ...record.metrics, ...usageMetrics(used, this.sandboxUsage()) };
      state.step++;
      this.log("metrics.jsonl", state.step, metrics);
      if (config.completions_steps > 0 && state.step % config.completions_steps === 0) {
        const text = record.completions.map((line) => jsonLine({ ...line })).join("");
        this.folder.writeWhole(`completions/${stepName(state.step)}.jsonl`, text);
      }
      this.reporter.step?.(state.step, config.max_steps, metrics);
      await eventLoop();
      this.checkSkipped("step", record.metrics.loss, record.metrics.grad_norm);
      const last = state.step === config.max_steps;
      const { steps } = config.eval;
      if (last || (steps > 0 && state.step % steps === 0)) await this.evaluate();
      if (last) break;
      if (await this.saveIfDue(config.save_steps)) return "interrupted";
    }
    return await this.finish();
  }

  /** The warm start; false if it was interrupted. */
  async warmStart(): Promise<boolean> {
    const { config: { sft }, state, parts } = this;
    while (state.step < sft.steps) {
      const metrics = sftStep(state, parts);
      state.step++;
      this.log("sft.jsonl", state.step, metrics);
      this.reporter.sftStep?.(state.step, sft.steps, metrics);
      this.checkSkipped("warm-start step", metrics.loss, metrics.grad_norm);
      const due = state.step === sft.steps ? 1 : sft.save_steps;
      if (await this.saveIfDue(due)) return false;
      await eventLoop();
    }
    return true;
  }

  /** From the warm start to reinforcement learning: a fresh optimizer, and the model evaluated as it is. */
  async enterReinforcement(): Promise<void> {
    if (this.state.phase === "sft") this.parts.renewOptimizer();
    Object.assign(this.state, this.parts.initialState("rl"));
    await this.evaluate();
  }

  /**
   * π_ref is the policy at the start of reinforcement learning, kept in the run's folder for a resume; of LoRA adapters
   * it is the model without them.
   */
  async prepareReference(): Promise<void> {
    const { config, folder, parts, state } = this;
    if (config.beta === 0) return;
    if (parts.policy.adapters !== null) {
      parts.setReference(parts.policy.withoutAdapters());
      return;
    }
    const path = folder.join("reference");
    if (state.step === 0) {
      const temporary = folder.join("checkpoints", ".reference.tmp");
      const { eosTokenId, padTokenId } = parts.tokenizer;
      try {
        removeIfThere(temporary);
        removeIfThere(path);
        Deno.mkdirSync(temporary);
        saveModel(parts.policy, temporary, { eosTokenId, padTokenId });
        Deno.renameSync(temporary, path);
      } catch (error) {
        throw new RunFolderError(
          `Cannot save the reference model '${path}': ${(error as Error).message}. ` +
            "Make room and go on with --resume.",
        );
      }
    }
    const options = { device: parts.device, dtype: parts.policy.dtype, trainable: false };
    parts.setReference(await loadModel(path, options));
  }

  log(file: "sft.jsonl" | "metrics.jsonl", step: number, metrics: Record<string, unknown>): void {
    this.folder.append(file, { step, ...metrics });
  }

  checkSkipped(what: string, loss: number | null, norm: number | null): void {
    const { state: { phase, skipped, step }, config: { max_skipped_steps: limit } } = this;
    if (skipped === 0) return;
    this.reporter.warn?.(
      `${what} ${step} was skipped: its loss is ${loss}, the norm of its gradient ${norm} (${skipped} in a row)`,
    );
    if (skipped < limit) return;
    const prefix = phase === "sft" ? "sft." : "", last = listCheckpoints(this.folder).at(-1);
    throw new DivergedError(
      `Cannot go on: ${skipped} steps in a row had a loss or gradient that is no finite number (max_skipped_steps). ` +
        `Start a new run with a lower ${prefix}learning_rate or ${prefix}max_grad_norm` +
        (phase === "sft" || last === undefined
          ? "."
          : `, from --model.path=${this.folder.join("checkpoints", last)} --sft.steps=0.`),
    );
  }

  /** Saves when the step asks for it or a stop was requested; true if the run is to end here. */
  async saveIfDue(every: number): Promise<boolean> {
    const stop = this.interrupt?.requested ?? false;
    // A skipped step may be the first of a model that is ruined: the checkpoint before it is the one to keep.
    const sound = this.state.skipped === 0;
    if (sound && (stop || (every > 0 && this.state.step % every === 0))) await this.save(false);
    return stop;
  }

  async save(final: boolean): Promise<void> {
    const { policy: model, base, tokenizer, optimizer } = this.parts;
    const folder = await saveCheckpoint(
      this.folder,
      { model, base, tokenizer, optimizer, state: this.state },
      { final, keep: this.config.save_total_limit },
    );
    this.reporter.saved?.(folder);
  }

  async finish(): Promise<"finished"> {
    await this.save(true);
    return "finished";
  }

  async evaluate(): Promise<void> {
    const { config, parts, state, reporter } = this;
    const lines: string[] = [];
    for (const [index, { name, problems }] of parts.set.benchmarks.entries()) {
      // The first one's draws do not depend on how many follow it.
      const purpose = index === 0 ? "evaluation" : `evaluation ${index}`;
      manualSeed(stepSeed(config.seed, purpose, state.step));
      const { accuracy, n, stderr, ungraded, meanLength, completions, scores } = await evaluate({
        model: parts.policy,
        tokenizer: parts.tokenizer,
        problems,
        reward: parts.judge,
        promptOpensThink: parts.opensThink,
        batchSize: config.eval.batch_size,
        generation: {
          temperature: config.eval.temperature,
          topP: config.eval.top_p,
          topK: config.eval.top_k,
          maxCompletionLength: config.eval.max_completion_length ?? config.max_completion_length,
          maxLength: config.max_length ?? parts.policy.maxPositions,
          stopIds: parts.stopIds,
        },
        onProgress: (done, total) => reporter.evaluating?.(done, total),
      });
      for (const [i, { id, prompt, answer }] of problems.entries()) {
        const line: HeldOutRecord = {
          benchmark: name,
          problem: id,
          prompt,
          answer,
          completion: completions[i],
          score: scores[i],
        };
        lines.push(jsonLine({ ...line }));
      }
      const record = { step: state.step, benchmark: name, accuracy, n, stderr };
      this.folder.append("eval.jsonl", { ...record, ungraded, mean_length: meanLength });
      reporter.evaluated?.(record);
    }
    this.folder.writeWhole(`completions/${evalName(state.step)}.jsonl`, lines.join(""));
  }
}
