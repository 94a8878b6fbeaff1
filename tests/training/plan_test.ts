import { assertEquals, assertRejects } from "../../src/std/assert.ts";
import { ConfigError, parseConfig } from "../../src/training/config.ts";
import { planRun } from "../../src/training/plan.ts";

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
  assertEquals(plan, {
    parameters,
    sftSteps: 0,
    steps: 100,
    problems: 4,
    numGenerations: 7,
    guided: 4,
    maxTokensPerStep: 280,
    passes: 1,
    memory: { weights: 8 * parameters, gradients: 4 * parameters, optimizer: 8 * parameters },
  });
});

Deno.test("a plan names the folder that has no model", async () => {
  await assertRejects(
    () => planRun(parseConfig({ model: { path: "nowhere" } })),
    ConfigError,
    "'nowhere/config.json' cannot be read",
  );
});
