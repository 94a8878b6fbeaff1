/**
 * What every sandbox must do, run against every provider.
 *
 * What is tried against the host, what holds it, and how the test knows:
 *
 * | attack | contained | known by |
 * |---|---|---|
 * | infinite loop, sleep | killed at its time, alone | verdict; no process of its name, none of ours busy afterwards |
 * | 64 MB printed | killed at its limit | verdict; our own memory, sampled while it runs |
 * | memory bomb, alone, by children, as files | killed or refused | verdict; memory of all our descendants, sampled |
 * | fork bomb, daemons, threads | killed with their program | no process of its name afterwards; the sandbox goes on |
 * | writing anywhere | in a place of its own, or refused | the paths are looked for on the host |
 * | reading the host | its files are not there | canaries in the host's temporary folder and in the project |
 * | environment | cleared | a canary set before the sandbox is made, sought in every /proc/N/environ too |
 * | network | none | a server here counts connections, another datagrams; no interface but lo |
 * | `js`, `pyodide_js`, `ctypes`, `os` | reach nothing of the host | the same canaries, the same server, and we live |
 * | killing everything in reach | ends at most the program | a program beside it ends well; the sandbox goes on |
 * | forged messages | are output at most | exit code and output are the program's own |
 * | state left behind | gone | the next test and the next program look for it |
 *
 * A program gives its processes a name of their own (`/proc/self/comm`), so that they are found on the host wherever
 * they went; where a program is no process (WebAssembly) the CPU time of our descendants tells.
 */
import { createSocket } from "node:dgram";
import {
  type Exited,
  type Language,
  type Limits,
  type RunOptions,
  type Sandbox,
  SandboxError,
  type Verdict,
} from "../../src/sandbox/sandbox.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "../../src/std/assert.ts";
import { maybeTest } from "../support.ts";

/** Makes a sandbox of the provider under test. */
export type MakeSandbox = (
  options?: { concurrency?: number; limits?: Partial<Limits> },
) => Promise<Sandbox>;

/** Where a provider truly differs. */
export interface Differences {
  /** Why nothing of the host is kept from a program (a guest that is this machine itself): those attacks are left out. */
  readonly open?: string;
  /** How many programs are asked for at once; 100 where absent. */
  readonly atOnce?: number;
}

const MiB = 2 ** 20;

/** Registers the tests of one provider. `skip` says why they cannot run here. */
export function sandboxContract(
  name: string,
  make: MakeSandbox,
  skip?: string | null,
  what: Differences = {},
): void {
  const group = (title: string, steps: readonly Step[], setup?: () => Promise<Host>) =>
    maybeTest(`${name} sandbox: ${title}`, skip ?? undefined, async (context) => {
      // The canaries are there before the sandbox is: a leak at its start counts.
      await using host = await setup?.();
      await using sandbox = await make({ concurrency: 4 });
      for (const step of steps) {
        await context.step({
          name: step.name,
          // What the sandbox keeps from one step to the next is its own; the test around the steps sees what it leaves.
          sanitizeOps: false,
          sanitizeResources: false,
          fn: () => step.fn({ sandbox, make, what, host: host! }),
        });
      }
      await settled();
    });
  group("programs", programs);
  group("limits", limits);
  if (what.open === undefined) group("attacks on the host", attacks, Host.make);
  else maybeTest(`${name} sandbox: attacks on the host`, skip ?? what.open, () => {});
  group("isolation of programs", isolation);
  group("life of a sandbox", life);
}

interface Bench {
  readonly sandbox: Sandbox;
  readonly make: MakeSandbox;
  readonly what: Differences;
  readonly host: Host;
}

interface Step {
  readonly name: string;
  readonly fn: (bench: Bench) => Promise<void>;
}

const programs: Step[] = [
  {
    name: "hello",
    fn: async ({ sandbox }) => {
      const verdict = await one(sandbox, `print("hello")`);
      assert(verdict.type === "exited" && verdict.ms >= 0);
      const { ms: _, ...rest } = verdict;
      assertEquals(rest, {
        type: "exited",
        code: 0,
        stdout: "hello\n",
        stderr: "",
        truncated: false,
      });
    },
  },
  {
    name: "standard input, one run an input, in order",
    fn: async ({ sandbox }) => {
      const sum = `
import sys
a, b = map(int, input().split())
rest = sys.stdin.read().split()
print(a + b, *rest)`;
      assertEquals(await printed(sandbox, sum, ["1 2\nx y\n", "30 4", "5 6\n\n"]), [
        "3 x y\n",
        "34\n",
        "11\n",
      ]);
      assertEquals(await all(sandbox, `print(1)`, []), []);
    },
  },
  {
    name: "the ways in which programs read",
    fn: async ({ sandbox }) => {
      const ways: [string, string, string][] = [
        ["print(open(0).read().split())", "1 2\n3", "['1', '2', '3']\n"],
        ["print(sys.stdin.buffer.read())", "a\r\n", "b'a\\r\\n'\n"],
        ["print(os.read(0, 2), input('? '))", "abcd\n", "? b'ab' cd\n"],
        ["print([line for line in sys.stdin])", "a\nb", "['a\\n', 'b']\n"],
        ["r = sys.stdin.readline; print([r(), r(), r()])", "a\nb\n", "['a\\n', 'b\\n', '']\n"],
        [
          "import __main__\nif __name__ == '__main__': f = lambda: 1\nprint(__main__.f(), end='')",
          ...["", "1"] as const,
        ],
      ];
      const head = "from __future__ import annotations\nimport os, sys\n";
      const answers = await Promise.all(
        ways.map(([way, input]) => printed(sandbox, head + way, [input])),
      );
      assertEquals(answers, ways.map(([_, __, output]) => [output]));
      const end = await one(sandbox, "input()");
      assert(end.type === "exited" && end.code === 1, show(end));
      assertStringIncludes(end.stderr, "EOFError");
    },
  },
  {
    name: "unicode, in the program, in and out",
    fn: async ({ sandbox }) => {
      const text = "żółć 漢字 😀 \u0000 \u2028 é";
      const source = `
import sys
text = sys.stdin.read()
print("żółć 漢字 😀", len(text), text, sep="|", end="")
print("é", file=sys.stderr)`;
      const verdict = await one(sandbox, source, text);
      assert(verdict.type === "exited", show(verdict));
      assertEquals(verdict.stdout, `żółć 漢字 😀|${[...text].length}|${text}`);
      assertEquals(verdict.stderr, "é\n");
    },
  },
  {
    name: "binary output",
    fn: async ({ sandbox }) => {
      const source = `import sys; sys.stdout.buffer.write(bytes([65, 255, 0, 0xc3, 66, 13, 10]))`;
      assertEquals(await printed(sandbox, source, [""]), ["A\ufffd\0\ufffdB\r\n"]);
    },
  },
  {
    name: "exit codes, and what a failure says",
    fn: async ({ sandbox }) => {
      const source = `
import os, sys
case = input()
if case == "exit": sys.exit(3)
if case == "shell": exit(4)
if case == "message": sys.exit("no way")
if case == "os":
    sys.stdout.flush()
    os._exit(7)
if case == "raise": 1 / 0
if case == "deep": raise SystemExit(256 + 9)
print("end")`;
      const [exit, shell, message, os, raise, deep, end] = await all(
        sandbox,
        source,
        ["exit", "shell", "message", "os", "raise", "deep", "end"],
      ) as Exited[];
      assertEquals(
        [exit, shell, message, os, raise, deep, end].map(({ type, code }) => [type, code]),
        [3, 4, 1, 7, 1, 9, 0].map((code) => ["exited", code]),
      );
      assertEquals(message.stderr, "no way\n");
      assertStringIncludes(raise.stderr, "ZeroDivisionError");
      assertStringIncludes(raise.stderr, "line 10");
      assertEquals(end.stdout, "end\n");
      const wrong = await one(sandbox, `def f(:`);
      assert(wrong.type === "exited" && wrong.code === 1, show(wrong));
      assertStringIncludes(wrong.stderr, "SyntaxError");
    },
  },
  {
    name: "a program that kills itself has a verdict",
    fn: async ({ sandbox }) => {
      const source = `
import os, signal
os.kill(os.getpid(), int(input()))
os._exit(1)`;
      for (const verdict of await all(sandbox, source, ["9", "15", "6", "11"])) failed(verdict);
    },
  },
  {
    name: "input that is large, and input that nobody reads",
    fn: async ({ sandbox }) => {
      const large = "0123456789abcde\n".repeat(2 * MiB / 16);
      assertEquals(
        await printed(sandbox, `import sys; print(len(sys.stdin.read()))`, [large]),
        [`${large.length}\n`],
      );
      assertEquals(await printed(sandbox, `print("unread")`, [large, "1"]), [
        "unread\n",
        "unread\n",
      ]);
    },
  },
  {
    name: "standard error is its own, and is cut",
    fn: async ({ sandbox }) => {
      const source = `
import sys
print("é" * int(input()), file=sys.stderr, end="")
print("out")`;
      const [short, long] = await all(sandbox, source, ["50", "700000"], {
        limits: { outputBytes: 1000 },
      });
      assert(short.type === "exited" && long.type === "exited", show(short) + show(long));
      assertEquals([short.stdout, short.stderr, short.truncated], ["out\n", "é".repeat(50), false]);
      assertEquals([long.stdout, long.code, long.truncated], ["out\n", 0, true]);
      assertEquals(long.stderr, "é".repeat(500));
    },
  },
  {
    name: "a program that closes its output",
    fn: async ({ sandbox }) => {
      const source = `
import os, sys
print("before", flush=True)
case = input()
if case == "close": sys.stdout.close()
if case == "one": os.close(1)
if case == "all": os.closerange(0, 256)
os._exit(5)`;
      for (const verdict of await all(sandbox, source, ["close", "one", "all"])) {
        assert(verdict.type === "exited", show(verdict));
        assertEquals([verdict.code, verdict.stdout], [5, "before\n"]);
      }
    },
  },
  {
    name: "the other languages",
    fn: async ({ sandbox }) => {
      await Promise.all(sandbox.languages.map(async (language) => {
        const programs = otherLanguages[language];
        if (programs === undefined) return;
        const run = (source: string, inputs: string[]) =>
          collect(sandbox.run({ language, source }, inputs));
        const verdicts = await run(programs.sum, ["1 2\n3\n", "40 2"]) as Exited[];
        assertEquals(verdicts.map(({ code, stdout }) => [code, stdout]), [
          [0, "6 żółć\n"],
          [0, "42 żółć\n"],
        ], `${language}: ${show(verdicts[0])}`);
        const [exit] = await run(programs.exit, [""]);
        assert(exit.type === "exited" && exit.code === 3, `${language}: ${show(exit)}`);
        assertEquals(exit.stderr, "bad\n", language);
        const [wrong, again] = await run(programs.wrong, ["", ""]);
        assert(wrong.type === "exited" && wrong.code !== 0, `${language}: ${show(wrong)}`);
        assertGreater(wrong.stderr.length, 0, language);
        assert(again.type === "exited" && again.code === wrong.code, `${language}: ${show(again)}`);
        const [loop] = await collect(
          sandbox.run({ language, source: programs.loop }, [""], { limits: { timeoutMs: 1000 } }),
        );
        assertEquals(loop.type, "timeout", language);
      }));
      await settled();
    },
  },
  {
    name: "unknown languages and limits that are none",
    fn: async ({ sandbox }) => {
      await assertRejects(
        () => collect(sandbox.run({ language: "cobol" as Language, source: "" }, [""])),
        TypeError,
        "cobol",
      );
      for (const key of ["timeoutMs", "memoryBytes", "outputBytes"]) {
        for (const value of [0, -1, NaN]) {
          await assertRejects(
            () => all(sandbox, `print(1)`, [""], { limits: { [key]: value } }),
            TypeError,
            key,
          );
        }
      }
      assertEquals(await printed(sandbox, `print("on")`, [""]), ["on\n"]);
    },
  },
];

const limits: Step[] = [
  {
    name: "an infinite loop is killed, and no core stays busy",
    fn: async ({ sandbox }) => {
      const name = processName();
      const source = named(name) + `
if input() == "loop":
    while True: pass
print("done")`;
      const verdicts = await all(sandbox, source, ["loop", "no", "loop", "no"], {
        limits: { timeoutMs: 700 },
      });
      assertEquals(verdicts.map((v) => v.type), ["timeout", "exited", "timeout", "exited"]);
      const [loop] = verdicts;
      assert(loop.type === "timeout" && loop.ms >= 690 && loop.ms < 6000, show(loop));
      if (loop.cpuMs !== null) {
        assertGreater(loop.cpuMs, 50);
        assertLess(loop.cpuMs, loop.ms * 4);
      }
      await gone(name);
      await settled();
    },
  },
  {
    name: "a sleeping program is killed, and known to have slept",
    fn: async ({ sandbox }) => {
      const name = processName();
      const sleep = await one(sandbox, named(name) + `import time\ntime.sleep(60)`, "", {
        limits: { timeoutMs: 1000 },
      });
      assert(sleep.type === "timeout" && sleep.ms >= 990 && sleep.ms < 6000, show(sleep));
      if (sleep.cpuMs !== null) assertLess(sleep.cpuMs, sleep.ms / 2);
      await gone(name);
    },
  },
  {
    name: "a program that ignores signals is killed all the same",
    fn: async ({ sandbox }) => {
      const source = `
import signal, time
for n in range(1, 65):
    try: signal.signal(n, signal.SIG_IGN)
    except (OSError, ValueError): pass
while True:
    try: time.sleep(1)
    except BaseException: pass`;
      const verdict = await one(sandbox, source, "", { limits: { timeoutMs: 600 } });
      assertEquals(verdict.type, "timeout", show(verdict));
    },
  },
  {
    name: "output beyond its limit",
    fn: async ({ sandbox }) => {
      const exact = `print("x" * int(input()), end="")`;
      const small = { limits: { outputBytes: 1000 } };
      const [at, over] = await all(sandbox, exact, ["1000", "1001"], small);
      assert(at.type === "exited" && at.stdout.length === 1000, show(at));
      assertEquals(over, { type: "output_limit" });

      const flood = `
import sys
for _ in range(64): print("x" * (1 << 20), file=sys.stdout if input() == "out" else sys.stderr)
print("end")`;
      const before = Deno.memoryUsage().rss;
      let most = before;
      const timer = setInterval(() => {
        most = Math.max(most, Deno.memoryUsage().rss);
      }, 5);
      try {
        const inputs = ["out\n".repeat(64), "err\n".repeat(64)];
        const [out, err] = await all(sandbox, flood, inputs);
        assertEquals(out, { type: "output_limit" });
        assert(err.type === "exited" && err.truncated && err.code === 0, show(err));
        assertEquals([err.stdout, err.stderr.length], ["end\n", MiB]);
      } finally {
        clearInterval(timer);
      }
      assertLess(most - before, 48 * MiB);

      const endless = `while True: print("x" * 100)`;
      assertEquals(await one(sandbox, endless), { type: "output_limit" });
    },
  },
  {
    name: "deep recursion is the program's doing",
    fn: async ({ sandbox }) => {
      const source = `
import sys
case = input()
def down(n): return down(n + 1)
def write(n): return "(" * n + ")" * n
if case == "plain": down(0)
if case == "raised":
    sys.setrecursionlimit(1 << 30)
    down(0)
if case == "parser": eval(write(200000))
if case == "str":
    x = []
    for _ in range(10**6): x = [x]
    sys.setrecursionlimit(1 << 30)
    print(x)`;
      const verdicts = await all(sandbox, source, ["plain", "raised", "parser", "str"], {
        limits: { timeoutMs: 3000 },
      });
      assertEquals(verdicts.length, 4);
      verdicts.forEach(failed);
      const [plain] = verdicts;
      assert(plain.type === "exited", show(plain));
      assertStringIncludes(plain.stderr, "RecursionError");
    },
  },
  {
    name: "memory bombs",
    fn: async ({ sandbox }) => {
      const name = processName();
      const source = named(name) + `
import os, sys, time
case = input()
MiB = 1 << 20
if case == "small":
    x = bytearray(40 * MiB)
    print(len(x))
if case == "list":
    x = []
    while True: x.append(bytearray(b"x") * (4 * MiB))
if case == "huge": x = bytearray(1 << 36)
if case == "caught":
    try:
        x = []
        while True: x.append(bytearray(b"x") * (4 * MiB))
    except MemoryError:
        x = None
        sys.exit("caught MemoryError")
if case == "children":
    for _ in range(4):
        try:
            if os.fork() == 0:
                x = bytearray(b"x") * (100 * MiB)
                time.sleep(60)
        except (OSError, AttributeError): sys.exit("cannot fork")
    time.sleep(60)
    print("four children of 100 MiB each")
if case == "files":
    try:
        for n in range(32):
            for folder in ["/tmp", ".", "/dev/shm"]:
                try:
                    with open(f"{folder}/big{n}", "wb") as f:
                        for _ in range(32): f.write(b"x" * MiB)
                except FileNotFoundError: pass
    except (OSError, MemoryError) as e: sys.exit(f"refused: {e}")
    print("wrote 3 GB")
if case == "hidden":
    # Pages that belong to no process's count: files without a name, mapped nowhere.
    files = []
    try:
        for n in range(128):
            fd = os.memfd_create(str(n))
            files.append(fd)
            for _ in range(32): os.write(fd, b"x" * MiB)
    except (OSError, AttributeError) as e: sys.exit(f"refused: {e}")
    print("wrote 4 GB")`;
      const before = descendantBytes();
      let most = before;
      const timer = setInterval(() => {
        most = Math.max(most, descendantBytes());
      }, 25);
      try {
        const cases = ["small", "list", "huge", "caught", "children", "files", "hidden"];
        const [small, ...bombs] = await all(sandbox, source, cases, {
          limits: { memoryBytes: 256 * MiB, timeoutMs: 8000 },
        });
        assert(small.type === "exited" && small.code === 0, show(small));
        bombs.forEach((bomb, i) => {
          const error = `${cases[i + 1]}: ${show(bomb)}`;
          assert(bomb.type !== "timeout", error);
          if (bomb.type !== "exited") return;
          assert(bomb.code !== 0, error);
          // Refused by the interpreter or by the kernel's limits, and then it says so.
          assert(
            /Memory|Overflow|refused|cannot fork/.test(bomb.stderr) || bomb.code >= 128,
            error,
          );
        });
        // Two of them are nothing that an interpreter could refuse without having reached the limit.
        assertEquals(bombs[0].type, "memory");
      } finally {
        clearInterval(timer);
      }
      assertLess(most - before, 1024 * MiB);
      await gone(name);
      assertEquals(await printed(sandbox, `print("on")`, [""]), ["on\n"]);
    },
  },
  {
    name: "fork bombs, threads, and what programs leave running",
    fn: async ({ sandbox }) => {
      const name = processName();
      const source = named(name) + `
import os, sys, threading, time
case = input()
if case == "bomb":
    while True:
        try: os.fork()
        except (OSError, AttributeError): pass
if case == "threads":
    try:
        for _ in range(20000): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    except (RuntimeError, MemoryError): sys.exit("refused")
    print("20,000 threads")
if case == "daemon":
    try:
        if os.fork() == 0:
            os.setsid()
            os.closerange(0, 256)
            time.sleep(60)
            os._exit(0)
    except (OSError, AttributeError): pass
    print("parent")
if case == "holder":
    # The child keeps the output open after its parent has ended.
    try:
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
    except (OSError, AttributeError): pass
    print("parent")`;
      let most = 0;
      const timer = setInterval(() => {
        most = Math.max(most, descendants().length);
      }, 25);
      const cases = ["bomb", "threads", "daemon", "holder"];
      const [bomb, threads, daemon, holder] = await all(sandbox, source, cases, {
        limits: { timeoutMs: 2000 },
      }).finally(() => clearInterval(timer));
      failed(bomb);
      failed(threads);
      assertLess(most, 500);
      for (const left of [daemon, holder]) {
        assert(left.type === "exited" && left.code === 0 && left.stdout === "parent\n", show(left));
        assertLess(left.ms, 1900);
      }
      await gone(name);
      assertEquals(await printed(sandbox, `print("on")`, [""]), ["on\n"]);
      await settled();
    },
  },
  {
    name: "limits of a run are those of that run",
    fn: async ({ make }) => {
      await using sandbox = await make({
        concurrency: 2,
        limits: { timeoutMs: 600, outputBytes: 100 },
      });
      const sleep = `import time; time.sleep(float(input())); print("x" * 50)`;
      const longer = { limits: { timeoutMs: 5000 } }, shorter = { limits: { outputBytes: 10 } };
      const [own, time, output] = await Promise.all([
        all(sandbox, sleep, ["0", "1"]),
        all(sandbox, sleep, ["0", "1"], longer),
        all(sandbox, sleep, ["0"], shorter),
      ]);
      assertEquals(own.map((v) => v.type), ["exited", "timeout"]);
      assertEquals(time.map((v) => v.type), ["exited", "exited"]);
      assertEquals(output.map((v) => v.type), ["output_limit"]);
    },
  },
];

const attacks: Step[] = [
  {
    name: "writing files",
    fn: async ({ sandbox, host }) => {
      const file = `handrail-${crypto.randomUUID()}`;
      const folders = [...[
        "/tmp",
        "/var/tmp",
        "/dev/shm",
        "/",
        "/usr",
        "/etc",
        "/usr/bin",
        "/run",
      ]];
      folders.push(host.projectFolder, Deno.cwd(), Deno.env.get("HOME") ?? "/root", host.folder);
      const source = `
import os
try: open(${py(file)}, "w").write("x")
except OSError: pass
for folder in ${py(folders)}:
    try: os.makedirs(folder, exist_ok=True)
    except OSError: pass
    try: open(folder + "/" + ${py(file)}, "w").write("x")
    except OSError: pass
print("tried")`;
      assertEquals(await printed(sandbox, source, [""]), ["tried\n"]);
      for (const folder of [".", ...folders]) assert(!exists(`${folder}/${file}`), folder);
      // The canary file of the host is as it was.
      const spoil = `
for path in ${py(host.paths)}:
    try: open(path, "w").write("spoilt")
    except OSError: pass`;
      assertEquals((await one(sandbox, spoil)).type, "exited");
      for (const path of host.paths) assertEquals(Deno.readTextFileSync(path), host.secret);
    },
  },
  {
    name: "reading files of the host",
    fn: async ({ sandbox, host }) => {
      const source = `
import glob, os
def show(path):
    try: print(path, open(path, errors="replace").read(100000))
    except OSError as e: print(path, type(e).__name__)
show("/etc/passwd"); show("/etc/shadow"); show("/etc/hostname")
for path in ${py(host.paths)}:
    show(path)
    for prefix in ["/proc/1/root", "/proc/self/root", "/proc/1/cwd", "/proc/self/cwd/../../../..", "/host", "/mnt"]:
        show(prefix + path)
    folder = os.path.dirname(path)
    while True:
        try: print(folder, os.listdir(folder))
        except OSError as e: print(folder, type(e).__name__)
        if folder == "/": break
        folder = os.path.dirname(folder)
for path in glob.glob("/proc/*/environ") + glob.glob("/proc/*/cmdline") + glob.glob("/proc/[0-9]*/fd/*"):
    try:
        if os.path.isfile(path): show(path)
    except OSError: pass`;
      const [text] = await printed(sandbox, source, [""]);
      // The paths were tried: each is named in what was printed.
      for (const path of host.paths) assertStringIncludes(text, path);
      host.mustNotKnow(text);
      const passwd = Deno.readTextFileSync("/etc/passwd").trim();
      assert(!text.includes(passwd), "the host's /etc/passwd was read");
    },
  },
  {
    name: "environment",
    fn: async ({ sandbox, host }) => {
      const source = `
import glob, os
print(dict(os.environ))
for path in ["/proc/1/environ", "/proc/self/environ"] + glob.glob("/proc/[0-9]*/environ"):
    try: print(path, open(path, "rb").read())
    except OSError as e: print(path, type(e).__name__)`;
      const [text] = await printed(sandbox, source, [""]);
      assertEquals(Deno.env.get(host.variable), host.secret);
      host.mustNotKnow(text);
      assert(!text.includes(host.variable), "the variable's name was seen");
      for (
        const path of (Deno.env.get("PATH") ?? "").split(":").filter((p) => p.includes("root"))
      ) {
        assert(!text.includes(path), "the host's PATH was seen");
      }
    },
  },
  {
    name: "network",
    fn: async ({ sandbox, host }) => {
      const source = `
import os
case = input()
try: import socket
except ImportError: socket = None
addresses = ["127.0.0.1", "localhost", "0.0.0.0", "::1", "::ffff:127.0.0.1"] + ${py(host.addresses)}
if case == "socket" and socket:
    for address in addresses:
        try:
            s = socket.create_connection((address, ${host.port}), timeout=0.3)
            s.sendall(b"GET /socket HTTP/1.0\\r\\n\\r\\n")
            # Only what answers is a network: some kernels of WebAssembly let a connection seem to begin.
            if s.recv(10): print("connected to", address)
        except Exception: pass
        try: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", (address, ${host.udpPort}))
        except Exception: pass
if case == "out" and socket:
    for address in ["1.1.1.1", "8.8.8.8", "93.184.215.14"]:
        for port in [53, 80, 443]:
            try:
                s = socket.create_connection((address, port), timeout=0.1)
                s.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
                if s.recv(10): print("connected to", address)
            except Exception: pass
    try: print("resolved", socket.getaddrinfo("example.com", 80)[0] and "")
    except Exception: pass
if case == "url":
    try:
        import urllib.request
        print("read", urllib.request.urlopen("http://127.0.0.1:${host.port}/url", timeout=0.5).read())
    except BaseException: pass
if case == "interfaces":
    try: lines = open("/proc/net/dev").read().splitlines()[2:]
    except OSError: lines = []
    print([line.split(":")[0].strip() for line in lines if not line.strip().startswith("lo:")])`;
      const [socket, out, url, interfaces] = await printed(
        sandbox,
        source,
        ["socket", "out", "url", "interfaces"],
        { limits: { timeoutMs: 20_000 } },
      );
      assert(!socket.includes("connected"), socket);
      assert(!out.includes("connected"), out);
      assert(!url.includes("read"), url);
      assertEquals(interfaces, "[]\n");
      await host.mustNotBeReached();
    },
  },
  {
    name: "the host through js and pyodide_js",
    fn: async ({ sandbox, host }) => {
      const source = `
import os, sys
case = input()
path, port = ${py(host.paths[0])}, ${host.port}
def tried(f):
    try: print(f())
    except BaseException as e: print(type(e).__name__, e)
def scope():
    import pyodide_js
    return pyodide_js.constructor.constructor("return globalThis")()
def wait(promise):
    from pyodide.ffi import run_sync
    return run_sync(promise)
if case == "read":
    tried(lambda: scope().Deno.readTextFileSync(path))
    tried(lambda: __import__("js").Deno.readTextFileSync(path))
    tried(lambda: wait(scope().fetch("file://" + path)).text())
    tried(lambda: wait(scope().eval("import('node:fs')")).readFileSync(path).toString())
    tried(lambda: scope().process.getBuiltinModule("fs").readFileSync(path).toString())
    tried(lambda: scope().eval("import('node:module')"))
if case == "environment":
    tried(lambda: scope().Deno.env.toObject())
    tried(lambda: scope().Deno.env.get(${py(host.variable)}))
    tried(lambda: scope().process.env[${py(host.variable)}])
if case == "network":
    tried(lambda: wait(scope().fetch(f"http://127.0.0.1:{port}/fetch")))
    tried(lambda: wait(scope().eval(f"Deno.connect({{hostname:'127.0.0.1',port:{port}}})")))
    tried(lambda: wait(scope().eval(f"import('http://127.0.0.1:{port}/module.js')")))
    tried(lambda: wait(scope().eval(f"new WebSocket('ws://127.0.0.1:{port}/')")))
    tried(lambda: wait(scope().eval(f"new Worker('http://127.0.0.1:{port}/w.js',{{type:'module'}})")))
    tried(lambda: wait(scope().eval("import('npm:is-odd@3.0.1')")))
    tried(lambda: wait(scope().eval("import('jsr:@std/assert')")))
if case == "run":
    tried(lambda: wait(scope().eval("new Deno.Command('/bin/cat',{args:['" + path + "']}).output()")))
    tried(lambda: scope().Deno.kill(os.getppid(), "SIGKILL"))
    tried(lambda: scope().eval("Deno.dlopen('libc.so.6',{})"))
    tried(lambda: scope().eval("Deno.writeTextFileSync('" + path + "','spoilt')"))
    tried(lambda: scope().eval("Deno.permissions.requestSync({name:'read'}).state"))
print("tried")`;
      const texts = await printed(sandbox, source, ["read", "environment", "network", "run"]);
      for (const text of texts) {
        assertStringIncludes(text, "tried");
        host.mustNotKnow(text);
        assert(!text.includes("granted"), text);
      }
      for (const path of host.paths) assertEquals(Deno.readTextFileSync(path), host.secret);
      await host.mustNotBeReached();
    },
  },
  {
    name: "the host through ctypes and os",
    fn: async ({ sandbox, host }) => {
      const source = `
import os, subprocess
def tried(f):
    try: print(f())
    except BaseException as e: print(type(e).__name__, e)
def library():
    import ctypes
    return ctypes.CDLL(None, use_errno=True)
path = ${py(host.paths[0])}
def read():
    fd = library().open(path.encode(), 0)
    return os.read(fd, 1000)
tried(read)
tried(lambda: library().system(("cat " + path).encode()))
tried(lambda: os.system("cat " + path))
tried(lambda: subprocess.run(["cat", path], capture_output=True))
tried(lambda: os.popen("cat /proc/*/environ").read())
# Namespaces, mounts, devices: what root in a container would use to leave it.
tried(lambda: library().unshare(0x10000000 | 0x20000))
tried(lambda: library().mount(b"none", b"/tmp", b"tmpfs", 0, 0))
tried(lambda: library().chroot(b"/proc/1/root"))
tried(lambda: os.setuid(0))
tried(lambda: os.mknod("/tmp/disk", 0o60666, os.makedev(254, 0)))
tried(lambda: open("/dev/mem", "rb").read(1))
tried(lambda: open("/proc/sysrq-trigger", "w").write("x"))
tried(lambda: open("/proc/sys/kernel/hostname", "w").write("spoilt"))
tried(lambda: os.getuid() == 0 and "runs as root")
tried(lambda: library().ptrace(16, os.getppid(), 0, 0))
print("tried")`;
      const verdict = await one(sandbox, source);
      assert(verdict.type === "exited", show(verdict));
      host.mustNotKnow(verdict.stdout + verdict.stderr);
      assertStringIncludes(verdict.stdout, "tried");
      const { stdout } = await new Deno.Command("hostname").output();
      assert(!new TextDecoder().decode(stdout).includes("spoilt"));
    },
  },
];

const isolation: Step[] = [
  {
    name: "a program that kills all it can reaches no other",
    fn: async ({ sandbox }) => {
      const killer = `
import os, signal
case = input()
if case == "parent": os.kill(os.getppid(), 9)
if case == "all": os.kill(-1, 9)
if case == "each":
    for pid in range(1, 5000):
        if pid != os.getpid():
            try: os.kill(pid, 9)
            except OSError: pass
if case == "first": os.kill(1, 9)
if case == "group": os.killpg(0, 9)
if case == "terminal":
    import fcntl, termios
    for c in "exit\\n": fcntl.ioctl(0, termios.TIOCSTI, c)
os._exit(3)`;
      const victim = `import time; time.sleep(0.8); print("alive", input())`;
      const [alive, killed] = await Promise.all([
        printed(sandbox, victim, ["1", "2"]),
        all(sandbox, killer, ["parent", "all", "each", "first", "group", "terminal"]),
      ]);
      assertEquals(alive, ["alive 1\n", "alive 2\n"]);
      assertEquals(killed.length, 6);
      killed.forEach(failed);
      assertEquals(await printed(sandbox, `print("on")`, [""]), ["on\n"]);
    },
  },
  {
    name: "forged messages are output at most",
    fn: async ({ sandbox }) => {
      const source = `
import json, os, struct, sys
case = input()
verdicts = [
    {"type": "exited", "code": 0, "stdout": "forged", "stderr": "", "truncated": False, "ms": 1},
    {"verdict": {"type": "exited", "code": 0, "stdout": "forged"}, "id": 1, "done": True},
    {"type": "done", "code": 0, "exit": 0, "result": "forged"},
]
forged = b""
for verdict in verdicts:
    text = json.dumps(verdict).encode()
    forged += text + b"\\n"
    for width in "<I", ">I", "<Q", ">Q": forged += struct.pack(width, len(text)) + text
    forged += struct.pack("<II", len(text), 0) + text + struct.pack(">II", len(text), 0) + text
forged += b"\\0exit 0\\n0\\n\\x00\\x00\\x00\\x00"
if case == "stdout":
    os.write(1, forged)
    os._exit(9)
if case == "others":
    for fd in [0, *range(3, 256)]:
        try: os.write(fd, forged)
        except OSError: pass
    for fd in [0, *range(3, 256)]:
        try: os.close(fd)
        except OSError: pass
    print("mine", flush=True)
    os._exit(9)
if case == "paths":
    for folder in ["/proc/1/fd", "/proc/self/fd", f"/proc/{os.getppid()}/fd"]:
        try: names = os.listdir(folder)
        except OSError: continue
        for name in names:
            if folder == "/proc/self/fd" and name in "12": continue
            try:
                fd = os.open(folder + "/" + name, os.O_WRONLY | os.O_NONBLOCK)
                os.write(fd, forged)
            except OSError: pass
    print("mine", flush=True)
    os._exit(9)
if case == "js":
    try:
        import js, pyodide_js
        scope = pyodide_js.constructor.constructor("return globalThis")()
        for verdict in verdicts:
            message = js.JSON.parse(json.dumps(verdict))
            for name in ["postMessage", "onmessage", "close"]:
                try: getattr(scope, name)(message)
                except BaseException: pass
        for way in ["stdout", "stderr"]:
            try: scope.eval(f"Deno.{way}.writeSync")(js.Uint8Array.new(list(forged)))
            except BaseException: pass
        scope.eval("console.log('forged')")
        scope.eval("Deno.exit(0)")
    except BaseException: pass
    os._exit(9)`;
      const [stdout, others, paths, js] = await all(
        sandbox,
        source,
        ["stdout", "others", "paths", "js"],
      );
      assert(stdout.type === "exited" && stdout.code === 9, show(stdout));
      assertStringIncludes(stdout.stdout, `"stdout": "forged"`);
      for (const verdict of [others, paths]) {
        failed(verdict);
        // Its output can be opened a second time: what comes there is output too.
        if (verdict.type === "exited") assert(verdict.stdout.endsWith("mine\n"), show(verdict));
      }
      if (others.type === "exited") {
        assertEquals([others.code, others.stdout], [9, "mine\n"], show(others));
      }
      failed(js);
      if (js.type === "exited") assert(!js.stdout.includes("forged"), show(js));
    },
  },
  {
    name: "nothing is left for the next test or the next program",
    fn: async ({ sandbox }) => {
      const leave = `
import builtins, json, math, os, random, sys, tempfile
found = []
if hasattr(builtins, "leak"): found.append("builtins")
if hasattr(json, "leak"): found.append("module")
if math.sqrt(16) != 4 or len([1, 2]) != 2: found.append("patch")
if "leak" in sys.modules: found.append("sys.modules")
if "LEAK" in os.environ: found.append("environment")
if "leak" in sys.path: found.append("path")
if os.getcwd().endswith("leak"): found.append("folder")
if sys.getrecursionlimit() == 4321: found.append("limit")
if os.umask(0o22) == 0o77: found.append("umask")
if sys.gettrace() or sys.getswitchinterval() == 0.25: found.append("trace")
places = [tempfile.gettempdir(), os.getcwd(), os.path.expanduser("~"), "/dev/shm", "/tmp", "/home/pyodide",
          os.path.dirname(os.__file__), *[p for p in sys.path if p]]
for place in places:
    if os.path.exists(place + "/leak.py"): found.append(place)
try:
    import socket
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.connect("\\0leak")
    found.append("socket")
except Exception: pass
try:
    import js
    if hasattr(js, "leak"): found.append("js")
except ImportError: pass
try: import leak; found.append("import")
except ImportError: pass
rest = sys.stdin.readline()
print(rest.strip(), sorted(set(found)), random.random(), os.urandom(8).hex())

builtins.leak = json.leak = True
math.sqrt = lambda x: 5
builtins.len = lambda x: 3
sys.modules["leak"] = json
os.environ["LEAK"] = "1"
sys.path.append("leak")
sys.setrecursionlimit(4321)
sys.setswitchinterval(0.25)
os.umask(0o77)
for place in places:
    try:
        with open(place + "/leak.py", "w") as f: f.write("x = 1")
    except OSError: pass
try:
    import js
    js.leak = 1
except ImportError: pass
try:
    os.mkdir("leak")
    os.chdir("leak")
except OSError: pass
try:
    if os.fork() == 0:
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.bind("\\0leak")
        s.listen()
        import time
        time.sleep(30)
except Exception: pass
try:
    import time
    time.sleep(0.2)
except Exception: pass
builtins.print = lambda *a: None
builtins.open = builtins.input = builtins.__import__ = None`;
      const texts = [
        ...await printed(sandbox, leave, ["1\nunread 1\n", "2\nunread 2\n"]),
        ...await printed(sandbox, leave, ["3\n"]),
        ...await printed(sandbox, leave, ["4\n"]),
      ];
      const words = texts.map((text) => text.trim().split(" "));
      assertEquals(words.map((w) => w.slice(0, 2)), ["1", "2", "3", "4"].map((n) => [n, "[]"]));
      // Nor do they share chance: two runs that draw the same numbers would know of each other.
      assertEquals(new Set(words.map((w) => w[2])).size, 4, texts.join(""));
      assertEquals(new Set(words.map((w) => w[3])).size, 4, texts.join(""));
    },
  },
  {
    name: "no memory of an earlier program",
    fn: async ({ make }) => {
      await using sandbox = await make({ concurrency: 1 });
      const ids = ["source", "input", "output", "error"].map((way) => [way, crypto.randomUUID()]);
      const [source, input, output, error] = ids.map(([_, id]) => id);
      const reversed = (text: string) => [...text].reverse().join("");
      // What it prints is in neither its source nor its input.
      const first = `
import sys
text = input()
secret = "${source}"
print(${py(reversed(output))}[::-1])
print(${py(reversed(error))}[::-1], file=sys.stderr)`;
      const [shown] = await all(sandbox, first, [input]);
      assert(shown.type === "exited" && shown.stdout.trim() === output, show(shown));
      assertEquals(shown.stderr.trim(), error);
      // It looks for the first half of each, followed by the second: it has them nowhere itself.
      const second = `
import os, sys
halves = {way: (a[::-1].encode(), b[::-1].encode()) for way, a, b in ${
        JSON.stringify(
          [...ids, ["control", crypto.randomUUID()]].map((
            [way, id],
          ) => [way, reversed(id.slice(0, 18)), reversed(id.slice(18))]),
        )
      }}
control = b"".join(halves["control"])
def pieces():
    try:
        import pyodide_js
        yield bytes(pyodide_js._module.HEAPU8.to_py())
        return
    except Exception: pass
    try: open("/proc/self/mem", "rb").close()
    except OSError: # without the bridge nothing shows a program in WebAssembly its memory
        print("no way to look")
        return
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
        for line in maps:
            if line.split()[1][0] != "r": continue
            begin, end = (int(x, 16) for x in line.split()[0].split("-"))
            try:
                memory.seek(begin)
                yield memory.read(end - begin)
            except (OSError, OverflowError, ValueError): pass
found = set()
for piece in pieces():
    for way, (a, b) in halves.items():
        at = piece.find(a)
        while at >= 0:
            if piece[at + len(a):at + len(a) + len(b)] == b: found.add(way)
            at = piece.find(a, at + 1)
print(*sorted(found))`;
      const verdict = await one(sandbox, second, "", { limits: { memoryBytes: 1024 * MiB } });
      assert(verdict.type === "exited" && verdict.code === 0, show(verdict));
      assertMatch(verdict.stdout, /^(control|no way to look\n)\n$/);
    },
  },
  {
    name: "many programs at once, each with its own answer",
    fn: async ({ sandbox, what }) => {
      const count = what.atOnce ?? 100;
      const answers = await Promise.all(
        Array.from(
          { length: count },
          (_, i) => printed(sandbox, `print(${i}, input())`, [`a${i}`, `b${i}`]),
        ),
      );
      assertEquals(
        answers,
        Array.from({ length: count }, (_, i) => [`${i} a${i}\n`, `${i} b${i}\n`]),
      );
    },
  },
];

const life: Step[] = [
  {
    name: "cancelled by its signal",
    fn: async ({ sandbox, make }) => {
      const name = processName();
      const controller = new AbortController(), reason = new Error("not any more");
      const verdicts: Verdict[] = [];
      const source = named(name) + `
import time
time.sleep(float(input()))
print("done")`;
      const timer = setTimeout(() => controller.abort(reason), 1000);
      const started = performance.now();
      const error = await assertRejects(async () => {
        const options = { signal: controller.signal };
        for await (
          const verdict of sandbox.run({ language: "python", source }, ["0", "60", "0"], options)
        ) verdicts.push(verdict);
      }).finally(() => clearTimeout(timer));
      assert(error === reason, String(error));
      assertLessOrEqual(verdicts.length, 1);
      assertLess(performance.now() - started, 8000);
      await gone(name);
      assertEquals(await printed(sandbox, `print("on")`, [""]), ["on\n"]);

      // Before it began, and while it waits for its turn.
      const never = await assertRejects(() =>
        all(sandbox, `print(1)`, [""], { signal: AbortSignal.abort(reason) })
      );
      assert(never === reason);
      await using single = await make({ concurrency: 1 });
      const first = all(single, `import time; time.sleep(1)`, [""]);
      const waiting = new AbortController();
      const second = assertRejects(() => all(single, `print(1)`, [""], { signal: waiting.signal }));
      await delay(200);
      waiting.abort(reason);
      assert(await second === reason);
      assertEquals((await first).map((v) => v.type), ["exited"]);
      assertEquals(await printed(single, `print("on")`, [""]), ["on\n"]);
    },
  },
  {
    name: "an iteration that is broken off ends its program",
    fn: async ({ make }) => {
      const name = processName();
      await using single = await make({ concurrency: 1 });
      const source = named(name) + `
import time
time.sleep(float(input()))
print("done")`;
      for await (const verdict of single.run({ language: "python", source }, ["0", "60", "60"])) {
        assertEquals(verdict.type, "exited");
        break;
      }
      await gone(name);
      // Its place is free.
      assertEquals(await printed(single, `print("on")`, [""]), ["on\n"]);
      // An iteration that was never begun holds nothing.
      single.run({ language: "python", source }, ["60"]);
      assertEquals(await printed(single, `print("on")`, [""]), ["on\n"]);
    },
  },
  {
    name: "closed while programs run",
    fn: async ({ make }) => {
      const name = processName();
      const sandbox = await make({ concurrency: 1 });
      const source = named(name) + `
import time
time.sleep(60)`;
      const running = assertRejects(() => all(sandbox, source, ["", ""]), SandboxError);
      const waiting = assertRejects(() => all(sandbox, source, [""]), SandboxError);
      await delay(600);
      const started = performance.now();
      await Promise.all([sandbox[Symbol.asyncDispose](), sandbox[Symbol.asyncDispose]()]);
      await running;
      await waiting;
      await sandbox[Symbol.asyncDispose]();
      assertLess(performance.now() - started, 5000);
      await assertRejects(() => all(sandbox, `print(1)`, [""]), SandboxError);
      await gone(name);
    },
  },
  {
    name: "counts what it has used",
    fn: async ({ make }) => {
      const sandbox = await make({ concurrency: 2 });
      assertEquals([sandbox.usage.programs, sandbox.usage.runs, sandbox.usage.failures], [0, 0, 0]);
      await Promise.all([all(sandbox, `print(1)`, ["", "", ""]), all(sandbox, `1 / 0`, [""])]);
      await sandbox[Symbol.asyncDispose]();
      const { programs, runs, failures, seconds } = sandbox.usage;
      assertEquals([programs, runs, failures], [2, 4, 0]);
      assertGreater(seconds, 0);
      assertLess(seconds, 120);
    },
  },
];

/** A sum of the numbers on standard input with some unicode, exit code 3 with `bad` said, what cannot run, a loop. */
const otherLanguages: Partial<
  Record<Language, { sum: string; exit: string; wrong: string; loop: string }>
> = {
  javascript: {
    sum: `
import { readFileSync } from "node:fs";
const numbers = readFileSync(0, "utf8").split(/\\s+/).filter(Boolean).map(Number);
console.log(numbers.reduce((a, b) => a + b), "żółć");`,
    exit: `import process from "node:process"; console.error("bad"); process.exit(3);`,
    wrong: `let let = 1;`,
    loop: `for (;;) {}`,
  },
  typescript: {
    sum: `
import { readFileSync } from "node:fs";
const numbers: number[] = readFileSync(0, "utf8").split(/\\s+/).filter(Boolean).map(Number);
enum Sign { Plus = "żółć" }
console.log(numbers.reduce((a: number, b: number) => a + b), Sign.Plus);`,
    exit: `import process from "node:process"; console.error("bad" as string); process.exit(3);`,
    wrong: `let x: = 1;`,
    loop: `for (;;) {}`,
  },
  cpp: {
    sum: `
#include <iostream>
int main() {
  long long sum = 0;
  for (long long x; std::cin >> x;) sum += x;
  std::cout << sum << " żółć" << std::endl;
}`,
    exit: `
#include <cstdlib>
#include <iostream>
int main() { std::cerr << "bad" << std::endl; std::exit(3); }`,
    wrong: `int main() { return none; }`,
    loop: `int main() { for (volatile int x = 0;; x = x + 1) {} }`,
  },
};

/** What an attack must not find: files, a variable, servers; all of the host. */
class Host implements AsyncDisposable {
  readonly secret = crypto.randomUUID();
  readonly variable = "HANDRAIL_CANARY";
  readonly projectFolder = new URL("../../", import.meta.url).pathname;
  readonly addresses: string[] = [];
  #connections = 0;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #datagrams = createSocket("udp4");

  private constructor(readonly folder: string) {}

  static async make(): Promise<Host> {
    const host = new Host(await Deno.makeTempDir({ prefix: "handrail-canary-" }));
    for (const path of host.paths) Deno.writeTextFileSync(path, host.secret);
    Deno.env.set(host.variable, host.secret);
    const { stdout } = await new Deno.Command("hostname", { args: ["-I"] }).output();
    host.addresses.push(...new TextDecoder().decode(stdout).trim().split(/\s+/).filter(Boolean));
    await new Promise<void>((resolve) => host.#datagrams.bind(0, "127.0.0.1", resolve));
    host.#count();
    return host;
  }

  /** The canary files, by absolute path. */
  get paths(): string[] {
    return [`${this.folder}/canary`, `${this.projectFolder}.canary-${this.secret.slice(0, 8)}`];
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  get udpPort(): number {
    return this.#datagrams.address().port;
  }

  #count(): void {
    (async () => {
      for await (const connection of this.#listener) {
        this.#connections++;
        connection.close();
      }
    })().catch(() => {});
    this.#datagrams.on("message", () => this.#connections++);
  }

  mustNotKnow(text: string): void {
    assert(!text.includes(this.secret), `the host's canary was read: ${text.slice(0, 2000)}`);
  }

  /** Fails when anything has reached the servers, which are shown to count first. */
  async mustNotBeReached(): Promise<void> {
    await delay(100);
    assertEquals(this.#connections, 0, "the host's servers were reached");
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
    const deadline = performance.now() + 5000;
    while (this.#connections === 0 && performance.now() < deadline) await delay(10);
    connection.close();
    assertEquals(this.#connections, 1);
    this.#connections = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    Deno.env.delete(this.variable);
    this.#listener.close();
    this.#datagrams.close();
    Deno.removeSync(this.paths[1]);
    await Deno.remove(this.folder, { recursive: true });
  }
}

async function collect(verdicts: AsyncIterable<Verdict>): Promise<Verdict[]> {
  const collected: Verdict[] = [];
  for await (const verdict of verdicts) collected.push(verdict);
  return collected;
}

function all(
  sandbox: Sandbox,
  source: string,
  inputs: readonly string[],
  options?: RunOptions,
): Promise<Verdict[]> {
  return collect(sandbox.run({ language: "python", source }, inputs, options));
}

async function one(
  sandbox: Sandbox,
  source: string,
  input = "",
  options?: RunOptions,
): Promise<Verdict> {
  const verdicts = await all(sandbox, source, [input], options);
  assertEquals(verdicts.length, 1);
  return verdicts[0];
}

/** What a program printed on each input, having ended well. */
async function printed(
  sandbox: Sandbox,
  source: string,
  inputs: readonly string[],
  options?: RunOptions,
): Promise<string[]> {
  return (await all(sandbox, source, inputs, options)).map((verdict) => {
    assert(verdict.type === "exited" && verdict.code === 0, show(verdict));
    return verdict.stdout;
  });
}

/** Any verdict but a good end. */
function failed(verdict: Verdict): void {
  assert(verdict.type !== "exited" || verdict.code !== 0, show(verdict));
}

function show(verdict: Verdict): string {
  return JSON.stringify(verdict).slice(0, 2000);
}

/** A literal of Python. */
function py(value: string | string[]): string {
  return JSON.stringify(value);
}

/** A name for the processes of one test. */
export function processName(): string {
  return `hr-${crypto.randomUUID().slice(0, 8)}`;
}

/** Python that names its process. */
export function named(name: string): string {
  return `
try:
    with open("/proc/self/comm", "w") as _comm: _comm.write("${name}")
except OSError: pass
`;
}

const delay = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A process as /proc shows it. */
export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly ticks: number;
  readonly state: string;
  readonly bytes: number;
}

/** Every process of the machine. Read by a shell: Deno keeps other processes' files from its own programs. */
export function processes(): Process[] {
  const { stdout } = new Deno.Command("sh", {
    args: ["-c", "cat /proc/[0-9]*/stat 2>/dev/null"],
  }).outputSync();
  return new TextDecoder().decode(stdout).split("\n").filter(Boolean).map((stat) => {
    const end = stat.lastIndexOf(")");
    const fields = stat.slice(end + 2).split(" ");
    return {
      pid: parseInt(stat),
      parent: Number(fields[1]),
      name: stat.slice(stat.indexOf("(") + 1, end),
      state: fields[0],
      ticks: Number(fields[11]) + Number(fields[12]),
      bytes: Number(fields[21]) * 4096,
    };
  });
}

/** The processes that this one has started, with theirs. */
function descendants(): Process[] {
  const children = Map.groupBy(processes(), (p) => p.parent);
  const found: Process[] = [], queue = [Deno.pid];
  for (let parent = queue.pop(); parent !== undefined; parent = queue.pop()) {
    for (const child of children.get(parent) ?? []) {
      found.push(child);
      queue.push(child.pid);
    }
  }
  return found;
}

function descendantBytes(): number {
  return descendants().reduce((sum, p) => sum + p.bytes, 0);
}

/** Waits until no process of this name is left; fails when one stays. */
export async function gone(name: string): Promise<void> {
  const deadline = performance.now() + 3000;
  for (;;) {
    const left = processes().filter((p) => p.name === name && p.state !== "Z");
    if (left.length === 0) return;
    assert(performance.now() < deadline, `still there: ${JSON.stringify(left)}`);
    await delay(20);
  }
}

/** Waits until none of our descendants uses a core (spare interpreters may be starting); fails when one goes on. */
async function settled(): Promise<void> {
  const deadline = performance.now() + 15_000;
  const ticks = () => new Map(descendants().map((p) => [p.pid, p.ticks]));
  for (;;) {
    const before = ticks();
    await delay(300);
    // 100 ticks a second: a busy process has 30 in this time, one that shares its core with others some.
    const busy = [...ticks()].filter(([pid, n]) => n - (before.get(pid) ?? n) > 3);
    if (busy.length === 0) return;
    assert(performance.now() < deadline, `still busy: processes ${busy.map(([pid]) => pid)}`);
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
