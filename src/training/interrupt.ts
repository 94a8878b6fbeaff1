/** A stop flag that Ctrl-C raises, also while the main thread computes. */

/** Listens until disposed. */
export interface Interrupt {
  /** Whether a stop was asked for. */
  readonly requested: boolean;
  /** Stops listening. */
  [Symbol.dispose](): void;
}

/** Starts listening for SIGINT and SIGTERM. */
export async function listenForInterrupt(): Promise<Interrupt> {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL("./interrupt_worker.ts", import.meta.url), {
    type: "module",
    name: "handrail-interrupt",
  });
  const listening = new Promise<void>((resolve, reject) => {
    worker.onmessage = () => resolve();
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(`the listener for Ctrl-C cannot start: ${event.message}`));
    };
    worker.postMessage(flag.buffer);
  });
  try {
    await listening;
  } catch (error) {
    worker.terminate();
    throw error;
  }
  return {
    get requested() {
      return Atomics.load(flag, 0) > 0;
    },
    [Symbol.dispose]: () => worker.terminate(),
  };
}
