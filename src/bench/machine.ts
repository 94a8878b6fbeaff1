/** What this machine can do at most, and what a call into libtorch costs. */
import * as ops from "../tensor/ops.ts";
import { scope, type Tensor, tensor } from "../tensor/tensor.ts";
import { noGrad } from "../tensor/autograd.ts";
import { time } from "./measure.ts";

/** Figures of the machine with the threads in use. */
export interface MachineFigures {
  /** Microseconds of a 2x2 addition with freeing its result. */
  readonly opMicroseconds: number;
  /** GFLOP/s of a square float32 product of 1024. */
  readonly gemmGflops: number;
  /** GB/s read and written by copying 256 MB. */
  readonly copyGigabytes: number;
}

/** Measures op cost, matrix products and copies. */
export async function measureMachine(runs: number): Promise<MachineFigures> {
  const held: Tensor[] = [];
  const hold = (t: Tensor) => {
    held.push(t.keep());
    return t;
  };
  try {
    const small = hold(tensor([[1, 2], [3, 4]]));
    const calls = 100_000;
    const op = await time(runs, () =>
      noGrad(() => {
        for (let i = 0; i < calls; i++) ops.add(small, small).dispose();
      }));
    const n = 1024;
    const square = hold(ops.ones([n, n], "float32"));
    const gemm = await time(runs, () => scope(() => void ops.mm(square, square)));
    const from = hold(ops.ones([1 << 26], "float32")), to = hold(ops.zeros([1 << 26], "float32"));
    const copy = await time(runs, () => ops.copyInPlace(to, from));
    return {
      opMicroseconds: op.median / calls * 1e6,
      gemmGflops: 2 * n ** 3 / gemm.median / 1e9,
      copyGigabytes: 2 * 4 * 2 ** 26 / copy.median / 1e9,
    };
  } finally {
    for (const t of held) t.dispose();
  }
}
