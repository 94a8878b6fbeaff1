/** The same engine on a GPU: skipped where libtorch sees none. */
import { initialize } from "../../ffi/library.ts";
import { generate } from "../../src/engine/generate.ts";
import { loadModel } from "../../src/models/checkpoint.ts";
import { assert, assertAlmostEquals, assertEquals } from "../../src/std/assert.ts";
import { cudaDevices, memory, resetPeakMemory, synchronize } from "../../src/tensor/memory.ts";
import { SafetensorsFile } from "../../src/tensor/safetensors.ts";
import * as ops from "../../src/tensor/ops.ts";
import {
  liveTensors,
  manualSeed,
  rngState,
  scope,
  setRngState,
  tensor,
} from "../../src/tensor/tensor.ts";
import { noGrad } from "../../src/tensor/autograd.ts";
import { parseConfig } from "../../src/training/config.ts";
import { train } from "../../src/training/train.ts";
import { maybeTest } from "../support.ts";
import { smallConfig } from "../training/small_run.ts";

await initialize({ threads: 1 });
const reason = cudaDevices() > 0 ? undefined : "libtorch sees no GPU";
const fixture = new URL("../fixtures/qwen3_tiny/tied/", import.meta.url).pathname;

function cudaTest(name: string, fn: () => void | Promise<void>) {
  maybeTest(`cuda: ${name}`, reason, async () => {
    const before = liveTensors();
    await fn();
    assertEquals(liveTensors(), before, "tensors were left alive");
  });
}

cudaTest("logits equal the CPU's", async () => {
  using cpu = await loadModel(fixture), gpu = await loadModel(fixture, { device: "cuda" });
  const logits = (model: typeof cpu) =>
    noGrad(() =>
      scope(() => {
        const ids = ops.toDevice(
          tensor([[5, 9, 2, 40, 7]], [1, 5], "int64"),
          model.device,
          "int64",
        );
        return { out: ops.linear(model.forward(ids).hidden, model.head).toNumbers() };
      })
    ).out;
  const expected = logits(cpu);
  logits(gpu).forEach((value, i) => assertAlmostEquals(value, expected[i], 1e-3));
});

cudaTest("greedy rollouts equal Transformers'", async () => {
  using model = await loadModel(fixture, { device: "cuda" });
  const { prompts, completions } = JSON.parse(
    Deno.readTextFileSync(`${fixture}reference.json`),
  ).greedy;
  const groups = prompts.map((promptIds: number[]) => ({ promptIds, prefixes: [[]] }));
  const rollouts = generate(model, groups, {
    temperature: 0,
    maxCompletionLength: 64,
    stopIds: [],
  });
  assertEquals(rollouts.map((r) => r.completionIds), completions);
});

cudaTest("random state and memory figures are the device's", () => {
  manualSeed(3);
  scope(() => {
    const state = rngState("cuda");
    const first = ops.rand([8], "float32", "cuda").toNumbers();
    setRngState(state, "cuda");
    assertEquals(ops.rand([8], "float32", "cuda").toNumbers(), first);
    resetPeakMemory("cuda");
    const start = memory("cuda").current;
    ops.zeros([1 << 20], "float32", "cuda");
    synchronize("cuda");
    assert(memory("cuda").current >= start + 2 ** 22 && memory("cuda").peak >= start + 2 ** 22);
  });
});

cudaTest("a whole run, in bfloat16 with master copies", async () => {
  const root = await Deno.makeTempDir({ prefix: "handrail-cuda-" });
  try {
    const config = parseConfig({
      ...smallConfig({ beta: 0.05 }),
      device: "cuda",
      output_dir: root,
    });
    const { ending, folder } = await train(config);
    assertEquals(ending, "finished");
    assertEquals((await train(config, { resume: true })).ending, "already finished");
    using model = await loadModel(`${folder}/final`, { trainable: false });
    assertEquals(model.dtype, "bfloat16");
    using state = new SafetensorsFile(`${folder}/final/optimizer.safetensors`);
    assertEquals(state.entries.get("master.model.norm.weight")?.dtype, "float32");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

cudaTest("a whole run of LoRA adapters", async () => {
  const root = await Deno.makeTempDir({ prefix: "handrail-cuda-" });
  try {
    const warm = parseConfig({ ...smallConfig(), device: "cuda", output_dir: root });
    const { folder } = await train(warm, { sftOnly: true });
    const config = parseConfig({
      ...smallConfig({ beta: 0.05, sft: { steps: 0 }, run_name: "lora" }),
      model: { path: `${folder}/final`, use_peft: true, lora_r: 4 },
      device: "cuda",
      output_dir: root,
    });
    assertEquals((await train(config)).ending, "finished");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
