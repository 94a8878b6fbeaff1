/**
 * Tokens to text, by the `decoder` of a tokenizer.json.
 *
 * `@huggingface/tokenizers` has decoders too; they lose a byte order mark, write one replacement
 * character where Hugging Face writes one a byte, and look every token up in a list.
 */

/** A decoder of tokenizer.json. Which others there are, `checkTokenizerJson` knows. */
export type DecoderJson =
  | { type: "ByteLevel" }
  | { type: "ByteFallback" }
  | { type: "Fuse" }
  | { type: "Replace"; pattern: { String: string }; content: string }
  | { type: "Strip"; content: string; start: number; stop: number }
  | { type: "Metaspace"; replacement?: string; prepend_scheme?: string; add_prefix_space?: boolean }
  | { type: "Sequence"; decoders: DecoderJson[] };

/** The 256 characters by which byte-level tokenizers write bytes, in the order of the bytes. */
export const BYTE_CHARACTERS: readonly string[] = (() => {
  const isPrintable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let next = 256;
  return Array.from(
    { length: 256 },
    (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : next++),
  );
})();

const byteOf = new Map(BYTE_CHARACTERS.map((character, byte) => [character, byte]));

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strictDecoder = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/** The bytes of a byte-level token; those of its text if it is none, as an added token may be. */
function bytesOf(token: string): Iterable<number> {
  const bytes: number[] = [];
  for (const character of token) {
    const byte = byteOf.get(character);
    if (byte === undefined) return encoder.encode(token);
    bytes.push(byte);
  }
  return bytes;
}

function byteLevel(tokens: readonly string[]): string[] {
  const bytes: number[] = [];
  for (const token of tokens) for (const byte of bytesOf(token)) bytes.push(byte);
  return [decoder.decode(Uint8Array.from(bytes))];
}

/** Runs of tokens such as <0xE2> become their text, or a replacement character a byte. */
function byteFallback(tokens: readonly string[]): string[] {
  const out: string[] = [];
  let bytes: number[] = [];
  const flush = () => {
    if (bytes.length === 0) return;
    try {
      out.push(strictDecoder.decode(Uint8Array.from(bytes)));
    } catch {
      out.push("\ufffd".repeat(bytes.length));
    }
    bytes = [];
  };
  for (const token of tokens) {
    const match = /^<0x([0-9A-Fa-f]{2})>$/.exec(token);
    if (match) {
      bytes.push(parseInt(match[1], 16));
    } else {
      flush();
      out.push(token);
    }
  }
  flush();
  return out;
}

function strip(token: string, content: string, start: number, stop: number): string {
  const characters = Array.from(token);
  let [first, end] = [0, characters.length];
  while (first < Math.min(start, end) && characters[first] === content) first++;
  while (characters.length - end < stop && end > first && characters[end - 1] === content) end--;
  return characters.slice(first, end).join("");
}

function metaspace(tokens: readonly string[], json: DecoderJson & { type: "Metaspace" }): string[] {
  const { replacement = "\u2581" } = json;
  const prepends = json.prepend_scheme !== "never" && json.add_prefix_space !== false;
  // Hugging Face's library leaves every mark of the first token out, not only a leading one.
  return tokens.map((token, i) => token.replaceAll(replacement, i === 0 && prepends ? "" : " "));
}

function steps(tokens: readonly string[], json: DecoderJson): readonly string[] {
  switch (json.type) {
    case "ByteLevel":
      return byteLevel(tokens);
    case "ByteFallback":
      return byteFallback(tokens);
    case "Fuse":
      return [tokens.join("")];
    case "Replace": {
      const { pattern, content } = json;
      return tokens.map((token) => token.replaceAll(pattern.String, () => content));
    }
    case "Strip":
      return tokens.map((token) => strip(token, json.content, json.start, json.stop));
    case "Metaspace":
      return metaspace(tokens, json);
    case "Sequence":
      return json.decoders.reduce<readonly string[]>(steps, tokens);
  }
}

/** The text of tokens. Without a decoder they are words, joined by spaces. */
export function decodeTokens(tokens: readonly string[], json: DecoderJson | null): string {
  return json === null ? tokens.join(" ") : steps(tokens, json).join("");
}
