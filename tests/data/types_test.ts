import { ArithmeticTask } from "../../src/data/arithmetic.ts";
import { encodeProblem, type Problem, solutionText } from "../../src/data/types.ts";
import { assertEquals, assertThrows } from "../../src/std/assert.ts";
import { arithmeticTokenizer, arithmeticTokenizerJson } from "../../src/tokenizer/arithmetic.ts";
import { Tokenizer } from "../../src/tokenizer/tokenizer.ts";

const tokenizer = arithmeticTokenizer();
const problem = new ArithmeticTask().build(87, [["*", 5], ["+", 6], ["-", 7]]);
const SOLUTION = "<think>87*5=35;35+6=41;41-7=34;</think><answer>34</answer>";

Deno.test("encodeProblem: prompt, trace and solution of the worked example", () => {
  const encoded = encodeProblem(problem, tokenizer);
  assertEquals(encoded.id, problem.id);
  assertEquals(tokenizer.decode(encoded.promptIds), "Q:87*5+6-7?");
  assertEquals(tokenizer.decode(encoded.traceIds), "<think>87*5=35;35+6=41;41-7=34;");
  assertEquals(tokenizer.decode(encoded.solutionIds), SOLUTION + "<eos>");
  assertEquals(encoded.solutionIds.at(-1), tokenizer.eosTokenId);
  assertEquals(encoded.solutionIds.slice(0, encoded.traceIds.length), [...encoded.traceIds]);
});

Deno.test("encodeProblem: a trace is cut before its answer section, unless that is asked for", () => {
  const withAnswer: Problem = { ...problem, trace: SOLUTION };
  assertEquals(
    tokenizer.decode(encodeProblem(withAnswer, tokenizer).traceIds),
    "<think>87*5=35;35+6=41;41-7=34;</think>",
  );
  for (const given of [problem, withAnswer]) {
    const encoded = encodeProblem(given, tokenizer, { includeAnswer: true });
    assertEquals(tokenizer.decode(encoded.traceIds), SOLUTION);
    assertEquals(tokenizer.decode(encoded.solutionIds), SOLUTION + "<eos>");
  }
});

Deno.test("solutionText: closes the thinking once and keeps an answer section of the trace", () => {
  assertEquals(solutionText(problem), SOLUTION);
  assertEquals(solutionText({ ...problem, trace: SOLUTION }), SOLUTION);
  assertEquals(
    solutionText({ ...problem, trace: "<think>1;</think>" }),
    "<think>1;</think><answer>34</answer>",
  );
});

Deno.test("encodeProblem: a tokenizer without an end token is refused", () => {
  const endless = Tokenizer.fromJson(arithmeticTokenizerJson());
  assertThrows(() => encodeProblem(problem, endless), Error, "no end token");
});
