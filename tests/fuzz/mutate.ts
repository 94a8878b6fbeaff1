/** Damage as files meet it: bits flipped, ends cut off, sizes overstated, pieces moved, JSON nested without end. */
import { type Random } from "../../src/data/random.ts";

/** One way to damage a file; the bytes given are not changed. */
type Mutation = (bytes: Uint8Array, random: Random) => Uint8Array;

const encoder = new TextEncoder();

function splice(bytes: Uint8Array, at: number, drop: number, insert: Uint8Array): Uint8Array {
  const made = new Uint8Array(bytes.length - drop + insert.length);
  made.set(bytes.subarray(0, at));
  made.set(insert, at);
  made.set(bytes.subarray(at + drop), at + insert.length);
  return made;
}

/** Half of all damage is near the ends, where headers and footers are. */
function place(bytes: Uint8Array, random: Random): number {
  const near = Math.min(bytes.length, 400);
  switch (random.int(4)) {
    case 0:
      return random.int(near);
    case 1:
      return bytes.length - 1 - random.int(near);
    default:
      return random.int(bytes.length);
  }
}

/** Where numbers stand as text. */
function numbers(bytes: Uint8Array): { at: number; length: number }[] {
  const text = new TextDecoder("latin1").decode(bytes);
  return [...text.matchAll(/\d+/g)].slice(0, 20_000)
    .map(({ index, 0: digits }) => ({ at: index, length: digits.length }));
}

const mutations: readonly Mutation[] = [
  // bits flipped
  (bytes, random) => {
    const made = bytes.slice();
    for (let n = 1 + random.int(4); n > 0; n--) made[place(made, random)] ^= 1 << random.int(8);
    return made;
  },
  // cut short, at either end
  (bytes, random) => bytes.slice(0, random.int(bytes.length)),
  (bytes, random) => bytes.slice(random.int(Math.min(bytes.length, 64))),
  // a size overstated: as text, or as the bytes of an integer
  (bytes, random) => {
    const found = numbers(bytes);
    if (found.length === 0) return bytes.slice(1);
    const { at, length } = random.pick(found);
    const size = random.pick(["9007199254740993", "4294967296", "-1", "1e308", "99999999999", "0"]);
    return splice(bytes, at, length, encoder.encode(size));
  },
  (bytes, random) => {
    const made = bytes.slice();
    const at = place(made, random);
    made.fill(random.pick([0xff, 0x7f, 0x00, 0x80]), at, at + random.pick([1, 2, 4, 8]));
    return made;
  },
  // pieces moved over others: offsets overlap, brackets do not close
  (bytes, random) => {
    const made = bytes.slice();
    const length = 1 + random.int(Math.min(200, made.length));
    const from = random.int(made.length - length + 1);
    made.copyWithin(random.int(made.length - length + 1), from, from + length);
    return made;
  },
  (bytes, random) => {
    const length = 1 + random.int(Math.min(300, bytes.length));
    const from = random.int(bytes.length - length + 1);
    return splice(bytes, random.int(bytes.length), 0, bytes.slice(from, from + length));
  },
  (bytes, random) => {
    const from = random.int(bytes.length);
    return splice(bytes, from, Math.min(bytes.length - from, 1 + random.int(50)), new Uint8Array());
  },
  // JSON nested without end
  (bytes, random) => {
    const deep = random.pick(["[", '{"a":', '[{"b":']).repeat(200_000);
    return splice(bytes, place(bytes, random), 0, encoder.encode(deep));
  },
  // a value of another kind
  (bytes, random) => {
    const text = new TextDecoder("latin1").decode(bytes);
    const values = [...text.matchAll(/:\s*("[^"]{0,40}"|\d+|true|false|null|\[|\{)/g)].slice(
      0,
      5000,
    );
    if (values.length === 0) return bytes.slice(1);
    const match = random.pick(values);
    const other = random.pick(["null", "[]", "{}", '"x"', "-3", "1.5", "true", '[{"a":null}]']);
    const at = match.index + match[0].length - match[1].length;
    return splice(bytes, at, match[1].length, encoder.encode(other));
  },
];

/** A damaged copy: one mutation, or two. */
export function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  let made = random.pick(mutations)(bytes, random);
  if (made.length > 0 && random.int(3) === 0) made = random.pick(mutations)(made, random);
  return made;
}
