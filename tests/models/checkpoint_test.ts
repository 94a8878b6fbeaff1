import { fileURLToPath } from "node:url";
import { loadModel, saveModel } from "../../src/models/checkpoint.ts";
import { ModelError } from "../../src/models/config_reader.ts";
import { modelPresets } from "../../src/models/presets.ts";
import { qwen3 } from "../../src/models/qwen3.ts";
import { randomModel } from "../../src/models/random.ts";
import { planModel } from "../../src/models/registry.ts";
import { noGrad } from "../../src/tensor/autograd.ts";
import { memory } from "../../src/tensor/memory.ts";
import * as ops from "../../src/tensor/ops.ts";
import { SafetensorsFile, writeSafetensors } from "../../src/tensor/safetensors.ts";
import { scope, type Tensor, tensor } from "../../src/tensor/tensor.ts";
import {
  assert,
  assertEquals,
  assertLess,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "../../src/std/assert.ts";
import { folderTest, tensorTest } from "../tensors.ts";

const fixture = (kind: string) =>
  fileURLToPath(new URL(`../fixtures/qwen3_tiny/${kind}`, import.meta.url));

const bitsOf = (parameters: ReadonlyMap<string, Tensor>) =>
  new Map(Array.from(parameters, ([name, t]) => [name, t.toTypedArray()]));

for (const kind of ["tied", "untied"]) {
  folderTest(`load, save, load gives equal bits (${kind})`, async (folder) => {
    using model = await loadModel(fixture(kind));
    saveModel(model, folder, { eosTokenId: 1, padTokenId: 0 });
    using again = await loadModel(folder);
    assertEquals(bitsOf(again.parameters), bitsOf(model.parameters));
    assertEquals(again.hfConfig, model.hfConfig);
    const json = JSON.parse(await Deno.readTextFile(`${folder}/generation_config.json`));
    assertEquals(json, { eos_token_id: 1, pad_token_id: 0 });
    using file = new SafetensorsFile(`${folder}/model.safetensors`);
    assertEquals(file.entries.has("lm_head.weight"), kind === "untied");
    assertEquals({ ...file.metadata }, { format: "pt" });
  });
}

folderTest(
  "a bfloat16 model is saved and loaded as such, and converted when asked",
  async (folder) => {
    using model = randomModel(modelPresets.arithmetic, { seed: 1, dtype: "bfloat16" });
    saveModel(model, folder, { eosTokenId: null, padTokenId: null });
    using same = await loadModel(folder);
    assertEquals(same.dtype, "bfloat16");
    assertEquals(bitsOf(same.parameters), bitsOf(model.parameters));
    using wide = await loadModel(folder, { dtype: "float32" });
    assertEquals(
      [...wide.parameters.values()].map((t) => t.dtype),
      [...wide.parameters].map(() => "float32"),
    );
  },
);

Deno.test("config.json is read in both forms", async () => {
  const read = async (kind: string) =>
    qwen3.read(JSON.parse(await Deno.readTextFile(`${fixture(kind)}/config.json`)));
  const [old, recent] = [await read("tied"), await read("untied")];
  assertEquals([old.rope.theta, recent.rope.theta], [1e6, 1e6]);
  assertEquals({ ...old, tieWordEmbeddings: false }, recent);
});

Deno.test("what a config.json asks for and is not supported is refused by name", () => {
  const sound = modelPresets.arithmetic;
  const cases: [Record<string, unknown>, string][] = [
    [{ model_type: "gpt2" }, 'model_type "gpt2" is not supported: supported are'],
    [{ model_type: undefined }, "model_type null"],
    [{ model_type: "toString" }, "toString"],
    [{ architectures: ["Qwen3ForSequenceClassification"] }, "Qwen3ForSequenceClassification"],
    [
      { rope_scaling: { type: "longrope", factor: 4 } },
      `'rope_scaling.type' must be one of "default"`,
    ],
    [{ rope_parameters: { rope_type: "su" } }, "'rope_parameters.rope_type' must be one of"],
    [{ rope_parameters: { rope_type: "toString" } }, '"toString"'],
    [{ rope_parameters: { rope_type: "linear" } }, "'rope_parameters.factor' must be a positive"],
    [
      { rope_parameters: { full_attention: { rope_theta: 1 } } },
      "'rope_parameters.full_attention'",
    ],
    [{ rope_parameters: { rope_type: "dynamic", factor: -1 } }, "'rope_parameters.factor'"],
    [{ rope_parameters: { rope_theta: 1e4, partial_rotary_factor: 0.5 } }, "partial_rotary_factor"],
    [{ rope_parameters: { rope_type: "yarn", factor: 2, beta_fast: "x" } }, "beta_fast"],
    [
      {
        rope_parameters: {
          rope_type: "llama3",
          factor: 8,
          low_freq_factor: 4,
          high_freq_factor: 1,
        },
      },
      "'rope_parameters.high_freq_factor' must be above low_freq_factor (4): it is 1",
    ],
    [{ rope_parameters: 3 }, "'rope_parameters' must be an object"],
    [{ partial_rotary_factor: 0.5 }, "'partial_rotary_factor' must be 1"],
    [{ rope_theta: -1 }, "'rope_theta' must be a positive number"],
    [{ hidden_act: "gelu" }, "'hidden_act' must be"],
    [{ attention_dropout: 0.1 }, "'attention_dropout' must be 0"],
    [{ attention_bias: "no" }, "'attention_bias'"],
    [{ quantization_config: { bits: 4 } }, "'quantization_config' must be absent"],
    [
      { use_sliding_window: true, sliding_window: 64, max_window_layers: 1 },
      "'use_sliding_window'",
    ],
    [{ layer_types: ["full_attention", "sliding_attention"] }, "'layer_types'"],
    [{ layer_types: ["full_attention"] }, "'layer_types'"],
    [{ model_type: "llama", head_dim: null, hidden_size: 90 }, "'hidden_size' must be a multiple"],
    [{ model_type: "llama", pretraining_tp: 2 }, "'pretraining_tp' must be 1"],
    [{ model_type: "llama", mlp_bias: 1 }, "'mlp_bias'"],
    [{ vocab_size: 0 }, "'vocab_size' must be a positive integer: it is 0"],
    [{ hidden_size: undefined }, "'hidden_size' must be a positive integer: it is null"],
    [{ num_hidden_layers: 1e12 }, "'num_hidden_layers' must be at most 10000"],
    [{ num_key_value_heads: 3 }, "'num_attention_heads' must be"],
    [{ head_dim: 7 }, "'head_dim' must be"],
    [{ tie_word_embeddings: "yes" }, "'tie_word_embeddings'"],
  ];
  for (const [change, want] of cases) {
    const { message } = assertThrows(() => planModel({ ...sound, ...change }), ModelError);
    assertStringIncludes(message, want);
  }
});

folderTest("missing, unexpected and misshapen tensors are all in one error", async (folder) => {
  await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify(modelPresets.arithmetic));
  using model = randomModel(modelPresets.arithmetic, { seed: 1 });
  scope(() => {
    const wrong = new Map(model.parameters);
    wrong.delete("model.layers.1.mlp.up_proj.weight");
    wrong.set("model.norm.weight", ops.ones([95]));
    wrong.set("model.layers.0.self_attn.q_norm.weight", ops.ones([24], "int64"));
    wrong.set("extra.weight", ops.ones([1]));
    writeSafetensors(`${folder}/model.safetensors`, wrong);
  });
  const { message } = await assertRejects(() => loadModel(folder), ModelError);
  for (
    const want of [
      `${folder}/model.safetensors`,
      "missing model.layers.1.mlp.up_proj.weight",
      "model.norm.weight has shape [95], the config asks for [96]",
      "q_norm.weight has dtype int64",
      "unexpected extra.weight",
    ]
  ) assertStringIncludes(message, want);
});

folderTest("a folder without a model says which file is missing", async (folder) => {
  await assertRejects(() => loadModel(folder), ModelError, `${folder}/config.json`);
  await Deno.writeTextFile(`${folder}/config.json`, "{");
  await assertRejects(() => loadModel(folder), ModelError, "no JSON");
  await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify(modelPresets.arithmetic));
  await assertRejects(() => loadModel(folder), Error, "model.safetensors");
});

folderTest(
  "a model that only reads shares the mapped file, one that is trained owns its memory",
  async (folder) => {
    let bytes = 0;
    {
      using model = randomModel(modelPresets.tiny, { seed: 1 });
      for (const t of model.parameters.values()) bytes += t.size * 4;
      saveModel(model, folder, { eosTokenId: null, padTokenId: null });
    }
    const before = memory().current;
    {
      using model = await loadModel(folder, { trainable: false });
      assertEquals(memory().current, before);
      assert([...model.parameters.values()].every((t) => !t.requiresGrad));
    }
    const path = `${folder}/model.safetensors`, file = await Deno.readFile(path);
    {
      using model = await loadModel(folder);
      assertEquals(memory().current - before, bytes);
      assert([...model.parameters.values()].every((t) => t.requiresGrad));
      noGrad(() => {
        for (const t of model.parameters.values()) ops.zeroInPlace(t);
      });
      assertEquals(await Deno.readFile(path), file);
    }
    assertEquals(memory().current, before);
  },
);

for (const preset of ["arithmetic", "tiny"] as const) {
  tensorTest(`a random ${preset} model has the stated deviations, by seed`, () => {
    const config = modelPresets[preset];
    using model = randomModel(config, { seed: 5 });
    using same = randomModel(config, { seed: 5 });
    using other = randomModel(config, { seed: 6 });
    assertEquals(bitsOf(same.parameters), bitsOf(model.parameters));
    const layers = config.num_hidden_layers as number;
    for (const [name, t] of model.parameters) {
      assert(t.requiresGrad);
      if (t.shape.length === 1) {
        assertEquals(new Set(t.toNumbers()), new Set([1]), name);
        continue;
      }
      assert(!ops.equal(t, other.parameters.get(name)!), name);
      let want = t.shape[1] ** -0.5;
      if (/o_proj|down_proj/.test(name)) want /= Math.sqrt(2 * layers);
      if (/embed/.test(name)) want = (config.initializer_range as number | undefined) ?? 0.02;
      const deviation = Math.sqrt(ops.item(ops.varDim(t)));
      // Four standard errors of a deviation from n normal samples.
      assertLess(Math.abs(deviation / want - 1), 4 / Math.sqrt(2 * t.size), name);
      assertLess(Math.abs(ops.item(ops.mean(t))), 4 * want / Math.sqrt(t.size), name);
    }
  });
}

const python = Deno.env.get("HANDRAIL_PEER_PYTHON");
for (const kind of ["arithmetic", "untied"]) {
  folderTest(
    `Transformers loads a saved ${kind} model and gives its logits`,
    async (folder) => {
      using model = kind === "untied"
        ? await loadModel(fixture(kind))
        : randomModel(modelPresets.arithmetic, { seed: 3 });
      saveModel(model, folder, { eosTokenId: 1, padTokenId: 0 });
      const ids = [[3, 5, 7, 2, 9, 11, 4], [8, 8, 1, 0, 6, 12, 13]];
      const script = fileURLToPath(new URL("../parity/logits_peer.py", import.meta.url));
      const child = await new Deno.Command(python!, {
        args: [script, folder, JSON.stringify(ids)],
      }).output();
      assertEquals(child.code, 0, new TextDecoder().decode(child.stderr).slice(-2000));
      const theirs = JSON.parse(new TextDecoder().decode(child.stdout)) as number[][][];
      scope(() => {
        const { hidden } = model.forward(tensor(ids, undefined, "int64"));
        const ours = ops.linear(hidden, model.head);
        const error = ops.item(ops.amax(ops.reshape(ops.abs(ops.sub(ours, tensor(theirs))), [-1])));
        assertLess(error, 1e-4);
      });
    },
    python ? undefined : "HANDRAIL_PEER_PYTHON is not set",
  );
}
