/** Waits for the end of the standard input, which is the end of the sweep, and has the run save and end. */
const buffer = new Uint8Array(1024);
while (await Deno.stdin.read(buffer) !== null);
Deno.kill(Deno.pid, "SIGINT");
