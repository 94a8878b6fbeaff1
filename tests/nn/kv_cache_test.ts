import { KvCache } from "../../src/nn/kv_cache.ts";
import * as ops from "../../src/tensor/ops.ts";
import { tensor } from "../../src/tensor/tensor.ts";
import { assertEquals } from "../../src/std/assert.ts";
import { tensorTest } from "../tensors.ts";

const shape = { layers: 1, rows: 2, kvHeads: 1, columns: 4, headDim: 2, rotated: false };
const integers = (rows: number[] | number[][]) => tensor(rows, undefined, "int64");

tensorTest("positions of columns go where their keys go", () => {
  using from = new KvCache(shape, "float32", "cpu"), to = new KvCache(shape, "float32", "cpu");
  for (const cache of [from, to]) cache.clear(4);
  const keys = tensor([[[[1, 1], [2, 2]]], [[[3, 3], [4, 4]]]]);
  assertEquals(from.writePositions(integers([[0, 1], [5, 6]]), 2, 2).toNumbers(), [0, 1, 5, 6]);
  from.write(0, keys, keys, 2);
  from.advance(2);
  // Row 1 of the one becomes row 0 of the other, a column further on.
  to.fill(integers([0]), 1, from, integers([1]), 2);
  to.length = 3;
  to.selectRows(integers([1, 0]));
  const positions = to.writePositions(integers([[9], [7]]), 2, 1);
  assertEquals(positions.shape, [2, 4]);
  assertEquals(positions.toNumbers(), [0, 0, 0, 9, 0, 5, 6, 7]);
  const first = ops.select(ops.select(to.keys[0], 0, 1), 0, 0); // [S, D]
  assertEquals(ops.narrow(first, 0, 0, 3).toNumbers(), [0, 0, 3, 3, 4, 4]);
});
