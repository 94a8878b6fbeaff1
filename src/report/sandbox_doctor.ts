/** What the doctor says of the sandboxes. */
import { type Finding } from "../../ffi/doctor.ts";
import { processSandbox } from "../sandbox/process.ts";
import { SandboxError } from "../sandbox/sandbox.ts";

/** Looks at what each sandbox needs. Nothing of it is needed where no program is run. */
export async function examineSandboxes(): Promise<Finding[]> {
  return [
    {
      id: "sandbox-pyodide",
      title: "pyodide",
      status: "ok",
      found: "needs nothing; the first program fetches it",
    },
    await examineProcess(),
    {
      id: "sandbox-e2b",
      title: "e2b",
      status: "ok",
      found: Deno.env.get("E2B_API_KEY")
        ? "E2B_API_KEY is set"
        : "not used: E2B_API_KEY is not set",
    },
  ];
}

async function examineProcess(): Promise<Finding> {
  const [id, title] = ["sandbox-process", "bubblewrap"];
  try {
    await using sandbox = await processSandbox({ concurrency: 1 });
    return { id, title, status: "ok", found: `runs ${sandbox.languages.join(", ")}` };
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error;
    const cure = "only --sandbox.provider=process needs it; pyodide, the default, does not";
    return { id, title, status: "warning", found: error.message, cure };
  }
}
