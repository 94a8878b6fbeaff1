/** Dependencies point one way; what is pure never reaches a tensor; third-party packages each have one door. */
import { relative } from "node:path";
import { assert, assertEquals } from "../src/std/assert.ts";

const root = new URL("..", import.meta.url).pathname;

/** Lower stages never import from higher ones. */
const stages = [
  ["src/std", "src/version.ts"],
  ["ffi"],
  ["src/tensor"],
  ["src/nn"],
  ["src/models"],
  ["src/data", "src/tokenizer", "src/guidance", "src/sandbox", "src/rewards"],
  ["src/engine", "src/algorithms"],
  ["src/evaluation", "src/teacher"],
  ["src/training"],
  ["src/report", "src/bench", "src/sweep"],
  ["scripts"],
];

/** Plain TypeScript, tested without libtorch. */
const pure = [
  "src/std",
  "src/data",
  "src/tokenizer",
  "src/guidance",
  "src/sandbox",
  "src/rewards",
  "src/teacher",
  "src/algorithms/advantages.ts",
  "src/training/lr_schedule.ts",
  "src/training/config.ts",
];

/** Each package through one module. */
const doors: Record<string, string> = {
  zod: "src/training/config_schema.ts",
  yaml: "src/std/yaml.ts",
  openai: "src/teacher/client.ts",
  e2b: "src/sandbox/e2b_sdk.ts",
  pyodide: "src/sandbox/pyodide_files.ts",
  hyparquet: "src/data/readers/parquet.ts",
  "hyparquet-compressors": "src/data/readers/parquet.ts",
  "@huggingface/tokenizers": "src/tokenizer/tokenizer.ts",
  "@huggingface/jinja": "src/tokenizer/chat_template.ts",
  "@cortex-js/compute-engine": "src/rewards/math/parse.ts",
};

interface Module {
  readonly path: string;
  readonly imports: string[];
  readonly text: string;
}

function* modules(folder: string): Generator<Module> {
  for (const { name, isDirectory } of Deno.readDirSync(root + folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* modules(path);
    else if (name.endsWith(".ts")) {
      const text = Deno.readTextFileSync(root + path);
      const specifiers = [
        ...text.matchAll(/^(?:import|export)\b[^;]*?from\s+"([^"]+)"/gm),
        ...text.matchAll(/\bimport\(\s*"([^"]+)"\s*\)/g),
      ].map((match) => match[1]);
      yield {
        path,
        text,
        imports: specifiers.map((s) =>
          s.startsWith(".") ? relative(root, new URL(s, `file://${root}${path}`).pathname) : s
        ),
      };
    }
  }
}

const all = ["src", "ffi", "scripts"].flatMap((folder) => [...modules(folder)]);
const within = (path: string, place: string) => path === place || path.startsWith(`${place}/`);

function stageOf(path: string): number {
  return stages.findIndex((places) => places.some((place) => within(path, place)));
}

Deno.test("dependencies point one way", () => {
  const wrong: string[] = [];
  for (const { path, imports } of all) {
    assert(stageOf(path) >= 0, `${path} belongs to no stage: add its folder to this test`);
    for (const to of imports) {
      // Scripts and commands may import anything below; JSON and YAML have no stage.
      if (!to.endsWith(".ts") || to === "mod.ts") continue;
      if (stageOf(to) > stageOf(path)) wrong.push(`${path} imports ${to}`);
    }
  }
  assertEquals(wrong, []);
});

Deno.test("what is pure never reaches a tensor or the shim", () => {
  const byPath = new Map(all.map((module) => [module.path, module]));
  const reach = (path: string, seen = new Set<string>()): Set<string> => {
    if (seen.has(path)) return seen;
    seen.add(path);
    for (const to of byPath.get(path)?.imports ?? []) if (to.endsWith(".ts")) reach(to, seen);
    return seen;
  };
  for (const { path } of all.filter(({ path }) => pure.some((place) => within(path, place)))) {
    const native = [...reach(path)].filter((p) => within(p, "ffi") || within(p, "src/tensor"));
    assertEquals(native, [], path);
  }
});

Deno.test("every package is pinned and has one door", () => {
  for (const { path, imports } of all) {
    for (const specifier of imports.filter((s) => /^(npm|jsr|https?):/.test(s))) {
      const match = /^npm:((?:@[^/]+\/)?[^@/]+)@\d+\.\d+\.\d+(\/.*)?$/.exec(specifier);
      assert(match !== null, `${path}: '${specifier}' must be npm: with an exact version`);
      assertEquals(path, doors[match[1]] ?? "no door", `${path} imports ${specifier}`);
    }
    for (const specifier of imports.filter((s) => !/^(npm|node):/.test(s))) {
      assert(/^[\w.]+[/\w.-]*$/.test(specifier), `${path}: '${specifier}' needs an import map`);
    }
  }
});

Deno.test("the version is deno.json's", async () => {
  const { version } = await import("../src/version.ts");
  assertEquals(version, JSON.parse(Deno.readTextFileSync(`${root}deno.json`)).version);
});
