/**
 * A run that trains nothing: it follows the protocol of src/sweep/process.ts and writes the files of a run. A step
 * takes 20 ms, and its checkpoint is the number of lines in metrics.jsonl. The run name decides how it ends.
 */
import { writeWhole } from "../../src/training/run_folder.ts";
import { type RunOrder } from "../../src/sweep/process.ts";
import { stringifyConfig } from "../../src/training/config.ts";

const buffer = new Uint8Array(100_000);
let text = "";
while (!text.includes("\n")) {
  const size = await Deno.stdin.read(buffer);
  if (size === null) Deno.exit(1);
  text += new TextDecoder().decode(buffer.subarray(0, size));
}
const { config, sftOnly }: RunOrder = JSON.parse(text);
const folder = `${config.output_dir}/${config.run_name}`;
Deno.mkdirSync(folder, { recursive: true });
writeWhole(`${folder}/config.yaml`, stringifyConfig(config)); // it may be stopped at any moment

let stopped = false;
Deno.addSignalListener("SIGINT", () => stopped = true);
// The end of the standard input is the end of the sweep.
(async () => {
  while (await Deno.stdin.read(buffer) !== null);
  stopped = true;
})();

/** One line each time a process of a sweep begins or ends, for the test to count. */
function note(what: string): void {
  const line = `${what} ${config.run_name}\n`;
  Deno.writeTextFileSync(`${config.output_dir}/events.txt`, line, { append: true });
}

note("begin");
if (config.run_name.startsWith("bad")) {
  console.error("first line");
  console.error("error: Cannot go on: 3 steps in a row had a loss that is no finite number");
  note("end");
  Deno.exit(1);
}
if (sftOnly) {
  Deno.mkdirSync(`${folder}/final`);
  note("end");
  Deno.exit(0);
}
if (config.model.path !== null) Deno.statSync(config.model.path);

const append = (file: string, value: unknown) =>
  Deno.writeTextFileSync(`${folder}/${file}`, `${JSON.stringify(value)}\n`, { append: true });
const done = () => {
  try {
    return Deno.readTextFileSync(`${folder}/metrics.jsonl`).split("\n").length - 1;
  } catch {
    return 0;
  }
};
if (done() === 0) {
  append("eval.jsonl", { step: 0, benchmark: "arithmetic", accuracy: 0.05, n: 100, stderr: 0.02 });
}
for (let step = done() + 1; step <= config.max_steps; step++) {
  await new Promise((resolve) => setTimeout(resolve, 20));
  append("metrics.jsonl", {
    step,
    reward: step / 10,
    "guidance/length": 40 - step,
    step_time: 0.5,
  });
  console.log(JSON.stringify({ phase: "rl", done: step, total: config.max_steps }));
  if (stopped) {
    note("end");
    Deno.exit(130);
  }
}
const accuracy = 0.1 * config.seed + config.guidance.ratio / 10;
append("eval.jsonl", {
  step: config.max_steps,
  benchmark: "arithmetic",
  accuracy,
  n: 100,
  stderr: 0.04,
});
Deno.mkdirSync(`${folder}/final`);
note("end");
Deno.exit(0);
