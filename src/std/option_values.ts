/** Values of a command's flags, from their text. */
import { UsageError } from "./help.ts";

/** The flags of a command as `parseCommand` reads them. */
export type OptionTexts = Readonly<Record<string, string | boolean | undefined>>;

/** Bounds of {@linkcode numberOption} and {@linkcode integerOption}. */
export interface NumberBounds {
  /** The least value. */
  readonly min?: number;
  /** The largest value. */
  readonly max?: number;
}

/**
 * A number from a flag; undefined where the flag was not given.
 *
 * @throws {UsageError} Names the flag, its value and what it must be.
 */
export function numberOption(
  options: OptionTexts,
  name: string,
  bounds: NumberBounds = {},
): number | undefined {
  return read(options[name], name, bounds, "a number", Number.isFinite);
}

/**
 * A whole number from a flag; undefined where the flag was not given.
 *
 * @throws {UsageError} Names the flag, its value and what it must be.
 */
export function integerOption(
  options: OptionTexts,
  name: string,
  bounds: NumberBounds = {},
): number | undefined {
  return read(options[name], name, bounds, "a whole number", Number.isSafeInteger);
}

/**
 * Whole numbers from a flag such as `7,8`; undefined where the flag was not given.
 *
 * @throws {UsageError} Names the flag, its value and what it must be.
 */
export function integersOption(
  options: OptionTexts,
  name: string,
  bounds: NumberBounds = {},
): number[] | undefined {
  const text = options[name];
  if (typeof text !== "string") return undefined;
  return text.split(",").map((part) =>
    read(part, name, bounds, "whole numbers with commas between them", Number.isSafeInteger)!
  );
}

function read(
  text: string | boolean | undefined,
  name: string,
  { min = -Infinity, max = Infinity }: NumberBounds,
  kind: string,
  fits: (value: number) => boolean,
): number | undefined {
  if (typeof text !== "string") return undefined;
  const value = text.trim() === "" ? NaN : Number(text);
  if (fits(value) && value >= min && value <= max) return value;
  const from = min === -Infinity ? "" : ` of at least ${min}`;
  const to = max === Infinity ? "" : `${from === "" ? "" : " and"} at most ${max}`;
  throw new UsageError(
    `Option '--${name}' must be ${kind}${from}${to}: current value is '${text}'`,
  );
}
