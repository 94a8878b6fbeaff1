import { Places } from "../../src/sandbox/places.ts";
import { assert, assertEquals, assertRejects } from "../../src/std/assert.ts";

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("places are given first come, first served", async () => {
  const places = new Places(2), order: number[] = [];
  const leaves = await Promise.all([places.take(), places.take()]);
  const waiting = [0, 1, 2].map((i) =>
    places.take().then((leave) => {
      order.push(i);
      return leave;
    })
  );
  await turn();
  assertEquals(order, []);
  leaves[1]();
  leaves[1]();
  await turn();
  assertEquals(order, [0], "a place that is given back twice is one place");
  leaves[0]();
  await turn();
  assertEquals(order, [0, 1]);
  (await waiting[0])();
  (await waiting[2])();
  (await waiting[1])();
  // All free again: two at once, and no third.
  const again = await Promise.all([places.take(), places.take()]);
  let third = false;
  const late = places.take().then(() => third = true);
  await turn();
  assert(!third);
  again[0]();
  await late;
});

Deno.test("who waits for a place may leave the line", async () => {
  const places = new Places(1), reason = new Error("no longer");
  const leave = await places.take();
  const controller = new AbortController();
  const gone = assertRejects(() => places.take(controller.signal));
  const next = places.take();
  controller.abort(reason);
  assert(await gone === reason);
  leave();
  (await next)();
  assert(await assertRejects(() => places.take(AbortSignal.abort(reason))) === reason);
  (await places.take())();
});

Deno.test("a signal that comes after the place changes nothing", async () => {
  const places = new Places(1), controller = new AbortController();
  const first = await places.take();
  const second = places.take(controller.signal);
  first();
  controller.abort();
  (await second)();
  (await places.take())();
});

Deno.test("closed places turn everybody away", async () => {
  const places = new Places(1);
  const leave = await places.take();
  const waiting = assertRejects(() => places.take(), TypeError, "closed");
  places.close(() => new TypeError("closed"));
  await waiting;
  leave();
  await assertRejects(() => places.take(), TypeError, "closed");
});
