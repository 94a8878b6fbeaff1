import { assert, assertEquals, assertRejects, assertStringIncludes } from "../../src/std/assert.ts";
import type { Host } from "../../ffi/host.ts";
import { LibtorchError, type LibtorchProblem } from "../../ffi/libtorch_error.ts";
import { prepare, type Prepared } from "../../ffi/prepare.ts";
import type { Progress } from "../../ffi/progress.ts";
import { type Fakes, makeFakes, write, writeLibtorch } from "./fakes.ts";

const sources = [
  { name: "shim.h", text: "// header", cuda: false },
  { name: "core.cpp", text: "int core;", cuda: false },
  { name: "ops.cpp", text: "int ops;", cuda: false },
  { name: "cuda.cpp", text: "int cuda;", cuda: true },
];

function prepareOn(
  host: Host,
  o: { progress?: Progress[]; hash?: string } = {},
): Promise<Prepared> {
  return prepare({
    host,
    sources,
    sourceHash: o.hash ?? "1234567890",
    driver: false,
    load: false,
    listener: (progress) => o.progress?.push(progress),
  });
}

async function refuses(host: Host, problem: LibtorchProblem, ...parts: string[]): Promise<void> {
  const error = await assertRejects(() => prepareOn(host), LibtorchError);
  assertEquals(error.problem, problem, error.message);
  for (const part of parts) assertStringIncludes(error.message, part);
}

function withFakes(name: string, fn: (fakes: Fakes) => Promise<void>): void {
  const ignore = Deno.build.os === "windows";
  Deno.test({
    name,
    ignore,
    async fn() {
      using fakes = makeFakes();
      await fn(fakes);
    },
  });
}

withFakes("prepare installs, trims, compiles, and the second time only looks", async (fakes) => {
  const progress: Progress[] = [];
  const first = await prepareOn(fakes.host, { progress });
  assertEquals(first.builtNow, true);
  assertEquals(first.libtorch.source, "cache");
  assertEquals(first.libtorch.version, "2.13.0+cu130");
  assertEquals(first.libtorch.cudaVersion, "13.0");
  assertEquals(first.libtorch.cuda, false);
  assertEquals(Deno.readTextFileSync(first.shimPath), "built\n");
  assertEquals(
    [...new Set(progress.map(({ phase }) => phase))],
    ["find", "install", "compile", "link", "ready"],
  );

  const root = `${fakes.cache}/libtorch/2.13.0-cpu`;
  const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  assertEquals(names(root), ["complete", "nvidia", "torch", "torch-2.13.0.dist-info"]);
  assertEquals(names(`${root}/torch`), ["include", "lib", "version.py"]);
  assertEquals(names(`${root}/torch/lib`), ["libc10.so", "libtorch_cpu.so"]);
  assertEquals(names(`${root}/nvidia/cu13/lib`), ["libcudart.so.13"]);

  const calls = fakes.calls();
  const installs = calls.filter((call) => call.startsWith("pip"));
  assertEquals(installs.length, 2);
  assert(installs[0]?.endsWith("--no-deps torch==2.13.0"), installs[0]);
  assert(installs[1]?.endsWith("cuda-toolkit[cudart]==13.0.3"), installs[1]);
  assertEquals(calls.filter((call) => call.includes(" -c core.cpp")).length, 1);
  assertEquals(calls.filter((call) => call.includes("cuda.cpp")).length, 0);

  const second = await prepareOn(fakes.host);
  assertEquals(second, { ...first, builtNow: false });
  assertEquals(fakes.calls(), calls);
});

withFakes("prepare compiles again for other sources and another compiler only", async (fakes) => {
  const first = await prepareOn(fakes.host);
  const otherSources = await prepareOn(fakes.host, { hash: "other" });
  const otherCompiler = await prepareOn(fakes.with({ FAKE_CXX_VERSION: "c++ (Fake) 14.1.0" }));
  assertEquals(otherSources.builtNow, true);
  assertEquals(otherCompiler.builtNow, true);
  assertEquals(new Set([first, otherSources, otherCompiler].map((it) => it.shimPath)).size, 3);

  fakes.without("c++");
  assertEquals((await prepareOn(fakes.host)).builtNow, false);
});

withFakes("prepare takes LIBTORCH first and refuses an unfit one", async (fakes) => {
  const folder = `${fakes.folder}/own`;
  const host = fakes.with({ LIBTORCH: `${folder}/` });
  await refuses(host, "unfit", "LIBTORCH", folder, "unset it");
  writeLibtorch(folder, { version: "2.5.1" });
  await refuses(host, "version", "2.5.1", "2.11");
  writeLibtorch(folder, { arch: Deno.build.arch === "x86_64" ? "aarch64" : "x86_64" });
  await refuses(host, "unfit", "aarch64", "x86_64");
  writeLibtorch(folder, { version: "2.11.0" });
  const { libtorch } = await prepareOn(host);
  assertEquals(libtorch.source, "LIBTORCH");
  assertEquals(libtorch.folder, folder);
  assertEquals(fakes.calls().filter((call) => call.startsWith("pip")), []);
});

withFakes("prepare reads the version of a libtorch without Python", async (fakes) => {
  const folder = `${fakes.folder}/own`;
  writeLibtorch(folder);
  Deno.removeSync(`${folder}/version.py`);
  const host = fakes.with({ LIBTORCH: folder });
  await refuses(host, "unfit", "version");
  write(
    `${folder}/include/torch/headeronly/version.h`,
    "#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR 12\n#define TORCH_VERSION_PATCH 1\n",
  );
  assertEquals((await prepareOn(host)).libtorch.version, "2.12.1");
  write(`${folder}/build-version`, "2.12.1+cu128\n");
  const { libtorch } = await prepareOn(host);
  assertEquals([libtorch.version, libtorch.cudaVersion], ["2.12.1+cu128", "12.8"]);
});

withFakes("prepare takes the active Python's torch and passes over an old one", async (fakes) => {
  const folder = `${fakes.folder}/site/torch`;
  const host = fakes.with({ FAKE_TORCH: `${folder}/__init__.py` });
  writeLibtorch(folder);
  assertEquals((await prepareOn(host)).libtorch.source, "python");
  writeLibtorch(folder, { version: "2.4.0" });
  assertEquals((await prepareOn(host)).libtorch.source, "cache");
});

withFakes("prepare says what is missing", async (fakes) => {
  await refuses(fakes.with({ FAKE_NO_PIP: "1" }), "installer-missing", "pip", "uv", "LIBTORCH");
  await refuses({ ...fakes.host, os: "windows" }, "platform", "WSL");
  const { HANDRAIL_CACHE: _, ...env } = fakes.host.env;
  await refuses({ ...fakes.host, env }, "cache", "HANDRAIL_CACHE");
  fakes.without("c++");
  await refuses(fakes.host, "compiler-missing", "C++ compiler", "install");
  await refuses(fakes.with({ CXX: "no-such-c++ -m64" }), "compiler-missing", "no-such-c++");
  fakes.without("python3");
  Deno.removeSync(`${fakes.cache}/libtorch`, { recursive: true });
  await refuses(fakes.host, "installer-missing");
});

withFakes(
  "prepare explains an install that failed and leaves nothing half-written",
  async (fakes) => {
    const failing = (text: string) => fakes.with({ FAKE_PIP_ERROR: text });
    await refuses(
      failing(
        "WARNING: Retrying: NewConnectionError\nERROR: No matching distribution found for torch",
      ),
      "network",
      "proxy",
      "LIBTORCH",
    );
    await refuses(failing("SSLError: CERTIFICATE_VERIFY_FAILED"), "network", "certificate");
    await refuses(
      failing("ERROR: (from versions: 2.1.0)\nERROR: No matching distribution found for torch"),
      "no-wheel",
      "2.13.0",
    );
    assert(fakes.calls().some((call) => call.includes("--python-version 3.12")));
    await refuses(
      failing("ERROR: Could not install packages: [Errno 28] No space left on device"),
      "disk-full",
      fakes.cache,
      "HANDRAIL_CACHE",
    );
    await refuses(failing("ERROR: the flux broke"), "install", "flux");
    assertEquals([...Deno.readDirSync(`${fakes.cache}/libtorch`)], []);
  },
);

withFakes("prepare explains a compile that failed and keeps its log", async (fakes) => {
  await refuses(
    fakes.with({ FAKE_CXX_ERROR: "core.cpp:1:1: error: no member named 'x'" }),
    "compile",
    "no member named 'x'",
    `${fakes.cache}/logs/`,
  );
  await refuses(
    fakes.with({ FAKE_CXX_ERROR: "error: unrecognized command-line option '-std=c++20'" }),
    "compiler-old",
    "C++20",
  );
  await refuses(fakes.with({ FAKE_CXX_ERROR: "fatal: No space left on device" }), "disk-full");
  await refuses(
    fakes.with({ FAKE_CXX_VERSION: "g++ (GCC) 8.5.0 20210514" }),
    "compiler-old",
    "8.5.0",
  );
  assertEquals((await prepareOn(fakes.host)).builtNow, true);
});

withFakes("prepare redoes what a killed process left half-written", async (fakes) => {
  write(`${fakes.cache}/libtorch/.partial-dead/site/torch/lib/libtorch_cpu.so`, "half");
  write(`${fakes.cache}/libtorch/2.13.0-cpu/torch/version.py`, "");
  write(`${fakes.cache}/shim/x/.partial-dead/core.cpp`, "half");
  const { shimPath } = await prepareOn(fakes.host);
  assertEquals(Deno.readTextFileSync(shimPath), "built\n");
  assertEquals([...Deno.readDirSync(`${fakes.cache}/libtorch`)].map(({ name }) => name), [
    "2.13.0-cpu",
  ]);

  Deno.removeSync(`${fakes.cache}/libtorch/2.13.0-cpu/torch/lib/libc10.so`);
  assertEquals((await prepareOn(fakes.host)).libtorch.source, "cache");
});

withFakes("two at once install once, and the second says what it waits for", async (fakes) => {
  const host = fakes.with({ FAKE_PIP_SLOW: "0.3" });
  const progress: Progress[] = [];
  const both = await Promise.all([prepareOn(host, { progress }), prepareOn(host, { progress })]);
  assertEquals(both[0]?.shimPath, both[1]?.shimPath);
  assertEquals(fakes.calls().filter((call) => call.endsWith("torch==2.13.0")).length, 1);
  const waiting = progress.find(({ phase }) => phase === "wait");
  assertStringIncludes(waiting?.message ?? "", "installs libtorch");
});

withFakes(
  "the installer gets the user's configuration and a TMPDIR on the cache's disk",
  async (fakes) => {
    await prepareOn(fakes.with({ PIP_INDEX_URL: "mirror", PIP_USER: "1" }));
    const env = Deno.readTextFileSync(`${fakes.folder}/log.env`);
    assertStringIncludes(env, "PIP_INDEX_URL=mirror\n");
    assertStringIncludes(env, "PIP_USER=0\n");
    assertStringIncludes(env, `TMPDIR=${fakes.cache}/libtorch/.partial-`);
  },
);

withFakes("a cache that cannot be written is named", async (fakes) => {
  write(`${fakes.folder}/file`, "");
  await refuses(
    fakes.with({ HANDRAIL_CACHE: `${fakes.folder}/file` }),
    "cache",
    `${fakes.folder}/file`,
    "HANDRAIL_CACHE",
  );
});

Deno.test("a missing permission is an error, not a question", async () => {
  const module = new URL("../../ffi/prepare.ts", import.meta.url).href;
  const program = `
    import { prepareShim } from ${JSON.stringify(module)};
    try { await prepareShim(); } catch (error) { console.log(error.name, error.problem, error.message); }
  `;
  const flags = ["--allow-env", "--allow-read", "--allow-write", "--allow-run"];
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-config", ...flags, "-"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const stdin = child.stdin.getWriter();
  await stdin.write(new TextEncoder().encode(program));
  await stdin.close();
  const { stdout } = await child.output();
  const text = new TextDecoder().decode(stdout);
  assertStringIncludes(text, "LibtorchError permission");
  assertStringIncludes(text, "--allow-ffi");
});
