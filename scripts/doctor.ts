/** `deno task doctor`: what is there, what is missing, and the cure. */
import { examine, formatReport } from "../ffi/doctor.ts";
import { examineSandboxes } from "../src/report/sandbox_doctor.ts";
import { type Command, parseCommand, runCommand } from "../src/std/help.ts";

const command: Command = {
  name: "deno task doctor",
  summary:
    "Looks at everything that Handrail needs: Deno, compiler, Python, libtorch, CUDA, memory, cache, disk, sandboxes.\n" +
    "Installs and builds nothing. Exit status 1 if something that is needed is missing.",
  usage: "[--json]",
  options: [{ name: "json", description: "Print the findings as JSON" }],
};

if (import.meta.main) {
  await runCommand(command, Deno.args, async (args) => {
    const { options } = parseCommand(command, args, 0);
    const { ok, findings } = await examine();
    const report = { ok, findings: [...findings, ...await examineSandboxes()] };
    console.log(options.json ? JSON.stringify(report, null, 2) : formatReport(report));
    return report.ok ? 0 : 1;
  });
}
