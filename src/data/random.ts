/** Seeded random numbers whose state is a JSON value, so that a run can be resumed exactly. */

/** What a stream of random numbers is keyed by: a seed, and labels or counters under it. */
export type RandomKey = number | string;

/** The state of a {@linkcode Random}: four unsigned 32-bit integers. */
export type RandomState = readonly [number, number, number, number];

/**
 * A stable 32-bit hash (MurmurHash3) of a list of unsigned 32-bit words.
 * `salt` gives independent hashes of the same words.
 */
function hashWords(words: readonly number[], salt: number): number {
  let hash = salt >>> 0;
  for (const word of words) {
    let k = Math.imul(word, 0xcc9e2d51);
    k = (k << 15) | (k >>> 17);
    hash ^= Math.imul(k, 0x1b873593);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  hash ^= words.length * 4;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The words of a key, with its type and length first, so that no two key lists look alike. */
function keyWords(key: RandomKey): number[] {
  if (typeof key === "string") {
    return [1, key.length, ...Array.from({ length: key.length }, (_, i) => key.charCodeAt(i))];
  }
  if (!Number.isSafeInteger(key) || key < 0) {
    throw new RangeError(
      `Cannot seed a random stream as a numeric key must be a non-negative safe integer: ` +
        `current value is ${key}`,
    );
  }
  return [2, key >>> 0, Math.floor(key / 2 ** 32)];
}

/** A stable unsigned 32-bit hash of a text: the same in every run and on every machine. */
export function hashText(text: string): number {
  return hashWords(keyWords(text), 0);
}

/**
 * A small seeded generator of random numbers (sfc32: 128 bits of state).
 *
 * Streams with different keys are independent. That allows counter-based use: everything random of
 * step k is drawn from `new Random(seed, "purpose", k)`, and a resumed run needs nothing but k.
 *
 * ```ts
 * const random = new Random(7, "dice");
 * const roll = 1 + random.int(6);
 * const resumed = Random.fromState(random.state);
 * ```
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  /** Throws a RangeError if a numeric key is not a non-negative safe integer. */
  constructor(...keys: RandomKey[]) {
    const words = keys.flatMap(keyWords);
    this.#a = hashWords(words, 1);
    this.#b = hashWords(words, 2);
    this.#c = hashWords(words, 3);
    this.#counter = 1;
    // sfc32 needs some rounds before a state with few differing bits is spread over all words.
    for (let round = 0; round < 12; round++) this.uint32();
  }

  /** Continues from a state that {@linkcode Random.state} gave. */
  static fromState(state: RandomState): Random {
    if (
      !Array.isArray(state) || state.length !== 4 ||
      !state.every((word) => Number.isInteger(word) && word >= 0 && word < 2 ** 32)
    ) {
      throw new RangeError(
        `Cannot restore a random stream as its state must be four unsigned 32-bit integers: ` +
          `current value is ${JSON.stringify(state)}`,
      );
    }
    const random = new Random();
    [random.#a, random.#b, random.#c, random.#counter] = state;
    return random;
  }

  /** The state, a JSON value: {@linkcode Random.fromState} continues from it. */
  get state(): RandomState {
    return [this.#a >>> 0, this.#b >>> 0, this.#c >>> 0, this.#counter >>> 0];
  }

  /** A uniform integer from 0 to 2³² − 1. */
  uint32(): number {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (this.#c << 21) | (this.#c >>> 11);
    this.#c = (this.#c + result) | 0;
    return result >>> 0;
  }

  /** A uniform number in [0, 1) with 53 random bits. */
  uniform(): number {
    return ((this.uint32() >>> 5) * 2 ** 26 + (this.uint32() >>> 6)) / 2 ** 53;
  }

  /** A uniform integer from 0 to `bound` − 1, without modulo bias. `bound` is from 1 to 2³². */
  int(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 32) {
      throw new RangeError(
        `Cannot draw an integer as 'bound' must be an integer from 1 to 2^32: ` +
          `current value is ${bound}`,
      );
    }
    // Draws above the last whole multiple of the bound would favour small results.
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let draw = this.uint32();
    while (draw >= limit) draw = this.uint32();
    return draw % bound;
  }

  /** A uniform element of a list. Throws if the list is empty. */
  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError("Cannot pick an element of an empty list");
    return list[this.int(list.length)];
  }

  /** Puts a list of numbers into a uniformly random order, in place (Fisher and Yates). */
  shuffle(list: number[] | Uint32Array): void {
    for (let last = list.length - 1; last > 0; last--) {
      const other = this.int(last + 1);
      [list[last], list[other]] = [list[other], list[last]];
    }
  }

  /** An index drawn with probability in proportion to its weight. */
  weighted(weights: readonly number[]): number {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    if (!weights.every((weight) => weight >= 0) || !(total > 0 && total < Infinity)) {
      throw new RangeError(
        `Cannot draw by weight as weights must be finite, at least 0 and not all 0: ` +
          `current value is [${weights.join(", ")}]`,
      );
    }
    let left = this.uniform() * total;
    let last = 0;
    for (const [index, weight] of weights.entries()) {
      if (weight === 0) continue;
      if (left < weight) return index;
      left -= weight;
      last = index;
    }
    return last; // only rounding leaves anything here
  }
}
