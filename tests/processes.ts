/** Whether processes have ended. */
import { assert } from "../src/std/assert.ts";

/** Whether a process of this number is there and not merely waiting for its status to be read. */
export function alive(pid: number): boolean {
  const { stdout } = new Deno.Command("ps", { args: ["-o", "stat=", "-p", `${pid}`] }).outputSync();
  return /^[^Z]/.test(new TextDecoder().decode(stdout).trim());
}

/** Fails unless a process ends within ten seconds. */
export async function gone(pid: number): Promise<void> {
  for (let i = 0; i < 500 && alive(pid); i++) await new Promise((done) => setTimeout(done, 20));
  assert(!alive(pid), `process ${pid} is still there`);
}
