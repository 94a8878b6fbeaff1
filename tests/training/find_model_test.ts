import { join } from "node:path";
import { assertEquals, assertStringIncludes, assertThrows } from "../../src/std/assert.ts";
import {
  newestModel,
  NoModelError,
  resolveModel,
  runConfigOf,
} from "../../src/training/find_model.ts";

async function inFolder(fn: (runs: string) => void | Promise<void>): Promise<void> {
  const runs = await Deno.makeTempDir();
  try {
    await fn(runs);
  } finally {
    await Deno.remove(runs, { recursive: true });
  }
}

/** A folder that looks like a model's, made so many seconds ago. */
function makeModel(folder: string, age: number): void {
  Deno.mkdirSync(folder, { recursive: true });
  Deno.writeTextFileSync(join(folder, "config.json"), "{}");
  const time = Date.now() / 1000 - age;
  Deno.utimeSync(folder, time, time);
}

Deno.test("the newest final model is found, and a checkpoint only without any", () =>
  inFolder((runs) => {
    const error = assertThrows(() => newestModel(runs), NoModelError);
    assertStringIncludes(error.message, "deno task train");
    makeModel(join(runs, "a", "checkpoints", "sft-000700"), 10);
    makeModel(join(runs, "a", "checkpoints", "step-000050"), 20);
    makeModel(join(runs, "b", "checkpoints", "step-000100"), 30);
    makeModel(join(runs, "b", "checkpoints", ".step-000200.tmp"), 1);
    assertEquals(newestModel(runs), join(runs, "a", "checkpoints", "step-000050"));
    makeModel(join(runs, "c", "final"), 50);
    makeModel(join(runs, "d", "final"), 40);
    assertEquals(newestModel(runs), join(runs, "d", "final"));
  }));

Deno.test("a run's folder means its final model, else its last checkpoint", () =>
  inFolder((runs) => {
    const run = join(runs, "a");
    makeModel(join(run, "checkpoints", "step-000050"), 0);
    makeModel(join(run, "checkpoints", "step-000100"), 10);
    assertEquals(resolveModel(run), join(run, "checkpoints", "step-000100"));
    makeModel(join(run, "final"), 0);
    assertEquals(resolveModel(run), join(run, "final"));
    assertEquals(resolveModel(join(run, "final")), join(run, "final"));
    assertThrows(() => resolveModel(runs), NoModelError, "Cannot find a model");
  }));

Deno.test("the config of the run in which a model lies", () =>
  inFolder((runs) => {
    const run = join(runs, "a");
    makeModel(join(run, "final"), 0);
    makeModel(join(run, "checkpoints", "step-000050"), 0);
    makeModel(join(run, "elsewhere"), 0);
    assertEquals(runConfigOf(join(run, "final")), undefined);
    Deno.writeTextFileSync(join(run, "config.yaml"), "");
    assertEquals(runConfigOf(join(run, "final")), join(run, "config.yaml"));
    assertEquals(runConfigOf(join(run, "checkpoints", "step-000050")), join(run, "config.yaml"));
    assertEquals(runConfigOf(join(run, "elsewhere")), undefined);
  }));

Deno.test("a folder of LoRA adapters is a model's too", () =>
  inFolder((runs) => {
    const final = join(runs, "lora", "final");
    Deno.mkdirSync(final, { recursive: true });
    Deno.writeTextFileSync(join(final, "adapter_config.json"), "{}");
    assertEquals(resolveModel(final), final);
    assertEquals(resolveModel(join(runs, "lora")), final);
    assertEquals(newestModel(runs), final);
  }));
