/** The folder of a run: its files, and how they are cut back to a checkpoint. */
import { join } from "node:path";

/** A run's folder cannot be made, or what is in it cannot be used. */
export class RunFolderError extends Error {
  /** Name of the class. */
  override name: string = "RunFolderError";
}

/** Files that grow a line at a time; a checkpoint notes their lengths. */
const logs = ["sft.jsonl", "metrics.jsonl", "eval.jsonl"] as const;

/** Name of a {@linkcode logs} file. */
export type LogFile = typeof logs[number];

/** JSON has no NaN and no infinity: they become null. */
export function jsonLine(value: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(
    value,
    (_, v) => typeof v === "number" && !Number.isFinite(v) ? null : v,
  ) + "\n";
}

/** Writes a file beside its place and renames it, so that it is there whole or not at all. */
export function writeWhole(path: string, text: string): void {
  Deno.writeTextFileSync(`${path}.tmp`, text);
  Deno.renameSync(`${path}.tmp`, path);
}

/** The lines of a log; none if the file is not there. A line that is no JSON is an error that names it. */
export function readJsonLines<T>(file: string): T[] {
  let text: string;
  try {
    text = Deno.readTextFileSync(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  return text.split("\n").filter((line) => line !== "").map((line, i) => {
    try {
      return JSON.parse(line);
    } catch (error) {
      throw new Error(`Cannot read line ${i + 1} of '${file}': ${(error as Error).message}`);
    }
  });
}

/** The folder of one run. */
export class RunFolder {
  /** A folder that exists. */
  constructor(readonly path: string) {}

  /** Makes `output_dir/run_name`, or with -2, -3, … behind it: a run that is there is never overwritten. */
  static create(outputDir: string, runName: string): RunFolder {
    try {
      Deno.mkdirSync(outputDir, { recursive: true });
    } catch (error) {
      throw new RunFolderError(
        `Cannot make the folder '${outputDir}' (output_dir) for runs: ${(error as Error).message}`,
      );
    }
    for (let n = 1;; n++) {
      const path = join(outputDir, n === 1 ? runName : `${runName}-${n}`);
      try {
        Deno.mkdirSync(path);
      } catch (error) {
        if (error instanceof Deno.errors.AlreadyExists) continue;
        throw new RunFolderError(
          `Cannot make the run folder '${path}': ${(error as Error).message}`,
        );
      }
      const folder = new RunFolder(path);
      Deno.mkdirSync(folder.join("checkpoints"));
      Deno.mkdirSync(folder.join("completions"));
      return folder;
    }
  }

  /** The newest folder of this name, or null: what `--resume` continues. */
  static newest(outputDir: string, runName: string): RunFolder | null {
    let best = 0;
    try {
      for (const { name, isDirectory } of Deno.readDirSync(outputDir)) {
        if (!isDirectory) continue;
        if (name === runName) best = Math.max(best, 1);
        else if (
          name.startsWith(`${runName}-`) && /^[1-9]\d*$/.test(name.slice(runName.length + 1))
        ) {
          best = Math.max(best, Number(name.slice(runName.length + 1)));
        }
      }
    } catch (error) {
      if (error instanceof Deno.errors.NotADirectory) {
        throw new RunFolderError(`Cannot resume: '${outputDir}' (output_dir) is no folder`);
      }
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    if (best === 0) return null;
    return new RunFolder(join(outputDir, best === 1 ? runName : `${runName}-${best}`));
  }

  /** A path below the folder. */
  join(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  /** Appends a line to a log. */
  append(file: LogFile, value: Readonly<Record<string, unknown>>): void {
    this.#write(
      file,
      () => Deno.writeTextFileSync(this.join(file), jsonLine(value), { append: true }),
    );
  }

  /** Lengths of the logs in bytes, 0 for those that are not there. */
  logLengths(): Record<LogFile, number> {
    const lengths = {} as Record<LogFile, number>;
    for (const file of logs) {
      try {
        lengths[file] = Deno.statSync(this.join(file)).size;
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
        lengths[file] = 0;
      }
    }
    return lengths;
  }

  /** Cuts the logs back to given lengths and drops completions of later steps. */
  cutBack(lengths: Readonly<Record<LogFile, number>>, step: number): void {
    const now = this.logLengths();
    for (const file of logs) {
      if (now[file] < lengths[file]) {
        throw new RunFolderError(
          `Cannot resume '${this.path}': ${file} has ${now[file]} bytes, ` +
            `the checkpoint was made with ${lengths[file]}; it was changed since`,
        );
      }
      if (now[file] > lengths[file]) Deno.truncateSync(this.join(file), lengths[file]);
    }
    const completions = this.join("completions");
    Deno.mkdirSync(completions, { recursive: true });
    Deno.mkdirSync(this.join("checkpoints"), { recursive: true });
    // What a kill left of a checkpoint that was being made.
    for (const { name } of Deno.readDirSync(this.join("checkpoints"))) {
      if (name.endsWith(".tmp")) {
        Deno.removeSync(this.join("checkpoints", name), { recursive: true });
      }
    }
    for (const { name } of Deno.readDirSync(completions)) {
      const [, of, half] = /^(?:step|eval)-(\d+)\.jsonl(\.tmp)?$/.exec(name) ?? [];
      if (Number(of) > step || half !== undefined) Deno.removeSync(join(completions, name));
    }
  }

  /** Writes a file beside its place and renames it. */
  writeWhole(name: string, text: string): void {
    this.#write(name, () => writeWhole(this.join(name), text));
  }

  #write(name: string, write: () => void): void {
    try {
      write();
    } catch (error) {
      throw new RunFolderError(
        `Cannot write '${this.join(name)}': ${(error as Error).message}. ` +
          "The run's checkpoints are whole: mend that and go on with --resume.",
      );
    }
  }

  /**
   * Claims the folder for this process until disposed, or until the process ends in any way.
   *
   * @throws {RunFolderError} when another process has it.
   */
  lock(): Disposable {
    const file = Deno.openSync(this.join(".lock"), { write: true, create: true });
    if (file.tryLockSync(true)) return file;
    file.close();
    throw new RunFolderError(
      `Cannot train in '${this.path}': another process is training there. Wait for it, or stop it.`,
    );
  }
}

/** `step-000100` */
export function stepName(step: number): string {
  return `step-${String(step).padStart(6, "0")}`;
}

/** `eval-000100` */
export function evalName(step: number): string {
  return stepName(step).replace("step", "eval");
}
