import { assert, assertEquals } from "../../src/std/assert.ts";
import { leakOf } from "../../src/teacher/leak.ts";
import { fc } from "../fast_check.ts";
import { maybeTest } from "../support.ts";

/** Hints by whether they leak, for problems. */
const cases: {
  readonly prompt?: string;
  readonly answer: string;
  readonly leaks?: readonly string[];
  readonly safe?: readonly string[];
}[] = [
  {
    prompt: "Natalia sold clips to 48 friends in April, and half as many in May. How many in all?",
    answer: "72",
    leaks: [
      ...["72", "It is 72.", "72.0", "072.00", "$72$", "$72", "72 clips", "72km", "７２", "-(-72)"],
      ...["\\boxed{72}", "<answer>72", "#### 72", "seventy-two", "Seventy two", "six dozen"],
      ...["48 + 24", "48/2 + 48", "48 plus 24", "eight times nine", "8 \\times 9", "8·9", "2(36)"],
      ...["\\frac{144}{2}", "144 divided by 2", "6²*2", "√5184", "1/2 of 144", "half of 144"],
      "one hundred forty-four divided by two",
    ],
    safe: [
      ...["Start from the 48 clips.", "Halve April's number, then add.", "720 or 172 or 7.2"],
      ...["x^{72}", "A_{72}", "x72", "72x", "1. What is half?\n2. What is the sum?"],
    ],
  },
  // A number of the problem is no secret, unless it is declared to be the answer.
  {
    prompt: "There are 5 apples and 10 pears. 10 fruits are eaten. How many are left?",
    answer: "5",
    leaks: [
      ...[
        "The answer is 5.",
        "So the final answer must be: **5**",
        "\\boxed{5}",
        "<answer>5</answer>",
      ],
      ...["The result is exactly 5 apples", "15 - 10", "10/2", "It is five.", "You get 5."],
    ],
    safe: ["Begin with the 5 apples.", "How many fruits are 5 apples and 10 pears?"],
  },
  {
    prompt: "What is 8*9?",
    answer: "72",
    leaks: ["8*9 = 72", "9*8"],
    safe: ["Think of 8*9 as 8*10 less 8."],
  },
  {
    answer: "3",
    leaks: ["Look for three of them.", "1. There are 3."],
    safe: [
      "1. Draw.\n2. Think.\n3. Check.",
      "**Hint 3:** draw it",
      "Step 3. Look.",
      "the third one",
    ],
  },
  {
    answer: "1",
    leaks: ["The answer is one.", "You get 1."],
    safe: ["Look at one side, then at the other one.", "It is one of those."],
  },
  { answer: "0", leaks: ["The result equals zero", "It is 0."], safe: ["Set it to zero."] },
  {
    answer: "\\frac{1}{2}",
    leaks: ["0.5", "1/2", "½", "half of it", "50%", "50 percent", "2/4", "\\dfrac12", "a half"],
    safe: ["12", "1 and 2", "both"],
  },
  {
    answer: "1/3",
    leaks: ["about 0.33", "0.333", "one third", "a third"],
    safe: ["0.3", "the third"],
  },
  {
    answer: "2.5",
    leaks: ["2\\frac{1}{2}", "two and a half", "2 1/2", "5/2"],
    safe: ["two and three"],
  },
  { answer: "50\\%", leaks: ["50", "half", "0.5"], safe: ["5"] },
  { answer: "$18.00", leaks: ["eighteen dollars", "18"] },
  { answer: "1,024", leaks: ["1024", "1,024", "2^{10}", "2^10"], safe: ["1, 024", "10"] },
  { answer: "2^{10}", leaks: ["1024", "2^10"], safe: ["powers of two times ten"] },
  { answer: "90^\\circ", leaks: ["ninety degrees", "90°"] },
  { answer: "-\\frac{3}{4}", leaks: ["-0.75", "-3/4"], safe: ["0.75"] },
  { answer: "12 \\text{ cm}^2", leaks: ["twelve"], safe: ["cm"] },
  { answer: "x = 3", leaks: ["x is 3"], safe: ["x is 4"] },
  { answer: "3\\sqrt{13}", leaks: ["3 \\sqrt{13}", "\\boxed{3\\sqrt {13}}"], safe: ["3", "13"] },
  { answer: "2x+1", leaks: ["You get 2 x + 1 there"], safe: ["12x+1", "2x+10", "x+1"] },
  {
    prompt: "Convert (0,3) to polar coordinates.",
    answer: "\\left( 3, \\frac{\\pi}{2} \\right)",
    leaks: ["it is (3, \\pi/2)", "$\\left(3,\\dfrac{\\pi}{2}\\right)$"],
    safe: ["the radius is 3"],
  },
  { answer: "(3, 4)", leaks: ["x is 3 while y is 4"], safe: ["x is 3"] },
  { answer: "3, 5, 7", leaks: ["use 3 and 5 and 7"], safe: ["use 3 and 5"] },
  {
    prompt: "Which? (A) one line (B) two lines",
    answer: "B",
    leaks: ["the answer is (B)", "choose option B"],
    safe: ["A line through B.", "angle B"],
  },
  {
    answer: "yes",
    leaks: ["The answer is yes."],
    safe: ["It is yes or no.", "For a yes-no question, look closer."],
  },
  {
    prompt: "Red or blue?",
    answer: "blue",
    leaks: ["The answer is blue."],
    safe: ["Is it red or blue?", "blueish"],
  },
  { prompt: "Which color?", answer: "\\text{Blue}", leaks: ["you get BLUE!"], safe: ["blueish"] },
  { answer: "p - q", leaks: ["p-q"], safe: ["p + q"] },
  {
    prompt: "Write f, which sorts downwards.",
    answer: "```python\ndef f(x):\n    return sorted(x)[::-1]\n```",
    leaks: ["Use `return  sorted(x)[::-1]`."],
    safe: ["Sort, then turn the order around."],
  },
];

for (const { prompt = "Find it.", answer, leaks = [], safe = [] } of cases) {
  Deno.test(`what gives away ${JSON.stringify(answer)}, and what does not`, () => {
    for (const hint of leaks) assert(leakOf(hint, { prompt, answer }) !== null, `'${hint}' leaks`);
    for (const hint of safe) {
      assertEquals(leakOf(hint, { prompt, answer }), null, `'${hint}' is safe`);
    }
  });
}

Deno.test("the reason names what gives the answer away", () => {
  const problem = { prompt: "Find it.", answer: "72" };
  assertEquals(leakOf("Here: seventy-two", problem), "it contains the answer: '72'");
  assertEquals(leakOf("So 8 * 9 it is", problem), "it contains the answer: '8*9'");
  assertEquals(leakOf("\\boxed{72}", problem), "it declares the answer: '72'");
});

Deno.test("any spelling of any number leaks, and no other number does", () => {
  const ones =
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
      .split(" ");
  const tens = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
  const spell = (n: number): string =>
    n < 20
      ? ones[n]
      : n < 100
      ? tens[Math.floor(n / 10) - 2] + (n % 10 === 0 ? "" : `-${ones[n % 10]}`)
      : n < 1000
      ? `${ones[Math.floor(n / 100)]} hundred` + (n % 100 === 0 ? "" : ` and ${spell(n % 100)}`)
      : `${spell(Math.floor(n / 1000))} thousand` + (n % 1000 === 0 ? "" : ` ${spell(n % 1000)}`);
  const number = fc.integer({ min: 2, max: 999_999 });
  fc.assert(
    fc.property(number, number, (n, other) => {
      const spellings = (value: number) => [
        ...[String(value), value.toLocaleString("en-US"), `${value}.0`, spell(value)],
        ...[`${value - 1} + 1`, `${2 * value}/2`, `\\frac{${3 * value}}{3}`],
      ];
      for (const hint of spellings(n)) {
        assert(leakOf(hint, { prompt: "Find it.", answer: String(n) }) !== null, hint);
      }
      // Sevenths and the like may come close: only their parts are other numbers.
      const parts = [other, other - 1, 1, 2 * other, 2, 3 * other, 3];
      if (parts.includes(n)) return;
      for (const hint of spellings(other)) {
        assertEquals(leakOf(hint, { prompt: "Find it.", answer: String(n) }), null, hint);
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("no text makes the search throw or slow", () => {
  const start = performance.now();
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), fc.string({ maxLength: 40 }), (hint, answer) => {
      leakOf(hint, { prompt: "Find 3 of \\frac{1}{2}.", answer });
    }),
    { numRuns: 500 },
  );
  const problem = { prompt: "Find it.", answer: "72" };
  for (
    const part of [
      "(",
      "2^",
      "9*",
      "\\frac{",
      "\\sqrt{",
      "one ",
      "-",
      "answer ",
      "a ",
      "{",
      "9",
      "% of ",
    ]
  ) {
    leakOf(part.repeat(20_000 / part.length), problem);
  }
  leakOf("9^(9^(9^9)) 2^1000 10^-999", problem);
  const took = performance.now() - start;
  assert(took < 5000, `${took} ms`);
});

const gsm8k = "../shared/data/math/gsm8k_test.jsonl";
const math500 = "../shared/data/math/math500_test.jsonl";
const absent = [gsm8k, math500].find((path) => {
  try {
    return !Deno.statSync(path).isFile;
  } catch {
    return true;
  }
});

maybeTest(
  "GSM8K and MATH-500: solutions leak, the problems themselves do not",
  absent && `no ${absent}`,
  () => {
    const rows = (path: string) =>
      Deno.readTextFileSync(path).trim().split("\n").map((line) => JSON.parse(line));
    const counts = { problems: 0, solutions: 0 };
    for (const { question: prompt, answer: text } of rows(gsm8k)) {
      const [solution, answer] = text.split("\n#### ");
      counts.problems += Number(leakOf(prompt, { prompt, answer }) !== null);
      counts.solutions += Number(leakOf(solution, { prompt, answer }) !== null);
    }
    assertEquals(counts.problems, 0);
    // In the others the answer is a number of the problem.
    assert(counts.solutions >= 0.98 * 1319, `${counts.solutions} of 1319`);
    for (const { problem: prompt, solution, answer } of rows(math500)) {
      assertEquals(leakOf(prompt, { prompt, answer }), null, prompt);
      assert(leakOf(solution, { prompt, answer }) !== null, solution);
      for (const hint of [`The answer is $${answer}$.`, `So it is \\boxed{${answer}}.`]) {
        assert(leakOf(hint, { prompt, answer }) !== null, hint);
      }
    }
  },
);
