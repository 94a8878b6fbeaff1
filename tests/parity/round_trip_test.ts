import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { initialize } from "../../ffi/library.ts";
import { assert, assertEquals, assertLess } from "../../src/std/assert.ts";
import { liveTensors } from "../../src/tensor/tensor.ts";
import { maybeTest } from "../support.ts";
import { exists } from "../../src/models/peft.ts";
import { trainAndSave, writeLogits } from "./round_trip.ts";
import { trainSteps } from "./round_trip_train.ts";

const python = Deno.env.get("HANDRAIL_PEER_PYTHON");

async function peer(...args: string[]): Promise<string> {
  const script = fileURLToPath(new URL("round_trip.py", import.meta.url));
  const { code, stdout, stderr } = await new Deno.Command(python!, { args: [script, ...args] })
    .output();
  assertEquals(code, 0, new TextDecoder().decode(stderr).slice(-2000));
  return new TextDecoder().decode(stdout);
}

/** Runs steps on a checkpoint of each of round_trip.py's cases, and checks that no tensor outlives them. */
async function eachCase(
  context: Deno.TestContext,
  step: (before: string, folder: string) => Promise<void>,
): Promise<void> {
  await initialize({ threads: 1 });
  const folder = await Deno.makeTempDir(), alive = liveTensors();
  try {
    await peer("make", folder);
    const cases = Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
    assertEquals(cases, ["llama", "llama-llama3", "qwen2", "qwen3"]);
    for (const name of cases) await context.step(name, () => step(join(folder, name), folder));
    assertEquals(liveTensors(), alive);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const skipped = python ? undefined : "HANDRAIL_PEER_PYTHON is not set";

maybeTest(
  "checkpoints of Transformers are loaded, trained, saved in shards, and give Transformers equal logits",
  skipped,
  (context) =>
    eachCase(context, async (before) => {
      const after = `${before}.after`;
      await trainAndSave(before, after);
      await writeLogits(after);
      const figures = JSON.parse(await peer("check", before, after));
      assertLess(figures.max_logit_difference, 1e-4);
      assert(figures.max_weight_change > 1e-3);
      const kept = JSON.parse(await Deno.readTextFile(join(after, "generation_config.json")));
      assertEquals(kept.eos_token_id.length, 2);
    }),
);

const gsm8k = fileURLToPath(
  new URL("../../../shared/data/math/gsm8k_train.jsonl.gz", import.meta.url),
);

maybeTest(
  "three G²RPO-A steps on checkpoints of Transformers leave folders that give it equal logits",
  skipped,
  (context) =>
    eachCase(context, async (before, folder) => {
      const data = await exists(gsm8k) ? gsm8k : null;
      const { final, steps } = await trainSteps(before, join(folder, "runs"), data);
      assertEquals(steps.map(({ step }) => step), [1, 2, 3]);
      assert(steps.some(({ grad_norm }) => grad_norm > 0), "no step had an advantage");
      for (const figures of steps) {
        assertLess(figures["sampling/sampling_logp_difference/max"], 1e-4);
      }
      const figures = JSON.parse(await peer("check", before, final));
      assertLess(figures.max_logit_difference, 1e-4);
      assert(figures.max_weight_change > 1e-3);
    }),
);
