/**
 * Qwen3, dense (Qwen team 2025): grouped-query attention with RMSNorm on queries and keys, SwiGLU, RMSNorm, rotary
 * positions. Parameter names are the checkpoint's own.
 */
import { attention, decodeAttention } from "../nn/attention.ts";
import { type KvCacheShape } from "../nn/kv_cache.ts";
import { applyRotary, type RotaryTable, rotaryTable } from "../nn/rope.ts";
import { backward, enableGrad, noGrad } from "../tensor/autograd.ts";
import { type Device, type DType } from "../tensor/dtype.ts";
import * as ops from "../tensor/ops.ts";
import { alias, scope, type Tensor } from "../tensor/tensor.ts";
import { ConfigReader } from "./config_reader.ts";
import { type CachedPass, type CausalLM, type ForwardOptions, type Trunk } from "./model.ts";

// ---------------------------------------------------------------- config

/** Sizes of a Qwen3 model, from its config.json. */
export interface Qwen3Config {
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
  /** Positions the model was made for. */
  readonly maxPositions: number;
  /** RMSNorm's ε. */
  readonly rmsNormEps: number;
  /** Rotary base θ. */
  readonly ropeTheta: number;
  /** Whether the head is the embedding. */
  readonly tieWordEmbeddings: boolean;
  /** Standard deviation of randomly initialised embeddings. */
  readonly initializerRange: number;
}

/** Reads config.json, old form (rope_theta) or new (rope_parameters); what is not supported is refused by name. */
export function readQwen3Config(json: Readonly<Record<string, unknown>>): Qwen3Config {
  const read = new ConfigReader("qwen3", json);
  read.expect("hidden_act", "silu");
  read.expect("attention_bias", false);
  read.expect("use_sliding_window", false);
  const rope = read.rope();
  const heads = read.size("num_attention_heads"), hiddenSize = read.size("hidden_size");
  const config: Qwen3Config = {
    vocabSize: read.size("vocab_size"),
    hiddenSize,
    intermediateSize: read.size("intermediate_size"),
    layers: read.size("num_hidden_layers", undefined, 10_000),
    heads,
    kvHeads: read.size("num_key_value_heads", heads),
    headDim: read.size("head_dim", 128),
    maxPositions: read.size("max_position_embeddings", 32768),
    rmsNormEps: read.number("rms_norm_eps", 1e-6),
    ropeTheta: rope.theta,
    tieWordEmbeddings: read.boolean("tie_word_embeddings", false),
    initializerRange: read.number("initializer_range", 0.02),
  };
  read.divides("num_key_value_heads", config.kvHeads, "num_attention_heads", config.heads);
  read.divides("2", 2, "head_dim", config.headDim);
  return config;
}

/** config.json in both forms, so that older readers take it too. */
function writeQwen3Config(config: Qwen3Config, dtype: DType): Record<string, unknown> {
  return {
    architectures: ["Qwen3ForCausalLM"],
    model_type: "qwen3",
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headDim,
    max_position_embeddings: config.maxPositions,
    hidden_act: "silu",
    rms_norm_eps: config.rmsNormEps,
    rope_theta: config.ropeTheta,
    rope_parameters: { rope_type: "default", rope_theta: config.ropeTheta },
    attention_bias: false,
    attention_dropout: 0,
    use_sliding_window: false,
    tie_word_embeddings: config.tieWordEmbeddings,
    initializer_range: config.initializerRange,
    torch_dtype: dtype,
  };
}

/** Names and shapes of every parameter. */
function shapesOf(config: Qwen3Config): Map<string, number[]> {
  const { hiddenSize: H, intermediateSize: I, headDim: D, heads, kvHeads, vocabSize: V } = config;
  const shapes = new Map<string, number[]>([["model.embed_tokens.weight", [V, H]]]);
  for (let i = 0; i < config.layers; i++) {
    const at = `model.layers.${i}`;
    shapes.set(`${at}.input_layernorm.weight`, [H]);
    shapes.set(`${at}.self_attn.q_proj.weight`, [heads * D, H]);
    shapes.set(`${at}.self_attn.k_proj.weight`, [kvHeads * D, H]);
    shapes.set(`${at}.self_attn.v_proj.weight`, [kvHeads * D, H]);
    shapes.set(`${at}.self_attn.o_proj.weight`, [H, heads * D]);
    shapes.set(`${at}.self_attn.q_norm.weight`, [D]);
    shapes.set(`${at}.self_attn.k_norm.weight`, [D]);
    shapes.set(`${at}.post_attention_layernorm.weight`, [H]);
    shapes.set(`${at}.mlp.gate_proj.weight`, [I, H]);
    shapes.set(`${at}.mlp.up_proj.weight`, [I, H]);
    shapes.set(`${at}.mlp.down_proj.weight`, [H, I]);
  }
  shapes.set("model.norm.weight", [H]);
  if (!config.tieWordEmbeddings) shapes.set("lm_head.weight", [V, H]);
  return shapes;
}

// ---------------------------------------------------------------- attention, MLP, block

type View = (name: string) => Tensor;

/** Where the queries of a pass look: the whole sequence, or a cache. */
interface Place {
  readonly batch: number;
  readonly length: number;
  readonly cos: Tensor; // [T, D] or [B, 1, T, D]
  readonly sin: Tensor;
  readonly pass: CachedPass | null;
}

function attend(x: Tensor, p: View, layer: number, config: Qwen3Config, place: Place): Tensor {
  const { heads, kvHeads, headDim: D, rmsNormEps } = config;
  const { batch: B, length: T, cos, sin, pass } = place;
  const split = (t: Tensor, n: number) => ops.view(t, [B, T, n, D]);
  const norm = (t: Tensor, weight: Tensor) => ops.rmsNorm(t, [D], weight, rmsNormEps);
  const turn = (t: Tensor) => applyRotary(ops.transpose(t, 1, 2), cos, sin, D);
  const q = turn(
    norm(split(ops.linear(x, p("self_attn.q_proj.weight")), heads), p("self_attn.q_norm.weight")),
  );
  const k = turn(
    norm(split(ops.linear(x, p("self_attn.k_proj.weight")), kvHeads), p("self_attn.k_norm.weight")),
  );
  const v = ops.transpose(split(ops.linear(x, p("self_attn.v_proj.weight")), kvHeads), 1, 2);
  let out: Tensor; // [B, T, heads · D]
  if (pass === null) out = attention(q, k, v, "causal", config, B, T);
  else {
    const [keys, values] = pass.cache.write(layer, k, v, T);
    out = T === 1 && pass.mask !== "causal"
      ? decodeAttention(q, keys, values, pass.mask, config, B)
      : attention(q, keys, values, pass.mask, config, B, T);
  }
  return ops.linear(out, p("self_attn.o_proj.weight"));
}

function mlp(x: Tensor, p: View): Tensor {
  const gate = ops.silu(ops.linear(x, p("mlp.gate_proj.weight")));
  return ops.linear(
    ops.mul(gate, ops.linear(x, p("mlp.up_proj.weight"))),
    p("mlp.down_proj.weight"),
  );
}

function block(x: Tensor, p: View, layer: number, config: Qwen3Config, place: Place): Tensor {
  const norm = (t: Tensor, name: string) =>
    ops.rmsNorm(t, [config.hiddenSize], p(name), config.rmsNormEps);
  const h = ops.add(x, attend(norm(x, "input_layernorm.weight"), p, layer, config, place));
  return ops.add(h, mlp(norm(h, "post_attention_layernorm.weight"), p));
}

// ---------------------------------------------------------------- model

/** A Qwen3 decoder with its head. */
export class Qwen3 implements CausalLM {
  /** Hugging Face's model_type. */
  readonly modelType = "qwen3";
  #rotary: RotaryTable | null = null;
  #rotaryPositions = 0;

  /** Takes over the parameters, named and shaped as {@linkcode Qwen3.shapes} says. */
  constructor(readonly config: Qwen3Config, readonly parameters: ReadonlyMap<string, Tensor>) {}

  /** Names and shapes of a config's parameters. */
  static shapes(config: Qwen3Config): Map<string, number[]> {
    return shapesOf(config);
  }

  /** config.json as it would be written. */
  get hfConfig(): Readonly<Record<string, unknown>> {
    return writeQwen3Config(this.config, this.dtype);
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

  /** Sizes of a cache for so many rows and columns. */
  cacheShape(rows: number, columns: number): KvCacheShape {
    const { layers, kvHeads, headDim } = this.config;
    return { layers, rows, kvHeads, columns, headDim };
  }

  #view(layer: number): View {
    return (name) => this.parameters.get(`model.layers.${layer}.${name}`)!;
  }

  /** The rotary table, made longer by doubling when a row needs it. */
  #rotaryFor(positions: number): RotaryTable {
    if (this.#rotary === null || this.#rotaryPositions < positions) {
      const size = Math.max(256, 2 ** Math.ceil(Math.log2(positions)));
      const { headDim, ropeTheta: theta } = this.config;
      const { dtype, device } = this;
      const table = noGrad(() => rotaryTable({ headDim, theta, positions: size, dtype, device }));
      this.#dropRotary();
      this.#rotary = { cos: table.cos.keep(), sin: table.sin.keep() };
      this.#rotaryPositions = size;
    }
    return this.#rotary;
  }

  #dropRotary(): void {
    this.#rotary?.cos.dispose();
    this.#rotary?.sin.dispose();
  }

  /** A whole-sequence causal pass for training, ids int64 [B, T]. */
  forward(ids: Tensor, options: ForwardOptions = {}): Trunk {
    const [batch, length] = ids.shape;
    const table = this.#rotaryFor(length);
    const place: Place = {
      batch,
      length,
      cos: ops.narrow(table.cos, 0, 0, length),
      sin: ops.narrow(table.sin, 0, 0, length),
      pass: null,
    };
    const run = (i: number) => (x: Tensor) => block(x, this.#view(i), i, this.config, place);
    const stages = [
      ...Array.from({ length: this.config.layers }, (_, i) => run(i)),
      (x: Tensor) => this.#finalNorm(x),
    ];
    const embedded = ops.embedding(this.#embedding, ids); // [B, T, H]
    return options.recompute ? recomputed(embedded, stages) : recorded(embedded, stages);
  }

  /** Hidden states [B, T, H] of further tokens, with a cache and without a graph. */
  extend(ids: Tensor, pass: CachedPass): Tensor {
    const [batch, length] = ids.shape;
    return noGrad(() =>
      scope(() => {
        const table = this.#rotaryFor(pass.cache.shape.columns);
        const flat = ops.reshape(pass.positions, [batch * length]);
        const at = (t: Tensor) =>
          ops.view(ops.indexSelect(t, 0, flat), [batch, 1, length, this.config.headDim]);
        const place: Place = { batch, length, cos: at(table.cos), sin: at(table.sin), pass };
        let x = ops.embedding(this.#embedding, ids);
        for (let i = 0; i < this.config.layers; i++) {
          x = block(x, this.#view(i), i, this.config, place);
        }
        pass.cache.advance(length);
        return this.#finalNorm(x);
      })
    );
  }

  #finalNorm(x: Tensor): Tensor {
    const weight = this.parameters.get("model.norm.weight")!;
    return ops.rmsNorm(x, [this.config.hiddenSize], weight, this.config.rmsNormEps);
  }

  /** Frees the parameters. */
  [Symbol.dispose](): void {
    for (const parameter of this.parameters.values()) parameter.dispose();
    this.#dropRotary();
  }
}

type Stage = (x: Tensor) => Tensor;

/** The usual way: autograd keeps every activation until the backward pass. */
function recorded(input: Tensor, stages: readonly Stage[]): Trunk {
  const hidden = scope(() => stages.reduce((x, stage) => stage(x), input));
  return { hidden, backward: (gradient) => backward(hidden, gradient) };
}

/** Keeps each stage's input only; the backward pass runs a stage again before going back through it. */
function recomputed(input: Tensor, stages: readonly Stage[]): Trunk {
  const inputs: Tensor[] = [];
  const hidden = noGrad(() => {
    let x = ops.detach(input);
    for (const stage of stages) {
      inputs.push(x);
      x = scope(() => stage(x));
    }
    return x;
  });
  return {
    hidden,
    backward(gradient) {
      let flowing = alias(gradient);
      for (let i = stages.length - 1; i >= 0; i--) {
        const next = scope(() => {
          const x = ops.detach(inputs[i]);
          ops.requiresGradInPlace(x);
          backward(enableGrad(() => stages[i](x)), flowing);
          return x.grad!;
        });
        flowing.dispose();
        inputs[i].dispose();
        flowing = next;
      }
      backward(input, flowing);
      flowing.dispose();
    },
  };
}
