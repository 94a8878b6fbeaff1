/** E2B's control plane: guests are made, found, kept alive and killed, with patience. */
import { type Guest, loadSdk, type Sdk } from "./e2b_sdk.ts";
import { SandboxError } from "./sandbox.ts";

/** Where the control plane is, and what guests are made from. What is absent is the SDK's default. */
export interface CloudOptions {
  /** Name or id of the template. */
  readonly template?: string;
  /** Domain of the API and of the guests. */
  readonly domain?: string;
  /** URL of the API. */
  readonly apiUrl?: string;
  /** URL under which all guests are reached. */
  readonly sandboxUrl?: string;
}

/** Options, with the key: only for a process of ours. */
export interface Connection extends CloudOptions {
  readonly apiKey: string;
  readonly apiUrl: string;
}

/** How long and how often it is tried. */
export interface Patience {
  /** Tries of a call. */
  readonly attempts: number;
  /** Milliseconds before the second try; each further pause is twice as long. */
  readonly firstPauseMs: number;
  /** Milliseconds of a pause at most. */
  readonly longestPauseMs: number;
  /** Milliseconds that an answer may take. */
  readonly requestMs: number;
  /** Waits; rejects with the signal's reason. */
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** About a minute in all, since a limit on guests at a time is lifted when others end. */
export const patience: Patience = {
  attempts: 7,
  firstPauseMs: 500,
  longestPauseMs: 16_000,
  requestMs: 60_000,
  wait,
};

/** How long a guest lives when nobody keeps it alive, ms. */
export const LIFE_MS = 120_000;

/** A guest in a list. */
export interface Listed {
  readonly id: string;
  /** Whose it is, by its metadata. */
  readonly owner: string | null;
}

const mark = { handrail: "sandbox" };

/** The control plane. */
export class Cloud {
  /** Whether there is none: E2B_DEBUG is set, and the guest is an envd on this machine. */
  readonly debug: boolean;
  /** What another process needs to do the same; null in debug mode. */
  readonly connection: Connection | null;
  /** Failed tries, those that a later one mended included. */
  failures = 0;
  readonly #sdk: Sdk;
  readonly #template: string;
  readonly #patience: Patience;
  readonly #fixed: CloudOptions & { readonly debug: boolean; readonly apiUrl: string };
  #lost = 0;

  private constructor(sdk: Sdk, options: Partial<Connection>, patience: Patience) {
    const config = new sdk.ConnectionConfig(options);
    this.debug = config.debug;
    if (!this.debug && !config.apiKey) {
      throw new SandboxError(
        "Cannot start the e2b sandbox without a key: set E2B_API_KEY in the environment " +
          "(https://e2b.dev/dashboard?tab=keys), or use the sandbox 'pyodide', which needs no account",
      );
    }
    // What the environment says, it said at the start.
    this.#fixed = {
      debug: config.debug,
      domain: config.domain,
      apiUrl: config.apiUrl,
      ...(config.sandboxUrl === undefined ? {} : { sandboxUrl: config.sandboxUrl }),
    };
    this.connection = this.debug ? null : { ...this.#fixed, apiKey: config.apiKey! };
    this.#sdk = sdk;
    this.#template = options.template ?? "base";
    this.#patience = patience;
  }

  /** Whether guests may have been made that nobody knows of, since the answer was lost. */
  get uncertain(): boolean {
    return this.#lost > 0;
  }

  /** Reads the key from E2B_API_KEY unless it is given. Nothing is asked of the control plane yet. */
  static async connect(options: Partial<Connection>, patience: Patience): Promise<Cloud> {
    return new Cloud(await loadSdk(), options, patience);
  }

  /** Makes a guest of an owner. It has no network, and ends after {@linkcode LIFE_MS}. */
  create(owner: string, signal?: AbortSignal): Promise<Guest> {
    return this.#patiently(`make a guest of template '${this.#template}'`, async () => {
      // Counted as lost until it is here.
      this.#lost++;
      const guest = await this.#sdk.Sandbox.create(this.#template, {
        ...this.#options(),
        metadata: { ...mark, handrail_owner: owner },
        timeoutMs: LIFE_MS,
        allowInternetAccess: false,
      });
      if (typeof guest.sandboxId !== "string") throw new Error("the reply names no guest");
      this.#lost--;
      return guest;
    }, { signal, missing: "Is the template there, in this account?" });
  }

  /** Kills a guest; one that is gone is fine. */
  async kill(id: string): Promise<void> {
    if (this.debug) return;
    await this.#patiently(`kill guest ${id}`, async () => {
      try {
        const requestTimeoutMs = this.#patience.requestMs / 4; // a place is waiting for it
        await this.#sdk.Sandbox.kill(id, { ...this.#options(), requestTimeoutMs });
      } catch (error) {
        if (this.#read(error).status !== 404) throw error;
      }
    }, { attempts: 4 }); // it ends by itself
  }

  /** Lets a guest live for {@linkcode LIFE_MS} from now. */
  async extend(id: string): Promise<void> {
    if (this.debug) return;
    await this.#patiently(
      `keep guest ${id} alive`,
      () => this.#sdk.Sandbox.setTimeout(id, LIFE_MS, this.#options()),
    );
  }

  /** The guests of an owner, or of all owners, that live. */
  list(owner?: string, attempts?: number): Promise<Listed[]> {
    return this.#patiently("list guests", async () => {
      const metadata = owner === undefined ? mark : { ...mark, handrail_owner: owner };
      const pages = this.#sdk.Sandbox.list({ ...this.#options(), query: { metadata } });
      const found: Listed[] = [];
      while (pages.hasNext) {
        for (const { sandboxId, metadata } of await pages.nextItems()) {
          found.push({ id: sandboxId, owner: metadata.handrail_owner ?? null });
        }
      }
      return found;
    }, { attempts });
  }

  /** What went wrong in a call of the SDK, as our error. */
  problem(what: string, error: unknown, missing?: string): SandboxError {
    if (error instanceof SandboxError) return error;
    const { status, message } = this.#read(error);
    const way = status === 401
      ? ". Is the key in E2B_API_KEY right, and of this server?"
      : status === 429
      ? ". Lower the sandbox's 'concurrency', or have the account's limit raised"
      : missing !== undefined && (status === 400 || status === 404)
      ? `. ${missing}`
      : "";
    const where = this.debug ? "in the envd that E2B_DEBUG asks for" : `at ${this.#fixed.apiUrl}`;
    return new SandboxError(`Cannot ${what} ${where}: ${message}${way}`);
  }

  async #patiently<T>(
    what: string,
    call: () => Promise<T>,
    { signal, missing, attempts = this.#patience.attempts }: {
      readonly signal?: AbortSignal;
      readonly missing?: string;
      readonly attempts?: number;
    } = {},
  ): Promise<T> {
    const { firstPauseMs, longestPauseMs } = this.#patience;
    for (let attempt = 1;; attempt++) {
      try {
        return await call();
      } catch (error) {
        this.failures++;
        if (attempt === attempts || !this.#mayPass(error)) {
          throw this.problem(attempt > 1 ? `${what} in ${attempt} tries` : what, error, missing);
        }
        const pause = Math.min(longestPauseMs, firstPauseMs * 2 ** (attempt - 1));
        // Half of it is left to chance: those who were refused at once do not come back at once.
        await this.#patience.wait(pause * (0.5 + Math.random() / 2), signal);
      }
    }
  }

  /** Too many requests, the server's own errors, lost connections and unreadable replies: not what is wrong with us. */
  #mayPass(error: unknown): boolean {
    const { status } = this.#read(error);
    if (status !== null) return status === 408 || status === 429 || status >= 500;
    const { InvalidArgumentError, TemplateError } = this.#sdk;
    const ours = [InvalidArgumentError, TemplateError, Deno.errors.NotCapable];
    return !ours.some((type) => error instanceof type);
  }

  #read(error: unknown): { status: number | null; message: string } {
    const { AuthenticationError } = this.#sdk;
    const status = error instanceof AuthenticationError
      ? 401
      : (error as { statusCode?: number }).statusCode ?? null;
    const message = error instanceof Error ? error.message : String(error);
    const key = this.connection?.apiKey;
    return { status, message: key ? message.replaceAll(key, "(the key)") : message };
  }

  /** The SDK waits as long as a 429 asks it to; what else may pass is ours. */
  #options(): Partial<Connection> & { requestTimeoutMs: number } {
    return { ...this.#fixed, ...this.connection, requestTimeoutMs: this.#patience.requestMs };
  }
}

function wait(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener("abort", end);
  });
}
