import { assertEquals, assertStringIncludes } from "../../src/std/assert.ts";
import { outdated } from "../../ffi/build.ts";
import { cacheFolder } from "../../ffi/cache.ts";
import { readSharedLibrary } from "../../ffi/elf.ts";
import { currentHost, run } from "../../ffi/host.ts";
import { isNetwork, requirementsFor, wheelRequirements } from "../../ffi/install.ts";
import { isOlder } from "../../ffi/libtorch.ts";
import { elf } from "./fakes.ts";

Deno.test("readSharedLibrary reads what a library needs", () => {
  const path = Deno.makeTempFileSync();
  try {
    Deno.writeFileSync(path, elf(["libc10.so", "libcudart.so.13"], "aarch64"));
    assertEquals(readSharedLibrary(path), {
      arch: "aarch64",
      needed: ["libc10.so", "libcudart.so.13"],
      whole: true,
    });
    for (const bytes of [0, 40, 100, 200]) {
      Deno.writeFileSync(path, elf(["libc10.so"]).subarray(0, bytes));
      const found = readSharedLibrary(path);
      assertEquals([found?.needed ?? [], found?.whole ?? false], [[], false]);
    }
    Deno.writeTextFileSync(
      path,
      "no library, but longer than the sixty-four bytes of an ELF header",
    );
    assertEquals(readSharedLibrary(path), null);
  } finally {
    Deno.removeSync(path);
  }
});

Deno.test("requirementsFor finds the pinned packages of missing libraries", () => {
  const toolkit = wheelRequirements(
    "Name: torch\nRequires-Dist: sympy>=1.13.3\n" +
      'Requires-Dist: cuda-toolkit[cublas,cudart,cupti]==13.0.3; platform_system == "Linux"\n' +
      'Requires-Dist: nvidia-cudnn-cu13==9.20.0.48; platform_system == "Linux"\n' +
      'Requires-Dist: pyyaml; extra == "pyyaml"\n',
  );
  assertEquals(toolkit, [
    "sympy>=1.13.3",
    "cuda-toolkit[cublas,cudart,cupti]==13.0.3",
    "nvidia-cudnn-cu13==9.20.0.48",
  ]);
  const system = ["libstdc++.so.6", "libc.so.6", "ld-linux-x86-64.so.2"];
  assertEquals(requirementsFor(toolkit, [...system, "libcupti.so.13", "libcudart.so.13"]), [
    "cuda-toolkit[cupti,cudart]==13.0.3",
  ]);
  const single = [
    "nvidia-cuda-runtime-cu12==12.8.90",
    "nvidia-cuda-cupti-cu12==12.8.90",
    "nvidia-nccl-cu12==2.27.5",
  ];
  assertEquals(requirementsFor(single, ["libcupti.so.12", "libcudart.so.12", ...system]), [
    "nvidia-cuda-cupti-cu12==12.8.90",
    "nvidia-cuda-runtime-cu12==12.8.90",
  ]);
  assertEquals(requirementsFor(single, system), []);
});

Deno.test("isOlder compares the first two numbers", () => {
  assertEquals(
    ["2.10.9", "2.11.0a0+git", "2.13.0+cu130", "3.0", "1.13.1"].map((it) => isOlder(it, "2.11")),
    [true, false, false, false, true],
  );
});

Deno.test("outdated knows the compilers' ways to say their version", () => {
  assertEquals(
    [
      "c++ (Debian 12.2.0-14+deb12u1) 12.2.0",
      "g++-10 (Ubuntu 10.5.0-1ubuntu1~22.04) 10.5.0",
      "g++ (GCC) 8.5.0 20210514 (Red Hat 8.5.0-20)",
      "Ubuntu clang version 14.0.0-1ubuntu1.1",
      "clang version 11.1.0",
      "Apple clang version 15.0.0 (clang-1500.3.9.4)",
      "something else 1.0",
    ].map(outdated),
    [null, "g++ 11", "g++ 11", null, "clang 13", null, null],
  );
});

Deno.test("isNetwork knows how pip and uv say that they reached nothing", () => {
  for (
    const text of [
      "Retrying (Retry(total=4)) after connection broken by 'NewConnectionError('...: Failed to establish",
      "[Errno -3] Temporary failure in name resolution",
      "error: Failed to fetch: `x`\n  Caused by: error sending request for url",
      "client error (Connect)\n dns error",
    ]
  ) assertEquals(isNetwork(text), true, text);
  assertEquals(isNetwork("ERROR: No matching distribution found for torch==2.13.0"), false);
});

Deno.test("cacheFolder goes by HANDRAIL_CACHE, XDG_CACHE_HOME and HOME", () => {
  const folder = (env: Record<string, string>, os = "linux") =>
    cacheFolder({ env, os, arch: "x86_64" });
  assertEquals(folder({ HANDRAIL_CACHE: "/c", XDG_CACHE_HOME: "/x", HOME: "/h" }), "/c");
  assertEquals(folder({ XDG_CACHE_HOME: "/x", HOME: "/h" }), "/x/handrail");
  assertEquals(folder({ HOME: "/h" }), "/h/.cache/handrail");
  assertEquals(folder({ HOME: "/h" }, "darwin"), "/h/Library/Caches/handrail");
});

Deno.test("a child process sees the listed variables only", async () => {
  const before = Deno.env.get("HANDRAIL_TEST_SECRET");
  Deno.env.set("HANDRAIL_TEST_SECRET", "hidden");
  try {
    const { stdout, code } = await run(currentHost(), "/usr/bin/env", []);
    assertEquals(code, 0);
    assertStringIncludes(stdout, "PATH=");
    assertEquals(stdout.includes("HANDRAIL_TEST_SECRET"), false);
    assertEquals((await run(currentHost(), "/no/such/program", [])).code, 127);
  } finally {
    if (before === undefined) Deno.env.delete("HANDRAIL_TEST_SECRET");
  }
});
