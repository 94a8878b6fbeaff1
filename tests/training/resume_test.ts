/**
 * A run killed at any moment and resumed ends with the bits of one left alone. `HANDRAIL_KILLS` sets how many kills
 * are tried (4 in the suite).
 */
import { join } from "node:path";
import { prepareShim } from "../../ffi/prepare.ts";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "../../src/std/assert.ts";
import { Random } from "../../src/data/random.ts";
import { mergeOverrides, parseConfig } from "../../src/training/config.ts";
import { train } from "../../src/training/train.ts";
import { initialize } from "../../ffi/library.ts";
import { saveModel } from "../../src/models/checkpoint.ts";
import { modelPresets } from "../../src/models/presets.ts";
import { randomModel } from "../../src/models/random.ts";
import { arithmeticTokenizer } from "../../src/tokenizer/arithmetic.ts";
import { sumRows, writeRows } from "./problem_file.ts";
import { smallOverrides } from "./small_run.ts";

const child = new URL("./train_child.ts", import.meta.url).pathname;
const kills = Number(Deno.env.get("HANDRAIL_KILLS") ?? 4);

function configOf(outputDir: string): Record<string, unknown> {
  return mergeOverrides(smallOverrides, { output_dir: outputDir, beta: 0.02, eval: { steps: 2 } });
}

function spawn(config: Record<string, unknown>): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      "--allow-read",
      "--allow-write",
      "--allow-env",
      "--allow-run",
      "--allow-ffi",
      child,
      JSON.stringify(config),
    ],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function finish(config: Record<string, unknown>): Promise<void> {
  const { success, stderr } = await spawn(config).output();
  assert(success, new TextDecoder().decode(stderr));
}

/** Everything a run leaves that must be the same: files by name, without times and places. */
async function ending(folder: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const walk = async (at: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(at)) {
      const path = join(at, name);
      if (isDirectory) await walk(path);
      else files.set(path.slice(folder.length), await digest(path));
    }
  };
  await walk(folder);
  return files;
}

async function digest(path: string): Promise<string> {
  let bytes = Deno.readFileSync(path);
  if (/\.jsonl$|training_state\.json$|config\.yaml$/.test(path)) {
    const text = new TextDecoder().decode(bytes)
      .replace(/"(step_time|time\/[^"]*|perf\/[^"]*|memory\/[^"]*)":[^,}]*,?/g, "")
      .replace(/"(sft|metrics|eval)\.jsonl": \d+/g, "") // bytes of logs, which hold times
      .replace(/output_dir: .*/g, "");
    bytes = new TextEncoder().encode(text);
  }
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (b) => b.toString(16).padStart(2, "0")).join("");
}

/** Kills a run `count` times, each from its beginning, and compares what it ends with after its resume. */
async function killAndCompare(
  configIn: (folder: string) => Record<string, unknown>,
  count: number,
  weights: string,
): Promise<void> {
  await prepareShim();
  const root = await Deno.makeTempDir({ prefix: "handrail-kill-" });
  try {
    const alone = join(root, "alone");
    const started = performance.now();
    await finish(configIn(alone));
    const duration = performance.now() - started;
    const expected = await ending(join(alone, "run"));
    assert(expected.has(`/final/${weights}`) && expected.has("/final/optimizer.safetensors"));
    const seed = Number(Deno.env.get("HANDRAIL_SEED") ?? 1);
    const random = new Random(seed, "kills");
    for (let i = 0; i < count; i++) {
      const output = join(root, `killed-${i}`);
      const process = spawn(configIn(output));
      // From a third of the run on: before that nothing is written yet.
      const wait = duration * (0.3 + 0.7 * random.uniform());
      const timer = setTimeout(() => {
        try {
          process.kill("SIGKILL");
        } catch {
          // It had ended by itself.
        }
      }, wait);
      await process.output();
      clearTimeout(timer);
      await finish(configIn(output));
      assertEquals(await ending(join(output, "run")), expected, `killed after ${wait} ms`);
      await Deno.remove(output, { recursive: true });
    }
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test(`${kills} runs killed at random moments end as one left alone`, () =>
  killAndCompare(configOf, kills, "model.safetensors"));

Deno.test("so does a run on a data set, with a tokenizer of its own and bfloat16 weights", async () => {
  const data = await Deno.makeTempDir({ prefix: "handrail-data-" });
  const path = writeRows(data, "sums.jsonl", sumRows(60));
  try {
    await killAndCompare(
      (output_dir) =>
        mergeOverrides(smallOverrides, {
          output_dir,
          model: { preset: "tiny", vocab_size: 320, dtype: "bfloat16" },
          data: { path, tiers: [1] },
          sft: { steps: 2, num_problems: 20 },
          max_steps: 3,
          eval: { num_problems: 4 },
          gradient_accumulation_steps: 2,
          per_device_train_batch_size: 4,
        }),
      Math.ceil(kills / 4),
      "tokenizer.json",
    );
  } finally {
    await Deno.remove(data, { recursive: true });
  }
});

Deno.test("so does a run of LoRA adapters with dropout and a KL term", async () => {
  await initialize({ threads: 1 });
  const base = await Deno.makeTempDir({ prefix: "handrail-base-" });
  try {
    using model = randomModel(modelPresets.arithmetic, { seed: 7 });
    saveModel(model, base, { eosTokenId: 1, padTokenId: 0 });
    await arithmeticTokenizer().save(base);
    await killAndCompare(
      (output_dir) =>
        mergeOverrides(smallOverrides, {
          output_dir,
          model: { path: base, use_peft: true, lora_r: 4, lora_dropout: 0.2 },
          beta: 0.02,
        }),
      Math.ceil(kills / 4),
      "adapter_model.safetensors",
    );
  } finally {
    await Deno.remove(base, { recursive: true });
  }
});

Deno.test("a run is never overwritten, a resume fits or is refused", async () => {
  const root = await Deno.makeTempDir({ prefix: "handrail-runs-" });
  try {
    const base = mergeOverrides(smallOverrides, {
      output_dir: root,
      sft: { steps: 2 },
      max_steps: 2,
    });
    const config = parseConfig(base);
    const first = await train(config);
    assertEquals(first.ending, "finished");
    assertEquals(first.folder, join(root, "run"));
    assertEquals(first.evaluations.map(({ step }) => step), [0, 2]);

    const again = await train(config, { resume: true });
    assertEquals(again.ending, "already finished");
    assertEquals(again.evaluations, first.evaluations);

    const other = parseConfig(
      mergeOverrides(base, { learning_rate: 0.5, guidance: { length: 3 } }),
    );
    const refusal = await assertRejects(() => train(other, { resume: true }), Error);
    assertStringIncludes(refusal.message, "learning_rate was 0.001, now 0.5");
    assertStringIncludes(refusal.message, "guidance.length was 6, now 3");

    const second = await train(config);
    assertEquals(second.folder, join(root, "run-2"));
    assertEquals(
      await ending(join(root, "run-2")),
      await ending(join(root, "run")),
      "the same config and seed give the same bits",
    );
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("a warm start that ended alone is gone on with", async () => {
  const root = await Deno.makeTempDir({ prefix: "handrail-sft-" });
  try {
    const config = (output_dir: string) =>
      parseConfig(mergeOverrides(smallOverrides, { output_dir, sft: { steps: 2 }, max_steps: 2 }));
    const straight = await train(config(join(root, "a")));
    const first = await train(config(join(root, "b")), { sftOnly: true });
    assertEquals(first.evaluations, []);
    const again = await train(config(join(root, "b")), { sftOnly: true, resume: true });
    assertEquals(again.ending, "already finished");
    const whole = await train(config(join(root, "b")), { resume: true });
    assertEquals(whole.ending, "finished");
    assertEquals(await ending(whole.folder), await ending(straight.folder));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("what cannot be loaded leaves no folder, a folder in use is left alone", async () => {
  const root = await Deno.makeTempDir({ prefix: "handrail-lock-" });
  try {
    const wrong = { output_dir: root, model: { path: join(root, "nothing") } };
    await assertRejects(() => train(parseConfig(wrong)), Error, "nothing");
    const tooLong = mergeOverrides(smallOverrides, { output_dir: root, max_length: 1000 });
    await assertRejects(() => train(parseConfig(tooLong)), Error, "'max_length' must be at most");
    assertEquals([...Deno.readDirSync(root)], []);

    const base = mergeOverrides(smallOverrides, {
      output_dir: root,
      sft: { steps: 2 },
      max_steps: 2,
    });
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    let refusal: unknown;
    const reporter = {
      step: () => {
        refusal ??= train(parseConfig(base), { resume: true }).catch((error) => error);
      },
    };
    await train(parseConfig(base), { reporter });
    clearInterval(timer);
    assertStringIncludes(String(await refusal), "another process is training there");
    assert(ticks > 1, "timers of the same process go on between steps");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("what a kill left half-written is swept, and the last whole checkpoint taken", async () => {
  const root = await Deno.makeTempDir({ prefix: "handrail-torn-" });
  try {
    const base = mergeOverrides(smallOverrides, {
      output_dir: root,
      sft: { steps: 2 },
      max_steps: 2,
    });
    const { folder } = await train(parseConfig(base));
    const expected = await ending(folder);
    // As if killed while the final checkpoint was being made: its folder not renamed, the logs already longer.
    await Deno.rename(join(folder, "final"), join(folder, "checkpoints", ".final.tmp"));
    await Deno.truncate(join(folder, "checkpoints", ".final.tmp", "model.safetensors"), 1000);
    await train(parseConfig(base), { resume: true });
    assertEquals(await ending(folder), expected);

    // A checkpoint that was damaged from outside is named, with the way out.
    await Deno.rename(join(folder, "final"), join(folder, "kept"));
    const newest = [...Deno.readDirSync(join(folder, "checkpoints"))].map(({ name }) => name).sort()
      .at(-1)!;
    const moments = join(folder, "checkpoints", newest, "optimizer.safetensors");
    const whole = await Deno.readFile(moments);
    await Deno.truncate(moments, 100);
    const damaged = await assertRejects(() => train(parseConfig(base), { resume: true }), Error);
    assertStringIncludes(damaged.message, `${newest}': `);
    assertStringIncludes(damaged.message, "Remove that folder to go on from the one before it");
    await Deno.writeFile(moments, whole);
    await Deno.rename(join(folder, "kept"), join(folder, "final"));

    // A log that was cut from outside cannot be brought back.
    await Deno.remove(join(folder, "final"), { recursive: true });
    await Deno.truncate(join(folder, "metrics.jsonl"), 5);
    await assertRejects(
      () => train(parseConfig(base), { resume: true }),
      Error,
      "metrics.jsonl has 5 bytes",
    );
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("a run that diverges stops with a clear error", async () => {
  const root = await Deno.makeTempDir({ prefix: "handrail-diverge-" });
  try {
    const config = parseConfig(mergeOverrides(smallOverrides, {
      output_dir: root,
      sft: { steps: 20, learning_rate: 1e30, max_grad_norm: 0 },
    }));
    const warnings: string[] = [];
    const error = await assertRejects(
      () => train(config, { reporter: { warn: (message) => warnings.push(message) } }),
      Error,
      "3 steps in a row",
    );
    assertStringIncludes(error.message, "max_skipped_steps");
    assertEquals(warnings.length, 3);
    assertStringIncludes(warnings[0], "was skipped");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
