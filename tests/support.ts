/** What several test files share. */

/**
 * Registers a test that needs something which may be absent here.
 *
 * @param skipReason Why it cannot run, shown in its name; undefined when it can.
 */
export function maybeTest(
  name: string,
  skipReason: string | undefined,
  fn: (context: Deno.TestContext) => void | Promise<void>,
): void {
  Deno.test({
    name: skipReason === undefined ? name : `${name} [skipped: ${skipReason}]`,
    ignore: skipReason !== undefined,
    fn,
  });
}
