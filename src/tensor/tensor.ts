/**
 * Tensor: a handle to one of libtorch's tensors, and the scope that frees what was made in it.
 *
 * The garbage collector sees neither native bytes nor, in a synchronous loop, any garbage; so memory is freed by
 * `scope`, by `using` or by `dispose`, and {@linkcode liveTensors} counts what is still held.
 */
import { lastError, native as library, scratch, scratchLength } from "../../ffi/library.ts";
import {
  type Device,
  deviceCode,
  deviceOf,
  type DType,
  dtypeCode,
  dtypeOf,
  itemSize,
} from "./dtype.ts";

export { library as native };

/** An op was refused: the message names the op, the shapes and dtypes it was given, and libtorch's reason. */
export class TensorError extends Error {
  /** Name of the class. */
  override name: string = "TensorError";
}

/** Typed arrays a tensor can be made from. */
export type TensorData =
  | Float32Array
  | Float64Array
  | Int32Array
  | BigInt64Array
  | Int16Array
  | Int8Array
  | Uint8Array
  | Uint16Array;

const arrayTypes: [new (n: number) => TensorData, DType[]][] = [
  [Float32Array, ["float32"]],
  [Float64Array, ["float64"]],
  [Int32Array, ["int32"]],
  [BigInt64Array, ["int64"]],
  [Int16Array, ["int16"]],
  [Int8Array, ["int8"]],
  [Uint8Array, ["uint8", "bool"]],
  [Uint16Array, ["bfloat16", "float16"]],
];

let current: Tensor[] | null = null;

/**
 * A tensor of libtorch. Disposing frees this handle; memory goes when the last handle, view or graph that needs it
 * goes. Using a disposed tensor is a {@linkcode TensorError}, never a crash.
 */
export class Tensor {
  /** Slot in the shim's table; 0 once disposed. Internal. */
  _handle: number;
  /** Whether scopes leave it alone. Internal. */
  _kept = false;

  /** Internal: tensors come from ops and from {@linkcode tensor}. */
  constructor(handle: number) {
    this._handle = handle;
  }

  /** Sizes of the dimensions; `[]` for a scalar. */
  get shape(): number[] {
    const n = library().hr_shape(handleOf(this));
    if (n < 0) fail("shape", [this]);
    return Array.from(scratch.subarray(0, n));
  }

  /** Number of elements. */
  get size(): number {
    return this.shape.reduce((a, b) => a * b, 1);
  }

  /** Element type. */
  get dtype(): DType {
    const code = library().hr_dtype(handleOf(this));
    if (code < 0) fail("dtype", [this]);
    return dtypeOf(code);
  }

  /** Where it lives. */
  get device(): Device {
    const code = library().hr_device(handleOf(this));
    if (code < 0) fail("device", [this]);
    return deviceOf(code);
  }

  /** Whether autograd follows it. */
  get requiresGrad(): boolean {
    const follows = library().hr_requires_grad(handleOf(this));
    if (follows < 0) fail("requiresGrad", [this]);
    return follows === 1;
  }

  /** A new handle to its gradient, or null; the caller (or the scope) owns it. */
  get grad(): Tensor | null {
    const has = library().hr_has_grad(handleOf(this));
    if (has < 0) fail("grad", [this]);
    if (has === 0) return null;
    const handle = library().hr_grad(this._handle);
    if (handle === 0) fail("grad", [this]);
    return adopt(handle);
  }

  /** Sets or, with null, drops the gradient; shape, dtype and device must be the tensor's. */
  set grad(gradient: Tensor | null) {
    const handle = gradient === null ? 0 : handleOf(gradient);
    if (library().hr_set_grad(handleOf(this), handle) < 0) {
      fail("set grad", gradient === null ? [this] : [this, gradient]);
    }
  }

  /** Whether it was disposed. */
  get disposed(): boolean {
    return this._handle === 0;
  }

  /** Copies the elements out. The array's type follows the dtype: Uint16Array holds bfloat16 and float16 bits. */
  toTypedArray(): TensorData {
    const dtype = this.dtype;
    const make = arrayTypes.find(([, dtypes]) => dtypes.includes(dtype))![0];
    const array = new make(this.size);
    const bytes = new Uint8Array(array.buffer);
    if (library().hr_to_data(handleOf(this), bytes, bytes.byteLength) < 0) fail("copy out", [this]);
    return array;
  }

  /** The elements of a float32 tensor. */
  toFloat32Array(): Float32Array {
    const array = this.toTypedArray();
    if (array instanceof Float32Array) return array;
    throw new TensorError(`toFloat32Array needs a float32 tensor: this one is ${describe(this)}`);
  }

  /** The elements of any tensor as numbers, row-major; int64 beyond 2^53 is an error. */
  toNumbers(): number[] {
    if (this.dtype === "bfloat16" || this.dtype === "float16") {
      throw new TensorError(`toNumbers cannot read ${describe(this)}: convert it with ops.toDtype`);
    }
    const array = this.toTypedArray();
    if (!(array instanceof BigInt64Array)) return Array.from(array as Float64Array);
    return Array.from(array, (value) => {
      const number = Number(value);
      if (Number.isSafeInteger(number)) return number;
      throw new TensorError(`toNumbers cannot represent ${value} exactly: use toTypedArray`);
    });
  }

  /** Frees the handle; twice is harmless. */
  dispose(): void {
    if (this._handle === 0) return;
    library().hr_free(this._handle);
    this._handle = 0;
  }

  /** Frees the handle at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Takes the tensor out of every scope: from now on the caller disposes it. */
  keep(): this {
    this._kept = true;
    return this;
  }
}

// ---------------------------------------------------------------- the boundary: used by ops.ts

// Handles the shim never gives out (slot 0): it refuses them, and the error then names the op and its arguments.
const disposedHandle = 0x01000000, noHandle = 0x02000000;

/** The native handle; for a disposed tensor, or what is no tensor, one that the shim refuses. */
export function handleOf(tensor: Tensor): number {
  if (!(tensor instanceof Tensor)) return noHandle;
  return tensor._handle === 0 ? disposedHandle : tensor._handle;
}

/** Wraps a new native handle; the innermost scope owns it. */
export function adopt(handle: number): Tensor {
  const tensor = new Tensor(handle);
  if (current !== null) current.push(tensor);
  return tensor;
}

/** Wraps `count` handles that the shim left in the scratch buffer. */
export function adoptMany(count: number): Tensor[] {
  const tensors = new Array<Tensor>(count);
  for (let i = 0; i < count; i++) tensors[i] = adopt(scratch[i]);
  return tensors;
}

function room(at: number, count: number, op: string): void {
  if (at + count > scratchLength) {
    throw new TensorError(
      `${op}: a list of ${count} entries is too long: at most ${scratchLength} fit`,
    );
  }
}

/** Writes numbers to the scratch buffer; returns the next free place. */
export function putNumbers(list: readonly number[], at: number, op: string): number {
  room(at, list.length, op);
  for (let i = 0; i < list.length; i++) scratch[at + i] = list[i];
  return at + list.length;
}

/** Writes handles to the scratch buffer; returns the next free place. */
export function putTensors(list: readonly Tensor[], at: number, op: string): number {
  room(at, list.length, op);
  for (let i = 0; i < list.length; i++) scratch[at + i] = handleOf(list[i]);
  return at + list.length;
}

/** As {@linkcode putTensors}, null becoming no tensor. */
export function putMaybeTensors(list: readonly (Tensor | null)[], at: number, op: string): number {
  room(at, list.length, op);
  for (let i = 0; i < list.length; i++) {
    const tensor = list[i];
    scratch[at + i] = tensor === null ? 0 : handleOf(tensor);
  }
  return at + list.length;
}

/** The single number an op left in the scratch buffer. */
export function scratchNumber(): number {
  return scratch[0];
}

function describe(tensor: Tensor | null): string {
  if (tensor === null) return "none";
  if (!(tensor instanceof Tensor)) return `no tensor but ${typeof tensor}`;
  // A handle of another thread or a made-up one is refused too; asking the tensor would come back here.
  if (tensor._handle === 0 || library().hr_device(tensor._handle) < 0) return "disposed";
  const device = tensor.device;
  return `${tensor.dtype}[${tensor.shape.join(", ")}]${device === "cpu" ? "" : ` on ${device}`}`;
}

/** Throws the shim's last error, naming the op and what it was given. */
export function fail(op: string, tensors: readonly (Tensor | null)[]): never {
  const reason = lastError();
  const given = tensors.length === 0 ? "" : ` of (${tensors.map(describe).join(", ")})`;
  throw new TensorError(`${op}${given}: ${reason}`);
}

// ---------------------------------------------------------------- scope

/** What a scope can return: tensors, alone or in arrays and plain objects. A promise is refused. */
export type ScopeResult<T> = T extends PromiseLike<unknown> ? never : T;

function collect(value: unknown, into: Set<Tensor>): void {
  if (value instanceof Tensor) into.add(value);
  else if (Array.isArray(value)) { for (const entry of value) collect(entry, into); }
  else if (value !== null && typeof value === "object") {
    if (typeof (value as PromiseLike<unknown>).then === "function") {
      throw new TensorError("scope must be synchronous: its function returned a promise");
    }
    if (Object.getPrototypeOf(value) === Object.prototype) {
      for (const entry of Object.values(value)) collect(entry, into);
    }
  }
}

/**
 * Runs `fn` and frees every tensor made in it, except those it returns (alone or in arrays and plain objects), which
 * the enclosing scope then owns.
 */
export function scope<T>(fn: () => ScopeResult<T>): T {
  const outer = current, mine: Tensor[] = [];
  current = mine;
  const kept = new Set<Tensor>();
  try {
    const result = fn();
    try {
      collect(result, kept);
    } catch (error) {
      kept.clear();
      throw error;
    }
    return result as T;
  } finally {
    current = outer;
    let n = 0;
    for (const tensor of mine) {
      if (tensor._handle === 0 || tensor._kept) continue;
      if (kept.has(tensor)) {
        outer?.push(tensor);
        continue;
      }
      scratch[n++] = tensor._handle;
      tensor._handle = 0;
      if (n === scratchLength) {
        library().hr_free_many(n);
        n = 0;
      }
    }
    if (n > 0) library().hr_free_many(n);
  }
}

// ---------------------------------------------------------------- making tensors

function flatten(value: unknown, depth: number, shape: number[], into: number[]): void {
  const ragged = () => new TensorError("tensor: a nested array must be rectangular");
  if (!Array.isArray(value)) {
    if (depth !== shape.length) throw ragged();
    if (typeof value !== "number") {
      throw new TensorError(`tensor: element ${into.length} is no number but ${typeof value}`);
    }
    into.push(value);
    return;
  }
  if (into.length === 0 && shape.length === depth) shape.push(value.length);
  if (shape[depth] !== value.length) throw ragged();
  for (const entry of value) flatten(entry, depth + 1, shape, into);
}

/** Numbers in nested arrays. */
export type Nested = number | readonly Nested[];

/**
 * A tensor on the CPU, copied from a typed array (shape by default one dimension, dtype by the array's type) or from
 * nested arrays of numbers (float32 unless a dtype is given).
 *
 * @throws {TensorError} when the shape does not fit the data.
 */
export function tensor(
  data: TensorData | Nested,
  shape?: readonly number[],
  dtype?: DType,
): Tensor {
  if (dtype !== undefined) dtypeCode(dtype, "tensor");
  let array: TensorData;
  let type: DType;
  if (ArrayBuffer.isView(data)) {
    array = data;
    const fitting = arrayTypes.find(([make]) => data instanceof make)?.[1];
    if (fitting === undefined) {
      throw new TensorError(`tensor: a ${data.constructor.name} is not supported`);
    }
    type = dtype ?? fitting[0];
    if (!fitting.includes(type)) {
      throw new TensorError(
        `tensor: a ${data.constructor.name} holds ${fitting.join(" or ")}: dtype '${type}' was ` +
          "asked for",
      );
    }
  } else {
    const flat: number[] = [], found: number[] = [];
    flatten(data, 0, found, flat);
    shape ??= found;
    type = dtype ?? "float32";
    array = fromNumbers(flat, type);
  }
  const sizes = shape ?? [array.length];
  const count = sizes.reduce((a, b) => a * b, 1);
  if (count !== array.length) {
    throw new TensorError(
      `tensor: the shape [${
        sizes.join(", ")
      }] needs ${count} elements: the data has ${array.length}`,
    );
  }
  putNumbers(sizes, 0, "tensor");
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  const handle = library().hr_from_data(
    bytes as Uint8Array<ArrayBuffer>,
    bytes.byteLength,
    sizes.length,
    dtypeCode(type, "tensor"),
  );
  if (handle === 0) fail("tensor", []);
  return adopt(handle);
}

/** Bounds of the integer dtypes that numbers can become; bool takes 0 and 1. */
const ranges: Partial<Record<DType, readonly [number, number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  int16: [-(2 ** 15), 2 ** 15 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  bool: [0, 1],
};

function fromNumbers(flat: readonly number[], dtype: DType): TensorData {
  const range = ranges[dtype];
  if (range !== undefined) {
    const [low, high] = range;
    const wrong = flat.findIndex((n) => !(Number.isInteger(n) && n >= low && n <= high));
    if (wrong >= 0) {
      throw new TensorError(
        `tensor: element ${wrong} is ${
          flat[wrong]
        }, ${dtype} holds integers from ${low} to ${high}`,
      );
    }
  }
  if (dtype === "int64") return BigInt64Array.from(flat, (value) => BigInt(value));
  const make = arrayTypes.find(([, dtypes]) => dtypes.includes(dtype))![0];
  if (make === Uint16Array) {
    throw new TensorError(
      `tensor: numbers cannot become ${dtype} directly: make float32 and use ops.toDtype`,
    );
  }
  const array = new make(flat.length) as Float64Array;
  for (let i = 0; i < flat.length; i++) array[i] = flat[i];
  return array;
}

/** A second handle to the same tensor. */
export function alias(of: Tensor): Tensor {
  const handle = library().hr_alias(handleOf(of));
  if (handle === 0) fail("alias", [of]);
  return adopt(handle);
}

/** How many tensors of this thread are alive: what a test of memory compares. */
export function liveTensors(): number {
  return library().hr_live();
}

/** Bytes of one tensor's elements. */
export function byteSize(of: Tensor): number {
  return of.size * itemSize[of.dtype];
}

/** A snapshot of the random state of a device, as a uint8 tensor. */
export function rngState(device: Device = "cpu"): Tensor {
  const handle = library().hr_rng_state(deviceCode(device, "rngState"));
  if (handle === 0) fail("rngState", []);
  return adopt(handle);
}

/** Puts back a snapshot of {@linkcode rngState}. */
export function setRngState(state: Tensor, device: Device = "cpu"): void {
  if (library().hr_set_rng_state(deviceCode(device, "setRngState"), handleOf(state)) < 0) {
    fail("setRngState", [state]);
  }
}

/** Seeds the random state of every device; an integer of at most 2^53. */
export function manualSeed(seed: number): void {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(
      `Cannot seed as 'seed' must be a non-negative integer below 2^53: current value is ${seed}`,
    );
  }
  if (library().hr_manual_seed(seed) < 0) fail("manualSeed", []);
}
