/** Runs that are killed, or asked to end, while programs run in their sandbox. */
import { prepareShim } from "../../ffi/prepare.ts";
import { assert, assertEquals, assertGreater } from "../../src/std/assert.ts";
import { readJsonLines } from "../../src/training/run_folder.ts";
import { maybeTest } from "../support.ts";

const child = new URL("./grading_child.ts", import.meta.url).pathname;

/** Processes of the system with their parents; zombies, which are dead, are not among them. */
async function processes(): Promise<{ pid: number; parent: number }[]> {
  const { stdout } = await new Deno.Command("ps", { args: ["-eo", "pid=,ppid=,stat="] }).output();
  return new TextDecoder().decode(stdout).split("\n").flatMap((line) => {
    const [pid, parent, state] = line.trim().split(/\s+/);
    return state === undefined || state.startsWith("Z")
      ? []
      : [{ pid: Number(pid), parent: Number(parent) }];
  });
}

async function descendants(of: number): Promise<number[]> {
  const all = await processes();
  const found = [of];
  for (const ancestor of found) {
    found.push(...all.filter(({ parent }) => parent === ancestor).map(({ pid }) => pid));
  }
  return found.slice(1);
}

async function alive(pids: readonly number[]): Promise<number[]> {
  return (await processes()).map(({ pid }) => pid).filter((pid) => pids.includes(pid));
}

async function found(program: string, args: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args, stdout: "null", stderr: "null" }).output())
      .success;
  } catch {
    return false;
  }
}

const hasPs = await found("ps", ["-eo", "pid="]);
const hasBubblewrap = await found("bwrap", ["--unshare-all", "--ro-bind", "/", "/", "true"]);

/** Waits until the programs of a run that has begun to grade have begun, on any but a very busy machine. */
async function untilPrograms(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1500));
}

function skipReason(provider: string): string | undefined {
  if (!hasPs) return "ps is not installed";
  return provider === "process" && !hasBubblewrap
    ? "bubblewrap is not installed or may not run"
    : undefined;
}

/** Starts a run, in a process group of its own. */
function startRun(folder: string, provider: string, program: string): Deno.ChildProcess {
  const permissions = ["read", "write", "env", "run", "ffi"].map((name) => `--allow-${name}`);
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", ...permissions, child, folder, provider, program],
    stdout: "piped",
    stderr: "null",
    detached: true,
  }).spawn();
}

for (const provider of ["pyodide", "process"]) {
  const name = `a run killed while ${provider} grades leaves no process`;
  maybeTest(name, skipReason(provider), async () => {
    await prepareShim();
    const folder = await Deno.makeTempDir();
    const run = startRun(folder, provider, "while True: pass");
    let below: number[] = [];
    try {
      const reader = run.stdout.getReader();
      const { value } = await reader.read();
      assertEquals(new TextDecoder().decode(value).slice(0, 7), "grading");
      await untilPrograms();
      await reader.cancel();
      below = await descendants(run.pid);
      assertGreater(below.length, 0);
    } finally {
      run.kill("SIGKILL");
      await run.status;
    }
    const end = performance.now() + 5000;
    while ((await alive(below)).length > 0 && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const left = await alive(below);
    for (const pid of left) Deno.kill(pid, "SIGKILL");
    assert(left.length === 0, `${left.length} of ${below.length} processes were left`);
    await Deno.remove(folder, { recursive: true });
  });

  const finishes = `a Ctrl-C while ${provider} grades lets the step have its scores`;
  maybeTest(finishes, skipReason(provider), async () => {
    await prepareShim();
    const folder = await Deno.makeTempDir();
    const run = startRun(folder, provider, "import time; time.sleep(2)");
    try {
      let said = "";
      for await (const text of run.stdout.pipeThrough(new TextDecoderStream())) {
        if (said === "") {
          await untilPrograms();
          // A terminal sends it to every process of the group.
          Deno.kill(-run.pid, "SIGINT");
        }
        said += text;
      }
      assertEquals(said.trim().split("\n").at(-1), "interrupted, 0 failures");
      const [name] = [...Deno.readDirSync(folder)].map(({ name }) => name);
      const [line, ...others] = readJsonLines<Record<string, number>>(
        `${folder}/${name}/metrics.jsonl`,
      );
      assertEquals(others, []);
      assertEquals(
        [line["rewards/code_execution/mean"], line["rewards/code_execution/ungraded"]],
        [1, 0],
      );
    } finally {
      if ((await alive([run.pid])).length > 0) run.kill("SIGKILL");
      await run.status;
      await Deno.remove(folder, { recursive: true });
    }
  });
}
