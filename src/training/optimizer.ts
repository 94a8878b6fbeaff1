/** AdamW by libtorch's fused step, and clipping of the gradient norm. */
import { noGrad } from "../tensor/autograd.ts";
import { lastError } from "../../ffi/library.ts";
import * as ops from "../tensor/ops.ts";
import { native, putTensors, scope, type Tensor, TensorError } from "../tensor/tensor.ts";

/** Options of {@linkcode AdamW}. */
export interface AdamWOptions {
  /** β1 and β2, the decay of the mean and of the mean square of the gradient; 0 to below 1. */
  readonly betas: readonly [number, number];
  /** ε, added to the root of the mean square. */
  readonly eps: number;
  /** Weight decay, decoupled from the gradient: a step multiplies decayed weights by 1 − rate · decay. */
  readonly weightDecay: number;
}

interface State {
  readonly name: string;
  readonly parameter: Tensor;
  /** What a step changes: the parameter itself, or its float32 master copy. */
  readonly weight: Tensor;
  readonly mean: Tensor;
  readonly square: Tensor;
  /** Steps taken, one float32. */
  readonly step: Tensor;
  /** Of a parameter with a master copy: the sum of the gradients collected, float32; null where there is none. */
  sum: Tensor | null;
}

/**
 * AdamW (arXiv 1711.05101) as torch's fused one computes it, to the bit.
 *
 * As in Hugging Face's Trainer, weight decay applies to matrices (embedding, projections, head) and not to vectors
 * (norms, biases). A parameter without a gradient is left alone: no decay, no step counted. It owns its state: dispose
 * it. The parameters stay their model's.
 *
 * A bfloat16 parameter has a step between two values of 2⁻⁸ of itself, and the usual rates of reinforcement learning
 * change it by less: nearly every update would be rounded away. So for bfloat16 and float16 parameters (mixed precision,
 * Micikevicius et al. 2018, arXiv 1710.03740) a float32 master copy is kept and stepped, and the parameter is what it
 * rounds to. Gradients of several micro-batches are summed in float32 too: call {@linkcode AdamW.collect} after each
 * backward pass.
 */
export class AdamW {
  readonly #options: AdamWOptions;
  readonly #decayed: readonly State[];
  readonly #plain: readonly State[];
  /** States by name, in the order of the parameters given. */
  readonly #given: ReadonlyMap<string, State>;
  /** Those with a master copy. */
  readonly #mastered: readonly State[];
  /** A count a parameter, float32 [P], in the order of their names; each state's `step` is a view into it. */
  readonly #steps: Tensor;
  readonly #states: readonly State[];

  /**
   * Moments and step counts of 0.
   *
   * @param parameters The parameters by name, of a floating dtype, contiguous.
   * @throws {RangeError} when an option is out of range or there is no parameter.
   */
  constructor(parameters: ReadonlyMap<string, Tensor>, options: AdamWOptions) {
    checkOptions(options);
    if (parameters.size === 0) throw new RangeError("Cannot make AdamW as there are no parameters");
    const sorted = [...parameters].sort(([a], [b]) => a < b ? -1 : 1);
    this.#options = options;
    const { steps, states } = scope(() => {
      const steps = ops.zeros([sorted.length], "float32", sorted[0][1].device);
      const states = sorted.map(([name, parameter], i): State => {
        const low = ["bfloat16", "float16"].includes(parameter.dtype);
        const weight = low ? noGrad(() => ops.toDtype(parameter, "float32")) : parameter;
        return {
          name,
          parameter,
          weight,
          mean: ops.zerosLike(weight),
          square: ops.zerosLike(weight),
          step: ops.narrow(steps, 0, i, 1),
          sum: null,
        };
      });
      return { steps, states };
    });
    this.#steps = steps.keep();
    this.#states = states;
    this.#mastered = states.filter(hasMaster);
    const byName = new Map(states.map((state) => [state.name, state]));
    this.#given = new Map(Array.from(parameters.keys(), (name) => [name, byName.get(name)!]));
    for (const { mean, square, step } of states) [mean, square, step].forEach((t) => t.keep());
    for (const { weight } of this.#mastered) weight.keep();
    this.#decayed = this.#states.filter(({ parameter }) => parameter.shape.length >= 2);
    this.#plain = this.#states.filter(({ parameter }) => parameter.shape.length < 2);
  }

  /**
   * Adds the gradients of bfloat16 and float16 parameters to their float32 sums and drops them. To be called after each
   * backward pass; {@linkcode AdamW.step} and {@linkcode AdamW.clipGradientNorm} call it for the last one. Gradients of
   * float32 parameters add up where they are.
   */
  collect(): void {
    for (const state of this.#mastered) {
      scope(() => {
        const gradient = state.parameter.grad;
        if (gradient === null) return;
        noGrad(() => {
          if (state.sum === null) state.sum = ops.toDtype(gradient, "float32").keep();
          else ops.addInPlace(state.sum, gradient);
        });
        state.parameter.grad = null;
      });
    }
  }

  /**
   * Clips the gradients that the next step will use, as the function {@linkcode clipGradientNorm} does.
   *
   * @returns The norm before clipping. If it is NaN or infinite, no gradient is touched.
   * @throws {RangeError} when `maxNorm` is not above 0; Infinity only measures.
   */
  clipGradientNorm(maxNorm: number): number {
    this.collect();
    return clip(() => Array.from(this.#given.values(), gradientOf), maxNorm);
  }

  /** Updates every parameter that has a gradient. */
  step(learningRate: number): void {
    if (!(learningRate >= 0 && learningRate < Infinity)) {
      throw new RangeError(
        `Cannot step as 'learningRate' must be a finite number of at least 0: current value is ${learningRate}`,
      );
    }
    this.collect();
    this.#update(this.#decayed, learningRate, this.#options.weightDecay);
    this.#update(this.#plain, learningRate, 0);
    noGrad(() => {
      for (const { parameter, weight, sum } of this.#mastered) {
        if (sum !== null) ops.copyInPlace(parameter, weight);
      }
    });
  }

  #update(states: readonly State[], learningRate: number, weightDecay: number): void {
    const { betas: [beta1, beta2], eps } = this.#options;
    scope(() => {
      const live: State[] = [], gradients: Tensor[] = [];
      for (const state of states) {
        const gradient = gradientOf(state);
        if (gradient === null) continue;
        live.push(state);
        gradients.push(gradient);
      }
      if (live.length === 0) return;
      const steps = live.map((state) => state.step);
      ops.foreachAddScalarInPlace(steps, 1);
      const means = live.map((state) => state.mean), squares = live.map((state) => state.square);
      let at = 0;
      for (const list of [live.map((state) => state.weight), gradients, means, squares, steps]) {
        at = putTensors(list, at, "AdamW");
      }
      const count = live.length;
      if (
        native().hr_fused_adamw(count, learningRate, beta1, beta2, weightDecay, eps) >= 0
      ) return;
      const reason = lastError().replace(
        /\bparameter (\d+)/,
        (_, i) => `parameter '${live[Number(i)].name}'`,
      );
      ops.foreachAddScalarInPlace(steps, -1);
      throw new TensorError(`AdamW: ${reason}`);
    });
  }

  /** Drops every parameter's gradient, and what was collected. */
  zeroGrad(): void {
    for (const { parameter } of this.#states) parameter.grad = null;
    for (const state of this.#mastered) {
      state.sum?.dispose();
      state.sum = null;
    }
  }

  /**
   * What a checkpoint has to hold: `exp_avg.<name>` and `exp_avg_sq.<name>`, in the parameter's shape and dtype, and
   * `step`, float32 [P], the steps of each parameter in the order of their names. Of bfloat16 and float16 parameters the
   * moments are float32, and `master.<name>` is the master copy. The tensors are the optimizer's own.
   */
  stateTensors(): Map<string, Tensor> {
    const tensors = new Map<string, Tensor>();
    for (const { name, mean, square } of this.#states) {
      tensors.set(`exp_avg.${name}`, mean);
      tensors.set(`exp_avg_sq.${name}`, square);
    }
    for (const { name, weight } of this.#mastered) tensors.set(`master.${name}`, weight);
    return tensors.set("step", this.#steps);
  }

  /**
   * Copies in what {@linkcode stateTensors} gave.
   *
   * @throws {TensorError} when a tensor is missing, is one too many, or has another shape or dtype; nothing is copied
   * then.
   */
  loadState(tensors: ReadonlyMap<string, Tensor>): void {
    const own = this.stateTensors();
    const show = (of: Tensor) => `${of.dtype}[${of.shape.join(", ")}]`;
    for (const [name, to] of own) {
      const from = tensors.get(name);
      if (from === undefined) {
        throw new TensorError(`Cannot load the optimizer's state as '${name}' is missing`);
      }
      if (show(from) === show(to)) continue;
      throw new TensorError(
        `Cannot load the optimizer's state as '${name}' must be ${show(to)}: it is ${show(from)}`,
      );
    }
    for (const name of tensors.keys()) {
      if (own.has(name)) continue;
      throw new TensorError(
        `Cannot load the optimizer's state as '${name}' belongs to no parameter of this model`,
      );
    }
    noGrad(() => {
      for (const [name, to] of own) ops.copyInPlace(to, tensors.get(name)!);
    });
  }

  /** Frees the state. */
  [Symbol.dispose](): void {
    for (const { mean, square, step } of this.#states) {
      mean.dispose();
      square.dispose();
      step.dispose();
    }
    for (const { weight, sum } of this.#mastered) {
      weight.dispose();
      sum?.dispose();
    }
    this.#steps.dispose();
  }
}

function hasMaster({ parameter, weight }: State): boolean {
  return weight !== parameter;
}

/** What the next step takes for the parameter's gradient; null where there is none. */
function gradientOf(state: State): Tensor | null {
  return hasMaster(state) ? state.sum : state.parameter.grad;
}

/**
 * Scales all gradients so that their total L2 norm is at most `maxNorm`, as torch's `clip_grad_norm_`: by
 * maxNorm / (norm + 1e-6), where that is below 1.
 *
 * @param parameters The parameters by name; those without a gradient do not count.
 * @returns The norm before clipping. If it is NaN or infinite, no gradient is touched.
 * @throws {RangeError} when `maxNorm` is not above 0; Infinity only measures.
 */
export function clipGradientNorm(parameters: ReadonlyMap<string, Tensor>, maxNorm: number): number {
  return clip(() => Array.from(parameters.values(), (parameter) => parameter.grad), maxNorm);
}

function clip(gradientsOf: () => (Tensor | null)[], maxNorm: number): number {
  if (!(maxNorm > 0)) {
    throw new RangeError(
      `Cannot clip gradients as 'maxNorm' must be above 0: current value is ${maxNorm}`,
    );
  }
  return noGrad(() =>
    scope(() => {
      const gradients = gradientsOf().filter((gradient) => gradient !== null);
      if (gradients.length === 0) return 0;
      const norm = ops.item(ops.linalgVectorNorm(ops.stack(ops.foreachNorm(gradients))));
      const scale = maxNorm / (norm + 1e-6);
      if (Number.isFinite(norm) && scale < 1) ops.foreachMulScalarInPlace(gradients, scale);
      return norm;
    })
  );
}

function checkOptions({ betas, eps, weightDecay }: AdamWOptions): void {
  const values: [string, number, number][] = [
    ["betas[0]", betas[0], 1],
    ["betas[1]", betas[1], 1],
    ["eps", eps, Infinity],
    ["weightDecay", weightDecay, Infinity],
  ];
  for (const [name, value, below] of values) {
    if (value >= 0 && value < below) continue;
    const range = below === 1 ? "from 0 to below 1" : "a finite number of at least 0";
    throw new RangeError(
      `Cannot make AdamW as '${name}' must be ${range}: current value is ${value}`,
    );
  }
}
