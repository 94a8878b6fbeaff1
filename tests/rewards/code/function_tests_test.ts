import { codeExecutionReward } from "../../../src/rewards/code_execution.ts";
import { assert, assertEquals } from "../../../src/std/assert.ts";
import { maybeTest } from "../../support.ts";
import { DirectSandbox, noPython } from "./direct_sandbox.ts";
import { block, calls, sampleOf, scoreOf } from "./support.ts";

const twoSum = calls("twoSum", [
  { args: [[2, 7, 11, 15], 9], expected: [0, 1] },
  { args: [[3, 2, 4], 6], expected: [1, 2] },
]);

maybeTest("function tests: Python's functions and methods", noPython, async () => {
  await using sandbox = new DirectSandbox();
  const reward = codeExecutionReward({ sandbox });
  const grade = (code: string, tests = twoSum) => scoreOf(reward, sampleOf(block(code), tests));
  const body = `
        print("looking")
        seen = {}
        for i, n in enumerate(nums):
            if target - n in seen:
                return (seen[target - n], i)
            seen[n] = i`;
  // As on LeetCode: nothing imported, a tuple for a list, output of its own.
  const solution = `class Solution:
    def twoSum(self, nums: List[int], target: int) -> List[int]:${body}`;
  assertEquals(await grade(solution), 1);
  assertEquals(await grade(solution.replace("seen[n] = i", "seen[n] = i or 1")), 0.5);
  assertEquals(await grade(`def twoSum(nums, target):${body}`), 1);
  assertEquals(await grade(`def two_sum(nums, target):${body}`), 0);
  assertEquals(await grade("from __future__ import annotations\n" + solution), 1);
  // What runs as a script only does not run.
  const script =
    `${solution}\nif __name__ == "__main__":\n    print(Solution().twoSum([int(input())], 1))`;
  assertEquals(await grade(script), 1);

  const bad = ["class Solution", "def twoSum(nums, target): return nums.nothing", "twoSum = 3"];
  for (const code of bad) assertEquals(await grade(code), 0, code);

  // However much it prints.
  const noisy = "def f(x):\n    print('y' * 3_000_000, end='')\n    return x";
  assertEquals(await grade(noisy, calls("f", [{ args: [1], expected: 1 }])), 1);

  const identity = (cases: readonly unknown[]) =>
    calls("f", cases.map((value) => ({ args: [value], expected: value })));
  const values = [
    1,
    -1.5,
    true,
    null,
    "é😀\u2028\n",
    [],
    [[]],
    { a: { b: [1] } },
    "\ud800",
    2 ** 53,
  ];
  assertEquals(await grade("def f(x): return x", identity(values)), 1);
  const mean = calls("f", [{ args: [[1, 2]], expected: 1.5 }, { args: [[1, 1]], expected: 1 }]);
  assertEquals(await grade("def f(x): return sum(x) / len(x)", mean), 1);
  const powers = calls("f", [{ args: [2, 10], expected: 1024 }]);
  assertEquals(await grade("def f(a, b): return pow(a, b) % gcd(0, 10**9)", powers), 1);
});

maybeTest(
  "function tests: what a solution leaves running does not hold it",
  noPython,
  async () => {
    await using sandbox = new DirectSandbox();
    const reward = codeExecutionReward({ sandbox, limits: { timeoutMs: 5000 } });
    const code = `import threading, time
threading.Thread(target=lambda: time.sleep(60)).start()
def f(x): return x`;
    const begun = performance.now();
    assertEquals(
      await scoreOf(reward, sampleOf(block(code), calls("f", [{ args: [1], expected: 1 }]))),
      1,
    );
    assert(performance.now() - begun < 4000);
  },
);

Deno.test("function tests: JavaScript and TypeScript", async () => {
  await using sandbox = new DirectSandbox();
  const reward = codeExecutionReward({ sandbox });
  const tests = (language: string) =>
    calls("tell", [{ args: [1, [2, null]], expected: { sum: [3], text: "é" } }], language);
  const js =
    'console.log("hi");\nconst tell = async (a, [b]) => ({ sum: [a + b], text: "é" }); // done';
  assertEquals(await scoreOf(reward, sampleOf(block(js, "js"), tests("javascript"))), 1);
  const wrong = js.replace("a + b", "a - b");
  assertEquals(await scoreOf(reward, sampleOf(block(wrong, "js"), tests("javascript"))), 0);
  const ts = `class Solution {
  tell(a: number, [b]: number[]): unknown { return new Map<string, unknown>([["sum", [a + b]], ["text", "é"]]); }
}`;
  assertEquals(await scoreOf(reward, sampleOf(block(ts, "ts"), tests("typescript"))), 1);
  const refused = await scoreOf(
    reward,
    sampleOf(block(js, "js"), calls("a-b", [{ args: [], expected: 1 }], "javascript")),
  );
  assertEquals(refused, { ungraded: "its tests call 'a-b', which is no name of a function" });
});

maybeTest(
  "function tests: what is expected never enters the sandbox",
  noPython,
  async () => {
    await using sandbox = new DirectSandbox();
    const reward = codeExecutionReward({ sandbox });
    const expected = { answer: "a needle", number: 918273645 };
    const tests = calls("f", [{ args: ["hay"], expected }]);
    await scoreOf(reward, sampleOf(block("def f(x): return x"), tests));
    const others = calls("f", [{ args: ["hay"], expected }], "javascript");
    await scoreOf(reward, sampleOf(block("const f = (x) => x;", "js"), others));
    assertEquals(sandbox.ran.length, 2);
    const entered = JSON.stringify(sandbox.ran);
    assert(
      entered.includes("hay") && !entered.includes("needle") && !entered.includes("918273645"),
    );
  },
);
