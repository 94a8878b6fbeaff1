import { assert, assertEquals, assertThrows } from "../../src/std/assert.ts";
import { ChatTemplate } from "../../src/tokenizer/chat_template.ts";

const noon = new Date(2024, 6, 4, 15, 7, 9);

function render(template: string, variables: Record<string, unknown> = {}): string {
  return new ChatTemplate(template).render(variables, noon);
}

Deno.test("chat template: what cannot be rendered is refused by name before it is rendered", () => {
  const cases: [template: string, named: string][] = [
    ["{% if false %}{{ x | groupby('a') }}{% endif %}", "the filter 'groupby'"],
    ["{% if false %}{{ x.title() }}{% endif %}", "the method 'title()'"],
    ["{% if false %}{{ x is divisibleby(2) }}{% endif %}", "the test 'divisibleby'"],
    [
      "{% if false %}{{ x | selectattr('a', 'gt', 1) }}{% endif %}",
      "the test 'gt' in 'selectattr'",
    ],
    ["{% if false %}{{ x | map('title') }}{% endif %}", "the filter 'map' with 'title'"],
    ["{% if false %}{{ 2 ** 3 }}{% endif %}", "the operator '**'"],
    ["{% if false %}{{ 1 < 2 < 3 }}{% endif %}", "a chain of comparisons"],
    ["{% if false %}{{ f(1) }}{% endif %}", "the function 'f()'"],
    ["{% if false %}{{ x.items }}{% endif %}", "the method 'items' without a call"],
    ["{% for x in y %}{{ loop.cycle('a') }}{% endfor %}", "the method 'cycle()'"],
    ["{% for x in y %}{{ loop.depth }}{% endfor %}", "'loop.depth'"],
    ["{% filter upper %}a{% endfilter %}", "a 'FilterStatement'"],
    ["{% with a = 1 %}{% endwith %}", "Unknown statement type: with"],
    ["{% raw %}{% endraw %}", "Unknown statement type: raw"],
    ["{{ x | tojson(indent=2, foo=1) }}", "the filter 'tojson' with the argument 'foo'"],
    ["a\n  {- b", 'the text "  {-"'],
    ["{{ 9007199254740993 }}", "the integer"],
    ["{{ '\\ud83d' }}", "half a character"],
  ];
  for (const [template, named] of cases) {
    assertThrows(() => new ChatTemplate(template), Error, named, template);
  }
});

Deno.test("chat template: damaged ones are errors", () => {
  const damaged = [
    ...["{{", "{%", "{{ x", "{% if x %}", "{% for x in %}{% endfor %}", "{{ 'a }}", "{{ x | }}"],
    ...["{{ (1 }}", "{# a", "{% endif %}", "{% set %}", "{{ x. }}", "{{ ] }}", "{{ {'a' 1} }}"],
  ];
  for (const template of damaged) {
    assertThrows(() => new ChatTemplate(template), Error, "Cannot use the chat template", template);
  }
});

Deno.test("chat template: one without an end is stopped", () => {
  const double = "{% set ns = namespace(s='ab', l=[1]) %}{% for i in range(200) %}";
  const endless = [
    "{% for i in range(1000000000) %}{% endfor %}",
    "{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% macro m(n) %}{{ m(n) }}{{ m(n) }}{% endmacro %}{{ m(1) }}",
    double + "{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
    double + "{% set ns.s = ns.s | replace('a', ns.s) %}{% endfor %}",
    double + "{% set ns.l = ns.l + ns.l %}{% endfor %}",
    "{% set ns = namespace(s='ab') %}{% for i in range(21) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}" +
    "{% for i in range(90000) %}{{ ns.s | length }}{% endfor %}",
    "{{ [1] | tojson(indent=1000000000) }}",
    "{{ " + "(".repeat(50_000) + "1" + ")".repeat(50_000) + " }}",
    "{% if x %}".repeat(15_000) + "{% endif %}".repeat(15_000),
    "{{ " + "not ".repeat(40_000) + "x }}",
    "{{ x }}".repeat(50_000),
    " ".repeat(150_000) + "{% generation %}{% endgeneration %}",
  ];
  for (const template of endless) {
    const start = performance.now();
    assertThrows(() => render(template), Error, "Cannot use the chat template");
    const seconds = (performance.now() - start) / 1000;
    assert(seconds < 5, `${seconds} s for ${template.slice(0, 80)}`);
  }
});

Deno.test("chat template: a long conversation is not stopped", () => {
  const template =
    "{% for m in messages %}{{ m.role + ': ' + m.content | trim + '\n' }}{% endfor %}";
  const messages = Array.from(
    { length: 500 },
    () => ({ role: "user", content: "ab ".repeat(300) }),
  );
  assertEquals(render(template, { messages }).length, 500 * 906);
});

Deno.test("chat template: the date is the one given", () => {
  assertEquals(
    render("{{ strftime_now('%d %b %Y|%A %a %B|%H:%M:%S|%I %p|%m%%') }}"),
    "04 Jul 2024|Thursday Thu July|15:07:09|03 PM|07%",
  );
});

Deno.test("chat template: its own refusal is passed on", () => {
  const template = "{{ raise_exception('Only ' ~ n ~ ' turns!') }}";
  assertThrows(
    () => render(template, { n: 2 }),
    Error,
    "it refuses the conversation: Only 2 turns!",
  );
});

Deno.test("chat template: rendering leaves variables and template as they were", () => {
  const template = new ChatTemplate(
    "{% set messages = messages[1:] %}{% set ns = namespace(n=0) %}{% for m in messages %}" +
      "{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}",
  );
  const variables = { messages: [{}, {}, {}] };
  for (let i = 0; i < 3; i++) assertEquals(template.render(variables, noon), "2");
  assertEquals(variables.messages.length, 3);
});
