/** What tests that touch tensors share. */
import { initialize } from "../ffi/library.ts";
import { assertEquals } from "../src/std/assert.ts";
import { liveTensors, scope, type ScopeResult } from "../src/tensor/tensor.ts";

/**
 * A test with libtorch loaded on one thread. It runs in a scope, and fails if a tensor outlives it: one that was kept
 * and not disposed, or whose owner was not.
 */
export function tensorTest(name: string, fn: () => ScopeResult<void>): void {
  Deno.test(name, async () => {
    await initialize({ threads: 1 });
    const before = liveTensors();
    scope(fn);
    assertEquals(liveTensors(), before, "tensors were left alive");
  });
}
