/** Random initialisation. */
import { noGrad } from "../tensor/autograd.ts";
import { type Device, type DType } from "../tensor/dtype.ts";
import * as ops from "../tensor/ops.ts";
import { manualSeed, scope, type Tensor } from "../tensor/tensor.ts";
import { type CausalLM } from "./model.ts";
import { planModel } from "./registry.ts";

/** Options of {@linkcode randomModel}. */
export interface RandomModelOptions {
  /** Seed of libtorch's generator, which is set by this call. */
  readonly seed: number;
  /** By default float32. */
  readonly dtype?: DType;
  /** By default the CPU. */
  readonly device?: Device;
}

/**
 * A model of a config.json (or a preset) with random weights: matrices normal with deviation 1/√(fan in), those that
 * write to the residual stream (o_proj, down_proj) divided by √(2 · layers) as in GPT-2, embeddings and an untied
 * head `initializer_range`, norms 1, biases 0.
 */
export function randomModel(
  config: Readonly<Record<string, unknown>>,
  { seed, dtype = "float32", device = "cpu" }: RandomModelOptions,
): CausalLM {
  const plan = planModel(config);
  manualSeed(seed);
  const initial = (name: string, shape: readonly number[]) => {
    if (name.endsWith(".bias")) return ops.zeros(shape, dtype, device);
    if (shape.length === 1) return ops.ones(shape, dtype, device);
    const weight = ops.empty(shape, "float32");
    let deviation = shape[1] ** -0.5;
    if (/(o_proj|down_proj)\.weight$/.test(name)) deviation /= Math.sqrt(2 * plan.layers);
    if (/(embed_tokens|lm_head)\.weight$/.test(name)) deviation = plan.initializerRange;
    ops.normalInPlace(weight, 0, deviation);
    return ops.toDevice(weight, device, dtype);
  };
  const made = scope(() =>
    [...plan.shapes].map(([name, shape]): [string, Tensor] => {
      const parameter = noGrad(() => scope(() => initial(name, shape)));
      ops.requiresGradInPlace(parameter);
      return [name, parameter];
    })
  );
  const parameters = new Map(made.map(([name, parameter]) => [name, parameter.keep()]));
  return plan.build(parameters);
}
