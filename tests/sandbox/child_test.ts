import { Child, type Message } from "../../src/sandbox/child.ts";
import { assert, assertEquals } from "../../src/std/assert.ts";
import { alive, gone } from "../processes.ts";

const module = import.meta.resolve("./child_program.ts");
const permissions = ["--allow-read"]; // for the module of its worker
const megabyte = 1024 * 1024;

/** A test during which something keeps the event loop alive: children do not. */
function test(name: string, fn: () => Promise<void>): void {
  Deno.test(name, async () => {
    const alive = setInterval(() => {}, 1000);
    try {
      await fn();
    } finally {
      clearInterval(alive);
    }
  });
}

async function next(messages: AsyncGenerator<Message, void>): Promise<Message> {
  const { value } = await messages.next();
  assert(value !== undefined, "the child ended");
  return value;
}

/** Bytes of memory of a process. */
function resident(pid: number): number {
  const { stdout } = new Deno.Command("ps", { args: ["-o", "rss=", "-p", `${pid}`] }).outputSync();
  return 1024 * Number(new TextDecoder().decode(stdout).trim());
}

test("messages arrive whole and in order, whatever their size", async () => {
  await using child = Child.spawn({ module });
  const bodies = [0, 1, 65_536, 3 * megabyte + 1, 0, 7].map((length) =>
    new Uint8Array(length).map((_, i) => i * 31)
  );
  bodies.forEach((body, i) => child.send({ do: "echo", value: { i, text: "é☃\n" } }, body));
  const messages = child.messages();
  for (const [i, body] of bodies.entries()) {
    const message = await next(messages);
    assertEquals(message.header, { i, text: "é☃\n" });
    assertEquals(message.body, body);
  }
});

test("a parent that does not read makes the child wait, and loses nothing", async () => {
  await using child = Child.spawn({ module });
  const count = 40;
  for (let i = 0; i < count; i++) {
    child.send({ do: "echo", value: i }, new Uint8Array(megabyte));
  }
  await new Promise((resolve) => setTimeout(resolve, 100));
  const messages = child.messages();
  for (let i = 0; i < count; i++) {
    const { header, body } = await next(messages);
    assertEquals([header, body.length], [i, megabyte]);
  }
});

test("a child gets no permission and nothing of the environment that it has no use for", async () => {
  // Behind a company's proxy nothing is downloaded without these.
  const network = { NO_PROXY: "127.0.0.1", DENO_TLS_CA_STORE: "mozilla,system" };
  const before = Object.keys(network).map((name) => [name, Deno.env.get(name)] as const);
  Deno.env.set("HANDRAIL_TEST_SECRET", "x");
  for (const [name, value] of Object.entries(network)) Deno.env.set(name, value);
  try {
    await using child = Child.spawn({ module, permissions: ["--allow-env"] });
    const messages = child.messages();
    child.send({ do: "environment" });
    const known = [
      ...["DENO_DIR", "HOME", "XDG_CACHE_HOME", "NPM_CONFIG_REGISTRY"],
      ...["DENO_CERT", "NODE_EXTRA_CA_CERTS", "HTTP_PROXY", "HTTPS_PROXY"],
      ...["http_proxy", "https_proxy", "no_proxy", ...Object.keys(network)],
      ...["DENO_NO_UPDATE_CHECK", "NO_COLOR"],
      ...["PATH", "DENO_NODE_SHIM_ACTIVE"], // Deno's own, for programs called node
    ];
    const given = (await next(messages)).header as Record<string, string>;
    assertEquals(Object.keys(given).filter((name) => !known.includes(name)), []);
    assertEquals({ ...given, ...network }, given);
    child.send({ do: "permissions" });
    assertEquals((await next(messages)).header, ["env"]);
  } finally {
    Deno.env.delete("HANDRAIL_TEST_SECRET");
    for (const [name, value] of before) {
      value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
    }
  }
});

test("a child that ends says how", async () => {
  await using child = Child.spawn({ module });
  child.send({ do: "exit", value: 7 });
  assertEquals(await child.ended, { code: 7, stderr: "last words\n" });
  child.send({ do: "echo" }); // nobody is there: no error
  assertEquals(await Array.fromAsync(child.messages()), []);
});

test("a module that is not there is an ending, not an exception", async () => {
  await using child = Child.spawn({ module: "file:///nowhere/none.ts" });
  child.send({ do: "echo" });
  const ended = await child.ended;
  assert(typeof ended === "object" && ended.code === 1, JSON.stringify(ended));
  assert(ended.stderr.includes("/nowhere/none.ts"), ended.stderr);
});

for (const fault of ["garbage", "notJson"]) {
  test(`a child that sends no frame is killed: ${fault}`, async () => {
    await using child = Child.spawn({ module });
    child.send({ do: "echo", value: "first" });
    child.send({ do: fault });
    const headers = await Array.fromAsync(child.messages(), ({ header }) => header);
    assertEquals(headers, ["first"]);
    const ended = await child.ended;
    assert(typeof ended === "object" && ended.code === 137, JSON.stringify(ended));
    assert(ended.stderr !== "", "the reason is in stderr");
  });
}

test("a busy child is killed, and gone when kill resolves", async () => {
  const child = Child.spawn({ module, permissions });
  const messages = child.messages();
  child.send({ do: "spin" });
  assertEquals((await next(messages)).header, "begun");
  assert(alive(child.pid));
  await Promise.all([child.kill(), child.kill()]);
  assertEquals(await child.ended, "killed");
  assert(!alive(child.pid));
  assertEquals((await messages.next()).done, true);
});

test("a child over its memory ends, and says so", async () => {
  await using child = Child.spawn({ module, permissions, memoryBytes: 300 * megabyte });
  let most = 0;
  const sampling = setInterval(() => most = Math.max(most, resident(child.pid)), 20);
  child.send({ do: "balloon" });
  assertEquals(await child.ended, "memory");
  clearInterval(sampling);
  assert(most < 900 * megabyte, `${most} bytes`);
});

test("a busy child does not outlive a parent that is killed", async () => {
  const script = `
    import { Child } from ${JSON.stringify(import.meta.resolve("../../src/sandbox/child.ts"))};
    const child = Child.spawn(${JSON.stringify({ module, permissions })});
    child.send({ do: "spin" });
    setInterval(() => {}, 1000);
    for await (const _ of child.messages()) console.log(child.pid);`;
  const parent = new Deno.Command(Deno.execPath(), {
    args: ["eval", script],
    stdout: "piped",
  }).spawn();
  const output = parent.stdout.getReader();
  const pid = Number(new TextDecoder().decode((await output.read()).value));
  assert(pid > 0 && alive(pid));
  parent.kill("SIGKILL");
  await parent.status;
  await gone(pid);
  await output.cancel();
});

test("a child does not keep its parent alive", async () => {
  const script = `
    import { Child } from ${JSON.stringify(import.meta.resolve("../../src/sandbox/child.ts"))};
    const child = Child.spawn(${JSON.stringify({ module })});
    const messages = child.messages();
    child.send({ do: "echo", value: child.pid });
    const alive = setInterval(() => {}, 1000);
    console.log((await messages.next()).value.header);
    clearInterval(alive);
    messages.next();`;
  const parent = new Deno.Command(Deno.execPath(), {
    args: ["eval", script],
    stdout: "piped",
    stderr: "null",
  });
  const { code, stdout } = await parent.output();
  assertEquals(code, 0);
  await gone(Number(new TextDecoder().decode(stdout)));
});

test("the end of the parent can be answered before the child ends", async () => {
  const file = await Deno.makeTempFile();
  try {
    const script = `
      import { Child } from ${JSON.stringify(import.meta.resolve("../../src/sandbox/child.ts"))};
      const options = ${
      JSON.stringify({ module, args: [file], permissions: [`--allow-write=${file}`] })
    };
      const child = Child.spawn(options);
      child.send({ do: "echo", value: "here" });
      setInterval(() => {}, 1000);
      for await (const _ of child.messages()) Deno.kill(Deno.pid, "SIGKILL");`;
    await new Deno.Command(Deno.execPath(), { args: ["eval", script], stderr: "null" }).output();
    for (let i = 0; i < 500 && (await Deno.readTextFile(file)) === ""; i++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assertEquals(await Deno.readTextFile(file), "the parent is gone");
  } finally {
    await Deno.remove(file);
  }
});
