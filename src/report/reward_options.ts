/** The flags with which commands say what completions are scored by and where programs are run. */
import { REWARD_NAMES } from "../rewards/registry.ts";
import { RewardSet } from "../rewards/reward_set.ts";
import { SANDBOX_PROVIDERS, type SandboxSpec } from "../sandbox/registry.ts";
import { type CommandOption, UsageError } from "../std/help.ts";
import { type OptionTexts } from "../std/option_values.ts";
import { suggest } from "../std/text.ts";
import { type Config, parseConfig } from "../training/config.ts";
import { rewardSpecs, sandboxSpec } from "../training/reward_settings.ts";

/** The flag of the sandbox. */
export function sandboxOption(byDefault: string = "pyodide"): CommandOption {
  const names = SANDBOX_PROVIDERS.join(", ");
  return {
    name: "sandbox",
    value: "PROVIDER",
    description: `Where programs are run: ${names}. Default: ${byDefault}`,
  };
}

/** The sandbox that the flags ask for, otherwise the config's. */
export function readSandbox(options: OptionTexts, config?: Config): SandboxSpec {
  const { sandbox: provider } = options;
  const settings = config?.sandbox ?? parseConfig({}).sandbox;
  if (provider === undefined) return sandboxSpec(settings);
  const known = SANDBOX_PROVIDERS.find((name) => name === provider);
  if (known === undefined) {
    throw new UsageError(
      `Option '--sandbox' must be one of ${
        SANDBOX_PROVIDERS.join(", ")
      }: current value is '${provider}'`,
    );
  }
  return sandboxSpec({ ...settings, provider: known });
}

/** Rewards by their names, each with its default options and weight 1, under which completions are judged one by one. */
export async function rewardsByName(
  option: string,
  names: readonly string[],
  sandbox: SandboxSpec,
): Promise<RewardSet> {
  for (const name of names) {
    if (REWARD_NAMES.some((known) => known === name)) continue;
    const near = suggest(name, REWARD_NAMES);
    throw new UsageError(
      `Option '--${option}' must name rewards among ${
        REWARD_NAMES.join(", ")
      }: current value is '${name}'` +
        (near === undefined ? "" : `; did you mean '${near}'?`),
    );
  }
  const rewards = Object.fromEntries(names.map((name) => [name, 1]));
  const config = parseConfig({ rewards, guidance: { reward: names[0] } });
  return await RewardSet.create(rewardSpecs(config), sandbox);
}
