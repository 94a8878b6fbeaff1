import { memory } from "../../src/tensor/memory.ts";
import * as ops from "../../src/tensor/ops.ts";
import { liveTensors, scope, tensor } from "../../src/tensor/tensor.ts";
import { assertEquals, assertLess } from "../../src/std/assert.ts";
import { tensorTest } from "../tensors.ts";

tensorTest("a million op calls leave tensors and memory where they were", () => {
  const a = tensor([1, 2, 3, 4]);
  const live = liveTensors(), bytes = memory().current;
  const disposed = 300_000, scoped = 700;
  for (let i = 0; i < disposed; i++) ops.add(a, a).dispose();
  assertEquals([liveTensors(), memory().current], [live, bytes]);
  for (let i = 0; i < scoped; i++) {
    scope(() => {
      let x = a;
      for (let j = 0; j < 1000; j++) x = ops.mulScalar(x, 0.5);
    });
  }
  assertEquals([liveTensors(), memory().current], [live, bytes]);
});

tensorTest("large blocks are reused: the process does not grow with what is freed", () => {
  const measure = () => Deno.memoryUsage().rss;
  const step = () =>
    scope(() => {
      for (const mib of [1, 3, 40, 300]) ops.addScalarInPlace(ops.zeros([mib * 2 ** 18]), 1);
    });
  step();
  const before = measure();
  for (let i = 0; i < 4; i++) step();
  assertLess(measure() - before, 200 * 2 ** 20);
});
