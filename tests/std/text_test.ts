import { assertEquals, assertThrows } from "../../src/std/assert.ts";
import { closestString, levenshteinDistance, suggest } from "../../src/std/text.ts";

Deno.test("levenshteinDistance counts edits", () => {
  assertEquals(levenshteinDistance("kitten", "sitting"), 3);
  assertEquals(levenshteinDistance("", "abc"), 3);
  assertEquals(levenshteinDistance("same", "same"), 0);
});

Deno.test("closestString takes the nearest word", () => {
  assertEquals(closestString("sead", ["speed", "seed", "steps"]), "seed");
  assertThrows(() => closestString("x", []), TypeError);
});

Deno.test("suggest stays silent when nothing is near", () => {
  assertEquals(suggest("learnin_rate", ["seed", "learning_rate"]), "learning_rate");
  assertEquals(suggest("numGenerations", ["num_generations"]), "num_generations");
  assertEquals(suggest("colour", ["seed", "learning_rate"]), undefined);
  assertEquals(suggest("x", []), undefined);
});
