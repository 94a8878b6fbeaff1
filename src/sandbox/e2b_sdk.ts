/** The one door to E2B's SDK, which is loaded when a guest is first asked for. */

/** What is used of the SDK's module. */
export type Sdk = Omit<typeof import("npm:e2b@2.51.0"), "default">;

/** A virtual machine of E2B: its SDK calls it a sandbox, which here is the provider as a whole. */
export type Guest = InstanceType<Sdk["Sandbox"]>;

/** A command that runs in a guest. */
export type Command = Awaited<ReturnType<Guest["commands"]["connect"]>>;

/** Loads it. */
export function loadSdk(): Promise<Sdk> {
  return import("npm:e2b@2.51.0");
}
