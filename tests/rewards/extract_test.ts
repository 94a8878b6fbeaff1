import { extractAnswer } from "../../src/rewards/extract.ts";
import { assert, assertEquals } from "../../src/std/assert.ts";
import { fc } from "../fast_check.ts";

function check(cases: [completion: string, readings: string[]][], prompt = "") {
  for (const [completion, readings] of cases) {
    assertEquals([...extractAnswer(completion, prompt)], readings, JSON.stringify(completion));
  }
}

Deno.test("extractAnswer: the one answer section after the thinking", () =>
  check([
    ["<think>x</think><answer>34</answer>", ["34"]],
    ["<answer> 34\n</answer> as I said", ["34"]],
    ["x</think><answer>34</answer>", ["34"]],
    ["<think><answer>34</answer></think>", []],
    ["<think><answer>34</answer>", []],
    ["<think>x</think><think><answer>34</answer>", []],
    ["<answer>34</answer><think>x</think>", []],
    ["<think>x</think><answer>34", []],
    ["<think>x</think></answer>34<answer>", []],
    ["<answer>34</answer><answer>34</answer>", []],
    ["<think><answer>33</answer></think><answer>34</answer>", []],
    ["<answer></answer>", []],
    ["<answer>\n</answer> \\boxed{34}", []], // the section answers, or nothing does
  ]));

Deno.test("extractAnswer: the box, and several that answer together", () =>
  check([
    ["<answer>So it is $\\boxed{34}$.</answer>", ["34"]],
    ["So it is $\\boxed{34}$.", ["34"]],
    ["\\boxed{33}, no: \\boxed{34}", ["34"]],
    ["<answer>\\boxed{33}, no: \\boxed{34}</answer>", []],
    ["<answer>$x=\\boxed{34}$. Answer: \\boxed{34}</answer>", ["34"]],
    ["$\\boxed{1}$ and $\\boxed{2}$", ["1 \\text{ and } 2"]],
    ["<answer>\\boxed{1}, \\boxed{2} or \\boxed{3}</answer>", [
      "1 \\text{ and } 2 \\text{ and } 3",
    ]],
    ["\\boxed{\\boxed{34}}", ["34"]],
    ["\\boxed{33 \\boxed{34}}", []],
    ["\\boxed{\\boxed{33}\\boxed{34}}", []],
    ["\\boxed{33} and then \\boxed{34", []], // the last box is cut off
    ["<think>\\boxed{33}</think> \\boxed{34}", ["34"]],
    ["<think>It is \\boxed{34}", []],
    ["\\boxed{34} <answer>", []],
    ["\\boxed{V = \\pi r^2 h = 120}", ["V = \\pi r^2 h = 120", "120"]],
    ["\\boxed{x = \\frac{6}{2}, y = 4}", ["x = \\frac{6}{2}, y = 4"]],
    ["\\boxed{x = \\frac{6}{2} \\text{ or } x = 4}", [
      "x = \\frac{6}{2} \\text{ or } x = 4",
      "x = \\frac{6}{2} or x = 4",
    ]],
    ["\\boxed{x = \\frac{6}{2} \\\\ y = 4}", ["x = \\frac{6}{2} \\\\ y = 4"]],
    ["\\boxed{x = \\frac{6}{2} \\; y = 4}", ["x = \\frac{6}{2} \\; y = 4"]],
  ]));

Deno.test("extractAnswer: what follows #### in the last line", () =>
  check([
    ["Add them.\n#### 1,080", ["1,080"]],
    ["#### 33\n#### 34\n", ["34"]],
    ["<answer>Add them.\n#### 34</answer>", ["34"]],
    ["<think>#### 34</think>", []],
    ["#### 34\nand so on", []],
  ]));

Deno.test("extractAnswer: the statement that prose ends with", () =>
  check([
    ["The answer is 42.", ["42"]],
    ["<answer>It is 42</answer>", ["It is 42", "42"]],
    ["The volume of the cone is 120 cubic inches.", ["120 cubic inches", "120"]],
    ["Thus x = 5.", ["x = 5"]],
    ["Thus $x = 5$.", ["$x = 5$"]],
    ["**Answer:** 12", ["12"]],
    ["## Final Answer\n\n$\\frac{1}{2}$", ["$\\frac{1}{2}$"]],
    ["The final answer is:\n\\[ 42 \\]", ["\\[ 42 \\]"]],
    ["We add.\n\n\\[x = 42\\]", ["\\[x = 42\\]"]],
    ["answer: $x^2$", ["$x^2$"]],
    ["She makes 9 * 2 = $18 every day.", ["18 every day", "18"]],
    ["The answer is Evelyn.", ["Evelyn"]],
    ["So the winner is Evelyn.", ["Evelyn"]],
    ["The answer is three.", ["3"]],
    ["42 is the answer.", ["42"]],
    ["The answer is 42. I hope it is correct.", ["42"]],
    ["The point is (3, 4).", ["(3, 4)"]],
    ["There are $9$ divisors of 196.", ["$9$ divisors of 196", "$9$"]],
    ["Together they have 20 sheep + 160 sheep = 180 sheep", ["180 sheep", "180"]],
    ["The orders, with none not counted, are $18$.", ["$18$"]],
    ["The angle is\n\\[ 50 \\]\nTherefore the other is:\n\\[ 40 \\]", ["\\[ 40 \\]"]],
    ["We get $V = 2\\pi = 6.28$.", ["$V = 2\\pi = 6.28$", "6.28"]],
    ["The roots are $x = 3$ and $x = 5$.", ["$x = 3$ and $x = 5$"]],
    ["The answer is 4\\text{ cm}.", ["4 cm", "4"]],
    ["<think>x</think>The sum is 1 + 2 + 3 = 6", ["1 + 2 + 3 = 6", "6"]],
    ["It was 3.5 for 2 hours. So he ran 7 miles.", ["7 miles", "7"]],
  ]));

Deno.test("extractAnswer: prose that states nothing, or more than one thing", () => {
  check([
    ["34", []], // a number alone says nothing about being an answer
    ["<think>x</think>34", []],
    ["3+4=7;7+1=8", []],
    ["", []],
    ["What is 34?", []],
    ["Is the answer 42?", []],
    ["Find the volume of a sphere of radius 3.", []],
    ["The answer is not 5.", []],
    ["It isn't 5.", []],
    ["If the radius is 3, the volume is 120.", []],
    ["The answer is 42. But that is wrong.", []],
    ["The answer is 42. Or 43.", []],
    ["The answer is 42. Or the answer is 43.", []],
    ["Maybe the answer is 43.", []],
    ["The answer is 42. Or maybe not.", []],
    ["The answer is:\n- 3\n- 4\n- 5", []],
    ["The candidates:\n3\n4\n5", []],
    ["Step 3.", []],
    ["and so we multiply 6 by 7 and", []],
    ["<think>The answer is 42.", []],
  ]);
  // No number is taken out of what says another number, or several.
  check([
    ["The answer is half of 10.", ["half of 10"]],
    ["The answer is 5 million.", ["5 million"]],
    ["The answer is 10 squared.", ["10 squared"]],
    ["He needs 5 dollars fewer than her.", ["5 dollars fewer than her"]],
    ["The answer is either 3 or 5.", ["either 3 or 5"]],
    ["The answer is one of 1, 2, 3.", ["one of 1, 2, 3"]],
    ["The answer is 5 (or 6).", ["5 (or 6)"]],
    ["So x = 3 or x = 5.", ["x = 3 or x = 5"]],
    ["Thus $x = 3$, $x = 5$.", ["$x = 3$, $x = 5$"]],
    ["It is 3 or it is 5.", []],
    ["The answer is 3 or the answer is 5.", []],
    ["There are 12 apples and 3 baskets.", ["12 apples and 3 baskets"]],
    ["The answer is 1 + 2 = 3 or 2 + 3 = 5.", ["1 + 2 = 3 or 2 + 3 = 5"]],
  ]);
});

Deno.test("extractAnswer: a sentence of the problem states nothing", () => {
  const prompt = "The perimeter of a square is 20. Find its area.";
  check([
    ["The perimeter of a square is 20.", []],
    ["So the perimeter of a square is 20", []],
    ["The perimeter of a square is $20$. Find its area.", []],
    ["<answer>The perimeter of a square is 20.</answer>", ["The perimeter of a square is 20."]],
    ["The area is 25.", ["25"]],
  ], prompt);
});

Deno.test("extractAnswer: at most one statement of at most 2,000 characters, in linear time", () => {
  const before = performance.now();
  const long = "9".repeat(3000);
  check([[`\\boxed{${long}}`, []], [`<answer>${long}</answer>`, []]]);
  const pieces = [
    "\\boxed{",
    "\\boxed{1} and ",
    "$ ",
    "\\[ ",
    "( ",
    "is ",
    "answer: ",
    "1 ",
    "<answer>",
    "####",
    "\n",
    "\\boxed   ",
    "= ",
    "\\text{",
  ];
  for (const piece of pieces) extractAnswer(piece.repeat(100_000), "");
  extractAnswer("\\boxed{".repeat(250) + "1" + "}".repeat(250), "");
  assert(performance.now() - before < 4000, `${performance.now() - before} ms`);
});

Deno.test("extractAnswer: never throws, and reads nothing that the text does not have", () => {
  const part = fc.constantFrom(
    ..."<answer>|</answer>|<think>|</think>|\\boxed{|}|{|$|$$|\\[|\\]|####|is|the answer|=|12|3.5|,|and|.|\n|\n\n|: |x|or|\\text{|(|)|\uE000|**"
      .split("|"),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), fc.boolean(), (parts, spaced) => {
      const text = parts.join(spaced ? " " : "");
      for (const reading of extractAnswer(text, "the problem is 12")) {
        assert(reading !== "");
        const numbers = reading.match(/\d+/g) ?? [];
        for (const number of numbers) assert(text.includes(number), `${reading} of ${text}`);
      }
    }),
    { numRuns: 2000 },
  );
});
