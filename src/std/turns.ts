/** Turns of the event loop for long work on its thread. */

/** Milliseconds between two turns, of which each takes about one. */
const between = 20;

/** Gives way to timers, pipes and servers of the same process now and then in a long loop. */
export class Turns {
  #last = performance.now();

  /** One turn of the event loop, if the last one was a while ago. */
  async giveWay(): Promise<void> {
    if (performance.now() - this.#last < between) return;
    await eventLoop();
    this.#last = performance.now();
  }
}

/**
 * One turn of the event loop. A timer, since `setImmediate` and messages come back without a look at pipes and
 * sockets.
 */
export function eventLoop(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
