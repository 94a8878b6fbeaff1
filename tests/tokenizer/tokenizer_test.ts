import fc from "npm:fast-check@4.10.2";
import { join } from "node:path";
import { ARITHMETIC_VOCABULARY } from "../../src/data/arithmetic.ts";
import { assertEquals, assertRejects, assertThrows } from "../../src/std/assert.ts";
import { arithmeticTokenizer, arithmeticTokenizerJson } from "../../src/tokenizer/arithmetic.ts";
import { Tokenizer } from "../../src/tokenizer/tokenizer.ts";

const tokenizer = arithmeticTokenizer();

async function inFolder(fn: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "handrail-tokenizer-" });
  try {
    await fn(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The arithmetic task's tokenizer.json with its added tokens changed. */
function withAddedTokens(change: (tokens: { id: number }[]) => unknown[]): object {
  const json = arithmeticTokenizerJson() as { added_tokens: { id: number }[] };
  return { ...json, added_tokens: change(json.added_tokens) };
}

Deno.test("arithmetic tokenizer: a token a tag and a token a character", () => {
  assertEquals(tokenizer.vocabSize, 24);
  assertEquals(tokenizer.padTokenId, 0);
  assertEquals(tokenizer.eosTokenId, 1);
  for (const [id, token] of ARITHMETIC_VOCABULARY.entries()) {
    assertEquals(tokenizer.tokenToId(token), id);
    assertEquals(tokenizer.encode(token), [id]);
    assertEquals(tokenizer.decode([id]), token);
  }
  assertEquals(tokenizer.tokenToId("<none>"), undefined);
  assertEquals(
    tokenizer.encode("Q:87*5?<think>87*5=35;</think><answer>35</answer><eos>"),
    [22, 23, 14, 13, 18, 11, 21, 2, 14, 13, 18, 11, 19, 9, 11, 20, 3, 4, 9, 11, 5, 1],
  );
});

Deno.test("arithmetic tokenizer: text and ids go round over the whole alphabet", () => {
  const ids = fc.array(fc.nat(ARITHMETIC_VOCABULARY.length - 1), { maxLength: 60 });
  fc.assert(fc.property(ids, (ids) => {
    const text = ids.map((id) => ARITHMETIC_VOCABULARY[id]).join("");
    assertEquals(tokenizer.decode(ids), text);
    assertEquals(tokenizer.encode(text), ids);
  }));
});

Deno.test("arithmetic tokenizer: only padding and end are skipped as special tokens", () => {
  const ids = Array.from({ length: 24 }, (_, id) => id);
  assertEquals(
    tokenizer.decode(ids, { skipSpecialTokens: true }),
    "<think></think><answer></answer>0123456789+-*=;?Q:",
  );
  assertEquals(tokenizer.decode([0, 1, 0], { skipSpecialTokens: true }), "");
});

Deno.test("tokenizer: an unknown character is refused, not dropped", () => {
  const cases: [string, string][] = [
    ["Q:8 7?", '" " at position 3'],
    ["x", '"x" at position 0'],
    ["<think", '"<" at position 0'],
    ["12😀3", '"😀" at position 2'],
    ["</answer>\n", '"\\n" at position 9'],
  ];
  for (const [text, where] of cases) assertThrows(() => tokenizer.encode(text), Error, where);
});

Deno.test("tokenizer: nothing encodes to nothing and back", () => {
  assertEquals(tokenizer.encode(""), []);
  assertEquals(tokenizer.decode([]), "");
});

Deno.test("tokenizer: an id outside the vocabulary is refused with both numbers", () => {
  for (const id of [24, -1, 0.5, NaN]) {
    assertThrows(() => tokenizer.decode([2, id]), RangeError, `vocabulary of 24`);
    assertThrows(() => tokenizer.decode([2, id]), RangeError, `current value is ${id}`);
  }
});

Deno.test("tokenizer: spaces are not cleaned up, whatever the configuration says", () => {
  const json = arithmeticTokenizerJson() as { model: { vocab: Record<string, number> } };
  const spaced = { ...json, model: { ...json.model, vocab: { ...json.model.vocab, " ": 24 } } };
  for (const config of [{}, { clean_up_tokenization_spaces: true }]) {
    const plain = Tokenizer.fromJson(spaced, config);
    assertEquals(plain.decode(plain.encode("1 ?")), "1 ?");
  }
});

Deno.test("tokenizer: half a surrogate pair is refused, not replaced", () => {
  for (const text of ["a\ud83d", "\ude00b", "1\ud83d\ud83d\ude00"]) {
    assertThrows(() => tokenizer.encode(text), Error, "half a surrogate pair");
  }
});

Deno.test("tokenizer: what Hugging Face's library would number otherwise is refused", () => {
  const extra = { content: "<x>", special: true };
  const holed = withAddedTokens((tokens) => [...tokens, { ...extra, id: 30 }]);
  assertThrows(() => Tokenizer.fromJson(holed), Error, "'<x>' must have id 24");
  const moved = withAddedTokens((tokens) => [{ ...tokens[0], id: 7 }, ...tokens.slice(1)]);
  assertThrows(() => Tokenizer.fromJson(moved), Error, "'<pad>' must have id 0");
  const word = withAddedTokens((tokens) => [...tokens, { ...extra, id: 24, single_word: true }]);
  assertThrows(() => Tokenizer.fromJson(word), Error, "single_word");
  const next = withAddedTokens((tokens) => [...tokens, { ...extra, id: 24 }]);
  assertEquals(Tokenizer.fromJson(next).encode("1<x>"), [7, 24]);
});

Deno.test("tokenizer: saved and loaded it is the same", () =>
  inFolder(async (folder) => {
    await tokenizer.save(folder);
    const loaded = await Tokenizer.load(folder);
    const text = "Q:87*5+6-7?<think>87*5=35;</think><answer>34</answer><eos>";
    assertEquals(loaded.encode(text), tokenizer.encode(text));
    assertEquals(loaded.vocabSize, 24);
    assertEquals(loaded.eosTokenId, 1);
    assertEquals(loaded.padTokenId, 0);
    const again = await Deno.readTextFile(join(folder, "tokenizer.json"));
    await loaded.save(folder);
    assertEquals(await Deno.readTextFile(join(folder, "tokenizer.json")), again);
  }));

Deno.test("tokenizer: end and padding tokens come from the first configuration that has them", () =>
  inFolder(async (folder) => {
    const write = (name: string, value: unknown) =>
      Deno.writeTextFile(join(folder, name), JSON.stringify(value));
    await write("tokenizer.json", arithmeticTokenizerJson());
    assertEquals((await Tokenizer.load(folder)).eosTokenId, null);
    await write("config.json", { eos_token_id: 5, pad_token_id: 0 });
    assertEquals((await Tokenizer.load(folder)).eosTokenId, 5);
    await write("generation_config.json", { eos_token_id: [3, 5] });
    const fromGeneration = await Tokenizer.load(folder);
    assertEquals([fromGeneration.eosTokenId, fromGeneration.padTokenId], [3, 0]);
    await write("tokenizer_config.json", { eos_token: { content: "<eos>" } });
    assertEquals((await Tokenizer.load(folder)).eosTokenId, 1);
    await write("tokenizer_config.json", { eos_token: "<end>" });
    await assertRejects(() => Tokenizer.load(folder), Error, "'eos_token' is '<end>'");
  }));

Deno.test("tokenizer: a completion ends at every id that the model's files name", () =>
  inFolder(async (folder) => {
    const write = (name: string, value: unknown) =>
      Deno.writeTextFile(join(folder, name), JSON.stringify(value));
    const stops = async () => (await Tokenizer.load(folder)).stopTokenIds;
    await write("tokenizer.json", arithmeticTokenizerJson());
    assertEquals(await stops(), []);
    await write("config.json", { eos_token_id: 5 });
    assertEquals(await stops(), [5]);
    await write("generation_config.json", { eos_token_id: [3, 1, 5] });
    assertEquals(await stops(), [3, 1, 5]);
    await write("tokenizer_config.json", { eos_token: "<eos>" });
    assertEquals(await stops(), [1, 3, 5]);
    await write("generation_config.json", { eos_token_id: 1 });
    assertEquals(await stops(), [1]);
    assertEquals(arithmeticTokenizer().stopTokenIds, [1]);
  }));

Deno.test("tokenizer: the chat template is found where Transformers looks, in its order", () =>
  inFolder(async (folder) => {
    const write = (name: string, value: unknown) =>
      Deno.writeTextFile(
        join(folder, name),
        typeof value === "string" ? value : JSON.stringify(value),
      );
    const template = async () => (await Tokenizer.load(folder)).chatTemplate;
    await write("tokenizer.json", arithmeticTokenizerJson());
    assertEquals(await template(), null);
    await write("chat_template.json", { chat_template: "json" });
    assertEquals(await template(), "json");
    const named = [{ name: "tool_use", template: "tools" }, { name: "default", template: "named" }];
    await write("tokenizer_config.json", { chat_template: named });
    assertEquals(await template(), "named");
    await write("tokenizer_config.json", { chat_template: named.slice(0, 1) });
    await assertRejects(
      () => Tokenizer.load(folder),
      Error,
      "one named 'default': it has tool_use",
    );
    await write("tokenizer_config.json", { chat_template: "config" });
    assertEquals(await template(), "config");
    await write("chat_template.jinja", "jinja\n");
    assertEquals(await template(), "jinja\n");
  }));

Deno.test("tokenizer: every file is saved as it was read", () =>
  inFolder(async (folder) => {
    const files: Record<string, string> = {
      "tokenizer.json": JSON.stringify(arithmeticTokenizerJson(), null, 1),
      "tokenizer_config.json": '{"eos_token":"<eos>",  "extra": 1.0, "\\u00e9": null}',
      "special_tokens_map.json": '{ "eos_token": "<eos>" }',
      "added_tokens.json": '{"<eos>": 1}\n\n',
      "chat_template.jinja": "{{ messages }}\r\n",
    };
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(join(folder, name), text);
    }
    const target = join(folder, "saved");
    await Deno.mkdir(target);
    await (await Tokenizer.load(folder)).save(target);
    const saved: Record<string, string> = {};
    for await (const { name } of Deno.readDir(target)) {
      saved[name] = await Deno.readTextFile(join(target, name));
    }
    assertEquals(saved, files);
  }));

Deno.test("tokenizer: a missing or broken file is named", () =>
  inFolder(async (folder) => {
    await assertRejects(() => Tokenizer.load(folder), Error, "has no tokenizer.json");
    await Deno.writeTextFile(join(folder, "tokenizer.json"), '{"model":');
    await assertRejects(() => Tokenizer.load(folder), Error, "not valid JSON");
    await Deno.writeTextFile(join(folder, "tokenizer.json"), "[]");
    await assertRejects(() => Tokenizer.load(folder), Error, "must hold a JSON object");
    await Deno.writeTextFile(join(folder, "tokenizer.json"), "{}");
    await assertRejects(() => Tokenizer.load(folder), Error, "'model' must have a 'vocab'");
  }));
