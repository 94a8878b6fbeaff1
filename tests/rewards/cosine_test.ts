import { cosineReward } from "../../src/rewards/cosine.ts";
import { assertEquals, assertThrows } from "../../src/std/assert.ts";
import { contextOf, peers, sampleOf } from "./samples.ts";

Deno.test("cosine: TRL's values", async () => {
  for (const { correct, lengths, rewards, ...given } of peers.cosine) {
    const reward = cosineReward({
      maxLength: given.max_len,
      minValueWrong: given.min_value_wrong,
      maxValueWrong: given.max_value_wrong,
      minValueCorrect: given.min_value_correct,
      maxValueCorrect: given.max_value_correct,
    });
    for (const [i, length] of lengths.entries()) {
      const one = sampleOf({ length });
      const score = await reward.score(one, contextOf([one], { accuracy: correct ? 1 : 0 }));
      assertEquals(Math.abs(score as number - rewards[i]) < 1e-12, true, `${score} ${rewards[i]}`);
    }
  }
});

Deno.test("cosine: the four corners", async () => {
  const reward = cosineReward({ maxLength: 10, of: "code_execution" });
  const score = (length: number, code_execution: number) => {
    const one = sampleOf({ length });
    return reward.score(one, contextOf([one], { accuracy: 1 - code_execution, code_execution }));
  };
  assertEquals(
    await Promise.all([score(0, 1), score(10, 1), score(0, 0), score(10, 0), score(99, 0)]),
    [1, 0.5, -1, -0.5, -0.5],
  );
});

Deno.test("cosine: what has no token ids, or was not graded, is ungraded", async () => {
  const reward = cosineReward({ maxLength: 10 });
  const text = sampleOf({ completion: "a text" });
  assertEquals(await reward.score(text, contextOf([text], { accuracy: 1 })), {
    ungraded: "its length is not known as it came without token ids",
  });
  const one = sampleOf({ length: 2 });
  assertEquals(await reward.score(one, contextOf([one], { accuracy: { ungraded: "late" } })), {
    ungraded: "reward 'accuracy' could not grade it: late",
  });
});

Deno.test("cosine: options that cannot be used are refused by name", () => {
  for (
    const [options, message] of [
      [
        { maxLength: 0 },
        "'maxLength' must be a whole number of at least 1: current value is 0",
      ],
      [{ maxLength: 2.5 }, "current value is 2.5"],
      [
        { maxLength: 9, maxValueWrong: NaN },
        "'maxValueWrong' must be a finite number: current value is NaN",
      ],
      [
        { maxLength: 9, minValueCorrect: 2 },
        "'minValueCorrect' must be at most 'maxValueCorrect', 1: current value is 2",
      ],
      [{ maxLength: 9, minValueWrong: 0 }, "'minValueWrong' must be at most 'maxValueWrong', -0.5"],
    ] as const
  ) {
    assertThrows(
      () => cosineReward(options),
      RangeError,
      `Cannot make the cosine reward as`,
    );
    assertThrows(() => cosineReward(options), RangeError, message);
  }
});
