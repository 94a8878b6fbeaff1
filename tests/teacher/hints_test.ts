import { assertEquals, assertStringIncludes } from "../../src/std/assert.ts";
import type { Problem } from "../../src/data/types.ts";
import { collect } from "../../src/teacher/collect.ts";
import { hintTask } from "../../src/teacher/hints.ts";
import { checkInstruction, fillInstruction } from "../../src/teacher/instruction.ts";
import { assertThrows } from "../../src/std/assert.ts";
import { readRejects, readRows, teacherAt, withOut } from "./collecting.ts";
import { completion, TeacherServer } from "./server.ts";

const clips: Problem = {
  ...{ id: "clips", prompt: "Natalia sold 48 clips, then half as many. How many?", answer: "72" },
  ...{ trace: "Half of 48 is 24. 48 + 24 is all of them.", tier: 2, source: "gsm8k" },
};

Deno.test("a hint that leaks is sent back with the reason until one is good", () =>
  withOut(async (out) => {
    const hints = [
      "1. Halve.\n2. Add: 48 + 24 = 72.",
      "1. It is seventy-two.",
      "<think>hm</think>1. Halve what was sold first.\n2. Add both.",
    ];
    await using server = new TeacherServer(({ index }) => completion(hints[index]));
    const result = await collect({
      ...{ teacher: teacherAt(server.url), task: hintTask(), problems: [clips], out },
    });
    assertEquals([result.kept, result.rejected], [1, { leak: 2 }]);
    assertEquals(readRows(out), [{
      ...{ id: "clips", prompt: clips.prompt, answer: "72", tier: 2, trace: clips.trace },
      ...{ hint: "1. Halve what was sold first.\n2. Add both.", source: "gsm8k", model: "m" },
      ...{ attempts: 3, tokens_in: 10, tokens_out: 20 },
    }]);
    assertEquals(readRejects(out).map(({ detail }) => detail), [
      ...["it contains the answer: '48+24'", "it declares the answer: '72'"],
    ]);
    const [[first], second, third] = server.requests.map(({ body }) => body.messages);
    for (const part of [clips.prompt, clips.trace, "kept secret:\n72"]) {
      assertStringIncludes(first.content, part);
    }
    assertEquals(second.map(({ role }) => role), ["user", "assistant", "user"]);
    assertEquals(second[1].content, hints[0]);
    assertStringIncludes(second[2].content, "cannot be used: it contains the answer: '48+24'");
    assertStringIncludes(third[2].content, "'72'");
  }));

Deno.test("the next call still knows why the last hint was rejected", () =>
  withOut(async (out) => {
    await using server = new TeacherServer(({ body }) =>
      completion(body.messages.length === 1 ? "It is 72." : "Halve it first.")
    );
    const call = (attempts: number) =>
      collect({
        ...{ teacher: teacherAt(server.url), task: hintTask(), problems: [clips], out, attempts },
      });
    assertEquals((await call(1)).exhausted, 1);
    assertEquals((await call(2)).kept, 1);
  }));

Deno.test("what is no hint is rejected", () =>
  withOut(async (out) => {
    const replies = [
      completion(""),
      completion("<think>but no more", { finish: "length" }),
      completion("<think>hm</think>"),
      completion("Use <answer> tags."),
      completion("[HINT_START] Halve. [HINT_END]"),
      completion("Halve it now or halve it later."),
      completion("Halve it."),
    ];
    await using server = new TeacherServer(({ index }) => replies[index]);
    const task = hintTask({ length: { max: 3, count: (text) => text.split(" ").length } });
    const result = await collect({
      ...{ teacher: teacherAt(server.url), task, problems: [clips], out, attempts: 9 },
    });
    assertEquals(result.rejected, { empty: 2, cut: 1, markup: 2, "too-long": 1 });
    assertEquals(readRows(out).map(({ hint }) => hint), ["Halve it."]);
  }));

Deno.test("of a program the solution is the secret; without any secret nothing is asked", () =>
  withOut(async (out) => {
    const program = "```python\ndef f(xs):\n    return sorted(xs)[::-1]\n```";
    const problems: Problem[] = [
      { id: "a", prompt: "Sort downwards.", answer: "", completion: program, trace: "", tier: 1 },
      { id: "b", prompt: "Sort upwards.", answer: "", trace: "", tier: 1 },
    ];
    await using server = new TeacherServer(({ index }) =>
      completion(index === 0 ? "Say `return sorted(xs)[::-1]`." : "Sort, then turn it around.")
    );
    const result = await collect({
      ...{ teacher: teacherAt(server.url), task: hintTask(), problems, out },
    });
    assertEquals([result.kept, result.rejected, result.leftOut], [
      ...[1, { leak: 1 }, { "no-answer": 1 }],
    ]);
  }));

Deno.test("an instruction has a place for the question, and text of a problem is put in once", () => {
  assertThrows(() => checkInstruction("Solve it."), Error, "{question}");
  assertEquals(
    fillInstruction("{question}|{answer}|{solution}|{other}|{question}", {
      ...clips,
      prompt: "a {answer} $& $1",
      trace: "",
    }),
    "a {answer} $& $1|72|(none)|{other}|a {answer} $& $1",
  );
});
