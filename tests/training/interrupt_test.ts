import { assertEquals } from "../../src/std/assert.ts";

const module = new URL("../../src/training/interrupt.ts", import.meta.url).href;

/** A child whose main thread is busy until a stop is asked for, or for ever. */
async function busyChild(forever: boolean): Promise<Deno.ChildProcess> {
  const code = `
    import { listenForInterrupt } from "${module}";
    const interrupt = await listenForInterrupt();
    console.log("listening");
    while (${forever} || !interrupt.requested);
    interrupt[Symbol.dispose]();
    Deno.exit(7);
  `;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", code],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.getReader();
  assertEquals(new TextDecoder().decode((await reader.read()).value).trim(), "listening");
  reader.releaseLock();
  return child;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`${signal} is heard while the main thread is busy`, async () => {
    const child = await busyChild(false);
    child.kill(signal);
    assertEquals((await child.status).code, 7);
    await child.stdout.cancel();
  });
}

Deno.test("one that arrives doubled is one", async () => {
  const child = await busyChild(false);
  child.kill("SIGINT");
  child.kill("SIGINT");
  assertEquals((await child.status).code, 7);
  await child.stdout.cancel();
});

Deno.test("a second one ends the process at once", async () => {
  const child = await busyChild(true);
  child.kill("SIGINT");
  await new Promise((resolve) => setTimeout(resolve, 400));
  child.kill("SIGINT");
  assertEquals((await child.status).signal, "SIGKILL");
  await child.stdout.cancel();
});
