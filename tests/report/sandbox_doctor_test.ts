import { examineSandboxes } from "../../src/report/sandbox_doctor.ts";
import { processSandbox } from "../../src/sandbox/process.ts";
import { assert, assertEquals, assertStringIncludes } from "../../src/std/assert.ts";

Deno.test("the doctor tells whether the process sandbox runs here, and what it lacks otherwise", async () => {
  const findings = await examineSandboxes();
  assertEquals(findings.map(({ id }) => id), ["sandbox-pyodide", "sandbox-process", "sandbox-e2b"]);
  const [, { status, found, cure }] = findings;
  const reason = await processSandbox({ concurrency: 1 }).then(
    async (sandbox) => {
      await sandbox[Symbol.asyncDispose]();
      return null;
    },
    (error: Error) => error.message,
  );
  if (reason === null) {
    assertEquals([status, cure], ["ok", undefined]);
    assertStringIncludes(found, "python");
  } else {
    assertEquals([status, found], ["warning", reason]);
    assert(cure?.includes("pyodide"));
  }
});
