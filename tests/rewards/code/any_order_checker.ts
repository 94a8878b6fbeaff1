/** A checker for tests: the words of a text, or the items of a list, in any order. Two outputs make it misbehave. */
export default function (input: unknown, expected: unknown, actual: unknown): unknown {
  if (actual === "throw\n") throw new Error(`cannot read what ${input} gave`);
  if (actual === "vague\n") return 1;
  const sorted = (value: unknown) =>
    JSON.stringify(
      (typeof value === "string" ? value.trim().split(" ") : value as unknown[]).toSorted(),
    );
  return sorted(expected) === sorted(actual);
}
