/** The program that calls one function of a solution in JavaScript or TypeScript. */

/** A name that a function of JavaScript can have. */
const NAME = /^[A-Za-z_$][\w$]*$/;

/**
 * The solution with what calls `functionName` (or that method of its class `Solution`) behind it: reads `{ mark, args }`
 * on standard input, prints the outcome behind the mark, in the form of `values.ts`. Null if no function can have that
 * name.
 */
export function javascriptProgram(solution: string, functionName: string): string | null {
  if (!NAME.test(functionName)) return null;
  return `${solution}
;const $judged = typeof ${functionName} === "function"
  ? ${functionName}
  : (...given) => new Solution().${functionName}(...given);
(async () => {
  const { readFileSync, writeSync } = process.getBuiltinModule("node:fs"); // modules and scripts have it
  const { mark, args } = JSON.parse(readFileSync(0, "utf8"));
  const tell = (value, depth = 0) => {
    if (depth > 100) throw new Error("too deep");
    if (value === undefined || value === null) return null;
    if (typeof value === "boolean" || typeof value === "string") return value;
    if (typeof value === "bigint") {
      return { i: value < 0n ? "-0x" + (-value).toString(16) : "0x" + value.toString(16) };
    }
    if (typeof value === "number") {
      if (Number.isSafeInteger(value)) return value;
      return { f: value === Infinity ? "inf" : value === -Infinity ? "-inf" : String(value).toLowerCase() };
    }
    if (Array.isArray(value)) return Array.from(value, (item) => tell(item, depth + 1));
    if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return tell(Array.from(value), depth);
    if (value instanceof Map) {
      return { d: [...value].map(([key, item]) => [tell(key, depth + 1), tell(item, depth + 1)]) };
    }
    if (typeof value === "object" && [Object.prototype, null].includes(Object.getPrototypeOf(value))) {
      return { d: Object.entries(value).map(([key, item]) => [key, tell(item, depth + 1)]) };
    }
    return { o: typeof value };
  };
  let outcome;
  try {
    outcome = { v: tell(await $judged(...args)) };
  } catch (error) {
    outcome = { e: [String(error?.name ?? "Error")], m: String(error?.message ?? error).slice(0, 1000) };
  }
  let rest = new TextEncoder().encode("\\n" + mark + JSON.stringify(outcome) + "\\n");
  while (rest.length > 0) rest = rest.subarray(writeSync(1, rest));
})();
`;
}
