/** `deno task test`: prepares libtorch, runs every test, adds up the counts. */
import { prepareShim } from "../ffi/prepare.ts";
import { type Command, parseCommand, runCommand } from "../src/std/help.ts";

const command: Command = {
  name: "deno task test",
  summary: "Runs the tests; the last line is `N passed, N failed, N skipped`.",
  usage: "[FILE ...]",
  examples: [
    { call: "deno task test", description: "All tests" },
    { call: "deno task test tests/guidance", description: "Those of one folder" },
  ],
};

/** Counts of one run of `deno test`. */
interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

// Deno's closing line: `ok | 56 passed (390 steps) | 0 failed | 2 ignored (8s)`.
const closing = /\| (\d+) passed.*?\| (\d+) failed(?:.*?\| (\d+) ignored)?/;
// deno-lint-ignore no-control-regex
const colours = /\x1b\[[0-9;]*m/g;

async function run(args: readonly string[], skipped: string[]): Promise<Counts> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  let closed = false, rest = "";
  const read = (line: string) => {
    const plain = line.replace(colours, "");
    const match = closing.exec(plain);
    if (match !== null) {
      closed = true;
      counts.passed = Number(match[1]);
      counts.failed = Number(match[2]);
      counts.skipped = Number(match[3] ?? 0);
    }
    if (/ \.\.\. ignored/.test(plain)) skipped.push(plain.replace(/ \.\.\. ignored.*$/, "").trim());
  };
  const output = child.stdout.pipeThrough(new TextDecoderStream());
  for await (const chunk of output) {
    Deno.stdout.writeSync(new TextEncoder().encode(chunk));
    const lines = (rest + chunk).split("\n");
    rest = lines.pop()!;
    lines.forEach(read);
  }
  read(rest);
  const { success } = await child.status;
  // A run that ended without its closing line (a crash) or failed without a failed test (a type error) is a failure.
  if (!closed || (!success && counts.failed === 0)) counts.failed++;
  return counts;
}

await runCommand(command, Deno.args, async (args) => {
  const { positionals } = parseCommand(command, args, Infinity);
  await prepareShim();
  const skipped: string[] = [];
  const permissions = [
    "--allow-read",
    "--allow-write",
    "--allow-env",
    "--allow-run",
    "--allow-ffi",
    "--allow-net=127.0.0.1",
  ];
  const files = positionals.length > 0 ? positionals : ["tests"];
  const runs = [await run([...permissions, ...files], skipped)];
  if (positionals.length === 0) {
    // Examples in doc comments. Their added imports would fail the check for unused ones.
    runs.push(await run(["--doc", "--no-check", ...permissions, "src", "mod.ts"], skipped));
  }
  const total = (key: keyof Counts) => runs.reduce((n, counts) => n + counts[key], 0);
  if (skipped.length > 0) console.log(`Skipped:\n${skipped.map((name) => `  ${name}`).join("\n")}`);
  const [passed, failed] = [total("passed"), total("failed")];
  console.log(`${passed} passed, ${failed} failed, ${total("skipped")} skipped`);
  if (failed > 0 || passed === 0) Deno.exit(1);
});
