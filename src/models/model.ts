/** What training and sampling need of a language model, whatever its family. */
import { type KvCache, type KvCacheShape } from "../nn/kv_cache.ts";
import { type Device, type DType } from "../tensor/dtype.ts";
import { type Tensor } from "../tensor/tensor.ts";
import { type LoraAdapters } from "./lora.ts";

/** A pass over tokens whose keys and values are cached. */
export interface CachedPass {
  /** Receives this pass's keys and values behind what it holds. */
  readonly cache: KvCache;
  /** Position of each token, int64 [B, T]. */
  readonly positions: Tensor;
  /**
   * Where queries may look. For T > 1: boolean [B, 1, T, t + T], true where allowed, or "causal" when the cache was
   * empty and no row is padded. For T = 1: 0 or −∞ of the model's dtype, [B, 1, 1, t + 1], or null for everywhere.
   */
  readonly mask: Tensor | "causal" | null;
}

/** Options of {@linkcode CausalLM.forward}. */
export interface ForwardOptions {
  /** Keep only each layer's input and compute the rest again in the backward pass. */
  readonly recompute?: boolean;
  /** Apply the adapters' dropout: on in training passes, off (the default) wherever log-probabilities are compared. */
  readonly dropout?: boolean;
  /**
   * How many tokens of each row are real, B numbers. Needed only of a model whose rotary frequencies follow the length
   * of a row ({@linkcode CausalLM.lengthDependent}), and of it only for several rows longer than it was trained for.
   */
  readonly lengths?: readonly number[];
}

/** Hidden states and the way back through the layers that made them. */
export interface Trunk {
  /** After the final norm, [B, T, H]. */
  readonly hidden: Tensor;
  /** Accumulates d loss / d parameter into each parameter's gradient, from d loss / d hidden [B, T, H]. */
  backward(gradient: Tensor): void;
}

/** A decoder-only language model. It owns its parameters: dispose it. */
export interface CausalLM {
  /** Hugging Face's model_type. */
  readonly modelType: string;
  /** config.json as it would be written. */
  readonly hfConfig: Readonly<Record<string, unknown>>;
  /** generation_config.json as it was loaded; empty for a new model. */
  readonly generationConfig: Readonly<Record<string, unknown>>;
  /** Every parameter of the base model under its name in a checkpoint; a tied head is not listed. */
  readonly parameters: ReadonlyMap<string, Tensor>;
  /** What training changes: the adapters' parameters where there are any, else every parameter. */
  readonly trainable: ReadonlyMap<string, Tensor>;
  /** Adapters on the projections, or null. */
  readonly adapters: LoraAdapters | null;
  /** Size of the vocabulary, V. */
  readonly vocabSize: number;
  /** Size of the hidden state, H. */
  readonly hiddenSize: number;
  /** The most positions a row can have. */
  readonly maxPositions: number;
  /** Element type of parameters and activations. */
  readonly dtype: DType;
  /** Where the parameters are. */
  readonly device: Device;
  /** Weight of the language-model head, [V, H]; the embedding's when tied. */
  readonly head: Tensor;
  /** Whether the rotary frequencies of a long row follow its length, as those of RoPE type `dynamic` do. */
  readonly lengthDependent: boolean;
  /** Sizes of a cache for so many rows and columns. */
  cacheShape(rows: number, columns: number): KvCacheShape;
  /** A whole-sequence causal pass for training, ids int64 [B, T]; rows are padded on the right. */
  forward(ids: Tensor, options?: ForwardOptions): Trunk;
  /** Hidden states [B, T, H] of further tokens, ids int64 [B, T], with a cache and without a graph. */
  extend(ids: Tensor, pass: CachedPass): Tensor;
  /**
   * Puts adapters on the projections. The model owns them from then on; its own weights stop requiring gradients.
   *
   * @throws {Error} when it has adapters.
   */
  attach(adapters: LoraAdapters): void;
  /** The same weights without adapters, as a reference policy: nothing is copied, and disposing it frees nothing. */
  withoutAdapters(): CausalLM;
  /** Frees the parameters, and the adapters'. */
  [Symbol.dispose](): void;
}
