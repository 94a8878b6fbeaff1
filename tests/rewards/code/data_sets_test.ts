/**
 * The reference solutions of HumanEval and MBPP score 1, and broken ones less. `HANDRAIL_CODE_PROBLEMS` says how many
 * problems of each are tried; 1000 is all.
 */

import { gunzipSync } from "node:zlib";
import type { Problem } from "../../../src/data/types.ts";
import { codeExecutionReward } from "../../../src/rewards/code_execution.ts";
import { assertEquals } from "../../../src/std/assert.ts";
import { loadRow } from "../../data/support.ts";
import { maybeTest } from "../../support.ts";
import { DirectSandbox, noPython } from "./direct_sandbox.ts";
import { block, scoreOf } from "./support.ts";

const folder = new URL("../../../../shared/data/code/", import.meta.url);
const count = Number(Deno.env.get("HANDRAIL_CODE_PROBLEMS") ?? 8);

function absent(file: string): string | undefined {
  try {
    Deno.statSync(new URL(file, folder));
    return noPython;
  } catch {
    return `../shared/data/code/${file} is absent`;
  }
}

/** Problems spread evenly over a file. */
async function problemsOf(preset: "humaneval" | "mbpp", file: string): Promise<Problem[]> {
  const bytes = await Deno.readFile(new URL(file, folder));
  const text = new TextDecoder().decode(file.endsWith(".gz") ? gunzipSync(bytes) : bytes);
  const lines = text.trim().split("\n");
  const every = Math.max(1, Math.floor(lines.length / count));
  const chosen = lines.filter((_, i) => i % every === 0);
  return await Promise.all(
    chosen.map(async (line) => await loadRow(preset, JSON.parse(line)) as Problem),
  );
}

for (
  const [preset, file] of [["humaneval", "HumanEval.jsonl.gz"], ["mbpp", "mbpp.jsonl"]] as const
) {
  maybeTest(`${preset}: reference solutions score 1, others less`, absent(file), async () => {
    await using sandbox = new DirectSandbox();
    const reward = codeExecutionReward({ sandbox });
    for (const problem of await problemsOf(preset, file)) {
      const sample = {
        prompt: "",
        completion: problem.answer,
        completionIds: [],
        given: 0,
        problem,
      };
      assertEquals(await scoreOf(reward, sample), 1, problem.id);
      const { entryPoint } = problem.tests as { entryPoint: string };
      const empty = { ...sample, completion: block(`def ${entryPoint}(*args): return Ellipsis`) };
      assertEquals(await scoreOf(reward, empty), 0, problem.id);
    }
  });
}
