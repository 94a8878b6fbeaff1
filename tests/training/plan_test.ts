import { groupAdvantages } from "../../src/algorithms/advantages.ts";
import { generate } from "../../src/engine/generate.ts";
import { createController } from "../../src/guidance/registry.ts";
import { createAdapters } from "../../src/models/lora.ts";
import { modelPresets } from "../../src/models/presets.ts";
import { randomModel } from "../../src/models/random.ts";
import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "../../src/std/assert.ts";
import { type DType } from "../../src/tensor/dtype.ts";
import { memory, resetPeakMemory } from "../../src/tensor/memory.ts";
import { liveTensors } from "../../src/tensor/tensor.ts";
import { initialState } from "../../src/training/checkpoint.ts";
import {
  type Config,
  ConfigError,
  controllerSpec,
  loraSettings,
  parseConfig,
} from "../../src/training/config.ts";
import { memoryTrouble } from "../../src/training/machine.ts";
import { AdamW } from "../../src/training/optimizer.ts";
import { planRun, totalMemory } from "../../src/training/plan.ts";
import { problemsPerStep } from "../../src/training/problems.ts";
import { type Run } from "../../src/training/run.ts";
import { referenceLogProbs, updatePolicy } from "../../src/training/update.ts";
import { initialize } from "../../ffi/library.ts";

Deno.test("a plan is worked out from the config's numbers", async () => {
  const plan = await planRun(parseConfig({
    per_device_train_batch_size: 14,
    gradient_accumulation_steps: 2,
    num_generations: 7,
    max_completion_length: 10,
    guidance: { ratio: 0.5, length: 5 },
    beta: 0.1,
  }));
  // 24·96 embeddings; a layer: 2·96 norms, 2·24 norms of q and k, q and o 96·96, k and v 96·48,
  // gate, up and down 96·256; a last norm of 96. The head is tied.
  const parameters = 24 * 96 + 2 * (2 * 96 + 2 * 24 + 2 * 96 * 96 + 2 * 96 * 48 + 3 * 96 * 256) +
    96;
  const { memory, ...counts } = plan;
  assertEquals(counts, {
    parameters,
    trainable: parameters,
    dtype: "float32",
    sftSteps: 0,
    steps: 100,
    problems: 4,
    numGenerations: 7,
    guided: 4,
    maxTokensPerStep: 280,
    passes: 1,
  });
  assertEquals(memory.weights, 8 * parameters); // with a reference
  assertEquals(memory.gradients, 4 * parameters);
  assertEquals(memory.optimizer, 8 * parameters);
});

const model = { preset: "small", path: null } as const;
const small = { data: { path: "x.jsonl" }, max_completion_length: 100, max_length: 200 };

Deno.test("bfloat16 halves weights and keeps master copies; LoRA trains little and needs no reference", async () => {
  const plain = await planRun(parseConfig({ ...small, model, beta: 0.1 }));
  const low = await planRun(parseConfig({ ...small, model, beta: 0.1 }), { device: "cuda" });
  assertEquals(low.dtype, "bfloat16");
  assertEquals(low.memory.weights, plain.memory.weights / 2);
  assertEquals(low.memory.optimizer, plain.memory.optimizer * 1.5); // two moments and the masters

  const settings = { use_peft: true, lora_r: 4, lora_target_modules: ["q_proj"] };
  // planRun reads config.json alone, so a folder with one is enough.
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify(modelPresets.small));
    const lora = await planRun(
      parseConfig({ ...small, model: { path: folder, ...settings }, beta: 0.1 }),
    );
    assertEquals(lora.trainable, 8 * 4 * (512 + 512)); // 8 layers, r (in + out)
    const base = plain.parameters + (32000 - 4096) * 512; // the preset's own vocabulary
    assertEquals(lora.memory.weights, 4 * (base + lora.trainable));
    assertEquals(lora.memory.optimizer, 8 * lora.trainable);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the cache is that of all rollouts at their longest, activations those of a micro-batch", async () => {
  const plan = (overrides: Record<string, unknown>) =>
    planRun(parseConfig({ ...small, model, eval: { batch_size: 1 }, ...overrides }));
  const one = await plan({ per_device_train_batch_size: 8 });
  const two = await plan({ per_device_train_batch_size: 8, gradient_accumulation_steps: 2 });
  // Rows, columns, layers, k and v, 2 heads of 64, bytes.
  assert(two.memory.cache - one.memory.cache > 8 * 200 * 8 * 2 * 128 * 4);
  assertEquals(two.memory.activations, one.memory.activations);
  const apart = await plan({
    per_device_train_batch_size: 8,
    gradient_accumulation_steps: 2,
    rollout_batch_size: 8,
  });
  assertEquals(apart.memory.cache, one.memory.cache); // half of the rollouts at a time
  const recomputed = await plan({
    per_device_train_batch_size: 8,
    model: { ...model, gradient_checkpointing: true },
  });
  assert(recomputed.memory.activations < one.memory.activations / 2);
});

/** The most bytes that sampling and the update of one step take, every row at its longest. */
async function countedPeak(config: Config, shape: Record<string, unknown>): Promise<number> {
  const { dtype, use_peft } = config.model;
  const prompt = config.data.max_prompt_length!, given = config.guidance.max_length!;
  resetPeakMemory();
  const before = memory().current;
  using policy = randomModel(shape, { seed: 1, dtype: dtype as DType });
  using reference = use_peft ? null : randomModel(shape, { seed: 2, dtype: dtype as DType });
  if (use_peft) {
    policy.attach(createAdapters(policy.parameters, loraSettings(config.model), { seed: 1 }));
  }
  using optimizer = new AdamW(policy.trainable, { betas: [0.9, 0.99], eps: 1e-8, weightDecay: 0 });
  const ids = (length: number) => Array.from({ length }, (_, i) => i % 1000);
  const groups = Array.from({ length: problemsPerStep(config) }, () => ({
    promptIds: ids(prompt),
    prefixes: Array.from({ length: config.num_generations }, (_, i) => ids(i % 2 * given)),
  }));
  const rollouts = generate(policy, groups, {
    temperature: 1,
    maxCompletionLength: config.max_completion_length,
    stopIds: [],
  });
  // All of a run that an update looks at.
  const run = {
    config,
    policy,
    optimizer,
    reference: reference ?? policy.withoutAdapters(),
  } as Run;
  updatePolicy(
    initialState("rl", createController(controllerSpec(config))),
    run,
    rollouts,
    groupAdvantages(rollouts.map((_, i) => i % 2), { numGenerations: 4, scaleRewards: "group" }),
    await referenceLogProbs(run, rollouts),
  );
  return memory().peak - before;
}

for (const dtype of ["float32", "bfloat16"]) {
  for (const use_peft of [false, true]) {
    for (const gradient_checkpointing of [false, true]) {
      const name = `${dtype}${use_peft ? ", LoRA" : ""}${
        gradient_checkpointing ? ", recomputed" : ""
      }`;
      Deno.test(`the plan holds what a step takes, and not much more: ${name}`, async () => {
        await initialize({ threads: 1 });
        const folder = await Deno.makeTempDir();
        try {
          await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify(modelPresets.tiny));
          const config = parseConfig({
            model: {
              path: folder,
              dtype,
              gradient_checkpointing,
              ...(use_peft ? { use_peft, lora_dropout: 0.1 } : {}),
            },
            data: { path: "x.jsonl", max_prompt_length: 64 },
            guidance: { ratio: 0.5, length: 16, max_length: 32 },
            num_generations: 4,
            per_device_train_batch_size: 8,
            gradient_accumulation_steps: 2,
            num_iterations: 2,
            max_completion_length: 96,
            beta: 0.1,
            eval: { num_problems: 4 },
          });
          const alive = liveTensors();
          const peak = await countedPeak(config, modelPresets.tiny);
          assertEquals(liveTensors(), alive);
          const planned = totalMemory((await planRun(config)).memory);
          assertGreaterOrEqual(planned, peak);
          assertLess(planned, 1.5 * peak);
        } finally {
          await Deno.remove(folder, { recursive: true });
        }
      });
    }
  }
}

Deno.test("what does not fit is said, with the way out", async () => {
  const plan = await planRun(parseConfig({ ...small, model }));
  const held = plan.memory.weights + plan.memory.gradients + plan.memory.optimizer;
  assertEquals(memoryTrouble(plan, null), null);
  assertEquals(memoryTrouble(plan, 1e12), null);
  const never = memoryTrouble(plan, held - 1)!;
  assertEquals(never.kind, "never");
  assertStringIncludes(never.text, "--model.use_peft");
  const most = memoryTrouble(plan, held + 1)!;
  assertEquals(most.kind, "at most");
  assertStringIncludes(
    most.text,
    plan.memory.cache > plan.memory.activations ? "eval.batch_size" : "gradient",
  );
});

Deno.test("steps that follow from epochs are left open", async () => {
  const plan = await planRun(
    parseConfig({ ...small, model, num_train_epochs: 5, sft: { num_train_epochs: 1 } }),
  );
  assertEquals([plan.steps, plan.sftSteps], [null, null]);
});

Deno.test("a plan names the folder that has no model", async () => {
  await assertRejects(
    () => planRun(parseConfig({ model: { path: "nowhere" } })),
    ConfigError,
    "hf download",
  );
});
