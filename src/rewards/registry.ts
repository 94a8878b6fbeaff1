/** Every reward by the name that configs use. */

import type { Sandbox } from "../sandbox/sandbox.ts";
import { accuracyReward } from "./accuracy.ts";
import { type CodeExecutionOptions, codeExecutionReward } from "./code_execution.ts";
import { codeFormatReward } from "./code_format.ts";
import { cosineReward, type CosineRewardOptions } from "./cosine.ts";
import { formatReward } from "./format.ts";
import { lengthReward, type LengthRewardOptions } from "./length.ts";
import { moduleReward, type ModuleRewardOptions } from "./module.ts";
import { multipleChoiceReward } from "./multiple_choice.ts";
import { reasoningStepsReward } from "./reasoning_steps.ts";
import { type RepetitionPenaltyOptions, repetitionPenaltyReward } from "./repetition_penalty.ts";
import type { Reward } from "./reward.ts";
import { type SoftOverlongOptions, softOverlongReward } from "./soft_overlong.ts";
import { tagCountReward } from "./tag_count.ts";

/** A reward with its options. */
export type RewardSpec =
  | { readonly name: "accuracy" }
  | { readonly name: "multiple_choice" }
  | { readonly name: "format" }
  | { readonly name: "tag_count" }
  | { readonly name: "code_format" }
  | { readonly name: "reasoning_steps" }
  | ({ readonly name: "code_execution" } & Omit<CodeExecutionOptions, "sandbox">)
  | ({ readonly name: "length" } & LengthRewardOptions)
  | ({ readonly name: "cosine" } & CosineRewardOptions)
  | ({ readonly name: "repetition_penalty" } & RepetitionPenaltyOptions)
  | ({ readonly name: "soft_overlong" } & SoftOverlongOptions)
  | ModuleRewardSpec;

/** A reward of one's own. */
export interface ModuleRewardSpec extends Omit<ModuleRewardOptions, "name"> {
  /** Says that it is one. */
  readonly name: "module";
  /** Its name in metrics. Default: the file's. */
  readonly as?: string;
}

/** The name of a built-in reward. */
export type RewardName = Exclude<RewardSpec["name"], "module">;

/** A reward with its options and its weight λ. */
export interface WeightedSpec {
  /** The reward. */
  readonly spec: RewardSpec;
  /** Finite; 0 measures a reward without training on it. */
  readonly weight: number;
}

/** The names of the built-in rewards. */
export const REWARD_NAMES: readonly RewardName[] = [
  "accuracy",
  "multiple_choice",
  "code_execution",
  "format",
  "tag_count",
  "code_format",
  "reasoning_steps",
  "length",
  "cosine",
  "repetition_penalty",
  "soft_overlong",
];

/**
 * Makes a reward.
 *
 * @param spec The reward with its options, or the name of one that needs none.
 * @param sandbox What `code_execution` runs programs in, asked for with the first program.
 * @throws {Error} for an unknown name, an option that cannot be used, or `code_execution` without a sandbox.
 */
export function createReward(
  spec: RewardSpec | RewardName,
  sandbox?: () => Promise<Sandbox>,
): Reward {
  // A name without the options that its reward needs is refused by that reward.
  const given = (typeof spec === "string" ? { name: spec } : spec) as RewardSpec;
  switch (given.name) {
    case "accuracy":
      return accuracyReward();
    case "multiple_choice":
      return multipleChoiceReward;
    case "format":
      return formatReward;
    case "tag_count":
      return tagCountReward;
    case "code_format":
      return codeFormatReward;
    case "reasoning_steps":
      return reasoningStepsReward;
    case "code_execution":
      if (sandbox === undefined) {
        throw new Error(
          "Cannot create reward 'code_execution' without a sandbox: give createReward one",
        );
      }
      return codeExecutionReward({ ...given, sandbox });
    case "length":
      return lengthReward(given);
    case "cosine":
      return cosineReward(given);
    case "repetition_penalty":
      return repetitionPenaltyReward(given);
    case "soft_overlong":
      return softOverlongReward(given);
    case "module": {
      const { as, ...others } = given;
      return moduleReward({ ...others, name: as });
    }
  }
  throw new Error(
    `Cannot create a reward as its name must be one of ${REWARD_NAMES.join(", ")}: ` +
      `current value is '${(given as { name: string }).name}'`,
  );
}
