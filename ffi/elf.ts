/** What the dynamic linker would read of a shared library: enough to know which others it needs. */

/** A shared library's header. */
export interface SharedLibrary {
  /** The processor it is for, as Deno names it, or null for another. */
  readonly arch: string | null;
  /** The libraries it needs, by their sonames. */
  readonly needed: readonly string[];
  /** Whether the file is as long as its header says; loading one that is cut short ends the process. */
  readonly whole: boolean;
}

/** Reads a 64-bit little-endian ELF shared library; null for any other file. */
export function readSharedLibrary(path: string): SharedLibrary | null {
  using file = Deno.openSync(path);
  const size = file.statSync().size;
  const at = (offset: number, length: number): DataView<ArrayBuffer> => {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
    file.seekSync(offset, Deno.SeekMode.Start);
    let filled = 0;
    while (filled < bytes.length) {
      const count = file.readSync(bytes.subarray(filled));
      if (count === null) break;
      filled += count;
    }
    return new DataView(bytes.buffer);
  };
  const header = at(0, 64);
  if (header.byteLength < 64 || header.getUint32(0) !== 0x7f454c46) return null;
  if (header.getUint8(4) !== 2 || header.getUint8(5) !== 1) return null;
  const machine = header.getUint16(18, true);
  const arch = machine === 62 ? "x86_64" : machine === 183 ? "aarch64" : null;

  const entrySize = header.getUint16(54, true);
  const count = header.getUint16(56, true);
  const table = at(Number(header.getBigUint64(32, true)), entrySize * count);
  if (entrySize < 56 || table.byteLength < entrySize * count) {
    return { arch, needed: [], whole: false };
  }
  const loads: { address: number; offset: number; length: number }[] = [];
  let dynamic: { offset: number; length: number } | null = null;
  for (let i = 0; i < count; i++) {
    const base = i * entrySize;
    const offset = Number(table.getBigUint64(base + 8, true));
    const length = Number(table.getBigUint64(base + 32, true));
    const type = table.getUint32(base, true);
    if (type === 1) {
      loads.push({ address: Number(table.getBigUint64(base + 16, true)), offset, length });
    }
    if (type === 2) dynamic = { offset, length };
  }
  const whole = loads.every(({ offset, length }) => offset + length <= size);
  if (dynamic === null) return { arch, needed: [], whole };

  const entries = at(dynamic.offset, dynamic.length);
  const names: number[] = [];
  let strings = 0;
  for (let base = 0; base + 16 <= entries.byteLength; base += 16) {
    const tag = Number(entries.getBigInt64(base, true));
    const value = Number(entries.getBigUint64(base + 8, true));
    if (tag === 0) break;
    if (tag === 1) names.push(value);
    if (tag === 5) strings = value;
  }
  const segment = loads.find((load) =>
    strings >= load.address && strings < load.address + load.length
  );
  if (strings === 0 || segment === undefined) return { arch, needed: [], whole };
  const start = segment.offset + strings - segment.address;
  const needed = names.map((name) => {
    const view = at(start + name, 256);
    const bytes = new Uint8Array(view.buffer);
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(bytes.subarray(0, end < 0 ? bytes.length : end));
  });
  return { arch, needed, whole };
}
