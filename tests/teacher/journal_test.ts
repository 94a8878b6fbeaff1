import { assert, assertEquals, assertStringIncludes, assertThrows } from "../../src/std/assert.ts";
import { Journal, JournalError, type KeptRow } from "../../src/teacher/journal.ts";
import { readRows, withOut } from "./collecting.ts";

const settings = { model: "m", temperature: null };
const row = (id: string): KeptRow => ({
  ...{
    id,
    prompt: `ask ${id}`,
    attempts: 1,
    tokens_in: 1,
    tokens_out: 2,
    trace: "é\u2028".repeat(3),
  },
});

function open(out: string): { journal: Journal; kept: string[]; rejected: string[] } {
  const kept: string[] = [], rejected: string[] = [];
  const journal = Journal.open(
    out,
    settings,
    ({ id }) => kept.push(id),
    ({ id, attempt }) => rejected.push(`${id} ${attempt}`),
  );
  return { journal, kept, rejected };
}

Deno.test("what was written is handed over when the files are opened again", () =>
  withOut((out) => {
    {
      using journal = open(out).journal;
      journal.keep(row("b"));
      journal.reject({ id: "a", attempt: 1, reason: "cut", detail: "too long" });
      journal.keep(row("a"));
      assertThrows(() => journal.keep(row("a")), JournalError, "twice");
    }
    const { journal, kept, rejected } = open(out);
    assertEquals([kept, rejected, journal.has("a"), journal.has("c")], [
      ...[["b", "a"], ["a 1"], true, false],
    ]);
    journal.sort(["a", "b", "c"]);
    journal[Symbol.dispose]();
    assertEquals(readRows(out), [row("a"), row("b")]);
    return Promise.resolve();
  }));

Deno.test("cut anywhere, the files open and keep every whole line", () =>
  withOut((out) => {
    {
      using journal = open(out).journal;
      for (const id of ["a", "b", "c"]) {
        journal.reject({ id, attempt: 1, reason: "cut", detail: "…" });
        journal.keep(row(id));
      }
    }
    const beside = out.replace(".jsonl", ".rejected.jsonl");
    const [kept, rejected] = [out, beside].map((path) => Deno.readFileSync(path));
    const whole = (bytes: Uint8Array) => bytes.filter((byte) => byte === 10).length;
    for (let size = 0; size <= kept.length; size += 7) {
      Deno.writeFileSync(out, kept.subarray(0, size));
      const opened = open(out);
      assertEquals(opened.kept.length, whole(kept.subarray(0, size)));
      const short = { ...row("d"), trace: "" };
      opened.journal.keep(short);
      opened.journal[Symbol.dispose]();
      const end = kept.subarray(0, size).lastIndexOf(10) + 1;
      assertEquals(
        Deno.readTextFileSync(out),
        new TextDecoder().decode(kept.subarray(0, end)) + `${JSON.stringify(short)}\n`,
      );
    }
    Deno.removeSync(out);
    for (let size = 0; size <= rejected.length; size++) {
      Deno.writeFileSync(beside, rejected.subarray(0, size));
      const opened = open(out);
      opened.journal[Symbol.dispose]();
      assertEquals(opened.rejected.length, Math.max(0, whole(rejected.subarray(0, size)) - 1));
      assertEquals(readRows(beside)[0], { settings });
    }
    return Promise.resolve();
  }));

Deno.test("files of someone else are refused and left as they are", () =>
  withOut((out) => {
    const beside = out.replace(".jsonl", ".rejected.jsonl");
    const exists = (path: string) => {
      try {
        return Deno.statSync(path).isFile;
      } catch {
        return false;
      }
    };
    Deno.writeTextFileSync(out, '{"question": "mine"}\nhalf');
    assertStringIncludes(
      assertThrows(() => open(out), JournalError).message,
      "which would say how it was made",
    );
    assertEquals(Deno.readTextFileSync(out), '{"question": "mine"}\nhalf');
    assert(!exists(beside));
    for (const text of ["mine", '{"question": "mine"}\n', "mine\nhalf", '{"settings": 4}\n']) {
      Deno.writeTextFileSync(beside, text);
      assertThrows(() => open(out), JournalError, "was not made with it");
      assertEquals(Deno.readTextFileSync(beside), text);
      assertEquals(Deno.readTextFileSync(out), '{"question": "mine"}\nhalf');
    }
    assertThrows(() => open("traces.json"), JournalError, "must end in .jsonl");
    return Promise.resolve();
  }));

Deno.test("a damaged line is named", () =>
  withOut((out) => {
    for (
      const [line, says] of [
        ["{broken", "line 2"],
        ['{"no": "id"}', "line 2 has no 'id'"],
        ["4", "line 2 has no 'id'"],
        [JSON.stringify(row("a")), "line 2 repeats problem 'a'"],
        [new Uint8Array([0xff, 0xfe]), "line 2 is not UTF-8"],
      ] as const
    ) {
      {
        using journal = open(out).journal;
        journal.keep(row("a"));
      }
      const bytes = typeof line === "string" ? new TextEncoder().encode(line) : line;
      Deno.writeFileSync(out, bytes, { append: true });
      Deno.writeTextFileSync(out, "\n", { append: true });
      assertStringIncludes(assertThrows(() => open(out), JournalError).message, says);
      Deno.removeSync(out);
    }
    return Promise.resolve();
  }));
