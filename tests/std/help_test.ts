import { assert, assertEquals, assertStringIncludes, assertThrows } from "../../src/std/assert.ts";
import {
  type Command,
  errorMessage,
  parseCommand,
  renderHelp,
  UsageError,
} from "../../src/std/help.ts";

const command: Command = {
  name: "deno task make",
  summary: "Make a thing.",
  usage: "[FILE] [--size=N]",
  options: [
    { name: "size", value: "N", short: "s", description: "How large" },
    { name: "dry-run", description: "Only say what would be done" },
  ],
  sections: [{ title: "Sizes", rows: [["1", "small"], ["2", "large"]] }],
  examples: [{ call: "deno task make a --size=2", description: "a large one" }],
};

Deno.test("renderHelp shows the whole table", () => {
  assertEquals(
    renderHelp(command),
    `Make a thing.

Usage: deno task make [FILE] [--size=N]

Options:
  -s, --size=N  How large
  --dry-run     Only say what would be done
  -h, --help    Show this help

Sizes:
  1  small
  2  large

Examples:
  deno task make a --size=2  a large one
`,
  );
});

Deno.test("parseCommand reads the declared flags", () => {
  const { options, positionals } = parseCommand(command, ["a", "-s", "2", "--dry-run"], 1);
  assertEquals(positionals, ["a"]);
  assertEquals(options.size, "2");
  assertEquals(options["dry-run"], true);
});

Deno.test("parseCommand names what it does not understand", () => {
  const refuse = (args: string[], text: string) =>
    assertThrows(() => parseCommand(command, args, 1), UsageError, text);
  refuse(["--dry-rum"], "Unknown option '--dry-rum': did you mean '--dry-run'?");
  refuse(["--wholly-else"], "Unknown option '--wholly-else': see deno task make --help");
  refuse(["--size"], "Option '--size' needs a value");
  refuse(["a", "b"], "Unexpected argument 'b'");
});

Deno.test("errorMessage tells the causes too", () => {
  const text = errorMessage(new Error("Cannot load", { cause: new Error("disk is gone") }));
  assertEquals(text, "Cannot load\n  cause: disk is gone");
});

Deno.test("runCommand: help to stdout, errors to stderr, exit codes", async (t) => {
  const help = new URL("../../src/std/help.ts", import.meta.url);
  const program = `
    import { runCommand, UsageError } from ${JSON.stringify(help.href)};
    await runCommand({ name: "x", summary: "Does x." }, Deno.args, ([what]) => {
      if (what === "usage") throw new UsageError("not so");
      if (what === "error") throw new Error("it broke");
      if (what === "three") return 3;
    });`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, program);
  const cases: [string, number, string, string][] = [
    ["fine", 0, "", ""],
    ["three", 3, "", ""],
    ["usage", 2, "", "error: not so\n"],
    ["error", 1, "", "error: it broke\n"],
    ["--help", 0, "Usage: x\n", ""],
  ];
  for (const [argument, code, out, err] of cases) {
    await t.step(argument, async () => {
      const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      const result = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--quiet", file, argument],
      }).output();
      assertEquals(result.code, code);
      assertStringIncludes(decode(result.stdout), out);
      assertEquals(decode(result.stderr), err);
      assert(out !== "" || decode(result.stdout) === "");
    });
  }
  await Deno.remove(file);
});
