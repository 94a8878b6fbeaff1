/** Timing: medians over runs, so that one disturbed run does not decide. */

/** Seconds of repeated runs. */
export interface Timing {
  /** The median. */
  readonly median: number;
  /** The shortest. */
  readonly min: number;
  /** The longest. */
  readonly max: number;
  /** How many runs were counted. */
  readonly runs: number;
}

/** Runs `fn` once uncounted and then `runs` times. */
export async function time(runs: number, fn: () => void | Promise<void>): Promise<Timing> {
  await fn();
  const seconds: number[] = [];
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    await fn();
    seconds.push((performance.now() - start) / 1000);
  }
  return summarise(seconds);
}

/** Median, least and most of some seconds. */
export function summarise(seconds: readonly number[]): Timing {
  const sorted = [...seconds].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1
    ? sorted[middle]
    : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1)!, runs: sorted.length };
}
