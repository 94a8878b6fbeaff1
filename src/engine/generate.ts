/**
 * Rollouts: token ids in, token ids out. The prompt of a group is prefilled once and its cache shared out to the
 * group's rows; a row's forced prefix (the guidance) is prefilled in one pass behind it; then all rows decode together,
 * and rows that end leave the batch.
 */
import { type CausalLM } from "../models/model.ts";
import { KvCache } from "../nn/kv_cache.ts";
import { noGrad } from "../tensor/autograd.ts";
import * as ops from "../tensor/ops.ts";
import { scope, type Tensor, tensor } from "../tensor/tensor.ts";
import { Turns } from "../std/turns.ts";
import { checkSampling, sample, type SamplingOptions } from "./sampling.ts";

/** A prompt and the forced prefix of each of its rollouts. */
export interface GroupRequest {
  /** At least one token. */
  readonly promptIds: readonly number[];
  /** One entry a rollout of the group: tokens that are given, not sampled; empty for none. */
  readonly prefixes: readonly (readonly number[])[];
}

/** Options of {@linkcode generate}. */
export interface GenerateOptions extends SamplingOptions {
  /** The most tokens of a completion, given ones included. */
  readonly maxCompletionLength: number;
  /** The most tokens of prompt and completion together; by default the model's positions. */
  readonly maxLength?: number;
  /** A sampled token of these ends its row; it is part of the completion. */
  readonly stopIds: readonly number[];
  /** Called after each token with the number of rows still running. */
  readonly onToken?: (running: number) => void;
}

/** One sampled completion. */
export interface Rollout {
  /** The prompt's tokens. */
  readonly promptIds: readonly number[];
  /** Given tokens, then sampled ones, the stop token included. */
  readonly completionIds: readonly number[];
  /** How many tokens of the completion were given. */
  readonly given: number;
  /** A mask over the completion: 1 sampled, 0 given. */
  readonly sampled: Uint8Array;
  /** Log-probability of each sampled token at the temperature, before filters; 0 where given. */
  readonly logProbs: Float32Array;
  /** Whether a stop token or the length ended it. */
  readonly finishReason: "stop" | "length";
}

/** Refuses rollouts of a model whose logits are no finite numbers: what it "said" means nothing. */
export function requireFinite(rollouts: readonly Rollout[]): void {
  if (rollouts.every(({ logProbs }) => logProbs.every(Number.isFinite))) return;
  throw new Error(
    "The model's logits are no finite numbers, so its completions mean nothing: its weights are ruined, as by a " +
      "learning rate that was too high. Take an earlier checkpoint.",
  );
}

/** One row while it runs. */
interface Row {
  readonly group: number;
  readonly promptIds: readonly number[];
  readonly given: number;
  readonly ids: number[];
  readonly logProbs: number[];
  readonly limit: number;
  finish: "stop" | "length" | null;
}

/**
 * Samples a completion for every prefix of every group, in that order.
 *
 * @throws {RangeError} for an empty or too long prompt, a token outside the vocabulary, or an option without meaning.
 */
export function generate(
  model: CausalLM,
  groups: readonly GroupRequest[],
  options: GenerateOptions,
): Rollout[] {
  const decoding = decode(model, groups, options);
  for (;;) {
    const { done, value } = decoding.next();
    if (done) return value;
  }
}

/**
 * {@linkcode generate} that gives up the thread between tokens now and then, so that what else is under way, such as
 * the rewards of earlier rollouts, goes on. The rollouts are the same.
 */
export async function generateYielding(
  model: CausalLM,
  groups: readonly GroupRequest[],
  options: GenerateOptions,
): Promise<Rollout[]> {
  const decoding = decode(model, groups, options);
  const turns = new Turns();
  try {
    for (;;) {
      const { done, value } = decoding.next();
      if (done) return value;
      await turns.giveWay();
    }
  } finally {
    decoding.return([]);
  }
}

/** One token of all running rows at a time. */
function* decode(
  model: CausalLM,
  groups: readonly GroupRequest[],
  options: GenerateOptions,
): Generator<void, Rollout[]> {
  checkSampling(options);
  const rows = makeRows(model, groups, options);
  const running = rows.filter((row) => row.finish === null);
  if (running.length > 0) yield* run(model, groups, running, options);
  return rows.map((row) => ({
    promptIds: row.promptIds,
    completionIds: row.ids,
    given: row.given,
    sampled: Uint8Array.from(row.ids, (_, i) => i < row.given ? 0 : 1),
    logProbs: Float32Array.from(row.logProbs),
    finishReason: row.finish!,
  }));
}

function makeRows(
  model: CausalLM,
  groups: readonly GroupRequest[],
  { maxCompletionLength, maxLength = model.maxPositions }: GenerateOptions,
): Row[] {
  if (!Number.isInteger(maxCompletionLength) || maxCompletionLength < 1) {
    throw new RangeError(
      `Cannot generate as 'maxCompletionLength' must be a positive integer: current value is ${maxCompletionLength}`,
    );
  }
  if (!(Number.isInteger(maxLength) && maxLength <= model.maxPositions)) {
    throw new RangeError(
      `Cannot generate as 'maxLength' must be an integer of at most the model's ${model.maxPositions} positions: ` +
        `current value is ${maxLength}`,
    );
  }
  const checkIds = (ids: readonly number[], what: string) => {
    for (const id of ids) {
      if (Number.isInteger(id) && id >= 0 && id < model.vocabSize) continue;
      throw new RangeError(
        `Cannot generate: ${what} has token ${id}, the vocabulary has ${model.vocabSize}`,
      );
    }
  };
  return groups.flatMap(({ promptIds, prefixes }, group) => {
    checkIds(promptIds, `prompt ${group}`);
    if (promptIds.length === 0 || promptIds.length >= maxLength) {
      throw new RangeError(
        `Cannot generate: prompt ${group} has ${promptIds.length} tokens; at least 1 and fewer than ${maxLength} fit`,
      );
    }
    const limit = Math.min(maxCompletionLength, maxLength - promptIds.length);
    return prefixes.map((prefix): Row => {
      checkIds(prefix, `a prefix of prompt ${group}`);
      const ids = prefix.slice(0, limit);
      return {
        group,
        promptIds,
        given: ids.length,
        ids,
        logProbs: ids.map(() => 0),
        limit,
        finish: ids.length === limit ? "length" : null,
      };
    });
  });
}

/** Everything decoding needs to know of the rows that are in the batch, in the batch's order. */
interface Batch {
  cache: KvCache;
  /** int64 [B, 1]: position of the next token. */
  positions: Tensor;
  /** [B, 1, 1, S]: −∞ over a row's padding on the left; null where no row has any. */
  bias: Tensor | null;
  /** [B, H]: what the next token is drawn from. */
  hidden: Tensor;
}

function* run(
  model: CausalLM,
  groups: readonly GroupRequest[],
  running: Row[],
  options: GenerateOptions,
): Generator<void, void> {
  const stops = new Set(options.stopIds);
  let rows = running;
  const batch = noGrad(() => prefill(model, groups, rows));
  try {
    for (;;) {
      const { tokens, logProbs } = noGrad(() =>
        scope(() => {
          const draw = sample(ops.linear(batch.hidden, model.head), options);
          return { tokens: draw.tokens.toNumbers(), logProbs: draw.logProbs.toFloat32Array() };
        })
      );
      rows.forEach((row, i) => {
        if (row.finish !== null) return;
        row.ids.push(tokens[i]);
        row.logProbs.push(logProbs[i]);
        if (stops.has(tokens[i])) row.finish = "stop";
        else if (row.ids.length === row.limit) row.finish = "length";
      });
      const alive = rows.flatMap((row, i) => row.finish === null ? [i] : []);
      options.onToken?.(alive.length);
      if (alive.length === 0) return;
      let next = tokens;
      // Leaving costs a copy of the cache, so rows wait until a quarter of the batch can go.
      if (alive.length * 4 <= rows.length * 3) {
        noGrad(() => selectRows(batch, alive, model));
        rows = alive.map((i) => rows[i]);
        next = alive.map((i) => tokens[i]);
      }
      noGrad(() => advance(batch, next, model));
      yield;
    }
  } finally {
    batch.cache[Symbol.dispose]();
    batch.positions.dispose();
    batch.bias?.dispose();
    batch.hidden.dispose();
  }
}

/** The pass of one token a row. */
function advance(batch: Batch, tokens: readonly number[], model: CausalLM): void {
  const hidden = scope(() => {
    const { cache, positions, bias } = batch;
    const mask = bias === null ? null : ops.narrow(bias, 3, 0, cache.length + 1);
    const out = model.extend(integers(tokens, [tokens.length, 1], model), {
      cache,
      positions,
      mask,
    });
    return ops.squeeze(out, 1); // [B, H]
  }).keep();
  ops.addScalarInPlace(batch.positions, 1);
  batch.hidden.dispose();
  batch.hidden = hidden;
}

function integers(values: readonly number[], shape: readonly number[], model: CausalLM): Tensor {
  return ops.toDevice(tensor(BigInt64Array.from(values, BigInt), shape), model.device, "int64");
}

function selectRows(batch: Batch, rows: readonly number[], model: CausalLM): void {
  using index = scope(() => integers(rows, [rows.length], model)).keep();
  const select = (t: Tensor) => {
    const selected = ops.indexSelect(t, 0, index).keep();
    t.dispose();
    return selected;
  };
  batch.cache.selectRows(index);
  batch.positions = select(batch.positions);
  if (batch.bias !== null) batch.bias = select(batch.bias);
  batch.hidden = select(batch.hidden);
}

function largest(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b));
}

/** Fills a cache with every row's prompt and prefix, aligned at their ends. */
function prefill(model: CausalLM, groups: readonly GroupRequest[], rows: readonly Row[]): Batch {
  const used = [...new Set(rows.map((row) => row.group))];
  const prompts = used.map((group) => groups[group].promptIds);
  const promptOf = new Map(used.map((group, i) => [group, i]));
  const longest = largest(prompts.map((ids) => ids.length)); // Lp
  const most = largest(rows.map((row) => row.given)); // gmax
  const columns = longest + most + largest(rows.map((row) => row.limit - row.given));
  const guided = rows.filter((row) => row.given > 0);

  return scope(() => {
    using promptCache = new KvCache(
      model.cacheShape(prompts.length, longest),
      model.dtype,
      model.device,
    );
    const pads = prompts.map((ids) => longest - ids.length);
    const promptHidden = prefillPrompts(model, prompts, pads, promptCache); // [P, Lp, H]
    using guidedCache = guided.length === 0
      ? null
      : new KvCache(model.cacheShape(guided.length, longest + most), model.dtype, model.device);
    const guidedHidden = guidedCache === null ? null : prefillPrefixes(
      model,
      guided,
      guided.map((row) => promptOf.get(row.group)!),
      pads,
      promptCache,
      guidedCache,
    );

    using owned = new DisposableStack();
    const cache = owned.use(
      new KvCache(model.cacheShape(rows.length, columns), model.dtype, model.device),
    );
    // Columns left of a row's prompt are looked at with weight 0, so they must hold numbers.
    cache.clear(longest + most);
    const hiddenRows: Tensor[] = [];
    const order: number[] = [];
    for (const given of new Set(rows.map((row) => row.given))) {
      const members = rows.flatMap((row, i) => row.given === given ? [i] : []);
      const from = given === 0
        ? members.map((i) => promptOf.get(rows[i].group)!)
        : members.map((i) => guided.indexOf(rows[i]));
      const source = given === 0 ? promptCache : guidedCache!;
      const index = integers(from, [from.length], model);
      cache.fill(
        integers(members, [members.length], model),
        most - given,
        source,
        index,
        longest + given,
      );
      const hidden = given === 0
        ? ops.select(promptHidden, 1, longest - 1)
        : ops.select(guidedHidden!, 1, given - 1);
      hiddenRows.push(ops.indexSelect(hidden, 0, index));
      order.push(...members);
    }
    cache.length = longest + most;
    // Rows were gathered by the length of their prefix: put them back in order.
    const place = new Array<number>(rows.length);
    order.forEach((row, i) => place[row] = i);
    const hidden = ops.indexSelect(
      ops.cat(hiddenRows, 0),
      0,
      integers(place, [rows.length], model),
    );
    const at = rows.map((row) => row.promptIds.length + row.given);
    const positions = integers(at, [rows.length, 1], model);
    const start = at.map((n) => longest + most - n);
    const bias = start.every((n) => n === 0) ? null : leftBias(model, start, columns);
    owned.move();
    return {
      cache,
      positions: positions.keep(),
      bias: bias?.keep() ?? null,
      hidden: hidden.keep(),
    };
  });
}

/** [B, 1, 1, S]: −∞ in a row's first `start` columns. */
function leftBias(model: CausalLM, start: readonly number[], columns: number): Tensor {
  const before = ops.lt(
    ops.unsqueeze(ops.arange(0, columns, 1, "int64", model.device), 0),
    integers(start, [start.length, 1], model),
  ); // [B, S]
  const zeros = ops.zeros([start.length, columns], model.dtype, model.device);
  return ops.view(ops.maskedFill(zeros, before, -Infinity), [start.length, 1, 1, columns]);
}

/** Prompts padded on the left, one pass: hidden states [P, Lp, H]. */
function prefillPrompts(
  model: CausalLM,
  prompts: readonly (readonly number[])[],
  pads: readonly number[],
  cache: KvCache,
): Tensor {
  const count = prompts.length, length = cache.shape.columns;
  const ids = prompts.flatMap((prompt, i) => [...new Array<number>(pads[i]).fill(0), ...prompt]);
  const at = pads.flatMap((pad) => Array.from({ length }, (_, c) => Math.max(0, c - pad)));
  const mask = pads.every((pad) => pad === 0) ? "causal" : causalMask(model, pads, 0, length);
  return model.extend(integers(ids, [count, length], model), {
    cache,
    positions: integers(at, [count, length], model),
    mask,
  });
}

/** Prefixes padded on the right behind their prompts, one pass: hidden states [rows, gmax, H]. */
function prefillPrefixes(
  model: CausalLM,
  rows: readonly Row[],
  promptOf: readonly number[],
  pads: readonly number[],
  promptCache: KvCache,
  cache: KvCache,
): Tensor {
  const longest = promptCache.shape.columns, most = cache.shape.columns - longest;
  const all = integers(rows.map((_, i) => i), [rows.length], model);
  cache.fill(all, 0, promptCache, integers(promptOf, [rows.length], model), longest);
  cache.length = longest;
  const ids = rows.flatMap((row) => [...row.ids, ...new Array<number>(most - row.given).fill(0)]);
  const at = rows.flatMap((row) =>
    Array.from({ length: most }, (_, c) => row.promptIds.length + Math.min(c, row.given - 1))
  );
  return model.extend(integers(ids, [rows.length, most], model), {
    cache,
    positions: integers(at, [rows.length, most], model),
    mask: causalMask(model, promptOf.map((p) => pads[p]), longest, most),
  });
}

/**
 * Boolean [B, 1, T, t + T]: the i-th new token sees columns up to t + i, but none of the row's padding on the left. A
 * padding token sees itself, since a softmax over nothing is no number.
 */
function causalMask(model: CausalLM, pads: readonly number[], past: number, count: number): Tensor {
  return scope(() => {
    const columns = ops.arange(0, past + count, 1, "int64", model.device);
    const key = ops.view(columns, [1, 1, past + count]);
    const query = ops.view(ops.narrow(columns, 0, past, count), [1, count, 1]);
    const real = ops.ge(key, integers(pads, [pads.length, 1, 1], model)); // [B, 1, S]
    const seen = ops.logicalOr(ops.logicalAnd(ops.le(key, query), real), ops.eq(key, query));
    return ops.unsqueeze(seen, 1);
  });
}
