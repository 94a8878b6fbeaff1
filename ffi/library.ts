/**
 * The loaded shim: one table of native functions, opened on the first `initialize()` and never before, so that
 * importing the library needs no libtorch and cannot fail.
 */
import { defaultThreads } from "./host.ts";
import { coreSymbols } from "./core_symbols.ts";
import { opSymbols } from "./generated/symbols.ts";
import { type Libtorch, prepareShim, type Progress } from "./prepare.ts";

const symbols = { ...coreSymbols, ...opSymbols };

/** The shim's functions. Internal: arguments are not checked here. */
export type Native = Deno.DynamicLibrary<typeof symbols>["symbols"];

/** Options of {@linkcode initialize}. */
export interface InitializeOptions {
  /** CPU threads of libtorch; by default the number of cores, at most 8. */
  threads?: number | null;
  /** Told what is being found, installed or built; by default a line on the terminal's error stream. */
  onProgress?: (progress: Progress) => void;
}

/** How many doubles the scratch buffer holds; `kScratch` in shim.h. */
export const scratchLength = 65536;

let loaded: Native | undefined;
let found: Libtorch | undefined;
/** Lists, shapes and further results travel in this buffer, shared with the shim. */
export let scratch: Float64Array = new Float64Array(0);

/** The shim's functions; throws before {@linkcode initialize}. */
export function native(): Native {
  if (loaded === undefined) {
    throw new Error("libtorch is not loaded: call `await initialize()` before using tensors");
  }
  return loaded;
}

/** Where libtorch was found; throws before {@linkcode initialize}. */
export function libtorch(): Libtorch {
  native();
  return found!;
}

/**
 * Finds libtorch (or installs it), builds the shim (or takes it from the cache) and loads both. Later calls only set
 * the number of threads.
 *
 * @throws {LibtorchError} naming what is missing and what to install.
 */
export async function initialize(options: InitializeOptions = {}): Promise<void> {
  const { threads } = options;
  if (
    threads !== undefined && threads !== null &&
    !(Number.isInteger(threads) && threads >= 1 && threads <= 1024)
  ) {
    throw new RangeError(
      `Cannot initialize as 'threads' must be an integer from 1 to 1024: current value is ${threads}`,
    );
  }
  const first = loaded === undefined;
  if (first) {
    const { shimPath, libtorch } = await prepareShim({ onProgress: options.onProgress });
    open(shimPath);
    found = libtorch;
  }
  if (first || threads !== undefined) native().hr_set_threads(threads ?? defaultThreads());
}

function open(path: string): void {
  const library = Deno.dlopen(path, symbols).symbols;
  if (library.hr_open() < 0) throw new Error(`libtorch cannot be set up: ${lastError(library)}`);
  const pointer = library.hr_scratch();
  scratch = new Float64Array(
    Deno.UnsafePointerView.getArrayBuffer(pointer!, scratchLength * 8),
  );
  loaded = library;
}

/** The shim's last message on this thread. */
export function lastError(library: Native = native()): string {
  return Deno.UnsafePointerView.getCString(library.hr_last_error()!);
}
