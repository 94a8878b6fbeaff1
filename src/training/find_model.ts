/** Where the trained models are. */
import { basename, dirname, join, resolve } from "node:path";
import { isFile } from "../models/json_file.ts";
import { listCheckpoints } from "./checkpoint.ts";
import { RunFolder } from "./run_folder.ts";

/** No model where one was looked for. */
export class NoModelError extends Error {
  /** Name of the class. */
  override name: string = "NoModelError";
}

/** A whole model, or adapters that name theirs. */
function holdsModel(folder: string): boolean {
  return ["config.json", "adapter_config.json"].some((name) => isFile(join(folder, name)));
}

/** A run's final model, else its last checkpoint; undefined without either. */
function modelOfRun(run: string): string | undefined {
  const final = join(run, "final");
  if (holdsModel(final)) return final;
  const last = listCheckpoints(new RunFolder(run)).at(-1);
  return last === undefined ? undefined : join(run, "checkpoints", last);
}

/**
 * The model that a folder means: a model's own folder, or of a run's folder its final model, else its last checkpoint.
 *
 * @throws {NoModelError} Names the folder that has neither.
 */
export function resolveModel(folder: string): string {
  if (holdsModel(folder)) return folder;
  const model = modelOfRun(folder);
  if (model !== undefined) return model;
  throw new NoModelError(
    `Cannot find a model in '${folder}': it must be a model's folder with config.json and model.safetensors, ` +
      `one of LoRA adapters with adapter_config.json, or a run's folder with final/ or checkpoints/`,
  );
}

/**
 * The model that was trained last: the newest `final` of all runs, and only without any the newest checkpoint.
 *
 * @throws {NoModelError} when there is no trained model.
 */
export function newestModel(outputDir: string = "runs"): string {
  let runs: string[] = [];
  try {
    runs = [...Deno.readDirSync(outputDir)].filter(({ isDirectory }) => isDirectory)
      .map(({ name }) => join(outputDir, name));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const models = runs.map(modelOfRun).filter((model) => model !== undefined).map((path) => ({
    path,
    final: path.endsWith("final") ? 1 : 0,
    time: Deno.statSync(path).mtime?.getTime() ?? 0,
  }));
  models.sort((a, b) => b.final - a.final || b.time - a.time);
  if (models.length > 0) return models[0].path;
  throw new NoModelError(
    `Cannot find a trained model in '${outputDir}': run deno task train first, or name a model's folder`,
  );
}

/** The config.yaml of the run in which a model's folder lies; undefined if it lies in none. */
export function runConfigOf(model: string): string | undefined {
  const folder = resolve(model);
  const run = basename(folder) === "final"
    ? dirname(folder)
    : basename(dirname(folder)) === "checkpoints"
    ? dirname(dirname(folder))
    : undefined;
  if (run === undefined) return undefined;
  const file = join(run, "config.yaml");
  return isFile(file) ? file : undefined;
}
