/**
 * A process beside the trainer that keeps guests alive while the trainer lives, and kills them when it is gone.
 *
 * The trainer's thread may be busy for minutes, and then a guest with a short life would end; it may be killed with
 * SIGKILL, and then nobody would end its guests. The keeper does nothing else and outlives it for the seconds that
 * killing takes. It takes no notice of SIGINT, which a terminal sends to all at once.
 *
 * @module
 */
import { Child, parentMessages, sendToParent } from "./child.ts";
import { Cloud, type Connection, LIFE_MS, patience } from "./e2b_cloud.ts";
import { SandboxError } from "./sandbox.ts";

/** What the keeper is told. */
type Told =
  | { readonly connection: Connection; readonly owner: string; readonly everyMs: number }
  | { readonly keep: string }
  | { readonly drop: string }
  | { readonly finish: true };

/** How long its process may take to start, ms. */
const STARTING_MS = 60_000;

/** The trainer's side. */
export class Keeper implements AsyncDisposable {
  readonly #connection: Connection;
  readonly #owner: string;
  readonly #everyMs: number;
  readonly #kept = new Set<string>();
  #child: Promise<Child> | null = null;

  /** A keeper of an owner's guests, whose life it prolongs every so many milliseconds. */
  constructor(connection: Connection, owner: string, everyMs = LIFE_MS / 4) {
    this.#connection = connection;
    this.#owner = owner;
    this.#everyMs = everyMs;
  }

  /**
   * Resolves when there is somebody who would kill the owner's guests: to be awaited before a guest is made.
   *
   * @throws {SandboxError} if its process cannot start.
   */
  async ready(): Promise<void> {
    await (this.#child ??= this.#start());
  }

  /** Keeps a guest alive from now on. */
  async keep(id: string): Promise<void> {
    this.#kept.add(id);
    (await (this.#child ??= this.#start())).send({ keep: id } satisfies Told);
  }

  /** Leaves a guest to its own end. */
  drop(id: string): void {
    this.#kept.delete(id);
    this.#child?.then((child) => child.send({ drop: id } satisfies Told), () => {});
  }

  /** Kills all that is left, in its own time: nobody needs to wait. To be called last. */
  finish(): void {
    this.#child?.then((child) => child.send({ finish: true } satisfies Told), () => {});
  }

  async #start(): Promise<Child> {
    const { apiUrl } = this.#connection;
    const child = Child.spawn({
      module: import.meta.url,
      permissions: [`--allow-net=${new URL(apiUrl).host}`, "--allow-env"],
      flags: ["--no-config", "--no-lock"],
    });
    // Whatever ends it, the next guest has a new one.
    child.ended.then(() => this.#child = null);
    const told = { connection: this.#connection, owner: this.#owner, everyMs: this.#everyMs };
    child.send(told satisfies Told);
    for (const id of this.#kept) child.send({ keep: id } satisfies Told);
    const late = setTimeout(() => void child.kill(), STARTING_MS);
    const { done } = await child.messages().next();
    clearTimeout(late);
    if (!done) return child;
    const end = await child.ended;
    const why = typeof end === "object" ? end.stderr.trim() : "it does not answer";
    throw new SandboxError(
      `Cannot start the process that ends the guests of the e2b sandbox when this one is killed: ${why}`,
    );
  }

  /** Ends its process; guests that are still alive are left to their own end. */
  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#child?.catch(() => null))?.kill();
  }
}

async function main(): Promise<void> {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => {});
  }
  const kept = new Set<string>();
  let cloud: Cloud | undefined, owner: string | undefined;
  const end = async () => {
    if (cloud === undefined) return;
    const { kill, list } = {
      kill: (id: string) => cloud!.kill(id),
      list: () => cloud!.list(owner),
    };
    await Promise.allSettled([...kept].map(kill));
    // And those whose making was under way.
    for (const pause of [0, 3000]) {
      await new Promise((resolve) => setTimeout(resolve, pause));
      await list().then((found) => Promise.allSettled(found.map(({ id }) => kill(id)))).catch(
        () => {},
      );
    }
  };
  for await (const { header } of parentMessages(end)) {
    const told = header as Told;
    if ("connection" in told) {
      owner = told.owner;
      cloud = await Cloud.connect(told.connection, patience);
      sendToParent("ready");
      setInterval(() => {
        for (const id of kept) cloud!.extend(id).catch(() => {});
      }, told.everyMs);
    } else if ("keep" in told) kept.add(told.keep);
    else if ("drop" in told) kept.delete(told.drop);
    else end().then(() => Deno.exit());
  }
}

if (import.meta.main) await main();
