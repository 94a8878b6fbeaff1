/**
 * The built-in programming task: small programs from standard input to standard output, each one
 * expression that folds a chain of steps on a number, a list of numbers or a text.
 *
 * ```
 * prompt      Q:list%10;add 3;times 7;drop 2;minus 4;sum?
 * completion  <think>add 3:[(1*v+3)%10 for v in x[0:]]
 *             times 7:[(7*v+1)%10 for v in x[0:]]
 *             drop 2:[(7*v+1)%10 for v in x[2:]]
 *             minus 4:[(7*v+7)%10 for v in x[2:]]
 *             sum:sum([(7*v+7)%10 for v in x[2:]])
 *             </think><answer>```python
 *             x=list(map(int,input().split()))
 *             print(sum([(7*v+7)%10 for v in x[2:]]))
 *             ```</answer>   and the end token
 * trace       all before </think>
 * ```
 *
 * The tier is the number of steps. `%10` says that numbers are taken modulo 10 from the first on, so
 * that a chain of any length folds into one factor and one term; `sum`, `max` and `min` end a chain.
 * Texts are cut at either end, turned around and have their case swapped; what was turned around is
 * cut at its other end.
 *
 * **Hardly anything passes by luck.** A problem has five tests with five different outputs, and in
 * each of them every step counts: without any one of them another output comes out. A chain for
 * which no such inputs are found is not a problem. A guess at factor and term is right once in 40
 * times. The expected outputs come from doing the steps one by one, never from the folded program.
 *
 * **Train and held-out sets are disjoint by construction**, as those of the arithmetic task are: a
 * stable hash of the prompt decides the side.
 */

import {
  type BuiltInTask,
  type HeldOutOptions,
  heldOutProblems,
  type Split,
} from "./built_in_task.ts";
import { hashText, Random } from "./random.ts";
import type { Problem, StdinCase } from "./types.ts";

/** What a program reads. */
export type ProgrammingInput = "number%10" | "list%10" | "text";

type Value = number | readonly number[] | string;

/** The steps done so far, folded into one expression in `x`. */
interface Folded {
  /** Numbers and elements of lists are (factor · v + term) mod 10. */
  readonly factor: number;
  /** See `factor`. */
  readonly term: number;
  /** Elements or letters of the input that are left out at its start. */
  readonly start: number;
  /** Letters of the input that are left out at its end. */
  readonly end: number;
  /** Whether a text is turned around. */
  readonly reversed: boolean;
  /** Whether a text's case is swapped. */
  readonly swapped: boolean;
  /** The function that is taken of a list at last, or none. */
  readonly total: string;
}

/** What a step does: to a value, and to the expression for all steps before it. */
interface Operation {
  /** The arguments that it may have; empty if it has none. */
  readonly choices: readonly number[];
  /** The value after it. */
  apply(value: Value, argument: number): Value;
  /** The expression after it. */
  fold(before: Folded, argument: number): Partial<Folded>;
  /** Whether nothing may follow. */
  readonly last?: boolean;
}

/** A step of a chain, such as `drop 2`. */
interface Step {
  readonly text: string;
  readonly operation: Operation;
  readonly argument: number;
}

const MODULUS = 10;
/** One problem in this many is held out. */
const HELD_OUT_SHARE = 10;
/** Tests of a problem. */
const CASES = 5;
/** Inputs that are tried to find them. */
const CANDIDATES = 16;
const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

function modulo(value: number): number {
  return ((value % MODULUS) + MODULUS) % MODULUS;
}

/** A number, or every element of a list, modulo 10. */
function reduced(value: Exclude<Value, string>): Value {
  return typeof value === "number" ? modulo(value) : value.map(modulo);
}

/** An operation on a number, or on every element of a list. */
function onNumbers(
  choices: readonly number[],
  apply: (value: number, argument: number) => number,
  fold: Operation["fold"],
): Operation {
  return {
    choices,
    apply: (value, k) =>
      typeof value === "number"
        ? modulo(apply(value, k))
        : (value as readonly number[]).map((v) => modulo(apply(v, k))),
    fold,
  };
}

function onText(
  choices: readonly number[],
  apply: (value: string, argument: number) => string,
  fold: Operation["fold"],
): Operation {
  return { choices, apply: (value, k) => apply(value as string, k), fold };
}

/** What ends a chain on a list. */
function ofList(total: string, apply: (value: readonly number[]) => number): Operation {
  return {
    choices: [],
    apply: (value) => apply(value as readonly number[]),
    fold: () => ({ total }),
    last: true,
  };
}

function swapCase(text: string): string {
  return text.replace(/[A-Za-z]/g, (c) => c < "a" ? c.toLowerCase() : c.toUpperCase());
}

const SMALL = [2, 3, 4, 5, 6, 7, 8, 9];
const numeric: Readonly<Record<string, Operation>> = {
  add: onNumbers(SMALL, (v, k) => v + k, ({ term }, k) => ({ term: modulo(term + k) })),
  minus: onNumbers(SMALL, (v, k) => v - k, ({ term }, k) => ({ term: modulo(term - k) })),
  // Units of the ring, so that no product forgets what came before it.
  times: onNumbers([3, 7, 9], (v, k) => v * k, ({ factor, term }, k) => ({
    factor: modulo(factor * k),
    term: modulo(term * k),
  })),
};

/** The operations on each kind of input, by name. */
const OPERATIONS: Readonly<Record<ProgrammingInput, Readonly<Record<string, Operation>>>> = {
  "number%10": numeric,
  "list%10": {
    ...numeric,
    drop: {
      choices: [1, 2],
      apply: (value, k) => (value as readonly number[]).slice(k),
      fold: ({ start }, k) => ({ start: start + k }),
    },
    sum: ofList("sum", (value) => value.reduce((a, b) => a + b, 0)),
    max: ofList("max", (value) => Math.max(...value)),
    min: ofList("min", (value) => Math.min(...value)),
  },
  text: {
    drop: onText(
      [1, 2, 3],
      (text, k) => text.slice(k),
      ({ start, end, reversed }, k) => reversed ? { end: end + k } : { start: start + k },
    ),
    cut: onText(
      [1, 2, 3],
      (text, k) => text.slice(0, text.length - k),
      ({ start, end, reversed }, k) => reversed ? { start: start + k } : { end: end + k },
    ),
    reverse: onText(
      [],
      (text) => [...text].reverse().join(""),
      ({ reversed }) => ({ reversed: !reversed }),
    ),
    swap: onText([], swapCase, ({ swapped }) => ({ swapped: !swapped })),
  },
};

const INPUTS = Object.keys(OPERATIONS) as ProgrammingInput[];

const READ: Readonly<Record<ProgrammingInput, string>> = {
  "number%10": "int(input())",
  "list%10": "list(map(int,input().split()))",
  text: "input()",
};

/** Every word of the task's prompts. */
export const PROGRAMMING_WORDS: readonly string[] = [
  ...new Set([
    "%10",
    ...INPUTS.flatMap((input) => [input.split("%")[0], ...Object.keys(OPERATIONS[input])]),
  ]),
];

/** The Python expression in `x` of what is folded. */
function expression(input: ProgrammingInput, folded: Folded): string {
  const { factor, term, start, end, reversed, swapped, total } = folded;
  switch (input) {
    case "number%10":
      return `(${factor}*x+${term})%10`;
    case "list%10": {
      const list = `[(${factor}*v+${term})%10 for v in x[${start}:]]`;
      return total === "" ? list : `${total}(${list})`;
    }
    case "text":
      return `x[${start}:len(x)-${end}]${reversed ? "[::-1]" : ""}${swapped ? ".swapcase()" : ""}`;
  }
}

/** The steps that texts such as `drop 2` stand for; throws for one that is none. */
function readSteps(input: ProgrammingInput, texts: readonly string[]): Step[] {
  return texts.map((text, i) => {
    const [name, ...rest] = text.split(" ");
    const operation = Object.hasOwn(OPERATIONS[input], name) ? OPERATIONS[input][name] : undefined;
    const argument = rest.length === 0 ? 0 : Number(rest[0]);
    const fits = operation !== undefined && !(operation.last && i < texts.length - 1) &&
      (operation.choices.length === 0
        ? text === name
        : operation.choices.some((choice) => text === `${name} ${choice}`));
    if (!fits) {
      throw new RangeError(
        `Cannot build a programming problem as step ${i + 1} must be one on ${input}: ` +
          `current value is '${text}'`,
      );
    }
    return { text, operation, argument };
  });
}

/** What a program prints. */
function printed(value: Value): string {
  return `${Array.isArray(value) ? value.join(" ") : value}\n`;
}

/** The output for an input when the steps are done one by one, but for the one at `left`. */
function outputOf(input: Value, steps: readonly Step[], left = -1): string {
  let value = typeof input === "string" ? input : reduced(input);
  for (const [i, { operation, argument }] of steps.entries()) {
    if (i !== left) value = operation.apply(value, argument);
  }
  return printed(value);
}

/** An input that has something left after all steps. */
function drawInput(random: Random, input: ProgrammingInput, { start, end }: Folded): Value {
  const length = start + end + 3 + random.int(4);
  switch (input) {
    case "number%10":
      return random.int(100);
    case "list%10":
      return Array.from({ length }, () => random.int(100));
    case "text":
      return Array.from({ length }, () => random.pick([...LETTERS])).join("");
  }
}

/** Tests with different outputs in each of which every step counts; null if too few are found. */
function findCases(
  input: ProgrammingInput,
  steps: readonly Step[],
  folded: Folded,
  random: Random,
): StdinCase[] | null {
  const cases: StdinCase[] = [];
  for (let left = CANDIDATES; cases.length + left >= CASES; left--) {
    const value = drawInput(random, input, folded);
    const output = outputOf(value, steps);
    if (steps.some((_, i) => outputOf(value, steps, i) === output)) continue;
    if (cases.some((other) => other.output === output)) continue;
    cases.push({ input: printed(value), output });
    if (cases.length === CASES) return cases;
  }
  return null;
}

/**
 * The built-in programming task: an endless, seeded and verifiable source of problems.
 *
 * ```ts
 * import { Random } from "./random.ts";
 *
 * const task = new ProgrammingTask();
 * const problem = task.problem(new Random(0), 4, "train");
 * const benchmark = task.heldOut({ tiers: [7, 8], count: 500, seed: 0 });
 * ```
 */
export class ProgrammingTask implements BuiltInTask {
  /** The task's name, with which every problem id begins. */
  readonly name: string = "programming";

  /**
   * Draws a problem of a tier (an integer of 1 or more) from one side of the split. The stream
   * alone decides which, so the same stream gives the same problem in every run.
   */
  problem(random: Random, tier: number, split: Split): Problem {
    if (!Number.isSafeInteger(tier) || tier < 1) {
      throw new RangeError(
        `Cannot draw a programming problem as 'tier' must be a positive integer: ` +
          `current value is ${tier}`,
      );
    }
    while (true) {
      const input = random.pick(INPUTS);
      const names = Object.keys(OPERATIONS[input]);
      const steps = Array.from({ length: tier }, (_, i) => {
        const ends = i === tier - 1 && random.int(2) === 0 && input === "list%10";
        const name = random.pick(
          names.filter((n) => (OPERATIONS[input][n].last ?? false) === ends),
        );
        const { choices } = OPERATIONS[input][name];
        return choices.length === 0 ? name : `${name} ${random.pick(choices)}`;
      });
      const problem = this.build(input, steps);
      if (problem !== null && this.split(problem) === split) return problem;
    }
  }

  /**
   * The problem of reading an input and doing these steps, such as `drop 2`; null if no tests are
   * found in which every step counts.
   *
   * @throws {RangeError} for a step that the input does not have.
   */
  build(input: ProgrammingInput, steps: readonly string[]): Problem | null {
    const chain = readSteps(input, steps);
    const prompt = `Q:${[input, ...steps].join(";")}?`;
    let folded: Folded = {
      factor: 1,
      term: 0,
      start: 0,
      end: 0,
      reversed: false,
      swapped: false,
      total: "",
    };
    let trace = "<think>";
    for (const { text, operation, argument } of chain) {
      folded = { ...folded, ...operation.fold(folded, argument) };
      trace += `${text}:${expression(input, folded)}\n`;
    }
    const cases = findCases(input, chain, folded, new Random(hashText(prompt), "tests"));
    if (cases === null) return null;
    const result = expression(input, folded);
    const print = input === "list%10" && folded.total === "" ? `*${result}` : result;
    return {
      id: `${this.name}/${prompt.slice(2, -1)}`,
      prompt,
      answer: `\`\`\`python\nx=${READ[input]}\nprint(${print})\n\`\`\``,
      trace,
      tier: chain.length,
      tests: { kind: "stdin", language: "python", cases },
    };
  }

  /** The side on which a problem stands: a stable hash of its prompt decides. */
  split(problem: Problem): Split {
    return hashText(problem.prompt) % HELD_OUT_SHARE === 0 ? "heldout" : "train";
  }

  /** A held-out set without duplicates. Throws if the tiers do not have as many problems. */
  heldOut(options: HeldOutOptions): Problem[] {
    return heldOutProblems(this, options);
  }
}
