/** What a tokenizer.json must not have: each is an error that names it, never a wrong id. */
import { assert, assertEquals, assertThrows } from "../../src/std/assert.ts";
import { trainBpe } from "../../src/tokenizer/bpe_trainer.ts";
import { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { fc } from "../fast_check.ts";

// deno-lint-ignore no-explicit-any
type Json = any;

const trained = trainBpe(["The answer is 42, and the other answer is 43. ".repeat(9)], {
  vocabSize: 290,
});
const fixture: { tokenizers: Record<string, { json: Json }> } = JSON.parse(
  await Deno.readTextFile(new URL("../fixtures/tokenizers.json", import.meta.url)),
);

/** The trained tokenizer's file, changed. */
function changed(change: (json: Json) => void, json: Json = trained.tokenizerJson): object {
  const copy = structuredClone(json);
  change(copy);
  return copy;
}

function refused(named: string, change: (json: Json) => void, json?: Json): void {
  assertThrows(() => Tokenizer.fromJson(changed(change, json)), Error, named);
}

Deno.test("tokenizer.json: what is not supported is refused by name", () => {
  for (const type of ["WordPiece", "Unigram", "Magic"]) {
    refused(`model '${type}' is not supported`, (json) => json.model.type = type);
  }
  const part = (type: string) => ({ type });
  for (const type of ["Lowercase", "BertNormalizer", "Precompiled", "StripAccents", "Nmt"]) {
    refused(`normalizer '${type}'`, (json) => json.normalizer = part(type));
    refused(`normalizer '${type}'`, (json) => {
      json.normalizer = { type: "Sequence", normalizers: [part("NFC"), part(type)] };
    });
  }
  for (const type of ["BertPreTokenizer", "Punctuation", "CharDelimiterSplit", "UnicodeScripts"]) {
    refused(`pre-tokenizer '${type}'`, (json) => json.pre_tokenizer = part(type));
  }
  for (const type of ["WordPiece", "CTC", "BPEDecoder"]) {
    refused(`decoder '${type}'`, (json) => json.decoder = part(type));
  }
  for (const type of ["BertProcessing", "RobertaProcessing"]) {
    refused(`post-processor '${type}'`, (json) => json.post_processor = part(type));
  }
  for (const behavior of ["MergedWithPrevious", "MergedWithNext", "Contiguous", "Removed"]) {
    refused(`behavior "${behavior}"`, (json) => {
      json.pre_tokenizer.pretokenizers[0].behavior = behavior;
    });
  }
  refused("would drop characters", (json) => json.pre_tokenizer = part("Whitespace"));
  refused("'add_prefix_space'", (json) => {
    json.pre_tokenizer = { type: "ByteLevel", add_prefix_space: true };
  });
  refused("'dropout'", (json) => json.model.dropout = 0.1);
  refused("'end_of_word_suffix'", (json) => json.model.end_of_word_suffix = "</w>");
  refused("'continuing_subword_prefix'", (json) => json.model.continuing_subword_prefix = "##");
  refused("'fuse_unk'", (json) => Object.assign(json.model, { unk_token: "A", fuse_unk: true }));
  refused("'byte_fallback' without a token for every byte", (json) => {
    json.model.byte_fallback = true;
  });
  refused("'$' in its content", (json) => {
    json.normalizer = { type: "Replace", pattern: { String: "a" }, content: "$&" };
  });
  refused("is 'normalized'", (json) => {
    json.added_tokens.forEach((token: Json) => token.normalized = true);
  }, fixture.tokenizers.llama2.json);
  refused("splits words", (json) => {
    Object.assign(json.pre_tokenizer, { split: true });
    json.model.vocab["a\u2581"] = Object.keys(json.model.vocab).length;
  }, fixture.tokenizers.metaspace.json);
});

Deno.test("tokenizer.json: what is damaged is an error that names it", () => {
  refused("'model' must have a 'vocab'", (json) => json.model = []);
  refused("'model' must have a 'vocab'", (json) => delete json.model.vocab);
  refused("'model' must have a 'vocab'", (json) => json.model.vocab = [["a", 0]]);
  refused("vocabulary is empty", (json) => json.model.vocab = {});
  for (const id of ["7", -1, 1.5, null, 1e9]) {
    refused(`the id of token "A"`, (json) => json.model.vocab.A = id);
  }
  refused("have the same id", (json) => json.model.vocab.A = json.model.vocab.B);
  refused("list of 'merges'", (json) => json.model.merges = "a b");
  refused("list of 'merges'", (json) => delete json.model.merges);
  refused("merge 0 must be two tokens", (json) => json.model.merges[0] = ["a"]);
  refused("merge 1 must be two tokens", (json) => json.model.merges[1] = "a b");
  refused("merge 0 must be two tokens", (json) => json.model.merges[0] = null);
  refused('names the token "qq"', (json) => json.model.merges[2] = ["qq", "a"]);
  refused('names the token "aa"', (json) => json.model.merges[2] = ["a", "a"]);
  refused("'unk_token' \"<none>\"", (json) => json.model.unk_token = "<none>");
  refused("'ignore_merges' must be", (json) => json.model.ignore_merges = "yes");
  refused("'added_tokens' must be a list", (json) => json.added_tokens = {});
  refused("must have 'content'", (json) => json.added_tokens[0] = null);
  refused("must have 'content'", (json) => json.added_tokens[0].content = "");
  refused("must have id", (json) => json.added_tokens[0].id = 3);
  refused("must have id", (json) => json.added_tokens.at(-1).id++);
  refused("has another's id 3", (json) => {
    json.model.vocab = { a: 0, b: 1, c: 3 };
    json.model.merges = [];
    json.added_tokens = [{ content: "<x>", id: 3, normalized: false }];
  });
  refused("stands there twice", (json) => {
    json.model.vocab["<x>"] = Object.keys(json.model.vocab).length;
    const token = { content: "<x>", id: json.model.vocab["<x>"], normalized: false };
    json.added_tokens = [token, token];
  });
  refused("normalizer must be an object", (json) => json.normalizer = "NFC");
  refused("must have a list 'pretokenizers'", (json) => json.pre_tokenizer.pretokenizers = null);
  refused("'Sequence' in a 'Sequence'", (json) => {
    json.pre_tokenizer.pretokenizers.push({ type: "Sequence", pretokenizers: [] });
  });
  refused("must have a 'pattern'", (json) => json.pre_tokenizer.pretokenizers[0].pattern = {});
  refused("Cannot load the tokenizer", (json) => {
    json.pre_tokenizer.pretokenizers[0].pattern.Regex = "(a";
  });
  refused("'Strip' must have", (json) => json.decoder = { type: "Strip" });
  refused("'TemplateProcessing' must have", (json) => {
    json.post_processor = { type: "TemplateProcessing" };
  });
});

Deno.test("tokenizer.json: a word-level model gives its unknown token", () => {
  const words = Tokenizer.fromJson({
    pre_tokenizer: { type: "WhitespaceSplit" },
    model: { type: "WordLevel", vocab: { one: 0, "?": 1, two: 2 }, unk_token: "?" },
  });
  assertEquals(words.encode("one two three"), [0, 2, 1]);
  assertEquals(words.decode([0, 2, 1]), "one two ?");
});

Deno.test("tokenizer.json: a byte without a token is refused where a text has it, not dropped", () => {
  const tokenizer = Tokenizer.fromJson(changed((json) => {
    json.model.merges = [];
    json.model.vocab = Object.fromEntries([..."abc"].map((token, id) => [token, id]));
    json.added_tokens = [];
  }));
  assertEquals(tokenizer.encode("abba"), [0, 1, 1, 0]);
  assertThrows(() => tokenizer.encode("abd"), Error, "no token for the byte 100");
});

Deno.test("tokenizer.json: a file with any piece replaced is an error or still a tokenizer", () => {
  const paths: (string | number)[][] = [];
  const walk = (value: unknown, path: (string | number)[]) => {
    paths.push(path);
    if (typeof value !== "object" || value === null) return;
    const keys = Array.isArray(value) ? value.keys() : Object.keys(value);
    for (const key of [...keys].slice(0, 12)) walk((value as Json)[key], [...path, key]);
  };
  for (const shape of ["llama3", "llama2"]) {
    const { json } = fixture.tokenizers[shape];
    paths.length = 0;
    walk(json, []);
    const junk = fc.oneof(
      fc.constantFrom<unknown>(null, true, -1, 0, 1e300, "", "x", [], {}, [[]], "\u0000", "(", [1]),
      fc.constantFrom(...paths).map((path) => path.reduce((at: Json, key) => at[key], json)),
    );
    const mutation = fc.tuple(fc.constantFrom(...paths), junk);
    let loaded = 0;
    fc.assert(
      fc.property(mutation, ([path, value]) => {
        const at = path.slice(0, -1);
        const copy = path.length === 0 ? structuredClone(value) : changed((copy) => {
          at.reduce((at: Json, key) => at[key], copy)[path.at(-1)!] = structuredClone(value);
        }, json);
        if (typeof copy !== "object" || copy === null) return;
        const start = performance.now();
        let tokenizer: Tokenizer;
        try {
          tokenizer = Tokenizer.fromJson(copy);
        } catch (error) {
          assert(error instanceof Error && error.message.startsWith("Cannot load the tokenizer"));
          return;
        }
        loaded++;
        tokenizer.decode(tokenizer.encode("The answer is 42. ".repeat(20)));
        assert(performance.now() - start < 2_000);
      }),
      { numRuns: 300 },
    );
    assert(loaded > 0);
  }
});

Deno.test("tokenizer.json: a text of a million characters is encoded in seconds", () => {
  const texts = ["a".repeat(1_000_000), "ab\u00e9 ".repeat(250_000), " ".repeat(200_000)];
  for (const shape of ["qwen2", "deepseek_v3", "llama2"]) {
    const tokenizer = Tokenizer.fromJson(fixture.tokenizers[shape].json);
    for (const text of texts) {
      const start = performance.now();
      assertEquals(tokenizer.decode(tokenizer.encode(text)), text);
      assert(performance.now() - start < 20_000, `${shape}: ${text.slice(0, 5)}`);
    }
  }
});
