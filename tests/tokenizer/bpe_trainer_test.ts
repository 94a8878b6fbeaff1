import { assert, assertEquals, assertThrows } from "../../src/std/assert.ts";
import { trainBpe } from "../../src/tokenizer/bpe_trainer.ts";
import { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { fc } from "../fast_check.ts";

interface Trained {
  model: { vocab: Record<string, number>; merges: [string, string][] };
}

/** The plainest trainer there is: counts every pair anew before each merge. */
function slowMerges(words: readonly (readonly [string, number])[], count: number): string[] {
  let pieces = words.map(([word, n]): [string[], number] => [[...word], n]);
  const alphabet = [...new Set(words.flatMap(([word]) => [...word]))].sort();
  const order = new Map(alphabet.map((token, i) => [token, i]));
  const merges: string[] = [];
  while (merges.length < count) {
    const pairs = new Map<string, number>();
    for (const [tokens, n] of pieces) {
      for (let i = 1; i < tokens.length; i++) {
        const key = `${tokens[i - 1]} ${tokens[i]}`;
        pairs.set(key, (pairs.get(key) ?? 0) + n);
      }
    }
    const rank = (key: string) => key.split(" ").map((token) => order.get(token)!);
    const [best] = [...pairs].filter(([, n]) => n > 1).sort(([a, m], [b, n]) => {
      const [x, y] = [rank(a), rank(b)];
      return n - m || x[0] - y[0] || x[1] - y[1];
    });
    if (best === undefined) break;
    merges.push(best[0]);
    const [left, right] = best[0].split(" ");
    if (!order.has(left + right)) order.set(left + right, order.size);
    pieces = pieces.map(([tokens, n]) => {
      const out: string[] = [];
      for (let i = 0; i < tokens.length; i++) {
        const joins = tokens[i] === left && tokens[i + 1] === right;
        out.push(joins ? left + right : tokens[i]);
        if (joins) i++;
      }
      return [out, n];
    });
  }
  return merges;
}

Deno.test("BPE trainer: the merges of one that counts anew each time", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 9 });
  const corpus = fc.array(fc.tuple(word, fc.integer({ min: 1, max: 5 })), { maxLength: 12 });
  fc.assert(
    fc.property(corpus, (words) => {
      const counts = new Map<string, number>();
      for (const [text, n] of words) counts.set(text, (counts.get(text) ?? 0) + n);
      const texts = words.flatMap(([text, n]) => Array<string>(n).fill(text));
      const trained = trainBpe(texts, { vocabSize: 283 }).tokenizerJson as Trained;
      const merges = trained.model.merges.map((pair) => pair.join(" "));
      assertEquals(merges, slowMerges([...counts], 40).slice(0, merges.length));
      const ids = Object.values(trained.model.vocab).sort((a, b) => a - b);
      assertEquals(ids, ids.map((_, i) => i));
      assert(ids.length <= 276);
    }),
    { numRuns: 200 },
  );
});

Deno.test("BPE trainer: any text is encoded, and decoding gives it back", () => {
  const texts = ["The answer is 42. ".repeat(20), "<think>so 1+1=2</think> ".repeat(5)];
  const { tokenizerJson, tokenizerConfig } = trainBpe(texts, { vocabSize: 320 });
  const tokenizer = Tokenizer.fromJson(tokenizerJson, tokenizerConfig);
  const character = fc.integer({ min: 0, max: 0x10ffff }).filter((c) => c < 0xd800 || c > 0xdfff);
  const text = fc.array(character, { maxLength: 60 }).map((codes) =>
    String.fromCodePoint(...codes)
  );
  fc.assert(
    fc.property(text, (text) => assertEquals(tokenizer.decode(tokenizer.encode(text)), text)),
  );
  const { vocab } = (tokenizerJson as Trained).model;
  assertEquals(Object.keys(vocab).filter((token) => [...token].length === 1).length, 256);
  assert(tokenizer.encode(" answer").length === 1);
});

Deno.test("BPE trainer: tags and special tokens are a token each and are not learned across", () => {
  const texts = Array<string>(30).fill("<think>ab</think><answer>ab</answer><|im_end|>");
  const trained = trainBpe(texts, { vocabSize: 300, specialTokens: ["<pad>"] });
  const tokenizer = Tokenizer.fromJson(trained.tokenizerJson, trained.tokenizerConfig);
  const ids = tokenizer.encode("<|im_start|><think>ab</think><answer>ab</answer><|im_end|><pad>");
  assertEquals(ids.map((id) => tokenizer.decode([id])), [
    ...["<|im_start|>", "<think>", "ab", "</think>", "<answer>", "ab", "</answer>", "<|im_end|>"],
    "<pad>",
  ]);
  assertEquals(
    tokenizer.decode(ids, { skipSpecialTokens: true }),
    "<think>ab</think><answer>ab</answer>",
  );
  assertEquals((trained.tokenizerJson as Trained).model.merges, [["a", "b"]]);
  assertEquals(tokenizer.eosToken, "<|im_end|>");
  assertEquals(tokenizer.padToken, "<|endoftext|>");
  assertEquals(tokenizer.stopTokenIds, [tokenizer.tokenToId("<|im_end|>")!]);
  assertEquals(tokenizer.vocabSize, 256 + 1 + 8);
});

Deno.test("BPE trainer: the same texts give the same tokenizer, and progress is told", () => {
  const texts = ["one two three two one", "three two one two three", "one one one"];
  const told: [number, number][] = [];
  const onProgress = (done: number, total: number) => told.push([done, total]);
  const first = trainBpe(texts, { vocabSize: 270, onProgress });
  assertEquals(first, trainBpe(texts, { vocabSize: 270 }));
  assertEquals(told, [[0, 7], [7, 7]]);
});

Deno.test("BPE trainer: too small a vocabulary and too few texts", () => {
  for (const vocabSize of [0, 262, 300.5, NaN, 2 ** 24]) {
    assertThrows(() => trainBpe(["a"], { vocabSize }), Error, `current value is ${vocabSize}`);
  }
  const empty = trainBpe([], { vocabSize: 1000 });
  assertEquals(Tokenizer.fromJson(empty.tokenizerJson).vocabSize, 263);
  assertThrows(() => trainBpe([], { vocabSize: 300, specialTokens: [""] }), Error, "empty special");
});

Deno.test("BPE trainer: long runs do not hold it up", () => {
  const start = performance.now();
  trainBpe(["a".repeat(1_000_000), "=".repeat(1_000_000), "ab".repeat(100_000)], {
    vocabSize: 400,
  });
  assert(performance.now() - start < 5_000);
});
