/**
 * One step of G²RPO-A (Algorithm 1 of the paper), to be read from top to bottom.
 *
 * Where the paper leaves a choice or contradicts itself: rollouts are sampled from the policy as it is at the step's
 * start, π_old (the paper prints π_ref); Eq. 6 follows its text, so that rising rewards shorten the guidance (printed,
 * it would lengthen it); advantages divide by the sample standard deviation plus 1e-4 (Eq. 9 leaves both open).
 */
import { type Advantages, groupAdvantages } from "../algorithms/advantages.ts";
import { type EncodedProblem } from "../data/types.ts";
import { generate, generateYielding, type Rollout } from "../engine/generate.ts";
import { assignGuidance, guidedCount } from "../guidance/assign.ts";
import { type Observation } from "../guidance/controller.ts";
import { type RewardSample } from "../rewards/reward.ts";
import { type SampleScore, scoreRollouts } from "../rewards/score.ts";
import { eventLoop } from "../std/turns.ts";
import { memory, resetPeakMemory, synchronize } from "../tensor/memory.ts";
import { manualSeed } from "../tensor/tensor.ts";
import { type TrainState } from "./checkpoint.ts";
import { maxOf, meanOf, type Metrics, minOf, stdOf } from "./metrics.ts";
import { type Run } from "./run.ts";
import { stepSeed } from "./seed.ts";
import { referenceLogProbs, type Update, updatePolicy } from "./update.ts";

/** All that a step leaves: its figures, and its completions for whoever wants to read them. */
export interface StepRecord {
  /** A line of metrics.jsonl, without the step's number. */
  readonly metrics: Metrics;
  /** P·G lines of completions/step-N.jsonl, in group order. */
  readonly completions: readonly CompletionRecord[];
}

/** A line of completions/step-N.jsonl. */
export interface CompletionRecord {
  /** Id of the problem. */
  readonly problem: string;
  /** The prompt's text. */
  readonly prompt: string;
  /** The completion's text, guidance first. */
  readonly completion: string;
  /** How many of its tokens were given. */
  readonly given: number;
  /** Tokens of the completion. */
  readonly length: number;
  /** Whether a stop token or the length ended it. */
  readonly finish_reason: "stop" | "length";
  /** Each reward's score; null where it could not grade. */
  readonly rewards: Readonly<Record<string, number | null>>;
  /** Its advantage Â. */
  readonly advantage: number;
}

/** One step: problems, guidance, rollouts, rewards, advantages, update, controller. Changes policy and state. */
export async function trainStep(state: TrainState, run: Run): Promise<StepRecord> {
  const { config } = run;
  const clock = new Clock();
  resetPeakMemory(run.policy.device);

  const problems = run.problems(state.step); // P, easy to hard
  const prefixes = assignGuidance( // P·G prefixes of the traces, Eq. 4
    problems.map((problem) => problem.traceIds),
    state.controller.length,
    { numGenerations: config.num_generations, ratio: config.guidance.ratio },
  );

  manualSeed(stepSeed(config.seed, "rollouts", state.step));
  const scoring = new Scoring(run); // appendix B, in other processes where it takes time
  const rollouts = await sampleRollouts(run, problems, prefixes, scoring); // P·G completions from π_old
  clock.lap("rollout");

  const reference = await referenceLogProbs(run, rollouts); // null where β = 0
  clock.lap("train");
  const { samples, scores } = await scoring.done();
  clock.lap("reward");

  const advantages = groupAdvantages( // Eq. 9
    scores.map((score) => score.total),
    { numGenerations: config.num_generations, scaleRewards: config.scale_rewards },
  );
  const update = updatePolicy(state, run, rollouts, advantages, reference); // Eq. 3, backward, AdamW
  synchronize(run.policy.device);
  clock.lap("train");

  const observation = observe(state, run, scores);
  const guidanceLength = state.controller.length;
  state.controller = run.controller.next(state.controller, observation); // Eq. 6
  state.tokens += rollouts.reduce((n, r) => n + r.promptIds.length + r.completionIds.length, 0);

  return {
    metrics: {
      ...update.metrics,
      ...rewardMetrics(run, scores, advantages, observation),
      ...completionMetrics(rollouts),
      "guidance/length": guidanceLength,
      "guidance/ratio": config.guidance.ratio,
      num_tokens: state.tokens,
      ...clock.metrics(rollouts, update),
      "memory/peak_bytes": memory(run.policy.device).peak,
    },
    completions: samples.map((sample, i) => ({
      problem: sample.problem.id,
      prompt: sample.prompt,
      completion: sample.completion,
      given: sample.given,
      length: sample.completionIds.length,
      finish_reason: rollouts[i].finishReason,
      rewards: scores[i].values,
      advantage: advantages.values[i],
    })),
  };
}

/** Samples some groups at a time, and has those scored while the next ones are sampled. */
async function sampleRollouts(
  { config, policy, stopIds }: Run,
  problems: readonly EncodedProblem[],
  prefixes: readonly (readonly number[])[],
  scoring: Scoring,
): Promise<Rollout[]> {
  const G = config.num_generations;
  const groups = problems.map(({ promptIds }, p) => ({
    promptIds,
    prefixes: prefixes.slice(p * G, (p + 1) * G),
  }));
  const options = {
    temperature: config.temperature,
    topK: config.top_k,
    topP: config.top_p,
    minP: config.min_p ?? 0,
    maxCompletionLength: config.max_completion_length,
    maxLength: config.max_length ?? policy.maxPositions,
    stopIds,
  };
  const size = Math.max(1, Math.floor((config.rollout_batch_size ?? Infinity) / G));
  const rollouts: Rollout[] = [];
  for (let at = 0; at < groups.length; at += size) {
    const batch = groups.slice(at, at + size);
    const sampled = at === 0
      ? generate(policy, batch, options)
      : await generateYielding(policy, batch, options);
    rollouts.push(...sampled);
    scoring.add(sampled, problems.slice(at, at + size));
    if (at + size < groups.length) await eventLoop(); // what other processes are to score is sent off
  }
  return rollouts;
}

/** Scores rollouts while the step goes on. */
class Scoring {
  readonly #samples: RewardSample[] = [];
  readonly #scores: Promise<SampleScore[]>[] = [];

  constructor(readonly run: Run) {}

  /** Begins with these, G of each problem. */
  add(rollouts: readonly Rollout[], problems: readonly EncodedProblem[]): void {
    const { config: { num_generations: numGenerations }, tokenizer, rewards, opensThink } =
      this.run;
    const samples = rollouts.map(({ completionIds, given }, i): RewardSample => {
      const problem = problems[Math.floor(i / numGenerations)];
      const completion = tokenizer.decode(completionIds, {
        skipSpecialTokens: true,
        allowUnknown: true,
      });
      return { prompt: problem.prompt, completion, completionIds, given, problem };
    });
    const options = { promptOpensThink: opensThink, numGenerations };
    this.#samples.push(...samples);
    const scores = scoreRollouts(samples, rewards, options);
    scores.catch(() => {}); // a failure is told where the scores are waited for
    this.#scores.push(scores);
  }

  /** Every sample with its scores, in the order in which they came. */
  async done(): Promise<{ samples: RewardSample[]; scores: SampleScore[] }> {
    return { samples: this.#samples, scores: (await Promise.all(this.#scores)).flat() };
  }
}

/** The reward that the controller follows: the config's, or the first of a run with rewards of its own. */
function followedReward({ config, rewards }: Run): string {
  const { reward } = config.guidance;
  return rewards.some((r) => r.reward.name === reward) ? reward : rewards[0].reward.name;
}

/** What the controller follows: the means of one reward over graded completions. */
function observe(state: TrainState, run: Run, scores: readonly SampleScore[]): Observation {
  const { num_generations: G, guidance } = run.config;
  const guided = guidedCount(G, guidance.ratio), name = followedReward(run);
  const mean = (belongs: (i: number) => boolean) =>
    meanOf(scores.flatMap(({ values }, i) => {
      const value = values[name];
      return belongs(i % G) && value !== null ? [value] : [];
    }));
  return {
    step: state.controller.step,
    reward: mean(() => true),
    guidedReward: mean((i) => i < guided),
    unguidedReward: mean((i) => i >= guided),
  };
}

function rewardMetrics(
  run: Run,
  scores: readonly SampleScore[],
  advantages: Advantages,
  observation: Observation,
): Metrics {
  const metrics: Record<string, number | null> = {
    reward: advantages.rewardMean,
    reward_std: meanOf(advantages.std),
    frac_reward_zero_std: advantages.fracRewardZeroStd,
    skipped_groups: advantages.skippedGroups,
    "advantages/std": stdOf([...advantages.values]),
  };
  for (const { reward: { name } } of run.rewards) {
    const graded = scores.flatMap(({ values }) => values[name] === null ? [] : [values[name]]);
    metrics[`rewards/${name}/mean`] = meanOf(graded);
    metrics[`rewards/${name}/std`] = stdOf(graded);
    metrics[`rewards/${name}/ungraded`] = scores.length - graded.length;
  }
  const followed = followedReward(run);
  metrics[`rewards/${followed}/guided`] = observation.guidedReward;
  metrics[`rewards/${followed}/unguided`] = observation.unguidedReward;
  return metrics;
}

function completionMetrics(rollouts: readonly Rollout[]): Metrics {
  const lengths = rollouts.map((r) => r.completionIds.length);
  const ended = rollouts.filter((r) => r.finishReason === "stop");
  const endedLengths = ended.map((r) => r.completionIds.length);
  return {
    "completions/mean_length": meanOf(lengths),
    "completions/min_length": minOf(lengths),
    "completions/max_length": maxOf(lengths),
    "completions/mean_terminated_length": meanOf(endedLengths),
    "completions/min_terminated_length": minOf(endedLengths),
    "completions/max_terminated_length": maxOf(endedLengths),
    "completions/clipped_ratio": 1 - ended.length / rollouts.length,
    "completions/given_tokens": rollouts.reduce((n, r) => n + r.given, 0),
  };
}

/** Wall-clock seconds of a step's parts; of the rewards only what the step waited for them. */
class Clock {
  readonly #start = performance.now();
  #last = this.#start;
  readonly #seconds: Record<string, number> = {};

  lap(part: "rollout" | "reward" | "train"): void {
    const now = performance.now();
    this.#seconds[part] = (this.#seconds[part] ?? 0) + (now - this.#last) / 1000;
    this.#last = now;
  }

  metrics(rollouts: readonly Rollout[], update: Update): Metrics {
    const { rollout, reward, train } = this.#seconds;
    const sampled = rollouts.reduce((n, r) => n + r.completionIds.length - r.given, 0);
    return {
      step_time: (performance.now() - this.#start) / 1000,
      "time/rollout": rollout,
      "time/reward": reward,
      "time/train": train,
      "perf/rollout_tokens_per_second": sampled / rollout,
      "perf/train_tokens_per_second": update.tokens / train,
    };
  }
}
