/** Every sandbox provider by the name that configs use. */
import { e2bSandbox, type E2BSandboxOptions } from "./e2b.ts";
import { processSandbox, type ProcessSandboxOptions } from "./process.ts";
import { pyodideSandbox, type PyodideSandboxOptions } from "./pyodide.ts";
import type { Sandbox } from "./sandbox.ts";

/** A provider with its options. */
export type SandboxSpec =
  | ({ readonly provider: "pyodide" } & PyodideSandboxOptions)
  | ({ readonly provider: "process" } & ProcessSandboxOptions)
  | ({ readonly provider: "e2b" } & E2BSandboxOptions);

/** The name of a provider. */
export type SandboxProvider = SandboxSpec["provider"];

/** The names of the providers, the default one first. */
export const SANDBOX_PROVIDERS: readonly SandboxProvider[] = ["pyodide", "process", "e2b"];

/**
 * Starts a sandbox. Dispose it.
 *
 * @throws {SandboxError} if it cannot run here: with the reason and the way out.
 * @throws {TypeError} for an option that cannot be used.
 */
export async function createSandbox(spec: SandboxSpec): Promise<Sandbox> {
  switch (spec.provider) {
    case "pyodide":
      return await pyodideSandbox(spec);
    case "process":
      return await processSandbox(spec);
    case "e2b":
      return await e2bSandbox(spec);
  }
}
