/**
 * Calls every function of src/tensor/ops.ts with random arguments, sound and unsound, and exits 0 unless one of them
 * ends the process or throws what is no clear error.
 *
 *     deno run -A tests/tensor/no_crash_child.ts SEED CALLS [--trace]
 *
 * With `--trace` each call is printed before it is made, so that the last line names the one that crashed.
 */
import { initialize } from "../../ffi/library.ts";
import { backward, gradients, noGrad } from "../../src/tensor/autograd.ts";
import { type DType } from "../../src/tensor/dtype.ts";
import { memory } from "../../src/tensor/memory.ts";
import * as ops from "../../src/tensor/ops.ts";
import {
  liveTensors,
  manualSeed,
  scope,
  setRngState,
  Tensor,
  tensor,
  TensorError,
} from "../../src/tensor/tensor.ts";

const [seed, calls] = Deno.args.map(Number);
const trace = Deno.args.includes("--trace");
// In libtorch itself x.mul_(view of x), recorded by autograd, holds its own memory for ever. So even seeds record no
// in-place op and check that all memory comes back; odd seeds record them and check only that nothing crashes.
const checkMemory = seed % 2 === 0;

let state = seed >>> 0;
/** A random number in [0, 1): mulberry32. */
function random(): number {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ state >>> 15, 1 | state);
  t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
  return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
}
const below = (n: number) => Math.floor(random() * n);
const chance = (p: number) => random() < p;
const pick = <T>(list: readonly T[]): T => list[below(list.length)];

const dtypes: DType[] = [
  "float32",
  "float32",
  "float32",
  "int64",
  "int64",
  "uint8",
  "int8",
  "int16",
  "int32",
  "float16",
  "float64",
  "bool",
  "bfloat16",
];
const sizes = [0, 1, 1, 2, 2, 3, 3, 4, 5, 8];
const shapeOf = (): number[] => {
  if (chance(0.02)) return Array.from({ length: 5 + below(60) }, () => 1);
  return Array.from({ length: pick([0, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5]) }, () => pick(sizes));
};

/** A pool of tensors that ops draw from, renewed as they go. */
const pool: Tensor[] = [];

function make(): Tensor {
  const shape = pool.length > 0 && chance(0.5) ? safeShape(pick(pool)) : shapeOf();
  const dtype = pick(dtypes);
  const base = scope(() => {
    const kind = below(8);
    const scale = pick([1, 3, 3, 100, 1e30, 0, -5]);
    const raw = ops.mulScalar(ops.randn(shape, "float32"), scale);
    if (kind === 0) return ops.toDtype(ops.mulScalar(raw, NaN), dtype);
    if (kind === 1) return ops.toDtype(ops.full(shape, pick([Infinity, -Infinity, -1, 7])), dtype);
    if (kind === 2 && shape.length >= 2) return ops.transpose(ops.toDtype(raw, dtype), 0, -1);
    if (kind === 3) return ops.expand(ops.toDtype(ops.rand([]), dtype), shape);
    if (kind === 4 && shape.length >= 1) {
      return ops.slice(ops.toDtype(raw, dtype), below(shape.length), 1, null, 2);
    }
    return ops.toDtype(raw, dtype);
  });
  if (base.dtype.includes("float") && chance(0.4)) attempt(() => ops.requiresGradInPlace(base));
  return base;
}

const safeShape = (t: Tensor): number[] => t.disposed || t.size > 10000 ? [2] : t.shape;

function anyTensor(): Tensor {
  const roll = random();
  if (roll < 0.01) {
    const dead = ops.zeros([2]);
    dead.dispose();
    return dead;
  }
  if (roll < 0.015) return pick([null, undefined, 3, {}, "x"]) as unknown as Tensor;
  return pick(pool);
}

// None of them is a size that a machine could really allocate and would take its time to.
const wildNumbers = [
  NaN,
  Infinity,
  -Infinity,
  -0,
  0.5,
  1e300,
  -1e300,
  2 ** 53,
  -(2 ** 53),
  2 ** 53 - 1,
  2 ** 62,
  2 ** 63,
  -(2 ** 63),
  1e15,
  300,
];
const wildIndexes = [...wildNumbers, 2 ** 31, 2 ** 31 - 1, -(2 ** 31), 2 ** 32, 1e9];
const small = [0, 0, 1, 1, 2, 3, -1, -1, -2, -3, 4, 5, 64];
const integer = () => chance(0.08) ? pick(wildNumbers) : pick(small);
const index = () => chance(0.08) ? pick(wildIndexes) : pick(small);
const number = () => chance(0.2) ? pick(wildNumbers) : pick([0, 1, -1, 2, 0.5, 3, -2.5, 1e-8]);
const integers = () => {
  const roll = random();
  if (roll < 0.3 && pool.length > 0) return safeShape(pick(pool));
  if (roll < 0.31) return Array.from({ length: pick([65, 128, 70000]) }, () => pick([0, 1, -1]));
  return Array.from({ length: below(5) }, integer);
};
const list = <T>(make: () => T) => Array.from({ length: pick([0, 1, 2, 2, 3, 5]) }, make);
const dtype = () => chance(0.03) ? "float8" as DType : pick(dtypes);

const makers: Record<string, () => unknown> = {
  "Tensor": anyTensor,
  "Tensor?": () => chance(0.4) ? null : anyTensor(),
  "Tensor[]": () => chance(0.5) ? list(anyTensor) : Array(1 + below(3)).fill(anyTensor()),
  "Tensor?[]": () => list(() => chance(0.3) ? null : anyTensor()),
  "Scalar": number,
  "Scalar?": () => chance(0.3) ? null : number(),
  "int": index,
  "SymInt": integer,
  "int?": () => chance(0.3) ? null : index(),
  "SymInt?": () => chance(0.3) ? null : integer(),
  "float": number,
  "float?": () => chance(0.3) ? null : number(),
  "bool": () => chance(0.5),
  "int[]": integers,
  "SymInt[]": integers,
  "int[]?": () => chance(0.3) ? null : integers(),
  "ScalarType": dtype,
  "ScalarType?": () => chance(0.5) ? null : dtype(),
  "Device": () => pick(["cpu", "cpu", "cpu", "cuda", "cuda:7", "tpu"]),
  "Device?": () => pick([null, null, "cpu", "cuda", "cuda:99"]),
};

interface Signature {
  readonly name: string;
  readonly types: readonly string[];
}

const omitted = /^(Layout\?|MemoryFormat\??|Generator\?|str\?)$/;

function readSignatures(): Signature[] {
  const table = Deno.readTextFileSync(new URL("../../ffi/op_table.txt", import.meta.url));
  return table.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#")).map(
    (line) => {
      const name = line.slice(0, line.indexOf(":"));
      const inner = line.slice(line.indexOf("(") + 1, line.lastIndexOf(") ->"));
      const types = inner.replace(/\([a-z]!?\)/g, "").split(/, (?![^[]*\])/)
        .filter((arg) => arg !== "*" && arg !== "" && !arg.includes("pin_memory"))
        .map((arg) => arg.split(" ")[0].replace(/\[\d+\]/, "[]"))
        .filter((type) => !omitted.test(type));
      for (const type of types) if (!(type in makers)) throw new Error(`${line}: type ${type}`);
      return { name, types };
    },
  );
}

const few = () => pick([0, 1, 1, 2, 3, 4]);
const noise = (shape: number[], type: DType) => ops.toDtype(ops.randn(shape, "float32"), type);
const indexes = (shape: number[], limit: number) =>
  ops.toDtype(ops.mulScalar(ops.rand(shape), limit + (chance(0.1) ? 1 : 0)), "int64");

/** Arguments that mostly fit an op whose inputs seldom fit by chance, some of them then spoilt. */
function fitting(name: string): unknown[] | null {
  const type = pick(dtypes), [b, m, k, n] = [few(), few(), few(), few()];
  switch (name) {
    case "mm":
      return [noise([m, k], type), noise([k, n], type)];
    case "bmm":
      return [noise([b, m, k], type), noise([b, k, n], type)];
    case "addmm":
    case "addmmInPlace":
      return [noise([m, n], type), noise([m, k], type), noise([k, n], type), number(), number()];
    case "linear":
      return [noise([b, m, k], type), noise([n, k], type), chance(0.5) ? null : noise([n], type)];
    case "rmsNorm":
      return [noise([b, k], type), [k], chance(0.5) ? null : noise([k], type), 1e-6];
    case "embedding":
      return [noise([m, n], type), indexes([b, k], m), index(), chance(0.3), chance(0.2)];
    case "gather":
      return [noise([m, n], type), 1, indexes([m, k], n), chance(0.2)];
    case "indexSelect":
      return [noise([m, n], type), 0, indexes([k], m)];
    case "indexAddInPlace":
    case "indexCopyInPlace":
      return [noise([m, n], type), 0, indexes([k], m), noise([k, n], type), number()]
        .slice(0, name === "indexAddInPlace" ? 5 : 4);
    case "scatterInPlace":
      return [noise([m, n], type), 0, indexes([k, n], m), noise([k, n], type)];
    case "indexPutInPlace":
      return [
        noise([m, n], type),
        [indexes([k], m), chance(0.5) ? null : indexes([k], n)],
        noise(pick([[k], [], [k, n], [1]]), type),
        chance(0.5),
      ];
    case "searchsorted":
      return [
        noise([m, n], type),
        noise([m, k], type),
        chance(0.5),
        chance(0.5),
        chance(0.5) ? null : indexes([m, n], n),
      ];
    case "multinomial":
      return [ops.toDtype(ops.rand([m, n]), type), few(), chance(0.5)];
    case "scaledDotProductAttention": {
      const heads = few(), kv = chance(0.7) ? heads : few(), d = pick([0, 1, 2, 8, 16]);
      const mask = pick([null, null, "bool", "float32", type]);
      return [
        noise([b, heads, m, d], type),
        noise([b, kv, n, d], type),
        noise([b, kv, n, chance(0.9) ? d : few()], type),
        mask === null
          ? null
          : noise(pick([[m, n], [b, 1, m, n], [1, n], [b, heads, m, n]]), mask as DType),
        pick([0, 0, 0, 0.5, 1, 2, NaN]),
        chance(0.3),
        chance(0.6) ? null : number(),
        chance(0.4),
      ];
    }
    default:
      return null;
  }
}

function argumentsFor({ name, types }: Signature): unknown[] {
  const args = chance(0.6) ? fitting(name) : null;
  if (args === null) return types.map((type) => makers[type]());
  if (chance(0.3)) {
    const at = below(args.length);
    args[at] = makers[types[at]]();
  }
  for (const arg of args) {
    if (!(arg instanceof Tensor) || arg.disposed) continue;
    if (arg.dtype.includes("float") && chance(0.3)) attempt(() => ops.requiresGradInPlace(arg));
  }
  return args;
}

function attempt(fn: () => void): void {
  try {
    fn();
  } catch {
    // Views of some kinds refuse it.
  }
}

const show = (value: unknown): string => {
  if (Array.isArray(value)) {
    return value.length > 80 ? `[${value.length} entries]` : `[${value.map(show).join(", ")}]`;
  }
  if (!(value instanceof Tensor)) return Object.is(value, -0) ? "-0" : String(value);
  return value.disposed ? "disposed" : `${value.dtype}[${value.shape}]`;
};

function isClear(error: unknown, name: string): boolean {
  if (error instanceof TensorError) {
    return error.message.startsWith(name) || error.message.startsWith("backward");
  }
  // What the types of TypeScript forbid may also end at the boundary.
  return error instanceof TypeError || error instanceof RangeError;
}

await initialize({ threads: 1 });
const signatures = readSignatures();
for (const { name } of signatures) {
  if (!(name in ops)) throw new Error(`ops has no ${name}`);
}
manualSeed(seed);
const live = liveTensors(), bytes = memory().current;
let refused = 0, done = 0;
const encoder = new TextEncoder();
const counts = new Map<string, number>();

function special(): unknown {
  switch (below(5)) {
    case 0:
      return backward(list(anyTensor), chance(0.5) ? list(anyTensor) : undefined);
    case 1:
      return gradients(list(anyTensor), list(anyTensor), chance(0.4) ? list(anyTensor) : undefined);
    case 2: {
      const t = anyTensor();
      t.grad = chance(0.3) ? null : anyTensor();
      return t.grad;
    }
    case 3:
      return setRngState(chance(0.5) ? tensor(new Uint8Array(5056).fill(below(256))) : anyTensor());
    default:
      return [anyTensor().toTypedArray(), anyTensor().toNumbers()].length;
  }
}

for (let call = 0; call < calls; call++) {
  while (pool.length < 24) pool.push(make());
  const signature = chance(0.04) ? { name: "", types: [] } : pick(signatures);
  const { name } = signature;
  let given: unknown[] = [];
  try {
    const result = scope(() => {
      const args = argumentsFor(signature);
      // Trailing arguments are optional in most signatures.
      given = chance(0.2) ? args.slice(0, 1 + below(args.length)) : args;
      if (trace) {
        const line = `${call} ${name}(${given.map(show).join(", ")})\n`;
        Deno.stderr.writeSync(encoder.encode(line));
      }
      const run = () => {
        if (name === "") return special();
        return (ops as unknown as Record<string, (...args: unknown[]) => unknown>)[name](...given);
      };
      const quiet = chance(0.3) || (checkMemory && /InPlace$/.test(name));
      const result = quiet ? noGrad(run as () => never) : run();
      const made = Array.isArray(result) ? result : [result];
      const first = made[0];
      if (
        first instanceof Tensor && !first.disposed && first.requiresGrad && first.size < 1000 &&
        chance(0.3)
      ) {
        backward(first, ops.zerosLike(first));
      }
      return result as Tensor;
    });
    done++;
    counts.set(name, (counts.get(name) ?? 0) + 1);
    for (const made of Array.isArray(result) ? result : [result]) {
      if (!(made instanceof Tensor) || made.disposed) continue;
      // Reading the result touches all its memory.
      if (made.size <= 4096) {
        made.toTypedArray();
        const at = below(pool.length);
        pool[at].dispose();
        pool[at] = made;
      } else made.dispose();
    }
  } catch (error) {
    refused++;
    if (!isClear(error, name)) {
      console.error(`${call} ${name}(${given.map(show).join(", ")}): unclear`, error);
      Deno.exit(3);
    }
  }
  for (let i = pool.length - 1; i >= 0; i--) if (pool[i].disposed) pool.splice(i, 1);
  if (call % 200 === 199) { for (const t of pool.splice(0)) t.dispose(); }
}
for (const t of pool) t.dispose();
const never = signatures.filter(({ name }) => !counts.has(name)).map(({ name }) => name);
console.log(JSON.stringify({
  done,
  refused,
  never,
  live: liveTensors() - live,
  bytes: memory().current - bytes,
}));
if (liveTensors() !== live || (checkMemory && memory().current !== bytes)) Deno.exit(4);
