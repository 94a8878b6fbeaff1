import { generate, generateYielding, type GroupRequest } from "../../src/engine/generate.ts";
import { loadModel } from "../../src/models/checkpoint.ts";
import { type CausalLM } from "../../src/models/model.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "../../src/std/assert.ts";
import { initialize } from "../../ffi/library.ts";
import { noGrad } from "../../src/tensor/autograd.ts";
import * as ops from "../../src/tensor/ops.ts";
import { liveTensors, manualSeed, scope, tensor } from "../../src/tensor/tensor.ts";

const fixtures = ["tied", "untied"].map((name) =>
  new URL(`../fixtures/qwen3_tiny/${name}/`, import.meta.url).pathname
);

/** Greedy completions by Transformers, each by full recomputation (tests/parity/qwen3_tiny.py). */
function greedy(folder: string): { prompts: number[][]; completions: number[][] } {
  return JSON.parse(Deno.readTextFileSync(`${folder}reference.json`)).greedy;
}

function engineTest(name: string, fn: (model: CausalLM, folder: string) => void) {
  Deno.test(name, async () => {
    await initialize({ threads: 1 });
    const before = liveTensors();
    for (const folder of fixtures) {
      using model = await loadModel(folder);
      scope(() => fn(model, folder));
    }
    assertEquals(liveTensors(), before, "tensors were left alive");
  });
}

const plain = (prompts: readonly number[][]): GroupRequest[] =>
  prompts.map((promptIds) => ({ promptIds, prefixes: [[]] }));

/** log softmax(logits / T) of every next token of one row, by one full pass. */
function fullLogProbs(model: CausalLM, ids: readonly number[], temperature: number): number[] {
  return noGrad(() =>
    scope(() => {
      const { hidden } = model.forward(tensor(BigInt64Array.from(ids, BigInt), [1, ids.length]));
      const logits = ops.linear(ops.squeeze(hidden, 0), model.head);
      const all = ops.logSoftmax(ops.divScalar(logits, temperature), -1);
      const next = tensor(BigInt64Array.from([...ids.slice(1), 0], BigInt), [ids.length, 1]);
      return { out: ops.gather(all, 1, next).toNumbers().slice(0, -1) };
    })
  ).out;
}

engineTest(
  "greedy equals full recomputation token by token, prompts of unequal length in one batch",
  (model, folder) => {
    const { prompts, completions } = greedy(folder);
    const options = { temperature: 0, maxCompletionLength: 64, stopIds: [] };
    const rollouts = generate(model, plain(prompts), options);
    assertEquals(rollouts.map((r) => r.completionIds), completions);
    assert(rollouts.every((r) => r.finishReason === "length" && r.given === 0));
  },
);

engineTest(
  "forced prefixes are given, not sampled, and the model goes on from them",
  (model, folder) => {
    const { prompts, completions } = greedy(folder);
    const groups = prompts.map((promptIds, i) => ({
      promptIds,
      prefixes: [[], completions[i].slice(0, 1), completions[i].slice(0, 17 + i), completions[i]],
    }));
    const rollouts = generate(model, groups, {
      temperature: 0,
      maxCompletionLength: 64,
      stopIds: [],
    });
    rollouts.forEach((rollout, i) => {
      const prefix = groups[i >> 2].prefixes[i % 4];
      assertEquals(rollout.completionIds, completions[i >> 2]);
      assertEquals(rollout.given, prefix.length);
      assertEquals(
        [...rollout.sampled],
        rollout.completionIds.map((_, t) => t < prefix.length ? 0 : 1),
      );
      assert(rollout.logProbs.slice(0, prefix.length).every((p) => p === 0));
    });
  },
);

engineTest("log-probs of sampled tokens are those of a full pass", (model, folder) => {
  const { prompts, completions } = greedy(folder);
  manualSeed(5);
  const groups = prompts.map((promptIds, i) => ({
    promptIds,
    prefixes: [[], completions[i].slice(0, 5 + i), []],
  }));
  const rollouts = generate(model, groups, {
    temperature: 0.7,
    topP: 0.95,
    maxCompletionLength: 30,
    stopIds: [],
  });
  for (const { promptIds, completionIds, given, logProbs } of rollouts) {
    const full = fullLogProbs(model, [...promptIds, ...completionIds], 0.7)
      .slice(promptIds.length - 1);
    for (let t = given; t < completionIds.length; t++) {
      assertAlmostEquals(logProbs[t], full[t], 1e-4);
    }
  }
});

engineTest(
  "rows end at a stop token or at their own length, and leave the batch",
  (model, folder) => {
    const { prompts, completions } = greedy(folder);
    const stop = completions[0][10];
    const running: number[] = [];
    const rollouts = generate(model, plain(prompts), {
      temperature: 0,
      maxCompletionLength: 64,
      maxLength: Math.max(...prompts.map((p) => p.length)) + 40,
      stopIds: [stop],
      onToken: (n) => running.push(n),
    });
    const longest = Math.max(...prompts.map((p) => p.length));
    rollouts.forEach((rollout, i) => {
      const at = completions[i].indexOf(stop);
      const limit = Math.min(64, longest + 40 - prompts[i].length);
      const stopped = at >= 0 && at < limit;
      assertEquals(rollout.finishReason, stopped ? "stop" : "length");
      assertEquals(rollout.completionIds, completions[i].slice(0, stopped ? at + 1 : limit));
    });
    assertEquals(running.at(-1), 0);
    assert(running.every((n, i) => i === 0 || n <= running[i - 1]));
  },
);

engineTest("a prefix as long as the limit is cut there and nothing is sampled", (model, folder) => {
  const { prompts, completions } = greedy(folder);
  const [rollout] = generate(model, [{ promptIds: prompts[0], prefixes: [completions[0]] }], {
    maxCompletionLength: 10,
    stopIds: [],
  });
  assertEquals(rollout.completionIds, completions[0].slice(0, 10));
  assertEquals(rollout.given, 10);
  assertEquals(rollout.finishReason, "length");
});

engineTest("a seed repeats the rollouts", (model, folder) => {
  const groups = greedy(folder).prompts.map((promptIds) => ({ promptIds, prefixes: [[], []] }));
  const draw = () => {
    manualSeed(11);
    return generate(model, groups, { maxCompletionLength: 20, stopIds: [3] }).map((r) =>
      r.completionIds
    );
  };
  assertEquals(draw(), draw());
});

engineTest("requests that cannot be served are refused by name", (model) => {
  const refuse = (groups: GroupRequest[], extra: object, message: string) =>
    assertThrows(
      () => generate(model, groups, { maxCompletionLength: 4, stopIds: [], ...extra }),
      RangeError,
      message,
    );
  refuse([{ promptIds: [], prefixes: [[]] }], {}, "prompt 0 has 0 tokens");
  refuse([{ promptIds: [96], prefixes: [[]] }], {}, "token 96, the vocabulary has 96");
  refuse([{ promptIds: [1], prefixes: [[-1]] }], {}, "token -1");
  refuse([{ promptIds: [1], prefixes: [[]] }], { maxCompletionLength: 0 }, "maxCompletionLength");
  refuse([{ promptIds: [1], prefixes: [[]] }], { maxLength: 1e9 }, "maxLength");
  refuse([{ promptIds: [1], prefixes: [[]] }], { topP: 2 }, "topP");
  assertEquals(generate(model, [], { maxCompletionLength: 4, stopIds: [] }), []);
});

Deno.test("generateYielding gives the same rollouts, and timers go on meanwhile", async () => {
  await initialize({ threads: 1 });
  const before = liveTensors();
  {
    using model = await loadModel(fixtures[0]);
    const groups = greedy(fixtures[0]).prompts.map((promptIds) => ({
      promptIds,
      prefixes: [[], [4, 5]],
    }));
    const options = {
      maxCompletionLength: 40,
      stopIds: [3],
      // Each token takes a while, as those of a real model do.
      onToken() {
        const start = performance.now();
        while (performance.now() - start < 2);
      },
    };
    manualSeed(11);
    const expected = generate(model, groups, options);
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    manualSeed(11);
    const sampled = generateYielding(model, groups, options);
    assertEquals(await sampled, expected);
    clearInterval(timer);
    assert(ticks >= 2, `${ticks} turns of the event loop`);
  }
  assertEquals(liveTensors(), before, "tensors were left alive");
});
