/** What tests/sandbox/child_test.ts runs as a child: it does as it is told. */
import { parentMessages, sendToParent } from "../../src/sandbox/child.ts";

interface Order {
  readonly do: string;
  readonly value?: unknown;
}

if ("WorkerGlobalScope" in globalThis) {
  const scope = globalThis as unknown as {
    onmessage: (event: MessageEvent<Order>) => void;
    postMessage(message: unknown): void;
  };
  scope.onmessage = ({ data }) => {
    scope.postMessage("begun");
    if (data.do === "spin") { for (;;); }
    const held: Uint8Array[] = [];
    for (;;) held.push(new Uint8Array(1024 * 1024).fill(1));
  };
} else {
  const inWorker = (order: Order) => {
    const worker = new Worker(import.meta.url, { type: "module" });
    worker.onmessage = ({ data }) => sendToParent(data);
    worker.postMessage(order);
  };
  const orders: Record<string, (order: Order, body: Uint8Array<ArrayBuffer>) => void> = {
    echo: (order, body) => sendToParent(order.value, body),
    environment: () => sendToParent(Deno.env.toObject()),
    permissions: () =>
      sendToParent(
        (["run", "read", "write", "net", "env", "sys", "ffi"] as const).filter((name) =>
          Deno.permissions.querySync({ name }).state === "granted"
        ),
      ),
    exit: ({ value }) => {
      console.error("last words");
      Deno.exit(value as number);
    },
    garbage: () => Deno.stdout.writeSync(new Uint8Array(100).fill(255)),
    notJson: () => Deno.stdout.writeSync(new Uint8Array([0, 0, 0, 2, 0, 0, 0, 0, 65, 66])),
    spin: inWorker,
    balloon: inWorker,
  };
  const [file] = Deno.args;
  const atEnd = async () => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    Deno.writeTextFileSync(file, "the parent is gone");
  };
  for await (const { header, body } of parentMessages(file === undefined ? undefined : atEnd)) {
    const order = header as Order;
    orders[order.do](order, body);
  }
}
