/** Rollouts and whole GRPO steps of fixed shape, as a peer would run them. */
import { type EncodedProblem } from "../data/types.ts";
import { Random } from "../data/random.ts";
import { generate } from "../engine/generate.ts";
import { createController } from "../guidance/registry.ts";
import { loadModel } from "../models/checkpoint.ts";
import { type CausalLM } from "../models/model.ts";
import { type ModelPreset, modelPresets } from "../models/presets.ts";
import { randomModel } from "../models/random.ts";
import { manualSeed } from "../tensor/tensor.ts";
import { memory } from "../tensor/memory.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import { initialState } from "../training/checkpoint.ts";
import { controllerSpec, parseConfig } from "../training/config.ts";
import { AdamW } from "../training/optimizer.ts";
import { trainStep } from "../training/step.ts";
import { summarise, type Timing } from "./measure.ts";

/** Sizes of a workload. */
export interface Shape {
  /** Problems a step, P. */
  readonly prompts: number;
  /** Rollouts a problem, G. */
  readonly group: number;
  /** Tokens of a prompt. */
  readonly promptLength: number;
  /** Tokens of a completion; nothing ends one earlier. */
  readonly completionLength: number;
}

/** Sampling that the peers' scripts use by default. */
const peerSampling = { temperature: 0.7, topP: 0.95 };

/** A model of a preset with random weights, or one of a folder. */
export async function benchModel(preset: ModelPreset, folder: string | null): Promise<CausalLM> {
  return folder === null ? randomModel(modelPresets[preset], { seed: 0 }) : await loadModel(folder);
}

/** One word a token: enough to decode what a random model says. */
function wordTokenizer(size: number): Tokenizer {
  const vocab = Object.fromEntries(Array.from({ length: size }, (_, i) => [`t${i}`, i]));
  return Tokenizer.fromJson({
    version: "1.0",
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: "Whitespace" },
    post_processor: null,
    decoder: null,
    model: { type: "WordLevel", vocab, unk_token: "t0" },
  }, { eos_token: "t0" });
}

function prompts(count: number, length: number, vocabulary: number): number[][] {
  const random = new Random(0, "bench");
  return Array.from(
    { length: count },
    () => Array.from({ length }, () => random.int(vocabulary)),
  );
}

/** Seconds of sampling the whole batch. */
export function benchRollout(model: CausalLM, shape: Shape, runs: number): Timing {
  const groups = prompts(shape.prompts, shape.promptLength, model.vocabSize).map((promptIds) => ({
    promptIds,
    prefixes: Array.from({ length: shape.group }, () => []),
  }));
  const seconds: number[] = [];
  for (let run = 0; run <= runs; run++) {
    manualSeed(run);
    const start = performance.now();
    generate(model, groups, {
      ...peerSampling,
      maxCompletionLength: shape.completionLength,
      stopIds: [],
    });
    if (run > 0) seconds.push((performance.now() - start) / 1000);
  }
  return summarise(seconds);
}

/** Figures of whole steps. */
export interface StepFigures {
  /** Seconds of a step. */
  readonly step: Timing;
  /** Of these, seconds of sampling. */
  readonly rollout: Timing;
  /** Of these, seconds of the update. */
  readonly train: Timing;
  /** The most bytes that tensors held, counted by the shim. */
  readonly peakBytes: number;
}

/** Whole GRPO steps: rollouts, a reward with spread (the share of even tokens), one pass, one step of AdamW. */
export async function benchStep(
  model: CausalLM,
  shape: Shape,
  runs: number,
  beta: number,
): Promise<StepFigures> {
  const rows = shape.prompts * shape.group, steps = runs + 2;
  const config = parseConfig({
    max_steps: steps,
    num_generations: shape.group,
    per_device_train_batch_size: rows,
    max_completion_length: shape.completionLength,
    temperature: peerSampling.temperature,
    top_p: peerSampling.topP,
    learning_rate: 1e-5,
    lr_scheduler_type: "constant",
    beta,
    guidance: { ratio: 0 },
  });
  const controller = createController(controllerSpec(config));
  const even = (ids: readonly number[]) => ids.filter((id) => id % 2 === 0).length / ids.length;
  using optimizer = new AdamW(model.parameters, { betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0 });
  const all = prompts(shape.prompts * steps, shape.promptLength, model.vocabSize);
  const state = initialState("rl", controller);
  const run = {
    config,
    policy: model,
    reference: beta === 0 ? null : model,
    tokenizer: wordTokenizer(model.vocabSize),
    optimizer,
    controller,
    rewards: [{
      reward: {
        name: "accuracy",
        score: (s: { completionIds: readonly number[] }) => even(s.completionIds),
      },
      weight: 1,
    }],
    opensThink: false,
    stopIds: [],
    solutions: () => [],
    problems: (step: number) =>
      all.slice(step * shape.prompts, (step + 1) * shape.prompts).map((
        promptIds,
        i,
      ): EncodedProblem => ({
        id: `bench-${step}-${i}`,
        prompt: "",
        answer: "",
        trace: "",
        tier: 1,
        promptIds,
        traceIds: [],
        solutionIds: [],
      })),
  };
  const seconds = { step: [] as number[], rollout: [] as number[], train: [] as number[] };
  let peakBytes = 0;
  for (let i = 0; i < steps; i++) {
    const start = performance.now();
    const { metrics } = await trainStep(state, run);
    state.step++;
    if (i < 2) continue; // the first steps make caches and moments
    seconds.step.push((performance.now() - start) / 1000);
    seconds.rollout.push(metrics["time/rollout"]!);
    seconds.train.push(metrics["time/train"]!);
    peakBytes = Math.max(peakBytes, memory(model.device).peak);
  }
  return {
    step: summarise(seconds.step),
    rollout: summarise(seconds.rollout),
    train: summarise(seconds.train),
    peakBytes,
  };
}
