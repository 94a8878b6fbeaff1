import { assert, assertEquals, assertStringIncludes } from "../../src/std/assert.ts";
import { type DoctorReport, examine, type Finding, formatReport } from "../../ffi/doctor.ts";
import { exists, type Host } from "../../ffi/host.ts";
import { prepare } from "../../ffi/prepare.ts";
import { makeFakes, write, writeLibtorch } from "./fakes.ts";

const shim = { sources: [{ name: "core.cpp", text: "", cuda: false }], sourceHash: "12345678" };

function find(report: DoctorReport, id: string): Finding {
  const found = report.findings.find((finding) => finding.id === id);
  assert(found !== undefined, `no finding ${id}`);
  return found;
}

Deno.test("the doctor finds a machine fit before and after the install, and changes nothing", async () => {
  using fakes = makeFakes();
  const before = await examine(fakes.host, shim);
  assertEquals(before.ok, true, formatReport(before));
  assertStringIncludes(find(before, "libtorch").found, "none yet");
  assertEquals(exists(fakes.cache), false);
  assertEquals(fakes.calls(), []);

  await prepare({ ...shim, host: fakes.host, driver: false, load: false, listener: () => {} });
  const after = await examine(fakes.host, shim);
  assertEquals(after.ok, true);
  assertStringIncludes(find(after, "libtorch").found, "in the cache");
  assertStringIncludes(find(after, "shim").found, "libhandrail.so");
});

Deno.test("the doctor names what is missing with its cure", async () => {
  using fakes = makeFakes();
  const bare: Host = { ...fakes.host, env: { HANDRAIL_CACHE: fakes.cache, PATH: "" } };
  const report = await examine(bare, shim);
  assertEquals(report.ok, false);
  for (const id of ["compiler", "installer"]) {
    assertEquals(find(report, id).status, "missing");
    assertStringIncludes(find(report, id).cure ?? "", "install");
  }
  const text = formatReport(report);
  assertStringIncludes(text, "MISSING  C++ compiler");
  assertStringIncludes(text, "2 needed things are missing");
});

Deno.test("the doctor reports a bad LIBTORCH, an old torch and half-written folders", async () => {
  using fakes = makeFakes();
  const bad = find(await examine(fakes.with({ LIBTORCH: fakes.folder }), shim), "libtorch");
  assertEquals(bad.status, "missing");
  assertStringIncludes(bad.cure ?? "", "lib/ and include/");

  writeLibtorch(`${fakes.folder}/torch`, { version: "2.4.0" });
  write(`${fakes.cache}/libtorch/.partial-dead/x`, "");
  const host = fakes.with({ FAKE_TORCH: `${fakes.folder}/torch/__init__.py` });
  const report = await examine(host, shim);
  assertEquals(report.ok, true);
  assertStringIncludes(find(report, "python-torch").found, "2.4.0");
  assertStringIncludes(find(report, "half-written").found, ".partial-dead");
});
