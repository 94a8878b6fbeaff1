import { repetitionPenaltyReward } from "../../src/rewards/repetition_penalty.ts";
import { assertEquals, assertThrows } from "../../src/std/assert.ts";
import { contextOf, peers, sampleOf } from "./samples.ts";

const score = (
  completion: string,
  options: Parameters<typeof repetitionPenaltyReward>[0] = {},
) => repetitionPenaltyReward(options).score(sampleOf({ completion }), contextOf([]));

Deno.test("repetition_penalty: TRL's values, with a word for each of its tokens", () => {
  for (const { ngram_size, max_penalty, ids, rewards } of peers.repetition) {
    const options = { ngramSize: ngram_size, maxPenalty: max_penalty };
    for (const [i, tokens] of ids.entries()) {
      const value = score(tokens.map((id) => `w${id}`).join(" "), options) as number;
      assertEquals(Math.abs(value - rewards[i]) < 1e-12, true, `${value} ${rewards[i]}`);
    }
  }
});

Deno.test("repetition_penalty: words are compared in lower case, whatever space is between them", () => {
  assertEquals(score("a b c"), 0);
  assertEquals(score("A b\nC  a\tB c"), -0.25); // abc, bca, cab, abc
  assertEquals(score("  a b  "), 0);
  assertEquals(score(""), 0);
  assertEquals(Object.is(score("a b c d"), 0), true, "never -0");
  assertEquals(score("so so so so", { ngramSize: 1, maxPenalty: -2 }), -1.5);
});

Deno.test("repetition_penalty: options that cannot be used are refused by name", () => {
  assertThrows(
    () => repetitionPenaltyReward({ ngramSize: 0 }),
    RangeError,
    "'ngramSize' must be a whole number of at least 1: current value is 0",
  );
  assertThrows(
    () => repetitionPenaltyReward({ maxPenalty: 0.5 }),
    RangeError,
    "'maxPenalty' must be a finite number of at most 0: current value is 0.5",
  );
  assertThrows(() => repetitionPenaltyReward({ maxPenalty: -Infinity }), RangeError);
});
