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

/** Listens to a run. Every method is optional. */
export interface Reporter {
  /** The run begins, or goes on from a checkpoint. */
  start?(
    run: { folder: string; config: Config; resumedFrom: string | null; parameters: number },
  ): void;
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
