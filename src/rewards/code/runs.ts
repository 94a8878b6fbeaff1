/** Runs programs in a sandbox until there is a verdict that counts. */

import {
  type Limits,
  type Program,
  type Sandbox,
  SandboxError,
  type Verdict,
} from "../../sandbox/sandbox.ts";

/** Where programs run, and how. */
export interface Bench {
  /** The sandbox. */
  readonly sandbox: Sandbox;
  /** Limits of each run. */
  readonly limits: Partial<Limits>;
  /** Ends the runs. */
  readonly signal: AbortSignal;
}

/** How often a run is tried again that the sandbox failed. */
const RETRIES = 2;
/** A run that was killed on time although it had less than this part of it as CPU time did not have its chance. */
const BUSY_SHARE = 0.5;

/**
 * The verdict of a program on each input, in order.
 *
 * Where the sandbox failed, the program is run again from that input on. A time-out during which the program hardly
 * ran (it slept, or the machine was busy) counts when it happens twice.
 *
 * @throws {SandboxError} when the sandbox failed three times in a row.
 */
export async function* verdictsOf(
  program: Program,
  inputs: readonly string[],
  { sandbox, limits, signal }: Bench,
): AsyncGenerator<Verdict> {
  let done = 0;
  let failures = 0;
  let repeated = -1; // the input that was run again
  while (done < inputs.length) {
    let silent = true;
    try {
      for await (const verdict of sandbox.run(program, inputs.slice(done), { limits, signal })) {
        silent = false;
        failures = 0;
        if (isInDoubt(verdict) && repeated < done) {
          repeated = done;
          break;
        }
        done++;
        yield verdict;
      }
      if (silent) throw new SandboxError(`Sandbox '${sandbox.name}' gave no verdict`);
    } catch (error) {
      if (!(error instanceof SandboxError) || ++failures > RETRIES) throw error;
    }
  }
}

function isInDoubt(verdict: Verdict): boolean {
  return verdict.type === "timeout" && verdict.cpuMs !== null &&
    verdict.cpuMs < BUSY_SHARE * verdict.ms;
}
