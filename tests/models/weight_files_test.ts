import { loadModel, saveModel } from "../../src/models/checkpoint.ts";
import { ModelError } from "../../src/models/config_reader.ts";
import { type CausalLM } from "../../src/models/model.ts";
import { modelPresets } from "../../src/models/presets.ts";
import { randomModel } from "../../src/models/random.ts";
import { type DType, itemSize } from "../../src/tensor/dtype.ts";
import { memory, resetPeakMemory } from "../../src/tensor/memory.ts";
import * as ops from "../../src/tensor/ops.ts";
import {
  SafetensorsError,
  SafetensorsFile,
  writeSafetensors,
} from "../../src/tensor/safetensors.ts";
import { scope, type Tensor } from "../../src/tensor/tensor.ts";
import {
  assert,
  assertEquals,
  assertLess,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "../../src/std/assert.ts";
import { folderTest } from "../tensors.ts";

const none = { eosTokenId: null, padTokenId: null };
const index = "model.safetensors.index.json";
const namesIn = (folder: string) => Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
const bitsOf = ({ parameters }: CausalLM) =>
  new Map(Array.from(parameters, ([name, t]) => [name, t.toTypedArray()]));
const readJson = (path: string) => JSON.parse(Deno.readTextFileSync(path));

/** The largest tensor of this model has 98,304 bytes; 3 shards of at most 400,000. */
const sharded = { maxShardSize: 400_000 };
const shardNames = [1, 2, 3].map((i) => `model-0000${i}-of-00003.safetensors`);

folderTest(
  "a large model is saved in shards with an index, and loaded from them",
  async (folder) => {
    using model = randomModel(modelPresets.arithmetic, { seed: 1 });
    saveModel(model, folder, none, sharded);
    assertEquals(
      namesIn(folder),
      ["config.json", "generation_config.json", ...shardNames, index].sort(),
    );
    const { metadata, weight_map: map } = readJson(`${folder}/${index}`);
    const bytes = [...model.parameters.values()].reduce((sum, t) => sum + 4 * t.size, 0);
    assertEquals(metadata, { total_size: bytes });
    assertEquals(Object.keys(map), [...model.parameters.keys()]);
    for (const shard of shardNames) {
      using file = new SafetensorsFile(`${folder}/${shard}`);
      for (const name of file.entries.keys()) assertEquals(map[name], shard);
      const sum = Deno.statSync(`${folder}/${shard}`).size;
      assertLess(sum, sharded.maxShardSize + 2000);
    }
    using again = await loadModel(folder);
    assertEquals(bitsOf(again), bitsOf(model));

    // A tensor larger than a shard stands alone, and the other form of an earlier save does not outlive a save.
    saveModel(model, folder, none, { maxShardSize: 1 });
    assertEquals(namesIn(folder).length, model.parameters.size + 3);
    saveModel(model, folder, none);
    assertEquals(namesIn(folder), ["config.json", "generation_config.json", "model.safetensors"]);
    assertThrows(
      () => saveModel(model, folder, none, { maxShardSize: 0 }),
      RangeError,
      "maxShardSize",
    );
  },
);

folderTest(
  "an index and shards that do not fit are told apart, all in one error",
  async (folder) => {
    using model = randomModel(modelPresets.arithmetic, { seed: 1 });
    saveModel(model, folder, none, sharded);
    const sound = readJson(`${folder}/${index}`);
    const [first, second, third] = shardNames;
    const names = [...model.parameters.keys()];
    const load = async (change: (map: Record<string, unknown>) => unknown) => {
      const map = { ...sound.weight_map };
      const changed = change(map) ?? { ...sound, weight_map: map };
      await Deno.writeTextFile(`${folder}/${index}`, JSON.stringify(changed));
      return (await assertRejects(() => loadModel(folder), ModelError)).message;
    };
    const wrong = await load((map) => {
      map[names[0]] = second;
      map["model.extra.weight"] = first;
      map["other.weight"] = "model-00009-of-00009.safetensors";
      map["outside.weight"] = "../model.safetensors";
      delete map[names.at(-1)!];
    });
    for (
      const want of [
        `${folder}/${index}`,
        `${names[0]} is in ${first}, not in ${second}`,
        `model.extra.weight is not in ${first}`,
        "model-00009-of-00009.safetensors is missing",
        "'../model.safetensors' names no safetensors file beside it",
        `${names.at(-1)} is in ${third} but not in the index`,
      ]
    ) assertStringIncludes(wrong, want);
    for (
      const bad of [{}, { weight_map: null }, { weight_map: [first] }, { weight_map: { a: 1 } }]
    ) {
      assertStringIncludes(await load(() => bad), "has no weight_map");
    }
    for (const text of ["", "[]", "null", "{"]) {
      await Deno.writeTextFile(`${folder}/${index}`, text);
      await assertRejects(() => loadModel(folder), ModelError, "no JSON");
    }
    await Deno.writeTextFile(`${folder}/${index}`, JSON.stringify(sound));
    scope(() => writeSafetensors(`${folder}/${second}`, new Map([[names[0], ops.ones([24, 96])]])));
    const { message } = await assertRejects(() => loadModel(folder), ModelError);
    assertStringIncludes(message, `${names[0]} is in ${first} and in ${second}`);
    await Deno.writeTextFile(`${folder}/${third}`, "no safetensors file");
    await assertRejects(() => loadModel(folder), SafetensorsError, third);
    await Deno.remove(`${folder}/${third}`);
    await assertRejects(() => loadModel(folder), ModelError, `${third} is missing`);
  },
);

folderTest("a folder without safetensors says which format it has", async (folder) => {
  await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify(modelPresets.arithmetic));
  await assertRejects(() => loadModel(folder), ModelError, "has no weights");
  await Deno.writeTextFile(`${folder}/pytorch_model.bin`, "");
  await assertRejects(() => loadModel(folder), ModelError, "the format of pytorch_model.bin");
});

folderTest("buffers and a tied head that older writers stored do no harm", async (folder) => {
  using model = randomModel(modelPresets.arithmetic, { seed: 1 });
  saveModel(model, folder, none);
  const save = (extra: [string, Tensor][]) =>
    writeSafetensors(`${folder}/model.safetensors`, new Map([...model.parameters, ...extra]));
  const embedding = model.parameters.get("model.embed_tokens.weight")!;
  scope(() =>
    save([
      ["model.layers.0.self_attn.rotary_emb.inv_freq", ops.ones([12])],
      ["model.rotary_emb.inv_freq", ops.ones([12])],
      ["lm_head.weight", embedding],
    ])
  );
  {
    using again = await loadModel(folder);
    assertEquals(bitsOf(again), bitsOf(model));
  }
  const other = scope(() => ops.addScalar(ops.detach(embedding), 1e-3));
  save([["lm_head.weight", other]]);
  other.dispose();
  await assertRejects(() => loadModel(folder), ModelError, "lm_head.weight differs from");
});

for (const stored of ["float32", "bfloat16", "float16"] as const) {
  folderTest(
    `${stored} on disk becomes any dtype, within 1.2 times the weights`,
    async (folder) => {
      using model = randomModel(modelPresets.tiny, { seed: 1, dtype: stored });
      saveModel(model, folder, none, { maxShardSize: 5e5 });
      const rounded = [...model.parameters] as [string, Tensor][];
      for (const dtype of ["float32", "bfloat16", "float16", "float64"] satisfies DType[]) {
        for (const trainable of [true, false]) {
          const before = memory().current;
          resetPeakMemory();
          const progress: [number, number][] = [];
          const onProgress = (loaded: number, total: number) => progress.push([loaded, total]);
          using loaded = await loadModel(folder, { dtype, trainable, onProgress });
          const peak = memory().peak - before;
          const count = [...loaded.parameters.values()].reduce((sum, t) => sum + t.size, 0);
          const bytes = count * itemSize[dtype];
          assertLess(peak, 1.2 * bytes, `${dtype}, ${peak} of ${bytes} bytes`);
          if (!trainable && dtype === stored) assertEquals(peak, 0);
          assertEquals(progress.length, loaded.parameters.size);
          assertEquals(progress.at(-1), [bytes, bytes]);
          for (const [name, parameter] of rounded) {
            const got = loaded.parameters.get(name)!;
            assertEquals([got.dtype, got.requiresGrad], [dtype, trainable]);
            scope(() => assert(ops.equal(ops.toDtype(ops.detach(parameter), dtype), got), name));
          }
        }
      }
    },
  );
}

folderTest(
  "settings of generation and of the config are kept, and end tokens join",
  async (folder) => {
    using model = randomModel(modelPresets.arithmetic, { seed: 1 });
    saveModel(model, folder, none);
    assertEquals(readJson(`${folder}/generation_config.json`), {});
    const generation = {
      temperature: 0.6,
      top_p: 0.95,
      do_sample: true,
      eos_token_id: [5, 7],
      bos_token_id: 3,
      pad_token_id: 5,
    };
    Deno.writeTextFileSync(`${folder}/generation_config.json`, JSON.stringify(generation));
    const config = readJson(`${folder}/config.json`);
    const added = {
      bos_token_id: 3,
      eos_token_id: 7,
      use_cache: true,
      auto_map: { AutoModel: "x" },
    };
    Deno.writeTextFileSync(`${folder}/config.json`, JSON.stringify({ ...config, ...added }));
    using loaded = await loadModel(folder);
    assertEquals(loaded.generationConfig, generation);
    saveModel(loaded, folder, none);
    assertEquals(readJson(`${folder}/generation_config.json`), generation);
    const { auto_map: _, ...kept } = added;
    assertEquals(readJson(`${folder}/config.json`), { ...config, ...kept });
    saveModel(loaded, folder, { eosTokenId: 7, padTokenId: 0 });
    assertEquals(readJson(`${folder}/generation_config.json`), { ...generation, pad_token_id: 0 });
    assertEquals(readJson(`${folder}/config.json`).eos_token_id, 7);
    saveModel(loaded, folder, { eosTokenId: 9, padTokenId: null });
    assertEquals(readJson(`${folder}/generation_config.json`).eos_token_id, [9, 5, 7]);
    assertEquals(readJson(`${folder}/config.json`).eos_token_id, [9, 7]);
    Deno.writeTextFileSync(`${folder}/generation_config.json`, "{");
    await assertRejects(() => loadModel(folder), ModelError, "generation_config.json is no JSON");
  },
);

folderTest(
  "a config.json damaged at any place gives a clear error or still loads",
  async (folder) => {
    using model = randomModel(modelPresets.arithmetic, { seed: 1 });
    saveModel(model, folder, none, sharded);
    let seed = 1;
    const random = (n: number) => (seed = seed * 48271 % 2147483647) % n;
    const damage = (bytes: Uint8Array<ArrayBuffer>): Uint8Array => {
      const copy = bytes.slice();
      if (random(8) === 0) return copy.subarray(0, random(copy.length));
      for (let i = random(3); i >= 0; i--) copy[random(copy.length)] ^= 1 << random(8);
      return copy;
    };
    for (const name of ["config.json", index, "generation_config.json"]) {
      const path = `${folder}/${name}`, sound = Deno.readFileSync(path);
      for (let i = 0; i < 150; i++) {
        Deno.writeFileSync(path, damage(sound));
        try {
          using _loaded = await loadModel(folder, { trainable: false });
        } catch (error) {
          assert(error instanceof ModelError, `${error}`);
          assertStringIncludes(error.message, folder);
        }
      }
      Deno.writeFileSync(path, sound);
    }
    Deno.writeTextFileSync(`${folder}/config.json`, "[".repeat(200_000));
    await assertRejects(() => loadModel(folder), ModelError, "no JSON");
  },
);
