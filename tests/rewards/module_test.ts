import { join } from "node:path";
import { moduleReward, type ModuleRewardOptions } from "../../src/rewards/module.ts";
import { assert, assertEquals, assertRejects } from "../../src/std/assert.ts";
import { gone } from "../processes.ts";
import { contextOf, sampleOf } from "./samples.ts";

/** A folder with these files. */
async function inFolder(
  files: Readonly<Record<string, string>>,
  test: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(join(folder, name), text);
    }
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The score of one completion under a module with this text. */
async function scoreBy(
  text: string,
  completion: string,
  options: Partial<ModuleRewardOptions> = {},
) {
  let score;
  await inFolder({ "own.ts": text }, async (folder) => {
    await using reward = moduleReward({ path: join(folder, "own.ts"), ...options });
    const one = sampleOf({ completion });
    score = await reward.score(one, contextOf([one], { accuracy: 1 }));
  });
  return score;
}

/** Why a module cannot be used. */
async function whyNot(text: string): Promise<string> {
  let message = "";
  await inFolder({ "own.ts": text }, async (folder) => {
    await using reward = moduleReward({ path: join(folder, "own.ts") });
    const error = await assertRejects(() => reward.start(), Error);
    message = error.message.replaceAll(folder, "");
    const one = sampleOf({ completion: "1" });
    await assertRejects(async () => await reward.score(one, contextOf([one])), Error, "own.ts");
  });
  return message;
}

Deno.test("moduleReward: a function of sample, context and options, typed, with modules beside it", async () => {
  await inFolder({
    "words.ts": `export const count = (text: string, word: string): number =>
      text.split(" ").filter((one) => one === word).length;`,
    "polite.ts": `import { count } from "./words.ts";
      interface Sample { readonly completion: string }
      export default async function (
        { completion }: Sample,
        context: { scoreOf(name: string): Promise<number> },
        { word }: { word: string },
      ) {
        return count(completion, word) + 100 * await context.scoreOf("accuracy");
      }`,
  }, async (folder) => {
    await using reward = moduleReward({
      path: join(folder, "polite.ts"),
      options: { word: "please" },
    });
    assertEquals(reward.name, "polite");
    await reward.start();
    const group = ["please do", "do", "please please"].map((completion) =>
      sampleOf({ completion })
    );
    const scores = await Promise.all(
      group.map((one) => reward.score(one, contextOf(group, { accuracy: 1 }))),
    );
    assertEquals(scores, [101, 100, 102]);
  });
});

Deno.test("moduleReward: an object with a method score will do, and any name", async () => {
  const text = `export default { name: "inner", score: () => ({ ungraded: "not my field" }) };`;
  assertEquals(await scoreBy(text, ""), { ungraded: "not my field" });
  assertEquals(moduleReward({ path: "a/b/my_reward.ts" }).name, "my_reward");
  assertEquals(moduleReward({ path: "https://example.com/judge.js" }).name, "judge");
  assertEquals(moduleReward({ path: "judge.js", name: "the_judge" }).name, "the_judge");
});

Deno.test("moduleReward: an endless loop is ungraded after its time, and its process is gone", async () => {
  const text = `export default ({ completion }) => {
    if (completion === "pid") return Deno.pid;
    for (;;);
  };`;
  await inFolder({ "own.ts": text }, async (folder) => {
    await using reward = moduleReward({ path: join(folder, "own.ts"), timeoutMs: 300 });
    const score = (completion: string) => {
      const one = sampleOf({ completion });
      return reward.score(one, contextOf([one]));
    };
    const pid = await score("pid");
    const start = performance.now();
    assertEquals(await score("loop"), { ungraded: "it took over 0.3 s" });
    assert(performance.now() - start < 3000);
    await gone(pid as number);
  });
});

Deno.test("moduleReward: an exception names its place in the module", async () => {
  await assertRejects(
    () => scoreBy(`export default (sample) => {\n  return sample.answers[0];\n};`, ""),
    Error,
    "own.ts:2)",
  );
});

Deno.test("moduleReward: it reads files, and does nothing else unless that is allowed", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const word = join(folder, "word");
    await Deno.writeTextFile(word, "5");
    const read = `export default ({ completion }) => Number(Deno.readTextFileSync(completion));`;
    assertEquals(await scoreBy(read, word), 5);

    const write = `export default ({ completion }) => {
      Deno.writeTextFileSync(completion, "x");
      return 1;
    };`;
    const file = join(folder, "file");
    await assertRejects(() => scoreBy(write, file), Error, "Requires write access");
    assertEquals(await scoreBy(write, file, { permissions: { write: [folder] } }), 1);
    const outside = join(folder, "..", "outside");
    await assertRejects(
      () => scoreBy(write, outside, { permissions: { write: [folder] } }),
      Error,
      "Requires write access",
    );
    const net = `export default async () => {
      await fetch("http://127.0.0.1:8099/");
      return 1;
    };`;
    await assertRejects(() => scoreBy(net, ""), Error, "Requires net access");
    const run = `export default () => new Deno.Command("/bin/true").outputSync().code;`;
    await assertRejects(() => scoreBy(run, ""), Error, "Requires run access");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("moduleReward: a package from npm", async () => {
  const text = `import { parse } from "npm:yaml@2.9.1";
    export default ({ completion }) => parse(completion).score;`;
  assertEquals(await scoreBy(text, "score: 0.25"), 0.25);
});

Deno.test("moduleReward: what the nearest deno.json maps", async () => {
  await inFolder({
    "deno.json": `{ "imports": { "words": "./words.ts" } }`,
    "words.ts": "export const word = 'please';",
    "own.ts": `import { word } from "words";
      export default ({ completion }) => completion === word ? 1 : 0;`,
  }, async (folder) => {
    await Deno.mkdir(join(folder, "rewards"));
    const inner = join(folder, "rewards", "own.ts");
    await Deno.rename(join(folder, "own.ts"), inner);
    await using reward = moduleReward({ path: inner });
    const one = sampleOf({ completion: "please" });
    assertEquals(await reward.score(one, contextOf([one])), 1);
    assertEquals(await Deno.stat(join(folder, "deno.lock")).catch(() => "none"), "none");
  });
});

Deno.test("moduleReward: what cannot be used says so at the start, with the place", async () => {
  const cannot = "Cannot use file:///own.ts as reward 'own': ";
  const must =
    "its default export must be a function (sample, context, options) => score, or an object with a method 'score': ";
  assertEquals(await whyNot("export const reward = () => 1;"), `${cannot}${must}it has none`);
  assertEquals(await whyNot("export default 5;"), `${cannot}${must}it is of type number`);
  assertEquals(await whyNot("export default {};"), `${cannot}${must}it is of type object`);
  const syntax = await whyNot("export default () => {\n  return (1;\n};");
  assert(syntax.startsWith(cannot), syntax);
  assert(syntax.includes("file:///own.ts:2:"), syntax);
  const thrown = await whyNot("const gold: number[] = JSON.parse('{');\nexport default () => 1;");
  assert(thrown.startsWith(cannot) && thrown.includes("JSON"), thrown);
  assert(thrown.includes("file:///own.ts:1"), thrown);
  const missing = await whyNot(`import "./beside.ts";\nexport default () => 1;`);
  assert(missing.includes("beside.ts"), missing);
});

Deno.test("moduleReward: a module that is not there", async () => {
  await using reward = moduleReward({ path: "./no/such_reward.ts" });
  await assertRejects(() => reward.start(), Error, "as reward 'such_reward': Module not found");
});

Deno.test("moduleReward: a module that ends its process as it is loaded", async () => {
  await inFolder({
    "own.ts": "Deno.kill(Deno.pid, 'SIGKILL');\nexport default () => 1;",
  }, async (folder) => {
    await using reward = moduleReward({ path: join(folder, "own.ts"), permissions: { run: true } });
    await assertRejects(
      () => reward.start(),
      Error,
      "Cannot start reward 'own': its process ended twice with code 137 to load file://",
    );
  });
});

Deno.test("moduleReward: a process that something kills as it loads is started again", async () => {
  await inFolder({
    "own.ts": `const file = new URL("begun", import.meta.url);
      if (!(await Deno.stat(file).then(() => true, () => false))) {
        await Deno.writeTextFile(file, "");
        Deno.kill(Deno.pid, "SIGKILL");
      }
      export default () => 1;`,
  }, async (folder) => {
    await using reward = moduleReward({
      path: join(folder, "own.ts"),
      permissions: { run: true, write: true },
    });
    await reward.start();
    const one = sampleOf({ completion: "" });
    assertEquals(await reward.score(one, contextOf([one])), 1);
  });
});

Deno.test("moduleReward: a function that makes a reward is told from one that scores", async () => {
  await assertRejects(
    () => scoreBy("export default () => ({ score: () => 1 });", ""),
    Error,
    'a score must be a finite number, or { ungraded: "why" }: current value is of type object',
  );
});
