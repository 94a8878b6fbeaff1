import type { Problem } from "../../src/data/types.ts";
import { multipleChoiceReward } from "../../src/rewards/multiple_choice.ts";
import type { RewardContext } from "../../src/rewards/reward.ts";
import { loadProblems } from "../../src/data/source.ts";
import { assert, assertEquals } from "../../src/std/assert.ts";
import { noSharedData, SHARED_DATA, source } from "../data/support.ts";
import { maybeTest } from "../support.ts";

const PROMPT =
  "What is the energy?\n\nA. 1.6 eV\nB. 3.2 eV\nC. A warm medium.\nD. 4.8 eV, or none of these";

const context: RewardContext = {
  group: [],
  scoreOf: () => Promise.reject(new Error("no other reward")),
  signal: new AbortController().signal,
};

function score(completion: string, problem: Partial<Problem> = {}) {
  const asked = { id: "p", prompt: PROMPT, answer: "B", trace: "", tier: 1, ...problem };
  const sample = { prompt: "", completion, completionIds: [], given: 0, problem: asked };
  return multipleChoiceReward.score(sample, context);
}

Deno.test("multiple_choice: the gold letter as models write it", () => {
  for (
    const said of [
      "B",
      " (B)\n",
      "B.",
      "[B]",
      "**B**",
      "$B$",
      "\\boxed{B}",
      "\\boxed{\\text{B}}",
      "$\\boxed{\\text{(B)}}$",
      "\\text{(B)}",
      "option B",
      "Choice (B)",
      "The answer is B.",
      "The correct answer is (B).",
      "The correct option is B",
      "Answer: B",
      "B) 3.2 eV",
      "B. 3.2 eV.",
      "B is correct.",
      "(B) because the field is weak",
      "3.2 eV",
      "3.2\\text{ eV}",
      "The answer is 3.2 eV.",
    ]
  ) {
    assertEquals(score(`<think>A? C?</think><answer>${said}</answer>`), 1, said);
    assertEquals(score(`<think>A? C?</think>${said}`), 1, `${said} without tags`);
  }
  assertEquals(score("Because A fails, we find B.\n\nThe answer is B."), 1);
  assertEquals(score("We test A, C and D. \\boxed{B}"), 1);
  assertEquals(score("<answer>C. A warm medium.</answer>", { answer: "C" }), 1);
  assertEquals(score("<answer>a warm medium</answer>", { answer: "(C)" }), 1);
});

Deno.test("multiple_choice: another letter, several, or none scores 0", () => {
  for (
    const said of [
      "",
      "A",
      "b",
      "E",
      "AB",
      "A, B",
      "A and B",
      "B or C",
      "B, C",
      "B (or A)",
      "either B or C",
      "not B",
      "The answer is not B.",
      "B is wrong",
      "B, which is wrong",
      "B, not really",
      "A. 3.2 eV",
      "B) 1.6 eV",
      "1.6 eV or 3.2 eV",
      "3.2",
      "\\boxed{A} \\boxed{B}",
      "\\boxed{A}, \\boxed{B}",
      "\\boxed{ABCD}",
      "A B C D",
      "B\nC\nD",
      "Bob",
      "The answer is one of A, B, C, D.",
      "The answer is B? Or C.",
    ]
  ) {
    assertEquals(score(`<think>B</think><answer>${said}</answer>`), 0, said);
    assertEquals(score(`<think>B</think>${said}`), 0, `${said} without tags`);
  }
  assertEquals(score("<think>B"), 0);
  assertEquals(score("<think>The answer is B.</think>"), 0);
  assertEquals(score("<answer>B</answer><answer>B</answer>"), 0);
  assertEquals(score("<answer>C</answer> B"), 0);
});

Deno.test("multiple_choice: a choice's text counts only if no other choice has it", () => {
  const twice = { prompt: "Which?\nA. 5 cm\nB. 5 cm.\nC. 6", answer: "A" };
  assertEquals(score("<answer>5 cm</answer>", twice), 0);
  assertEquals(score("<answer>A. 5 cm</answer>", twice), 1);
  assertEquals(score("<answer>6</answer>", { ...twice, answer: "C" }), 1);
});

Deno.test("multiple_choice: a gold answer that is no letter is not graded", () => {
  for (const answer of ["", "42", "AB", "b", "\\text{B}"]) {
    const graded = score("<answer>B</answer>", { answer });
    assert(typeof graded === "object", answer);
  }
});

maybeTest(
  "multiple_choice: every GPQA row, its letter, its text, and every other choice",
  noSharedData,
  async () => {
    const { problems } = await loadProblems(
      source({ path: `${SHARED_DATA}/gpqa/gpqa_diamond.json.gz`, preset: "gpqa" }),
    );
    assertEquals(problems.length, 198);
    let own = 0;
    for (const problem of problems) {
      for (const letter of "ABCD") {
        const right = letter === problem.answer ? 1 : 0;
        const text = new RegExp(`^${letter}\\. (.*)$`, "m").exec(problem.prompt)?.[1] ?? "";
        assertEquals(score(`<answer>(${letter})</answer>`, problem), right, problem.prompt);
        assertEquals(score(`\\boxed{\\text{${letter}}}`, problem), right, problem.prompt);
        assertEquals(score(`The answer is ${letter}.`, problem), right, problem.prompt);
        assertEquals(score(`<answer>${letter}. ${text}</answer>`, problem), right, text);
        const byText = score(`<answer>${text}</answer>`, problem);
        if (right === 0) assertEquals(byText, 0, text);
        else own += byText as number;
      }
    }
    // Some choices go over several lines.
    assert(own >= 180, `${own} of 198 by their text`);
  },
);
