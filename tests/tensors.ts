/** What tests that touch tensors share. */
import { initialize } from "../ffi/library.ts";
import { assertEquals } from "../src/std/assert.ts";
import { liveTensors, scope, type ScopeResult } from "../src/tensor/tensor.ts";
import { maybeTest } from "./support.ts";

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

/** A test that waits, with libtorch loaded on one thread. It has no scope, and fails if a tensor outlives it. */
export function asyncTensorTest(name: string, fn: () => Promise<void>): void {
  Deno.test(name, async () => {
    await initialize({ threads: 1 });
    const before = liveTensors();
    await fn();
    assertEquals(liveTensors(), before, "tensors were left alive");
  });
}

/**
 * A test with a temporary folder, with libtorch loaded on one thread. It fails if a tensor outlives it.
 *
 * @param skipReason Why it cannot run; undefined when it can.
 */
export function folderTest(
  name: string,
  fn: (folder: string) => Promise<void>,
  skipReason?: string,
): void {
  maybeTest(name, skipReason, async () => {
    await initialize({ threads: 1 });
    const before = liveTensors(), folder = await Deno.makeTempDir();
    try {
      await fn(folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
    assertEquals(liveTensors(), before, "tensors were left alive");
  });
}

/** Runs `fn` with a temporary folder that is removed afterwards, inside a {@linkcode tensorTest}. */
export function inFolder(fn: (folder: string) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    fn(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}
