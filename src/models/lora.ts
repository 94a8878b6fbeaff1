/**
 * LoRA (Hu et al. 2021, arXiv 2106.09685): a linear layer's weight W stays as it is, and a product of two thin matrices
 * beside it learns, y = W·x + s·B·(A·x). At the start B is zero, so the model is the one it was. s is α / r, or α / √r
 * for rsLoRA (Kalajdzievski 2023, arXiv 2312.03732), whose updates do not shrink as the rank grows.
 *
 * Names, initialisation and arithmetic are those of PEFT (Hugging Face), so that either reads what the other wrote.
 */
import { noGrad } from "../tensor/autograd.ts";
import { type Device } from "../tensor/dtype.ts";
import * as ops from "../tensor/ops.ts";
import { manualSeed, scope, type Tensor } from "../tensor/tensor.ts";
import { ModelError } from "./config_reader.ts";
import {
  adapterName,
  adapterShapes,
  loraScale,
  type LoraSettings,
  moduleOfA,
} from "./lora_settings.ts";
import { type CausalLM } from "./model.ts";

interface Adapter {
  /** [r, in] */
  readonly a: Tensor;
  /** [out, r] */
  readonly b: Tensor;
}

/** The adapters of one model. They own their matrices, float32 whatever the model's dtype: dispose them. */
export class LoraAdapters {
  readonly #adapters: ReadonlyMap<string, Adapter>;

  /** Takes over the matrices, named and shaped as {@linkcode adapterShapes} says, float32. */
  constructor(
    readonly settings: LoraSettings,
    /** Every A and B under its name in PEFT's files. */
    readonly parameters: ReadonlyMap<string, Tensor>,
  ) {
    this.#adapters = new Map([...parameters].flatMap(([name, a]): [string, Adapter][] => {
      const module = moduleOfA(name);
      return module === null ? [] : [[module, { a, b: parameters.get(adapterName(module, "B"))! }]];
    }));
  }

  /** Names of the adapted layers, such as `model.layers.0.self_attn.q_proj`. */
  get modules(): string[] {
    return [...this.#adapters.keys()];
  }

  /**
   * What a layer's adapter adds to its output: s·B·(A·x), computed in float32.
   *
   * @param x The layer's input, [.., in].
   * @param module The layer's name.
   * @param dropout Whether this is a training pass: inputs are then dropped with the settings' probability.
   * @returns [.., out] in x's dtype, or null where the layer has no adapter.
   */
  apply(x: Tensor, module: string, dropout: boolean): Tensor | null {
    const adapter = this.#adapters.get(module);
    if (adapter === undefined) return null;
    const { settings } = this;
    const wide = ops.toDtype(x, "float32");
    const input = dropout && settings.dropout > 0
      ? ops.dropout(wide, settings.dropout, true)
      : wide;
    const inner = ops.mulScalar(ops.linear(input, adapter.a), loraScale(settings)); // [.., r]
    return ops.toDtype(ops.linear(inner, adapter.b), x.dtype);
  }

  /** Adds s·B·A to a layer's weight [out, in] in float32, rounds once to the weight's dtype, and makes B zero. */
  _fold(module: string, weight: Tensor): void {
    noGrad(() =>
      scope(() => {
        const { a, b } = this.#adapters.get(module)!;
        const delta = ops.mulScalar(ops.mm(b, a), loraScale(this.settings)); // [out, in]
        ops.copyInPlace(weight, ops.add(delta, weight));
        ops.zeroInPlace(b);
      })
    );
  }

  /** Frees the matrices. */
  [Symbol.dispose](): void {
    for (const parameter of this.parameters.values()) parameter.dispose();
  }
}

/** Options of {@linkcode createAdapters}. */
export interface CreateAdaptersOptions {
  /** Seed of libtorch's generator, which is set by this call. */
  readonly seed: number;
  /** By default the CPU. */
  readonly device?: Device;
}

/**
 * New adapters that change nothing yet: A uniform within ±1/√in (Kaiming's with a = √5), B zero. For
 * {@linkcode CausalLM.attach}.
 *
 * @param parameters The base model's parameters, or anything else that has their names and shapes.
 * @throws {RangeError} when a setting is out of range.
 * @throws {ModelError} when a target is no linear layer of the model.
 */
export function createAdapters(
  parameters: ReadonlyMap<string, { readonly shape: readonly number[] }>,
  settings: LoraSettings,
  { seed, device = "cpu" }: CreateAdaptersOptions,
): LoraAdapters {
  const shapes = adapterShapes(
    new Map(Array.from(parameters, ([name, { shape }]) => [name, shape])),
    settings,
  );
  manualSeed(seed);
  const made = scope(() =>
    Array.from(shapes, ([name, shape]): [string, Tensor] => {
      const matrix = noGrad(() =>
        scope(() => {
          const values = ops.zeros(shape, "float32");
          const bound = shape[1] ** -0.5;
          if (name.endsWith("lora_A.weight")) ops.uniformInPlace(values, -bound, bound);
          return ops.toDevice(values, device, "float32");
        })
      );
      ops.requiresGradInPlace(matrix);
      return [name, matrix];
    })
  );
  return new LoraAdapters(
    settings,
    new Map(made.map(([name, matrix]) => [name, matrix.keep()])),
  );
}

/**
 * Folds a model's adapters into its weights: W becomes W + s·B·A, computed in float32 and rounded once to the weight's
 * dtype. B is zero from then on, so that the model means the same with its adapters and without them
 * ({@linkcode CausalLM.withoutAdapters}).
 *
 * @throws {ModelError} when the model has no adapters.
 */
export function mergeAdapters(model: CausalLM): void {
  const { adapters, parameters } = model;
  if (adapters === null) throw new ModelError("Cannot merge adapters as the model has none");
  for (const module of adapters.modules) {
    adapters._fold(module, parameters.get(`${module}.weight`)!);
  }
}
