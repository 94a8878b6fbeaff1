import {
  type Program,
  type RunOptions,
  type Sandbox,
  SandboxError,
  type SandboxUsage,
  type Verdict,
} from "../../../src/sandbox/sandbox.ts";

/** A sandbox that gives verdicts and errors from a list, whatever it is asked to run. */
export class ScriptedSandbox implements Sandbox {
  readonly name = "scripted";
  readonly languages = ["python", "cpp"] as const;
  readonly usage: SandboxUsage = { programs: 0, runs: 0, failures: 0, seconds: 0 };
  /** What is left to give. */
  readonly script: (Verdict | Error)[];
  /** The inputs of each run. */
  readonly asked: (readonly string[])[] = [];
  /** The options of each run. */
  readonly options: RunOptions[] = [];

  constructor(script: readonly (Verdict | Error)[]) {
    this.script = [...script];
  }

  async *run(
    _: Program,
    inputs: readonly string[],
    options: RunOptions = {},
  ): AsyncGenerator<Verdict> {
    this.asked.push(inputs);
    this.options.push(options);
    for (const _ of inputs) {
      await Promise.resolve();
      options.signal?.throwIfAborted();
      const next = this.script.shift();
      if (next === undefined) return;
      if (next instanceof Error) throw next;
      yield next;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.reject(new SandboxError("A reward does not end the sandbox that it was given"));
  }
}
