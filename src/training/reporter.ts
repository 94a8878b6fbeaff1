/** What a run tells whoever watches it. The trainer prints nothing itself. */
import { type Config } from "./config.ts";
import { type Metrics } from "./metrics.ts";

/** A line of eval.jsonl. */
export interface EvalRecord {
  /** Steps of reinforcement learning done; 0 is the model before them. */
  readonly step: number;
  /** Name of the held-out set. */
  readonly benchmark: string;
  /** Share solved without guidance; null if nothing could be graded. */
  readonly accuracy: number | null;
  /** Problems graded. */
  readonly n: number;
  /** Standard error of the accuracy. */
  readonly stderr: number | null;
}

/** A line of completions/eval-N.jsonl: a held-out problem and what the model said to it. */
export interface HeldOutRecord {
  /** Name of the held-out set. */
  readonly benchmark: string;
  /** Id of the problem. */
  readonly problem: string;
  /** The prompt's text. */
  readonly prompt: string;
  /** The gold answer. */
  readonly answer: string;
  /** What the model said. */
  readonly completion: string;
  /** Its accuracy; null if it could not be graded. */
  readonly score: number | null;
}

/** A prompt as the model sees it, special tokens written out, and the guidance that a guided rollout of it gets. */
export interface PromptExample {
  /** The rendered prompt. */
  readonly prompt: string;
  /** The first tokens of the teacher's trace; empty without guidance. */
  readonly guidance: string;
  /** How many tokens the guidance has. */
  readonly given: number;
  /** How many tokens the whole trace has. */
  readonly trace: number;
  /** The gold answer. */
  readonly answer: string;
}

/** A run as it begins. */
export interface RunStart {
  /** Its folder. */
  readonly folder: string;
  /** The config, with the steps that its epochs come to. */
  readonly config: Config;
  /** Name of the checkpoint it goes on from; null for a new run. */
  readonly resumedFrom: string | null;
  /** Parameters of the model. */
  readonly parameters: number;
  /** Parameters that are trained: fewer with LoRA. */
  readonly trainable: number;
  /** What was read and left out, a line each; empty for the built-in task. */
  readonly data: readonly string[];
  /** What a person should know, a sentence each. */
  readonly notes: readonly string[];
  /** The next prompt. */
  readonly example: PromptExample;
}

/** Listens to a run. Every method is optional. */
export interface Reporter {
  /** Data is read before the run begins: what is done, how much of it, and of how much where that is known. */
  preparing?(phase: string, done: number, total: number | null): void;
  /** The run begins, or goes on from a checkpoint. */
  start?(run: RunStart): void;
  /** A step of the warm start was made: steps done, of how many, and its figures. */
  sftStep?(done: number, total: number, metrics: Metrics): void;
  /** A step of reinforcement learning was made. */
  step?(done: number, total: number, metrics: Metrics): void;
  /** An evaluation is under way. */
  evaluating?(done: number, total: number): void;
  /** An evaluation was made. */
  evaluated?(record: EvalRecord): void;
  /** A checkpoint, or the final model, was saved to a folder. */
  saved?(folder: string): void;
  /** Something a person should know. */
  warn?(message: string): void;
}
