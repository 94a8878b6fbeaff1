/**
 * The decoder that Qwen3, Qwen2 and Llama share: grouped-query attention, a gated MLP, RMSNorm before each, rotary
 * positions. What a family adds (biases, norms on queries and keys) stands in its config. Parameter names are the
 * checkpoint's own.
 */
import { attention, decodeAttention } from "../nn/attention.ts";
import { type KvCacheShape } from "../nn/kv_cache.ts";
import { swiGlu } from "../nn/mlp.ts";
import { applyRotary, type RotaryTable, rotaryTable, rotaryTableOfRows } from "../nn/rope.ts";
import { followsLength, type RopeSettings } from "../nn/rope_scaling.ts";
import { backward, enableGrad, noGrad } from "../tensor/autograd.ts";
import { type Device, type DType } from "../tensor/dtype.ts";
import * as ops from "../tensor/ops.ts";
import { alias, rngState, scope, setRngState, type Tensor } from "../tensor/tensor.ts";
import { ModelError } from "./config_reader.ts";
import { type LoraAdapters } from "./lora.ts";
import { type CachedPass, type CausalLM, type ForwardOptions, type Trunk } from "./model.ts";

// ---------------------------------------------------------------- config

/** Sizes and features of a decoder. */
export interface DecoderConfig {
  /** V */
  readonly vocabSize: number;
  /** H */
  readonly hiddenSize: number;
  /** Size of the MLP's inner state. */
  readonly intermediateSize: number;
  /** Decoder layers. */
  readonly layers: number;
  /** Query heads. */
  readonly heads: number;
  /** Key and value heads. */
  readonly kvHeads: number;
  /** Size of one head, D; need not be H / heads. */
  readonly headDim: number;
  /** Positions a row can have, scaling included. */
  readonly maxPositions: number;
  /** RMSNorm's ε. */
  readonly rmsNormEps: number;
  /** Rotary base and scaling. */
  readonly rope: RopeSettings;
  /** Whether queries, keys and values have a bias. */
  readonly qkvBias: boolean;
  /** Whether attention's output has a bias. */
  readonly oBias: boolean;
  /** Whether the MLP's projections have biases. */
  readonly mlpBias: boolean;
  /** Whether queries and keys are normalised, head by head. */
  readonly qkNorm: boolean;
  /** Whether the head is the embedding. */
  readonly tieWordEmbeddings: boolean;
  /** Standard deviation of randomly initialised embeddings. */
  readonly initializerRange: number;
}

/** Names and shapes of every parameter. */
export function decoderShapes(config: DecoderConfig): Map<string, number[]> {
  const { hiddenSize: H, intermediateSize: I, headDim: D, heads, kvHeads, vocabSize: V } = config;
  const shapes = new Map<string, number[]>([["model.embed_tokens.weight", [V, H]]]);
  const project = (module: string, out: number, from: number, bias: boolean) => {
    shapes.set(`${module}.weight`, [out, from]);
    if (bias) shapes.set(`${module}.bias`, [out]);
  };
  for (let i = 0; i < config.layers; i++) {
    const at = `model.layers.${i}`;
    shapes.set(`${at}.input_layernorm.weight`, [H]);
    project(`${at}.self_attn.q_proj`, heads * D, H, config.qkvBias);
    project(`${at}.self_attn.k_proj`, kvHeads * D, H, config.qkvBias);
    project(`${at}.self_attn.v_proj`, kvHeads * D, H, config.qkvBias);
    project(`${at}.self_attn.o_proj`, H, heads * D, config.oBias);
    if (config.qkNorm) {
      shapes.set(`${at}.self_attn.q_norm.weight`, [D]);
      shapes.set(`${at}.self_attn.k_norm.weight`, [D]);
    }
    shapes.set(`${at}.post_attention_layernorm.weight`, [H]);
    project(`${at}.mlp.gate_proj`, I, H, config.mlpBias);
    project(`${at}.mlp.up_proj`, I, H, config.mlpBias);
    project(`${at}.mlp.down_proj`, H, I, config.mlpBias);
  }
  shapes.set("model.norm.weight", [H]);
  if (!config.tieWordEmbeddings) shapes.set("lm_head.weight", [V, H]);
  return shapes;
}

// ---------------------------------------------------------------- parameters of a layer

/** A linear map and the name it has in a checkpoint. */
interface Projection {
  readonly module: string;
  readonly weight: Tensor; // [out, in]
  readonly bias: Tensor | null; // [out]
}

interface Layer {
  readonly inputNorm: Tensor;
  readonly q: Projection;
  readonly k: Projection;
  readonly v: Projection;
  readonly o: Projection;
  readonly qNorm: Tensor | null;
  readonly kNorm: Tensor | null;
  readonly postAttentionNorm: Tensor;
  readonly gate: Projection;
  readonly up: Projection;
  readonly down: Projection;
}

function layerOf(parameters: ReadonlyMap<string, Tensor>, layer: number): Layer {
  const at = `model.layers.${layer}`;
  const tensor = (name: string) => parameters.get(`${at}.${name}`) ?? null;
  const project = (name: string): Projection => ({
    module: `${at}.${name}`,
    weight: tensor(`${name}.weight`)!,
    bias: tensor(`${name}.bias`),
  });
  return {
    inputNorm: tensor("input_layernorm.weight")!,
    q: project("self_attn.q_proj"),
    k: project("self_attn.k_proj"),
    v: project("self_attn.v_proj"),
    o: project("self_attn.o_proj"),
    qNorm: tensor("self_attn.q_norm.weight"),
    kNorm: tensor("self_attn.k_norm.weight"),
    postAttentionNorm: tensor("post_attention_layernorm.weight")!,
    gate: project("mlp.gate_proj"),
    up: project("mlp.up_proj"),
    down: project("mlp.down_proj"),
  };
}

// ---------------------------------------------------------------- model

/** Where the tokens of a pass stand and look: in the whole sequence, or behind a cache. */
interface Place {
  readonly batch: number;
  readonly length: number;
  /** Of this pass's tokens, [T, D] or [B, 1, T, D]. */
  readonly rotary: RotaryTable;
  /** Of all columns of a cache that holds keys before rotation, [B, 1, t + T, D]; else null. */
  readonly columns: RotaryTable | null;
  readonly pass: CachedPass | null;
  readonly dropout: boolean;
}

/** A table of the first positions, made longer by doubling when a row needs it; shared with what has the same weights. */
class GrowingTable {
  #table: RotaryTable | null = null;
  #positions = 0;

  upTo(positions: number, make: (positions: number) => RotaryTable): RotaryTable {
    if (this.#table === null || this.#positions < positions) {
      const size = Math.max(256, 2 ** Math.ceil(Math.log2(positions)));
      const { cos, sin } = noGrad(() => make(size));
      this.dispose();
      this.#table = { cos: cos.keep(), sin: sin.keep() };
      this.#positions = size;
    }
    return this.#table;
  }

  dispose(): void {
    this.#table?.cos.dispose();
    this.#table?.sin.dispose();
    this.#table = null;
  }
}

/** What a decoder is beside its parameters. */
export interface DecoderIdentity {
  /** Hugging Face's model_type. */
  readonly modelType: string;
  /** Sizes and features. */
  readonly config: DecoderConfig;
  /** config.json as it would be written for parameters of a dtype. */
  hfConfig(dtype: DType): Readonly<Record<string, unknown>>;
  /** generation_config.json as it was loaded; empty for a new model. */
  readonly generationConfig: Readonly<Record<string, unknown>>;
}

/** A decoder with its head. */
export class Decoder implements CausalLM {
  readonly #identity: DecoderIdentity;
  readonly #layers: readonly Layer[];
  readonly #table: GrowingTable;
  readonly #owner: boolean;
  #adapters: LoraAdapters | null = null;

  /**
   * Takes over the parameters, named and shaped as {@linkcode decoderShapes} says; those of `shares` stay that decoder's
   * own, as its table does.
   */
  constructor(
    identity: DecoderIdentity,
    readonly parameters: ReadonlyMap<string, Tensor>,
    shares: Decoder | null = null,
  ) {
    this.#identity = identity;
    this.#layers = Array.from(
      { length: identity.config.layers },
      (_, i) => layerOf(parameters, i),
    );
    this.#table = shares === null ? new GrowingTable() : shares.#table;
    this.#owner = shares === null;
  }

  /** Sizes and features. */
  get config(): DecoderConfig {
    return this.#identity.config;
  }
  /** Hugging Face's model_type. */
  get modelType(): string {
    return this.#identity.modelType;
  }
  /** config.json as it would be written. */
  get hfConfig(): Readonly<Record<string, unknown>> {
    return this.#identity.hfConfig(this.dtype);
  }
  /** generation_config.json as it was loaded. */
  get generationConfig(): Readonly<Record<string, unknown>> {
    return this.#identity.generationConfig;
  }
  /** V */
  get vocabSize(): number {
    return this.config.vocabSize;
  }
  /** H */
  get hiddenSize(): number {
    return this.config.hiddenSize;
  }
  /** The most positions a row can have. */
  get maxPositions(): number {
    return this.config.maxPositions;
  }
  /** Element type of parameters and activations. */
  get dtype(): DType {
    return this.head.dtype;
  }
  /** Where the parameters are. */
  get device(): Device {
    return this.head.device;
  }
  /** Weight of the head, [V, H]. */
  get head(): Tensor {
    return this.parameters.get("lm_head.weight") ?? this.#embedding;
  }
  get #embedding(): Tensor {
    return this.parameters.get("model.embed_tokens.weight")!;
  }
  /** Whether the rotary frequencies of a long row follow its length. */
  get lengthDependent(): boolean {
    return this.config.rope.scaling.type === "dynamic";
  }

  /** What training changes; nothing of a decoder that shares another's weights. */
  get trainable(): ReadonlyMap<string, Tensor> {
    if (!this.#owner) return new Map();
    return this.#adapters === null ? this.parameters : this.#adapters.parameters;
  }
  /** Adapters on the projections, or null. */
  get adapters(): LoraAdapters | null {
    return this.#adapters;
  }

  /** Puts adapters on the projections, which the model owns from then on; its own weights stop requiring gradients. */
  attach(adapters: LoraAdapters): void {
    if (this.#adapters !== null) {
      throw new ModelError("Cannot attach adapters: the model has some, which merge folds in");
    }
    for (const parameter of this.parameters.values()) {
      ops.requiresGradInPlace(parameter, false);
      parameter.grad = null;
    }
    this.#adapters = adapters;
  }

  /** The same weights with adapters off: disposing it frees nothing. */
  withoutAdapters(): CausalLM {
    return new Decoder(this.#identity, this.parameters, this);
  }

  /** Sizes of a cache for so many rows and columns. */
  cacheShape(rows: number, columns: number): KvCacheShape {
    const { layers, kvHeads, headDim } = this.config;
    return { layers, rows, kvHeads, columns, headDim, rotated: !this.lengthDependent };
  }

  // -------------------------------------------------------------- attention, MLP, block

  #project(x: Tensor, { module, weight, bias }: Projection, dropout: boolean): Tensor {
    const adapters = this.#adapters;
    if (adapters === null) return ops.linear(x, weight, bias);
    return scope(() => {
      const delta = adapters.apply(x, module, dropout), out = ops.linear(x, weight, bias);
      return delta === null ? out : ops.add(out, delta);
    });
  }

  #attend(x: Tensor, layer: Layer, index: number, place: Place): Tensor {
    const { headDim: D, heads, kvHeads, rmsNormEps } = this.config;
    const { batch: B, length: T, rotary, columns, pass, dropout } = place;
    const split = (p: Projection, n: number) =>
      ops.view(this.#project(x, p, dropout), [B, T, n, D]);
    const norm = (t: Tensor, weight: Tensor | null) =>
      weight === null ? t : ops.rmsNorm(t, [D], weight, rmsNormEps);
    const turn = (t: Tensor, { cos, sin }: RotaryTable) => applyRotary(t, cos, sin, D);
    const q = turn(ops.transpose(norm(split(layer.q, heads), layer.qNorm), 1, 2), rotary);
    const straight = ops.transpose(norm(split(layer.k, kvHeads), layer.kNorm), 1, 2);
    const k = columns === null ? turn(straight, rotary) : straight;
    const v = ops.transpose(split(layer.v, kvHeads), 1, 2);
    let out: Tensor; // [B, T, heads · D]
    if (pass === null) out = attention(q, k, v, "causal", this.config, B, T);
    else {
      const [held, values] = pass.cache.write(index, k, v, T);
      const keys = columns === null ? held : turn(held, columns);
      out = T === 1 && pass.mask !== "causal"
        ? decodeAttention(q, keys, values, pass.mask, this.config, B)
        : attention(q, keys, values, pass.mask, this.config, B, T);
    }
    return this.#project(out, layer.o, dropout);
  }

  #block(x: Tensor, index: number, place: Place): Tensor {
    const layer = this.#layers[index];
    const h = ops.add(x, this.#attend(this.#norm(x, layer.inputNorm), layer, index, place));
    const by = (p: Projection) => (t: Tensor) => this.#project(t, p, place.dropout);
    const normed = this.#norm(h, layer.postAttentionNorm);
    return ops.add(h, swiGlu(normed, by(layer.gate), by(layer.up), by(layer.down)));
  }

  #norm(x: Tensor, weight: Tensor): Tensor {
    return ops.rmsNorm(x, [this.config.hiddenSize], weight, this.config.rmsNormEps);
  }

  // -------------------------------------------------------------- rotary positions

  /** The table of the first positions at least, [positions, D], for rows whose frequencies do not follow their length. */
  #rotary(positions: number): RotaryTable {
    return this.#table.upTo(
      positions,
      (size) => rotaryTable(this.config.rope, size, this.#rotaryPlace),
    );
  }

  get #rotaryPlace() {
    return { headDim: this.config.headDim, dtype: this.dtype, device: this.device };
  }

  /** The table of a whole-sequence pass. */
  #rotaryOfRows(batch: number, length: number, lengths?: readonly number[]): RotaryTable {
    const { rope } = this.config;
    if (!followsLength(rope, length)) {
      const { cos, sin } = this.#rotary(length);
      return { cos: ops.narrow(cos, 0, 0, length), sin: ops.narrow(sin, 0, 0, length) };
    }
    if (lengths === undefined && batch > 1) {
      throw new ModelError(
        `Cannot run ${batch} rows of ${length} tokens without 'lengths': beyond the original length each row's own ` +
          `length sets the frequencies of RoPE type "${rope.scaling.type}"`,
      );
    }
    const positions = ops.expand(
      ops.unsqueeze(ops.arange(0, length, 1, "int64", this.device), 0),
      [batch, length],
    );
    return rotaryTableOfRows(rope, positions, lengths ?? [length], this.#rotaryPlace);
  }

  // -------------------------------------------------------------- passes

  /** A whole-sequence causal pass for training, ids int64 [B, T]. */
  forward(ids: Tensor, options: ForwardOptions = {}): Trunk {
    const [batch, length] = ids.shape;
    const dropout = (options.dropout ?? false) && (this.#adapters?.settings.dropout ?? 0) > 0;
    const place: Place = {
      batch,
      length,
      rotary: this.#rotaryOfRows(batch, length, options.lengths),
      columns: null,
      pass: null,
      dropout,
    };
    const embedded = ops.embedding(this.#embedding, ids); // [B, T, H]
    if (!options.recompute) return recorded(embedded, this.#stages(place));
    return recomputed(embedded, this.#stages(place), dropout ? this.device : null);
  }

  /** The layers and the final norm, each a map of hidden states [B, T, H]. */
  #stages(place: Place): Stage[] {
    return [
      ...this.#layers.map((_, i) => (x: Tensor) => this.#block(x, i, place)),
      (x: Tensor) => this.#norm(x, this.parameters.get("model.norm.weight")!),
    ];
  }

  /** Hidden states [B, T, H] of further tokens, with a cache and without a graph. */
  extend(ids: Tensor, pass: CachedPass): Tensor {
    const [batch, length] = ids.shape;
    return noGrad(() =>
      scope(() => {
        const place: Place = {
          batch,
          length,
          pass,
          dropout: false,
          ...this.#placeOf(pass, batch, length),
        };
        const hidden = through(ops.embedding(this.#embedding, ids), this.#stages(place));
        pass.cache.advance(length);
        return hidden;
      })
    );
  }

  #placeOf(
    { cache, positions }: CachedPass,
    batch: number,
    length: number,
  ): Pick<Place, "rotary" | "columns"> {
    if (!this.lengthDependent) {
      const table = this.#rotary(cache.shape.columns);
      const flat = ops.reshape(positions, [batch * length]);
      const shape = [batch, 1, length, this.config.headDim];
      const at = (t: Tensor) => ops.view(ops.indexSelect(t, 0, flat), shape);
      return { rotary: { cos: at(table.cos), sin: at(table.sin) }, columns: null };
    }
    const all = cache.writePositions(positions, batch, length); // [B, t + T]
    const lengths = ops.amax(positions, [1]).toNumbers().map((last) => last + 1);
    const columns = rotaryTableOfRows(this.config.rope, all, lengths, this.#rotaryPlace);
    const last = (t: Tensor) => ops.narrow(t, 2, cache.length, length);
    return { rotary: { cos: last(columns.cos), sin: last(columns.sin) }, columns };
  }

  /** Frees the parameters and the adapters'. */
  [Symbol.dispose](): void {
    if (!this.#owner) return;
    for (const parameter of this.parameters.values()) parameter.dispose();
    this.#adapters?.[Symbol.dispose]();
    this.#table.dispose();
  }
}

// ---------------------------------------------------------------- through the layers and back

type Stage = (x: Tensor) => Tensor;

/** One stage after the other. Frees `input` and what a stage leaves behind: autograd holds on to what it needs. */
function through(input: Tensor, stages: readonly Stage[]): Tensor {
  let x = input;
  for (const stage of stages) {
    const next = scope(() => stage(x));
    x.dispose();
    x = next;
  }
  return x;
}

/** The usual way: autograd keeps the activations until the backward pass. */
function recorded(input: Tensor, stages: readonly Stage[]): Trunk {
  const hidden = through(input, stages);
  return { hidden, backward: (gradient) => backward(hidden, gradient) };
}

/**
 * Keeps each stage's input only; the backward pass runs a stage again before going back through it. Where stages draw
 * random numbers, from the generator of `random`, each draws the same again, and the generator goes on from where it was.
 */
function recomputed(input: Tensor, stages: readonly Stage[], random: Device | null): Trunk {
  const inputs: Tensor[] = [], states: Tensor[] = [];
  const hidden = noGrad(() => {
    let x = ops.detach(input);
    for (const stage of stages) {
      inputs.push(x);
      if (random !== null) states.push(rngState(random));
      x = scope(() => stage(x));
    }
    return x;
  });
  const again = (i: number, x: Tensor) => {
    if (random === null) return scope(() => stages[i](x));
    const present = rngState(random);
    setRngState(states[i], random);
    try {
      return scope(() => stages[i](x));
    } finally {
      setRngState(present, random);
    }
  };
  return {
    hidden,
    backward(gradient) {
      let flowing = alias(gradient);
      for (let i = stages.length - 1; i >= 0; i--) {
        const next = scope(() => {
          const x = ops.detach(inputs[i]);
          ops.requiresGradInPlace(x);
          backward(enableGrad(() => again(i, x)), flowing);
          return x.grad!;
        });
        flowing.dispose();
        inputs[i].dispose();
        states[i]?.dispose();
        flowing = next;
      }
      // Under adapters the embedding asks for no gradient.
      if (input.requiresGrad) backward(input, flowing);
      flowing.dispose();
    },
  };
}
