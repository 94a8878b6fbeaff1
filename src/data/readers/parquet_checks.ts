/**
 * Walks over Parquet's encodings without decoding them.
 *
 * The decoders of hyparquet believe the counts that a file states, so that a few changed bytes could
 * make them fill the memory or never end. Each walk here proves beforehand that the counts fit the
 * bytes that are there, and throws where they do not.
 */

/** What a walk found wrong. */
export class ParquetDamage extends Error {
  /** The error's class. */
  override readonly name = "ParquetDamage";
}

/** Deeper Thrift structures than this do not occur in Parquet. */
const MAX_DEPTH = 16;

/** A place in bytes that is never read beyond their end. */
class Cursor {
  constructor(readonly bytes: Uint8Array, public at: number, readonly end: number) {}

  byte(): number {
    if (this.at >= this.end) throw new ParquetDamage("it ends too early");
    return this.bytes[this.at++];
  }

  skip(count: number): void {
    if (!(count >= 0) || count > this.end - this.at) {
      throw new ParquetDamage(`a length of ${count} goes beyond its ${this.end - this.at} bytes`);
    }
    this.at += count;
  }

  /** An unsigned LEB128 number of at most 10 bytes; beyond 2^53 it is not exact. */
  varint(): number {
    let value = 0;
    for (let i = 0; i < 10; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    throw new ParquetDamage("a number has more than 10 bytes");
  }
}

/** Walks over one struct of Thrift's compact protocol from `start`; returns where it ends. */
export function skipThrift(bytes: Uint8Array, start: number, end = bytes.length): number {
  const cursor = new Cursor(bytes, start, end);
  skipStruct(cursor, 0);
  return cursor.at;
}

function skipStruct(cursor: Cursor, depth: number): void {
  if (depth > MAX_DEPTH) throw new ParquetDamage("its metadata is nested too deep");
  while (true) {
    const header = cursor.byte();
    const type = header & 0x0f;
    if (type === 0) return;
    if (header >> 4 === 0) cursor.varint(); // the field's number in full
    if (type > 2) skipValue(cursor, type, depth); // 1 and 2 are the values true and false
  }
}

function skipValue(cursor: Cursor, type: number, depth: number): void {
  if (type <= 3) cursor.skip(1);
  else if (type <= 6) cursor.varint();
  else if (type === 7) cursor.skip(8);
  else if (type === 8) cursor.skip(cursor.varint());
  else if (type === 9) {
    if (depth > MAX_DEPTH) throw new ParquetDamage("its metadata is nested too deep");
    const header = cursor.byte();
    const size = header >> 4 === 15 ? cursor.varint() : header >> 4;
    // Every element has at least one byte.
    if (size > cursor.end - cursor.at) {
      throw new ParquetDamage(`a list of ${size} goes beyond its ${cursor.end - cursor.at} bytes`);
    }
    for (let i = 0; i < size; i++) skipValue(cursor, header & 0x0f, depth + 1);
  } else if (type === 12) skipStruct(cursor, depth + 1);
  else throw new ParquetDamage(`its metadata has a value of unknown type ${type}`);
}

/**
 * Walks over `count` values in the hybrid of run lengths and bit packing, `width` bits each, that
 * stand from `start` to `end`.
 */
export function checkRuns(
  bytes: Uint8Array,
  start: number,
  end: number,
  width: number,
  count: number,
): void {
  if (width > 32) throw new ParquetDamage(`a value cannot have ${width} bits`);
  if (start > end || end > bytes.length) throw new ParquetDamage("a run goes beyond its page");
  const cursor = new Cursor(bytes, start, end);
  for (let seen = 0; seen < count;) {
    const header = cursor.varint();
    const packed = header % 2 === 1;
    const run = packed ? Math.floor(header / 2) * 8 : Math.floor(header / 2);
    // Bit packing fills its last group of 8, and some writers a few groups more.
    if (run > count - seen + (packed ? 512 : 0)) {
      throw new ParquetDamage(`a run of ${run} stands where ${count - seen} values are left`);
    }
    if (!packed) cursor.skip(Math.ceil(width / 8));
    else {
      const needed = Math.ceil(Math.min(run, count - seen) * width / 8);
      cursor.skip(Math.max(needed, Math.min(run * width / 8, cursor.end - cursor.at)));
    }
    seen += run;
  }
}

/** Walks over `count` delta-packed integers from `start`; returns where they end. */
export function checkDeltas(bytes: Uint8Array, start: number, count: number): number {
  const cursor = new Cursor(bytes, start, bytes.length);
  const blockSize = cursor.varint();
  const miniblocks = cursor.varint();
  const total = cursor.varint();
  cursor.varint(); // the first value
  if (
    blockSize === 0 || blockSize > 2 ** 20 || blockSize % 128 !== 0 || miniblocks === 0 ||
    blockSize % miniblocks !== 0 || (blockSize / miniblocks) % 32 !== 0
  ) {
    throw new ParquetDamage(
      `blocks of ${blockSize} deltas in ${miniblocks} parts are not possible`,
    );
  }
  if (total !== count) throw new ParquetDamage(`it has ${total} deltas for ${count} values`);
  const perMiniblock = blockSize / miniblocks;
  for (let seen = 1; seen < count;) {
    cursor.varint(); // the block's smallest delta
    const widths = cursor.at;
    cursor.skip(miniblocks);
    for (let i = 0; i < miniblocks && seen < count; i++, seen += perMiniblock) {
      const width = bytes[widths + i];
      if (width > 64) throw new ParquetDamage(`a delta cannot have ${width} bits`);
      const size = perMiniblock * width / 8;
      // The last part may be cut after its last value.
      cursor.skip(seen + perMiniblock < count ? size : Math.min(size, cursor.end - cursor.at));
    }
  }
  return cursor.at;
}
