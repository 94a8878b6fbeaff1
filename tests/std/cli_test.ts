import { assertEquals } from "../../src/std/assert.ts";
import { parseArgs } from "../../src/std/cli.ts";

Deno.test("parseArgs splits switches, texts and positional arguments", () => {
  const args = parseArgs(["a.yaml", "--resume", "--seed=3", "--name", "x", "b.yaml"], {
    boolean: ["resume", "quiet"],
    string: ["seed", "name", "absent"],
  });
  assertEquals(args, {
    _: ["a.yaml", "b.yaml"],
    resume: true,
    quiet: false,
    seed: "3",
    name: "x",
  });
});

Deno.test("parseArgs: =false, --no-, defaults, short names and lists", () => {
  const args = parseArgs(["--a=false", "--no-b", "-q", "--tag=x", "--tag", "y"], {
    boolean: ["a", "b", "quiet"],
    string: ["seed", "tag"],
    collect: ["tag"],
    negatable: ["b"],
    default: { b: true, seed: "7" },
    alias: { quiet: "q" },
  });
  assertEquals(args, { _: [], a: false, b: false, quiet: true, tag: ["x", "y"], seed: "7" });
});

Deno.test("parseArgs: a negative number is a value, another flag is not", () => {
  const options = { boolean: ["dry"], string: ["beta"] } as const;
  assertEquals(parseArgs(["--beta", "-1e-3"], options), { _: [], dry: false, beta: "-1e-3" });
  assertEquals(parseArgs(["--beta", "--dry"], options), { _: [], dry: true, beta: "" });
  assertEquals(parseArgs(["--beta"], options), { _: [], dry: false, beta: "" });
});

Deno.test("parseArgs: everything after -- is positional", () => {
  assertEquals(parseArgs(["--dry", "--", "--dry", "x"], { boolean: ["dry"] }), {
    _: ["--dry", "x"],
    dry: true,
  });
});

Deno.test("parseArgs hands flags that are not declared to 'unknown'", () => {
  const seen: unknown[] = [];
  const args = parseArgs(["--x.y=1", "--z", "-k"], {
    unknown(flag, key, value) {
      seen.push([flag, key, value]);
      return key === "z";
    },
  });
  assertEquals(seen, [["--x.y", "x.y", "1"], ["--z", "z", true], ["-k", "k", true]]);
  assertEquals<unknown>(args, { _: [], z: true });
});
