import { ProgrammingTask } from "../../src/data/programming.ts";
import { Random } from "../../src/data/random.ts";
import { encodeProblem, solutionText } from "../../src/data/types.ts";
import { modelPresets } from "../../src/models/presets.ts";
import { assert, assertEquals, assertLess, assertThrows } from "../../src/std/assert.ts";
import {
  PROGRAMMING_VOCABULARY,
  programmingTokenizer,
  programmingTokenizerJson,
} from "../../src/tokenizer/programming.ts";
import { fc } from "../fast_check.ts";

const tokenizer = programmingTokenizer();
const tokensOf = (text: string) => tokenizer.encode(text).map((id) => PROGRAMMING_VOCABULARY[id]);

Deno.test("programming tokenizer: tags, words and idioms are one token each", () => {
  assertEquals(
    tokensOf("<think>drop 2:x[2:len(x)-3][::-1].swapcase()\n</think><answer>```python\n"),
    [
      ...["<think>", "drop", " ", "2", ":", "x[", "2", ":len(x)-", "3", "]"],
      ...["[::-1]", ".swapcase()", "\n", "</think>", "<answer>", "```python\n"],
    ],
  );
  assertEquals(
    tokensOf("sum([(7*v+1)%10 for v in x[2:]])"),
    ["sum", "(", "[(", "7", "*v+", "1", ")%10", " for v in x[", "2", ":]]", ")"],
  );
  assertEquals(tokensOf("Q:list%10;sum?"), ["Q", ":", "list", "%10", ";", "sum", "?"]);
});

Deno.test("programming tokenizer: problems come back exactly, in no more tokens than the model has", () => {
  const task = new ProgrammingTask();
  for (const tier of [1, 3, 6, 8]) {
    const random = new Random(0, tier);
    for (let i = 0; i < 100; i++) {
      const problem = task.problem(random, tier, "train");
      const { promptIds, traceIds, solutionIds } = encodeProblem(problem, tokenizer);
      assertEquals(tokenizer.decode(promptIds), problem.prompt);
      assertEquals(tokenizer.decode(traceIds), problem.trace);
      // Guidance is a slice of what the warm start learns.
      assertEquals(solutionIds.slice(0, traceIds.length), [...traceIds]);
      assertEquals(
        tokenizer.decode(solutionIds, { skipSpecialTokens: true }),
        solutionText(problem),
      );
      assertLess(
        promptIds.length + solutionIds.length,
        modelPresets.programming.max_position_embeddings as number,
      );
    }
  }
});

Deno.test("programming tokenizer: any text of its tokens comes back exactly", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 2, max: PROGRAMMING_VOCABULARY.length - 1 })),
      (ids) => {
        const text = ids.map((id) => PROGRAMMING_VOCABULARY[id]).join("");
        assertEquals(tokenizer.decode(tokenizer.encode(text)), text);
      },
    ),
  );
  assertThrows(() => tokenizer.encode("x='ä'"), Error, "no token");
});

Deno.test("programming tokenizer: as many tokens as the model's vocabulary, each once", () => {
  assertEquals(tokenizer.vocabSize, PROGRAMMING_VOCABULARY.length);
  assertEquals(new Set(PROGRAMMING_VOCABULARY).size, PROGRAMMING_VOCABULARY.length);
  assertEquals(modelPresets.programming.vocab_size, PROGRAMMING_VOCABULARY.length);
  assertEquals(PROGRAMMING_VOCABULARY[tokenizer.eosTokenId!], "<eos>");
  assert(JSON.stringify(programmingTokenizerJson()).includes('"<think>"'));
});
