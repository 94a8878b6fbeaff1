import { lengthReward } from "../../src/rewards/length.ts";
import { assertEquals, assertRejects } from "../../src/std/assert.ts";
import { contextOf, peers, sampleOf } from "./samples.ts";

const reward = lengthReward();

Deno.test("length: Kimi k1.5's formula over the group", async () => {
  for (const { lengths, correct, rewards } of peers.length) {
    const group = lengths.map((length) => sampleOf({ length }));
    for (const [i, one] of group.entries()) {
      const score = await reward.score(one, contextOf(group, { accuracy: correct[i] ? 1 : 0 }));
      assertEquals(Math.abs(score as number - rewards[i]) < 1e-12, true, `${score} ${rewards[i]}`);
    }
  }
});

Deno.test("length: a wrong completion never gains by being short, a right one is best when shortest", async () => {
  const group = [10, 20, 30].map((length) => sampleOf({ length }));
  const scores = (accuracy: number) =>
    Promise.all(group.map((one) => reward.score(one, contextOf(group, { accuracy }))));
  assertEquals(await scores(1), [0.5, 0, -0.5]);
  assertEquals(await scores(0), [0, 0, -0.5]);
  assertEquals(await scores(0.5), [0, 0, -0.5]); // partly right is not right
});

Deno.test("length: another reward may say what is right", async () => {
  const group = [1, 2].map((length) => sampleOf({ length }));
  const context = contextOf(group, { accuracy: 0, code_execution: 1 });
  assertEquals(await lengthReward({ of: "code_execution" }).score(group[0], context), 0.5);
  await assertRejects(
    async () => await lengthReward({ of: "nothing" }).score(group[0], context),
    Error,
    "no reward 'nothing'",
  );
});

Deno.test("length: what has no token ids, or was not graded, is ungraded", async () => {
  const known = sampleOf({ length: 3 });
  const unknown = sampleOf({ completion: "a text" });
  const why = { ungraded: "its length is not known as it came without token ids" };
  const right = { accuracy: 1 };
  assertEquals(await reward.score(unknown, contextOf([known, unknown], right)), why);
  assertEquals(await reward.score(known, contextOf([known, unknown], right)), why);
  assertEquals(
    await reward.score(known, contextOf([known], { accuracy: { ungraded: "no gold" } })),
    { ungraded: "reward 'accuracy' could not grade it: no gold" },
  );
  // A completion that is empty is zero tokens long.
  const empty = sampleOf({});
  assertEquals(await reward.score(empty, contextOf([known, empty], right)), 0.5);
});
