/** Runs four programs that do not end, in guests of the control plane at its argument. */
import { e2bSandbox } from "../../src/sandbox/e2b.ts";

const [url] = Deno.args;
const sandbox = await e2bSandbox({ apiUrl: url, sandboxUrl: url, concurrency: 4 });
const run = async () => {
  const program = { language: "python", source: "while True: pass" } as const;
  for await (const _ of sandbox.run(program, ["x"])) console.log("a verdict");
};
await Promise.all([run(), run(), run(), run()]);
