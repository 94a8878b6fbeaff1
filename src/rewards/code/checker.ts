import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type ProcessReward, processReward } from "../process.ts";
import type { RewardContext, RewardSample } from "../reward.ts";
import { checkerAdapter } from "./checker_adapter.ts";
import { UnjudgeableError } from "./unjudgeable.ts";

/** A checker of one's own, in a process that is killed when a check takes over 10 s. */
export class Checker implements AsyncDisposable {
  readonly #path: string;
  readonly #process: ProcessReward;

  /** The checker that is the default export of the module with this path or URL. */
  constructor(path: string) {
    this.#path = path;
    this.#process = processReward({
      name: `code_execution (checker ${path})`,
      module: checkerAdapter,
      options: {
        checker: /^(?:file|https?|npm|jsr):/.test(path) ? path : pathToFileURL(resolve(path)).href,
      },
      permissions: { read: true },
    });
  }

  /** Loads the checker; rejects if it cannot be used. */
  start(): Promise<void> {
    return this.#process.start();
  }

  /**
   * Whether an output or a value is right.
   *
   * @throws {UnjudgeableError} when the checker throws, overruns, or gives no boolean.
   */
  async check(
    input: unknown,
    expected: unknown,
    actual: unknown,
    signal: AbortSignal,
  ): Promise<boolean> {
    const sample: RewardSample = {
      prompt: "",
      completion: JSON.stringify([input, expected, actual]),
      completionIds: [],
      given: 0,
      problem: { id: this.#path, prompt: "", answer: "", trace: "", tier: 0 },
    };
    const context: RewardContext = {
      group: [sample],
      scoreOf: (name) => Promise.reject(new Error(`A checker has no reward '${name}'`)),
      signal,
    };
    const score = await this.#process.score(sample, context);
    if (typeof score === "number") return score === 1;
    throw new UnjudgeableError(`checker '${this.#path}': ${score.ungraded}`);
  }

  /** Ends its process. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}
