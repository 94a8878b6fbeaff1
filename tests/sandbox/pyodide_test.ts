import { pyodideSandbox, type PyodideSandboxOptions } from "../../src/sandbox/pyodide.ts";
import { keepImage, type Made, readImage } from "../../src/sandbox/pyodide_image.ts";
import {
  type Exited,
  type RunOptions,
  type Sandbox,
  SandboxError,
} from "../../src/sandbox/sandbox.ts";
import {
  assert,
  assertEquals,
  assertLess,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "../../src/std/assert.ts";
import { sandboxContract } from "./contract.ts";

sandboxContract("pyodide", pyodideSandbox);

async function exits(
  sandbox: Sandbox,
  source: string,
  inputs: readonly string[] = [""],
  options?: RunOptions,
): Promise<Exited[]> {
  const verdicts = await Array.fromAsync(
    sandbox.run({ language: "python", source }, inputs, options),
  );
  assertEquals(verdicts.length, inputs.length);
  return verdicts.map((verdict) => {
    assert(verdict.type === "exited", JSON.stringify(verdict));
    return verdict;
  });
}

function test(
  name: string,
  options: PyodideSandboxOptions,
  fn: (sandbox: Sandbox) => Promise<void>,
): void {
  Deno.test(`pyodide sandbox: ${name}`, async () => {
    await using sandbox = await pyodideSandbox({ concurrency: 1, spares: 0, ...options });
    await fn(sandbox);
  });
}

/** Numbers of the processes that have an interpreter. */
function interpreters(): number[] {
  const { stdout } = new Deno.Command("ps", { args: ["-A", "-o", "pid=,ppid=,args="] })
    .outputSync();
  return new TextDecoder().decode(stdout).trim().split("\n").map((line) => line.trim().split(/\s+/))
    .filter(([, parent, ...args]) =>
      Number(parent) === Deno.pid && args.some((arg) => arg.endsWith("pyodide_child.ts"))
    )
    .map(([pid]) => Number(pid))
    .sort((a, b) => a - b);
}

test("nothing in a program leads to JavaScript", { programsPerProcess: 50 }, async (sandbox) => {
  const forged = `{"type":"ended","how":"exited","code":0}`;
  const escapes = [
    `import js; js.postMessage(${JSON.stringify(forged)})`,
    `import pyodide_js; pyodide_js.constructor.constructor("return globalThis")()`,
    `from pyodide.code import run_js; run_js("1")`,
    `import sys; del sys.modules["_pyodide_core"]; import _pyodide_core; _pyodide_core.run_js("1")`,
    `import sys; sys.modules.clear(); import _pyodide_core as m; m.run_js("1")`,
    `import sys; del sys.modules["_ctypes"]; import ctypes; ctypes.CDLL(None)`,
    `import sys; del sys.modules["_ctypes"]; import _ctypes; _ctypes.dlopen("/home/pyodide/x.so", 2)`,
    `import gc
gc.unfreeze()
seen = [o for o in gc.get_objects() if "Js" in type(o).__name__ and not isinstance(o, type)]
for o in seen: print("found", o.constructor)
raise SystemExit(1)`,
    `import importlib.machinery as m; m.ExtensionFileLoader("x", "/lib/python314.zip").load_module()`,
    `import os; os.system("id") and None; raise SystemExit(os.system("true"))`,
    `import signal; signal.setitimer(signal.ITIMER_REAL, 0.01); raise SystemExit(1)`,
    `import os, stat; os.mknod("/tmp/tty", stat.S_IFCHR | 0o666, os.makedev(5, 0))`,
    `import socket; socket.socket()`,
  ];
  for (const escape of escapes) {
    const [{ code, stdout }] = await exits(sandbox, `${escape}\nprint("escaped")`);
    assert(code !== 0, `${escape}: exit code 0`);
    assertEquals(stdout, "", escape);
    assertEquals((await exits(sandbox, `print("on")`))[0].stdout, "on\n");
  }
});

const leave = `
import asyncio, builtins, json, os, random, sys, time
builtins.print = lambda *a: None
builtins.len = lambda x: 0
json.dumps = None
sys.modules["evil"] = json
sys.path.insert(0, "/tmp")
sys.setrecursionlimit(77)
os.environ["LEFT"] = "1"
os.mkdir("/tmp/left")
os.chdir("/tmp/left")
open("file", "w").write("x")
open("/home/pyodide/json.py", "w").write("evil = 1")
with open("/lib/python314.zip", "r+b") as f: f.write(bytes(os.path.getsize("/lib/python314.zip")))
os.rename("/dev/null", "/dev/none")
os.chmod("/home", 0)
kept = [open("/tmp/left/file") for _ in range(20)]
os.pipe()
os.close(0)
sys.stdout.write("done")
sys.stdout.flush()
os.close(1)
`;
const look = `
import builtins, json, os, random, sys
import tabnanny # not in memory yet, so it comes from the library's file
print(len("abc"), json.dumps([1]), "evil" in sys.modules, sys.path, sys.getrecursionlimit())
print(sorted(os.environ), os.getcwd(), sorted(os.listdir("/tmp")), sorted(os.listdir(".")))
print(oct(os.stat("/home").st_mode), os.path.exists("/dev/null"), os.open("/dev/null", 0), input())
print(os.stat("main.py").st_ino)`;

test(
  "a run finds everything as the first did, in another program too",
  { programsPerProcess: 50, spares: 1 },
  async (sandbox) => {
    const [first] = await exits(sandbox, look, ["in"]);
    assertEquals(first.code, 0, first.stderr);
    const before = interpreters();
    const [left, leftAgain] = await exits(sandbox, leave, ["", ""]);
    assertEquals([left.stdout, leftAgain.stdout], ["done", "done"]);
    const [second] = await exits(sandbox, look, ["in"]);
    assertEquals(second.stdout, first.stdout);
    assertEquals(interpreters(), before); // or it would show nothing
    const both = `
import sys
if input() == "leave": exec(sys.stdin.read())
else: exec(sys.stdin.read())`;
    const [, third] = await exits(sandbox, both, [`leave\n${leave}`, `look\n${look}\n`]);
    assertEquals(third.stdout.split("\n")[0], first.stdout.split("\n")[0]);
    assertEquals(third.stdout.split("\n")[1], first.stdout.split("\n")[1]);
  },
);

test(
  "each program may have a process of its own",
  { spares: 1, programsPerProcess: 1 },
  async (sandbox) => {
    const seen = new Set<number>();
    for (let i = 0; i < 3; i++) {
      for await (const _ of sandbox.run({ language: "python", source: "" }, ["", ""])) {
        for (const pid of interpreters()) seen.add(pid);
      }
    }
    assert(seen.size >= 4, `${seen.size} processes`); // three, and one that stands by
  },
);

test("a program that is out of the ordinary ends its process", {
  programsPerProcess: 50,
  spares: 1,
}, async (sandbox) => {
  for (const source of [`import os; os.abort()`, `x = bytearray(60 << 20)`]) {
    await exits(sandbox, "");
    const before = interpreters();
    await exits(sandbox, source);
    assert(JSON.stringify(interpreters()) !== JSON.stringify(before), source);
  }
});

test("random numbers differ from run to run, hashes do not", {}, async (sandbox) => {
  const source = `
import random, secrets
print(random.random())
print(secrets.token_hex())
print(hash("x"))`;
  const runs = await exits(sandbox, source, ["", ""]);
  const [first, second] = runs.map(({ stdout }) => stdout.trim().split("\n"));
  assertEquals(first.map((line, i) => line === second[i]), [false, false, true]);
});

test(
  "asyncio has an event loop, and waiting costs no CPU time",
  { limits: { timeoutMs: 1000 } },
  async (sandbox) => {
    const source = `
import asyncio, sys, time
async def work(n):
    await asyncio.sleep(0.02 * n)
    return n
async def main():
    queue = asyncio.Queue()
    await queue.put(1)
    return await asyncio.gather(*map(work, range(3))), await queue.get()
print(asyncio.run(main()))
with asyncio.Runner() as runner: print(runner.run(work(1)))
begun = time.monotonic()
time.sleep(0.05)
print(0.05 <= time.monotonic() - begun)
for bad in (-1, float("nan"), "1"):
    try: time.sleep(bad)
    except (ValueError, TypeError) as e: print(type(e).__name__)
sys.stdout.flush()
`;
    const [{ stdout, stderr }] = await exits(sandbox, source, [""], {
      limits: { timeoutMs: 10_000 },
    });
    assertEquals(stdout, "([0, 1, 2], 1)\n1\nTrue\nValueError\nValueError\nTypeError\n", stderr);
    for (const sleep of ["time.sleep(60)", "asyncio.run(asyncio.sleep(60))"]) {
      const [verdict] = await Array.fromAsync(
        sandbox.run({ language: "python", source: `import asyncio, time\n${sleep}` }, [""]),
      );
      assert(verdict.type === "timeout" && verdict.cpuMs !== null, JSON.stringify(verdict));
      assertLess(verdict.cpuMs, 300);
    }
  },
);

test("one that stands by and dies is replaced", { spares: 2, concurrency: 2 }, async (sandbox) => {
  await exits(sandbox, "");
  for (const pid of interpreters()) Deno.kill(pid, "SIGKILL");
  await new Promise((resolve) => setTimeout(resolve, 200));
  assertEquals((await exits(sandbox, `print("on")`))[0].stdout, "on\n");
  assertEquals(sandbox.usage.failures, 0);
});

test(
  "a program that is broken off leaves its process to the next",
  { concurrency: 1, spares: 1, programsPerProcess: 4 },
  async (sandbox) => {
    await exits(sandbox, "");
    const before = interpreters();
    const inputs = ["1", "2", "3"];
    for await (const _ of sandbox.run({ language: "python", source: "print(input())" }, inputs)) {
      break;
    }
    assertEquals((await exits(sandbox, `print("on")`))[0].stdout, "on\n");
    assertEquals(interpreters(), before);
    // Not when that takes longer than to start another.
    const slow = `import time\nif input() == "wait": time.sleep(5)`;
    for await (const _ of sandbox.run({ language: "python", source: slow }, ["", "wait"])) break;
    assertEquals((await exits(sandbox, `print("on")`))[0].stdout, "on\n");
    assertNotEquals(interpreters(), before);
  },
);

for (const [signal, number] of [["SIGKILL", 9], ["SIGTERM", 15]] as const) {
  test(`a process that ${signal} ends is a failure of ours`, {}, async (sandbox) => {
    const source = `if input() == "spin":\n    while True: pass`;
    const verdicts = sandbox.run({ language: "python", source }, ["", "spin"]);
    assertEquals((await verdicts.next()).value?.type, "exited");
    const killing = setTimeout(() => interpreters().forEach((pid) => Deno.kill(pid, signal)), 300);
    await assertRejects(() => verdicts.next(), SandboxError, `signal ${number}`);
    clearTimeout(killing);
    assertEquals(sandbox.usage.failures, 1);
    assertEquals((await exits(sandbox, `print("on")`))[0].stdout, "on\n");
  });
}

Deno.test("pyodide sandbox: options that cannot be", async () => {
  for (const options of [{ concurrency: 0 }, { spares: -1 }, { programsPerProcess: 1.5 }]) {
    const [name] = Object.keys(options);
    await assertRejects(() => pyodideSandbox(options), TypeError, `'${name}' must be`);
  }
});

Deno.test("pyodide sandbox: without Pyodide's files, the error says what to do", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const script = `
      import { pyodideSandbox } from ${
      JSON.stringify(import.meta.resolve("../../src/sandbox/pyodide.ts"))
    };
      try { await pyodideSandbox(); } catch (error) { console.log(error.name + ": " + error.message); }`;
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--cached-only",
        "--no-config",
        "--no-lock",
        `data:text/javascript,${encodeURIComponent(script)}`,
      ],
      env: { DENO_DIR: folder },
      stderr: "null",
    }).output();
    const text = new TextDecoder().decode(stdout);
    assertStringIncludes(text, "SandboxError: Cannot start Python as the files of npm:pyodide@");
    assertStringIncludes(text, "deno cache npm:pyodide@");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const made: Made = {
  image: { bytes: 65536, segments: [[0, 4096], [8192, 4096]], stack: 1024, trampoline: 7 },
  memory: new Uint8Array(8192).map((_, i) => i * 7),
};

async function inFolder(fn: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await fn(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const never = () => Promise.reject<Made>(new Error("made again"));

Deno.test("pyodide sandbox: an image is made once, and again when it is damaged", () =>
  inFolder(async (folder) => {
    const path = `${folder}/pyodide/x.image`;
    await keepImage(path, () => Promise.resolve(made));
    assertEquals(readImage(path), made);
    await keepImage(path, never);
    const whole = await Deno.readFile(path);
    const damages: ((bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>)[] = [
      (bytes) => bytes.subarray(0, 0),
      (bytes) => bytes.subarray(0, 40),
      (bytes) => bytes.subarray(0, -1),
      ...[0, 33, 36, 60, whole.length - 1].map((at) => (bytes: Uint8Array<ArrayBuffer>) => {
        bytes[at] ^= 1;
        return bytes;
      }),
    ];
    for (const damage of damages) {
      await Deno.writeFile(path, damage(whole.slice()));
      let times = 0;
      const make = () => {
        times++;
        return Promise.resolve(made);
      };
      await keepImage(path, make);
      assertEquals(times, 1);
      assertEquals(readImage(path), made);
      await keepImage(path, never);
    }
  }));

Deno.test("pyodide sandbox: images that are made at the same time do not disturb each other", () =>
  inFolder(async (folder) => {
    const path = `${folder}/x.image`;
    const make = () => Promise.resolve(made);
    await Promise.all([1, 2, 3].map(() => keepImage(path, make)));
    assertEquals(readImage(path), made);
    await keepImage(path, never);
    assertEquals(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["x.image"]);
  }));

Deno.test("pyodide sandbox: an image that cannot be written is an error that says what to do", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    await assertRejects(
      () => keepImage(`${folder}/file/x.image`, () => Promise.resolve(made)),
      SandboxError,
      "HANDRAIL_CACHE",
    );
  }));
