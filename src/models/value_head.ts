/** A critic's head: one value from each hidden state, kept in a file of its own beside the model. */
import { join } from "node:path";
import { noGrad } from "../tensor/autograd.ts";
import { type Device, type DType } from "../tensor/dtype.ts";
import * as ops from "../tensor/ops.ts";
import { SafetensorsFile, writeSafetensors } from "../tensor/safetensors.ts";
import { scope, type Tensor } from "../tensor/tensor.ts";
import { ModelError } from "./config_reader.ts";
import { isFile } from "./json_file.ts";
import { listWrong } from "./weight_files.ts";

const fileName = "value_head.safetensors";
const weightName = "value_head.weight", biasName = "value_head.bias";

/** Options of {@linkcode createValueHead} and {@linkcode loadValueHead}. */
export interface ValueHeadOptions {
  /** H, of the model it is for. */
  readonly hiddenSize: number;
  /** By default float32; values are float32 whatever it is. */
  readonly dtype?: DType;
  /** By default the CPU. */
  readonly device?: Device;
}

/** The linear map of hidden states to values. It owns its parameters: dispose it. */
export class ValueHead {
  /** `value_head.weight` [1, H] and `value_head.bias` [1]. */
  readonly parameters: ReadonlyMap<string, Tensor>;

  /** Takes over the parameters. */
  constructor(weight: Tensor, bias: Tensor) {
    this.parameters = new Map([[weightName, weight], [biasName, bias]]);
  }

  /** Values of hidden states [N, H], which autograd follows: float32 [N]. */
  forward(hidden: Tensor): Tensor {
    return scope(() => {
      const weight = this.parameters.get(weightName)!;
      const values = ops.linear(
        ops.toDtype(hidden, weight.dtype),
        weight,
        this.parameters.get(biasName)!,
      ); // [N, 1]
      return ops.toDtype(ops.squeeze(values, 1), "float32");
    });
  }

  /** Frees the parameters. */
  [Symbol.dispose](): void {
    for (const parameter of this.parameters.values()) parameter.dispose();
  }
}

/** A head that gives 0 for every state, so that a fresh critic says nothing rather than noise. */
export function createValueHead(
  { hiddenSize, dtype = "float32", device = "cpu" }: ValueHeadOptions,
): ValueHead {
  if (!Number.isSafeInteger(hiddenSize) || hiddenSize < 1) {
    throw new RangeError(
      `Cannot make a value head as 'hiddenSize' must be a positive integer: current value is ${hiddenSize}`,
    );
  }
  return headOf((shape) => ops.zeros(shape, dtype, device), hiddenSize);
}

function headOf(make: (shape: number[], name: string) => Tensor, hiddenSize: number): ValueHead {
  const [weight, bias] = scope(() => [make([1, hiddenSize], weightName), make([1], biasName)]);
  for (const parameter of [weight, bias]) ops.requiresGradInPlace(parameter);
  return new ValueHead(weight.keep(), bias.keep());
}

/** Writes value_head.safetensors into an existing folder: beside it first, then renamed. */
export function saveValueHead(head: ValueHead, folder: string): void {
  writeSafetensors(join(folder, fileName), head.parameters, { format: "pt" });
}

/** Whether a folder has a value head. */
export function hasValueHead(folder: string): boolean {
  return isFile(join(folder, fileName));
}

/**
 * Loads the value head of a folder.
 *
 * @throws {ModelError} when there is none, or listing every missing, unexpected and wrongly shaped tensor.
 * @throws {SafetensorsError} when the file is damaged.
 */
export function loadValueHead(
  folder: string,
  { hiddenSize, dtype = "float32", device = "cpu" }: ValueHeadOptions,
): ValueHead {
  const path = join(folder, fileName);
  if (!hasValueHead(folder)) {
    throw new ModelError(`A value head cannot be read: ${path} is missing`);
  }
  using file = new SafetensorsFile(path);
  const shapes = new Map([[weightName, [1, hiddenSize]], [biasName, [1]]]);
  const wrong: string[] = [];
  for (const [name, shape] of shapes) {
    const entry = file.entries.get(name);
    if (entry === undefined) wrong.push(`missing ${name}`);
    else if (entry.shape.join() !== shape.join()) {
      wrong.push(`${name} has shape [${entry.shape}], the model asks for [${shape}]`);
    } else if (!/float/.test(entry.dtype)) {
      wrong.push(`${name} has dtype ${entry.dtype}, which is not a floating one`);
    }
  }
  for (const name of file.entries.keys()) if (!shapes.has(name)) wrong.push(`unexpected ${name}`);
  if (wrong.length > 0) {
    throw new ModelError(`${path} is no value head of this model:${listWrong(wrong)}`);
  }
  const load = (_: number[], name: string) =>
    noGrad(() => scope(() => ops.toDevice(ops.clone(file.get(name)), device, dtype)));
  return headOf(load, hiddenSize);
}
