import { ModelError } from "../../src/models/config_reader.ts";
import {
  createValueHead,
  hasValueHead,
  loadValueHead,
  saveValueHead,
} from "../../src/models/value_head.ts";
import { backward, noGrad } from "../../src/tensor/autograd.ts";
import * as ops from "../../src/tensor/ops.ts";
import {
  SafetensorsError,
  SafetensorsFile,
  writeSafetensors,
} from "../../src/tensor/safetensors.ts";
import { scope, tensor } from "../../src/tensor/tensor.ts";
import { assertEquals, assertStringIncludes, assertThrows } from "../../src/std/assert.ts";
import { inFolder, tensorTest } from "../tensors.ts";

tensorTest("a fresh head says 0, and learns a value from each state", () => {
  using head = createValueHead({ hiddenSize: 3 });
  const hidden = tensor([[1, 2, 3], [4, 5, 6]]);
  ops.requiresGradInPlace(hidden);
  assertEquals(head.forward(hidden).toNumbers(), [0, 0]);
  noGrad(() => {
    ops.copyInPlace(head.parameters.get("value_head.weight")!, tensor([[1, 10, 100]]));
    ops.copyInPlace(head.parameters.get("value_head.bias")!, tensor([0.5]));
  });
  const values = head.forward(hidden);
  assertEquals([values.shape, values.dtype], [[2], "float32"]);
  assertEquals(values.toNumbers(), [321.5, 654.5]);
  backward(values, tensor([1, 2]));
  assertEquals(head.parameters.get("value_head.weight")!.grad!.toNumbers(), [9, 12, 15]);
  assertEquals(head.parameters.get("value_head.bias")!.grad!.toNumbers(), [3]);
  assertEquals(hidden.grad!.toNumbers(), [1, 10, 100, 2, 20, 200]);
  // States of another dtype than the head's are taken too.
  assertEquals(head.forward(ops.toDtype(hidden, "bfloat16")).dtype, "float32");
  assertThrows(() => createValueHead({ hiddenSize: 0 }), RangeError, "hiddenSize");
});

tensorTest("it is stored as a file of its own", () => {
  inFolder((folder) => {
    assertEquals(hasValueHead(folder), false);
    assertThrows(() => loadValueHead(folder, { hiddenSize: 2 }), ModelError, "is missing");
    using head = createValueHead({ hiddenSize: 2 });
    noGrad(() => ops.copyInPlace(head.parameters.get("value_head.weight")!, tensor([[0.1, 7]])));
    saveValueHead(head, folder);
    assertEquals(hasValueHead(folder), true);
    using file = new SafetensorsFile(`${folder}/value_head.safetensors`);
    assertEquals([...file.entries.keys()], ["value_head.weight", "value_head.bias"]);
    using again = loadValueHead(folder, { hiddenSize: 2 });
    for (const [name, parameter] of head.parameters) {
      const loaded = again.parameters.get(name)!;
      assertEquals(loaded.toTypedArray(), parameter.toTypedArray(), name);
      assertEquals(loaded.requiresGrad, true);
    }
    using half = loadValueHead(folder, { hiddenSize: 2, dtype: "bfloat16" });
    assertEquals(half.parameters.get("value_head.bias")!.dtype, "bfloat16");
  });
});

tensorTest("what does not fit the model is listed whole", () => {
  inFolder((folder) => {
    const path = `${folder}/value_head.safetensors`;
    writeSafetensors(
      path,
      new Map([["value_head.weight", ops.ones([1, 4])], ["x", ops.ones([1])]]),
    );
    const { message } = assertThrows(() => loadValueHead(folder, { hiddenSize: 2 }), ModelError);
    for (
      const want of [
        path,
        "has shape [1,4]",
        "asks for [1,2]",
        "missing value_head.bias",
        "unexpected x",
      ]
    ) assertStringIncludes(message, want);
    scope(() =>
      writeSafetensors(
        path,
        new Map([
          ["value_head.weight", ops.ones([1, 2], "int64")],
          ["value_head.bias", ops.ones([1])],
        ]),
      )
    );
    assertThrows(() => loadValueHead(folder, { hiddenSize: 2 }), ModelError, "dtype int64");
    Deno.truncateSync(path, 20);
    assertThrows(() => loadValueHead(folder, { hiddenSize: 2 }), SafetensorsError, path);
  });
});
