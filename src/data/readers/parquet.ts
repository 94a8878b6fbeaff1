/**
 * Parquet, a row group at a time. hyparquet decodes; this module reads the file, unpacks the pages and
 * proves first that what each page and the footer state fits the bytes that are there, so that a
 * damaged file is an error and never a hang, a huge allocation or a row that is not in it.
 */

import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { decompressLz4, decompressLz4Raw, decompressSnappy } from "npm:hyparquet-compressors@1.1.2";
import { assembleLists, assembleNested } from "npm:hyparquet@1.31.5/src/assemble.js";
import { parquetHeader } from "npm:hyparquet@1.31.5/src/column.js";
import {
  convert,
  convertWithDictionary,
  DEFAULT_PARSERS,
} from "npm:hyparquet@1.31.5/src/convert.js";
import { readDataPage, readDataPageV2 } from "npm:hyparquet@1.31.5/src/datapage.js";
import { deltaBinaryUnpack } from "npm:hyparquet@1.31.5/src/delta.js";
import { readRleBitPackedHybrid } from "npm:hyparquet@1.31.5/src/encoding.js";
import { parquetMetadata, parquetSchema } from "npm:hyparquet@1.31.5/src/metadata.js";
import { readPlain } from "npm:hyparquet@1.31.5/src/plain.js";
import {
  getMaxDefinitionLevel,
  getMaxRepetitionLevel,
  getPhysicalColumns,
  getTreePath,
} from "npm:hyparquet@1.31.5/src/schema.js";
import { checkDeltas, checkRuns, ParquetDamage, skipThrift } from "./parquet_checks.ts";
import { DataFileError, type ReadResult } from "./reader.ts";

type FileMetaData = ReturnType<typeof parquetMetadata>;
type RowGroup = FileMetaData["row_groups"][number];
type ChunkMetaData = NonNullable<RowGroup["columns"][number]["meta_data"]>;
type SchemaTree = ReturnType<typeof parquetSchema>;
type PageHeader = ReturnType<typeof parquetHeader>;
type Decoded = ReturnType<typeof readPlain>;
type ColumnDecoder = Parameters<typeof convert>[1];

const MAGIC = "PAR1";
/** A page may always unpack to this many bytes, and otherwise to a thousand times its own. */
const FREE_PAGE_BYTES = 16 * 2 ** 20;
const MAX_EXPANSION = 1000;
/** Runs state many values in a few bytes; a page may have this many whatever its size. */
const FREE_VALUES = 2 ** 22;
const MAX_SCHEMA_ELEMENTS = 2000;
const MAX_SCHEMA_DEPTH = 32;

/** Bytes of a text column that are no UTF-8: they spoil their row, not the file. */
const INVALID_TEXT = Symbol("text that is not UTF-8");

const utf8 = new TextDecoder("utf-8", { fatal: true });

function decodeText(bytes: Uint8Array | undefined): unknown {
  if (bytes === undefined) return bytes;
  try {
    return utf8.decode(bytes);
  } catch {
    return INVALID_TEXT;
  }
}

const PARSERS = {
  ...DEFAULT_PARSERS,
  stringFromBytes: decodeText,
  jsonFromBytes: decodeText,
  geometryFromBytes: () => null,
  geographyFromBytes: () => null,
} as typeof DEFAULT_PARSERS;

function damage(condition: boolean, message: string): void {
  if (condition) throw new ParquetDamage(message);
}

/** Reads exactly these bytes into memory of their own. */
async function readBytes(file: Deno.FsFile, start: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  await file.seek(start, Deno.SeekMode.Start);
  for (let at = 0; at < length;) {
    const count = await file.read(bytes.subarray(at));
    if (count === null) throw new ParquetDamage("the file became shorter while it was read");
    at += count;
  }
  return bytes;
}

async function readFooter(
  file: Deno.FsFile,
  size: number,
): Promise<{ metadata: FileMetaData; schema: SchemaTree; dataEnd: number }> {
  damage(size < 12, "it is too short");
  const tail = await readBytes(file, size - 8, 8);
  const magic = new TextDecoder().decode(tail.subarray(4));
  damage(magic === "PARE", "its footer is encrypted");
  damage(magic !== MAGIC, `it must end in ${MAGIC}: was it cut short?`);
  const length = new DataView(tail.buffer).getUint32(0, true);
  damage(length > size - 12, `its footer of ${length} bytes does not fit its ${size} bytes`);
  const footer = await readBytes(file, size - 8 - length, length + 8);
  damage(
    skipThrift(footer, 0, length) !== length,
    `its footer of ${length} bytes is no Parquet metadata`,
  );
  const metadata = parquetMetadata(footer, { parsers: PARSERS, geoparquet: false });
  damage(
    metadata.schema.length > MAX_SCHEMA_ELEMENTS,
    `its schema has over ${MAX_SCHEMA_ELEMENTS} elements`,
  );
  const schema = parquetSchema(metadata);
  damage(schema.count !== metadata.schema.length, "its schema does not fit together");
  damage(schema.children.length === 0, "it has no columns");
  checkSchema(schema, 0);
  return { metadata, schema, dataEnd: size - 8 - length };
}

function checkSchema(tree: SchemaTree, depth: number): void {
  damage(depth > MAX_SCHEMA_DEPTH, `its schema is nested over ${MAX_SCHEMA_DEPTH} levels deep`);
  const { type, type_length: length = 0, converted_type: converted, logical_type: logical, name } =
    tree.element;
  damage(
    ["VARIANT", "GEOMETRY", "GEOGRAPHY"].includes(logical?.type ?? ""),
    `column '${name}' is of type ${logical?.type}, which is not supported`,
  );
  damage(length < 0 || length > 2 ** 20, `column '${name}' has values of ${length} bytes`);
  damage(
    converted === "DECIMAL" && (type === "BYTE_ARRAY" || length > 32),
    `column '${name}' has decimals of a size that is not supported`,
  );
  for (const child of tree.children) checkSchema(child, depth + 1);
}

/** The length that a Snappy stream states for what it unpacks to. */
function snappyLength(bytes: Uint8Array): number {
  let length = 0;
  for (let i = 0; i < 5 && i < bytes.length; i++) {
    length += (bytes[i] & 0x7f) * 2 ** (7 * i);
    if (bytes[i] < 0x80) return length;
  }
  return -1;
}

/** A page's content, which must be exactly as long as its header says. */
function unpack(packed: Uint8Array, length: number, codec: string): Uint8Array {
  damage(
    !(length >= 0) || length > Math.max(FREE_PAGE_BYTES, packed.length * MAX_EXPANSION),
    `a page of ${packed.length} bytes cannot unpack to ${length}`,
  );
  if (length === 0) return new Uint8Array();
  const options = { maxOutputLength: length };
  let plain: Uint8Array;
  switch (codec) {
    case "UNCOMPRESSED":
      plain = packed;
      break;
    case "SNAPPY":
      damage(snappyLength(packed) !== length, "a page's Snappy data has another length");
      plain = decompressSnappy(packed, length);
      break;
    case "GZIP":
      plain = gunzipSync(packed, options);
      break;
    case "BROTLI":
      plain = brotliDecompressSync(packed, options);
      break;
    case "ZSTD":
      plain = zstdDecompressSync(packed, options);
      break;
    case "LZ4":
      plain = decompressLz4(packed, length);
      break;
    case "LZ4_RAW":
      plain = decompressLz4Raw(packed, length);
      break;
    default:
      throw new ParquetDamage(`the compression ${codec} is not supported`);
  }
  damage(plain.length !== length, `a page unpacks to ${plain.length} bytes instead of ${length}`);
  // Memory of its own, so that no value can reach into the next page.
  return plain.slice();
}

const bitWidth = (value: number): number => 32 - Math.clz32(value);

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The levels of a page: where they stand, and how many values are not null. */
interface Levels {
  readonly valuesAt: number;
  readonly values: number;
}

function checkLevels(
  page: Uint8Array,
  count: number,
  repetition: { width: number; length: number | null },
  definition: { width: number; length: number | null; max: number },
): Levels {
  let at = 0;
  let values = count;
  for (const [i, { width, length }] of [repetition, definition].entries()) {
    if (width === 0) {
      at += length ?? 0;
      continue;
    }
    let size = length;
    if (size === null) {
      damage(at + 4 > page.length, "a page ends inside its levels");
      size = viewOf(page).getUint32(at, true);
      at += 4;
    }
    checkRuns(page, at, at + size, width, count);
    if (i === 1) {
      const levels = new Array<number>(count);
      readRleBitPackedHybrid({ view: viewOf(page), offset: at }, width, levels, size);
      values = levels.reduce((sum, level) => sum + (level === definition.max ? 1 : 0), 0);
    }
    at += size;
  }
  damage(at > page.length, "a page's levels go beyond it");
  return { valuesAt: at, values };
}

/** Proves that a page's values, which begin at `at`, are as many as it says. */
function checkValues(page: Uint8Array, at: number, count: number, encoding: string, type: string) {
  if (count === 0) return;
  switch (encoding) {
    case "PLAIN":
      return; // each value is read from the page's bytes, of which there are no more
    case "PLAIN_DICTIONARY":
    case "RLE_DICTIONARY":
      damage(at >= page.length, "a page ends before its values");
      if (page[at] > 0 || at + 1 < page.length) {
        checkRuns(page, at + 1, page.length, page[at], page[at] === 0 ? 0 : count);
      }
      return;
    case "RLE":
      damage(type !== "BOOLEAN", "run lengths hold values that are no booleans");
      damage(at + 4 > page.length, "a page ends before its values");
      return checkRuns(page, at + 4, page.length, 1, count);
    case "DELTA_BINARY_PACKED":
      damage(type !== "INT32" && type !== "INT64", "deltas hold values that are no integers");
      checkDeltas(page, at, count);
      return;
    case "DELTA_LENGTH_BYTE_ARRAY":
      checkDeltas(page, at, count);
      return;
    case "DELTA_BYTE_ARRAY":
      return checkPrefixes(page, at, count);
    case "BYTE_STREAM_SPLIT":
      damage(type === "FIXED_LEN_BYTE_ARRAY", "split streams of bytes are not supported");
      return;
    default:
      throw new ParquetDamage(`the encoding ${encoding} is not supported`);
  }
}

/** Values that repeat the beginning of the one before: a few bytes could state any length. */
function checkPrefixes(page: Uint8Array, at: number, count: number): void {
  const lengths = [0, 1].map(() => {
    const end = checkDeltas(page, at, count);
    const values = new Int32Array(count);
    deltaBinaryUnpack({ view: viewOf(page), offset: at }, count, values);
    at = end;
    return values;
  });
  let before = 0;
  let total = 0;
  for (let i = 0; i < count; i++) {
    const [prefix, suffix] = [lengths[0][i], lengths[1][i]];
    damage(prefix < 0 || suffix < 0 || prefix > before, "a value repeats more than there is");
    before = prefix + suffix;
    total += before;
  }
  damage(
    total > Math.max(FREE_PAGE_BYTES, page.length * MAX_EXPANSION),
    `a page of ${page.length} bytes cannot hold values of ${total}`,
  );
}

/** One page's values, with its lists put together after those of the pages before. */
function readPage(
  packed: Uint8Array,
  header: PageHeader,
  decoder: ColumnDecoder,
  dictionary: Decoded | undefined,
  previous: Decoded | undefined,
): { data: Decoded; count: number } {
  const { schemaPath, type, codec } = decoder;
  const definitionMax = getMaxDefinitionLevel(schemaPath);
  const definitionWidth = bitWidth(definitionMax);
  const repetitionWidth = bitWidth(getMaxRepetitionLevel(schemaPath));

  const v1 = header.data_page_header;
  const v2 = header.data_page_header_v2;
  const stated = header.type === "DATA_PAGE" ? v1 : v2;
  if (stated === undefined) throw new ParquetDamage("a data page has no header of its kind");
  const { num_values: count, encoding } = stated;
  damage(
    !(count >= 0) || count > Math.max(FREE_VALUES, header.uncompressed_page_size * 8),
    `a page of ${header.uncompressed_page_size} bytes cannot have ${count} values`,
  );

  let decoded: ReturnType<typeof readDataPage>;
  if (header.type === "DATA_PAGE") {
    const page = unpack(packed, header.uncompressed_page_size, codec);
    const { valuesAt, values } = checkLevels(
      page,
      count,
      { width: repetitionWidth, length: null },
      { width: definitionWidth, length: null, max: definitionMax },
    );
    checkValues(page, valuesAt, values, encoding, type);
    decoded = readDataPage(page, v1!, decoder);
  } else {
    const { repetition_levels_byte_length: r, definition_levels_byte_length: d } = v2!;
    damage(!(r >= 0 && d >= 0) || r + d > packed.length, "a page's levels go beyond it");
    const length = header.uncompressed_page_size - r - d;
    const values = unpack(
      packed.subarray(r + d),
      length,
      v2!.is_compressed === false ? "UNCOMPRESSED" : codec,
    );
    const page = new Uint8Array(r + d + values.length);
    page.set(packed.subarray(0, r + d));
    page.set(values, r + d);
    const levels = checkLevels(
      page,
      count,
      { width: repetitionWidth, length: r },
      { width: definitionWidth, length: d, max: definitionMax },
    );
    damage(
      v2!.num_nulls !== count - levels.values,
      `a page states ${v2!.num_nulls} nulls and has ${count - levels.values}`,
    );
    checkValues(page, levels.valuesAt, levels.values, encoding, type);
    const unpacked = { ...header, data_page_header_v2: { ...v2!, is_compressed: false } };
    decoded = readDataPageV2(page, unpacked, decoder);
  }

  const { definitionLevels, repetitionLevels, dataPage } = decoded;
  if (encoding.endsWith("_DICTIONARY")) {
    if (dictionary === undefined) throw new ParquetDamage("a page's dictionary is missing");
    for (let i = 0; i < dataPage.length; i++) {
      damage(!(dataPage[i] < dictionary.length), "a page refers beyond its dictionary");
    }
  }
  const values = convertWithDictionary(dataPage, dictionary, encoding, decoder);
  const output = Array.isArray(previous) ? previous : [];
  return {
    data: assembleLists(output, definitionLevels, repetitionLevels, values, schemaPath),
    count,
  };
}

/** A column of a row group: one entry a row. */
function readChunk(
  bytes: Uint8Array,
  meta: ChunkMetaData,
  schemaPath: SchemaTree[],
  rows: number,
): unknown[] {
  const element = schemaPath[schemaPath.length - 1].element;
  damage(meta.type !== element.type, "its type is not the schema's");
  const decoder = {
    pathInSchema: meta.path_in_schema,
    element,
    schemaPath,
    type: meta.type,
    codec: meta.codec,
    parsers: PARSERS,
    utf8: false,
  } as ColumnDecoder;
  const reader = { view: viewOf(bytes), offset: 0 };
  const total = Number(meta.num_values);
  const pages: Decoded[] = [];
  let dictionary: Decoded | undefined;
  let seen = 0;
  while (seen < total) {
    damage(reader.offset >= bytes.length, `its pages have ${seen} of ${total} values`);
    skipThrift(bytes, reader.offset);
    const header = parquetHeader(reader);
    const size = header.compressed_page_size;
    damage(!(size >= 0) || size > bytes.length - reader.offset, `a page of ${size} bytes is cut`);
    const packed = bytes.subarray(reader.offset, reader.offset + size);
    reader.offset += size;
    if (header.type === "INDEX_PAGE") continue;
    if (header.type === "DICTIONARY_PAGE") {
      const count = header.dictionary_page_header?.num_values ?? -1;
      const page = unpack(packed, header.uncompressed_page_size, meta.codec);
      damage(count < 0 || count > page.length, `a dictionary cannot have ${count} values`);
      const values = readPlain(
        { view: viewOf(page), offset: 0 },
        meta.type,
        count,
        element.type_length,
      );
      dictionary = convert(values, decoder);
      continue;
    }
    const previous = pages.at(-1);
    const { data, count } = readPage(packed, header, decoder, dictionary, previous);
    seen += count;
    if (data !== previous) pages.push(data);
  }
  damage(seen !== total, `its pages have ${seen} values instead of ${total}`);
  const values: unknown[] = pages.length === 1 && Array.isArray(pages[0])
    ? pages[0]
    : pages.flatMap((page) => Array.from(page as ArrayLike<unknown>));
  damage(values.length !== rows, `it has ${values.length} rows instead of ${rows}`);
  return values;
}

/** A value as JSON would have it. Throws for what no JSON value can stand for. */
function plainValue(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (value === INVALID_TEXT) throw new ParquetDamage("is not valid UTF-8");
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new ParquetDamage("is no possible date");
    return value.toISOString();
  }
  if (value instanceof Uint8Array) {
    const text = decodeText(value);
    return text === INVALID_TEXT ? null : text; // bytes, such as an image's: never a problem's text
  }
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value === "object") {
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, plainValue(inner)]),
    );
  }
  return value;
}

/** The range of a column chunk in the file. */
function rangeOf(meta: ChunkMetaData, dataEnd: number): { start: number; length: number } {
  const data = Number(meta.data_page_offset);
  const dictionary = Number(meta.dictionary_page_offset ?? 0n);
  const start = dictionary > 0 && dictionary < data ? dictionary : data;
  const length = Number(meta.total_compressed_size);
  damage(
    !(start >= 4) || !(length >= 0) || start + length > dataEnd,
    `its bytes ${start} to ${start + length} are not in the file`,
  );
  return { start, length };
}

/** The columns of a row group by their top-level name, one entry a row. */
async function readGroup(
  file: Deno.FsFile,
  group: RowGroup,
  schema: SchemaTree,
  dataEnd: number,
  budget: { bytes: number },
): Promise<Map<string, unknown[]>> {
  const rows = Number(group.num_rows);
  const leaves = new Map<string, Decoded>();
  const expected = getPhysicalColumns(schema);
  damage(group.columns.length !== expected.length, "a row group lacks columns");
  for (const { meta_data: meta, file_path: path, crypto_metadata: crypto } of group.columns) {
    if (meta === undefined || crypto !== undefined) {
      throw new ParquetDamage("a column is encrypted");
    }
    const name = meta.path_in_schema.join(".");
    try {
      damage(Boolean(path), "it lies in another file");
      damage(leaves.has(name), "it occurs twice");
      const { start, length } = rangeOf(meta, dataEnd);
      budget.bytes -= length;
      damage(budget.bytes < 0, "its columns overlap");
      const schemaPath = getTreePath(schema, meta.path_in_schema);
      damage(schemaPath[schemaPath.length - 1].children.length > 0, "it is no leaf of the schema");
      const values = Number(meta.num_values);
      damage(
        getMaxRepetitionLevel(schemaPath) === 0 && values !== rows,
        `it has ${values} values for ${rows} rows`,
      );
      const bytes = await readBytes(file, start, length);
      leaves.set(name, readChunk(bytes, meta, schemaPath, rows) as Decoded);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ParquetDamage(`column '${name}': ${reason}`, { cause: error });
    }
  }
  const columns = new Map<string, unknown[]>();
  for (const child of schema.children) {
    const name = child.element.name;
    if (child.children.length > 0) assembleNested(leaves, child, PARSERS);
    const values = leaves.get(name);
    if (values === undefined || values.length !== rows) {
      throw new ParquetDamage(`column '${name}' does not have ${rows} rows`);
    }
    columns.set(name, values as unknown[]);
  }
  return columns;
}

/**
 * The rows of a Parquet file, decoded a row group at a time. Integers of 64 bits are numbers where
 * that is exact, otherwise text; dates are ISO 8601; bytes that are no text are null. Throws a
 * `DataFileError` at the first damage.
 */
export async function* readParquet(path: string, name: string): AsyncGenerator<ReadResult> {
  using file = await Deno.open(path);
  const { size } = await file.stat();
  const failed = (error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    return new DataFileError(
      name,
      `its Parquet data is damaged or not supported: ${reason}`,
      error,
    );
  };
  let footer: Awaited<ReturnType<typeof readFooter>>;
  try {
    footer = await readFooter(file, size);
  } catch (error) {
    throw failed(error);
  }
  const { metadata, schema, dataEnd } = footer;
  const budget = { bytes: size };
  let line = 1;
  for (const [index, group] of metadata.row_groups.entries()) {
    let columns: Map<string, unknown[]>;
    try {
      columns = await readGroup(file, group, schema, dataEnd, budget);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw failed(new ParquetDamage(`row group ${index + 1}: ${reason}`, { cause: error }));
    }
    const rows = Number(group.num_rows);
    for (let i = 0; i < rows; i++, line++) yield rowAt(name, line, columns, i);
  }
  if (line - 1 !== Number(metadata.num_rows)) {
    throw failed(
      new ParquetDamage(`its row groups have ${line - 1} rows instead of ${metadata.num_rows}`),
    );
  }
}

function rowAt(
  file: string,
  line: number,
  columns: ReadonlyMap<string, unknown[]>,
  index: number,
): ReadResult {
  const row: Record<string, unknown> = {};
  for (const [name, values] of columns) {
    try {
      row[name] = plainValue(values[index]);
    } catch (error) {
      if (error instanceof ParquetDamage) {
        return { file, line, reason: `column '${name}' ${error.message}` };
      }
      throw error;
    }
  }
  return { file, line, row };
}
