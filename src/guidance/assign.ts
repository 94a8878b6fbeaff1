/**
 * Which rollouts of a group are guided, and by which tokens of the teacher's trace: Eq. 4 of the
 * G²RPO-A paper.
 *
 * @module
 */

/** What {@linkcode assignGuidance} needs to know besides traces and length. */
export interface GuidanceOptions {
  /** Rollouts a group, G: an integer of at least 2. */
  readonly numGenerations: number;
  /** Share α of a group's rollouts that is guided, 0 to 1. 0 is plain GRPO, 1 naive guidance. */
  readonly ratio: number;
}

/**
 * How many rollouts of a group of G are guided: αG rounded to the nearest, halves up (Eq. 4). The
 * paper prints rounded ratios, 0.14, 0.29, 0.57 and 0.71 of G = 7, which mean 1, 2, 4 and 5.
 *
 * @param numGenerations Rollouts a group, G: an integer of at least 2.
 * @param ratio Guidance ratio α, 0 to 1.
 * @returns An integer from 0 to G.
 * @throws {RangeError} G or α is out of range, or a positive α guides no rollout at all.
 *
 * @example
 * ```ts
 * guidedCount(7, 0.29); // 2
 * ```
 */
export function guidedCount(numGenerations: number, ratio: number): number {
  if (!Number.isInteger(numGenerations) || numGenerations < 2) {
    throw new RangeError(
      `Cannot assign guidance as 'numGenerations' must be an integer of at least 2 ` +
        `(an advantage compares the rollouts of a group): current value is ${numGenerations}`,
    );
  }
  // Negated, so that NaN is refused too.
  if (!(ratio >= 0 && ratio <= 1)) {
    throw new RangeError(
      `Cannot assign guidance as 'ratio' must be between 0 and 1: current value is ${ratio}`,
    );
  }
  // The small term makes a half a half where binary fractions fall just short of it (0.145 · 100).
  const count = Math.floor(ratio * numGenerations + 0.5 + 1e-9);
  if (count === 0 && ratio > 0) {
    throw new RangeError(
      `Cannot assign guidance as 'ratio' must be 0 or guide at least one rollout of a group of ` +
        `${numGenerations}: current value is ${ratio}; use 0 for no guidance, or at least ` +
        `${1 / numGenerations}`,
    );
  }
  return count;
}

/**
 * The given tokens at the start of every completion, in group order: the first
 * {@linkcode guidedCount} rollouts of each group get the first ℓ tokens of that problem's trace,
 * the others none (Eq. 4). Token ids are sliced, never tokenised again. A trace shorter than ℓ
 * gives all its tokens and no padding.
 *
 * A controller keeps ℓ as a real number; it is rounded here, where it is used, to the nearest
 * integer, halves up. (Truncating would make a length of 1 a trap that no ratio below 2 leaves.)
 *
 * @param traces Token ids of each problem's trace, P of them, already cut where guidance has to stop.
 * @param length Guidance length ℓ in tokens, a real number of at least 0; `Infinity` gives whole traces.
 * @returns P·G lists of token ids, row p·G + i for rollout i of problem p.
 * @throws {RangeError} The length is negative or NaN, or {@linkcode guidedCount} refuses the rest.
 *
 * @example
 * ```ts
 * assignGuidance([[5, 6, 7]], 1.6, { numGenerations: 2, ratio: 0.5 }); // [[5, 6], []]
 * ```
 */
export function assignGuidance(
  traces: readonly (readonly number[])[],
  length: number,
  { numGenerations, ratio }: GuidanceOptions,
): number[][] {
  if (!(length >= 0)) {
    throw new RangeError(
      `Cannot assign guidance as 'length' must be a number of tokens of at least 0: ` +
        `current value is ${length}`,
    );
  }
  const guided = guidedCount(numGenerations, ratio);
  const tokens = Math.round(length);
  return traces.flatMap((trace) =>
    Array.from({ length: numGenerations }, (_, i) => i < guided ? trace.slice(0, tokens) : [])
  );
}
