/** What a program of ours says on its standard output, among what a solution prints. */

import type { Verdict } from "../../sandbox/sandbox.ts";

/** A mark that no solution has seen when it was written. */
export function newMark(): string {
  return `${crypto.randomUUID()} `;
}

/** The messages behind the mark, in order. What cannot be read ends them. */
export function messagesOf(stdout: string, mark: string): unknown[] {
  const messages: unknown[] = [];
  for (const line of stdout.split("\n")) {
    if (!line.startsWith(mark)) continue;
    try {
      messages.push(JSON.parse(line.slice(mark.length)));
    } catch {
      break;
    }
  }
  return messages;
}

/** How a run ended, in words. */
export function inWords(verdict: Verdict): string {
  switch (verdict.type) {
    case "exited":
      return `it exited with code ${verdict.code}`;
    case "timeout":
      return `it did not end within ${(verdict.ms / 1000).toFixed(1)} s`;
    case "memory":
      return "it used too much memory";
    case "output_limit":
      return "it printed too much";
  }
}
