import { fileURLToPath } from "node:url";
import { initialize } from "../../ffi/library.ts";
import { backward, enableGrad, gradients, noGrad } from "../../src/tensor/autograd.ts";
import { type DType } from "../../src/tensor/dtype.ts";
import { availableMemory, memory, resetPeakMemory } from "../../src/tensor/memory.ts";
import * as ops from "../../src/tensor/ops.ts";
import {
  alias,
  byteSize,
  liveTensors,
  manualSeed,
  rngState,
  scope,
  setRngState,
  Tensor,
  tensor,
  type TensorData,
  TensorError,
} from "../../src/tensor/tensor.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "../../src/std/assert.ts";
import { tensorTest } from "../tensors.ts";

/** The message of the TensorError that `fn` must throw. */
function refusal(fn: () => unknown): string {
  return assertThrows(fn, TensorError).message;
}

tensorTest("data of every dtype comes back as it went in", () => {
  const cases: [DType, TensorData][] = [
    ["float32", new Float32Array([1.5, -0, Infinity, 1e-40])],
    ["float64", new Float64Array([1.1, -2, 1e300, 0])],
    ["int64", new BigInt64Array([2n ** 63n - 1n, -(2n ** 63n), 0n, 7n])],
    ["int32", new Int32Array([2 ** 31 - 1, -(2 ** 31), 0, 1])],
    ["int16", new Int16Array([32767, -32768, 0, 1])],
    ["int8", new Int8Array([127, -128, 0, 1])],
    ["uint8", new Uint8Array([255, 0, 1, 2])],
    ["bool", new Uint8Array([1, 0, 1, 1])],
    ["bfloat16", new Uint16Array([0x3f80, 0xc000, 0x7f80, 1])],
    ["float16", new Uint16Array([0x3c00, 0xc000, 0x7c00, 1])],
  ];
  for (const [dtype, data] of cases) {
    const t = tensor(data, [2, 2], dtype);
    assertEquals([t.dtype, t.shape, t.size, t.device], [dtype, [2, 2], 4, "cpu"]);
    assertEquals(t.toTypedArray(), data);
    assertEquals(byteSize(t), data.byteLength);
    assertEquals(ops.transpose(t, 0, 1).toTypedArray().at(1), data.at(2));
  }
  assertEquals(
    ops.toDtype(tensor(new Uint16Array([0x3fc0]), [1], "bfloat16"), "float32").toNumbers(),
    [1.5],
  );
});

tensorTest("a typed array may be a window of its buffer", () => {
  const window = new Float32Array(new Float32Array([0, 1, 2, 3]).buffer, 4, 2);
  assertEquals(tensor(window).toNumbers(), [1, 2]);
});

tensorTest("a bool byte other than 0 and 1 is true", () => {
  assertEquals(
    tensor(new Uint8Array([0, 2, 255]), [3], "bool").toTypedArray(),
    new Uint8Array([0, 1, 1]),
  );
});

tensorTest("nested arrays give shape and dtype", () => {
  assertEquals(tensor([[1, 2, 3], [4, 5, 6]]).shape, [2, 3]);
  assertEquals(tensor(5).shape, []);
  assertEquals(tensor([]).shape, [0]);
  assertEquals(tensor([[], []]).shape, [2, 0]);
  assertEquals(tensor([[[1]]], undefined, "int64").dtype, "int64");
  assertEquals(tensor([1, 2, 3, 4], [2, 2], "int32").toNumbers(), [1, 2, 3, 4]);
  assertEquals(tensor([1, 0], undefined, "bool").toNumbers(), [1, 0]);
  assertEquals(tensor([2 ** 53 - 1], undefined, "int64").toNumbers(), [2 ** 53 - 1]);
});

tensorTest("what cannot become a tensor is refused with the reason", () => {
  assertStringIncludes(
    refusal(() => tensor([1, 2, 3], [2, 2])),
    "[2, 2] needs 4 elements: the data has 3",
  );
  assertStringIncludes(refusal(() => tensor([1, 2], [-1, -2])), "-1");
  assertStringIncludes(refusal(() => tensor([1, 2, 3], [1.5, 2])), "1.5");
  for (const ragged of [[[1], [2, 3]], [1, [2]], [[1], 2], [[], [1]]]) {
    assertStringIncludes(refusal(() => tensor(ragged)), "rectangular");
  }
  assertStringIncludes(
    refusal(() => tensor(["1"] as unknown as number[])),
    "element 0 is no number",
  );
  assertStringIncludes(
    refusal(() => tensor([1, 256], undefined, "uint8")),
    "element 1 is 256, uint8",
  );
  assertStringIncludes(refusal(() => tensor([1.5], undefined, "int64")), "1.5");
  assertStringIncludes(refusal(() => tensor([1], undefined, "bfloat16")), "ops.toDtype");
  assertStringIncludes(
    refusal(() => tensor(new Float32Array(1), [1], "int64")),
    "Float32Array holds float32",
  );
  assertStringIncludes(
    refusal(() => tensor(new Uint32Array(1) as unknown as Int32Array)),
    "Uint32Array",
  );
  const unknown = "float8" as DType;
  assertThrows(() => tensor([1], undefined, unknown), TypeError, "tensor: unknown dtype 'float8'");
  assertThrows(() => ops.zeros([1], unknown), TypeError, "zeros: unknown dtype 'float8'");
  assertThrows(
    () => ops.zeros([1], "float32", "tpu" as "cpu"),
    TypeError,
    "zeros: unknown device 'tpu'",
  );
});

tensorTest("reading the wrong way is refused", () => {
  assertStringIncludes(refusal(() => tensor([1], undefined, "int64").toFloat32Array()), "int64[1]");
  assertStringIncludes(refusal(() => ops.zeros([2], "bfloat16").toNumbers()), "bfloat16[2]");
  assertStringIncludes(
    refusal(() => tensor(new BigInt64Array([2n ** 60n])).toNumbers()),
    "exactly",
  );
});

tensorTest("an op's error names op, shapes, dtypes and the reason", () => {
  const a = ops.zeros([2, 3]), b = ops.zeros([4, 5], "int64");
  assertStringIncludes(refusal(() => ops.matmul(a, b)), "matmul of (float32[2, 3], int64[4, 5]): ");
  assertStringIncludes(refusal(() => ops.cat([a, b])), "cat of (float32[2, 3], int64[4, 5]): ");
  assertStringIncludes(
    refusal(() => ops.select(a, 5, 0)),
    "select of (float32[2, 3]): Dimension out of range",
  );
  assertStringIncludes(refusal(() => ops.view(a, [7])), "view of (float32[2, 3]): shape '[7]'");
  assertStringIncludes(refusal(() => ops.select(a, 0.5, 0)), "expected an integer, got 0.5");
  const ids = tensor([9], undefined, "int64");
  assertStringIncludes(
    refusal(() => ops.embedding(a, ids)),
    "embedding of (float32[2, 3], int64[1]): index out of range",
  );
  assertStringIncludes(
    refusal(() => ops.indexSelect(a, 0, ids)),
    "indexSelect of (float32[2, 3], int64[1]): ",
  );
  assertStringIncludes(
    refusal(() => ops.toDevice(a, "cuda:64", "float32")),
    "toDevice of (float32[2, 3]): ",
  );
  const long = Array(70_000).fill(1);
  assertStringIncludes(
    refusal(() => ops.view(a, long)),
    "view: a list of 70000 entries is too long",
  );
});

tensorTest("a disposed tensor is refused, wherever it is used", () => {
  const a = ops.zeros([2]), dead = ops.zeros([3]);
  dead.dispose();
  dead.dispose();
  assert(dead.disposed);
  assertStringIncludes(
    refusal(() => ops.add(a, dead)),
    "add of (float32[2], disposed): a tensor was disposed",
  );
  assertStringIncludes(refusal(() => ops.stack([a, dead])), "stack of (float32[2], disposed): ");
  assertStringIncludes(
    refusal(() => ops.rmsNorm(a, [2], dead)),
    "rmsNorm of (float32[2], disposed): ",
  );
  assertStringIncludes(
    refusal(() => ops.add(a, null as unknown as Tensor)),
    "add of (float32[2], none): an argument is no tensor",
  );
  const uses: (() => unknown)[] = [
    () => dead.shape,
    () => dead.dtype,
    () => dead.device,
    () => dead.requiresGrad,
    () => dead.grad,
    () => dead.grad = null,
    () => dead.toTypedArray(),
    () => alias(dead),
    () => backward(dead),
    () => gradients([a], [dead]),
    () => setRngState(dead),
  ];
  for (const use of uses) assertStringIncludes(refusal(use), "disposed");
  using reused = ops.zeros([5]);
  assertEquals(reused.shape, [5]);
  assertStringIncludes(refusal(() => dead.shape), "disposed");
  assertStringIncludes(refusal(() => new Tensor(1 << 23).shape), "shape of (disposed): ");
});

tensorTest("what crashes or misleads libtorch is refused before it gets there", () => {
  const heads = (count: number) => ops.zeros([1, count, 2, 4]);
  assertStringIncludes(
    refusal(() =>
      ops.scaledDotProductAttention(heads(2), heads(0), heads(0), null, 0, false, null, true)
    ),
    "scaledDotProductAttention of (float32[1, 2, 2, 4], float32[1, 0, 2, 4]",
  );
  assertStringIncludes(refusal(() => ops.arange(0, -(2 ** 63), -1, "int64")), "arange: ");
  assertStringIncludes(refusal(() => ops.expand(ops.zeros([]), [0, -1])), "negative");
  const wide = ops.view(ops.zeros([]), new Array(64).fill(1));
  assertStringIncludes(refusal(() => ops.unsqueeze(wide, 0)), "65 dimensions: at most 64");
});

tensorTest("scope frees what it does not return", () => {
  const before = liveTensors();
  const out = scope(() => {
    const a = ops.ones([2]), b = ops.ones([2]);
    return { list: [ops.add(a, b)], nested: { b }, number: 3 };
  });
  assertEquals(liveTensors(), before + 2);
  assertEquals(out.list[0].toNumbers(), [2, 2]);
  assertEquals(out.nested.b.toNumbers(), [1, 1]);
  assertEquals(out.number, 3);
});

tensorTest("nested scopes hand their results outward", () => {
  const before = liveTensors();
  const sum = scope(() => {
    const inner = scope(() => {
      const innermost = scope(() => ops.addScalar(ops.ones([1]), 1));
      return ops.addScalar(innermost, 1);
    });
    assertEquals(liveTensors(), before + 1);
    return inner.toNumbers()[0];
  });
  assertEquals([sum, liveTensors()], [3, before]);
});

tensorTest("scope frees everything when its function throws", () => {
  const before = liveTensors();
  assertThrows(
    () =>
      scope(() => {
        ops.ones([1]);
        scope(() => ops.ones([1]));
        throw new Error("on purpose");
      }),
    Error,
    "on purpose",
  );
  assertEquals(liveTensors(), before);
});

tensorTest("scope refuses a promise and frees what was made", () => {
  const before = liveTensors();
  const later = () => {
    const made = ops.ones([1]);
    return [made, Promise.resolve()] as unknown as Tensor;
  };
  assertStringIncludes(refusal(() => scope(later)), "synchronous");
  assertStringIncludes(
    refusal(() => scope((() => Promise.resolve()) as () => never)),
    "synchronous",
  );
  assertEquals(liveTensors(), before);
});

tensorTest("keep takes a tensor out of every scope", () => {
  const before = liveTensors();
  let kept!: Tensor;
  scope(() => {
    scope(() => {
      kept = ops.ones([1]).keep();
    });
  });
  assertEquals(liveTensors(), before + 1);
  kept.dispose();
  assertEquals(liveTensors(), before);
});

tensorTest("a tensor of an outer scope survives an inner one that returns it", () => {
  const outer = ops.ones([1]);
  assertStrictEquals(scope(() => outer), outer);
  assertEquals(outer.toNumbers(), [1]);
});

tensorTest("an alias shares memory and lives by itself", () => {
  const a = ops.zeros([1]), b = alias(a);
  ops.fillInPlace(a, 4);
  a.dispose();
  assertEquals(b.toNumbers(), [4]);
});

tensorTest("backward accumulates into grad, also after handles are freed", () => {
  const w = tensor([2, 3]);
  ops.requiresGradInPlace(w);
  assertEquals([w.requiresGrad, w.grad], [true, null]);
  const loss = scope(() => ops.sum(ops.mul(ops.mul(w, w), w)));
  backward(loss, undefined, { retainGraph: true });
  assertEquals(w.grad!.toNumbers(), [12, 27]);
  backward(loss);
  assertEquals(w.grad!.toNumbers(), [24, 54]);
  assertStringIncludes(refusal(() => backward(loss)), "backward of (float32[]): ");
  w.grad = tensor([1, 1]);
  assertEquals(w.grad!.toNumbers(), [1, 1]);
  w.grad = null;
  assertEquals(w.grad, null);
  assertStringIncludes(refusal(() => w.grad = tensor([1])), "set grad of (float32[2], float32[1])");
});

tensorTest("backward takes gradients of several roots", () => {
  const w = tensor([2, 3]);
  ops.requiresGradInPlace(w);
  const a = ops.mulScalar(w, 2), b = ops.mul(w, w);
  assertStringIncludes(refusal(() => backward(a)), "scalar");
  assertThrows(() => backward([a, b], [tensor([1, 1])]), RangeError, "each of 2");
  backward([a, b], [tensor([1, 0]), tensor([0, 1])]);
  assertEquals(w.grad!.toNumbers(), [2, 6]);
});

tensorTest("a gradient does not hold its own tensor", () => {
  const before = memory().current;
  scope(() => {
    const w = ops.zeros([1000]);
    ops.requiresGradInPlace(w);
    w.grad = ops.mulScalar(w, 2);
  });
  assertEquals(memory().current, before);
});

tensorTest("gradients leaves grad alone", () => {
  const w = tensor([2, 3]);
  ops.requiresGradInPlace(w);
  const [g] = gradients([ops.mul(w, w)], [w], [tensor([1, 10])]);
  assertEquals(g.toNumbers(), [4, 60]);
  assertEquals(w.grad, null);
  assertStringIncludes(
    refusal(() => gradients([ops.sum(w)], [ops.ones([1])])),
    "gradients of (float32[], float32[1])",
  );
});

tensorTest("noGrad and enableGrad nest and end with an error", () => {
  const w = tensor([1]);
  ops.requiresGradInPlace(w);
  const follows = () => ops.mulScalar(w, 2).requiresGrad;
  assert(follows());
  noGrad(() => {
    assert(!follows());
    enableGrad(() => assert(follows()));
    assert(!follows());
  });
  assertThrows(
    () =>
      noGrad(() => {
        throw new Error("on purpose");
      }),
    Error,
    "on purpose",
  );
  assert(follows());
});

tensorTest("a seed repeats, a state goes back", () => {
  const draw = () => ops.randn([4]).toNumbers();
  manualSeed(7);
  const first = draw();
  const state = rngState();
  const second = draw();
  setRngState(state);
  assertEquals(draw(), second);
  manualSeed(7);
  assertEquals(draw(), first);
  setRngState(tensor(state.toTypedArray()));
  assertEquals(draw(), second);
  for (const seed of [-1, 0.5, NaN, 2 ** 53]) {
    assertThrows(() => manualSeed(seed), RangeError, "seed");
  }
  assertStringIncludes(refusal(() => setRngState(tensor([1]))), "setRngState of (float32[1])");
  assertStringIncludes(
    refusal(() => setRngState(tensor(new Uint8Array(3)))),
    "setRngState of (uint8[3])",
  );
});

tensorTest("memory is counted, its peak too", () => {
  const before = memory().current, mib = 2 ** 20;
  resetPeakMemory();
  scope(() => {
    ops.zeros([mib]);
    assertEquals(memory().current - before, 4 * mib);
    scope(() => ops.zeros([3 * mib], "uint8"));
    ops.zeros([3], "float64");
    assertEquals(memory().current - before, 7 * mib + 24);
  });
  assertEquals(memory().current, before);
  assertEquals(memory().peak - before, 7 * mib + 24);
  resetPeakMemory();
  assertEquals(memory().peak, before);
});

tensorTest("an allocation larger than memory is refused beforehand, by name", () => {
  const available = availableMemory();
  if (available === null) return;
  const elements = Math.ceil(available / 4 * 1.5);
  const one = ops.zeros([1]), before = memory().current;
  const message = refusal(() => ops.zeros([elements]));
  assert(
    /^zeros: not enough memory: \d+ MiB were asked for, \d+ MiB are available/.test(message),
    message,
  );
  assertStringIncludes(refusal(() => ops.full([2 ** 40, 2 ** 10], 0)), "full: ");
  assertStringIncludes(refusal(() => ops.zeros([2 ** 40, 2 ** 40])), "zeros: ");
  assertStringIncludes(refusal(() => ops.arange(0, 2 ** 50)), "arange: not enough memory");
  assertStringIncludes(
    refusal(() => ops.contiguous(ops.expand(one, [2 ** 40]))),
    "contiguous of (float32[1099511627776]): not enough memory",
  );
  assertEquals(memory().current, before);
});

Deno.test("the number of threads is checked", async () => {
  for (const threads of [0, -1, 1.5, NaN, 1e9]) {
    await assertRejects(() => initialize({ threads }), RangeError, "threads");
  }
});

Deno.test("importing loads nothing; using a tensor before initialize says what to do", async () => {
  const url = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const code = `
    import { tensor, scope } from ${url("../../src/tensor/tensor.ts")};
    import * as ops from ${url("../../src/tensor/ops.ts")};
    for (const use of [() => tensor([1]), () => scope(() => ops.zeros([1]))]) {
      try { use(); console.log("no error"); } catch (error) { console.log(error.message); }
    }`;
  const path = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(path, code);
    const child = await new Deno.Command(Deno.execPath(), {
      // No permission at all: nothing may be looked for or loaded.
      args: ["run", "--no-prompt", path],
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
      stdout: "piped",
      stderr: "piped",
    }).output();
    const message = "libtorch is not loaded: call `await initialize()` before using tensors";
    assertEquals(new TextDecoder().decode(child.stdout), `${message}\n${message}\n`);
  } finally {
    await Deno.remove(path);
  }
});

tensorTest("item needs exactly one element", () => {
  assertEquals(ops.item(tensor([[7]])), 7);
  assertThrows(() => ops.item(tensor([1, 2])), TensorError, "item of (float32[2])");
  assertThrows(() => ops.item(ops.zeros([0], "float32")), TensorError, "item of (float32[0])");
});
