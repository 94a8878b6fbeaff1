/**
 * Which problem each slot of a run uses. A run of S steps with P problems a step has S·P slots, and
 * step k takes the slots from k·P. The order follows from the problems, the seed and the options
 * alone, so the only data position that a checkpoint must hold is k.
 *
 * **Easy to hard goes over the whole run, not over each epoch.** The G²RPO-A paper sorts the samples
 * by difficulty (section 4.3) so that neighbouring steps can be compared by Eq. 6, and trains 5
 * epochs. Sorted anew in each epoch, the problems would fall from the hardest tier back to the
 * easiest at each epoch's end: the reward jumps, and Eq. 6 takes it for a gain of skill. So all
 * epochs of the easiest tier come first, then those of the next, and where two tiers meet the share
 * of the harder one grows evenly instead of jumping. With one epoch, as in the paper's Table 5, that
 * is the paper's order with softened edges. Who wants the sorted order in every epoch sorts the
 * file and takes it as it is given.
 */

import { Random } from "./random.ts";

/** How the problems of a run follow each other. */
export type ProblemOrder = "easy_to_hard" | "random" | "as_given";

/** Options of {@linkcode orderProblems}. */
export interface OrderOptions {
  /** Slots of the whole run: its steps times the problems of a step. */
  readonly total: number;
  /** Non-negative integer. */
  readonly seed: number;
  /**
   * `easy_to_hard`: the mean tier rises over the whole run, tiers mix only with their neighbours,
   * and problems of one tier are in seeded random order. `random`: each epoch is a seeded
   * permutation. `as_given`: each epoch is the list as it is.
   */
  readonly order: ProblemOrder;
  /**
   * Each source's weight: sources share the slots in proportion, whatever their sizes, and each goes
   * through epochs of its own. 0 leaves a source out. Without weights each problem counts the same:
   * all are used once before one is used again.
   */
  readonly weights?: Readonly<Record<string, number>>;
}

/** The most slots of a run: 400 MB of indices. */
const MOST_SLOTS = 100_000_000;

/**
 * For each slot of a run the index of its problem. In the whole run each problem of a source is
 * used equally often, within one. The same problems and options give the same order.
 *
 * @throws {RangeError} for no problems, a tier that is no finite number, or an option without meaning.
 */
export function orderProblems(
  problems: readonly { readonly tier: number; readonly source?: string }[],
  options: OrderOptions,
): Uint32Array<ArrayBuffer> {
  const { total, order } = options;
  if (problems.length === 0) {
    throw new RangeError("Cannot order problems as there must be at least one");
  }
  if (!Number.isSafeInteger(total) || total < 1 || total > MOST_SLOTS) {
    throw new RangeError(
      `Cannot order problems as 'total' must be an integer from 1 to ${MOST_SLOTS}: ` +
        `current value is ${total}`,
    );
  }
  const draws = drawProblems(problems, options);
  return order === "easy_to_hard" ? riseThroughTiers(problems, draws) : draws;
}

/** A list that is gone through again and again, in a new order each time if it is shuffled. */
class Epochs {
  readonly #list: Uint32Array;
  readonly #random: Random | null;
  #next: number;

  constructor(list: readonly number[], random: Random | null) {
    this.#list = Uint32Array.from(list);
    this.#random = random;
    this.#next = list.length;
  }

  next(): number {
    if (this.#next === this.#list.length) this.#begin();
    return this.#list[this.#next++];
  }

  #begin(): void {
    this.#next = 0;
    this.#random?.shuffle(this.#list);
  }
}

function drawProblems(
  problems: readonly { readonly source?: string }[],
  { total, seed, order, weights }: OrderOptions,
): Uint32Array<ArrayBuffer> {
  const shuffle = (source: string) =>
    order === "as_given" ? null : new Random(seed, "problems", source);
  const draws = new Uint32Array(total);
  if (weights === undefined) {
    const epochs = new Epochs(problems.map((_, i) => i), shuffle(""));
    for (let slot = 0; slot < total; slot++) draws[slot] = epochs.next();
    return draws;
  }
  const members = membersOfSources(problems, weights);
  const sources = [...members].map(([name, list]) => ({
    epochs: new Epochs(list, shuffle(name)),
    weight: weights[name],
    used: 0,
  }));
  const sum = sources.reduce((total, { weight }) => total + weight, 0);
  if (sum === Infinity) {
    throw new RangeError("Cannot order problems as the sum of 'weights' must be a finite number");
  }
  for (let slot = 0; slot < total; slot++) {
    // Of the sources whose share so far is above what they had, the one whose next problem is due
    // first: this keeps every source within one problem of its share at every slot.
    let chosen = sources[0], due = Infinity;
    for (const source of sources) {
      const at = (source.used + 1) * sum / source.weight;
      const open = source.used * sum < source.weight * (slot + 1);
      if (open && at < due) [chosen, due] = [source, at];
    }
    chosen.used++;
    draws[slot] = chosen.epochs.next();
  }
  return draws;
}

/** The problems of each source that has a positive weight, in the order of the weights' names. */
function membersOfSources(
  problems: readonly { readonly source?: string }[],
  weights: Readonly<Record<string, number>>,
): Map<string, number[]> {
  const wrong = Object.entries(weights).find(([, weight]) => !(weight >= 0 && weight < Infinity));
  if (wrong !== undefined) {
    throw new RangeError(
      `Cannot order problems as the weight of source '${wrong[0]}' must be a finite number of at ` +
        `least 0: current value is ${wrong[1]}`,
    );
  }
  const members = new Map(
    Object.keys(weights).filter((name) => weights[name] > 0).sort()
      .map((name): [string, number[]] => [name, []]),
  );
  if (members.size === 0) {
    throw new RangeError("Cannot order problems as 'weights' must give a source more than 0");
  }
  for (const [i, { source }] of problems.entries()) {
    if (source === undefined || !Object.hasOwn(weights, source)) {
      throw new RangeError(
        `Cannot order problems as 'weights' must name the source of each: problem ${i} is of ` +
          `${source === undefined ? "no source" : `'${source}'`}`,
      );
    }
    members.get(source)?.push(i);
  }
  const empty = [...members].find(([, list]) => list.length === 0);
  if (empty !== undefined) {
    throw new RangeError(
      `Cannot order problems as source '${empty[0]}' has a weight of ${weights[empty[0]]} and no ` +
        `problems`,
    );
  }
  return members;
}

/**
 * The same draws, from the lowest tier to the highest. Draws of one tier keep their order, so a
 * tier's epochs follow each other.
 *
 * Where two tiers meet, the share of the harder grows from 0 to 1 along a ramp as long as fits
 * between the middles of both tiers (the outer ends of the lowest and the highest): two tiers of
 * equal size mix over the whole run, and tiers of equal size rise evenly from middle to middle.
 */
function riseThroughTiers(
  problems: readonly { readonly tier: number }[],
  draws: Uint32Array,
): Uint32Array<ArrayBuffer> {
  const byTier = new Map<number, number[]>();
  for (const index of draws) {
    const { tier } = problems[index];
    if (!Number.isFinite(tier)) {
      throw new RangeError(
        `Cannot order problems from easy to hard as a tier must be a finite number: problem ` +
          `${index} has ${tier}`,
      );
    }
    const members = byTier.get(tier);
    if (members === undefined) byTier.set(tier, [index]);
    else members.push(index);
  }
  const tiers = [...byTier].sort(([a], [b]) => a - b).map(([, members]) => members);
  const room = (t: number) =>
    t === 0 || t === tiers.length - 1 ? tiers[t].length : Math.floor(tiers[t].length / 2);

  const ordered = new Uint32Array(draws.length);
  const used = tiers.map(() => 0);
  let slot = 0, boundary = 0;
  const take = (t: number) => ordered[slot++] = tiers[t][used[t]++];
  for (let easier = 0; easier < tiers.length; easier++) {
    boundary += tiers[easier].length;
    const half = easier === tiers.length - 1 ? 0 : Math.min(room(easier), room(easier + 1));
    while (slot < boundary - half) take(easier);
    // Of the first n slots of a ramp, n²/4h are of the harder tier, rounded: no two neighbouring
    // steps differ by more than the line and one problem.
    for (let n = 1; n <= 2 * half; n++) {
      const harder = Math.round(n * n / (4 * half)) > Math.round((n - 1) ** 2 / (4 * half));
      take(harder ? easier + 1 : easier);
    }
  }
  return ordered;
}
