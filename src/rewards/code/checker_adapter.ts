/**
 * Runs a checker of one's own in a process of its own, as a reward: a completion is what it is called with, as JSON.
 *
 * @module
 */

import { type Reward, ungraded } from "../reward.ts";

/** The URL of this module. */
export const checkerAdapter: string = import.meta.url;

/** The reward around the checker of this URL. */
export default async function ({ checker }: { readonly checker: string }): Promise<Reward> {
  const check: unknown = (await import(checker)).default;
  if (typeof check !== "function") {
    throw new Error("its default export must be a function (input, expected, actual) => boolean");
  }
  return {
    name: "checker",
    async score({ completion }) {
      try {
        const verdict: unknown = await check(...JSON.parse(completion));
        return typeof verdict === "boolean"
          ? Number(verdict)
          : ungraded(`the checker must give true or false: it gave a ${typeof verdict}`);
      } catch (error) {
        return ungraded(`the checker failed: ${error instanceof Error ? error.message : error}`);
      }
    },
  };
}
