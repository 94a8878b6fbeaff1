import { checkOption, isWhole } from "./check_option.ts";
import { isCorrect } from "./correctness.ts";
import type { Reward, Ungraded } from "./reward.ts";
import { tokenLength } from "./token_length.ts";

/** Options of {@linkcode cosineReward}. */
export interface CosineRewardOptions {
  /** L_max in tokens, guidance included; what is longer counts as this long. At least 1. */
  readonly maxLength: number;
  /** The reward of the run that says which completions are right: those that it gives 1. Default: `accuracy`. */
  readonly of?: string;
  /** Of a wrong completion of no tokens. Default: -1. */
  readonly minValueWrong?: number;
  /** Of a wrong completion of L_max tokens. Default: -0.5. */
  readonly maxValueWrong?: number;
  /** Of a right completion of L_max tokens. Default: 0.5. */
  readonly minValueCorrect?: number;
  /** Of a right completion of no tokens. Default: 1. */
  readonly maxValueCorrect?: number;
}

/**
 * The cosine-scaled reward of "Demystifying Long Chain-of-Thought Reasoning in LLMs" (arXiv 2502.03373, appendix C.1;
 * `get_cosine_scaled_reward` of TRL and open-r1):
 *
 * R = end + ½ (start − end) (1 + cos(π · min(1, len / L_max)))
 *
 * where len are the completion's tokens, guidance included. A right completion goes from `maxValueCorrect` at no tokens
 * down to `minValueCorrect` at L_max, a wrong one from `minValueWrong` up to `maxValueWrong`: thinking longer costs less
 * where the answer was wrong anyway.
 *
 * As in TRL, a completion longer than L_max stays at that end; open-r1 counts characters and follows the cosine back.
 * What the reward `of` cannot grade is ungraded here too.
 *
 * @throws {RangeError} for an option that cannot be used.
 */
export function cosineReward(options: CosineRewardOptions): Reward {
  const { maxLength, of = "accuracy" } = options;
  const values = {
    minValueWrong: options.minValueWrong ?? -1,
    maxValueWrong: options.maxValueWrong ?? -0.5,
    minValueCorrect: options.minValueCorrect ?? 0.5,
    maxValueCorrect: options.maxValueCorrect ?? 1,
  };
  const check = (name: string, value: number, must: string, fits: boolean) =>
    checkOption("cosine", name, value, must, fits);
  check("maxLength", maxLength, "a whole number of at least 1", isWhole(maxLength, 1));
  for (const [name, value] of Object.entries(values)) {
    check(name, value, "a finite number", Number.isFinite(value));
  }
  for (const kind of ["Wrong", "Correct"] as const) {
    const [least, most] = [values[`minValue${kind}`], values[`maxValue${kind}`]];
    check(`minValue${kind}`, least, `at most 'maxValue${kind}', ${most}`, least <= most);
  }
  return {
    name: "cosine",
    async score(sample, context): Promise<number | Ungraded> {
      const length = tokenLength(sample);
      if (typeof length !== "number") return length;
      const correct = await isCorrect(context, of);
      if (typeof correct !== "boolean") return correct;
      const [start, end] = correct
        ? [values.maxValueCorrect, values.minValueCorrect]
        : [values.minValueWrong, values.maxValueWrong];
      const progress = Math.min(1, length / maxLength);
      return end + 0.5 * (start - end) * (1 + Math.cos(Math.PI * progress));
    },
  };
}
