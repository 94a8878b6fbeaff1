/** What a training run is made of: built once, then handed to every step. */
import { type EncodedProblem } from "../data/types.ts";
import { type Controller } from "../guidance/controller.ts";
import { type CausalLM } from "../models/model.ts";
import { type WeightedReward } from "../rewards/score.ts";
import { type Tokenizer } from "../tokenizer/tokenizer.ts";
import { type Config } from "./config.ts";
import { type AdamW } from "./optimizer.ts";

/** The fixed parts of a run. What changes from step to step is the TrainState and the policy's weights. */
export interface Run {
  /** The resolved config. */
  readonly config: Config;
  /** π_θ, the model that is trained and sampled from. */
  readonly policy: CausalLM;
  /** π_ref of the KL term; null where β = 0. */
  readonly reference: CausalLM | null;
  /** Text to token ids and back. */
  readonly tokenizer: Tokenizer;
  /** Moments of the policy's parameters. */
  readonly optimizer: AdamW;
  /** Sets the guidance length ℓ. */
  readonly controller: Controller;
  /** What completions are scored by. */
  readonly rewards: readonly WeightedReward[];
  /** The P problems of step k, in the order of the curriculum. */
  problems(step: number): EncodedProblem[];
  /** The solutions of step k of the warm start. */
  solutions(step: number): EncodedProblem[];
  /** Whether every prompt ends inside an open `<think>`: rewards then see it before each completion. */
  readonly opensThink: boolean;
  /** Tokens that end a completion. */
  readonly stopIds: readonly number[];
}
