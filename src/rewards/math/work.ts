/**
 * A budget of work for one verdict: what evaluates counts its steps here, and is stopped by an exception
 * that only {@linkcode withinBudget} catches. Steps are counted, not time, so a verdict is the same on
 * every machine.
 *
 * @module
 */

class OverBudget extends Error {}

let left = Infinity;

/** Counts steps of about 0.1 µs. */
export function spend(steps: number): void {
  left -= steps;
  if (left < 0) throw new OverBudget("a verdict's budget of steps is spent");
}

/** What `work` returns, or `otherwise` where it took more steps than this. */
export function withinBudget<T>(steps: number, work: () => T, otherwise: T): T {
  const outer = left;
  left = Math.min(outer, steps);
  const given = left;
  try {
    return work();
  } catch (error) {
    if (error instanceof OverBudget) return otherwise;
    throw error;
  } finally {
    left = outer - (given - Math.max(left, 0));
  }
}
