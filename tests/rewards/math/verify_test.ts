import { readable, sameAnswer } from "../../../src/rewards/math/verify.ts";
import { assert, assertEquals } from "../../../src/std/assert.ts";
import { fc } from "../../fast_check.ts";
import { CATEGORIES } from "./cases.ts";

for (const [category, { same, different }] of Object.entries(CATEGORIES)) {
  Deno.test(`math: ${category}`, () => {
    const wrong = [
      ...same.filter(([gold, prediction]) => !sameAnswer(prediction, gold))
        .map(([gold, prediction]) => `${prediction} should answer ${gold}`),
      ...different.filter(([gold, prediction]) => sameAnswer(prediction, gold))
        .map(([gold, prediction]) => `${prediction} should not answer ${gold}`),
    ];
    assertEquals(wrong, []);
  });
}

Deno.test("readable: what can be compared at all", () => {
  for (const text of ["5", "x^2", "(1,2]", "\\text{Monday}", "A", "\\frac{1}{", "no solution"]) {
    assert(readable(text), text);
  }
  const deep = "(".repeat(50) + "x" + ")".repeat(50);
  for (const text of [deep, "", "  ", "$$", ".", "\\text{}", "(1", "[0,1", "=", "9".repeat(5000)]) {
    assert(!readable(text), text);
    assert(!sameAnswer(text, text), text);
  }
});

/** What a verdict may take, on a busy machine too. */
const LIMIT_MS = 2000;

const whole = fc.integer({ min: -60, max: 60 });
const positive = fc.integer({ min: 1, max: 40 });

Deno.test("rationals are equal exactly when they are", () => {
  fc.assert(fc.property(whole, positive, whole, positive, positive, (a, b, c, d, k) => {
    const gold = `\\frac{${a}}{${b}}`;
    assert(sameAnswer(`\\dfrac{${a * k}}{${b * k}}`, gold));
    assert(sameAnswer(`${a * k}/${b * k}`, gold));
    assertEquals(sameAnswer(`${c}/${d}`, gold), a * d === b * c);
    assertEquals(sameAnswer(`${c / 8}`, `\\frac{${a}}{8}`), a === c);
  }));
});

Deno.test("a decimal rounds a fraction only with five digits, all of them right", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 96 }), (n) => {
    const value = n / 97; // 97 is prime: the decimals never end
    const gold = `\\frac{${n}}{97}`;
    assert(sameAnswer(value.toFixed(8), gold));
    assert(!sameAnswer(value.toFixed(3), gold));
    assert(!sameAnswer((value + 3e-8).toFixed(8), gold));
    assert(!sameAnswer((value - 3e-8).toFixed(8), gold));
  }));
});

Deno.test("sets in any order, tuples in theirs, and no element too many", () => {
  const elements = fc.uniqueArray(whole, { minLength: 2, maxLength: 6 });
  fc.assert(fc.property(elements, fc.nat(), (items, turn) => {
    const at = 1 + turn % (items.length - 1);
    const turned = [...items.slice(at), ...items.slice(0, at)];
    const set = (list: readonly unknown[]) => `\\{${list.join(", ")}\\}`;
    assert(sameAnswer(set(turned), set(items)));
    assert(sameAnswer(turned.join(", "), set(items)));
    assert(sameAnswer(turned.join(" and "), items.join(", ")));
    assert(!sameAnswer(`(${turned.join(",")})`, `(${items.join(",")})`));
    assert(!sameAnswer(set(items.slice(1)), set(items)));
    assert(!sameAnswer(set([...items, 61]), set(items)));
    assert(!sameAnswer(set(items.with(at, 61)), set(items)));
    assert(!sameAnswer(items.join(", "), String(items[0])));
    assert(!sameAnswer(String(items[0]), items.join(", ")));
  }));
});

Deno.test("polynomials expanded, rearranged and changed", () => {
  fc.assert(fc.property(whole, whole, whole, positive, (a, b, c, k) => {
    const sign = (n: number) => n < 0 ? `${n}` : `+${n}`;
    const gold = `(${k}x${sign(a)})(x${sign(b)})y${sign(c)}`;
    const expanded = (last: number) => `${last}${sign(k)}x^2y${sign(a + k * b)}xy${sign(a * b)}y`;
    assert(sameAnswer(expanded(c), gold));
    assert(sameAnswer(`f(x,y) = ${expanded(c)}`, gold));
    assert(!sameAnswer(expanded(c + 1), gold));
    assert(!sameAnswer(expanded(c).replace("x^2", "x^3"), gold));
    assert(!sameAnswer(expanded(c).replaceAll("y", "z"), gold));
    assert(sameAnswer(`${2 * k}x${sign(2 * a)}=2y`, `y=${k}x${sign(a)}`));
    assert(!sameAnswer(`${2 * k}x${sign(2 * a + 1)}=2y`, `y=${k}x${sign(a)}`));
  }));
});

Deno.test("roots and their sums are told apart", () => {
  fc.assert(fc.property(positive, positive, positive, (a, b, k) => {
    assert(sameAnswer(`\\sqrt{${k * k * a}}`, `${k}\\sqrt{${a}}`));
    assert(sameAnswer(`${k}sqrt(${a})`, `${k}\\sqrt${a}`));
    const sum = `\\sqrt{${a}}+\\sqrt{${b}}`;
    assert(sameAnswer(`\\sqrt{${a + b}+2\\sqrt{${a * b}}}`, sum));
    assert(!sameAnswer(`\\sqrt{${a + b}}`, sum));
    assert(!sameAnswer(`\\sqrt{${a}}+\\sqrt{${b + 1}}`, sum));
  }));
});

Deno.test("intervals differ by an end or a bracket", () => {
  fc.assert(fc.property(whole, positive, fc.boolean(), fc.boolean(), (low, width, left, right) => {
    const high = low + width;
    const interval = (l: boolean, a: number, b: number, r: boolean) =>
      `${l ? "[" : "("}${a},${b}${r ? "]" : ")"}`;
    const gold = interval(left, low, high, right);
    const bounds = `${low} ${left ? "\\le" : "<"} x ${right ? "\\leq" : "<"} ${high}`;
    assert(sameAnswer(`x \\in ${gold}`, gold));
    assert(sameAnswer(bounds, gold));
    assert(sameAnswer(gold, bounds));
    assert(!sameAnswer(interval(!left, low, high, right), gold));
    assert(!sameAnswer(interval(left, low, high, !right), gold));
    assert(!sameAnswer(interval(left, low, high + 1, right), gold));
    assert(!sameAnswer(`(-\\infty,${low}) \\cup (${high},\\infty)`, gold));
  }));
});

/** Pieces of which answers are made, and pieces that break them. */
const PIECES = String.raw`
  \frac \sqrt { } ( ) [ ] \{ \} | 1 2 12 3.5 x y n + - * / ^ _ , = < \le \pi e i \sin \log \ln \text{ and or
  % ° ^\circ \cup \pm \infty \begin{pmatrix} \end{pmatrix} & \\ \left \right \left( \right) ! ' : ; .
  \cdot \binom \in \mathbb{R} \setminus \overline \ldots \sum \int word \unknown $ ½ √ \lfloor \rfloor
  \lvert \rvert d \dot \mathrm{ \approx \not \emptyset 10^ e5 1,000 \to \choose \gcd f( \angle ^{-1} _{10}
  \begin{cases} \end{cases} \sum_{k=1}^{n} \lim_{x\to0} \int_0^1 constructor toString
`.trim().split(/\s+/).concat(" ", "\ud800");

Deno.test("any text: no exception, no long wait, and equal to itself if it is readable", () => {
  const text = fc.array(fc.constantFrom(...PIECES), { maxLength: 24 }).map((list) => list.join(""));
  const character = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));
  const noise = fc.array(character, { maxLength: 12 }).map((list) => list.join(""));
  let slowest = 0;
  fc.assert(
    fc.property(text, text, noise, (a, b, c) => {
      const start = performance.now();
      if (readable(a)) assert(sameAnswer(` ${a}`, a), a);
      sameAnswer(a, b);
      sameAnswer(b, c);
      slowest = Math.max(slowest, performance.now() - start);
    }),
    { numRuns: 1500 },
  );
  assert(slowest < LIMIT_MS, `three verdicts took ${slowest} ms`);
});

/** What hangs a parser or an evaluator without budgets. */
const HOSTILE: readonly string[] = [
  "9^{9^{9^9}}",
  "9^{9^{9^9}}+1",
  "{".repeat(10_000) + "}".repeat(10_000),
  "{".repeat(500) + "x" + "}".repeat(500),
  "(".repeat(1400),
  "[(".repeat(30) + "x" + ")]".repeat(30),
  "|".repeat(2000),
  "|x".repeat(1400),
  "\\lvert ".repeat(200),
  "\\left|".repeat(30) + "x" + "\\right|".repeat(30),
  "x^{1000000}+x^{999999}+1",
  "(x+1)^{1000000}",
  "x+".repeat(500_000) + "1",
  "9".repeat(1_000_000),
  "\\binom{10^9}{5\\cdot10^8}",
  "(10^{10^6})!",
  "10^{10^6}!",
  "1000!",
  "\\sum_{i=1}^{140}\\sum_{j=1}^{140}\\sum_{k=1}^{140}ijk",
  [..."abcdh"].map((index) => `\\sum_{${index}=1}^{140}`).join("") + "a+b+c+d+h",
  "(10^6)!",
  "10^{(10^6)!}",
  "\\binom{10^7}{5\\cdot10^6}",
  "(|".repeat(19) + "x" + "|)".repeat(19),
  "(".repeat(700) + "x" + ")".repeat(700),
  "\\sum_{i=1}^{100000000}i",
  "\\sqrt".repeat(500) + "3",
  "\\frac{1}{1+".repeat(35) + "x" + "}".repeat(35),
  "x" + "^{x".repeat(38) + "}".repeat(38),
  "2" + "^{2".repeat(38) + "}".repeat(38),
  "1/".repeat(1400) + "1",
  "1,".repeat(1400),
  "(1,2),".repeat(400),
  "a ".repeat(1400),
  "a and ".repeat(400),
  "(0,1)\\cup".repeat(180) + "(1,2)",
  "\\pm 1".repeat(300),
  "\\text{".repeat(400) + "}".repeat(400),
  "(1/3+1/7)^{4000}",
  Array.from({ length: 200 }, (_, k) => `1/${7 * k + 1}`).join("+"),
  "\\log_{1.0000001}(5)",
  "2^{\\frac{1}{10000000}}",
  "0." + "3".repeat(2000) + "...",
  "1e9999",
  "$".repeat(2900),
  "a'".repeat(1400),
  "\\mathbb{R}\\setminus".repeat(100) + "\\{0\\}",
];

Deno.test("hostile texts get their verdict at once", () => {
  const slow: string[] = [];
  for (const text of HOSTILE) {
    for (const other of [text, "5", `${text}+1`, "x"]) {
      for (const [prediction, gold] of [[text, other], [other, text]]) {
        const start = performance.now();
        sameAnswer(prediction, gold);
        const ms = performance.now() - start;
        if (ms > LIMIT_MS) slow.push(`${prediction.slice(0, 40)}: ${ms} ms`);
      }
    }
  }
  assertEquals(slow, []);
});
