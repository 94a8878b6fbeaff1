/**
 * Loads damaged files of one kind, each by the way that users do: `files_child.ts KIND FOLDER COUNT SEED`.
 *
 * FOLDER holds the sound file, which is damaged and put back. Each load must end soon with a clear error that names the
 * file, or load: an error of JavaScript itself (an undefined property, an invalid array length), a tensor left alive or a
 * large allocation ends this process with 1. A crash or hang is for the parent to see.
 */
import { join } from "node:path";
import { initialize } from "../../ffi/library.ts";
import { Random } from "../../src/data/random.ts";
import { type ColumnMapping, loadProblems } from "../../src/data/source.ts";
import { loadModel } from "../../src/models/checkpoint.ts";
import { memory, resetPeakMemory } from "../../src/tensor/memory.ts";
import { liveTensors, scope, tensor } from "../../src/tensor/tensor.ts";
import { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { mutate } from "./mutate.ts";

const [kind, folder, countText, seedText] = Deno.args;

const source = { preset: null, tier_order: null, weight: 1, name: null };
const columns = { prompt: "prompt", answer: "answer", trace: "trace", tier: "tier" };
const parquetColumns = { prompt: "question", answer: "answer", tier: "difficulty" };

async function loadAndUseModel(): Promise<void> {
  using model = await loadModel(folder);
  scope(() => {
    model.forward(tensor(new BigInt64Array([1n, 2n, 3n]), [1, 3]));
  });
}

/** What the report says was read and used. */
async function loadRows(name: string, mapping: ColumnMapping): Promise<string> {
  const { report } = await loadProblems({ ...source, path: join(folder, name), columns: mapping });
  return `${report.rows} rows, ${report.kept} kept, ${report.badLineCount} bad`;
}

/** The file of each kind, and how it is loaded and then used; it may say what was loaded. */
const kinds: Record<string, { file: string; load: () => Promise<string | void> }> = {
  safetensors: { file: "model.safetensors", load: loadAndUseModel },
  config: { file: "config.json", load: loadAndUseModel },
  tokenizer: {
    file: "tokenizer.json",
    load: async () => {
      const tokenizer = await Tokenizer.load(folder);
      const text = "She had 3 apples, and 12 more: 15. <|im_end|> é";
      try {
        tokenizer.decode(tokenizer.encode(text));
      } catch (error) {
        // Another vocabulary may have no token for this text, which is said.
        if (!(error as Error).message.startsWith("Cannot encode")) throw error;
      }
    },
  },
  parquet: {
    file: "rows.parquet",
    load: () => loadRows("rows.parquet", parquetColumns),
  },
  jsonl: {
    file: "rows.jsonl",
    load: () => loadRows("rows.jsonl", columns),
  },
  "jsonl.gz": {
    file: "rows.jsonl.gz",
    load: () => loadRows("rows.jsonl.gz", columns),
  },
};

/** JavaScript's own errors are no message for a user. */
function isInternal(error: unknown): boolean {
  return !(error instanceof Error) ||
    (error.constructor === TypeError || error.constructor === SyntaxError ||
      (error.constructor === RangeError && !error.message.startsWith("Cannot ")));
}

const { file, load } = kinds[kind];
const path = join(folder, file);
await initialize({ threads: 1 });
const sound = Deno.readFileSync(path);
const whole = await load();
const alive = liveTensors();
let loaded = 0, refused = 0;
for (let i = 0; i < Number(countText); i++) {
  const bytes = mutate(sound, new Random(Number(seedText), kind, i));
  Deno.writeFileSync(path, bytes);
  const fail = (what: string, error?: unknown): never => {
    const kept = `${folder}-${kind}-${i}`;
    Deno.writeFileSync(kept, bytes);
    console.error(`${kind} ${i} (kept as ${kept}): ${what}`, error ?? "");
    Deno.exit(1);
  };
  resetPeakMemory();
  const before = memory().current, started = performance.now();
  try {
    // Of rows, those that are damaged are reported, and the others loaded.
    if (await load() === whole) loaded++;
    else refused++;
  } catch (error) {
    refused++;
    const { message } = error as Error;
    if (isInternal(error)) fail("an internal error", error);
    if (!message.includes(folder) && !message.includes(file)) fail("the file is not named", error);
    if (message.length > 20_000) fail(`a message of ${message.length} characters`);
  }
  const milliseconds = performance.now() - started, most = memory().peak - before;
  if (milliseconds > 5000) fail(`it took ${milliseconds} ms`);
  if (most > 64 * 2 ** 20) fail(`${most} bytes were allocated`);
  if (liveTensors() !== alive) fail(`${liveTensors() - alive} tensors were left alive`);
}
Deno.writeFileSync(path, sound);
console.log(JSON.stringify({ loaded, refused }));
