import { presentProblem } from "../../src/data/present.ts";
import { type Problem, solutionText } from "../../src/data/types.ts";
import { assertEquals } from "../../src/std/assert.ts";

const problem: Problem = {
  id: "gsm8k/1",
  prompt: "How many eggs?",
  answer: "12",
  trace: " Six hens lay two each. ",
  tier: 1,
};
const render = (question: string) => `<|user|>${question}<|assistant|>`;

Deno.test("tags: the trace opens its section and ends before the answer", () => {
  const presented = presentProblem(problem, { render, opensThink: false, style: "tags" });
  assertEquals(presented.prompt, "<|user|>How many eggs?<|assistant|>");
  assertEquals(presented.trace, "<think>\nSix hens lay two each.\n");
  assertEquals(
    solutionText(presented),
    "<think>\nSix hens lay two each.\n</think>\n<answer>\n12\n</answer>",
  );
});

Deno.test("a template that opens the section leaves it out of trace and completion", () => {
  const presented = presentProblem(problem, { render, opensThink: true, style: "tags" });
  assertEquals(presented.trace, "Six hens lay two each.\n");
  assertEquals(
    solutionText(presented),
    "Six hens lay two each.\n</think>\n<answer>\n12\n</answer>",
  );
  const plain = presentProblem(problem, { render, opensThink: true, style: "plain" });
  assertEquals(
    solutionText(plain),
    "Six hens lay two each.\n</think>\n\nThe answer is $\\boxed{12}$.",
  );
});

Deno.test("plain: no tags, the answer in a box", () => {
  const presented = presentProblem(problem, { render, opensThink: false, style: "plain" });
  assertEquals(presented.trace, "Six hens lay two each.\n\n");
  assertEquals(solutionText(presented), "Six hens lay two each.\n\nThe answer is $\\boxed{12}$.");
});

Deno.test("a trace with tags of its own gives what is inside them", () => {
  for (const trace of ["<think>\nTwo each.\n</think>\nTwelve.", "Two each.</think>Twelve."]) {
    const presented = presentProblem({ ...problem, trace }, {
      render,
      opensThink: false,
      style: "tags",
    });
    assertEquals(presented.trace, "<think>\nTwo each.\n", trace);
  }
});

Deno.test("without a trace there is no completion of a teacher", () => {
  const presented = presentProblem({ ...problem, trace: "  " }, {
    render,
    opensThink: false,
    style: "tags",
  });
  assertEquals(presented.trace, "");
  assertEquals(presented.completion, undefined);
});
