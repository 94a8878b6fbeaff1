import { join } from "node:path";
import {
  DifficultyError,
  difficultyHeader,
  difficultyLine,
  DifficultyWriter,
  type MeasuredDifficulty,
  parseDifficulties,
  readDifficulties,
  withDifficulty,
} from "../../src/data/difficulty.ts";
import { assertEquals, assertRejects, assertThrows } from "../../src/std/assert.ts";
import { fc } from "../fast_check.ts";

const settings = { model: "m", attempts: 4, temperature: 1, max_tokens: 32, system_prompt: null };

function measured(id: string, attempts: number, failures: number): MeasuredDifficulty {
  return { id, attempts, failures, difficulty: attempts === 0 ? null : failures / attempts };
}

async function inFolder(test: (path: string) => void | Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(join(folder, "difficulty.jsonl"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("what was written is read", () => {
  const entry = fc.record({
    id: fc.string({ minLength: 1, unit: "binary" }),
    attempts: fc.integer({ min: 0, max: 128 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(fc.property(
    fc.uniqueArray(entry, { selector: ({ id }) => id, maxLength: 8 }),
    (entries) => {
      const all = entries.map(({ id, attempts, share }) =>
        measured(id, attempts, Math.floor(share * attempts))
      );
      const text = difficultyHeader(settings) + all.map(difficultyLine).join("");
      const file = parseDifficulties(text, "x");
      assertEquals(file.settings, settings);
      assertEquals([...file.measured.values()], all);
    },
  ));
});

Deno.test("a file grows, and goes on after a kill in the middle of a line", async () => {
  await inFolder(async (path) => {
    {
      using writer = DifficultyWriter.open(path, settings);
      assertEquals(writer.before.size, 0);
      writer.append([measured("a", 4, 1), measured("b", 4, 4)]);
      writer.append([measured("c", 0, 0)]);
    }
    const whole = await Deno.readTextFile(path);
    // Wherever it was cut, the whole lines before it count and the rest is measured again.
    for (let length = 0; length <= whole.length; length++) {
      await Deno.writeTextFile(path, whole.slice(0, length));
      using writer = DifficultyWriter.open(path, settings);
      const lines = whole.slice(0, length).split("\n").length - 1;
      assertEquals(writer.before.size, Math.max(0, lines - 1));
      writer.append(
        [measured("a", 4, 1), measured("b", 4, 4), measured("c", 0, 0)].slice(writer.before.size),
      );
      assertEquals(await Deno.readTextFile(path), whole);
    }
    assertEquals((await readDifficulties(path)).measured.get("b"), measured("b", 4, 4));
  });
});

Deno.test("other settings are refused by name, and the file stays as it was", async () => {
  await inFolder(async (path) => {
    {
      using writer = DifficultyWriter.open(path, settings);
      writer.append([measured("a", 4, 1)]);
    }
    const before = await Deno.readTextFile(path);
    assertThrows(
      () => DifficultyWriter.open(path, { ...settings, attempts: 8, seed: 1 }),
      DifficultyError,
      "attempts was 4 and is 8; seed was undefined and is 1",
    );
    assertEquals(await Deno.readTextFile(path), before);
  });
});

Deno.test("a file that is no list of difficulties is refused and stays as it was", async () => {
  await inFolder(async (path) => {
    const header = difficultyHeader(settings);
    const line = difficultyLine(measured("a", 4, 1));
    for (
      const [text, message] of [
        ["precious notes", "Cannot read line 1"],
        ["precious notes\n", "Cannot read line 1"],
        [`${line}${line}`, "Cannot read line 1"],
        [`${header}${line}${line}`, "Cannot read line 3 of"],
        [`${header}{"id":"a","attempts":4,"failures":1,"difficulty":0.3}\n`, "Cannot read line 2"],
        [`${header}{"id":"a","attempts":4,"failures":5,"difficulty":1.25}\n`, "failures"],
        [`${header}{"id":"a","attempts":0,"failures":0,"difficulty":0}\n`, "null without"],
        [`${header}{"id":7,"attempts":4,"failures":1,"difficulty":0.25}\n`, "line 2"],
        [`${header}{"id":"a"\n${line}`, "line 2"],
        [`${header}\n${line}`, "line 2"],
        ['{"difficulty_of":{"model":{}}}\n', "line 1"],
      ]
    ) {
      await Deno.writeTextFile(path, text);
      assertThrows(() => DifficultyWriter.open(path, settings), DifficultyError, message);
      assertEquals(await Deno.readTextFile(path), text);
    }
  });
});

Deno.test("one process at a time writes a file", async () => {
  await inFolder((path) => {
    using _writer = DifficultyWriter.open(path, settings);
    assertThrows(() => DifficultyWriter.open(path, settings), DifficultyError, "another process");
  });
});

Deno.test("a missing file or folder is named", async () => {
  await inFolder(async (path) => {
    await assertRejects(() => readDifficulties(path), DifficultyError, `no file '${path}'`);
    const nowhere = join(path, "x", "y.jsonl");
    assertThrows(() => DifficultyWriter.open(nowhere, settings), DifficultyError, nowhere);
  });
});

Deno.test("a measured difficulty takes the place of the tier", () => {
  const problems = ["a", "b", "c"].map((id, i) => ({ id, tier: 5 - i, answer: id }));
  const entries = [measured("c", 4, 4), measured("a", 4, 1), measured("b", 0, 0)];
  const all = new Map(entries.map((entry) => [entry.id, entry]));
  assertEquals(withDifficulty(problems, all, "x"), {
    problems: [{ id: "a", tier: 0.25, answer: "a" }, { id: "c", tier: 1, answer: "c" }],
    ungraded: ["b"],
  });
});

Deno.test("problems without a measured difficulty are named", () => {
  const problems = ["a", "b", "c", "d", "e"].map((id) => ({ id, tier: 1 }));
  assertThrows(
    () => withDifficulty(problems, new Map([["b", measured("b", 4, 1)]]), "f.jsonl"),
    DifficultyError,
    "'f.jsonl' as it has no difficulty of 'a', 'c', 'd' and 1 more: measure them",
  );
});
