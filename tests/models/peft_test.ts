import { fileURLToPath } from "node:url";
import { dirname, join } from "node:path";
import { loadModel, saveModel } from "../../src/models/checkpoint.ts";
import { ModelError } from "../../src/models/config_reader.ts";
import { createAdapters } from "../../src/models/lora.ts";
import { type LoraSettings } from "../../src/models/lora_settings.ts";
import { mergeFolder } from "../../src/models/merge.ts";
import { type CausalLM } from "../../src/models/model.ts";
import { findBaseModel, readPeftConfig, saveAdapters } from "../../src/models/peft.ts";
import { modelPresets } from "../../src/models/presets.ts";
import { randomModel } from "../../src/models/random.ts";
import { noGrad } from "../../src/tensor/autograd.ts";
import { type DType } from "../../src/tensor/dtype.ts";
import { memory } from "../../src/tensor/memory.ts";
import * as ops from "../../src/tensor/ops.ts";
import {
  SafetensorsError,
  SafetensorsFile,
  writeSafetensors,
} from "../../src/tensor/safetensors.ts";
import { scope, type Tensor, tensor } from "../../src/tensor/tensor.ts";
import {
  assert,
  assertEquals,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "../../src/std/assert.ts";
import { folderTest } from "../tensors.ts";

const settings: LoraSettings = {
  r: 4,
  alpha: 6,
  dropout: 0.1,
  targetModules: "all-linear",
  useRslora: false,
};
const projections = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
const ids = [[3, 5, 7, 2, 9, 11, 4], [8, 8, 1, 0, 6, 12, 13]];

/** A model with adapters as after training. */
function adaptedModel(changes: Partial<LoraSettings> = {}, dtype?: DType): CausalLM {
  const model = randomModel(modelPresets.arithmetic, { seed: 3, dtype });
  const adapters = createAdapters(model.parameters, { ...settings, ...changes }, { seed: 4 });
  noGrad(() => {
    for (const t of adapters.parameters.values()) ops.normalInPlace(t, 0, 0.1);
  });
  model.attach(adapters);
  return model;
}

/** Saves base model and adapters of a model into `base` and `adapters` of a folder. */
async function save(model: CausalLM, folder: string, base = "../base"): Promise<string> {
  for (const name of ["base", "adapters"]) await Deno.mkdir(join(folder, name));
  saveModel(model, join(folder, "base"), { eosTokenId: 1, padTokenId: 0 });
  saveAdapters(model.adapters!, join(folder, "adapters"), base);
  return join(folder, "adapters");
}

async function changeConfig(folder: string, change: Record<string, unknown>): Promise<void> {
  const path = join(folder, "adapter_config.json");
  const json = JSON.parse(await Deno.readTextFile(path));
  await Deno.writeTextFile(path, JSON.stringify({ ...json, ...change }));
}

const logitsOf = (model: CausalLM) =>
  scope(() => {
    const { hidden } = model.forward(tensor(ids, undefined, "int64"));
    return ops.toDtype(ops.linear(hidden, model.head), "float32").toNumbers();
  });
const apart = (a: readonly number[], b: readonly number[]) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
const bitsOf = (parameters: ReadonlyMap<string, Tensor>) =>
  new Map(Array.from(parameters, ([name, t]) => [name, t.toTypedArray()]));

// ---------------------------------------------------------------- saving and loading

for (const changes of [{}, { targetModules: ["v_proj", "mlp.up_proj"], useRslora: true }]) {
  folderTest(
    `adapters are saved and loaded with equal bits: ${JSON.stringify(changes)}`,
    async (folder) => {
      using model = adaptedModel(changes);
      const path = await save(model, folder);
      using again = await loadModel(path);
      assertEquals(bitsOf(again.trainable), bitsOf(model.trainable));
      assertEquals(logitsOf(again), logitsOf(model));
      assertEquals(again.adapters!.settings, {
        ...settings,
        targetModules: projections,
        ...changes,
      });
      assert([...again.trainable.values()].every((t) => t.requiresGrad && t.dtype === "float32"));
      assert([...again.parameters.values()].every((t) => !t.requiresGrad));
      using only = await loadModel(path, { trainable: false });
      assert([...only.trainable.values()].every((t) => !t.requiresGrad));
    },
  );
}

folderTest("the base model under adapters is mapped, not copied", async (folder) => {
  let path: string;
  {
    using model = adaptedModel();
    path = await save(model, folder);
  }
  const before = memory().current;
  using model = await loadModel(path);
  const own = [...model.trainable.values()].reduce((sum, t) => sum + 4 * t.size, 0);
  // Small tensors are padded to 64 bytes.
  assertLess(memory().current - before, own + 64 * model.trainable.size);
});

folderTest("adapters stored in bfloat16 become float32, on a base of any dtype", async (folder) => {
  using model = adaptedModel();
  const path = await save(model, folder);
  scope(() =>
    writeSafetensors(
      join(path, "adapter_model.safetensors"),
      new Map(
        Array.from(model.trainable, ([name, t]) => [name, ops.toDtype(t, "bfloat16")]),
      ),
    )
  );
  using again = await loadModel(path, { dtype: "bfloat16" });
  assertEquals(again.dtype, "bfloat16");
  for (const [name, t] of again.trainable) {
    assertEquals(t.dtype, "float32");
    scope(() =>
      assert(
        ops.equal(ops.toDtype(t, "bfloat16"), ops.toDtype(model.trainable.get(name)!, "bfloat16")),
      )
    );
  }
});

// ---------------------------------------------------------------- what is refused

folderTest("what is no plain LoRA is refused by name", async (folder) => {
  using model = adaptedModel();
  const path = await save(model, folder);
  const original = await Deno.readTextFile(join(path, "adapter_config.json"));
  const cases: [Record<string, unknown>, string][] = [
    [{ peft_type: "LOHA" }, `'peft_type' must be "LORA", nothing else is supported: it is "LOHA"`],
    [{ task_type: "SEQ_CLS" }, `'task_type' must be "CAUSAL_LM"`],
    [{ use_dora: true }, "'use_dora' must be left out or null: of PEFT's methods only plain LoRA"],
    [{ bias: "lora_only" }, `'bias' must be "none"`],
    [{ lora_bias: true }, "'lora_bias' must be left out"],
    [{ modules_to_save: ["lm_head"] }, "'modules_to_save' must be left out"],
    [{ rank_pattern: { q_proj: 8 } }, "'rank_pattern' must be left out"],
    [{ alpha_pattern: { q_proj: 8 } }, "'alpha_pattern' must be left out"],
    [{ layers_to_transform: [0] }, "'layers_to_transform' must be left out"],
    [{ layers_to_transform: 0 }, "'layers_to_transform' must be left out"],
    [{ exclude_modules: ["v_proj"] }, "'exclude_modules' must be left out"],
    [{ trainable_token_indices: [1] }, "'trainable_token_indices' must be left out"],
    [{ target_parameters: ["a"] }, "'target_parameters' must be left out"],
    [{ fan_in_fan_out: true }, "'fan_in_fan_out' must be left out"],
    [{ something_new: { on: true } }, "'something_new' must be left out"],
    [{ init_lora_weights: "pissa" }, `'init_lora_weights' must be true or false or "gaussian"`],
    [{ r: 0 }, "'r' must be a positive integer: it is 0"],
    [{ r: "8" }, `'r' must be a positive integer: it is "8"`],
    [{ r: 2 ** 60 }, "'r' must be a positive integer"],
    [{ lora_alpha: -1 }, "'lora_alpha' must be a number above 0: it is -1"],
    [{ lora_dropout: 1 }, "'lora_dropout' must be from 0 to below 1"],
    [{ use_rslora: "yes" }, "'use_rslora' must be false or true"],
    [{ target_modules: null }, "'target_modules' must be all-linear, a pattern, or a list"],
    [{ target_modules: [1] }, "'target_modules' must be all-linear, a pattern, or a list"],
    [{ target_modules: ["q_proj", "w1"] }, "Cannot adapt 'w1'"],
    [
      { base_model_name_or_path: 7 },
      "'base_model_name_or_path' must be a folder or a name: it is 7",
    ],
  ];
  for (const [change, want] of cases) {
    await Deno.writeTextFile(join(path, "adapter_config.json"), original);
    await changeConfig(path, change);
    const { message } = await assertRejects(() => loadModel(path), ModelError);
    assertStringIncludes(message, want);
    // What the config says is told of its file; what the model lacks is told of the model.
    if (!want.startsWith("Cannot adapt")) {
      assertStringIncludes(message, `${path}/adapter_config.json`);
    }
  }
  // What a newer PEFT writes for what it does not use.
  await Deno.writeTextFile(join(path, "adapter_config.json"), original);
  await changeConfig(path, {
    something_new: null,
    other: false,
    third: {},
    fourth: [],
    use_dora: null,
  });
  using again = await loadModel(path);
  assertEquals(logitsOf(again), logitsOf(model));
});

folderTest("a config that is no JSON object is refused", async (folder) => {
  for (const text of ["{", "[]", "null", "7"]) {
    await Deno.writeTextFile(join(folder, "adapter_config.json"), text);
    await assertRejects(
      () => loadModel(folder),
      ModelError,
      `${folder}/adapter_config.json is no JSON`,
    );
  }
});

folderTest("a pattern of modules means those that the file holds", async (folder) => {
  using model = adaptedModel({ targetModules: ["q_proj", "down_proj"] });
  const path = await save(model, folder);
  await changeConfig(path, { target_modules: ".*(q|down)_proj$" });
  using again = await loadModel(path);
  assertEquals(logitsOf(again), logitsOf(model));
});

folderTest("missing, unexpected and misshapen tensors are all in one error", async (folder) => {
  using model = adaptedModel();
  const path = await save(model, folder);
  const file = join(path, "adapter_model.safetensors");
  const at = (layer: number, rest: string) => `base_model.model.model.layers.${layer}.${rest}`;
  scope(() => {
    const wrong = new Map(model.trainable);
    wrong.delete(at(1, "mlp.up_proj.lora_B.weight"));
    wrong.set(at(0, "self_attn.q_proj.lora_A.weight"), ops.ones([8, 96]));
    wrong.set(at(0, "self_attn.v_proj.lora_A.weight"), ops.ones([4, 96], "int64"));
    wrong.set("base_model.model.lm_head.lora_A.weight", ops.ones([4, 96]));
    writeSafetensors(file, wrong);
  });
  const { message } = await assertRejects(() => loadModel(path), ModelError);
  for (
    const want of [
      `${file} does not fit adapter_config.json and the base model:`,
      `missing ${at(1, "mlp.up_proj.lora_B.weight")}`,
      `${at(0, "self_attn.q_proj.lora_A.weight")} has shape [8,96], rank and model ask for [4,96]`,
      `${at(0, "self_attn.v_proj.lora_A.weight")} has dtype int64`,
      "unexpected base_model.model.lm_head.lora_A.weight",
    ]
  ) assertStringIncludes(message, want);
  await Deno.remove(file);
  await assertRejects(() => loadModel(path), ModelError, "only safetensors is supported");
});

folderTest("adapters damaged at any place give a clear error or still load", async (folder) => {
  using model = adaptedModel();
  const path = await save(model, folder);
  let seed = 1;
  const random = (n: number) => (seed = seed * 48271 % 2147483647) % n;
  const damage = (bytes: Uint8Array<ArrayBuffer>, most: number): Uint8Array => {
    const copy = bytes.slice();
    if (random(8) === 0) return copy.subarray(0, random(copy.length));
    for (let i = random(3); i >= 0; i--) copy[random(most)] ^= 1 << random(8);
    return copy;
  };
  let refused = 0;
  for (const name of ["adapter_config.json", "adapter_model.safetensors"]) {
    const file = join(path, name), sound = Deno.readFileSync(file);
    for (let i = 0; i < 150; i++) {
      // The weights' own bytes can hold anything: it is the header that is damaged.
      Deno.writeFileSync(file, damage(sound, Math.min(sound.length, 3000)));
      try {
        using _loaded = await loadModel(path);
      } catch (error) {
        assert(error instanceof ModelError || error instanceof SafetensorsError, `${error}`);
        refused++;
      }
    }
    Deno.writeFileSync(file, sound);
  }
  assertLess(150, refused);
  using again = await loadModel(path);
  assertEquals(logitsOf(again), logitsOf(model));
});

// ---------------------------------------------------------------- the base model

folderTest(
  "the base model is looked up beside the adapters, or where it is said to be",
  async (folder) => {
    using model = adaptedModel();
    const path = await save(model, folder);
    const config = async () => (await readPeftConfig(path))!;
    assertEquals(await findBaseModel(path, await config()), join(folder, "base"));
    await changeConfig(path, { base_model_name_or_path: join(folder, "base") });
    assertEquals(await findBaseModel(path, await config()), join(folder, "base"));

    for (
      const [name, looked] of [
        ["Qwen/Qwen3-0.6B", join(path, "Qwen/Qwen3-0.6B")],
        ["../elsewhere", join(folder, "elsewhere")],
        [path, path],
      ]
    ) {
      await changeConfig(path, { base_model_name_or_path: name });
      const { message } = await assertRejects(() => loadModel(path), ModelError);
      assertStringIncludes(message, `the base model '${name}' is not there`);
      assertStringIncludes(message, `no config.json in '${looked}'`);
      assertStringIncludes(message, "by the option 'base'");
    }
    await changeConfig(path, { base_model_name_or_path: null });
    await assertRejects(() => loadModel(path), ModelError, "does not name the base model");
    using again = await loadModel(path, { base: join(folder, "base") });
    assertEquals(logitsOf(again), logitsOf(model));
  },
);

// ---------------------------------------------------------------- merging

folderTest("a merged folder is a whole model with the adapters' logits", async (folder) => {
  using model = adaptedModel();
  const path = await save(model, folder), out = join(folder, "new/merged");
  await Deno.writeTextFile(join(folder, "base/tokenizer.json"), "base's");
  await Deno.writeTextFile(join(folder, "base/chat_template.jinja"), "template");
  await Deno.writeTextFile(join(folder, "base/notes.md"), "not a part of a model");
  await Deno.writeTextFile(
    join(folder, "base/generation_config.json"),
    JSON.stringify({ eos_token_id: [1, 5], top_k: 20 }),
  );
  const merged = await mergeFolder(path, out);
  assertEquals(merged.base, join(folder, "base"));
  assertEquals([merged.modules.length, merged.dtype], [14, "float32"]);
  using again = await loadModel(out);
  assertEquals(again.adapters, null);
  assertLess(apart(logitsOf(again), logitsOf(model)), 1e-5);
  assertEquals(
    [...Deno.readDirSync(out)].map(({ name }) => name).sort(),
    [
      "chat_template.jinja",
      "config.json",
      "generation_config.json",
      "model.safetensors",
      "tokenizer.json",
    ],
  );
  assertEquals(await Deno.readTextFile(join(out, "chat_template.jinja")), "template");
  const json = async (name: string) => JSON.parse(await Deno.readTextFile(join(out, name)));
  assertEquals(await json("generation_config.json"), { eos_token_id: [1, 5], top_k: 20 });
  assertEquals((await json("config.json")).eos_token_id, 1);
  // What is there is never overwritten, and nothing is left beside.
  await assertRejects(() => mergeFolder(path, out), ModelError, `'${out}' as it exists`);
  await assertRejects(
    () => mergeFolder(out, join(folder, "x")),
    ModelError,
    "no adapter_config.json",
  );
  assertEquals([...Deno.readDirSync(dirname(out))].map(({ name }) => name), ["merged"]);
  // The base model's file is as it was.
  using base = await loadModel(join(folder, "base"));
  assertEquals(bitsOf(base.parameters), bitsOf(model.parameters));
});

folderTest("the adapters' own tokenizer goes with the merged model", async (folder) => {
  using model = adaptedModel();
  const path = await save(model, folder), out = join(folder, "merged");
  await Deno.writeTextFile(join(folder, "base/tokenizer.json"), "base's");
  await Deno.writeTextFile(join(folder, "base/chat_template.jinja"), "base's");
  await Deno.writeTextFile(join(path, "tokenizer.json"), "own");
  await mergeFolder(path, out);
  assertEquals(await Deno.readTextFile(join(out, "tokenizer.json")), "own");
  assert(![...Deno.readDirSync(out)].some(({ name }) => name === "chat_template.jinja"));
});

for (const dtype of ["float32", "bfloat16"] as const) {
  folderTest(`merged weights take the dtype asked for, rounded once (${dtype})`, async (folder) => {
    using model = adaptedModel({}, dtype);
    const path = await save(model, folder);
    assertEquals((await mergeFolder(path, join(folder, "same"))).dtype, dtype);
    const targets = ["float32", "bfloat16", "float16"] as const;
    for (const target of targets) {
      await mergeFolder(path, join(folder, target), { dtype: target });
      using merged = await loadModel(join(folder, target));
      assertEquals([merged.dtype, merged.hfConfig.torch_dtype], [target, target]);
    }
    scope(() => {
      const read = (name: string) => {
        using file = new SafetensorsFile(join(folder, name, "model.safetensors"));
        return file.get("model.layers.1.mlp.up_proj.weight");
      };
      const wide = read("float32");
      for (const target of targets) {
        assert(ops.equal(read(target), ops.toDtype(wide, target)), target);
      }
      assert(ops.equal(read("same"), read(dtype)));
      assert(!ops.equal(wide, ops.toDtype(read("bfloat16"), "float32")));
    });
  });
}

folderTest(
  "deno task merge folds and says what it did; without a folder it says what to give",
  async (folder) => {
    using model = adaptedModel();
    const path = await save(model, folder, "Qwen/Qwen3-0.6B");
    const merge = async (...args: string[]) => {
      const script = fileURLToPath(new URL("../../scripts/merge.ts", import.meta.url));
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "--no-check",
          "--allow-read",
          "--allow-write",
          "--allow-env",
          "--allow-run",
          "--allow-ffi",
          script,
          ...args,
        ],
      }).output();
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      return { code, stdout: text(stdout), stderr: text(stderr) };
    };
    const out = join(folder, "merged");
    const lost = await merge(path, `--out=${out}`);
    assertEquals(lost.code, 1);
    assertStringIncludes(lost.stderr, "the base model 'Qwen/Qwen3-0.6B' is not there");
    const done = await merge(
      path,
      `--out=${out}`,
      `--base=${folder}/base`,
      "--dtype=bfloat16",
      "--threads=1",
    );
    assertEquals([done.code, done.stderr], [0, ""]);
    assertStringIncludes(done.stdout, "14 adapted layers, as bfloat16");
    using again = await loadModel(out);
    assertEquals(again.dtype, "bfloat16");
    for (
      const [args, want] of [
        [[], "No folder of adapters"],
        [[path], "No folder to make"],
        [[path, `--out=${out}`, "--dtype=int8"], "'--dtype' must be float32, bfloat16, float16"],
      ] as const
    ) {
      const { code, stderr } = await merge(...args);
      assertEquals(code, 2);
      assertStringIncludes(stderr, want);
    }
  },
);

// ---------------------------------------------------------------- PEFT itself

const python = Deno.env.get("HANDRAIL_PEER_PYTHON");

async function hasPeft(): Promise<boolean> {
  if (python === undefined) return false;
  const { success } = await new Deno.Command(python, {
    args: ["-c", "import importlib.util as u, sys; sys.exit(u.find_spec('peft') is None)"],
  }).output();
  return success;
}

const skip = python === undefined
  ? "HANDRAIL_PEER_PYTHON is not set"
  : await hasPeft()
  ? undefined
  : "the Python of HANDRAIL_PEER_PYTHON has no peft";

for (const changes of [{}, { r: 8, targetModules: ["q_proj", "o_proj"], useRslora: true }]) {
  folderTest(
    `PEFT loads saved adapters and gives their logits: ${JSON.stringify(changes)}`,
    async (folder) => {
      using model = adaptedModel(changes);
      const path = await save(model, folder, join(folder, "base"));
      const script = fileURLToPath(new URL("../parity/lora_peer.py", import.meta.url));
      const child = await new Deno.Command(python!, { args: [script, path, JSON.stringify(ids)] })
        .output();
      assertEquals(child.code, 0, new TextDecoder().decode(child.stderr).slice(-2000));
      const theirs = JSON.parse(new TextDecoder().decode(child.stdout)).flat(2) as number[];
      assertLess(apart(logitsOf(model), theirs), 1e-4);
    },
    skip,
  );
}
