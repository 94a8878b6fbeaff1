import { assertEquals } from "../../src/std/assert.ts";
import { parseConfig } from "../../src/training/config.ts";
import { rewardSpecs, sandboxSpec } from "../../src/training/reward_settings.ts";

Deno.test("rewardSpecs: a weight alone leaves every option to its default or to the run", () => {
  const config = parseConfig({
    max_completion_length: 500,
    rewards: {
      accuracy: 1,
      soft_overlong: 2,
      cosine: { weight: 0.5, max_value_correct: 3 },
      code_execution: { weight: 0, tolerance: 1e-6 },
      modules: [{
        path: "lib/short.js",
        timeout: 2,
        options: { most: 3 },
        permissions: { net: ["127.0.0.1"] },
      }],
    },
  });
  const specs = rewardSpecs(config);
  assertEquals(specs.map(({ spec: { name }, weight }) => [name, weight]), [
    ["accuracy", 1],
    ["code_execution", 0],
    ["cosine", 0.5],
    ["soft_overlong", 2],
    ["module", 1],
  ]);
  const options = Object.fromEntries(specs.map(({ spec }) => [spec.name, spec]));
  assertEquals(options.soft_overlong, { name: "soft_overlong", maxLength: 500, cache: 100 });
  assertEquals(options.cosine, {
    name: "cosine",
    of: "accuracy",
    maxLength: 500,
    minValueWrong: -1,
    maxValueWrong: -0.5,
    minValueCorrect: 0.5,
    maxValueCorrect: 3,
  });
  assertEquals(options.code_execution, {
    name: "code_execution",
    allOrNothing: false,
    maxTests: undefined,
    tolerance: 1e-6,
    checker: undefined,
  });
  assertEquals(options.module, {
    name: "module",
    path: "lib/short.js",
    as: "short",
    options: { most: 3 },
    timeoutMs: 2000,
    processes: 1,
    permissions: { net: ["127.0.0.1"] },
  });
});

Deno.test("sandboxSpec: seconds, megabytes and kilobytes as a sandbox counts them", () => {
  const { sandbox } = parseConfig({ sandbox: { timeout: 0.5, memory_mb: 2, output_kb: 3 } });
  assertEquals(sandboxSpec(sandbox), {
    provider: "pyodide",
    concurrency: undefined,
    programsPerProcess: 100,
    limits: { timeoutMs: 500, memoryBytes: 2 * 2 ** 20, outputBytes: 3 * 2 ** 10 },
  });
  const e2b = parseConfig({ sandbox: { provider: "e2b", domain: "example.org" } }).sandbox;
  const { provider, ...others } = sandboxSpec(e2b);
  assertEquals([provider, "domain" in others && others.domain], ["e2b", "example.org"]);
});
