import { ProgrammingTask } from "../../src/data/programming.ts";
import { Random } from "../../src/data/random.ts";
import { type Problem, solutionText, type StdinCase } from "../../src/data/types.ts";
import { codeFormatReward } from "../../src/rewards/code_format.ts";
import { splitAtTags } from "../../src/rewards/sections.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertNotEquals,
  assertThrows,
} from "../../src/std/assert.ts";
import { maybeTest } from "../support.ts";

const task = new ProgrammingTask();

function draw(count: number, tier: number, split: "train" | "heldout", seed = 0): Problem[] {
  const random = new Random(seed, split);
  return Array.from({ length: count }, () => task.problem(random, tier, split));
}

function casesOf({ tests }: Problem): readonly StdinCase[] {
  assert(tests?.kind === "stdin");
  assertEquals(tests.language, "python");
  return tests.cases;
}

/** The program of a problem's gold answer. */
function programOf({ answer }: Problem): string {
  const match = /^```python\n([^]*)\n```$/.exec(answer);
  assert(match !== null, answer);
  return match[1];
}

Deno.test("programming: the worked example of a list", () => {
  const problem = task.build("list%10", ["add 3", "times 7", "drop 2", "minus 4", "sum"])!;
  const { tests: _, ...text } = problem;
  assertEquals(text, {
    id: "programming/list%10;add 3;times 7;drop 2;minus 4;sum",
    prompt: "Q:list%10;add 3;times 7;drop 2;minus 4;sum?",
    answer: "```python\nx=list(map(int,input().split()))\n" +
      "print(sum([(7*v+7)%10 for v in x[2:]]))\n```",
    trace: "<think>add 3:[(1*v+3)%10 for v in x[0:]]\n" +
      "times 7:[(7*v+1)%10 for v in x[0:]]\n" +
      "drop 2:[(7*v+1)%10 for v in x[2:]]\n" +
      "minus 4:[(7*v+7)%10 for v in x[2:]]\n" +
      "sum:sum([(7*v+7)%10 for v in x[2:]])\n",
    tier: 5,
  });
  for (const { input, output } of casesOf(problem)) {
    const rest = input.trim().split(" ").map(Number).slice(2);
    const sum = rest.map((v) => ((v + 3) * 7 - 4 + 100) % 10).reduce((a, b) => a + b);
    assertEquals(output, `${sum}\n`);
  }
});

Deno.test("programming: the worked examples of a number and a text", () => {
  const number = task.build("number%10", ["minus 4", "times 3"])!;
  assertEquals(number.trace, "<think>minus 4:(1*x+6)%10\ntimes 3:(3*x+8)%10\n");
  assertEquals(programOf(number), "x=int(input())\nprint((3*x+8)%10)");

  // What is turned around is cut at its other end.
  const text = task.build("text", ["drop 3", "reverse", "drop 2", "swap"])!;
  assertEquals(programOf(text), "x=input()\nprint(x[3:len(x)-2][::-1].swapcase())");
  for (const { input, output } of casesOf(text)) {
    const [first] = [...input.trim().slice(3)].reverse().slice(2);
    assertEquals(output[0].toLowerCase(), first.toLowerCase());
    assertNotEquals(output[0], first);
    assertEquals(output.length, input.length - 5);
  }
});

Deno.test("programming: a list is printed element by element", () => {
  const problem = task.build("list%10", ["drop 1"])!;
  assert(programOf(problem).endsWith("print(*[(1*v+0)%10 for v in x[1:]])"));
  for (const { input, output } of casesOf(problem)) {
    assertEquals(output.trim().split(" "), input.trim().split(" ").slice(1).map((v) => v.at(-1)));
  }
});

Deno.test("programming: every problem is of its tier and side, with five different outputs", () => {
  for (const split of ["train", "heldout"] as const) {
    for (const tier of [1, 2, 5, 8, 12]) {
      for (const problem of draw(60, tier, split)) {
        assertEquals(problem.tier, tier);
        assertEquals(task.split(problem), split);
        assertEquals(problem.trace.split("\n").length - 1, tier);
        const cases = casesOf(problem);
        assertEquals(new Set(cases.map(({ output }) => output)).size, 5);
        assert(cases.every(({ output }) => output.trim() !== ""));
      }
    }
  }
});

Deno.test("programming: the gold solution has the code format, and its program the last expression", () => {
  for (const problem of draw(100, 4, "train")) {
    const completion = solutionText(problem);
    const sample = { prompt: problem.prompt, completion, completionIds: [], given: 0, problem };
    assertEquals((codeFormatReward.score as (s: typeof sample) => number)(sample), 1);
    const [, thought, , answer] = splitAtTags(completion)!;
    const last = thought.trim().split("\n").at(-1)!;
    assert(answer.includes(last.slice(last.indexOf(":") + 1)));
  }
});

Deno.test("programming: a chain with a step that hardly ever counts is no problem", () => {
  // The maximum is hardly ever among the four numbers that are left out, each of them.
  assertEquals(task.build("list%10", ["drop 1", "drop 1", "drop 1", "drop 1", "max"]), null);
  assertEquals(task.build("list%10", ["drop 1", "drop 1", "drop 1", "drop 1", "sum"])?.tier, 5);
});

/** Runs programs on inputs; one list of outputs a program. */
const RUNNER = `
import sys, json, io, contextlib
results = []
for source, inputs in json.load(sys.stdin):
    code, outputs = compile(source, "program", "exec"), []
    for given in inputs:
        printed = io.StringIO()
        sys.stdin = io.StringIO(given)
        with contextlib.redirect_stdout(printed):
            exec(code, {})
        outputs.append(printed.getvalue())
    results.append(outputs)
print(json.dumps(results))
`;

async function runPython(jobs: readonly [string, readonly string[]][]): Promise<string[][]> {
  const child = new Deno.Command("python3", {
    args: ["-I", "-c", RUNNER],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(jobs)));
  await writer.close();
  const { stdout, stderr, success } = await child.output();
  assert(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

function hasPython(): boolean {
  try {
    return new Deno.Command("python3", { args: ["-I", "-c", ""] }).outputSync().success;
  } catch {
    return false;
  }
}

const noPython = hasPython() ? undefined : "there is no python3 here";

maybeTest("programming: in Python every gold program passes all its tests", noPython, async () => {
  const problems = [1, 2, 3, 4, 6, 8, 10, 12].flatMap((tier) => [
    ...draw(40, tier, "train", tier),
    ...draw(40, tier, "heldout", tier),
  ]);
  const outputs = await runPython(
    problems.map((p) => [programOf(p), casesOf(p).map(({ input }) => input)]),
  );
  for (const [i, problem] of problems.entries()) {
    assertEquals(outputs[i], casesOf(problem).map(({ output }) => output), problem.prompt);
  }
});

maybeTest(
  "programming: in Python a program without one step fails every test",
  noPython,
  async () => {
    const shorter: [Problem, Problem][] = draw(150, 5, "train", 3).flatMap((problem) => {
      const [input, ...steps] = problem.prompt.slice(2, -1).split(";");
      return steps.flatMap((_, left): [Problem, Problem][] => {
        const other = task.build(input as "text", steps.filter((_, i) => i !== left));
        return other === null ? [] : [[problem, other]];
      });
    });
    assertGreater(shorter.length, 500);
    const outputs = await runPython(
      shorter.map(([problem, other]) => [programOf(other), casesOf(problem).map((c) => c.input)]),
    );
    for (const [i, [problem, other]] of shorter.entries()) {
      for (const [k, { output }] of casesOf(problem).entries()) {
        assertNotEquals(
          outputs[i][k],
          output,
          `${problem.prompt} by the program of ${other.prompt}`,
        );
      }
    }
  },
);

Deno.test("programming: the same stream gives the same problems, another seed others", () => {
  assertEquals(draw(50, 7, "train"), draw(50, 7, "train"));
  assertNotEquals(draw(50, 7, "train"), draw(50, 7, "train", 1));
});

Deno.test("programming: train and held-out problems are disjoint in every tier", () => {
  for (const tier of [1, 2, 3, 7]) {
    const train = new Set(draw(1_000, tier, "train").map((problem) => problem.id));
    const heldOut = task.heldOut({ tiers: [tier], count: tier === 1 ? 2 : 40, seed: 9 });
    assert(heldOut.every((problem) => !train.has(problem.id)));
  }
});

Deno.test("programming: a held-out set has no duplicates and spreads over its tiers", () => {
  const problems = task.heldOut({ tiers: [6, 7], count: 501, seed: 0 });
  assertEquals(new Set(problems.map((problem) => problem.id)).size, 501);
  assertEquals(problems.filter((problem) => problem.tier === 6).length, 251);
  assertEquals(problems, task.heldOut({ tiers: [6, 7], count: 501, seed: 0 }));
  for (const input of ["number%10", "list%10", "text"]) {
    const count = problems.filter(({ prompt }) => prompt.startsWith(`Q:${input};`)).length;
    assertLess(Math.abs(count - 167), 60);
  }
});

Deno.test("programming: bad arguments are refused by name", () => {
  const random = new Random(0);
  assertThrows(() => task.problem(random, 0, "train"), RangeError, "'tier'");
  assertThrows(() => task.problem(random, 1.5, "train"), RangeError, "current value is 1.5");
  assertThrows(() => task.heldOut({ tiers: [], count: 1, seed: 0 }), RangeError, "'tiers'");
  assertThrows(() => task.heldOut({ tiers: [1], count: 0, seed: 0 }), RangeError, "'count'");
  assertThrows(
    () => task.heldOut({ tiers: [1], count: 1_000, seed: 0 }),
    RangeError,
    "tier 1 has no more of them",
  );
  for (const step of ["drop", "drop 4", "drop 2 2", "swap 1", "add 3", "toString", ""]) {
    assertThrows(() => task.build("text", [step]), RangeError, `current value is '${step}'`);
  }
  assertThrows(() => task.build("list%10", ["sum", "add 2"]), RangeError, "step 1");
});
