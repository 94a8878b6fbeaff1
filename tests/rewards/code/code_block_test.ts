import { codeBlocks, languageName, programOf } from "../../../src/rewards/code/code_block.ts";
import { assertEquals } from "../../../src/std/assert.ts";

Deno.test("codeBlocks: closed blocks that are not empty, with their labels", () => {
  const text = [
    "Here:",
    "```python",
    "x = 1",
    "",
    "y = 2",
    "```",
    "and",
    "```",
    "plain",
    "```",
    "1. in a list",
    "   ```C++ title=a",
    "   int x;",
    "     int y;",
    "   ```",
    "```js",
    "",
    "```",
    "```python",
    "cut off",
  ];
  const expected = [
    { label: "python", code: "x = 1\n\ny = 2" },
    { label: "", code: "plain" },
    { label: "c++", code: "int x;\n  int y;" },
  ];
  assertEquals(codeBlocks(text.join("\n")), expected);
  assertEquals(codeBlocks(text.join("\r\n")), expected);
});

Deno.test("codeBlocks: a fence inside a program does not end it", () => {
  const code = 'def f():\n    """\n    ```\n    f()\n    ```\n    """\n    s = "```"\n    return s';
  assertEquals(codeBlocks(`\`\`\`python\n${code}\n\`\`\``), [{ label: "python", code }]);
});

Deno.test("programOf: the last block of the answer in the language of the tests", () => {
  const py = (code: string) => `\`\`\`python\n${code}\n\`\`\`\n`;
  const cases: [completion: string, program: string | null][] = [
    [`<think>x</think><answer>${py("a")}</answer>`, "a"],
    [`<think>x</think><answer>${py("a")}${py("b")}</answer>`, "b"],
    [`<think>${py("a")}</think><answer>b</answer>`, null], // in the thinking only
    [`<think>x</think>${py("a")}<answer>none</answer>`, null], // not where the answer belongs
    [`<think>x</think><answer>${py("a")}`, null], // cut off
    [`<think>x</think><answer>\`\`\`python\na</answer>`, null],
    [`<think>x</think><answer>${py("a")}</answer><answer>${py("b")}</answer>`, null],
    [`So:\n${py("a")}`, "a"], // plain style
    [`<think>${py("a")}</think>So:\n${py("b")}`, "b"],
    [`<think>${py("a")}`, null], // still thinking
    [`${py("a")}\`\`\`text\nb\n\`\`\`\n`, "a"], // another language
    [`${py("a")}It prints\n\`\`\`\n5\n\`\`\`\n`, "a"], // no label, but there is one with it
    ["```\na\n```", "a"],
    ["```javascript\na\n```", null],
    ["```Python3\na\n```", "a"],
    [`${py("a")}\`\`\`python\ncut`, "a"],
    ["a", null],
    ["", null],
  ];
  for (const [completion, program] of cases) {
    assertEquals(programOf(completion, "python"), program, JSON.stringify(completion));
  }
  assertEquals(programOf("```c++\na\n```", "cpp"), "a");
  assertEquals(programOf("```lua\na\n```", "lua"), "a");
});

Deno.test("languageName: the spellings of data sets", () => {
  const names = ["Python", "python3", "PY", "js", "C++", "rust", "Lua"].map(languageName);
  assertEquals(names, ["python", "python", "python", "javascript", "cpp", "rust", "lua"]);
});
