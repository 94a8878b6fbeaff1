/** Ids and texts of tokenizers of the shapes in use, against Hugging Face's `tokenizers`. */
import { join } from "node:path";
import { assert, assertEquals } from "../../src/std/assert.ts";
import { trainBpe } from "../../src/tokenizer/bpe_trainer.ts";
import { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { maybeTest } from "../support.ts";

/** What `tokenizers_peer.py fixture` wrote; a text that decodes to itself is left out. */
interface Fixture {
  texts: string[];
  tokenizers: Record<
    string,
    {
      json: object;
      rows: { ids: number[]; text?: string; plain?: string }[];
      decoded: { ids: number[]; text: string }[];
    }
  >;
  pieces: { json: object; texts: string[]; ids: number[][] }[];
}

interface Answers {
  rows: { ids: number[]; text: string; plain: string }[];
}

const fixture: Fixture = JSON.parse(
  await Deno.readTextFile(new URL("../fixtures/tokenizers.json", import.meta.url)),
);

for (const [shape, { json, rows, decoded }] of Object.entries(fixture.tokenizers)) {
  Deno.test(`tokenizer ${shape}: Hugging Face's ids and texts on ${rows.length} hard texts`, () => {
    const tokenizer = Tokenizer.fromJson(json);
    for (const [i, text] of fixture.texts.entries()) {
      const { ids, text: decoded = text, plain = decoded } = rows[i];
      assertEquals(tokenizer.encode(text), ids, JSON.stringify(text));
      assertEquals(tokenizer.decode(ids), decoded);
      assertEquals(tokenizer.decode(ids, { skipSpecialTokens: true }), plain);
    }
  });

  Deno.test(`tokenizer ${shape}: Hugging Face's texts of ids that no text has`, () => {
    const tokenizer = Tokenizer.fromJson(json);
    for (const { ids, text } of decoded) assertEquals(tokenizer.decode(ids), text, ids.join());
  });
}

Deno.test("tokenizers: texts are split where Hugging Face splits them", () => {
  for (const { json, texts, ids } of fixture.pieces) {
    const tokenizer = Tokenizer.fromJson(json);
    for (const [i, text] of texts.entries()) {
      assertEquals(tokenizer.encode(text), ids[i], JSON.stringify(text));
    }
  }
});

const python = Deno.env.get("HANDRAIL_PEER_PYTHON");
const data = new URL("../../../shared/data/", import.meta.url).pathname;

function hasData(): boolean {
  try {
    return Deno.statSync(data).isDirectory;
  } catch {
    return false;
  }
}

const skipReason = !python
  ? "HANDRAIL_PEER_PYTHON does not name a Python with tokenizers"
  : !hasData()
  ? "../shared/data is absent"
  : undefined;

async function askPeer<T>(args: string[], texts: readonly string[]): Promise<T> {
  const script = new URL("./tokenizers_peer.py", import.meta.url).pathname;
  const child = new Deno.Command(python!, {
    args: [script, ...args],
    env: { RAYON_NUM_THREADS: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  const output = child.output();
  await writer.write(new TextEncoder().encode(JSON.stringify(texts)));
  await writer.close();
  const { success, stdout } = await output;
  assertEquals(success, true);
  const text = new TextDecoder().decode(stdout);
  return text === "" ? undefined as T : JSON.parse(text);
}

async function readText(path: string): Promise<string> {
  const file = await Deno.open(join(data, path));
  if (!path.endsWith(".gz")) return await new Response(file.readable).text();
  return await new Response(file.readable.pipeThrough(new DecompressionStream("gzip"))).text();
}

/** Every string in a JSON value. */
function* strings(value: unknown): Generator<string> {
  if (typeof value === "string") yield value;
  else if (typeof value === "object" && value !== null) {
    for (const item of Object.values(value)) yield* strings(item);
  }
}

/** 10,000 texts of the data sets: problems, solutions, code and traces. */
async function sample(): Promise<string[]> {
  const sources: [path: string, count: number][] = [
    ["math/gsm8k_train.jsonl.gz", 3000],
    ["math/math_test5000.jsonl.gz", 2500],
    ["math/olympiadbench_675.jsonl.gz", 1000],
    ["gpqa/gpqa_diamond.json.gz", 1000],
    ["code/HumanEval.jsonl.gz", 500],
    ["code/mbpp.jsonl", 1500],
    ["traces/qwen25math_cot_100x8.jsonl.gz", 800],
    ["math/math_train_by_subject/train_geometry.json.gz", 500],
  ];
  const texts: string[] = [];
  for (const [path, count] of sources) {
    const text = await readText(path);
    const rows = path.includes(".jsonl")
      ? text.trim().split("\n").map((line) => JSON.parse(line))
      : JSON.parse(text);
    const found = [...strings(rows)].filter((item) => item.length > 20 && item.length < 20_000);
    texts.push(...found.slice(0, count));
  }
  return texts;
}

maybeTest(
  "tokenizers: Hugging Face's ids on 10,000 texts of the data sets",
  skipReason,
  async () => {
    const texts = await sample();
    assert(texts.length >= 10_000, `${texts.length} texts`);
    const folder = await Deno.makeTempDir({ prefix: "handrail-tokenizers-" });
    try {
      // Ours does not learn from pieces of more than 256 characters.
      const short = texts.filter((text) => !/\S{200}|\s{200}/.test(text));
      const own = trainBpe(short, { vocabSize: 4096 }).tokenizerJson as {
        model: { merges: unknown };
      };
      assertEquals(own.model.merges, await askPeer(["merges", String(4096 - 7)], short));
      await Deno.writeTextFile(join(folder, "own.json"), JSON.stringify(own));
      await askPeer(["train", folder, "8000"], texts.filter((_, i) => i % 8 === 0));
      const shapes = [
        "qwen2",
        "own",
        ...Object.keys(fixture.tokenizers).filter((s) => s !== "qwen2"),
      ];
      for (const [n, shape] of shapes.entries()) {
        const path = join(folder, `${shape}.json`);
        // The first two see every text, the others every fourth: all of them have been seen to agree.
        const all = [...texts.filter((_, i) => n < 2 || i % 4 === n % 4), ...fixture.texts];
        const tokenizer = Tokenizer.fromJson(JSON.parse(await Deno.readTextFile(path)));
        const peer = await askPeer<Answers>(["ids", path], all);
        for (const [i, text] of all.entries()) {
          const ids = tokenizer.encode(text);
          const plain = tokenizer.decode(ids, { skipSpecialTokens: true });
          const row = { ids, text: tokenizer.decode(ids), plain };
          const want = peer.rows[i];
          // Comparing texts is faster than comparing objects.
          if (JSON.stringify(row) !== JSON.stringify(want)) assertEquals(row, want, shape);
        }
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);
