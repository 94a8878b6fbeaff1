/** What the `rewards` and `sandbox` keys of a config mean for the rewards and sandboxes behind them. */
import { type WeightedSpec } from "../rewards/registry.ts";
import { type SandboxSpec } from "../sandbox/registry.ts";
import type { Config, ModuleRewardSettings, RewardsSettings, SandboxSettings } from "./config.ts";

/** The weight of each reward of a config by its name in metrics. */
export function rewardWeights(rewards: RewardsSettings): Map<string, number> {
  const { modules = [], ...named } = rewards;
  return new Map([
    ...Object.entries(named).filter(([, settings]) => settings !== undefined)
      .map(([name, settings]): [string, number] => [name, weightOf(settings)]),
    ...modules.map((settings): [string, number] => [moduleName(settings) ?? "", settings.weight]),
  ]);
}

/** The name of a reward of one's own: the given one or the file's; null where that is no name. */
export function moduleName(
  { name, path }: Pick<ModuleRewardSettings, "name" | "path">,
): string | null {
  return name ?? /(?:^|[/\\])([a-z][a-z0-9_]*)\.[cm]?[jt]s$/.exec(path)?.[1] ?? null;
}

function weightOf(settings: number | { readonly weight: number }): number {
  return typeof settings === "number" ? settings : settings.weight;
}

/** The rewards of a config with their weights. */
export function rewardSpecs(config: Config): WeightedSpec[] {
  const { modules = [], ...named } = config.rewards;
  const specs: WeightedSpec[] = [];
  for (const name of Object.keys(named) as (keyof typeof named)[]) {
    const settings = named[name];
    if (settings === undefined) continue;
    const options = typeof settings === "number" ? {} : settings;
    specs.push({ weight: weightOf(settings), spec: specOf(name, options, config) });
  }
  for (const settings of modules) {
    specs.push({
      weight: settings.weight,
      spec: {
        name: "module",
        path: settings.path,
        as: moduleName(settings)!,
        options: settings.options,
        timeoutMs: settings.timeout * 1000,
        processes: settings.processes,
        permissions: settings.permissions,
      },
    });
  }
  return specs;
}

/** Settings of every reward that has some; none is required, since a weight alone leaves all to the defaults. */
type Options = Partial<
  & Exclude<RewardsSettings["code_execution"], number | undefined>
  & Exclude<RewardsSettings["cosine"], number | undefined>
  & Exclude<RewardsSettings["repetition_penalty"], number | undefined>
  & Exclude<RewardsSettings["soft_overlong"], number | undefined>
>;

function specOf(
  name: Exclude<keyof RewardsSettings, "modules">,
  options: Options,
  config: Config,
): WeightedSpec["spec"] {
  const maxLength = options.max_length ?? config.max_completion_length;
  switch (name) {
    case "code_execution":
      return {
        name,
        allOrNothing: options.all_or_nothing,
        maxTests: options.max_tests ?? undefined,
        tolerance: options.tolerance ?? undefined,
        checker: options.checker ?? undefined,
      };
    case "length":
      return { name, of: options.of };
    case "cosine":
      return {
        name,
        of: options.of,
        maxLength,
        minValueWrong: options.min_value_wrong,
        maxValueWrong: options.max_value_wrong,
        minValueCorrect: options.min_value_correct,
        maxValueCorrect: options.max_value_correct,
      };
    case "repetition_penalty":
      return { name, ngramSize: options.ngram_size, maxPenalty: options.max_penalty };
    case "soft_overlong":
      return { name, maxLength, cache: options.cache ?? Math.ceil(maxLength / 5) };
    default:
      return { name };
  }
}

/** The sandbox of a config. */
export function sandboxSpec(settings: SandboxSettings): SandboxSpec {
  const common = {
    concurrency: settings.concurrency ?? undefined,
    limits: {
      timeoutMs: settings.timeout * 1000,
      memoryBytes: settings.memory_mb * 1024 * 1024,
      outputBytes: settings.output_kb * 1024,
    },
  };
  const { provider } = settings;
  switch (provider) {
    case "pyodide":
      return { ...common, provider, programsPerProcess: settings.programs_per_process };
    case "process":
      return { ...common, provider };
    case "e2b":
      return {
        ...common,
        provider,
        template: settings.template ?? undefined,
        domain: settings.domain ?? undefined,
        apiUrl: settings.api_url ?? undefined,
        sandboxUrl: settings.sandbox_url ?? undefined,
      };
  }
}
