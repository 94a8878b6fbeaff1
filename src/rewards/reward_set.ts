/** The rewards of a run with what they share. */

import { createSandbox, type SandboxSpec } from "../sandbox/registry.ts";
import type { Sandbox, SandboxUsage } from "../sandbox/sandbox.ts";
import { isMultipleChoice, multipleChoiceReward } from "./multiple_choice.ts";
import { createReward, type WeightedSpec } from "./registry.ts";
import type { Reward } from "./reward.ts";
import type { WeightedReward } from "./score.ts";

/**
 * The rewards of a run, the judge that evaluations and gold checks use, and the sandbox that both share, which starts
 * when the first program is to be run. It owns them: dispose it.
 */
export class RewardSet implements AsyncDisposable {
  /** The rewards with their weights. */
  readonly weighted: readonly WeightedReward[];
  /**
   * Right or wrong, 1 or 0, whatever a problem is judged by: a problem with tests by whether it passes them, under the
   * options of the set's `code_execution` if there is one; one that lists choices by the letter; any other by its answer.
   */
  readonly judge: Reward;
  readonly #sandboxSpec: SandboxSpec;
  readonly #owned = new AsyncDisposableStack();
  #sandbox: Promise<Sandbox> | null = null;
  #started: Sandbox | null = null;

  private constructor(specs: readonly WeightedSpec[], sandbox: SandboxSpec) {
    this.#sandboxSpec = sandbox;
    const source = () => this.#startedSandbox();
    this.weighted = specs.map(({ spec, weight }) => ({
      reward: this.#own(createReward(spec, source)),
      weight,
    }));
    const named = specs.find(({ spec }) => spec.name === "code_execution")?.spec;
    const code = this.#own(
      createReward({ ...named, name: "code_execution", allOrNothing: true }, source),
    );
    const accuracy = this.weighted.find(({ reward }) => reward.name === "accuracy")?.reward ??
      this.#own(createReward("accuracy"));
    this.judge = {
      name: "accuracy",
      timeoutMs: null,
      score: (sample, context) => {
        const { problem } = sample;
        const judge = problem.tests !== undefined
          ? code
          : isMultipleChoice(problem)
          ? multipleChoiceReward
          : accuracy;
        return judge.score(sample, context);
      },
    };
  }

  /**
   * Makes the rewards and loads those of modules.
   *
   * @throws {Error} for a reward that does not exist, an option that cannot be used, a module that cannot be loaded. A
   * sandbox that cannot start is an error of the first score that needs it.
   */
  static async create(specs: readonly WeightedSpec[], sandbox: SandboxSpec): Promise<RewardSet> {
    await using owned = new AsyncDisposableStack();
    const set = owned.use(new RewardSet(specs, sandbox));
    for (const { reward } of set.weighted) await reward.start?.();
    owned.move();
    return set;
  }

  /** What the sandbox has used; null while none was started. */
  get usage(): SandboxUsage | null {
    return this.#started?.usage ?? null;
  }

  #own(reward: Reward): Reward {
    this.#owned.defer(() => reward[Symbol.asyncDispose]?.());
    return reward;
  }

  async #startedSandbox(): Promise<Sandbox> {
    if (this.#owned.disposed) throw new Error("the rewards were disposed of");
    return await (this.#sandbox ??= createSandbox(this.#sandboxSpec).then((sandbox) => {
      this.#started = this.#owned.use(sandbox);
      return sandbox;
    }));
  }

  /** Ends every process and sandbox. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sandbox?.catch(() => {});
    await this.#owned.disposeAsync();
  }
}
