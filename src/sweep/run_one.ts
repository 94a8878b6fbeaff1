/** The child process of a sweep: one run, from where it stands to its end. Its protocol is process.ts's. */
import { errorMessage } from "../std/help.ts";
import { train } from "../training/train.ts";
import { interruptedCode, type RunOrder, type RunProgress } from "./process.ts";

async function readOrder(): Promise<RunOrder> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65_536);
  let text = "";
  while (!text.includes("\n")) {
    const size = await Deno.stdin.read(buffer);
    if (size === null) throw new Error("Cannot start: the standard input ended before the order");
    text += decoder.decode(buffer.subarray(0, size), { stream: true });
  }
  return JSON.parse(text);
}

function tell(progress: RunProgress): void {
  try {
    Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(progress)}\n`));
  } catch {
    // The sweep is gone. The watcher hears of it too, and has this run save and end.
  }
}

async function main(): Promise<number> {
  const { config, sftOnly, lock } = await readOrder();
  // A thread of its own, since the main one is busy computing.
  new Worker(new URL("./parent_watcher.ts", import.meta.url), { type: "module" });
  // A run whose sweep was killed may still be saving in this folder.
  using file = await Deno.open(lock, { write: true, create: true });
  await file.lock(true);
  const { ending } = await train(config, {
    resume: true,
    sftOnly,
    handleInterrupt: true,
    reporter: {
      sftStep: (done, total) => tell({ phase: "sft", done, total }),
      step: (done, total) => tell({ phase: "rl", done, total }),
      evaluating: (done, total) => tell({ phase: "eval", done, total }),
      warn: (message) => console.error(message),
    },
  });
  return ending === "interrupted" ? interruptedCode : 0;
}

if (import.meta.main) {
  let code = 1;
  try {
    code = await main();
  } catch (error) {
    console.error(`error: ${errorMessage(error)}`);
  }
  Deno.exit(code);
}
