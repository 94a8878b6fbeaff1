import { assert, assertEquals, assertRejects } from "../../src/std/assert.ts";
import { arithmeticTokenizer } from "../../src/tokenizer/arithmetic.ts";
import { trainBpe } from "../../src/tokenizer/bpe_trainer.ts";
import { PromptFormat, type PromptFormatOptions } from "../../src/tokenizer/prompt_format.ts";
import { CODE_SYSTEM_PROMPT, REASONING_SYSTEM_PROMPT } from "../../src/tokenizer/system_prompts.ts";
import { Tokenizer } from "../../src/tokenizer/tokenizer.ts";

const fixture: { templates: Record<string, { text: string }> } = JSON.parse(
  await Deno.readTextFile(new URL("../fixtures/chat_templates.json", import.meta.url)),
);
const templates = Object.fromEntries(
  Object.entries(fixture.templates).map(([name, { text }]) => [name, text]),
);

const { tokenizerJson, tokenizerConfig } = trainBpe(["To be or not to be. ".repeat(9)], {
  vocabSize: 280,
  specialTokens: ["<BOS>"],
});
const tokenizer = Tokenizer.fromJson(tokenizerJson, { ...tokenizerConfig, bos_token: "<BOS>" });

function format(options: Partial<PromptFormatOptions> = {}): Promise<PromptFormat> {
  return PromptFormat.create(tokenizer, {
    systemPrompt: null,
    chatTemplate: "auto",
    templateKwargs: {},
    ...options,
  });
}

const noted = (format: PromptFormat, part: string) =>
  format.notes.some((note) => note.includes(part));

Deno.test("prompt format: the tokenizer's own template, with and without a system prompt", async () => {
  const plain = await format();
  assertEquals(plain.render("Hi?"), "<|im_start|>user\nHi?<|im_end|>\n<|im_start|>assistant\n");
  assertEquals([plain.opensThink, plain.notes], [false, []]);
  const system = await format({ systemPrompt: "Be brief." });
  assertEquals(
    system.render("Hi?"),
    "<|im_start|>system\nBe brief.<|im_end|>\n" +
      "<|im_start|>user\nHi?<|im_end|>\n<|im_start|>assistant\n",
  );
  assertEquals(system.notes, []);
});

Deno.test("prompt format: without a template the question stands as it is", async () => {
  const arithmetic = arithmeticTokenizer();
  const options = { systemPrompt: null, chatTemplate: "auto", templateKwargs: {} };
  const auto = await PromptFormat.create(arithmetic, options);
  assertEquals(auto.render("Q:1+2?"), "Q:1+2?");
  assert(noted(auto, "has no chat template"));
  const none = await format({ chatTemplate: "none", systemPrompt: "Be brief." });
  assertEquals(none.render(" a\n"), "Be brief.\n\n a\n");
  assertEquals([none.notes, none.opensThink], [[], false]);
});

Deno.test("prompt format: thinking that the template opens or closes is seen", async () => {
  const qwen = { chatTemplate: templates.qwen3, systemPrompt: REASONING_SYSTEM_PROMPT };
  const open = await format(qwen);
  assertEquals([open.opensThink, open.notes], [false, []]); // <think> in the system prompt is none
  const closed = await format({ ...qwen, templateKwargs: { enable_thinking: false } });
  assert(closed.render("x").endsWith("<|im_start|>assistant\n<think>\n\n</think>\n\n"));
  assertEquals(closed.opensThink, false);
  assert(noted(closed, "empty <think></think>"));
  const r1 = await format({ chatTemplate: templates.deepseek_r1 });
  assertEquals(r1.opensThink, true);
  assert(noted(r1, "opens <think> itself"));
  assertEquals(r1.render("What is 1?"), "<BOS><｜User｜>What is 1?<｜Assistant｜><think>\n");
});

Deno.test("prompt format: a template without a system role has the system prompt before the question", async () => {
  for (
    const chatTemplate of [
      templates.strict,
      "{{ messages[-1].content }}{{ '!' if add_generation_prompt }}",
    ]
  ) {
    const system = await format({ chatTemplate, systemPrompt: "Be brief." });
    assert(noted(system, "no system role"));
    assert(system.render("Hi?").includes("Be brief.\n\nHi?"));
    const plain = await format({ chatTemplate });
    assertEquals(plain.notes, []);
  }
});

Deno.test("prompt format: a template without a generation prompt is said", async () => {
  const without = await format({ chatTemplate: templates.no_prompt });
  assertEquals(without.render("Hi?"), "user: Hi?\n");
  assert(noted(without, "no generation prompt"));
});

Deno.test("prompt format: today's date in a prompt is said, and can be set", async () => {
  const dated = await format({ chatTemplate: templates.llama3 });
  assert(noted(dated, "date_string"));
  assertEquals(dated.render("x"), dated.render("x"));
  const fixed = await format({
    chatTemplate: templates.llama3,
    templateKwargs: { date_string: "1 Jan 2025" },
  });
  assert(!noted(fixed, "date_string"));
  assert(fixed.render("x").includes("Today: 1 Jan 2025\n"));
});

Deno.test("prompt format: a begin token that the template writes is there once", async () => {
  const bos = tokenizer.tokenToId("<BOS>")!;
  for (const shape of ["llama3", "deepseek_math", "deepseek_coder", "deepseek_r1", "strict"]) {
    const llama = await format({ chatTemplate: templates[shape] });
    const ids = tokenizer.encode(llama.render("To be?"));
    assertEquals([ids[0], ids.filter((id) => id === bos).length], [bos, 1], shape);
  }
  // Nor does a post-processor add one: apply_chat_template(tokenize=True) adds none either.
  const item = { SpecialToken: { id: "<BOS>", type_id: 0 } };
  const adding = Tokenizer.fromJson({
    ...tokenizerJson,
    post_processor: {
      type: "TemplateProcessing",
      single: [item, { Sequence: { id: "A", type_id: 0 } }],
      pair: [item, { Sequence: { id: "A", type_id: 0 } }, { Sequence: { id: "B", type_id: 1 } }],
      special_tokens: { "<BOS>": { id: "<BOS>", ids: [bos], tokens: ["<BOS>"] } },
    },
  }, tokenizerConfig);
  const rendered = (await format()).render("To be?");
  assertEquals(adding.encode(rendered), tokenizer.encode(rendered));
  assertEquals(adding.encode("be", { addSpecialTokens: true }), [bos, ...tokenizer.encode("be")]);
});

Deno.test("prompt format: a template that cannot work is refused at once", async () => {
  const cases: [chatTemplate: string, reason: string][] = [
    ["{{ messages | groupby('role') }}", "the filter 'groupby'"],
    ["{{ raise_exception('Never.') }}", "it refuses the conversation: Never."],
    ["hello", "leaves the question out"],
    ["{% for i in range(1000000000) %}{% endfor %}", "does not come to an end"],
    ["{{ messages[0].content.q.r }}", "an undefined value has no 'r'"],
  ];
  for (const [chatTemplate, reason] of cases) {
    await assertRejects(() => format({ chatTemplate }), Error, reason);
    await assertRejects(() => format({ chatTemplate, systemPrompt: "Be brief." }), Error, reason);
  }
  await assertRejects(
    () => format({ templateKwargs: { messages: [] } }),
    Error,
    "variable 'messages'",
  );
});

Deno.test("system prompts: each asks for every tag that the rewards look for", () => {
  for (const prompt of [REASONING_SYSTEM_PROMPT, CODE_SYSTEM_PROMPT]) {
    for (const tag of ["<think>", "</think>", "<answer>", "</answer>"]) {
      assert(prompt.includes(tag));
    }
  }
});
