import fc from "npm:fast-check@4.10.2";
import { ARITHMETIC_VOCABULARY } from "../../src/data/arithmetic.ts";
import { sftBatch } from "../../src/data/curriculum.ts";
import { ArithmeticTask } from "../../src/data/arithmetic.ts";
import { solutionText } from "../../src/data/types.ts";
import { assertEquals } from "../../src/std/assert.ts";
import { arithmeticTokenizer } from "../../src/tokenizer/arithmetic.ts";
import { maybeTest } from "../support.ts";

const python = Deno.env.get("HANDRAIL_PEER_PYTHON");

maybeTest(
  "arithmetic tokenizer: Hugging Face's libraries give the same ids and texts",
  python ? undefined : "HANDRAIL_PEER_PYTHON does not name a Python with transformers",
  async () => {
    const tokenizer = arithmeticTokenizer();
    const alphabet = fc.array(fc.constantFrom(...ARITHMETIC_VOCABULARY), { maxLength: 50 });
    const texts = [
      ...sftBatch(new ArithmeticTask(), 0, 0, 50).flatMap((p) => [p.prompt, solutionText(p)]),
      ...fc.sample(alphabet, { numRuns: 200, seed: 1 }).map((tokens) => tokens.join("")),
    ];
    const folder = await Deno.makeTempDir({ prefix: "handrail-tokenizer-" });
    try {
      await tokenizer.save(folder);
      const script = new URL("./arithmetic_tokenizer.py", import.meta.url).pathname;
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
      assertEquals([peer.size, peer.eos, peer.pad], [24, 1, 0]);
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
