import { boxedAnswers, canonicalAnswer, hashAnswer, lastBoxed } from "../../src/rewards/answer.ts";
import { assert, assertEquals } from "../../src/std/assert.ts";
import { fc } from "../fast_check.ts";

Deno.test("boxes: balanced braces, nested, escaped, without braces, cut off", () => {
  const contents = (text: string) => boxedAnswers(text).map(({ content }) => content);
  assertEquals(contents("so $\\boxed{\\frac{1}{2}}$ and \\fbox{3}"), ["\\frac{1}{2}", "3"]);
  assertEquals(contents("\\boxed{\\boxed{4}}"), ["\\boxed{4}"]);
  assertEquals(contents("\\boxed{\\{1, 2\\}}"), ["\\{1, 2\\}"]);
  assertEquals(contents("\\boxed 5. \\boxed -12"), ["5", "-12"]);
  assertEquals(contents("\\boxed {7}"), ["7"]);
  assertEquals(contents("\\boxed{5"), []);
  assertEquals(contents("\\boxedx{5} boxed{6}"), []);
  const text = "It is \\boxed{ x }.";
  const { start, end } = lastBoxed(text)!;
  assertEquals(text.slice(start, end), "\\boxed{ x }");
  assertEquals(lastBoxed("none"), null);
});

Deno.test("hashAnswer: only the last line's", () => {
  assertEquals(hashAnswer("a\n#### 1,080"), "1,080");
  assertEquals(hashAnswer("#### 1\n#### -2\n"), "-2");
  assertEquals(hashAnswer("#### 1\nmore"), null);
  assertEquals(hashAnswer("####"), null);
  assertEquals(hashAnswer("3"), null);
});

Deno.test("answers that mean the same have one spelling", () => {
  const same: readonly (readonly string[])[] = [
    [
      "5",
      "5.",
      "5.0",
      "+5",
      "005",
      "$5$",
      "\\(5\\)",
      "5 cm",
      "5\\text{ square units}",
      "x=5",
      "10/2",
    ],
    ["1080", "1,080", "1{,}080", "1\\,080", "1080.00", "\\$1,080"],
    ["-1/2", "-0.5", "-\\frac{1}{2}", "\\frac{-1}{2}", "\\dfrac{-2}{4}", "-\\frac12", "−0.5"],
    ["3/2", "1\\frac{1}{2}", "1.5", "1\\tfrac12"],
    ["1/625", "1.6\\times10^{-3}", "1.6 \\times 10^{-3}", "1.6e-3"],
    ["336", "336^\\circ", "336^{\\circ}", "336°"],
    ["8", "8\\%", "8 %"],
    ["C", "(C)", "\\text{(C)}", "C.", "\\textbf{(C)}"],
    ["evelyn", "\\text{Evelyn}", "Evelyn."],
    ["(3,\\frac{\\pi}{2})", "\\left( 3, \\frac{\\pi}{2} \\right)"],
    ["(1/2,3)", "(0.5, 3.0)", "\\left(\\frac{1}{2},3\\right)"],
    ["1,3", "1, 3", "$1$, $3$"],
    ["2\\sqrt3", "2\\sqrt{3}", "2 \\sqrt 3"],
    ["x^2+1", "x^{2} + 1"],
  ];
  for (const spellings of same) {
    const expected = canonicalAnswer(spellings[0]);
    assert(expected !== null);
    for (const text of spellings) assertEquals(canonicalAnswer(text), expected, text);
  }
});

Deno.test("answers that differ stay apart", () => {
  const apart = [
    ["34", "3 4", "33,34", "34 or 35", "34x", "41-7=34", "340", "-34", "34/35", "(34,35)"],
    ["2", "2x", "2\\pi", "2 pi", "x2"],
    ["1234", "12,34", "1,23,4", "(1,234)"],
    ["A", "a b", "B", "AB"],
    ["1/3", "0.333", "0.3333333333"],
    ["x+1", "1+x"],
    ["10^5", "105", "10 5"],
  ];
  for (const [first, ...others] of apart) {
    for (const other of others) assert(!sameSpelling(first, other), `${first} and ${other}`);
  }
});

Deno.test("what cannot be compared has no spelling", () => {
  const proof =
    "Since the sequence is bounded and monotone, it converges to a limit, which is zero.";
  for (const text of ["", "  ", "$", "\\frac{1}{2", "}", proof, "9".repeat(2001)]) {
    assertEquals(canonicalAnswer(text), null, text.slice(0, 20));
  }
});

Deno.test("numbers without bound stay text and cost nothing", () => {
  const before = performance.now();
  assertEquals(canonicalAnswer("1e999"), "1e999");
  assertEquals(canonicalAnswer("1e-400"), `1/1${"0".repeat(400)}`);
  assertEquals(canonicalAnswer("9".repeat(1000)), "9".repeat(1000));
  assertEquals(canonicalAnswer("\\frac{1}{0}"), "\\frac{1}{0}");
  const nested = "(1,".repeat(300) + "2" + ")".repeat(300);
  assert(canonicalAnswer(nested) !== null);
  canonicalAnswer("\\boxed{".repeat(280) + "}".repeat(280));
  canonicalAnswer("\\text{".repeat(300));
  canonicalAnswer("1 a".repeat(600));
  assert(performance.now() - before < 500);
});

/** Whether two answers have one spelling. */
function sameSpelling(a: string, b: string): boolean {
  const spelling = canonicalAnswer(a);
  return spelling !== null && spelling === canonicalAnswer(b);
}

const answerText = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.stringMatching(/^[-+0-9.,/ x(){}$\\^%=a-c]{0,20}$/),
  fc.array(
    fc.constantFrom(
      "\\frac",
      "{",
      "}",
      "1",
      "2",
      ",",
      "\\text{",
      "\\left(",
      ")",
      " ",
      "$",
      "=",
      "x",
    ),
    { maxLength: 12 },
  ).map((parts) => parts.join("")),
);

Deno.test("canonicalAnswer: any text, whatever white space stands before it", () => {
  fc.assert(fc.property(answerText, (text) => {
    const spelling = canonicalAnswer(text);
    assert(spelling === null || spelling !== "", text);
    assertEquals(canonicalAnswer(` ${text}`), spelling);
  }));
});

Deno.test("canonicalAnswer: rationals equal exactly", () => {
  const natural = fc.integer({ min: 1, max: 10_000 });
  fc.assert(fc.property(fc.integer(), natural, natural, natural, (n, d, m, k) => {
    assert(sameSpelling(`${n}/${d}`, `\\frac{${n * k}}{${d * k}}`));
    assertEquals(
      sameSpelling(`${n}/${d}`, `${m}/${k}`),
      BigInt(n) * BigInt(k) === BigInt(m) * BigInt(d),
    );
    assert(sameSpelling(n.toLocaleString("en-US"), String(n)));
    assert(sameSpelling((n / 8).toFixed(3), `${n}/8`));
  }));
});
