/**
 * Every gold answer of the data sets against itself, written in six ways, against the next row's, and against itself
 * changed; and generations of a model that were scored by another grader.
 *
 * A spread of the rows, unless HANDRAIL_WHOLE_DATA is set.
 */
import { gradeAccuracy } from "../../src/rewards/accuracy.ts";
import { boxedAnswers, canonicalAnswer } from "../../src/rewards/answer.ts";
import { Random } from "../../src/data/random.ts";
import { assert, assertEquals } from "../../src/std/assert.ts";
import { noSharedData, readAll, SHARED_DATA } from "../data/support.ts";
import { maybeTest } from "../support.ts";
import { bare, CHANGES, loadSet, SETS, VARIANTS } from "./math_verify_cases.ts";

const most = Deno.env.get("HANDRAIL_WHOLE_DATA") ? Infinity : 250;

/** Gold answers that cannot be what their own spelling says. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  "\\phantom{09}": "invisible",
};

for (const set of SETS) {
  maybeTest(
    `gold answers of ${set[0]}: equal to themselves, however written`,
    noSharedData,
    async () => {
      const wrong: string[] = [];
      for (const { id, prompt, answer } of await loadSet(set, most)) {
        if (answer in EXCEPTIONS) continue;
        for (const [variant, write] of Object.entries(VARIANTS)) {
          const completion = write(answer);
          if (completion === null) continue;
          // The problem's own fraction, not in lowest terms, is no answer to it.
          const said = boxedAnswers(completion).at(0)?.content ?? "";
          if (variant === "revalued" && said.includes("frac") && prompt.includes(said)) continue;
          const grade = gradeAccuracy(completion, { prompt, answer });
          if (grade !== 1) wrong.push(`${id} ${variant}: ${completion} for ${answer}`);
        }
      }
      assertEquals(wrong, []);
    },
  );

  maybeTest(
    `gold answers of ${set[0]}: unequal to the next row's and to themselves changed`,
    noSharedData,
    async () => {
      const problems = await loadSet(set, most);
      const random = new Random(1, "changes");
      const wrong: string[] = [];
      for (const [i, { id, prompt, answer }] of problems.entries()) {
        if (answer in EXCEPTIONS) continue;
        const next = problems[(i + 1) % problems.length].answer;
        const same = canonicalAnswer(bare(next)) === canonicalAnswer(bare(answer));
        const grade = gradeAccuracy(`\\boxed{${bare(next)}}`, { prompt, answer });
        if (grade !== (same ? 1 : 0)) wrong.push(`${id} next: ${next} for ${answer}`);
        for (const [name, change] of Object.entries(CHANGES)) {
          const changed = change(bare(answer), random);
          if (changed === null || changed === bare(answer)) continue;
          const grade = gradeAccuracy(`\\boxed{${changed}}`, { prompt, answer });
          if (grade !== 0) wrong.push(`${id} ${name}: ${changed} for ${answer}`);
        }
      }
      assertEquals(wrong, []);
    },
  );
}

maybeTest(
  "800 generations: graded as their file says, but for one that it has wrong",
  noSharedData,
  async () => {
    const path = `${SHARED_DATA}/traces/qwen25math_cot_100x8.jsonl.gz`;
    const { rows } = await readAll(path, "qwen25math_cot_100x8.jsonl.gz");
    const differs: string[] = [];
    let count = 0;
    for (const row of rows) {
      const scores = row.score as boolean[];
      for (const [i, completion] of (row.code as string[]).entries()) {
        const problem = { prompt: String(row.question), answer: String(row.gt) };
        count++;
        if ((gradeAccuracy(completion, problem) === 1) !== scores[i]) {
          differs.push(`${row.idx}/${i}: ${problem.answer}`);
          assert(completion.includes("\\boxed{10000}"));
        }
      }
    }
    assertEquals(count, 800);
    assertEquals(differs, ["72/7: 10{,}000"]);
  },
);
