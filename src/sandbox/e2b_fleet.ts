/** The guests of one sandbox. */
import type { Cloud, Listed } from "./e2b_cloud.ts";
import { Keeper } from "./e2b_keeper.ts";
import { Machine } from "./e2b_machine.ts";
import { forget, goneOwners, Owner } from "./e2b_owner.ts";
import { SandboxError } from "./sandbox.ts";

/** How long the end waits for guests that are being made or killed, ms. */
const CLOSING_MS = 10_000;

interface Care {
  readonly graceMs?: number;
  readonly unkept?: boolean;
}

/** Makes guests and ends them, and sees to it that each that was made is ended. */
export class Fleet {
  readonly #cloud: Cloud;
  readonly #owner: Owner | null;
  readonly #keeper: Keeper | null;
  readonly #graceMs: number | undefined;
  readonly #alive = new Set<Machine>();
  /** Makings and endings under way. */
  readonly #busy = new Set<Promise<unknown>>();
  #seconds = 0;

  private constructor(cloud: Cloud, owner: Owner | null, { graceMs, unkept }: Care) {
    this.#cloud = cloud;
    this.#owner = owner;
    this.#keeper = owner === null || unkept ? null : new Keeper(cloud.connection!, owner.id);
    this.#graceMs = graceMs;
  }

  /** Kills what owners that are gone have left, and starts the keeper. */
  static async open(cloud: Cloud, care: Care): Promise<Fleet> {
    if (cloud.debug) return new Fleet(cloud, null, care);
    const fleet = new Fleet(cloud, await Owner.claim(), care);
    try {
      await fleet.#reap();
      await fleet.#keeper?.ready();
      return fleet;
    } catch (error) {
      await fleet.close();
      throw cloud.problem("start the e2b sandbox", error);
    }
  }

  /** Failures of the control plane. */
  get failures(): number {
    return this.#cloud.failures;
  }

  /** Seconds of all guests. */
  get seconds(): number {
    return [...this.#alive].reduce((sum, machine) => sum + machine.seconds, this.#seconds);
  }

  /** As {@linkcode Cloud.problem}. */
  problem(what: string, error: unknown): SandboxError {
    return this.#cloud.problem(what, error);
  }

  /** Makes a guest. When the signal is aborted meanwhile, it is killed as soon as it is there. */
  async make(signal?: AbortSignal): Promise<Machine> {
    signal?.throwIfAborted();
    const made = this.#during(this.#make(signal));
    if (signal === undefined) return made;
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const abort = () => {
      reject(signal.reason);
      this.#during(made.then((machine) => this.end(machine), () => {}));
    };
    signal.addEventListener("abort", abort);
    try {
      return await Promise.race([made, aborted]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  async #make(signal?: AbortSignal): Promise<Machine> {
    const guest = await this.#cloud.create(this.#owner?.id ?? "", signal);
    const machine = new Machine(guest, this.#cloud.debug, this.#graceMs);
    this.#alive.add(machine);
    try {
      await this.#keeper?.keep(machine.id);
    } catch (error) {
      await this.end(machine);
      throw error;
    }
    return machine;
  }

  /** Kills a guest. One that cannot be killed is left to its own end. */
  end(machine: Machine): Promise<void> {
    machine.abandon(closed());
    return this.#during((async () => {
      try {
        await this.#cloud.kill(machine.id);
      } catch {
        // Counted among the failures; nobody keeps it alive any more.
      }
      this.#keeper?.drop(machine.id);
      if (this.#alive.delete(machine)) this.#seconds += machine.seconds;
    })());
  }

  /** Kills all guests, known or not. Whoever waits for it does not wait for a server that does not answer. */
  async close(): Promise<void> {
    for (const machine of this.#alive) this.end(machine);
    const ended = await this.#idle(CLOSING_MS);
    if (ended && this.#cloud.uncertain) {
      await this.#cloud.list(this.#owner!.id, 2).then((lost) => this.#kill(lost)).catch(() => {});
    }
    if (ended) await this.#keeper?.[Symbol.asyncDispose]();
    else this.#keeper?.finish();
    await this.#owner?.release();
  }

  /** Whether within this time nothing is under way any more. */
  async #idle(ms: number): Promise<boolean> {
    const { promise: late, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), ms);
    const idle = async () => {
      while (this.#busy.size > 0) await Promise.allSettled(this.#busy);
      return true;
    };
    try {
      return await Promise.race([idle(), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Kills the guests of owners that are gone. */
  async #reap(): Promise<void> {
    const gone = await goneOwners();
    if (gone.length === 0) return;
    const found = await this.#cloud.list();
    await this.#kill(found.filter(({ owner }) => owner !== null && gone.includes(owner)));
    await Promise.all(gone.map(forget));
  }

  async #kill(guests: readonly Listed[]): Promise<void> {
    await Promise.all(guests.map(({ id }) => this.#cloud.kill(id)));
  }

  #during<T>(promise: Promise<T>): Promise<T> {
    const done = () => void this.#busy.delete(promise);
    this.#busy.add(promise);
    promise.then(done, done);
    return promise;
  }
}

/** What whoever waits for a guest that has ended is told. */
export function closed(): SandboxError {
  return new SandboxError("Cannot run a program: the sandbox is closed");
}
