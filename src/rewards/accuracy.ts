import { canonicalAnswer } from "./answer.ts";
import { extractAnswer } from "./extract.ts";
import { readable, sameAnswer } from "./math/verify.ts";
import { processReward } from "./process.ts";
import { restatesProblem } from "./restated.ts";
import {
  type Reward,
  type RewardContext,
  type RewardSample,
  type Ungraded,
  ungraded,
} from "./reward.ts";
import type { Problem } from "../data/types.ts";

/** What {@linkcode gradeAccuracy} needs to know of a problem. */
export type GradedProblem = Pick<Problem, "prompt" | "answer" | "tests">;

/** Options of {@linkcode accuracyReward}. */
export interface AccuracyOptions {
  /** How many child processes compare answers. Default: that of `processReward`. */
  readonly processes?: number;
}

/** Milliseconds that one comparison may take before its process is killed. */
const TIMEOUT_MS = 2000;
/** Bytes of memory of a process that compares. */
const MEMORY_BYTES = 512 * 1024 * 1024;

/** A gold answer that is an integer and nothing else. */
const INTEGER = /^[\s$]*[-+−]?[\d,]+(?:\.0*)?[\s$]*$/;
/** Digits and the signs between them, without letters: it is a number or nothing that ends as an integer. */
const FIGURES = /^[\s$]*(?:[A-Za-z]\s*=)?[-+−*/=.,;:?\d\s$]*$/;

/**
 * The grade where the gold answer and the given one are numbers in plain figures, which takes no mathematics; null
 * where it does. Work left undone (`30+4`) and steps of it (`41-7=34`) are no number.
 */
function gradeFigures(completion: string, problem: GradedProblem): number | Ungraded | null {
  if (problem.tests !== undefined) return ungraded("a programming problem is judged by its tests");
  const gold = INTEGER.test(problem.answer) ? canonicalAnswer(problem.answer) : null;
  if (gold === null || !/^-?\d+$/.test(gold)) return null;
  const readings = extractAnswer(completion, problem.prompt);
  const figures = readings.filter((reading) => FIGURES.test(reading));
  if (figures.some((reading) => canonicalAnswer(reading) === gold)) return 1;
  return figures.length === readings.length ? 0 : null;
}

/**
 * The accuracy of a completion: 1 if it answers what the gold answer says, otherwise 0; ungraded if the gold answer
 * cannot be compared with anything, or the problem is judged by tests.
 *
 * Pure; the time that it takes is limited by the budgets of the comparison only, so it is not for the training
 * thread: {@linkcode accuracyReward} is.
 */
export function gradeAccuracy(completion: string, problem: GradedProblem): number | Ungraded {
  const grade = gradeFigures(completion, problem);
  if (grade !== null) return grade;
  const { answer: gold, prompt } = problem;
  // Damaged text and prose are no gold answers, whatever sense could be made of them.
  if (canonicalAnswer(gold) === null || !readable(gold)) {
    return ungraded(`gold answer '${shorten(gold)}' cannot be compared`);
  }
  const right = extractAnswer(completion, prompt).some((reading) =>
    sameAnswer(reading, gold) && !restatesProblem(reading, prompt, gold)
  );
  return right ? 1 : 0;
}

/**
 * The accuracy reward (G²RPO-A, appendix B.5): 1 if the completion's answer is the gold answer,
 * otherwise 0.
 *
 * What the completion answers is what {@linkcode extractAnswer} reads; whether that is the gold answer, what
 * `sameAnswer` of the mathematics decides, which knows spellings, units, sets, intervals and algebra. Two things score
 * 0 though they are equal to it: the problem's own expression, and a sum or product left undone where the gold answer
 * is a number ({@linkcode restatesProblem}). A problem whose gold answer cannot be compared cannot be graded, nor one
 * that tests judge.
 *
 * Plain numbers are compared at once. All else goes to child processes, which are killed after 2 seconds or at 512 MiB;
 * such a sample stays ungraded, since the comparison has budgets of its own and ends long before unless something is
 * wrong with it or the machine.
 */
export function accuracyReward(options: AccuracyOptions = {}): Reward & AsyncDisposable {
  const { processes } = options;
  const mathematics = processReward({
    name: "accuracy",
    module: import.meta.url,
    timeoutMs: TIMEOUT_MS,
    memoryBytes: MEMORY_BYTES,
    ...(processes === undefined ? {} : { processes }),
  });
  return {
    name: "accuracy",
    timeoutMs: null,
    score(sample: RewardSample, context: RewardContext) {
      const grade = gradeFigures(sample.completion, sample.problem);
      if (grade !== null) return grade;
      // Token ids, traces and the rest of the group are long, and grading needs none of them.
      const { id, prompt, answer, tier } = sample.problem;
      const bare = {
        ...sample,
        completionIds: [],
        problem: { id, prompt, answer, tier, trace: "" },
      };
      const { signal } = context;
      const scoreOf = (name: string) => context.scoreOf(name);
      return mathematics.score(bare, { group: [bare], scoreOf, signal });
    },
    [Symbol.asyncDispose]: () => mathematics[Symbol.asyncDispose](),
  };
}

/** What the child processes run. */
export default {
  name: "accuracy",
  score: ({ completion, problem }: RewardSample): number | Ungraded =>
    gradeAccuracy(completion, problem),
} satisfies Reward;

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
