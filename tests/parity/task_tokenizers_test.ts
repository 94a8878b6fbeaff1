import { ARITHMETIC_VOCABULARY, ArithmeticTask } from "../../src/data/arithmetic.ts";
import { sftBatch } from "../../src/data/curriculum.ts";
import { ProgrammingTask } from "../../src/data/programming.ts";
import { solutionText } from "../../src/data/types.ts";
import { assertEquals } from "../../src/std/assert.ts";
import { arithmeticTokenizer } from "../../src/tokenizer/arithmetic.ts";
import { PROGRAMMING_VOCABULARY, programmingTokenizer } from "../../src/tokenizer/programming.ts";
import { fc } from "../fast_check.ts";
import { maybeTest } from "../support.ts";

const python = Deno.env.get("HANDRAIL_PEER_PYTHON");

const tasks = [
  {
    task: new ArithmeticTask(),
    tokenizer: arithmeticTokenizer(),
    vocabulary: ARITHMETIC_VOCABULARY,
  },
  // Its tokens overlap, as `%10` and `)%10` do, and `x[` with `x`.
  {
    task: new ProgrammingTask(),
    tokenizer: programmingTokenizer(),
    vocabulary: PROGRAMMING_VOCABULARY,
  },
];

for (const { task, tokenizer, vocabulary } of tasks) {
  maybeTest(
    `${task.name} tokenizer: Hugging Face's libraries give the same ids and texts`,
    python ? undefined : "HANDRAIL_PEER_PYTHON does not name a Python with transformers",
    async () => {
      const words = fc.array(fc.constantFrom(...vocabulary), { maxLength: 50 });
      const texts = [
        ...sftBatch(task, 0, 0, 50).flatMap((p) => [p.prompt, solutionText(p)]),
        ...fc.sample(words, { numRuns: 200, seed: 1 }).map((tokens) => tokens.join("")),
      ];
      const folder = await Deno.makeTempDir({ prefix: "handrail-tokenizer-" });
      try {
        await tokenizer.save(folder);
        const script = new URL("./task_tokenizers.py", import.meta.url).pathname;
        const child = new Deno.Command(python!, {
          args: [script, folder],
          stdin: "piped",
          stdout: "piped",
          stderr: "inherit",
        }).spawn();
        const writer = child.stdin.getWriter();
        await writer.write(new TextEncoder().encode(JSON.stringify(texts)));
        await writer.close();
        const { success, stdout } = await child.output();
        assertEquals(success, true);
        const peer = JSON.parse(new TextDecoder().decode(stdout));
        assertEquals([peer.size, peer.eos, peer.pad], [vocabulary.length, 1, 0]);
        for (const [i, text] of texts.entries()) {
          const ids = tokenizer.encode(text);
          assertEquals(peer.rows[i], {
            ids,
            bare: ids,
            decoded: tokenizer.decode(ids),
            without_special: tokenizer.decode(ids, { skipSpecialTokens: true }),
          });
        }
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  );
}
