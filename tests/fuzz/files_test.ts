/** Damaged files give a clear error or load, in a process of its own: no crash, no hang, no outsized allocation. */
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { initialize } from "../../ffi/library.ts";
import { prepareShim } from "../../ffi/prepare.ts";
import { saveModel } from "../../src/models/checkpoint.ts";
import { modelPresets } from "../../src/models/presets.ts";
import { randomModel } from "../../src/models/random.ts";
import { assert, assertEquals } from "../../src/std/assert.ts";
import { trainBpe } from "../../src/tokenizer/bpe_trainer.ts";
import { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { sumRows } from "../training/problem_file.ts";

const count = Number(Deno.env.get("HANDRAIL_MUTATIONS") ?? 2000);
const seed = Deno.env.get("HANDRAIL_SEED") ?? "1";
const child = new URL("./files_child.ts", import.meta.url).pathname;
const parquet = new URL("../fixtures/parquet/snappy.parquet", import.meta.url);
const kinds = ["safetensors", "config", "tokenizer", "parquet", "jsonl", "jsonl.gz"];

async function makeSoundFiles(folder: string): Promise<void> {
  await initialize({ threads: 1 });
  const shape = { ...modelPresets.arithmetic, hidden_size: 16, intermediate_size: 24, head_dim: 8 };
  using model = randomModel(shape, { seed: 1 });
  saveModel(model, folder, { eosTokenId: 1, padTokenId: 0 });
  const rows = sumRows(40);
  const texts = rows.map(({ prompt, trace }) => `${prompt} ${trace}`);
  const { tokenizerJson, tokenizerConfig } = trainBpe(texts, { vocabSize: 300 });
  await Tokenizer.fromJson(tokenizerJson, tokenizerConfig).save(folder);
  const text = rows.map((row) => JSON.stringify(row) + "\n").join("");
  Deno.writeTextFileSync(join(folder, "rows.jsonl"), text);
  Deno.writeFileSync(join(folder, "rows.jsonl.gz"), gzipSync(text));
  Deno.copyFileSync(parquet, join(folder, "rows.parquet"));
}

Deno.test(`${count} damaged files give a clear error each, or load`, async () => {
  await prepareShim();
  const folder = await Deno.makeTempDir({ prefix: "handrail-fuzz-" });
  try {
    await makeSoundFiles(folder);
    for (const kind of kinds) {
      const each = String(Math.ceil(count / kinds.length));
      const { code, signal, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "--no-check",
          // A file of some kilobytes that fills this much would be an outsized allocation.
          "--v8-flags=--max-old-space-size=400",
          "-A",
          child,
          kind,
          folder,
          each,
          seed,
        ],
        stdout: "piped",
        stderr: "piped",
        signal: AbortSignal.timeout(300_000),
      }).output();
      const said = new TextDecoder().decode(stderr);
      assertEquals({ code, signal }, { code: 0, signal: null }, `${kind}: ${said}`);
      const { loaded, refused } = JSON.parse(new TextDecoder().decode(stdout));
      assertEquals(loaded + refused, Number(each));
      // Without either the damage would test nothing.
      assert(refused > 0 && loaded > 0, `${kind}: ${loaded} loaded, ${refused} refused`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
