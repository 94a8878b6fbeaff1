import { fileURLToPath } from "node:url";
import { initialize } from "../../ffi/library.ts";
import { assertEquals } from "../../src/std/assert.ts";

// By hand, further: deno run -A tests/tensor/no_crash_child.ts SEED CALLS --trace
for (const seed of [1, 2]) {
  Deno.test(`every op survives thousands of random calls (seed ${seed})`, async () => {
    await initialize(); // so that the child finds the shim built
    const child = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        fileURLToPath(new URL("no_crash_child.ts", import.meta.url)),
        String(seed),
        "10000",
      ],
      stdout: "piped",
      stderr: "piped",
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assertEquals([child.code, child.signal], [0, null], text(child.stderr).slice(-2000));
    const { live, never } = JSON.parse(text(child.stdout));
    assertEquals({ live, never }, { live: 0, never: [] });
  });
}
