/** Completions that were written elsewhere, or by a run of ours, and the problems that they answer. */
import { asText, firstOf, lookUp, type Row } from "../data/columns.ts";
import { ID_COLUMNS } from "../data/presets/preset.ts";
import { bareName, findFiles } from "../data/readers/files.ts";
import { readRows } from "../data/readers/read.ts";
import { DataFileError, DEFAULT_LIMITS, kindOf } from "../data/readers/reader.ts";
import { type Problem } from "../data/types.ts";
import { type RewardSample } from "../rewards/reward.ts";

/** Which columns of a file of completions hold what; a dotted path reaches into nested values. */
export interface CompletionColumns {
  /** The problem's id. Default: `problem`, or what names a row in data sets, such as `id`. */
  readonly id?: string;
  /** A completion, or a list of them. Default: `completion`, or `completions`. */
  readonly completion?: string;
}

/** The completions of one problem. */
export interface CompletionGroup {
  /** The problem that they answer. */
  readonly problem: Problem;
  /** In the order of the file. */
  readonly samples: readonly RewardSample[];
}

/** Options of {@linkcode readCompletions}. */
export interface ReadCompletionsOptions {
  /** Columns that have other names. */
  readonly columns?: CompletionColumns;
  /** Token ids of a text, for completions that come without. Default: none. */
  readonly encode?: (text: string) => number[];
}

/**
 * Reads completions, a row for each or for each problem with all of its own, and groups them by problem. A row may have
 * `completion_ids`, its token ids (a list of lists for a list of completions), and `given`, how many of them were
 * guidance.
 *
 * @param name Name of the source of the problems, which their ids begin with and a row's need not.
 * @throws {DataFileError} Names the line of the first row that cannot be used.
 */
export async function readCompletions(
  path: string,
  problems: readonly Problem[],
  name: string,
  options: ReadCompletionsOptions = {},
): Promise<CompletionGroup[]> {
  const byId = new Map(problems.map((problem) => [problem.id, problem]));
  const groups = new Map<Problem, RewardSample[]>();
  const { files } = await findFiles(path);
  for (const file of files) {
    for await (const result of readRows(file.path, file.name, DEFAULT_LIMITS)) {
      const fail = (reason: string): never => {
        throw new DataFileError(file.name, `its line ${result.line} cannot be graded: ${reason}`);
      };
      if ("reason" in result) return fail(result.reason);
      const { row } = result;
      const id = idOf(row, options.columns?.id) ?? fail(noId(row, options.columns?.id));
      const problem = byId.get(id) ?? byId.get(`${name}/${id}`) ??
        fail(`no problem of the data has the id '${id}'; they look like '${problems[0].id}'`);
      const samples = samplesOf(row, problem, options);
      if (typeof samples === "string") return fail(samples);
      if (samples.length > 0) groups.set(problem, [...groups.get(problem) ?? [], ...samples]);
    }
  }
  if (groups.size === 0) throw new DataFileError(bareName(path), "it has no completions");
  return [...groups].map(([problem, samples]) => ({ problem, samples }));
}

function idOf(row: Row, column: string | undefined): string | null {
  return asText(
    column === undefined ? firstOf(row, ["problem", ...ID_COLUMNS]) : lookUp(row, column),
  );
}

function noId(row: Row, column = "problem' or 'id"): string {
  return `it has no '${column}' that names its problem; its columns are ${columnsOf(row)}`;
}

function columnsOf(row: Row): string {
  return Object.keys(row).slice(0, 20).join(", ");
}

/** The samples of a row, or why it has none. */
function samplesOf(
  row: Row,
  problem: Problem,
  { columns, encode }: ReadCompletionsOptions,
): RewardSample[] | string {
  const found = columns?.completion === undefined
    ? row.completion ?? row.completions
    : lookUp(row, columns.completion);
  const column = columns?.completion ?? "completion' or 'completions";
  if (found === undefined || found === null) {
    return `it has no '${column}'; its columns are ${columnsOf(row)}`;
  }
  const several = Array.isArray(found);
  const completions: unknown[] = several ? found : [found];
  const ids = several ? row.completion_ids ?? [] : [row.completion_ids];
  if (!Array.isArray(ids)) return `'completion_ids' must be a list: it is ${kindOf(ids)}`;
  const prompt = typeof row.prompt === "string" ? row.prompt : problem.prompt;
  const samples: RewardSample[] = [];
  for (const [i, completion] of completions.entries()) {
    if (typeof completion !== "string") {
      return `'${column}' must be a text or a list of texts: it is ${kindOf(completion)}`;
    }
    const completionIds = ids[i] ?? encode?.(completion) ?? [];
    if (!Array.isArray(completionIds) || !completionIds.every(Number.isSafeInteger)) {
      return "'completion_ids' must be whole numbers, a list for each completion";
    }
    const given = row.given ?? 0;
    if (!Number.isSafeInteger(given) || (given as number) < 0) {
      return `'given' must be a whole number of at least 0: it is ${JSON.stringify(given)}`;
    }
    samples.push({ prompt, completion, completionIds, given: given as number, problem });
  }
  return samples;
}
