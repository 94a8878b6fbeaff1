/**
 * A model's weights in a folder: model.safetensors, or shards named by model.safetensors.index.json. Files are mapped
 * when read, and each is written beside and renamed.
 */
import { join } from "node:path";
import { SafetensorsFile, writeSafetensors } from "../tensor/safetensors.ts";
import { byteSize, type Tensor } from "../tensor/tensor.ts";
import { ModelError } from "./config_reader.ts";
import { isFile, readJsonObject, writeJson } from "./json_file.ts";

const singleFile = "model.safetensors", indexFile = "model.safetensors.index.json";

/** Everything that stores a model's weights, so that an older form does not outlive a save. */
const anyForm = /^model(-\d+-of-\d+)?\.safetensors(\.index\.json)?$/;

/** The mapped weight files of a folder. Tensors keep alive what they need when it is closed. */
export interface WeightFiles {
  /** model.safetensors or the index, for errors. */
  readonly path: string;
  /** The mapped file that holds each tensor. */
  readonly files: ReadonlyMap<string, SafetensorsFile>;
  /** Closes the files. */
  [Symbol.dispose](): void;
}

/** Differences are listed to the last one, but not a damaged file's hundred thousand. */
const LISTED = 500;

/** What is wrong, a line each. */
export function listWrong(wrong: readonly string[]): string {
  const lines = wrong.slice(0, LISTED);
  if (wrong.length > LISTED) lines.push(`and ${wrong.length - LISTED} more`);
  return lines.map((line) => `\n  ${line}`).join("");
}

/**
 * Maps a folder's weights. As in Transformers a single file goes before an index.
 *
 * @throws {ModelError} listing everything in which an index and its shards differ; or naming what the folder lacks.
 * @throws {SafetensorsError} naming a damaged file.
 */
export async function openWeights(folder: string): Promise<WeightFiles> {
  const single = join(folder, singleFile), index = join(folder, indexFile);
  const present = Array.from(Deno.readDirSync(folder), ({ name }) => name);
  if (present.includes(singleFile)) {
    const file = new SafetensorsFile(single);
    const files = new Map(Array.from(file.entries.keys(), (name) => [name, file]));
    return { path: single, files, [Symbol.dispose]: () => file.close() };
  }
  if (present.includes(indexFile)) return await openShards(folder, index);
  const other = present.find((name) => /\.(bin|pt|pth|gguf|h5|msgpack)$/.test(name));
  throw new ModelError(
    `${folder} has no weights: neither ${singleFile} nor ${indexFile} is there${
      other === undefined ? "" : `, and the format of ${other} is not supported`
    }`,
  );
}

async function openShards(folder: string, path: string): Promise<WeightFiles> {
  const weightMap = readWeightMap(path, await readJsonObject(path, "an index of weights"));
  const wrong: string[] = [], open: SafetensorsFile[] = [], absent = new Set<string>();
  const close = () => open.forEach((file) => file.close());
  const files = new Map<string, SafetensorsFile>(), shardOf = new Map<string, string>();
  try {
    for (const shard of new Set(weightMap.values())) {
      const bare = /^[^/\\]+\.safetensors$/.test(shard);
      if (!bare || !isFile(join(folder, shard))) {
        wrong.push(bare ? `${shard} is missing` : `'${shard}' names no safetensors file beside it`);
        absent.add(shard);
        continue;
      }
      const file = new SafetensorsFile(join(folder, shard));
      open.push(file);
      for (const name of file.entries.keys()) {
        const other = shardOf.get(name);
        if (other !== undefined) wrong.push(`${name} is in ${other} and in ${shard}`);
        shardOf.set(name, shard);
        files.set(name, file);
      }
    }
    for (const [name, shard] of weightMap) {
      const actual = shardOf.get(name);
      if (actual === shard || absent.has(shard)) continue;
      wrong.push(
        actual === undefined
          ? `${name} is not in ${shard}`
          : `${name} is in ${actual}, not in ${shard}`,
      );
    }
    for (const [name, shard] of shardOf) {
      if (!weightMap.has(name)) wrong.push(`${name} is in ${shard} but not in the index`);
    }
    if (wrong.length > 0) {
      throw new ModelError(`${path} does not fit its shards:${listWrong(wrong)}`);
    }
    return { path, files, [Symbol.dispose]: close };
  } catch (error) {
    close();
    throw error;
  }
}

function readWeightMap(path: string, index: Record<string, unknown>): Map<string, string> {
  const map = index.weight_map;
  const sound = map !== null && typeof map === "object" && !Array.isArray(map) &&
    Object.values(map).every((name) => typeof name === "string");
  if (!sound) throw new ModelError(`${path} has no weight_map of tensor names to file names`);
  return new Map(Object.entries(map as Record<string, string>));
}

/**
 * Writes weights into an existing folder: one file, or where they are larger than `maxShardSize` bytes several with an
 * index, named as Hugging Face names them. A tensor is never split. One tensor is copied at a time.
 */
export function writeWeights(
  folder: string,
  tensors: ReadonlyMap<string, Tensor>,
  maxShardSize: number,
): void {
  const shards = shardsOf(tensors, maxShardSize), count = String(shards.length).padStart(5, "0");
  const written = new Set<string>(), weightMap: Record<string, string> = {};
  shards.forEach((shard, i) => {
    const name = shards.length === 1
      ? singleFile
      : `model-${String(i + 1).padStart(5, "0")}-of-${count}.safetensors`;
    writeSafetensors(join(folder, name), shard, { format: "pt" });
    written.add(name);
    for (const tensor of shard.keys()) weightMap[tensor] = name;
  });
  if (shards.length > 1) {
    const total = [...tensors.values()].reduce((sum, tensor) => sum + byteSize(tensor), 0);
    const index = { metadata: { total_size: total }, weight_map: weightMap };
    writeJson(join(folder, indexFile), index);
    written.add(indexFile);
  }
  for (const { name } of Deno.readDirSync(folder)) {
    if (anyForm.test(name) && !written.has(name)) Deno.removeSync(join(folder, name));
  }
}

function shardsOf(
  tensors: ReadonlyMap<string, Tensor>,
  most: number,
): ReadonlyMap<string, Tensor>[] {
  if (!(most > 0)) {
    throw new RangeError(
      `Cannot save as 'maxShardSize' must be above 0 bytes: current value is ${most}`,
    );
  }
  const shards: Map<string, Tensor>[] = [new Map()];
  let bytes = 0;
  for (const [name, tensor] of tensors) {
    const size = byteSize(tensor);
    if (bytes > 0 && bytes + size > most) {
      shards.push(new Map());
      bytes = 0;
    }
    shards.at(-1)!.set(name, tensor);
    bytes += size;
  }
  return shards;
}
