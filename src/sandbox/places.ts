/** The places of a sandbox: so many programs at a time, the others wait in line. */

interface Waiting {
  readonly begin: () => void;
  readonly fail: (reason: unknown) => void;
}

/** Places that are taken and given back, first come, first served. */
export class Places {
  readonly #waiting: Waiting[] = [];
  #free: number;
  #closed: (() => Error) | null = null;

  /** Makes so many places. */
  constructor(count: number) {
    this.#free = count;
  }

  /**
   * Waits for a place.
   *
   * @returns Gives the place back; called once more, it does nothing.
   * @throws The signal's reason when it is aborted before or while waiting; what `close` was given once closed.
   */
  async take(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#closed !== null) throw this.#closed();
    if (this.#free > 0) this.#free--;
    else await this.#wait(signal);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next.begin();
    };
  }

  /** Turns away whoever waits or comes, each with an error of its own. */
  close(error: () => Error): void {
    this.#closed ??= error;
    for (const { fail } of this.#waiting.splice(0)) fail(error());
  }

  async #wait(signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting: Waiting = { begin: resolve, fail: reject };
    this.#waiting.push(waiting);
    const leave = () => {
      const at = this.#waiting.indexOf(waiting);
      // Whoever has just been given a place keeps it, and gives it back.
      if (at < 0) return;
      this.#waiting.splice(at, 1);
      reject(signal!.reason);
    };
    signal?.addEventListener("abort", leave);
    try {
      await promise;
    } finally {
      signal?.removeEventListener("abort", leave);
    }
  }
}
