/** What kind of trouble a {@linkcode LibtorchError} reports. */
export type LibtorchProblem =
  | "platform"
  | "permission"
  | "unfit"
  | "version"
  | "installer-missing"
  | "network"
  | "no-wheel"
  | "install"
  | "disk-full"
  | "cache"
  | "compiler-missing"
  | "compiler-old"
  | "compile"
  | "link"
  | "load";

/**
 * libtorch, or the shim over it, could not be found, installed, built or loaded. The message is one sentence that
 * names the thing and the way out.
 */
export class LibtorchError extends Error {
  /** The class's name. */
  override readonly name: string = "LibtorchError";
  /** Which kind of trouble, for programs. */
  readonly problem: LibtorchProblem;
  /** What happened, without the cure. */
  readonly finding: string;
  /** What to do about it; may be empty. */
  readonly cure: string;

  /**
   * Makes the error; its message is the finding and the cure.
   *
   * @param problem Which kind of trouble.
   * @param finding What happened.
   * @param cure What to do about it.
   * @param options The error that caused it.
   */
  constructor(problem: LibtorchProblem, finding: string, cure: string, options?: ErrorOptions) {
    super(cure === "" ? finding : `${finding}: ${cure}`, options);
    this.problem = problem;
    this.finding = finding;
    this.cure = cure;
  }
}

/** Turns a failed file operation under `path` into an error that says what to do about it. */
export function fileTrouble(error: unknown, doing: string, path: string): LibtorchError {
  if (error instanceof LibtorchError) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (isDiskFull(text)) return diskFull(path, error);
  if (error instanceof Deno.errors.NotCapable) return permissionTrouble(error, doing);
  return new LibtorchError(
    "cache",
    `Cannot ${doing} in '${path}' (${text})`,
    "make it writable, or name another cache folder with HANDRAIL_CACHE",
    { cause: error },
  );
}

/** The error for a permission that Deno was not given. */
export function permissionTrouble(error: unknown, doing: string): LibtorchError {
  const text = error instanceof Error ? error.message : String(error);
  return new LibtorchError(
    "permission",
    `Cannot ${doing} (${text.replace(/, run again.*$/s, "")})`,
    `start Deno with ${neededFlags}`,
    { cause: error },
  );
}

/** The flags with which libtorch can be found, installed, built and loaded. */
export const neededFlags: string = "--allow-read --allow-write --allow-env --allow-run --allow-ffi";

/** Whether a message of the system, a compiler or an installer means a full disk. */
export function isDiskFull(text: string): boolean {
  return /No space left on device|\[Errno 28\]|os error 28\b|ENOSPC|[Qq]uota exceeded|not enough (disk )?space/
    .test(text);
}

/** The error for a full disk. */
export function diskFull(path: string, cause?: unknown): LibtorchError {
  return new LibtorchError(
    "disk-full",
    `Cannot write to '${path}' as its disk is full`,
    "free about 3 GB there (10 GB with CUDA), or name a folder on another disk with HANDRAIL_CACHE",
    { cause },
  );
}
