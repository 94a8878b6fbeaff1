/**
 * Hears Ctrl-C while the main thread is busy in a step: the first raises a flag that the loop reads between steps, the
 * second ends the process at once (a checkpoint is atomic, there is nothing to flush). One Ctrl-C under `deno task`
 * arrives twice, from the terminal and passed on by the task's runner: what follows at once is the same one.
 */
const sameWithin = 200; // milliseconds

const scope = self as unknown as {
  onmessage: ((event: MessageEvent<SharedArrayBuffer>) => void) | null;
  postMessage(message: string): void;
};

scope.onmessage = ({ data }) => {
  const flag = new Int32Array(data);
  let heard = -Infinity;
  const hear = () => {
    const now = performance.now();
    if (now - heard < sameWithin) return;
    heard = now;
    if (Atomics.add(flag, 0, 1) > 0) Deno.kill(Deno.pid, "SIGKILL");
    Deno.stderr.writeSync(
      new TextEncoder().encode(
        "\nstopping after this step, then saving; Ctrl-C again ends at once\n",
      ),
    );
  };
  Deno.addSignalListener("SIGINT", hear);
  Deno.addSignalListener("SIGTERM", hear);
  scope.postMessage("listening");
};
