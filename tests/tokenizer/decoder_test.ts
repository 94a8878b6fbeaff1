import { assertEquals } from "../../src/std/assert.ts";
import { BYTE_CHARACTERS, type DecoderJson, decodeTokens } from "../../src/tokenizer/decoder.ts";

Deno.test("decoder: Metaspace gives what Hugging Face's gives", () => {
  // tokenizers 0.23: decoders.Metaspace(replacement="▁", prepend_scheme=…).decode(tokens)
  const tokens = [["▁▁a", "▁▁b"], ["a▁b", "c"], ["▁", "▁a"], ["▁▁"], ["▁a▁b"]];
  const decode = (prepend_scheme: string) =>
    tokens.map((list) => decodeTokens(list, { type: "Metaspace", prepend_scheme }));
  assertEquals(decode("first"), ["a  b", "abc", " a", "", "ab"]);
  assertEquals(decode("always"), ["a  b", "abc", " a", "", "ab"]);
  assertEquals(decode("never"), ["  a  b", "a bc", "  a", "  ", " a b"]);
});

Deno.test("decoder: a chain as of tokenizers from SentencePiece", () => {
  const llama: DecoderJson = {
    type: "Sequence",
    decoders: [
      { type: "Replace", pattern: { String: "▁" }, content: " " },
      { type: "ByteFallback" },
      { type: "Fuse" },
      { type: "Strip", content: " ", start: 1, stop: 0 },
    ],
  };
  const cases: [tokens: string[], text: string][] = [
    [["▁▁a", "▁b"], " a b"],
    [["<0xE2>", "<0x82>", "<0xAC>", "▁x"], "€ x"],
    [["<0xEF>", "<0xBB>", "<0xBF>", "x"], "\ufeffx"],
    [["<0xE2>", "<0x82>", "x"], "\ufffd\ufffdx"],
    [["<0xe2>", "<0x8>"], "\ufffd<0x8>"],
    [[], ""],
  ];
  for (const [tokens, text] of cases) assertEquals(decodeTokens(tokens, llama), text);
});

Deno.test("decoder: every byte has a character of its own, and bytes make up characters", () => {
  assertEquals(new Set(BYTE_CHARACTERS).size, 256);
  assertEquals([BYTE_CHARACTERS[0x41], BYTE_CHARACTERS[0x20], BYTE_CHARACTERS[0x0a]], [
    "A",
    "Ġ",
    "Ċ",
  ]);
  const bytes = Array.from(new TextEncoder().encode("é😀"), (byte) => BYTE_CHARACTERS[byte]);
  assertEquals(decodeTokens(bytes, { type: "ByteLevel" }), "é😀");
  assertEquals(decodeTokens(bytes.slice(0, -1), { type: "ByteLevel" }), "é\ufffd");
  assertEquals(
    decodeTokens([bytes[0], "<｜x｜>", bytes[1]], { type: "ByteLevel" }),
    "\ufffd<｜x｜>\ufffd",
  );
});
