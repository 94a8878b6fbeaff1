import { softOverlongReward } from "../../src/rewards/soft_overlong.ts";
import { assertEquals, assertThrows } from "../../src/std/assert.ts";
import { contextOf, peers, sampleOf } from "./samples.ts";

Deno.test("soft_overlong: TRL's values", () => {
  for (const { max_completion_len, soft_punish_cache, lengths, rewards } of peers.soft_overlong) {
    const reward = softOverlongReward({ maxLength: max_completion_len, cache: soft_punish_cache });
    assertEquals(
      lengths.map((length) => reward.score(sampleOf({ length }), contextOf([]))),
      [...rewards],
    );
  }
});

Deno.test("soft_overlong: nothing for the short, falling over the cache, -1 beyond", () => {
  const reward = softOverlongReward({ maxLength: 10, cache: 4 });
  assertEquals(
    [0, 6, 7, 8, 10, 11, 50].map((length) => reward.score(sampleOf({ length }), contextOf([]))),
    [0, 0, -0.25, -0.5, -1, -1, -1],
  );
});

Deno.test("soft_overlong: without token ids it is ungraded", () => {
  const reward = softOverlongReward({ maxLength: 10, cache: 4 });
  assertEquals(reward.score(sampleOf({ completion: "a text" }), contextOf([])), {
    ungraded: "its length is not known as it came without token ids",
  });
});

Deno.test("soft_overlong: options that cannot be used are refused by name", () => {
  assertThrows(
    () => softOverlongReward({ maxLength: 10, cache: 11 }),
    RangeError,
    "Cannot make the soft overlong reward as 'cache' must be a whole number from 0 to 'maxLength', 10: current value is 11",
  );
  assertThrows(() => softOverlongReward({ maxLength: 0, cache: 0 }), RangeError, "'maxLength'");
  assertThrows(() => softOverlongReward({ maxLength: 10, cache: -1 }), RangeError, "'cache'");
});
