/** Figures of a step under TRL's names, as they stand in metrics.jsonl. */

/** Figures by name; null where there is nothing to average (JSON has no NaN). */
export type Metrics = Readonly<Record<string, number | null>>;

/** The mean, or null of nothing. */
export function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((a, b) => a + b, 0) / values.length;
}

/** The sample standard deviation (n − 1), or null of fewer than two values. */
export function stdOf(values: readonly number[]): number | null {
  const mean = meanOf(values);
  if (mean === null || values.length < 2) return null;
  return Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1));
}

/** The largest value, or null of nothing. */
export function maxOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((a, b) => Math.max(a, b));
}

/** The smallest value, or null of nothing. */
export function minOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((a, b) => Math.min(a, b));
}
