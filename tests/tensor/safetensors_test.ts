import { fileURLToPath } from "node:url";
import { initialize } from "../../ffi/library.ts";
import { type DType, itemSize } from "../../src/tensor/dtype.ts";
import { memory } from "../../src/tensor/memory.ts";
import * as ops from "../../src/tensor/ops.ts";
import {
  SafetensorsError,
  SafetensorsFile,
  writeSafetensors,
} from "../../src/tensor/safetensors.ts";
import { liveTensors, scope, type Tensor, tensor, TensorError } from "../../src/tensor/tensor.ts";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "../../src/std/assert.ts";
import { maybeTest } from "../support.ts";
import { inFolder, tensorTest } from "../tensors.ts";

/** Tensors of every dtype, empty, scalar, and of sizes that leave the next one unaligned. */
function everyKind(): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const dtype of Object.keys(itemSize) as DType[]) {
    tensors.set(`${dtype}.odd`, ops.toDtype(tensor([0, 1, 0, 1, 1]), dtype));
    tensors.set(`${dtype}.scalar`, ops.toDtype(tensor(1), dtype));
    tensors.set(`${dtype}.empty`, ops.zeros([2, 0, 3], dtype));
  }
  tensors.set("transposed", ops.transpose(tensor([[1, 2, 3], [4, 5, 6]]), 0, 1));
  tensors.set('ünïcode "quoted" \n', tensor([7]));
  tensors.set("__proto__", tensor([8]));
  return tensors;
}

function writeRaw(path: string, header: unknown, bytes = 0): void {
  const json = new TextEncoder().encode(
    typeof header === "string" ? header : JSON.stringify(header),
  );
  const file = new Uint8Array(8 + json.length + bytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  Deno.writeFileSync(path, file);
}

tensorTest("a written file reads back: every dtype, empty, scalar, unaligned, transposed", () => {
  inFolder((folder) => {
    const path = `${folder}/all.safetensors`, tensors = everyKind();
    writeSafetensors(path, tensors, { format: "pt", note: "é" });
    assertEquals([...Deno.readDirSync(folder)].map((entry) => entry.name), ["all.safetensors"]);
    using file = new SafetensorsFile(path);
    assertEquals([...file.entries.keys()].sort(), [...tensors.keys()].sort());
    assertEquals({ ...file.metadata }, { format: "pt", note: "é" });
    for (const [name, t] of tensors) {
      const read = file.get(name);
      assertEquals([read.dtype, read.shape], [t.dtype, t.shape]);
      assertEquals(read.toTypedArray(), t.toTypedArray(), name);
    }
  });
});

tensorTest(
  "mapped tensors are no copies, outlive the file object and its path, and never change the file",
  () => {
    inFolder((folder) => {
      const path = `${folder}/big.safetensors`;
      writeSafetensors(path, new Map([["w", ops.ones([1000, 1000])]]));
      const bytes = Deno.readFileSync(path), before = memory().current;
      const file = new SafetensorsFile(path);
      const w = file.get("w");
      file.close();
      file.close();
      assertEquals(memory().current, before);
      assertThrows(() => file.get("w"), TensorError, "closed");
      ops.addScalarInPlace(w, 1);
      assertEquals(Deno.readFileSync(path), bytes);
      Deno.removeSync(path);
      const row = ops.select(w, 0, 999);
      w.dispose();
      assertEquals(ops.item(ops.sum(row)), 2000);
    });
  },
);

tensorTest("a tensor larger than what is copied at a time is written whole", () => {
  inFolder((folder) => {
    const path = `${folder}/big.safetensors`, size = 10_485_765; // 40 MiB of float32
    const w = ops.arange(0, size, 1, "float32"), after = ops.ones([3], "int64");
    writeSafetensors(
      path,
      new Map([["w", ops.transpose(ops.view(w, [5, size / 5]), 0, 1)], ["z", after]]),
    );
    using file = new SafetensorsFile(path);
    assert(ops.equal(ops.reshape(ops.transpose(file.get("w"), 0, 1), [size]), w));
    assert(ops.equal(file.get("z"), after));
  });
});

tensorTest("a failed write keeps the old file and leaves nothing beside it", () => {
  inFolder((folder) => {
    const path = `${folder}/x.safetensors`;
    writeSafetensors(path, new Map([["a", tensor([1])]]));
    const before = Deno.readFileSync(path);
    const dead = tensor([1]);
    dead.dispose();
    assertThrows(
      () => writeSafetensors(path, new Map([["a", tensor([2])], ["b", dead]])),
      TensorError,
    );
    assertThrows(
      () => writeSafetensors(path, new Map([["__metadata__", tensor([2])]])),
      SafetensorsError,
    );
    assertEquals(Deno.readFileSync(path), before);
    assertEquals([...Deno.readDirSync(folder)].length, 1);
  });
});

tensorTest("an unsound file is refused with file, tensor and reason", () => {
  inFolder((folder) => {
    const path = `${folder}/x.safetensors`;
    const entry = (shape: unknown, offsets: unknown, dtype: unknown = "F32") => ({
      dtype,
      shape,
      data_offsets: offsets,
    });
    const cases: [unknown, number, string][] = [
      ["nonsense", 0, "no JSON"],
      ["[]", 0, "no JSON object"],
      [{ __metadata__: { a: 1 } }, 0, "__metadata__"],
      [{ a: null }, 0, "'a'"],
      [{ a: entry([1], [0, 4], "F8_E4M3") }, 4, "F8_E4M3"],
      [{ a: entry([-1], [0, 4]) }, 4, "[-1]"],
      [{ a: entry([1.5], [0, 6]) }, 6, "[1.5]"],
      [{ a: entry([2], [0, 4]) }, 4, "needs 8 bytes"],
      [{ a: entry([1], [4, 0]) }, 4, "[4, 0]"],
      [{ a: entry([1], [0, 4]) }, 3, "of 3"],
      [{ a: entry([2 ** 40, 2 ** 40], [0, 4]) }, 4, "'a'"],
      [{ a: entry([1], [0, 4]), b: entry([1], [0, 4]) }, 8, "'b' begins at byte 0, not at 4"],
      [{ a: entry([1], [0, 4]), b: entry([1], [8, 12]) }, 12, "'b' begins at byte 8, not at 4"],
      [{ a: entry([1], [0, 4]) }, 8, "end at byte 4 of 8"],
    ];
    for (const [header, bytes, want] of cases) {
      writeRaw(path, header, bytes);
      const { message } = assertThrows(() => new SafetensorsFile(path), SafetensorsError);
      assertStringIncludes(message, path);
      assertStringIncludes(message, want);
    }
    Deno.writeFileSync(path, new Uint8Array(3));
    assertThrows(() => new SafetensorsFile(path), SafetensorsError, "3 bytes");
    Deno.writeFileSync(path, new Uint8Array(16).fill(255));
    assertThrows(() => new SafetensorsFile(path), SafetensorsError, "header claims");
    assertThrows(() => new SafetensorsFile(`${folder}/none`), TensorError, "No such file");
    assertThrows(() => new SafetensorsFile(folder), TensorError, "not a regular file");
    writeSafetensors(path, new Map());
    using empty = new SafetensorsFile(path);
    assertThrows(() => empty.get("w"), SafetensorsError, "no tensor 'w'");
  });
});

Deno.test("mutated files give a clear error or load soundly", async () => {
  await initialize({ threads: 1 });
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/sound.safetensors`, before = liveTensors();
    scope(() => writeSafetensors(path, new Map([...everyKind()].slice(0, 12)), { format: "pt" }));
    assertEquals(liveTensors(), before);
    const child = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        fileURLToPath(new URL("safetensors_child.ts", import.meta.url)),
        path,
        "1",
        "5000",
      ],
      stdout: "piped",
      stderr: "piped",
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assertEquals([child.code, child.signal], [0, null], text(child.stderr).slice(-2000));
    const { loaded, refused, live } = JSON.parse(text(child.stdout));
    assertEquals(live, 0);
    assert(loaded > 100 && refused > 2000, `${loaded} loaded, ${refused} refused`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const python = Deno.env.get("HANDRAIL_PEER_PYTHON");
maybeTest(
  "Python's safetensors reads what is written",
  python ? undefined : "HANDRAIL_PEER_PYTHON is not set",
  async () => {
    await initialize({ threads: 1 });
    const folder = await Deno.makeTempDir();
    try {
      const path = `${folder}/x.safetensors`;
      scope(() => writeSafetensors(path, everyKind(), { format: "pt" }));
      const code = `
import json, sys
from safetensors import safe_open
with safe_open(sys.argv[1], "pt") as f:
    print(json.dumps({"metadata": f.metadata(), "sums": {k: [str(f.get_tensor(k).dtype)[6:], list(f.get_tensor(k).shape), f.get_tensor(k).double().sum().item()] for k in f.keys()}}))
`;
      const child = await new Deno.Command(python!, { args: ["-c", code, path] }).output();
      assertEquals(child.code, 0, new TextDecoder().decode(child.stderr).slice(-2000));
      const read = JSON.parse(new TextDecoder().decode(child.stdout));
      assertEquals(read.metadata, { format: "pt" });
      scope(() => {
        for (const [name, t] of everyKind()) {
          const want = [t.dtype, t.shape, ops.item(ops.sum(t, "float64"))];
          assertEquals(Object.hasOwn(read.sums, name) ? read.sums[name] : null, want, name);
        }
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);
