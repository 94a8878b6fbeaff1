/** Samples and contexts for the tests of single rewards, and the peers' values. */
import type { RewardContext, RewardSample, Ungraded } from "../../src/rewards/reward.ts";

/** A sample of an easy problem with what a test needs of it. */
export function sampleOf(
  { completion = "", length = 0, id = "p" }: { completion?: string; length?: number; id?: string },
): RewardSample {
  const problem = { id, prompt: "2+2?", answer: "4", trace: "", tier: 1 };
  return {
    prompt: problem.prompt,
    completion: completion === "" && length > 0 ? "…" : completion,
    completionIds: Array.from({ length }, (_, i) => i),
    given: 0,
    problem,
  };
}

/** A context in which other rewards gave these scores. */
export function contextOf(
  group: readonly RewardSample[],
  scores: Readonly<Record<string, number | Ungraded>> = {},
): RewardContext {
  return {
    group,
    scoreOf: (name) =>
      name in scores
        ? Promise.resolve(scores[name])
        : Promise.reject(new Error(`there is no reward '${name}'`)),
    signal: new AbortController().signal,
  };
}

/** What tests/parity/shaped_rewards.py wrote. */
export const peers: {
  readonly cosine: readonly {
    readonly max_len: number;
    readonly min_value_wrong?: number;
    readonly max_value_wrong?: number;
    readonly min_value_correct?: number;
    readonly max_value_correct?: number;
    readonly correct: boolean;
    readonly lengths: readonly number[];
    readonly rewards: readonly number[];
  }[];
  readonly repetition: readonly {
    readonly ngram_size: number;
    readonly max_penalty: number;
    readonly ids: readonly (readonly number[])[];
    readonly rewards: readonly number[];
  }[];
  readonly soft_overlong: readonly {
    readonly max_completion_len: number;
    readonly soft_punish_cache: number;
    readonly lengths: readonly number[];
    readonly rewards: readonly number[];
  }[];
  readonly length: readonly {
    readonly lengths: readonly number[];
    readonly correct: readonly boolean[];
    readonly rewards: readonly number[];
  }[];
} = JSON.parse(
  await Deno.readTextFile(new URL("../fixtures/shaped_rewards.json", import.meta.url)),
);
