/**
 * Checks one option of a reward.
 *
 * @throws {RangeError} Names the reward, the option, its value and what it must be.
 */
export function checkOption(
  reward: string,
  option: string,
  value: unknown,
  must: string,
  fits: boolean,
): void {
  if (fits) return;
  throw new RangeError(
    `Cannot make the ${reward} reward as '${option}' must be ${must}: current value is ${
      typeof value === "string" ? `'${value}'` : value
    }`,
  );
}

/** Whether a value is a whole number of at least `least`. */
export function isWhole(value: number, least: number): boolean {
  return Number.isSafeInteger(value) && value >= least;
}
