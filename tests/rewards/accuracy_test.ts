import { ARITHMETIC_VOCABULARY } from "../../src/data/arithmetic.ts";
import type { Problem } from "../../src/data/types.ts";
import { accuracyReward, gradeAccuracy, type GradedProblem } from "../../src/rewards/accuracy.ts";
import { canonicalAnswer } from "../../src/rewards/answer.ts";
import type { RewardContext, RewardSample } from "../../src/rewards/reward.ts";
import { answerPlace } from "../../src/rewards/sections.ts";
import { assert, assertEquals } from "../../src/std/assert.ts";
import { fc } from "../fast_check.ts";
import { contextOf } from "./samples.ts";

function problem(prompt: string, answer: string): GradedProblem {
  return { prompt, answer };
}

function sampleTo(
  asked: { prompt: string; answer: string; trace?: string },
  completion: string,
): RewardSample {
  const whole: Problem = { id: "p", trace: "", tier: 1, ...asked };
  return { prompt: asked.prompt, completion, completionIds: [], given: 0, problem: whole };
}

/** Whatever goes to a process looks at the signal first. */
const noProcess: RewardContext = {
  ...contextOf([]),
  get signal(): AbortSignal {
    throw new Error("a process was asked");
  },
};

Deno.test("accuracy: right answers, written in the ways of models", () => {
  const cases: [gold: string, ...completions: string[]][] = [
    ["120", "The volume of the cone is 120 cubic inches.", "<answer>$120$</answer>"],
    ["120", "<answer>The volume of the cone is 120 cubic inches.</answer>", "V = \\boxed{120}"],
    ["120", "\\boxed{V = \\pi r^2 h = 120}", "#### 120", "The answer is **120**."],
    ["120", "\\boxed{120 \\text{ cm}^3}", "\\boxed{1.2 \\times 10^2}", "\\boxed{\\$120}"],
    ["1080", "\\boxed{1,080}", "\\boxed{1{,}080}", "#### 1,080", "<answer>1080.00</answer>"],
    ["\\frac{1}{2}", "\\boxed{\\frac12}", "\\boxed{0.5}", "<answer>1/2</answer>"],
    [
      "\\frac{1}{2}",
      "\\boxed{\\frac{2}{4}}",
      "The probability is $\\frac{1}{2}$.",
      "\\boxed{2^{-1}}",
    ],
    ["2\\sqrt{3}", "\\boxed{\\sqrt{12}}", "\\boxed{2 \\sqrt 3}", "The length is $2\\sqrt{3}$ cm."],
    ["x^2+2x+1", "\\boxed{(x+1)^2}", "\\boxed{1+2x+x^2}", "<answer>y = x^2 + 2x + 1</answer>"],
    ["(3, \\frac{\\pi}{2})", "\\boxed{\\left(3,\\frac{\\pi}{2}\\right)}", "\\boxed{(3, \\pi/2)}"],
    ["-1, 3", "\\boxed{3, -1}", "$\\boxed{-1}$ and $\\boxed{3}$", "The roots are $-1$ and $3$."],
    ["\\text{Evelyn}", "\\boxed{Evelyn}", "So the winner is Evelyn.", "The answer is evelyn."],
    ["[0, 1)", "\\boxed{[0,1)}", "\\boxed{0 \\le x < 1}"],
    ["3", "The answer is three."],
    ["72", "<answer>**72**</answer>", "<answer>*72*</answer>", "<answer>__72__</answer>"],
    ["72", "#### **72**", "<answer>\n**x = 72**.\n</answer>", "<answer>**$72$**</answer>"],
    ["1, 2", "<answer>**1** and **2**</answer>", "<answer>**1, 2**</answer>"],
    ["C", "\\boxed{\\text{(C)}}", "The answer is C."],
  ];
  for (const [gold, ...completions] of cases) {
    for (const completion of completions) {
      // The problem's powers are those of its units.
      const asked = problem(gold === "45" ? "Give it in m/s^2 or cm^2." : "", gold);
      assertEquals(gradeAccuracy(completion, asked), 1, `${completion} for ${gold}`);
    }
  }
});

Deno.test("accuracy: completions that try to be paid without the answer", () => {
  const hacks: [gold: string, completions: string[], prompt?: string][] = [
    // Lists of guesses, in every place where an answer may stand.
    ["5", [
      "\\boxed{3, 4, 5}",
      "\\boxed{3 \\text{ or } 5}",
      "\\boxed{5 \\text{ or } 3}",
      "\\boxed{\\{3, 5\\}}",
      "\\boxed{3}, \\boxed{5}",
      "\\boxed{3} or \\boxed{5}",
      "<answer>\\boxed{3} \\boxed{5}</answer>",
      "<answer>\\boxed{3}. No: \\boxed{5}</answer>",
      "<answer>3</answer><answer>5</answer>",
      "<answer>5</answer><answer>5</answer>",
      "<answer>3 or 5</answer>",
      "<answer>either 3 or 5</answer>",
      "<answer>The answer is 3. The answer is 5. Or 6.</answer>",
      "<answer>The answer is 3. The answer is 5.</answer>",
      "<answer>Answer: 3\nAnswer: 5</answer>",
      "<answer>3 5</answer>",
      "<answer>3\n5</answer>",
      "<answer>5, I think, or 6</answer>",
      "<answer>5 (or 6)</answer>",
      "The answer is either 3 or 5.",
      "The answer is one of 1, 2, 3, 4, 5.",
      "The answer is between 4 and 6.",
      "The answer is 4 to 6.",
      "The answer is 5 or 6",
      "#### 3, 5",
      "#### 5 or 3",
      "\\boxed{4 \\le x \\le 6}",
      "\\boxed{(4, 6)}",
      "\\boxed{[5, 6]}",
      "\\boxed{\\pm 5}",
      "\\boxed{5 \\pm 1}",
      "\\boxed{x = 3, x = 5}",
      "\\boxed{x = 3 \\text{ or } x = 5}",
      "\\boxed{x = 5 \\text{ or } x = 3}",
      "So x = 3 or x = 5.",
      "Thus $x = 3$, $x = 5$.",
      "It is 3 or it is 5.",
      "The answer is 3 or the answer is 5.",
      "\\boxed{x = 5 \\text{ and } x = 3}",
      "\\boxed{3 \\boxed{5}}",
      "\\boxed{\\boxed{3}\\boxed{5}}",
      "\\boxed{1 = 2 = 3 = 4 = 5 = 6}",
      "\\boxed{x = 3, \\ldots, 5}",
      "\\boxed{1, 2, \\ldots, 10}",
      "\\boxed{\\mathbb{N}}",
      "\\boxed{3; 5}",
      "\\boxed{3 \\mid 5}",
      "\\boxed{3/5 \\text{ or } 5}",
      "\\boxed{\\text{3 or 5}}",
      "\\boxed{5 \\quad 6}",
      "\\boxed{5 \\\\ 6}",
      "\\boxed{5 \\lor 6}",
      "\\boxed{5 \\cup 6}",
      "\\boxed{5 \\ne 6}",
      "\\boxed{5 \\text{ but maybe } 6}",
      "\\boxed{5 \\text{ versus } 6}",
      "\\boxed{5 \\text{ (or) } 6}",
      "\\boxed{5\\text{, maybe }6}",
      "\\boxed{5 \\text{ apples, or else } \\frac{3}{19}}",
      "The answer is 5 instead of 6.",
      "The answer is 5 perhaps 6.",
      "\\boxed{5 < 6}",
      "\\boxed{5 = 6}",
      "\\boxed{6 = 5}",
      "\\boxed{5 \\approx 6}",
      "\\boxed{5 \\to 6}",
      "\\boxed{5/6}",
      "\\boxed{5:6}",
      "\\boxed{5 | 6}",
      "\\boxed{a) 3 b) 5}",
      "\\boxed{5, \\text{ or if not, } 6}",
      "\\boxed{\\text{The answer is } 3 \\text{. The answer is } 5}",
      "\\boxed{\\phantom{5} 6}",
      "\\boxed{\\{x : x > 0\\}}",
      "\\boxed{\\mathbb{R}}",
      "\\boxed{x \\in \\{3, 5\\}}",
      "\\boxed{[5, 5.1]}",
      "\\boxed{5.0001}",
      "\\boxed{4.9999999999}",
      "\\boxed{\\begin{pmatrix} 3 \\\\ 5 \\end{pmatrix}}",
      "\\boxed{\\begin{cases} 3 \\\\ 5 \\end{cases}}",
    ]],
    // Variables, placeholders and expressions that could be anything.
    ["5", [
      "\\boxed{x}",
      "\\boxed{x = x}",
      "\\boxed{a = b}",
      "\\boxed{?}",
      "\\boxed{}",
      "\\boxed{\\ldots}",
      "\\boxed{\\infty}",
      "\\boxed{\\frac{0}{0}}",
      "\\boxed{\\frac{5}{0}}",
      "\\boxed{NaN}",
      "\\boxed{\\text{the answer}}",
      "\\boxed{\\text{correct}}",
      "\\boxed{true}",
      "\\boxed{5x}",
      "\\boxed{5!}",
      "\\boxed{15_6}",
      "\\boxed{x > 5}",
      "\\boxed{x \\ne 5}",
      "\\boxed{\\ne 5}",
      "\\boxed{\\text{not } 5}",
      "\\boxed{5\\text{ is wrong}}",
      "\\boxed{9^{9^{9^9}}}",
      "\\boxed{" + "{".repeat(500) + "5" + "}".repeat(500) + "}",
      "\\boxed{\\frac{5",
    ]],
    // The answer stands where none belongs.
    ["5", [
      "<think>The answer is 5.",
      "<think>\\boxed{5}",
      "<think>\\boxed{5}</think>",
      "<think><answer>5</answer></think>",
      "<think>a</think><answer>6</answer> \\boxed{5}",
      "<answer></answer> The answer is 5.",
      "5",
      "<think>a</think>5",
      "The answer is not 5.",
      "The answer is 6, not 5.",
      "If the answer is 6, it is not 5.",
      "Is the answer 5?",
      "The answer is half of 5.",
      "The answer is 5 million.",
      "The answer is 5 times 2.",
      "The answer is 5 squared.",
      "The answer is 5 more than 2.",
      "The answer is at least 5.",
      "The answer is less than 5.",
      "The answer is 5. But that is wrong.",
      "The answer is 5. Or 6.",
      "It is 5th.",
      "Step 5.",
    ]],
    // The problem again, and work that is left to the reader.
    ["56088", [
      "\\boxed{123 \\cdot 456}",
      "\\boxed{456 \\times 123}",
      "<answer>123*456</answer>",
      "\\boxed{100\\cdot456 + 23\\cdot456}",
      "\\boxed{56088 + 0}",
      "\\boxed{(123)(456)}",
      "\\boxed{\\frac{123 \\cdot 456}{1}}",
      "The answer is $123 \\cdot 456$.",
      "\\boxed{123 \\cdot 456 = 123 \\cdot 456}",
    ], "Compute $123 \\cdot 456$."],
    ["1024", [
      "\\boxed{2^{10}}",
      "\\boxed{2^10}",
      "<answer>$2^{10}$</answer>",
      "\\boxed{4^5}",
      "\\boxed{2^9 \\cdot 2}",
      "\\boxed{x = 2^{10}}",
    ], "Find $2^{10}$."],
    ["3", [
      "\\boxed{\\log_2 8}",
      "\\boxed{\\frac{\\ln 8}{\\ln 2}}",
      "\\boxed{\\frac{\\log 8}{\\log 2}}",
    ], "Evaluate $\\log_2 8$."],
    ["55", [
      "\\boxed{\\sum_{i=1}^{10} i}",
      "\\boxed{\\sum_{k=1}^{10} k}",
      "\\boxed{\\frac{10 \\cdot 11}{2}}",
      "\\boxed{1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 + 10}",
    ], "Find $\\sum_{i=1}^{10} i$."],
    ["10", ["\\boxed{\\binom{5}{2}}", "\\boxed{\\binom53}"], "What is $\\binom{5}{2}$?"],
    ["120", ["\\boxed{5!}", "\\boxed{5 \\cdot 4!}"], "What is $5!$?"],
    ["4", ["\\boxed{\\sqrt{16}}", "\\boxed{\\sqrt{4 \\cdot 4}}"], "Simplify $\\sqrt{16}$."],
    ["11", ["\\boxed{1011_2}", "\\boxed{b_{16}}"], "Write $1011_2$ in base 10."],
    ["\\frac{1}{2}", [
      "\\boxed{\\sin 30^\\circ}",
      "\\boxed{\\cos 60^\\circ}",
    ], "Compute $\\sin 30^\\circ$."],
    ["x^2+2x+1", [
      "\\boxed{(x+1)^2}",
      "\\boxed{(1+x)^2}",
      "\\boxed{\\left(x+1\\right)^{2}}",
    ], "Expand $(x+1)^2$."],
    [
      "3\\sqrt{2}",
      ["\\boxed{\\sqrt{18}}", "The answer is $\\sqrt{18}$."],
      "Simplify $\\sqrt{18}$.",
    ],
    ["\\frac{3}{4}", ["\\boxed{\\frac{6}{8}}"], "Write $\\frac{6}{8}$ in lowest terms."],
    ["20", [
      "The perimeter of a square is 20.",
      "So the perimeter of a square is 20",
      "Find the area of a square whose perimeter is 20.",
    ], "The perimeter of a square is 20. Find the area."],
    // Near misses.
    ["3.14159", ["\\boxed{3.2}", "\\boxed{3}"]],
    ["\\pi", ["\\boxed{\\frac{22}{7}}", "\\boxed{3}"]],
    ["2.26 \\times 10^{-10}", ["\\boxed{2.55 \\times 10^{-10}}", "\\boxed{0}"]],
    ["x > 5", ["\\boxed{x < 5}", "\\boxed{x \\ge 5}", "\\boxed{5}", "\\boxed{x = 5}"]],
    ["(1, 2)", ["\\boxed{(2, 1)}", "\\boxed{\\{1, 2\\}}", "\\boxed{[1, 2]}", "\\boxed{1}"]],
    ["1, 2", ["\\boxed{1}", "\\boxed{1, 2, 3}", "\\boxed{2, 2}", "\\boxed{12}"]],
    ["Evelyn", ["\\boxed{Evelyn or Bob}", "\\boxed{Bob}", "\\boxed{not Evelyn}", "\\boxed{e}"]],
    ["\\text{yes}", ["\\boxed{yes/no}", "\\boxed{yes and no}", "The answer is yes. So it is no."]],
  ];
  let tried = 0;
  const paid: string[] = [];
  for (const [gold, completions, prompt = "What is it?"] of hacks) {
    for (const completion of completions) {
      const grade = gradeAccuracy(completion, problem(prompt, gold));
      if (grade !== 0) paid.push(`${completion} for ${gold}`);
      tried++;
    }
  }
  assertEquals(paid, []);
  assert(tried >= 100, `${tried} were tried`);
});

Deno.test("accuracy: a second candidate beside the right one, however joined and wherever, scores 0", () => {
  const joints = [
    ...[", ", "; ", " or ", " and ", " / ", " | ", "\n", "\n\n", ". ", " ? ", "$, $", "$ or $"],
    ...[
      "\\text{ or }",
      "\\text{ and }",
      "\\text{, maybe }",
      "\\text{ but maybe }",
      "\\text{ (or) }",
    ],
    ...[
      "\\text{ instead of }",
      "\\text{ rather than }",
      "\\text{ vs }",
      "\\text{ if }",
      "\\text{ to }",
    ],
    ...[
      "\\text{ either }",
      "\\text{ else }",
      "\\text{ not }",
      "\\vee ",
      "\\lor ",
      "\\land ",
      "\\cup ",
    ],
    ...[
      "\\pm ",
      "\\sim ",
      "\\to ",
      "\\ne ",
      "\\neq ",
      "\\in ",
      "\\subset ",
      "\\mid ",
      "<",
      "\\le ",
    ],
    ...[
      "\\ldots ",
      "\\cdots ",
      ", \\ldots, ",
      "\\& ",
      "\\% ",
      "% ",
      "_",
      "\\oplus ",
      " \\\\ ",
      "\\quad ",
    ],
    ...[
      "\\; ",
      "\\, ",
      "\\ ",
      "~",
      "\\hspace{1em} ",
      "\\phantom{x} ",
      "\\color{white} ",
      "\\tag{1} ",
    ],
  ];
  const places: ((said: string) => string)[] = [
    (said) => `\\boxed{${said}}`,
    (said) => `\\boxed{x = ${said}}`,
    (said) => `\\boxed{\\{${said}\\}}`,
    (said) => `\\boxed{\\begin{array}{c} ${said} \\end{array}}`,
    (said) => `<answer>${said}</answer>`,
    (said) => `<answer>$${said}$</answer>`,
    (said) => `The answer is $${said}$.`,
    (said) => `#### ${said}`,
  ];
  const golds = ["18", "\\frac{2}{7}", "3\\sqrt{5}", "x^2-3", "(3, \\frac{\\pi}{2})", "120^\\circ"];
  const guesses = ["17", "\\frac{3}{19}", "x+7"];
  const paid: string[] = [];
  let tried = 0;
  for (const gold of golds) {
    for (const joint of joints) {
      const guess = guesses[tried % guesses.length];
      for (const said of [`${guess} ${joint} ${gold}`, `${gold} ${joint} ${guess}`]) {
        // Every joint meets every place, though not with every gold answer.
        for (let i = 0; i < 3; i++) {
          const completion = places[tried++ % places.length](said);
          const grade = gradeAccuracy(completion, problem("", gold));
          if (grade !== 0) paid.push(`${completion} for ${gold}`);
        }
      }
    }
  }
  assertEquals(paid, []);
});

/** Grades of completions to the built-in task's problem `Q:87*5+6-7?`. */
function chain(cases: [completion: string, expected: number][]): void {
  for (const [completion, expected] of cases) {
    const grade = gradeAccuracy(completion, problem("Q:87*5+6-7?", "34"));
    assertEquals(grade, expected, JSON.stringify(completion));
  }
}

Deno.test("accuracy: the integer of the one answer section after the thinking", () =>
  chain([
    ["<think>x</think><answer>34</answer>", 1],
    ["<think>x</think><answer>35</answer>", 0],
    ["<think>x</think><answer> 34\n</answer>", 1],
    ["<think>x</think>\n\n<answer>034</answer>", 1],
    ["<think>x</think><answer>34;</answer>", 1],
    ["<think>x</think><answer>-34</answer>", 0],
    ["<think>x</think><answer>34.5</answer>", 0],
    ["<think>x</think><answer>3 4</answer>", 0],
    ["<think>x</think><answer></answer>", 0],
    ["<think>x</think><answer>30+4</answer>", 0],
    ["<think>x</think><answer>87*5+6-7</answer>", 0],
    ["<think>x</think><answer>41-7=34</answer>", 0],
    ["<think>x</think><answer>35+6=41;41-7=34</answer>", 0],
    ["<think>x</think><answer>35+6=41-7=34</answer>", 0],
    ["<think>x</think>34", 0],
    ["<think>35+6=41;41-7=34;</think>41-7=34;", 0],
    ["<answer>34</answer>", 1],
    ["x</think><answer>34</answer>", 1],
    ["<think>x</think><answer>34</answer> as I said", 1],
  ]));

Deno.test("accuracy: an answer in the thinking, cut off or out of order earns nothing", () =>
  chain([
    ["<think><answer>34</answer></think>", 0],
    ["<think><answer>34</answer>", 0],
    ["<think><answer>34</think></answer>", 0],
    ["<answer>34</answer></think>", 0],
    ["<answer>34</answer><think>x</think>", 0],
    ["<think>x</think><think><answer>34</answer>", 0],
    ["<think>x</think><answer>34", 0],
    ["<think>x</think></answer>34<answer>", 0],
  ]));

Deno.test("accuracy: listing several answers earns nothing", () =>
  chain([
    ["<think>x</think><answer>34</answer><answer>35</answer>", 0],
    ["<think>x</think><answer>34</answer><answer>34</answer>", 0],
    ["<think><answer>33</answer></think><answer>34</answer>", 0],
    ["<think>x</think><answer>33<answer>34</answer>", 0],
    ["<think>x</think><answer>33 34</answer>", 0],
    ["<think>x</think><answer>33,34</answer>", 0],
  ]));

Deno.test("accuracy: without answer tags the last box after the thinking answers", () =>
  chain([
    ["So it is $\\boxed{34}$.", 1],
    ["<think>\\boxed{33}</think> It is \\boxed{34}.", 1],
    ["\\boxed{33}, no: \\boxed{34}", 1],
    ["\\boxed{34} or \\boxed{33}", 0],
    ["\\boxed{33} or \\boxed{34}", 0],
    ["<think>It is \\boxed{34}", 0],
    ["<think>\\boxed{34}</think> That is it.", 0],
    ["<answer>\\boxed{33}</answer> \\boxed{34}", 0],
    ["\\boxed{34} <answer>", 0],
    ["34", 0],
  ]));

/** How the built-in task's answers were always graded: the whole section, as its number is spelled. */
function byFigures(completion: string, gold: string): number {
  const place = answerPlace(completion);
  return place !== null && place.tagged && canonicalAnswer(place.text) === gold ? 1 : 0;
}

Deno.test("accuracy: the built-in task's vocabulary is graded by its figures, without a process", async () => {
  await using reward = accuracyReward();
  const tokens = ARITHMETIC_VOCABULARY.slice(2);
  const section = fc.array(fc.constantFrom(...tokens.slice(4)), { maxLength: 6 });
  const whole = fc.array(fc.constantFrom(...tokens), { maxLength: 12 });
  const near = fc.constantFrom("34", "034", "34;", "Q=34", "+34", "34-0", "=34", "3,4", "34=34");
  const completion = fc.oneof(
    whole.map((parts) => parts.join("")),
    section.map((parts) => `<think>3</think><answer>${parts.join("")}</answer>`),
    near.map((text) => `<think>3</think><answer>${text}</answer>`),
  );
  fc.assert(
    fc.property(completion, fc.constantFrom("34", "3", "0", "7"), (text, gold) => {
      // A letter beside a figure may be a unit: the mathematics decides, and to the same effect.
      if (/Q/.test(text)) return;
      const sample = sampleTo({ prompt: "Q:87*5+6-7?", answer: gold }, text);
      assertEquals(reward.score(sample, noProcess), byFigures(text, gold), text);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("accuracy: zero and negative gold answers, and one that cannot be graded", () => {
  for (const [answer, said] of [["0", "00"], ["0", "-0"], ["-5", "-05"], ["007", "7"]]) {
    assertEquals(gradeAccuracy(`<answer>${said}</answer>`, problem("", answer)), 1);
  }
  const proof = "It follows from the lemma above that " + "no ".repeat(20);
  for (const answer of ["", "  ", "\\frac{1}{2", "\\phantom{5}", proof]) {
    for (const completion of ["<answer>34</answer>", "", `<answer>${answer}</answer>`]) {
      const score = gradeAccuracy(completion, problem("", answer));
      assert(typeof score === "object" && score.ungraded.endsWith("' cannot be compared"), answer);
    }
  }
  const tests = { kind: "stdin", language: "python", cases: [{ input: "", output: "1" }] } as const;
  assertEquals(gradeAccuracy("<answer>34</answer>", { prompt: "", answer: "34", tests }), {
    ungraded: "a programming problem is judged by its tests",
  });
});

Deno.test("accuracyReward: what takes mathematics is graded in a process, as gradeAccuracy does", async () => {
  await using reward = accuracyReward({ processes: 1 });
  const cases: [completion: string, gold: string][] = [
    ["\\boxed{0.5}", "\\frac{1}{2}"],
    ["\\boxed{(x+1)^2}", "x^2+2x+1"],
    ["\\boxed{(x+1)^2}", "x^2+2x"],
    ["\\boxed{9^{9^{9^9}}}", "5"],
    ["The volume is 120 cubic inches.", "120"],
    ["<answer>34</answer>", ""],
    ["<answer>7</answer>", "7"],
    ["", "\\pi"],
  ];
  const samples = cases.map(([completion, answer]) =>
    sampleTo({ prompt: "", answer, trace: "t".repeat(100) }, completion)
  );
  const grades = await Promise.all(
    samples.map((sample) => reward.score(sample, contextOf(samples))),
  );
  assertEquals(grades, cases.map(([text, gold]) => gradeAccuracy(text, problem("", gold))));
  assertEquals(grades.map((grade) => typeof grade === "number" ? grade : "ungraded"), [
    ...[1, 1, 0, 0, 1],
    "ungraded",
    ...[1, 0],
  ]);
});
