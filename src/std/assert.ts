/**
 * The part of `@std/assert` that our tests use, under its names and signatures, on `node:assert`.
 *
 * @module
 */

import {
  AssertionError as NodeAssertionError,
  deepStrictEqual,
  notDeepStrictEqual,
} from "node:assert";

/** A failed assertion. */
export class AssertionError extends NodeAssertionError {
  /**
   * A failure with its explanation.
   *
   * @param message What was expected and what was found.
   */
  constructor(message: string) {
    super({ message });
  }
}

/** A class whose instances a thrown value may be checked against. */
// deno-lint-ignore no-explicit-any
export type ErrorConstructorLike<E extends Error = Error> = abstract new (...args: any[]) => E;

function show(value: unknown): string {
  return Deno.inspect(value, { depth: 4, iterableLimit: 20, strAbbreviateSize: 400 });
}

function withMessage(text: string, message?: string): string {
  return message === undefined ? text : `${text}: ${message}`;
}

/** Fails unless `condition` is truthy. */
export function assert(condition: unknown, message?: string): asserts condition {
  if (!condition) throw new AssertionError(message ?? "Expected a truthy value");
}

/** Fails always. */
export function fail(message?: string): never {
  throw new AssertionError(withMessage("Failed", message));
}

/** Fails unless both values are deeply and strictly equal. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  try {
    deepStrictEqual(actual, expected);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new AssertionError(withMessage(detail, message));
  }
}

/** Fails if both values are deeply and strictly equal. */
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  try {
    notDeepStrictEqual(actual, expected);
  } catch {
    throw new AssertionError(withMessage(`Expected a value other than ${show(actual)}`, message));
  }
}

/** Fails unless `Object.is(actual, expected)`. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  message?: string,
): asserts actual is T {
  if (!Object.is(actual, expected)) {
    throw new AssertionError(
      withMessage(`Expected exactly ${show(expected)}: current value is ${show(actual)}`, message),
    );
  }
}

function checkThrown<E extends Error>(
  error: unknown,
  errorClass: ErrorConstructorLike<E> | undefined,
  messageIncludes: string | undefined,
  message: string | undefined,
): void {
  if (errorClass !== undefined && !(error instanceof errorClass)) {
    throw new AssertionError(
      withMessage(`Expected an error of class ${errorClass.name}: got ${show(error)}`, message),
    );
  }
  if (messageIncludes === undefined) return;
  const text = error instanceof Error ? error.message : String(error);
  if (!text.includes(messageIncludes)) {
    throw new AssertionError(
      withMessage(
        `Expected an error message that includes ${show(messageIncludes)}: got ${show(text)}`,
        message,
      ),
    );
  }
}

/** Fails unless `fn` throws; returns what it threw. */
export function assertThrows(fn: () => unknown, message?: string): unknown;
/** Fails unless `fn` throws an `errorClass` whose message includes `messageIncludes`. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  errorClass: ErrorConstructorLike<E>,
  messageIncludes?: string,
  message?: string,
): E;
export function assertThrows(
  fn: () => unknown,
  errorClassOrMessage?: ErrorConstructorLike | string,
  messageIncludes?: string,
  message?: string,
): unknown {
  const errorClass = typeof errorClassOrMessage === "string" ? undefined : errorClassOrMessage;
  const note = typeof errorClassOrMessage === "string" ? errorClassOrMessage : message;
  let thrown: { error: unknown } | undefined;
  try {
    fn();
  } catch (error) {
    thrown = { error };
  }
  if (thrown === undefined) {
    throw new AssertionError(withMessage("Expected the function to throw", note));
  }
  checkThrown(thrown.error, errorClass, messageIncludes, note);
  return thrown.error;
}

/** Fails unless the promise of `fn` rejects; resolves to what it rejected with. */
export function assertRejects(fn: () => PromiseLike<unknown>, message?: string): Promise<unknown>;
/** Fails unless it rejects with an `errorClass` whose message includes `messageIncludes`. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  errorClass: ErrorConstructorLike<E>,
  messageIncludes?: string,
  message?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  errorClassOrMessage?: ErrorConstructorLike | string,
  messageIncludes?: string,
  message?: string,
): Promise<unknown> {
  const errorClass = typeof errorClassOrMessage === "string" ? undefined : errorClassOrMessage;
  const note = typeof errorClassOrMessage === "string" ? errorClassOrMessage : message;
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch (error) {
    throw new AssertionError(
      withMessage(`Expected a rejected promise: the function threw ${show(error)}`, note),
    );
  }
  let thrown: { error: unknown } | undefined;
  try {
    await promise;
  } catch (error) {
    thrown = { error };
  }
  if (thrown === undefined) {
    throw new AssertionError(withMessage("Expected the promise to reject", note));
  }
  checkThrown(thrown.error, errorClass, messageIncludes, note);
  return thrown.error;
}

/**
 * Fails unless `|actual - expected| <= tolerance`.
 *
 * @param tolerance Absolute; without it 1e-7 of `expected`, as in `@std/assert`.
 */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  message?: string,
): void {
  if (Object.is(actual, expected)) return;
  const allowed = tolerance ?? (Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  const difference = Math.abs(actual - expected);
  // Written so that NaN fails.
  if (difference <= allowed) return;
  throw new AssertionError(
    withMessage(
      `Expected ${actual} to be within ${allowed} of ${expected}: the difference is ${difference}`,
      message,
    ),
  );
}

/** Fails unless `actual` includes `expected`. */
export function assertStringIncludes(actual: string, expected: string, message?: string): void {
  if (!actual.includes(expected)) {
    throw new AssertionError(
      withMessage(`Expected ${show(actual)} to include ${show(expected)}`, message),
    );
  }
}

/** Fails unless `actual` matches `expected`. */
export function assertMatch(actual: string, expected: RegExp, message?: string): void {
  if (actual.search(expected) < 0) {
    throw new AssertionError(withMessage(`Expected ${show(actual)} to match ${expected}`, message));
  }
}

/** Fails if `actual` is null or undefined. */
export function assertExists<T>(actual: T, message?: string): asserts actual is NonNullable<T> {
  if (actual === undefined || actual === null) {
    throw new AssertionError(
      withMessage(`Expected a value that exists: current value is ${actual}`, message),
    );
  }
}

function compare(holds: boolean, sign: string, left: unknown, right: unknown, message?: string) {
  if (!holds) {
    throw new AssertionError(withMessage(`Expected ${show(left)} ${sign} ${show(right)}`, message));
  }
}

/** Fails unless `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, message?: string): void {
  compare(actual > expected, ">", actual, expected, message);
}

/** Fails unless `actual >= expected`. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, message?: string): void {
  compare(actual >= expected, ">=", actual, expected, message);
}

/** Fails unless `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, message?: string): void {
  compare(actual < expected, "<", actual, expected, message);
}

/** Fails unless `actual <= expected`. */
export function assertLessOrEqual<T>(actual: T, expected: T, message?: string): void {
  compare(actual <= expected, "<=", actual, expected, message);
}
