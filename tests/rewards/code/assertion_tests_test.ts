import type { AssertionTests } from "../../../src/data/types.ts";
import { codeExecutionReward } from "../../../src/rewards/code_execution.ts";
import { assert, assertEquals } from "../../../src/std/assert.ts";
import { maybeTest } from "../../support.ts";
import { DirectSandbox, noPython } from "./direct_sandbox.ts";
import { assertions, block, sampleOf, scoreOf } from "./support.ts";

/** Cases: the tests, programs, and what each scores. */
type Case = [name: string, tests: AssertionTests, programs: [code: string, score: number][]];

const check = `
METADATA = {'author': 'us'}


def check(candidate):
    assert candidate([1, 2], 3) == [4, 5], "first: " + str(candidate([1, 2], 3))
    lst = list(range(10))
    assert candidate(lst, 0) == lst
    for x in range(3):
        assert candidate([x], x) == [x + x]
    assert True

check(shift)
`;

const stack = `class Stack:
    def __init__(self):
        self.items = []
    def push(self, x):
        self.items.append(x)
        return self
    def pop(self):
        return self.items.pop()
    def __len__(self):
        return len(self.items)
    def __contains__(self, x):
        return x in self.items
    def __iter__(self):
        return iter(self.items)
    def __getitem__(self, i):
        return self.items[i]
    def __setitem__(self, i, x):
        self.items[i] = x
    def __bool__(self):
        return bool(self.items)
    def __str__(self):
        return f"Stack{self.items}"`;

const useStack = `
s = Stack()
assert not s
s.push(1).push(2).push(3)
assert s and s.pop() == 3
assert len(s) == 2 and s.items == [1, 2]
assert 2 in s and 5 not in s
s[0] = 7
assert [x for x in s] == [7, 2] and s[1] == 2
assert str(s) == "Stack[7, 2]"
try:
    Stack().pop()
    assert False
except IndexError:
    pass
`;

const cases: Case[] = [
  [
    "comparisons of calls",
    assertions(["assert f(1) == 2", "assert f(2) == 3", "assert 4 == f(3)"]),
    [
      ["def f(x): return x + 1", 1],
      ["def f(x): return x + 1 if x < 3 else 0", 2 / 3],
      ["def f(x): return [2, 3, 4]", 0],
      ["def g(x): return x + 1", 0],
      ["def f(x): return x +", 0],
      ["def f(x): raise ValueError(x)", 0],
      ["raise SystemExit(0)", 0],
    ],
  ],
  ["check(candidate), with loops and messages", assertions([check], { entryPoint: "shift" }), [
    ["def shift(l, k): return [x + k for x in l]", 1],
    ["def shift(l, k): return [x + k for x in l] if k else []", 0],
  ]],
  [
    "truth and constants",
    assertions(["assert even(2)", "assert not even(3)", "assert even(4) is True"]),
    [
      ["def even(n): return n % 2 == 0", 1],
      ["def even(n): return 1 - n % 2", 2 / 3],
      ["def even(n): return None", 1 / 3],
    ],
  ],
  [
    "values of every kind",
    assertions([
      "assert f() == {1: (1, 2.5, None), 'a': {1, 2}, (1,): 1 + 2j, b'x': frozenset()}",
      "from fractions import Fraction\nassert g() == Fraction(1, 3)",
      "from collections import Counter\nassert h() == Counter('aab')",
      "assert isinstance(k(), int) and k() == 2 ** 100 and type(k() / 2) is float",
    ]),
    [[
      `from fractions import Fraction
from collections import Counter
def f(): return {1: (1, 2.5, None), 'a': {2, 1}, (1,): 1 + 2j, b'x': frozenset()}
def g(): return Fraction(2, 6)
def h(): return Counter('aba')
def k(): return 2 ** 100`,
      1,
    ]],
  ],
  ["a tuple is no list", assertions(["assert f() == (1, 2)", "assert list(f()) == [1, 2]"]), [
    ["def f(): return (1, 2)", 1],
    ["def f(): return [1, 2]", 0.5],
  ]],
  [
    "what calls give is looked into",
    assertions([
      "assert abs(f(1) - 0.1) < 1e-6",
      "x = f(2)\nif x > 1:\n    raise ValueError(x)\nassert round(x, 1) == 0.2",
    ]),
    [
      ["def f(x): return x / 10", 1],
      ["def f(x): return x / 5", 0],
      ["def f(x): return x / 10 if x == 1 else 2", 0.5],
    ],
  ],
  [
    "calls of what calls give",
    assertions(["assert decode(encode('abc')) == 'abc'", "assert add(1)(2) == 3"]),
    [
      ["def encode(s): return s[::-1]\ndecode = encode\ndef add(a): return lambda b: a + b", 1],
      ["def encode(s): return s + 'x'\ndef decode(s): return s\ndef add(a): return lambda b: a", 0],
    ],
  ],
  [
    "calls that depend on answers",
    assertions(["x = f(1)\nwhile x < 20:\n    x = f(x)\nassert x == 32"]),
    [
      ["def f(x): return 2 * x", 1],
      ["def f(x): return 3 * x", 0],
    ],
  ],
  [
    "arguments that are changed",
    assertions([
      "l = [3, 1, 2]\nassert sort(l) is None\nassert l == [1, 2, 3]",
      "l = [2, 1]\nsort(l)\nassert sort(l) is None and l[0] == 1",
      "d = {'a': [2, 1]}\nsort(d['a'])\nassert d == {'a': [1, 2]}",
    ]),
    [
      ["def sort(l): l.sort()", 1],
      ["def sort(l): return sorted(l)", 0],
    ],
  ],
  [
    "arguments that are changed before the next call",
    assertions(["l = [3, 1]\nassert sort(l) is None\nassert first(l) == 1"]),
    [
      ["def sort(l): l.sort()\ndef first(l): return l[0]", 1],
      ["def sort(l): pass\ndef first(l): return l[0]", 0],
    ],
  ],
  [
    "an assertion that fails whatever the solution does",
    assertions(["assert f(1) == 2\nassert 1 == 2", "assert f(1) == 2"]),
    [["def f(x): return x + 1", 0.5]],
  ],
  [
    "exceptions",
    assertions([
      "try:\n    f(-1)\n    ok = False\nexcept ValueError as error:\n    ok = 'negative' in str(error)\nassert ok",
      "try:\n    f(-1)\nexcept Exception:\n    pass",
    ]),
    [
      ["def f(x):\n    if x < 0: raise ValueError('negative')", 1],
      ["class Bad(ValueError): pass\ndef f(x): raise Bad('negative')", 1],
      ["def f(x): raise KeyError('negative')", 0.5],
      ["def f(x): return x", 0.5],
      ["def f(x): raise SystemExit('negative')", 0],
    ],
  ],
  ["objects of the solution's classes", assertions([useStack]), [
    [stack, 1],
    [stack.replace("self.items.pop()", "self.items.pop(0)"), 0],
  ]],
  [
    "a setup that uses the solution",
    assertions(["assert depth(root) == 2", "assert depth(None) == 0"], {
      setup: "root = Node(1)\nroot.left = Node(2)",
    }),
    [[
      `class Node:
    def __init__(self, value):
        self.value, self.left, self.right = value, None, None
def depth(node):
    return 0 if node is None else 1 + max(depth(node.left), depth(node.right))`,
      1,
    ]],
  ],
  [
    "a setup that helps the solution",
    assertions(["assert f(3) == 9", "assert square(2) == 4"], {
      setup: "import math\ndef square(x):\n    return math.prod([x, x])",
      entryPoint: "f",
    }),
    [
      ["def f(x): return square(x)", 1],
      // The tests use their own helper.
      ["def square(x): return x\ndef f(x): return square(x)", 0.5],
    ],
  ],
  [
    "random calls, the same every time",
    assertions([
      "import random\nfor _ in range(150):\n    n = random.randint(0, 10 ** 6)\n    assert f(n) == n * n",
      "import random\nn = random.random()\nassert abs(f(n) - n * n) < 1e-9",
    ]),
    [
      ["def f(n): return n * n", 1],
      ["def f(n): return n * n if n < 9 * 10 ** 5 else 0", 0.5],
    ],
  ],
  [
    "generators and other iterators",
    assertions([
      "assert list(f(3)) == [0, 1, 2] and sum(f(4)) == 6",
      "assert f(3) == [0, 1, 2]",
    ]),
    [
      ["def f(n): yield from range(n)", 0.5],
      ["def f(n): return map(int, range(n))", 0.5],
      ["def f(n): return list(range(n))", 1],
    ],
  ],
  [
    "types, and modules that nobody imported",
    assertions([
      "assert without((1, 'a', 2), int) == ['a']",
      "assert size([1]) == sys.getsizeof([1])",
    ]),
    [[
      `import sys
def without(items, kind): return [item for item in items if not isinstance(item, kind)]
def size(x): return sys.getsizeof(x)`,
      1,
    ]],
  ],
];

for (const [name, tests, programs] of cases) {
  maybeTest(`assertion tests: ${name}`, noPython, async () => {
    await using sandbox = new DirectSandbox();
    const reward = codeExecutionReward({ sandbox });
    for (const [code, score] of programs) {
      assertEquals(await scoreOf(reward, sampleOf(block(code), tests)), score, code);
    }
  });
}

maybeTest(
  "assertion tests: the problem is explored once, and most is compared here",
  noPython,
  async () => {
    await using sandbox = new DirectSandbox();
    const reward = codeExecutionReward({ sandbox });
    const tests = assertions([check], { entryPoint: "shift" });
    const programs = ["return [x + k for x in l]", "return l", "return [k]"];
    await Promise.all(
      programs.map((body) => scoreOf(reward, sampleOf(block(`def shift(l, k): ${body}`), tests))),
    );
    assertEquals(sandbox.ran.length, 1 + programs.length);

    // What one call gives and another takes is asked for at once, and judged at once.
    const chained = assertions(["assert round(half(double(3)), 1) == 3"]);
    const code = "def double(x): return 2 * x\ndef half(x): return x / 2";
    assertEquals(await scoreOf(reward, sampleOf(block(code), chained)), 1);
    assertEquals(sandbox.ran.length, 1 + programs.length + 3);
  },
);

maybeTest(
  "assertion tests: those that judge nothing leave the sample ungraded",
  noPython,
  async () => {
    await using sandbox = new DirectSandbox();
    const reward = codeExecutionReward({ sandbox });
    const cases: [tests: AssertionTests, reason: string][] = [
      [assertions(["assert 1 == 1"]), "its tests ask nothing of the program"],
      [assertions(["assert 1 == 2"]), "its tests judge no program: AssertionError: "],
      [assertions(["assert f(1"]), "its tests judge no program: SyntaxError: '(' was never closed"],
      [
        assertions(["import nowhere\nassert f(1)"]),
        "its tests judge no program: ModuleNotFoundError: No module named 'nowhere'",
      ],
      [
        assertions(["assert f(lambda x: x) == 1"]),
        "its tests judge no program: they hand it a value of type 'function'",
      ],
      [
        assertions(["if f(1) > 1:\n    assert f(len) == 1"]), // known only with the first answer
        "its tests judge no program: they hand it a value of type 'builtin_function_or_method'",
      ],
      [
        assertions(["n = 0\nwhile f(n) != n:\n    n += 1"]),
        "its tests went on asking, depending on every answer",
      ],
    ];
    for (const [tests, reason] of cases) {
      const score = await scoreOf(
        reward,
        sampleOf(block("def f(x): return x + 1 if x < 50 else x"), tests),
      );
      assertEquals(score, { ungraded: reason });
    }
  },
);

maybeTest("assertion tests: what they expect never meets the solution", noPython, async () => {
  await using sandbox = new DirectSandbox();
  const reward = codeExecutionReward({ sandbox });
  const tests = assertions([
    "assert f('hay') == 'needle one'",
    "x = f('hay')\nassert x.upper() == 'NEEDLE TWO'",
  ]);
  await scoreOf(reward, sampleOf(block("def f(x): return x"), tests));
  const solution = "return x";
  const together = sandbox.ran.filter((run) => JSON.stringify(run).includes(solution));
  assertEquals(together.length, 1);
  for (const run of together) assert(!/needle/i.test(JSON.stringify(run)), "it has met them");
  assert(sandbox.ran.some((run) => JSON.stringify(run).includes("needle one"))); // the judge has
});
