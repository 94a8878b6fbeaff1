/** Seeds of a step's random numbers. */
import { Random } from "../data/random.ts";

/**
 * The seed of libtorch's generator for a purpose and step: a function of the run's seed, so that a resumed run draws
 * what one left alone would have drawn.
 */
export function stepSeed(seed: number, purpose: string, step: number): number {
  return new Random(seed, purpose, step).int(2 ** 32);
}
