/** Limits as providers take them, and outputs as verdicts have them. */
import type { Limits } from "./sandbox.ts";

/**
 * The limits of `own` over those of `base`.
 *
 * @throws {TypeError} for a limit that is not positive.
 */
export function withLimits(base: Limits, own: Partial<Limits> = {}): Limits {
  const limits: { -readonly [K in keyof Limits]: Limits[K] } = { ...base };
  for (const key of ["timeoutMs", "memoryBytes", "outputBytes"] as const) {
    const value = own[key] ?? base[key];
    if (!(value > 0 && Number.isFinite(value))) {
      throw new TypeError(
        `Cannot run programs as the limit '${key}' must be positive: current value is ${value}`,
      );
    }
    limits[key] = Math.ceil(value);
  }
  return limits;
}

/** Bytes as UTF-8, at most so many. A character that the cut divides is left out; bytes that are none become U+FFFD. */
export function textWithin(bytes: Uint8Array, most: number, cut = bytes.length > most): string {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return decoder.decode(bytes.subarray(0, most), { stream: cut });
}
