/** The sandbox of native interpreters: the contract, and what is its own. */
import { processSandbox } from "../../src/sandbox/process.ts";
import { bubblewrapArguments, pythons } from "../../src/sandbox/process_system.ts";
import {
  type Language,
  type Limits,
  SandboxError,
  type Verdict,
} from "../../src/sandbox/sandbox.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "../../src/std/assert.ts";
import { maybeTest } from "../support.ts";
import { gone, named, processes, processName, sandboxContract } from "./contract.ts";

/** Why it cannot run here. What it needs, asked without it: where that is there, it must start. */
const skip = needed("bwrap --unshare-user --ro-bind / / true", "bubblewrap and user namespaces") ??
  needed("python3 --version", "python3");

function needed(command: string, what: string): string | undefined {
  const { success } = new Deno.Command("sh", {
    args: ["-c", command],
    stdout: "null",
    stderr: "null",
  }).outputSync();
  return success ? undefined : `needs ${what}`;
}

sandboxContract("process", processSandbox, skip);

const MiB = 2 ** 20;

/** The verdict of one program on no input, in a sandbox of its own. */
async function verdictOf(
  source: string,
  limits: Partial<Limits> = {},
  language: Language = "python",
): Promise<Verdict> {
  await using sandbox = await processSandbox({ concurrency: 1 });
  for await (const verdict of sandbox.run({ language, source }, [""], { limits })) return verdict;
  throw new Error("no verdict");
}

async function printed(source: string): Promise<string> {
  const verdict = await verdictOf(source);
  assert(verdict.type === "exited" && verdict.code === 0, JSON.stringify(verdict));
  return verdict.stdout;
}

/** What a shell prints on the host. */
function shell(command: string): string {
  return new TextDecoder().decode(
    new Deno.Command("sh", { args: ["-c", command] }).outputSync().stdout,
  );
}

const module = new URL("../../src/sandbox/process.ts", import.meta.url).href;

/** Runs a module of Deno under a bubblewrap of its own, which takes something away from it. */
async function denoWithout(
  flags: string[],
  source: string,
  deno = Deno.execPath(),
): Promise<string> {
  const { stdout, stderr } = await new Deno.Command("bwrap", {
    args: ["--dev-bind", "/", "/", ...flags, deno, "eval", "--quiet", source],
  }).output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

const start = `
  import { processSandbox } from "${module}";
  await processSandbox().then(
    async (sandbox) => { await sandbox[Symbol.asyncDispose](); console.log("started"); },
    (error) => console.log(error.name, error.message),
  );`;

maybeTest("process sandbox: starts under a bubblewrap that takes nothing away", skip, async () => {
  assertEquals(await denoWithout([], start), "started\n");
});

maybeTest("process sandbox: refuses to start without bubblewrap", skip, async () => {
  const hidden = shell("ls /usr/bin/bwrap /usr/local/bin/bwrap 2>/dev/null").trim().split("\n");
  const flags = hidden.flatMap((path) => ["--ro-bind", "/dev/null", path]);
  const text = await denoWithout(flags, start);
  assertStringIncludes(text, "SandboxError Cannot start the process sandbox as bubblewrap");
  assertStringIncludes(text, "apt install bubblewrap");
  assertStringIncludes(text, "pyodide");
});

maybeTest(
  "process sandbox: refuses to start where user namespaces are forbidden",
  skip,
  async () => {
    const text = await denoWithout(["--unshare-user", "--disable-userns"], start);
    assertStringIncludes(text, "SandboxError Cannot start the process sandbox");
    // The kernel's reason as bubblewrap tells it, and the way out.
    assertStringIncludes(text, "bwrap:");
    assertStringIncludes(text, "max_user_namespaces");
  },
);

maybeTest("process sandbox: starts where its Deno lies in nobody's sight", skip, async () => {
  // Such as /root/.deno: a folder that only its owner may enter.
  const folder = await Deno.makeTempDir({ dir: new URL("..", import.meta.url).pathname });
  try {
    const deno = `${folder}/deno`;
    assertEquals(
      await denoWithout(["--ro-bind", Deno.execPath(), deno], start, deno),
      "started\n",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

maybeTest("process sandbox: dies with its trainer, busy or asleep", skip, async () => {
  const busy = processName(), asleep = processName();
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `
      import { processSandbox } from "${module}";
      const sandbox = await processSandbox({ concurrency: 3 });
      await Promise.all(${
        JSON.stringify([
          named(busy) + "while True: pass",
          named(asleep) + "import time; time.sleep(60)",
        ])
      }.map(async (source) => {
        for await (const _ of sandbox.run({ language: "python", source }, [""], { limits: { timeoutMs: 60_000 } }));
      }));`,
    ],
  }).spawn();
  const found = () => processes().filter(({ name }) => name === busy || name === asleep);
  const deadline = performance.now() + 10_000;
  while (found().length < 2) {
    assert(performance.now() < deadline, "the programs did not start");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const supervisors = ancestors(found().map(({ pid }) => pid), child.pid);
  assertGreater(supervisors.length, 3);
  child.kill("SIGKILL");
  await child.status;
  await gone(busy);
  await gone(asleep);
  const left = new Set(processes().filter(({ state }) => state !== "Z").map(({ pid }) => pid));
  assertEquals(supervisors.filter((pid) => left.has(pid)), []);
});

maybeTest("process sandbox: one that nobody closes keeps no program alive", skip, async () => {
  const source = `
    import { processSandbox } from "${module}";
    const sandbox = await processSandbox({ concurrency: 1 });
    const run = sandbox.run({ language: "python", source: "print(1)" }, ["", ""]);
    console.log((await run.next()).value.stdout.trim());`;
  const child = new Deno.Command(Deno.execPath(), { args: ["eval", source], stdout: "piped" });
  const process = child.spawn();
  const timer = setTimeout(() => process.kill("SIGKILL"), 15_000);
  const { code, stdout } = await process.output();
  clearTimeout(timer);
  assertEquals([code, new TextDecoder().decode(stdout)], [0, "1\n"]);
});

maybeTest("process sandbox: what is over has left nothing", skip, async () => {
  const name = processName(), loop = named(name) + "while True: pass";
  const left = () => processes().filter((p) => p.name === name);
  const begun = async () => {
    while (left().length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  const sandbox = await processSandbox({ concurrency: 2, limits: { timeoutMs: 400 } });
  for await (const { type } of sandbox.run({ language: "python", source: loop }, ["", ""])) {
    assertEquals([type, left()], ["timeout", []]);
  }
  const run = (signal?: AbortSignal) =>
    sandbox.run({ language: "python", source: loop }, [""], {
      limits: { timeoutMs: 60_000 },
      signal,
    }).next();
  const controller = new AbortController();
  const aborted = assertRejects(() => run(controller.signal));
  await begun();
  controller.abort(new Error("enough"));
  await aborted;
  assertEquals(left(), []);
  const closed = assertRejects(() => run(), SandboxError);
  await begun();
  await sandbox[Symbol.asyncDispose]();
  assertEquals(left(), []);
  await closed;
});

maybeTest("process sandbox: processes and threads are counted together", skip, async () => {
  const source = (begin: string) => `
import os, sys, threading, time
n = 0
try:
    while n < 400:
        ${begin}
        n += 1
except (OSError, RuntimeError): pass
print(n, flush=True)
os._exit(0)`;
  const limits = { memoryBytes: 4096 * MiB };
  const processes = "os.fork() or (time.sleep(60), os._exit(0))";
  const threads = "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()";
  for (const begin of [processes, threads]) {
    const verdict = await verdictOf(source(begin), limits);
    // All but the program itself and its init.
    assert(verdict.type === "exited" && verdict.stdout === "126\n", JSON.stringify(verdict));
  }
});

maybeTest("process sandbox: Ctrl-C at the trainer is not its own", skip, async () => {
  await using sandbox = await processSandbox({ concurrency: 1 });
  await sandbox.run({ language: "python", source: "print(1)" }, [""]).next();
  const groups = shell("ps -eo ppid=,pid=,pgid=").trim().split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([parent, pid]) => parent === Deno.pid && pid !== undefined);
  const ours = Number(shell(`ps -o pgid= -p ${Deno.pid}`));
  // The shell that asks is one of them.
  assertEquals(groups.filter(([_, __, group]) => group !== ours).length, 1);
});

maybeTest(
  "process sandbox: a supervisor that something else has ended is replaced",
  skip,
  async () => {
    const others = processes().map(({ pid }) => pid);
    await using sandbox = await processSandbox({ concurrency: 1 });
    const supervisors = () =>
      processes().filter(({ pid, parent }) => parent === Deno.pid && !others.includes(pid))
        .map(({ pid }) => pid);
    const run = () =>
      Array.fromAsync(sandbox.run({ language: "python", source: "print(1)" }, [""]));
    await run();
    const [first] = supervisors();
    Deno.kill(first, "SIGKILL");
    while (supervisors().includes(first)) await new Promise((resolve) => setTimeout(resolve, 20));
    const [verdict] = await run();
    assert(verdict.type === "exited" && verdict.stdout === "1\n", JSON.stringify(verdict));
    assertEquals(sandbox.usage.failures, 0);
  },
);

/** The processes between some and one above them. */
function ancestors(pids: number[], above: number): number[] {
  const parents = new Map(processes().map(({ pid, parent }) => [pid, parent]));
  const found = new Set<number>();
  for (let pid of pids) {
    for (; pid !== above && pid !== undefined; pid = parents.get(pid)!) found.add(pid);
  }
  return [...found];
}

maybeTest("process sandbox: a program is nobody, without privileges, filtered", skip, async () => {
  const name = processName();
  const source = named(name) + `
import time
for line in open("/proc/self/status"):
    if line.split(":")[0] in ("Uid", "Gid", "CapEff", "CapPrm", "CapInh", "CapAmb", "NoNewPrivs", "Seccomp", "Groups"):
        print(*line.split())
time.sleep(0.7)`;
  const verdict = verdictOf(source);
  let uid = "";
  for (const deadline = performance.now() + 5000; uid === "" && performance.now() < deadline;) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const pid = processes().find((p) => p.name === name)?.pid;
    if (pid !== undefined) uid = shell(`stat -c %u /proc/${pid}`).trim();
  }
  // On the host it is nobody whom the host knows, whoever has started it.
  if (shell("id -u").trim() === "0") assertGreater(Number(uid), 60_000);
  else assertEquals(uid, shell("id -u").trim());
  const exited = await verdict;
  assert(exited.type === "exited" && exited.code === 0, JSON.stringify(exited));
  assertEquals(
    exited.stdout.replace(/^Groups.*\n/m, ""),
    [
      ...["Uid: 65534 65534 65534 65534", "Gid: 65534 65534 65534 65534"],
      ...["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"].map((set) => `${set} 0000000000000000`),
      ...["NoNewPrivs: 1", "Seccomp: 2", ""],
    ].join("\n"),
  );
});

maybeTest("process sandbox: every namespace is the run's own", skip, async () => {
  const names = ["user", "mnt", "pid", "ipc", "uts", "cgroup", "net"];
  const ours = shell(`cd /proc/self/ns; readlink ${names.join(" ")}`).trim().split("\n");
  const theirs = (await printed(`
import os
for name in ${JSON.stringify(names)}: print(os.readlink("/proc/self/ns/" + name))
print(os.getpid(), sorted(p for p in os.listdir("/proc") if p.isdigit()))
print(sorted(os.listdir("/")), os.listdir("/tmp"), os.uname().nodename)`)).trim().split("\n");
  assertEquals(ours.length, 7);
  for (const [i, name] of names.entries()) assert(ours[i] !== theirs[i], name);
  assertEquals(theirs[7], "2 ['1', '2']");
  const [root] = /\[(.*?)\]/.exec(theirs[8])!;
  // Nothing but where the interpreters are.
  const interpreters = [Deno.realPathSync(Deno.execPath()), ...pythons()];
  for (const folder of ["home", "root", "work", "var", "sys", "opt", "mnt", "run"]) {
    if (interpreters.some((path) => path.startsWith(`/${folder}/`))) continue;
    assert(!root.includes(`'${folder}'`), root);
  }
  assertStringIncludes(theirs[8], "['main.py'] sandbox");
});

maybeTest("process sandbox: what goes around the limits is refused", skip, async () => {
  const text = await printed(`
import ctypes, errno, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def tried(name, result):
    print(name, "done" if result >= 0 else errno.errorcode[ctypes.get_errno()])
tried("memfd_create", libc.memfd_create(b"x", 0))
tried("shmget", libc.shmget(0, 4096, 0o1600))
tried("msgget", libc.msgget(0, 0o1600))
tried("semget", libc.semget(0, 1, 0o1600))
tried("add_key", libc.syscall(248 if os.uname().machine == "x86_64" else 217, b"user", b"k", b"v", 1, -4))
tried("unshare", libc.unshare(0x10000000))
tried("setns", libc.setns(0, 0))
tried("mount", libc.mount(b"x", b"/tmp", b"tmpfs", 0, None))
tried("chroot", libc.chroot(b"/tmp"))
tried("ptrace", libc.ptrace(0, 0, 0, 0))
tried("clone", libc.syscall(56 if os.uname().machine == "x86_64" else 220, 0x10000011, 0, 0, 0, 0))
tried("clone3", libc.syscall(435, 0, 0))
tried("io_uring_setup", libc.syscall(425, 1, 0))
for family in [40, 38, 17]:
    try: socket.socket(family, socket.SOCK_STREAM if family != 17 else socket.SOCK_RAW); print(family, "done")
    except OSError as e: print(family, errno.errorcode[e.errno])
a, b = socket.socketpair()
a.send(b"x")
print("socketpair", b.recv(1))
for path in ["/x", "/usr/x", "/dev/x", "/build/x", "/etc/x", "/proc/sys/kernel/core_pattern"]:
    try: open(path, "w"); print(path, "done")
    except OSError as e: print(path, errno.errorcode[e.errno])`);
  const lines = Object.fromEntries(text.trim().split("\n").map((line) => line.split(" ")));
  const refused = [
    ...["memfd_create", "shmget", "msgget", "semget", "add_key", "unshare", "setns", "mount"],
    ...["chroot", "ptrace", "clone", "io_uring_setup"],
  ];
  for (const name of refused) assertEquals([name, lines[name]], [name, "EPERM"]);
  assertEquals([lines.clone3, lines.socketpair], ["ENOSYS", "b'x'"]);
  for (const family of ["40", "38", "17"]) {
    assertEquals([family, lines[family]], [family, "EAFNOSUPPORT"]);
  }
  for (const path of Object.keys(lines).filter((key) => key.startsWith("/"))) {
    assert(["EROFS", "EACCES", "ENOENT"].includes(lines[path]), `${path}: ${lines[path]}`);
  }
});

maybeTest("process sandbox: memory that children share is counted once", skip, async () => {
  const source = (each: number, seconds: number) => `
import os, time
x = bytearray(b"x") * (120 << 20)
for _ in range(6):
    if os.fork() == 0:
        y = bytearray(b"y") * (${each} << 20)
        time.sleep(${seconds})
        os._exit(0)
for _ in range(6): os.wait()
print("done")`;
  const limits = { memoryBytes: 256 * MiB, timeoutMs: 20_000 };
  const shared = await verdictOf(source(1, 0.6), limits);
  assert(shared.type === "exited" && shared.stdout === "done\n", JSON.stringify(shared));
  assertEquals(await verdictOf(source(40, 10), limits), { type: "memory" });
  // Shared on purpose, it is counted too.
  const map = `
import mmap
m = mmap.mmap(-1, 400 << 20)
for _ in range(400): m.write(b"x" * (1 << 20))
print("done")`;
  assertEquals(await verdictOf(map, limits), { type: "memory" });
  // A process may close its own files in /proc to others.
  const closed = `
import ctypes
print(ctypes.CDLL(None).prctl(4, 0, 0, 0, 0))
x = []
while len(x) < 100: x.append(bytearray(b"x") * (4 << 20))`;
  assertEquals(await verdictOf(closed, limits), { type: "memory" });
});

maybeTest("process sandbox: a busy trainer costs no program its time", skip, async () => {
  await using sandbox = await processSandbox({ concurrency: 1 });
  const source = `
import time
print("x" * 500_000)
time.sleep(0.3)
print("y" * 500_000)`;
  const run = sandbox.run({ language: "python", source }, [""], {
    limits: { timeoutMs: 1500, outputBytes: 2 * MiB },
  });
  const next = run.next();
  await new Promise((resolve) => setTimeout(resolve, 100));
  for (const until = performance.now() + 2000; performance.now() < until;);
  const { value } = await next;
  assert(
    value?.type === "exited" && value.stdout.length === 1_000_002,
    JSON.stringify(value)?.slice(0, 200),
  );
  assertLess(value.ms, 1500);
  await run.return(undefined);

  // And one that overruns meanwhile is ended in time all the same.
  const loop = sandbox.run({ language: "python", source: "while True: pass" }, [""], {
    limits: { timeoutMs: 500 },
  });
  const verdict = loop.next();
  await new Promise((resolve) => setTimeout(resolve, 100));
  for (const until = performance.now() + 2500; performance.now() < until;);
  const ended = (await verdict).value;
  assert(ended?.type === "timeout" && ended.ms < 2000, JSON.stringify(ended));
  await loop.return(undefined);
});

maybeTest("process sandbox: programs written for Node run as JavaScript", skip, async () => {
  await using sandbox = await processSandbox({ concurrency: 1 });
  if (!sandbox.languages.includes("javascript")) return;
  const source = `
const fs = require("fs");
const rl = require("readline").createInterface({ input: process.stdin });
let sum = 0;
rl.on("line", (line) => { sum += Number(line); }).on("close", () => console.log(sum, typeof fs.readFileSync));`;
  for await (const verdict of sandbox.run({ language: "javascript", source }, ["1\n2\n39\n"])) {
    assert(
      verdict.type === "exited" && verdict.stdout === "42 function\n",
      JSON.stringify(verdict),
    );
  }
});

maybeTest("process sandbox: what a compiler does has its limits too", skip, async () => {
  await using sandbox = await processSandbox({ concurrency: 1, limits: { outputBytes: 500 } });
  if (!sandbox.languages.includes("cpp")) return;
  const run = async (source: string, inputs: string[]) =>
    await Array.fromAsync(sandbox.run({ language: "cpp", source }, inputs));
  // It reads nothing of the host, nor without end.
  const [passwd] = await run(`#include "/etc/passwd"\nint main() {}`, [""]);
  assert(passwd.type === "exited" && passwd.code !== 0, JSON.stringify(passwd));
  assertStringIncludes(passwd.stderr, "No such file");
  assertEquals(
    await run(`#include "/dev/zero"\nint main() {}`, ["", ""]).then((all) =>
      all.map((v) => v.type)
    ),
    ["memory", "memory"],
  );
  const many = "int x = y;\n".repeat(100);
  const [wrong] = await run(many, [""]);
  assert(
    wrong.type === "exited" && wrong.truncated && wrong.stderr.length <= 500,
    JSON.stringify(wrong),
  );
  // A stack as deep as recursive solutions need, and what was compiled is gone with its program.
  const deep = `
#include <cstdio>
#include <sys/stat.h>
int down(int n, volatile int* up) {
  volatile int here[8] = {n + up[0] * 0};
  return n == 0 ? 0 : 1 + down(n - 1, here) + here[1];
}
int main() {
  volatile int top = 0;
  std::printf("%d %d\\n", down(300000, &top), chmod("/build/main", 0777));
}`;
  const [fine] = await run(deep, [""]);
  assert(fine.type === "exited" && fine.stdout === "300000 -1\n", JSON.stringify(fine));
  const python = { language: "python", source: `import os; print(os.listdir("/build"))` } as const;
  for await (const verdict of sandbox.run(python, [""])) {
    assert(verdict.type === "exited" && verdict.stdout === "[]\n", JSON.stringify(verdict));
  }
});

maybeTest("process sandbox: a Python ends as Python does", skip, async () => {
  const source = `
import atexit, threading, time
class Last:
    def __del__(self): print("deleted")
last = Last()
atexit.register(print, "at exit")
unclosed = open(1, "w", closefd=False)
unclosed.write("never flushed\\n")
threading.Thread(target=lambda: (time.sleep(0.1), print("thread"))).start()
def f(): raise KeyError(1)
try: 1 / 0
except ZeroDivisionError: f()`;
  const verdict = await verdictOf(source);
  assert(verdict.type === "exited", JSON.stringify(verdict));
  assertEquals([verdict.code, verdict.stdout.split("\n").slice(0, 2)], [1, ["thread", "at exit"]]);
  assertEquals(verdict.stdout.split("\n").slice(2).sort(), ["", "deleted", "never flushed"]);
  // As the system's own Python tells it.
  const file = await Deno.makeTempFile({ suffix: ".py" });
  try {
    await Deno.writeTextFile(file, source);
    const { stderr } = await new Deno.Command(pythons()[0], { args: [file] }).output();
    assertEquals(verdict.stderr, new TextDecoder().decode(stderr).replaceAll(file, "/tmp/main.py"));
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("process sandbox: of the machine it shows programs only", () => {
  const args = bubblewrapArguments(["/opt/some/bin/python3.12", "/usr/bin/deno", "/opt/deno"]);
  const shown = args.flatMap((arg, i) => arg.startsWith("--ro-bind") ? [args[i + 1]] : []);
  assert(shown.includes("/opt/some") && shown.includes("/opt/deno"), shown.join());
  const system = /^\/(usr|lib\d*|bin|sbin|etc\/(ld\.so\.cache|alternatives)|opt\/(some|deno))$/;
  assertEquals(shown.filter((path) => !system.test(path)), []);
  assert(!args.some((arg) => /^--(dev-)?bind/.test(arg)), "nothing of the host is writable");
});

Deno.test("process sandbox: options that are none", async () => {
  await assertRejects(() => processSandbox({ concurrency: 0 }), TypeError, "concurrency");
  await assertRejects(() => processSandbox({ limits: { timeoutMs: -1 } }), TypeError, "timeoutMs");
  if (skip !== undefined) await assertRejects(() => processSandbox(), SandboxError);
});
