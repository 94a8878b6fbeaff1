/**
 * What a sweep will run: a sweep file read, and from it every run's config, checked before anything starts.
 *
 * @module
 */

import { basename, dirname, join, normalize, resolve } from "node:path";
import { suggest } from "../std/text.ts";
import { parse, stringify } from "../std/yaml.ts";
import {
  type Config,
  configDefaults,
  ConfigError,
  describeChanges,
  loadConfig,
  mergeOverrides,
  parseConfig,
} from "../training/config.ts";
import { check } from "../training/config_schema.ts";
import { type SweepFile, sweepKeys, sweepSchema } from "./sweep_schema.ts";
import { isRecord } from "../std/record.ts";

/** A sweep cannot be used; lists all that is wrong with it. */
export class SweepError extends Error {
  override name = "SweepError";
  /** Exit code of a process that ends by it. */
  readonly exitCode: number = 2;

  /** An error with the list of problems. */
  constructor(readonly title: string, readonly problems: readonly string[]) {
    super(
      problems.length === 1
        ? `${title}: ${problems[0]}`
        : `${title}:${problems.map((problem) => `\n  - ${problem}`).join("")}`,
    );
  }
}

type Mapping = Readonly<Record<string, unknown>>;

/** A sweep file with its base read: nothing in it depends on another file. */
export interface Sweep extends Required<Omit<SweepFile, "base" | "arms">> {
  /** The config that all runs start from. */
  readonly base: Mapping;
  /** Keys laid over it, by arm. */
  readonly arms: Readonly<Record<string, Mapping>>;
}

/** One way of training: a method with one value of each axis. */
export interface Arm {
  /** Begins the names of its runs. */
  readonly name: string;
  /** The value of each axis, by key. */
  readonly axes: Mapping;
}

/** One process of a sweep. */
export interface PlannedRun {
  /** Also the name of its folder, below the sweep's. */
  readonly name: string;
  /** What it belongs to; null for a warm start, which is shared. */
  readonly arm: Arm | null;
  /** The seed of its config. */
  readonly seed: number;
  /** Its whole config. */
  readonly config: Config;
  /** Ends after the warm start. */
  readonly sftOnly: boolean;
  /** Name of the warm start it begins from, if that is shared. */
  readonly after: string | null;
}

/** All that a sweep will do. */
export interface SweepPlan {
  /** The sweep behind it. */
  readonly sweep: Sweep;
  /** Its folder. */
  readonly folder: string;
  /** In the order of the file. */
  readonly arms: readonly Arm[];
  /** Every run, in the order in which they are started; a warm start stands before its runs. */
  readonly runs: readonly PlannedRun[];
}

const warmStartName = "warm-start";
/** Keys that a sweep gives each run itself. */
const ownKeys = ["run_name", "output_dir", "seed"];

/**
 * Reads a sweep file and the config it starts from.
 *
 * @throws {SweepError} Lists what is wrong with the file.
 */
export async function loadSweep(file: string): Promise<Sweep> {
  const title = `Cannot use sweep '${file}'`;
  const value = await readMapping(file, title, "a sweep must be a mapping with 'base' and 'arms'");
  const result = check(sweepSchema, value);
  if ("problems" in result) {
    throw new SweepError(
      title,
      result.problems.flatMap(({ path, unknownKeys, requirement }) =>
        unknownKeys?.map(unknownKey) ?? [describe(value, path, requirement)]
      ),
    );
  }
  const { base, arms, ...rest } = result.output;
  const given = typeof base === "string"
    ? await readMapping(resolve(dirname(file), base), `${title}, base`, "must be a mapping of keys")
    : mergeOverrides({}, base);
  const sweep = {
    ...rest,
    name: rest.name ?? basename(file).replace(/\.ya?ml$/, ""),
    base: given,
    arms: Object.fromEntries(Object.entries(arms).map(([name, keys]) => [name, keys ?? {}])),
    seeds: rest.seeds ??
      [Number.isInteger(given.seed) ? given.seed as number : configDefaults.seed],
  };
  const problems = contradictions(sweep);
  if (problems.length > 0) throw new SweepError(title, problems);
  return sweep;
}

async function readMapping(file: string, title: string, otherwise: string): Promise<Mapping> {
  let value: unknown;
  try {
    value = parse(await Deno.readTextFile(file));
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound
      ? `there is no file '${file}'; configs/sweeps has some to start from`
      : (error as Error).message;
    throw new SweepError(title, [reason]);
  }
  if (isRecord(value)) return value;
  throw new SweepError(title, [`${otherwise}: current value is ${JSON.stringify(value)}`]);
}

function unknownKey(key: string): string {
  const near = suggest(key, sweepKeys);
  return `unknown key '${key}'` +
    (near === undefined ? `; known are ${sweepKeys.join(", ")}` : `: did you mean '${near}'?`);
}

function describe(value: unknown, path: readonly (string | number)[], requirement: string): string {
  const current = path.reduce<unknown>(
    (inner, key) => (inner as Mapping | undefined)?.[key],
    value,
  );
  const shown = current === undefined ? "missing" : JSON.stringify(current);
  return `'${path.join(".")}' ${requirement}: current value is ${shown}`;
}

/** Dotted keys of a mapping that may be nested, dotted, or both. */
function keysOf(value: Mapping, prefix = ""): string[] {
  return Object.entries(value).flatMap(([key, inner]) =>
    isRecord(inner) ? keysOf(inner, `${prefix}${key}.`) : [`${prefix}${key}`]
  );
}

function contradictions({ overrides, arms, axes, seeds }: Sweep): string[] {
  const problems: string[] = [];
  const places: [string, string[]][] = [
    ["overrides", keysOf(overrides)],
    ...Object.entries(arms).map(([name, keys]): [string, string[]] => [
      `arms.${name}`,
      keysOf(keys),
    ]),
    ["axes", Object.keys(axes)],
  ];
  for (const [place, keys] of places) {
    for (const key of keys.filter((key) => ownKeys.includes(key))) {
      const cure = key === "seed" ? "list seeds under 'seeds'" : "the sweep names its runs itself";
      problems.push(`'${place}' must not set '${key}': ${cure}`);
    }
  }
  for (const [name, keys] of Object.entries(arms)) {
    for (const key of keysOf(keys).filter((key) => key in axes)) {
      problems.push(`'${key}' must be set by 'arms.${name}' or by 'axes', not by both`);
    }
    if (name === warmStartName) {
      problems.push(`no arm must be named '${name}': shared warm starts are named so`);
    }
  }
  for (const [key, values] of Object.entries(axes)) {
    if (new Set(values.map((value) => JSON.stringify(value))).size < values.length) {
      problems.push(`'axes.${key}' must have each value once: ${JSON.stringify(values)}`);
    }
  }
  if (new Set(seeds).size < seeds.length) {
    problems.push(`'seeds' must have each seed once: current value is ${JSON.stringify(seeds)}`);
  }
  return problems;
}

/**
 * Makes the config of every run.
 *
 * @param folder The sweep's folder.
 * @throws {SweepError} Lists everything that is wrong with any of the configs.
 */
export function planSweep(sweep: Sweep, folder: string): SweepPlan {
  const place = normalize(folder).replace(/(?<=.)\/$/, "");
  const problems = new Map<string, string[]>();
  const arms: Arm[] = [], runs: PlannedRun[] = [];
  const perSeed = sweep.seeds.map((): PlannedRun[] => []);
  const common = mergeOverrides(sweep.base, sweep.overrides);
  const warmStarts = new WarmStarts(place);
  for (const { arm, keys } of crossed(sweep)) {
    arms.push(arm);
    try {
      sweep.seeds.forEach((seed, i) => {
        const name = `${arm.name}-seed-${seed}`;
        const own = { seed, run_name: name, output_dir: place };
        const config = parseConfig({ ...mergeOverrides(common, keys), ...own });
        const shared = sweep.share_warm_start && config.sft.steps > 0;
        perSeed[i].push(
          shared
            ? warmStarts.share({ name, arm, seed, config })
            : { name, arm, seed, config, sftOnly: false, after: null },
        );
      });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const problem of error.problems) {
        problems.set(problem, [...problems.get(problem) ?? [], arm.name]);
      }
    }
  }
  if (problems.size > 0) {
    const list = [...problems].map(([problem, names]) =>
      names.length === arms.length && arms.length > 1
        ? `all arms: ${problem}`
        : `arm ${names.map((name) => `'${name}'`).join(", ")}: ${problem}`
    );
    throw new SweepError(`Cannot use sweep '${sweep.name}'`, list);
  }
  // A seed after the other, so that the table compares all arms as early as it can.
  for (const [i, seed] of sweep.seeds.entries()) {
    runs.push(...warmStarts.ofSeed(seed), ...perSeed[i]);
  }
  const names = runs.map((run) => run.name);
  const twice = names.filter((name, i) => names.indexOf(name) < i);
  if (twice.length > 0) {
    throw new SweepError(`Cannot use sweep '${sweep.name}'`, [
      `more than one run would be named ${
        twice.map((name) => `'${name}'`).join(", ")
      }: rename an arm`,
    ]);
  }
  return { sweep, folder: place, arms, runs };
}

/** Every arm with every combination of the axes. */
function crossed({ arms, axes }: Sweep): { arm: Arm; keys: Mapping }[] {
  const points = Object.entries(axes).reduce<Mapping[]>(
    (all, [key, values]) =>
      all.flatMap((point) => values.map((value) => ({ ...point, [key]: value }))),
    [{}],
  );
  const names = Object.keys(arms);
  return (names.length > 0 ? names : [null]).flatMap((name) =>
    points.map((axes) => {
      const parts = Object.entries(axes).map(([key, value]) => `${key}-${slug(value)}`);
      const whole = [...(name === null ? [] : [name]), ...parts].join("_") || "base";
      return {
        arm: { name: whole, axes },
        keys: mergeOverrides(name === null ? {} : arms[name], axes),
      };
    })
  );
}

/** A value as a part of a folder's name. */
function slug(value: unknown): string {
  if (typeof value === "number") return String(value);
  const text = typeof value === "string" ? value : JSON.stringify(value) ?? "null";
  return text.replaceAll(/[^A-Za-z0-9.]+/g, "-").replaceAll(/^-|-$/g, "");
}

/** The warm starts of a sweep: one for each seed and each way of making it. */
class WarmStarts {
  readonly #runs: PlannedRun[] = [];
  readonly #variants: string[] = [];

  constructor(readonly folder: string) {}

  /** The run with its warm start taken out of it and made beforehand. */
  share(run: { name: string; arm: Arm; seed: number; config: Config }): PlannedRun {
    const { config, seed } = run;
    const { model, data: { task }, sft, threads, device, max_skipped_steps } = config;
    // All that a warm start's weights follow from, beside the seed.
    const relevant = { model, data: { task }, sft, threads, device, max_skipped_steps };
    const key = JSON.stringify(relevant);
    if (!this.#variants.includes(key)) this.#variants.push(key);
    const variant = this.#variants.indexOf(key) + 1;
    const name = `${warmStartName}${variant === 1 ? "" : `-${variant}`}-seed-${seed}`;
    if (!this.#runs.some((other) => other.name === name)) {
      const own = { seed, run_name: name, output_dir: this.folder };
      const warm = parseConfig({ ...relevant, ...own });
      this.#runs.push({ name, arm: null, seed, config: warm, sftOnly: true, after: null });
    }
    const path = join(this.folder, name, "final");
    return {
      ...run,
      config: { ...config, model: { ...model, preset: null, path }, sft: { ...sft, steps: 0 } },
      sftOnly: false,
      after: name,
    };
  }

  ofSeed(seed: number): PlannedRun[] {
    return this.#runs.filter((run) => run.seed === seed);
  }
}

/** The sweep as a file that needs no other one. */
export function stringifySweep(sweep: Sweep): string {
  const { name, base, overrides, arms, axes, seeds, share_warm_start } = sweep;
  return stringify({ name, base, overrides, arms, axes, seeds, share_warm_start });
}

/**
 * Makes sure that what is in the sweep's folder was made with the same configs.
 *
 * @throws {SweepError} Names every run whose config has changed, with the keys.
 */
export async function refuseChangedRuns({ sweep, folder, runs }: SweepPlan): Promise<void> {
  const problems: string[] = [];
  for (const { name, config } of runs) {
    const file = join(folder, name, "config.yaml");
    if (!exists(file)) continue;
    const before = await loadConfig({ file });
    const changed = describeChanges(before, config);
    if (changed.length > 0) problems.push(`${name}: ${changed.join("; ")}`);
  }
  if (problems.length === 0) return;
  throw new SweepError(
    `Cannot go on with sweep '${sweep.name}' in '${folder}', as it has changed since (put it back, ` +
      "or use another folder with --output)",
    problems,
  );
}

/** Whether there is a file or folder of this name. */
export function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
