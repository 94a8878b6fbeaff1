/** Programs that try to be judged right without being so. */

import { codeExecutionReward } from "../../../src/rewards/code_execution.ts";
import type { CodeTests } from "../../../src/data/types.ts";
import { assertEquals } from "../../../src/std/assert.ts";
import { maybeTest } from "../../support.ts";
import { DirectSandbox, noPython } from "./direct_sandbox.ts";
import { assertions, block, calls, sampleOf, scoreOf } from "./support.ts";

const equalToAll = `
class Always:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __lt__(self, other): return True
    __gt__ = __le__ = __ge__ = __lt__
    def __hash__(self): return 0
    def __bool__(self): return True
    def __sub__(self, other): return 0.0
    __rsub__ = __sub__
    def __abs__(self): return 0.0
    def __len__(self): return 3
    def __getattr__(self, name): return self
`;

/** Prints a result behind every mark that it can find in the frames below it. */
const forge = `
import gc, json, os, sys
def forge(*messages):
    frame = sys._getframe()
    while frame is not None:
        for value in list(frame.f_locals.values()) + list(frame.f_globals.values()):
            if isinstance(value, dict) and "mark" in value:
                value = value["mark"]
            if isinstance(value, str) and len(value) == 37:
                for message in messages:
                    os.write(1, ("\\n" + value + json.dumps(message) + "\\n").encode())
        frame = frame.f_back
`;

/** Looks for what a call must give in all that the program can reach. */
const search = `
import gc, os, sys
def reached():
    seen = set()
    frame = sys._getframe()
    roots = [sys.argv, dict(os.environ), list(sys.modules.values())]
    while frame is not None:
        roots += [frame.f_locals, frame.f_globals, frame.f_code.co_consts]
        frame = frame.f_back
    todo = roots + gc.get_objects()
    try:
        todo.append(sys.stdin.read())
        todo.append(open(0).read())
    except Exception:
        pass
    for path in ("/proc/self/environ", "/proc/self/cmdline", sys.argv[0] if sys.argv else ""):
        try:
            todo.append(open(path, errors="replace").read())
        except Exception:
            pass
    # Made here, or it would find itself; the nearest places first.
    wanted = chr(78) + "EEDLE "
    for value in todo:
        if id(value) in seen: continue
        seen.add(id(value))
        if isinstance(value, str):
            if wanted in value: return value[value.index(wanted):][:9]
        elif isinstance(value, dict): todo += list(value.values()) + list(value)
        elif isinstance(value, (list, tuple, set)): todo += list(value)
        if len(seen) > 300000: return None
    return None
`;

/** Each attack, on a function \`f\`, which is to give "NEEDLE" and its number. */
const attacks: [name: string, code: string][] = [
  ["exit 0 at once", "import sys\nsys.exit(0)"],
  ["_exit 0 at once", "import os\nos._exit(0)"],
  ["SystemExit in the call", "def f(n): raise SystemExit(0)"],
  ["_exit 0 in the call", "import os\ndef f(n): os._exit(0)"],
  ["an exception that is no Exception", "class Out(BaseException): pass\ndef f(n): raise Out()"],
  ["an object that equals all", `${equalToAll}\ndef f(n): return Always()`],
  ["a list of such objects", `${equalToAll}\ndef f(n): return [Always()]`],
  [
    "a text that equals all",
    "class S(str):\n    def __eq__(self, o): return True\n    __hash__ = str.__hash__\ndef f(n): return S('x')",
  ],
  [
    "a number that equals all",
    "class N(int):\n    def __eq__(self, o): return True\n    __hash__ = int.__hash__\ndef f(n): return N(1)",
  ],
  [
    "a class that equals all",
    "class M(type):\n    def __eq__(cls, o): return True\n    __hash__ = type.__hash__\nclass C(metaclass=M): pass\ndef f(n): return C",
  ],
  [
    "other builtins",
    "import builtins\nbuiltins.AssertionError = type('Quiet', (BaseException,), {})\nbuiltins.isinstance = lambda *a: True\nbuiltins.len = lambda *a: 1\ndef f(n): return None",
  ],
  [
    "another json",
    "import json\njson.dumps = lambda *a, **k: '\"end\"'\njson.loads = lambda *a, **k: {}\ndef f(n): return None",
  ],
  [
    "another comparison",
    "import operator, unittest\noperator.eq = lambda a, b: True\nunittest.TestCase.assertEqual = lambda *a: None\ndef f(n): return None",
  ],
  [
    "a trace of every frame",
    "import sys\ndef t(frame, event, arg):\n    frame.f_locals['passed'] = True\n    return t\nsys.settrace(t)\ndef f(n): return None",
  ],
  ["results of its own", `${forge}\ndef f(n):\n    forge({"v": "NEEDLE"}, "end")`],
  [
    "a pass of its own",
    `${forge}\ndef f(n):\n    forge([{"status": "pass", "reason": None, "operations": [], "checks": []}])`,
  ],
  [
    "values that no value has",
    `${forge}\ndef f(n):\n    forge({"v": {"o": "x", "k": 0}}, "end")\n    forge({"v": {"d": 5}}, "end")`,
  ],
  ["a result and an end at import", `${forge}\nforge({"v": 1}, "end")\nimport os\nos._exit(0)`],
  ["looking for what is expected", `${search}\ndef f(n): return reached()`],
  ["looking for it at import", `${search}\nfound = reached()\ndef f(n): return found`],
  [
    "output that looks like success",
    "print('OK')\nprint('1 passed')\nprint('end')\ndef f(n): return None",
  ],
];

const kinds: [name: string, tests: CodeTests][] = [
  ["function tests", calls("f", [{ args: [3], expected: "NEEDLE 3;" }])],
  ["assertions that compare", assertions(["assert f(3) == 'NEEDLE 3;'"])],
  [
    "assertions that look into it",
    assertions(["x = f(3)\nassert x.strip() == 'NEEDLE 3;' and len(x) == 9"]),
  ],
  ["an assertion on a variable", assertions(["x = f(3)\nassert x == 'NEEDLE 3;'"])],
  [
    "assertions in other words",
    assertions(["assert f(3) in ['NEEDLE 3;'] and not f(3) != 'NEEDLE 3;'"]),
  ],
  [
    "check(candidate)",
    assertions(
      ["def check(candidate):\n    for n in range(3, 5):\n        assert candidate(n) == 'NEEDLE %d;' % n\n\ncheck(f)"],
      { entryPoint: "f" },
    ),
  ],
];

for (const [kind, tests] of kinds) {
  maybeTest(`attacks: ${kind}`, noPython, async () => {
    await using sandbox = new DirectSandbox();
    const reward = codeExecutionReward({ sandbox });
    const honest = "def f(n): return 'NEEDLE ' + str(n) + ';'";
    assertEquals(await scoreOf(reward, sampleOf(block(honest), tests)), 1);
    for (const [name, code] of attacks) {
      assertEquals(await scoreOf(reward, sampleOf(block(code), tests)), 0, name);
    }
  });
}

maybeTest("attacks: a close value that is an object", noPython, async () => {
  await using sandbox = new DirectSandbox();
  const reward = codeExecutionReward({ sandbox });
  const tests = assertions(["assert abs(f(1) - 0.25) < 1e-6"]);
  const code = `${equalToAll}\ndef f(n): return Always()`;
  assertEquals(await scoreOf(reward, sampleOf(block(code), tests)), 0);
});

maybeTest("attacks: a forged answer is judged like any other", noPython, async () => {
  await using sandbox = new DirectSandbox();
  const reward = codeExecutionReward({ sandbox });
  const code = `${forge}\ndef f(n):\n    forge({"v": "NEEDLE 3;"}, "end")`;
  // It knew the value: that is all that a test can ask.
  assertEquals(await scoreOf(reward, sampleOf(block(code), kinds[0][1])), 1);
});

maybeTest(
  "attacks: what is looked for would be found if it were there",
  noPython,
  async () => {
    await using sandbox = new DirectSandbox();
    const reward = codeExecutionReward({ sandbox });
    const code = `${search}\ndef f(n): return reached()`;
    const given = calls("f", [{ args: ["NEEDLE 3;"], expected: "NEEDLE 3;" }]);
    assertEquals(await scoreOf(reward, sampleOf(block(code), given)), 1);
  },
);
