/**
 * The safetensors format: eight bytes of header length, a JSON header, the tensors' bytes. Files are mapped, not read;
 * a written file is made beside and renamed.
 */
import { native, scratch } from "../../ffi/library.ts";
import { type DType, dtypeCode, itemSize } from "./dtype.ts";
import * as ops from "./ops.ts";
import { adopt, byteSize, fail, handleOf, putNumbers, scope, type Tensor } from "./tensor.ts";

const dtypes: Record<string, DType> = {
  F64: "float64",
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
  I64: "int64",
  I32: "int32",
  I16: "int16",
  I8: "int8",
  U8: "uint8",
  BOOL: "bool",
};
const codes = new Map(Object.entries(dtypes).map(([code, dtype]) => [dtype, code]));

/** The reference implementation's bound on the JSON header, in bytes. */
const headerLimit = 100_000_000;

/** Bytes that are copied out of a tensor at a time, so that saving holds no second copy of it. */
const pieceBytes = 1 << 25;

/** A safetensors file is damaged, or is none. */
export class SafetensorsError extends Error {
  /** Name of the class. */
  override name: string = "SafetensorsError";
}

/** One entry of the header. */
export interface SafetensorsEntry {
  /** Element type. */
  readonly dtype: DType;
  /** Sizes of the dimensions. */
  readonly shape: readonly number[];
  /** Bytes from the start of the file. */
  readonly offset: number;
}

/**
 * A mapped safetensors file. Tensors cut from it are views of the mapping (copied only where they are not aligned) and
 * keep it alive; writing into one changes memory, never the file.
 */
export class SafetensorsFile {
  /** Entries by name, in the header's order. */
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  /** The header's `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
  #mapping: number;

  /**
   * Maps a file and reads its header.
   *
   * @throws {SafetensorsError} naming the file and what is wrong with it.
   */
  constructor(readonly path: string) {
    const mapping = native().hr_map_open(new TextEncoder().encode(`${path}\0`));
    if (mapping === 0) fail("map", []);
    this.#mapping = mapping;
    try {
      const size = scratch[0];
      const refuse = (what: string): never => {
        throw new SafetensorsError(`${path} is not a sound safetensors file: ${what}`);
      };
      if (size < 8) refuse(`it has ${size} bytes, a header needs 8`);
      const length = Number(new DataView(this.#read(0, 8).buffer).getBigUint64(0, true));
      if (length > headerLimit || length > size - 8) {
        refuse(`its header claims ${length} bytes of ${size - 8}`);
      }
      let header: unknown;
      try {
        header = JSON.parse(
          new TextDecoder("utf-8", { fatal: true }).decode(this.#read(8, length)),
        );
      } catch (error) {
        refuse(`its header is no JSON (${(error as Error).message})`);
      }
      if (header === null || typeof header !== "object" || Array.isArray(header)) {
        refuse("its header is no JSON object");
      }
      const entries = new Map<string, SafetensorsEntry>();
      const { __metadata__: metadata = {}, ...tensors } = header as Record<string, unknown>;
      if (!isMetadata(metadata)) refuse("its __metadata__ is no object of strings");
      this.metadata = metadata as Record<string, string>;
      for (const [name, entry] of Object.entries(tensors)) {
        entries.set(name, readEntry(name, entry, 8 + length, size, refuse));
      }
      checkLayout(entries, 8 + length, size, refuse);
      this.entries = entries;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #read(offset: number, length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    if (native().hr_map_read(this.#mapping, offset, bytes, length) < 0) fail("read", []);
    return bytes;
  }

  /** A tensor by name, as a view of the file. */
  get(name: string): Tensor {
    const entry = this.entries.get(name);
    if (entry === undefined) throw new SafetensorsError(`${this.path} has no tensor '${name}'`);
    putNumbers(entry.shape, 0, "map");
    const { shape, dtype, offset } = entry;
    const handle = native().hr_map_tensor(
      this.#mapping,
      offset,
      shape.length,
      dtypeCode(dtype, "map"),
    );
    if (handle === 0) fail(`map '${name}'`, []);
    return adopt(handle);
  }

  /** Gives up the file's own hold on the mapping; its tensors keep theirs. */
  close(): void {
    native().hr_map_close(this.#mapping);
  }

  /** Closes at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }
}

function isMetadata(value: unknown): boolean {
  return value !== null && typeof value === "object" && !Array.isArray(value) &&
    Object.values(value).every((entry) => typeof entry === "string");
}

/** The format has neither holes nor overlaps: the tensors' bytes, end to end, are the rest of the file. */
function checkLayout(
  entries: ReadonlyMap<string, SafetensorsEntry>,
  start: number,
  size: number,
  refuse: (what: string) => never,
): void {
  const spans = Array.from(entries, ([name, { dtype, shape, offset }]) => ({
    name,
    offset,
    end: offset + shape.reduce((a, b) => a * b, itemSize[dtype]),
  })).sort((a, b) => a.offset - b.offset || a.end - b.end);
  let at = start;
  for (const { name, offset, end } of spans) {
    if (offset !== at) {
      refuse(`tensor '${name}' begins at byte ${offset - start}, not at ${at - start}`);
    }
    at = end;
  }
  if (at !== size) refuse(`its tensors end at byte ${at - start} of ${size - start}`);
}

function readEntry(
  name: string,
  value: unknown,
  start: number,
  size: number,
  refuse: (what: string) => never,
): SafetensorsEntry {
  const { dtype: code, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  const dtype = dtypes[code as string];
  if (dtype === undefined) {
    refuse(`tensor '${name}' has dtype ${JSON.stringify(code)}, known are ${Object.keys(dtypes)}`);
  }
  const isSize = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;
  if (!Array.isArray(shape) || shape.length > 64 || !shape.every(isSize)) {
    refuse(`tensor '${name}' has shape ${JSON.stringify(shape)}`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
    refuse(`tensor '${name}' has data_offsets ${JSON.stringify(offsets)}`);
  }
  const [from, to] = offsets as number[];
  const bytes = (shape as number[]).reduce((a, b) => a * b, itemSize[dtype]);
  if (to - from !== bytes || start + to > size) {
    refuse(
      `tensor '${name}' of shape [${shape}] needs ${bytes} bytes, its data_offsets are ` +
        `[${from}, ${to}] of ${size - start}`,
    );
  }
  return { dtype, shape: shape as number[], offset: start + from };
}

/** Copies a tensor out through a buffer, a piece at a time. */
function eachPiece(
  tensor: Tensor,
  buffer: Uint8Array<ArrayBuffer>,
  write: (bytes: Uint8Array) => void,
): void {
  const { size } = tensor, item = itemSize[tensor.dtype], most = Math.floor(pieceBytes / item);
  scope(() => {
    const flat = ops.reshape(ops.detach(tensor), [size]);
    for (let at = 0; at < size; at += most) {
      scope(() => {
        const count = Math.min(most, size - at), bytes = buffer.subarray(0, count * item);
        const piece = ops.narrow(flat, 0, at, count);
        if (native().hr_to_data(handleOf(piece), bytes, bytes.byteLength) < 0) {
          fail("copy out", [tensor]);
        }
        write(bytes);
      });
    }
  });
}

/**
 * Writes tensors (of any device) to a safetensors file: beside it first, synchronised, then renamed, so that a kill at
 * any moment leaves the old file or the new one whole.
 */
export function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  const entries: [string, unknown][] = Object.keys(metadata).length > 0
    ? [["__metadata__", metadata]]
    : [];
  let offset = 0;
  for (const [name, tensor] of tensors) {
    const dtype = tensor.dtype, bytes = byteSize(tensor);
    if (name === "__metadata__") {
      throw new SafetensorsError(`Cannot write ${path}: a tensor cannot be named '${name}'`);
    }
    entries.push([name, {
      dtype: codes.get(dtype),
      shape: tensor.shape,
      data_offsets: [offset, offset + bytes],
    }]);
    offset += bytes;
  }
  // Padded with blanks to eight bytes, so that tensors of one dtype are aligned when mapped.
  let text = JSON.stringify(Object.fromEntries(entries));
  text += " ".repeat((8 - new TextEncoder().encode(text).length % 8) % 8);
  const json = new TextEncoder().encode(text);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(json.length), true);
  const temporary = `${path}.tmp`;
  try {
    using file = Deno.openSync(temporary, { write: true, create: true, truncate: true });
    const write = (bytes: Uint8Array) => {
      for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
    };
    write(length);
    write(json);
    const buffer = new Uint8Array(Math.min(offset, pieceBytes));
    for (const tensor of tensors.values()) {
      eachPiece(tensor, buffer, write);
    }
    file.syncSync();
    Deno.renameSync(temporary, path);
  } catch (error) {
    try {
      Deno.removeSync(temporary);
    } catch {
      // The first error is the one to tell.
    }
    throw error;
  }
}
