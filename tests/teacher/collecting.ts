/** What the tests of collections share: problems, teachers, files. */
import type { Problem } from "../../src/data/types.ts";
import { createReward } from "../../src/rewards/registry.ts";
import { OpenAiTeacher, type OpenAiTeacherOptions } from "../../src/teacher/client.ts";
import type { TeacherTask } from "../../src/teacher/collect.ts";
import { traceTask } from "../../src/teacher/traces.ts";

/** Sums with different answers: problem `i` asks for `i + 100`. */
export function sums(count: number): Problem[] {
  return Array.from({ length: count }, (_, i) => ({
    ...{ id: `sum/${i}`, prompt: `What is ${i} + 100?`, answer: String(i + 100) },
    ...{ trace: "", tier: 1 + i % 3, source: "sums" },
  }));
}

/** The right answer to a sum, from what a server was asked. */
export function sumOf(content: string): number {
  const [, a, b] = /(\d+) \+ (\d+)/.exec(content)!;
  return Number(a) + Number(b);
}

/** What a good teacher says to a sum. */
export function solved(content: string): string {
  const [, a, b] = /(\d+) \+ (\d+)/.exec(content)!;
  return `Add ${b} to ${a}.\n<answer>${sumOf(content)}</answer>`;
}

export function teacherAt(url: string, options: Partial<OpenAiTeacherOptions> = {}): OpenAiTeacher {
  return new OpenAiTeacher({ baseUrl: url, model: "m", backoff: 1, retries: 2, ...options });
}

export function traces(): TeacherTask {
  return traceTask({ rewards: [createReward("accuracy"), createReward("format")] });
}

export function readRows(path: string): Record<string, unknown>[] {
  return Deno.readTextFileSync(path).split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

/** Rows of the file of rejects, without the line of the settings. */
export function readRejects(out: string): Record<string, unknown>[] {
  return readRows(out.replace(/\.jsonl$/, ".rejected.jsonl")).slice(1);
}

/** Runs a test with the path of an output file in a folder of its own. */
export async function withOut(run: (out: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(`${folder}/traces.jsonl`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
