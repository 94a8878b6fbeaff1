/**
 * The built-in task: chains of arithmetic, left to right, modulo 100 after every operator.
 *
 * ```
 * prompt      Q:87*5+6-7?
 * completion  <think>87*5=35;35+6=41;41-7=34;</think><answer>34</answer>   and the end token
 * trace       <think>87*5=35;35+6=41;41-7=34;
 * ```
 *
 * The start is uniform in 0 to 99. Adding and subtracting (2 to 9) and multiplying by a unit of
 * the ring (3, 7 or 9) are bijections modulo 100, so the answer is uniform too: blind guessing
 * scores 1 %. The tier is the number of operators.
 *
 * **Train and held-out sets are disjoint by construction.** A stable hash of the prompt decides the
 * side: one problem in ten, in every tier, is held out. No list is kept, both sides are endless for
 * the higher tiers, and a problem can never be drawn from both, whatever the seeds.
 */

import {
  type BuiltInTask,
  type HeldOutOptions,
  heldOutProblems,
  type Split,
} from "./built_in_task.ts";
import { hashText, type Random } from "./random.ts";
import type { Problem } from "./types.ts";

export type { HeldOutOptions, Split };

/** An operator of the task. */
export type ArithmeticOperator = "+" | "-" | "*";

/** One operator with its operand. */
export type ArithmeticStep = readonly [operator: ArithmeticOperator, operand: number];

/** Every token of the task in the order of its id: 6 tags and 18 characters. */
export const ARITHMETIC_VOCABULARY: readonly string[] = [
  ...["<pad>", "<eos>", "<think>", "</think>", "<answer>", "</answer>"],
  ..."0123456789+-*=;?Q:",
];

const MODULUS = 100;
const OPERATORS: readonly ArithmeticOperator[] = ["+", "-", "*"];
const OPERANDS: Readonly<Record<ArithmeticOperator, readonly number[]>> = {
  "+": [2, 3, 4, 5, 6, 7, 8, 9],
  "-": [2, 3, 4, 5, 6, 7, 8, 9],
  "*": [3, 7, 9],
};
/** One problem in this many is held out. */
const HELD_OUT_SHARE = 10;

function apply(value: number, [operator, operand]: ArithmeticStep): number {
  const result = operator === "+"
    ? value + operand
    : operator === "-"
    ? value - operand
    : value * operand;
  return ((result % MODULUS) + MODULUS) % MODULUS;
}

/**
 * The built-in arithmetic task: an endless, seeded and verifiable source of problems.
 *
 * ```ts
 * import { Random } from "./random.ts";
 *
 * const task = new ArithmeticTask();
 * const problem = task.problem(new Random(0), 7, "train");
 * const benchmark = task.heldOut({ tiers: [7, 8], count: 1000, seed: 0 });
 * ```
 */
export class ArithmeticTask implements BuiltInTask {
  /** The task's name, with which every problem id begins. */
  readonly name: string = "arithmetic";

  /**
   * Draws a problem of a tier (an integer of 1 or more) from one side of the split. The stream
   * alone decides which, so the same stream gives the same problem in every run.
   */
  problem(random: Random, tier: number, split: Split): Problem {
    if (!Number.isSafeInteger(tier) || tier < 1) {
      throw new RangeError(
        `Cannot draw an arithmetic problem as 'tier' must be a positive integer: ` +
          `current value is ${tier}`,
      );
    }
    while (true) {
      const start = random.int(MODULUS);
      const steps = Array.from({ length: tier }, (): ArithmeticStep => {
        const operator = random.pick(OPERATORS);
        return [operator, random.pick(OPERANDS[operator])];
      });
      const problem = this.build(start, steps);
      if (this.split(problem) === split) return problem;
    }
  }

  /** The problem with this start (0 to 99) and these steps. */
  build(start: number, steps: readonly ArithmeticStep[]): Problem {
    const expression = start + steps.map((step) => step.join("")).join("");
    let value = start;
    let trace = "<think>";
    for (const step of steps) {
      const result = apply(value, step);
      trace += `${value}${step.join("")}=${result};`;
      value = result;
    }
    return {
      id: `${this.name}/${expression}`,
      prompt: `Q:${expression}?`,
      answer: String(value),
      trace,
      tier: steps.length,
    };
  }

  /** The side on which a problem stands: a stable hash of its prompt decides. */
  split(problem: Problem): Split {
    return hashText(problem.prompt) % HELD_OUT_SHARE === 0 ? "heldout" : "train";
  }

  /**
   * A held-out set without duplicates. Throws if the tiers do not have as many problems
   * (tier 1 has about 190).
   */
  heldOut(options: HeldOutOptions): Problem[] {
    return heldOutProblems(this, options);
  }

  /**
   * Works a problem out again from its prompt alone. Returns why its answer or trace is wrong,
   * or null if both are right.
   */
  check(problem: Problem): string | null {
    const match = /^Q:(\d{1,2})((?:[-+*]\d)+)\?$/.exec(problem.prompt);
    if (match === null) return `prompt '${problem.prompt}' is not an arithmetic chain`;
    const steps = [...match[2].matchAll(/([-+*])(\d)/g)]
      .map(([, operator, operand]): ArithmeticStep => [
        operator as ArithmeticOperator,
        Number(operand),
      ]);
    const gold = this.build(Number(match[1]), steps);
    if (gold.answer !== problem.answer) {
      return `answer is '${problem.answer}' and should be '${gold.answer}'`;
    }
    if (gold.trace !== problem.trace) {
      return `trace is '${problem.trace}' and should be '${gold.trace}'`;
    }
    return null;
  }
}
