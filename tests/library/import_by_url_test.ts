/** The library as a user's program gets it: by URL, from elsewhere, with an empty Deno cache and no deno.json. */
import { join, normalize } from "node:path";
import { prepareShim } from "../../ffi/prepare.ts";
import { assertEquals, assertStringIncludes } from "../../src/std/assert.ts";

const root = new URL("../../", import.meta.url).pathname;

const program = (url: string) => `
import { createController, createReward, createSandbox, parseConfig, scoreRollouts, train, version } from "${url}/mod.ts";

const controller = createController({ controller: "g2rpo_a", length: 40, maxLength: 65 });
let state = controller.initial();
state = controller.next(state, { step: 0, reward: 0.2, guidedReward: 0.4, unguidedReward: 0 });
state = controller.next(state, { step: 1, reward: 0.4, guidedReward: 0.8, unguidedReward: 0 });
console.log("length", state.length);

if (Deno.args[0] === "pure") Deno.exit(0);
const { ending, evaluations } = await train(parseConfig({
  max_steps: 1,
  threads: 1,
  num_generations: 2,
  per_device_train_batch_size: 4,
  max_completion_length: 16,
  data: { tiers: [1] },
  guidance: { length: 4 },
  eval: { num_problems: 4 },
}));
console.log(ending, evaluations.length, version);

// What runs in child processes, which load their modules by URL too.
await using sandbox = await createSandbox({ provider: "pyodide", concurrency: 1 });
const rewards = [
  createReward("accuracy"),
  createReward({ name: "module", path: "own.ts" }),
  createReward({ name: "code_execution", checker: "checker.ts" }, () => Promise.resolve(sandbox)),
];
const [{ values, ungraded }] = await scoreRollouts([{
  prompt: "",
  completion: "<answer>\\\\frac{1}{2}</answer>",
  completionIds: [],
  given: 0,
  problem: { id: "half", prompt: "", answer: "0.5", trace: "", tier: 1 },
}], rewards.slice(0, 2).map((reward) => ({ reward, weight: 1 })));
console.log("values", JSON.stringify(values), JSON.stringify(ungraded));
const [{ total, ungraded: reasons }] = await scoreRollouts([{
  prompt: "",
  completion: "<answer>\\n\`\`\`python\\nprint(6 * 7)\\n\`\`\`\\n</answer>",
  completionIds: [],
  given: 0,
  problem: {
    id: "program",
    prompt: "",
    answer: "",
    trace: "",
    tier: 1,
    tests: { kind: "stdin", language: "python", cases: [{ input: "", output: "42" }] },
  },
}], [{ reward: rewards[2], weight: 1 }]);
console.log("total", total, JSON.stringify(reasons));
for (const reward of rewards) await reward[Symbol.asyncDispose]?.();
`;

Deno.test("mod.ts by URL: a controller, one step, and rewards in processes of their own", async () => {
  await prepareShim(); // so that the child finds libtorch and the shim in the cache
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const path = join(root, normalize(decodeURIComponent(new URL(request.url).pathname)));
    try {
      const type = path.endsWith(".json")
        ? "application/json"
        : path.endsWith(".ts")
        ? "application/typescript"
        : "text/plain";
      return new Response(await Deno.readFile(path), { headers: { "content-type": type } });
    } catch {
      return new Response("not found", { status: 404 });
    }
  });
  const elsewhere = await Deno.makeTempDir({ prefix: "handrail-url-" });
  try {
    const host = `127.0.0.1:${server.addr.port}`;
    await Deno.writeTextFile(join(elsewhere, "program.ts"), program(`http://${host}`));
    await Deno.writeTextFile(join(elsewhere, "own.ts"), "export default () => 0.25;");
    const checker = "export default (_, expected, actual) => expected === actual.trim();";
    await Deno.writeTextFile(join(elsewhere, "checker.ts"), checker);
    const run = async (permissions: string[], ...args: string[]) => {
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "--no-prompt",
          `--allow-import=${host}`,
          ...permissions,
          "program.ts",
          ...args,
        ],
        cwd: elsewhere,
        env: { DENO_DIR: join(elsewhere, "deno_dir"), NO_COLOR: "1" },
      }).output();
      const text = new TextDecoder();
      assertEquals(code, 0, text.decode(stderr));
      return text.decode(stdout);
    };
    // Without FFI, without files: pure parts need no permission but the one that npm:yaml's environment look-up asks.
    assertStringIncludes(await run(["--allow-env"], "pure"), "length 20");
    const native = ["--allow-ffi", "--allow-read", "--allow-write", "--allow-env", "--allow-run"];
    const output = await run(native, "all");
    assertStringIncludes(output, "length 20");
    assertStringIncludes(output, "finished 2 ");
    assertStringIncludes(output, 'values {"accuracy":1,"own":0.25} {}');
    assertStringIncludes(output, "total 1 {}");
  } finally {
    await server.shutdown();
    await Deno.remove(elsewhere, { recursive: true });
  }
});
