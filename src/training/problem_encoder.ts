/** Problems of a data set as the model sees them: presented, filtered, encoded. */
import { addStages, filterProblems, type FilterStage } from "../data/filters.ts";
import { presentProblem } from "../data/present.ts";
import { Random } from "../data/random.ts";
import { type EncodedProblem, encodeProblem, type Problem } from "../data/types.ts";
import { type Reward } from "../rewards/reward.ts";
import { validateGold } from "../rewards/score.ts";
import { type PromptFormat } from "../tokenizer/prompt_format.ts";
import { type Tokenizer } from "../tokenizer/tokenizer.ts";
import { type Config } from "./config.ts";
import { type Benchmark } from "./problems.ts";

/** Problems that are presented, filtered and encoded at a time. */
const chunkSize = 256;
/** Token ids held between steps: some hundred megabytes. A large data set of long traces has billions. */
const mostHeldIds = 2 ** 24;

/** Told how far the data is read: what is being done, how much of it is done, of how much if that is known. */
export type DataProgress = (phase: string, done: number, total: number | null) => void;

/** A problem that passed every filter. */
export interface Chosen {
  /** As it was read. */
  readonly problem: Problem;
  /** Where it stood among the candidates. */
  readonly index: number;
  /** Tokens of its trace. */
  readonly traceTokens: number;
}

/** Presents, filters (appendix C.1 of the paper) and encodes problems, and counts what each filter leaves. */
export class ProblemEncoder {
  /** The filters of the problems to train on. */
  stages: readonly FilterStage[] = [];
  /** Those of each benchmark. */
  readonly benchmarkStages: FilterStage[] = [];
  readonly #held = new Map<Problem, EncodedProblem>();
  #heldIds = 0;

  constructor(
    readonly config: Config,
    readonly tokenizer: Tokenizer,
    readonly format: PromptFormat,
    readonly judge: Reward,
    readonly progress: DataProgress,
  ) {}

  /** The first `wanted` candidates in this order that pass every filter. */
  async choose(
    candidates: readonly Problem[],
    order: readonly number[],
    wanted: number,
  ): Promise<Chosen[]> {
    const { data, guidance, sft, max_length } = this.config;
    const warmStart = sft.steps > 0 || sft.num_train_epochs !== null;
    const chosen: Chosen[] = [];
    for (let at = 0; at < order.length && chosen.length < wanted; at += chunkSize) {
      this.progress("choosing problems", chosen.length, Math.min(wanted, order.length));
      const positions = new Map<Problem, number>();
      const encoded = new Map<Problem, EncodedProblem>();
      for (const index of order.slice(at, at + chunkSize)) {
        const problem = this.#present(candidates[index]);
        positions.set(problem, index);
      }
      const encode = (problem: Problem) => {
        const known = encoded.get(problem) ?? this.#encode(problem);
        encoded.set(problem, known);
        return known;
      };
      const { problems, stages } = await filterProblems([...positions.keys()], {
        goldFailures: (list) => this.#goldFailures(list),
        requireTrace: guidance.ratio > 0 || warmStart,
        maxPromptLength: data.max_prompt_length ?? undefined,
        promptTokens: (problem) => encode(problem).promptIds.length,
        maxTraceLength: data.max_trace_length ?? undefined,
        traceTokens: (problem) => encode(problem).traceIds.length,
        maxLength: max_length ?? undefined,
        tokens(problem) {
          const { promptIds, solutionIds } = encode(problem);
          return promptIds.length + (warmStart ? solutionIds.length : 1);
        },
      });
      this.stages = addStages(this.stages, stages);
      for (const problem of problems.slice(0, wanted - chosen.length)) {
        const index = positions.get(problem)!, ids = encode(problem);
        this.#hold(candidates[index], ids);
        chosen.push({ problem: candidates[index], index, traceTokens: ids.traceIds.length });
      }
    }
    return chosen;
  }

  /** Benchmarks of what is held out, without the problems whose gold answer does not score 1. */
  async benchmarks(
    held: readonly { readonly name: string; readonly problems: readonly Problem[] }[],
  ): Promise<Benchmark[]> {
    const benchmarks: Benchmark[] = [];
    for (const { name, problems } of held) benchmarks.push(await this.#benchmark(name, problems));
    return benchmarks;
  }

  /** At most `eval.num_problems` of them, by the seed. */
  async #benchmark(name: string, problems: readonly Problem[]): Promise<Benchmark> {
    const order = problems.map((_, index) => index);
    const { num_problems: count } = this.config.eval;
    if (count < order.length) {
      new Random(this.config.seed, "benchmark", name).shuffle(order);
      order.length = count;
      order.sort((a, b) => a - b);
    }
    const presented = order.map((index) => this.#present(problems[index]));
    const goldFailures = (list: readonly Problem[]) => this.#goldFailures(list);
    const { problems: sound, stages } = await filterProblems(presented, { goldFailures });
    this.benchmarkStages.push(
      ...stages.map((stage) => ({ ...stage, name: `${name}: ${stage.name}` })),
    );
    return { name, problems: sound.map((problem) => this.#encode(problem)) };
  }

  /** A problem's token ids, made again where they were too many to be held. */
  encoded(problem: Problem): EncodedProblem {
    return this.#held.get(problem) ?? this.#encode(this.#present(problem));
  }

  #hold(problem: Problem, encoded: EncodedProblem): void {
    const { promptIds, traceIds, solutionIds } = encoded;
    const ids = promptIds.length + traceIds.length + solutionIds.length;
    if (this.#heldIds + ids > mostHeldIds) return;
    this.#heldIds += ids;
    this.#held.set(problem, encoded);
  }

  #present(problem: Problem): Problem {
    return presentProblem(problem, {
      render: (question) => this.format.render(question),
      opensThink: this.format.opensThink,
      style: this.config.data.completion_style,
    });
  }

  #encode(problem: Problem): EncodedProblem {
    const { include_answer: includeAnswer } = this.config.guidance;
    return encodeProblem(problem, this.tokenizer, { includeAnswer });
  }

  /** The problems whose gold answer does not score 1. */
  async #goldFailures(
    problems: readonly Problem[],
  ): Promise<{ problem: Problem; reason: string }[]> {
    const options = { promptOpensThink: this.format.opensThink };
    const failures = await validateGold(problems, [this.judge], options);
    return failures.map(({ problem, reason }) => ({
      problem,
      reason: problem.tests === undefined ? `${reason} (${problem.answer.slice(0, 60)})` : reason,
    }));
  }
}
