/**
 * The part of `@std/text` that we use, under its names and signatures, and
 * {@linkcode suggest} on top of it.
 *
 * @module
 */

/**
 * The number of single-character insertions, deletions and substitutions between two words.
 *
 * @example
 * ```ts
 * console.log(levenshteinDistance("learnin_rate", "learning_rate")); // 1
 * ```
 */
export function levenshteinDistance(str1: string, str2: string): number {
  let previous = Array.from({ length: str2.length + 1 }, (_, column) => column);
  for (let row = 1; row <= str1.length; row++) {
    const current = [row];
    for (let column = 1; column <= str2.length; column++) {
      const substitution = previous[column - 1] + (str1[row - 1] === str2[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, previous[column] + 1, current[column - 1] + 1));
    }
    previous = current;
  }
  return previous[str2.length];
}

/** The word of `possibleWords` nearest to `givenWord` by {@linkcode levenshteinDistance}. */
export function closestString(givenWord: string, possibleWords: readonly string[]): string {
  if (possibleWords.length === 0) {
    throw new TypeError("Cannot find the closest string as 'possibleWords' is empty");
  }
  let closest = possibleWords[0];
  let smallest = Infinity;
  for (const word of possibleWords) {
    const distance = levenshteinDistance(givenWord, word);
    if (distance < smallest) [closest, smallest] = [word, distance];
  }
  return closest;
}

/** What a misspelt word was probably meant to be; undefined if no candidate is near. */
export function suggest(word: string, candidates: readonly string[]): string | undefined {
  if (candidates.length === 0) return undefined;
  const closest = closestString(word, candidates);
  // A third of the word, so that two swapped letters of a short one still count as near.
  const allowed = Math.ceil(Math.max(word.length, closest.length) / 3);
  return levenshteinDistance(word, closest) <= allowed ? closest : undefined;
}
