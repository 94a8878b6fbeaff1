/**
 * Checkpoints: a folder in Hugging Face's format with the training state beside it, made under another name and
 * renamed, so that a kill at any moment leaves the last one whole.
 */
import { join } from "node:path";
import {
  type Controller,
  type ControllerState,
  parseControllerState,
} from "../guidance/controller.ts";
import { saveModel } from "../models/checkpoint.ts";
import { type CausalLM } from "../models/model.ts";
import { saveAdapters } from "../models/peft.ts";
import { SafetensorsFile, writeSafetensors } from "../tensor/safetensors.ts";
import { scope } from "../tensor/tensor.ts";
import { type Tokenizer } from "../tokenizer/tokenizer.ts";
import { type AdamW } from "./optimizer.ts";
import { type LogFile, type RunFolder, RunFolderError, stepName } from "./run_folder.ts";

/** Which part of a run is under way: the warm start or reinforcement learning. */
export type Phase = "sft" | "rl";

/**
 * Everything a resume needs beside weights and optimizer. Problems and random numbers are functions of the seed and the
 * step, so the step is their state.
 */
export interface TrainState {
  /** The part of the run. */
  phase: Phase;
  /** Steps done in this part, k. */
  step: number;
  /** ℓ and the rewards it follows. */
  controller: ControllerState;
  /** Steps in a row that were skipped for a loss or gradient that is no finite number. */
  skipped: number;
  /** Optimizer steps of the RL part that were left out since no group was live. */
  idle: number;
  /** Tokens (prompts and completions) seen by this part so far. */
  tokens: number;
}

/** The state at the start of a part of a run. */
export function initialState(phase: Phase, controller: Controller): TrainState {
  return { phase, step: 0, controller: controller.initial(), skipped: 0, idle: 0, tokens: 0 };
}

interface StateFile extends TrainState {
  readonly format: 1;
  readonly logs: Record<LogFile, number>;
}

/** What a checkpoint holds. */
export interface CheckpointParts {
  /** Weights and config. */
  readonly model: CausalLM;
  /** Folder of the model that LoRA adapters belong to; null where the weights themselves are trained. */
  readonly base: string | null;
  /** Written beside the weights. */
  readonly tokenizer: Tokenizer;
  /** Moments of AdamW. */
  readonly optimizer: AdamW;
  /** Where training stands. */
  readonly state: TrainState;
}

const pattern = /^(sft|step)-(\d+)$/;

/** Folder name of a state's checkpoint: `sft-000700`, `step-000100`. */
function checkpointName({ phase, step }: TrainState): string {
  return phase === "sft" ? stepName(step).replace("step", "sft") : stepName(step);
}

/** Names of a run's checkpoints, oldest first. */
export function listCheckpoints(folder: RunFolder): string[] {
  const key = (name: string): [number, number] => {
    const [, part, step] = pattern.exec(name)!;
    return [part === "sft" ? 0 : 1, Number(step)];
  };
  try {
    return [...Deno.readDirSync(folder.join("checkpoints"))]
      .map(({ name }) => name).filter((name) => pattern.test(name))
      .sort((a, b) => key(a)[0] - key(b)[0] || key(a)[1] - key(b)[1]);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return [];
    }
    throw error;
  }
}

/**
 * Saves a checkpoint as `checkpoints/<name>`, or as `final`, and drops the oldest beyond `keep`.
 *
 * @throws {RunFolderError} when it cannot be written (a full disk, say); earlier checkpoints stay.
 */
export async function saveCheckpoint(
  folder: RunFolder,
  parts: CheckpointParts,
  options: { final?: boolean; keep: number | null },
): Promise<string> {
  const name = options.final ? "final" : checkpointName(parts.state);
  const target = options.final ? folder.join("final") : folder.join("checkpoints", name);
  const temporary = folder.join("checkpoints", `.${name}.tmp`);
  try {
    removeIfThere(temporary);
    Deno.mkdirSync(temporary);
    const { eosTokenId, padTokenId } = parts.tokenizer;
    const { adapters } = parts.model;
    // With LoRA only the adapters: the model they belong to does not change.
    if (adapters !== null) saveAdapters(adapters, temporary, parts.base);
    else saveModel(parts.model, temporary, { eosTokenId, padTokenId });
    await parts.tokenizer.save(temporary);
    writeSafetensors(join(temporary, "optimizer.safetensors"), parts.optimizer.stateTensors());
    const state: StateFile = { format: 1, ...parts.state, logs: folder.logLengths() };
    Deno.writeTextFileSync(join(temporary, "training_state.json"), JSON.stringify(state, null, 2));
    // A checkpoint of the same step can only be one that a resumed run made again, with the same bits.
    removeIfThere(target);
    Deno.renameSync(temporary, target);
  } catch (error) {
    try {
      removeIfThere(temporary);
    } catch {
      // The first error is the one to tell.
    }
    const last = listCheckpoints(folder).at(-1);
    throw new RunFolderError(
      `Cannot save '${target}': ${(error as Error).message}. ` +
        (last === undefined
          ? "There is no earlier checkpoint."
          : `The checkpoint '${last}' is whole: make room and go on with --resume.`),
    );
  }
  if (options.keep !== null) {
    for (const old of listCheckpoints(folder).slice(0, -options.keep)) {
      Deno.removeSync(folder.join("checkpoints", old), { recursive: true });
    }
  }
  return target;
}

/** Removes a file or folder; that it is not there is no error. */
export function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function unusable(path: string, error: unknown): RunFolderError {
  return new RunFolderError(
    `Cannot resume from the checkpoint '${path}': ${(error as Error).message}. ` +
      "Remove that folder to go on from the one before it.",
  );
}

/** Reads the training state of a checkpoint, and the lengths its logs had. */
export function readTrainState(path: string): { state: TrainState; logs: Record<LogFile, number> } {
  const file = join(path, "training_state.json");
  try {
    const { format, logs, ...state } = JSON.parse(Deno.readTextFileSync(file)) as StateFile;
    if (format !== 1) throw new Error(`its format is ${format}, known is 1`);
    return { state: { ...state, controller: parseControllerState(state.controller) }, logs };
  } catch (error) {
    throw unusable(path, error);
  }
}

/** Puts a checkpoint's moments into an optimizer of the same parameters. */
export function loadOptimizer(path: string, optimizer: AdamW): void {
  scope(() => {
    try {
      using file = new SafetensorsFile(join(path, "optimizer.safetensors"));
      optimizer.loadState(new Map([...file.entries.keys()].map((name) => [name, file.get(name)])));
    } catch (error) {
      throw unusable(path, error);
    }
  });
}
