/** Chat templates against Transformers' `apply_chat_template`, and single constructs against Jinja2. */
import { assert, assertEquals, assertThrows } from "../../src/std/assert.ts";
import { ChatTemplate } from "../../src/tokenizer/chat_template.ts";
import { maybeTest } from "../support.ts";

/** What `chat_templates_peer.py` wrote. A text is null where Jinja2 raises. */
interface Fixture {
  values: Record<string, unknown>;
  constructs: { template: string; text: string | null; refused?: true }[];
  special: Record<string, string>;
  conversations: object[][];
  templates: Record<string, {
    text: string;
    cases: { conversation: number; variables: Record<string, unknown>; text: string | null }[];
  }>;
}

const path = new URL("../fixtures/chat_templates.json", import.meta.url).pathname;
const fixture: Fixture = JSON.parse(await Deno.readTextFile(path));

function render(template: string, variables: Record<string, unknown>): string {
  return new ChatTemplate(template).render(variables, new Date());
}

for (const [shape, { text: template, cases }] of Object.entries(fixture.templates)) {
  Deno.test(`chat template ${shape}: Transformers' text in ${cases.length} cases`, () => {
    for (const { conversation, variables, text } of cases) {
      const all = {
        messages: fixture.conversations[conversation],
        documents: null,
        ...fixture.special,
        ...variables,
      };
      if (text === null) assertThrows(() => render(template, all), Error, "chat template");
      else assertEquals(render(template, all), text);
    }
  });
}

const of = (kind: (row: Fixture["constructs"][number]) => boolean) =>
  fixture.constructs.filter(kind).map(({ template, text }) => ({ template, text }));

Deno.test("chat template: constructs give Jinja2's text", () => {
  const rows = of(({ text, refused }) => text !== null && !refused);
  assert(rows.length > 80, `${rows.length} constructs`);
  for (const { template, text } of rows) {
    assertEquals(render(template, fixture.values), text, template);
  }
});

Deno.test("chat template: constructs that Jinja2 raises on are errors", () => {
  for (const { template } of of(({ text, refused }) => text === null && !refused)) {
    assertThrows(() => render(template, fixture.values), Error, "chat template", template);
  }
});

Deno.test("chat template: constructs that would be rendered otherwise are refused", () => {
  for (const { template } of of(({ refused }) => refused === true)) {
    assertThrows(() => render(template, fixture.values), Error, "chat template", template);
  }
});

const python = Deno.env.get("HANDRAIL_PEER_PYTHON");

maybeTest(
  "chat templates: the fixture is what Transformers renders",
  python ? undefined : "HANDRAIL_PEER_PYTHON does not name a Python with transformers",
  async () => {
    const file = await Deno.makeTempFile({ prefix: "handrail-chat-" });
    try {
      const script = new URL("./chat_templates_peer.py", import.meta.url).pathname;
      const { success } = await new Deno.Command(python!, { args: [script, file] }).output();
      assertEquals(success, true);
      assertEquals(JSON.parse(await Deno.readTextFile(file)), fixture);
    } finally {
      await Deno.remove(file);
    }
  },
);
