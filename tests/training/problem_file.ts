/** A data set that tests make themselves: sums in words, each with its trace and tier. */
import { join } from "node:path";

/** A row of the file, in the columns that are read by default. */
export interface SumRow {
  /** Name of the row. */
  readonly id: string;
  /** The question. */
  readonly prompt: string;
  /** The gold answer. */
  readonly answer: string;
  /** How it is found. */
  readonly trace: string;
  /** 1 or 2. */
  readonly tier: number;
}

/** So many different sums. */
export function sumRows(count: number): SumRow[] {
  return Array.from({ length: count }, (_, i) => {
    const [a, b] = [i % 17, Math.floor(i / 17)];
    return {
      id: `sum-${i}`,
      prompt: `Ann has ${a} apples and gets ${b} more. How many apples has she?`,
      answer: String(a + b),
      trace: `She had ${a} and got ${b}, which is ${a} + ${b} = ${a + b}.`,
      tier: 1 + i % 2,
    };
  });
}

/** Writes rows as JSONL into a folder. */
export function writeRows(folder: string, name: string, rows: readonly object[]): string {
  const path = join(folder, name);
  Deno.writeTextFileSync(path, rows.map((row) => JSON.stringify(row) + "\n").join(""));
  return path;
}
