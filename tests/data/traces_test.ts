import {
  beforeBoxedAnswer,
  solutionTrace,
  takeReasoning,
  thinkingTrace,
  withoutFinalBox,
} from "../../src/data/traces.ts";
import { assert, assertEquals } from "../../src/std/assert.ts";
import { fc } from "../fast_check.ts";

Deno.test("takeReasoning: inside the tags, and whether they are closed", () => {
  assertEquals(takeReasoning("<think>\na\n</think>\n\nb"), { trace: "a", complete: true });
  assertEquals(takeReasoning("a</think>b"), { trace: "a", complete: true });
  assertEquals(takeReasoning("<think>a"), { trace: "a", complete: false });
  assertEquals(takeReasoning(" a "), { trace: "a", complete: true });
  for (const text of ["<think>a</think><answer>1</answer>", "a<answer>1</answer>"]) {
    assertEquals(takeReasoning(text), { trace: "a", complete: true, completion: text });
  }
});

Deno.test("beforeBoxedAnswer: ends before the sentence or paragraph of the first box", () => {
  const cases: [string, string][] = [
    ["We add. Then $x = 3.5$ holds. So it is $\\boxed{7}$.", "We add. Then $x = 3.5$ holds."],
    ["First this.\n\nTherefore\n\\[x = \\boxed{7}\\]", "First this."],
    ["One way gives 7. So $\\boxed{7}$. Another way: $\\boxed{7}$.", "One way gives 7."],
    ["So it is $\\boxed{7}$.", ""],
    ["We add. The answer is 7.", "We add."],
    ["We add.", "We add."],
    ["", ""],
  ];
  for (const [solution, expected] of cases) assertEquals(beforeBoxedAnswer(solution), expected);
});

Deno.test("withoutFinalBox: takes the box at the end, and keeps one on the way", () => {
  assertEquals(withoutFinalBox("Add.\n\n**Final Answer**\n\\boxed{7}"), "Add.");
  assertEquals(withoutFinalBox("Add. So it is \\boxed{7}.\n"), "Add.");
  const onTheWay = `Is it \\boxed{8}? ${"No, look again. ".repeat(10)}`;
  assertEquals(withoutFinalBox(onTheWay), onTheWay.trim());
  assertEquals(withoutFinalBox("Add."), "Add.");
});

Deno.test("traces: thinking in tags, broken thinking, solutions", () => {
  assertEquals(thinkingTrace("<think>Add. So \\boxed{7}.</think>7"), { trace: "Add." });
  assertEquals(thinkingTrace("<think>Add"), { trace: "" });
  assertEquals(solutionTrace("Add. So $\\boxed{7}$."), { trace: "Add." });
  assertEquals(solutionTrace("<think>Add.</think>So $\\boxed{7}$."), { trace: "Add." });
});

Deno.test("a solution's trace never holds a box, and is where the solution begins", () => {
  const piece = fc.constantFrom("We add. ", "\\boxed{7}", "\n\n", "$x$ ", "Is it? ", "=", "3.5 ");
  fc.assert(fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
    const solution = pieces.join("");
    const trace = beforeBoxedAnswer(solution);
    assert(!trace.includes("\\boxed"));
    assert(solution.trim().startsWith(trace));
  }));
});
