/**
 * Training problems that also stand in an evaluation set, whose score they would raise without any
 * gain of skill.
 *
 * Three tests of the questions' text, from sure to suspicious:
 *
 * - `strict`: equal but for white space and case;
 * - `loose`: equal in their letters and digits. Differences of notation do not hide a problem, but
 *   `arcsin 1` and `arcsin -1` are one;
 * - `ngram`: 13 words in a row are the same, words being runs of letters or digits without case.
 *
 * Mathematics is full of set phrases ("where m and n are relatively prime positive integers. Find
 * m+n"), which make any two contests look alike. So 13 words count only if they hold no common
 * phrase: no five words in a row that stand in more than 3 of the training problems, or of the
 * evaluation problems, or in more than one of 2,500 where they are very many. Copies of one problem
 * count once there, so a problem that is repeated does not make its own words common.
 *
 * Some files put an instruction before or behind every question ("Let's think step by step and
 * output the final answer within \boxed{}."). What nearly all questions of a source begin or end
 * with is no part of them, so it does not hide that two are equal.
 */

/** The tests by which a training problem is found in an evaluation set. */
export type OverlapKind = "strict" | "loose" | "ngram";

/** Every {@linkcode OverlapKind}, from sure to suspicious. */
export const OVERLAP_KINDS: readonly OverlapKind[] = ["strict", "loose", "ngram"];

/** What is compared: the question as the data has it, without a chat template. */
export interface Question {
  /** The problem's id. */
  readonly id: string;
  /** The question's text. */
  readonly prompt: string;
  /** Name of the source, whose questions may share an instruction. */
  readonly source?: string;
}

/** An evaluation set. */
export interface EvaluationSet {
  /** Its name in reports. */
  readonly name: string;
  /** Its problems. */
  readonly problems: readonly Question[];
}

/** A training problem that stands in an evaluation set. */
export interface Overlap {
  /** Position of the training problem in its list. */
  readonly index: number;
  /** Id of the training problem. */
  readonly id: string;
  /** Name of the evaluation set. */
  readonly set: string;
  /** Id of the first evaluation problem found, by the surest test. */
  readonly evaluationId: string;
  /** Every test that found one. */
  readonly kinds: readonly OverlapKind[];
  /** What both have, of the training problem's text: all of it, or the first run of words. */
  readonly shared: string;
}

/** How many problems of both sides overlap. */
export interface OverlapCount {
  /** Name of the evaluation set. */
  readonly set: string;
  /** Problems of the set. */
  readonly problems: number;
  /** Training problems found in it, by each test alone; `loose` includes `strict`. */
  readonly training: Readonly<Record<OverlapKind, number>>;
  /** Problems of the set that a training problem was found to be. */
  readonly evaluation: Readonly<Record<OverlapKind, number>>;
}

/** What {@linkcode findOverlap} found. */
export interface OverlapReport {
  /** Training problems that were compared. */
  readonly problems: number;
  /** Training problems found in any set by any test. */
  readonly overlapping: number;
  /** Counts of each evaluation set. */
  readonly counts: readonly OverlapCount[];
  /** Each training problem found, once a set, in the order of the training problems. */
  readonly overlaps: readonly Overlap[];
}

/** Words of a run that counts. */
const RUN = 13;
/** Words of a phrase. */
const PHRASE = 5;
/** A phrase is common in more problems of one side than this, or than one in `COMMON_SHARE`. */
const COMMON = 3;
const COMMON_SHARE = 2500;
/** The fewest characters of an instruction. */
const INSTRUCTION = 24;
/** Fewer texts than this cannot show an instruction. */
const INSTRUCTED = 10;
/** An instruction is in this share of a source's questions. */
const NEARLY_ALL = 0.9;

const strictForm = (text: string): string => text.replaceAll(/\s+/gu, "").toLowerCase();
const looseForm = (text: string): string => text.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, "");
const wordPattern = /[\p{L}\p{N}]+/gu;
const words = (text: string): string[] =>
  (text.match(wordPattern) ?? []).map((word) => word.toLowerCase());

/**
 * Finds the training problems that stand in evaluation sets. 7,500 problems against 5,000 take
 * under a second.
 */
export function findOverlap(
  training: readonly Question[],
  sets: readonly EvaluationSet[],
): OverlapReport {
  const exact = new ExactIndex(sets);
  const runs = new RunIndex(sets, training);
  const found = sets.map(() => ({ strict: newHits(), loose: newHits(), ngram: newHits() }));
  const overlaps: Overlap[] = [];

  const bare = bareQuestions(training);
  for (const [index, { id, prompt }] of training.entries()) {
    const shared = runs.find(index);
    // What is taken for an instruction differs from source to source, so whole texts count too.
    const texts = new Set([prompt, bare[index]]);
    const equal = (of: ReadonlyMap<string, Set<number>>, form: (text: string) => string) =>
      new Set([...texts].flatMap((text) => [...of.get(form(text)) ?? []]));
    const hits: Record<OverlapKind, Iterable<number>> = {
      strict: equal(exact.strict, strictForm),
      loose: equal(exact.loose, looseForm),
      ngram: [...shared.keys()],
    };
    for (const [s, set] of sets.entries()) {
      const kinds: OverlapKind[] = [];
      let first: number | undefined;
      for (const kind of OVERLAP_KINDS) {
        const mine = [...hits[kind]].filter((at) => exact.setOf[at] === s);
        if (mine.length === 0) continue;
        kinds.push(kind);
        first ??= mine[0];
        found[s][kind].training.add(index);
        for (const at of mine) found[s][kind].evaluation.add(at);
      }
      if (first === undefined) continue;
      overlaps.push({
        index,
        id,
        set: set.name,
        evaluationId: exact.all[first].id,
        kinds,
        shared: kinds[0] === "ngram" ? wordsOf(prompt, shared.get(first)!) : prompt,
      });
    }
  }
  const sizes = (s: number, side: "training" | "evaluation") => ({
    strict: found[s].strict[side].size,
    loose: found[s].loose[side].size,
    ngram: found[s].ngram[side].size,
  });
  return {
    problems: training.length,
    overlapping: new Set(overlaps.map(({ index }) => index)).size,
    counts: sets.map(({ name, problems }, s) => ({
      set: name,
      problems: problems.length,
      training: sizes(s, "training"),
      evaluation: sizes(s, "evaluation"),
    })),
    overlaps,
  };
}

/** The training problems that no test, or none of those named, found in an evaluation set. */
export function withoutOverlap<P>(
  training: readonly P[],
  report: OverlapReport,
  kinds: readonly OverlapKind[] = OVERLAP_KINDS,
): P[] {
  if (training.length !== report.problems) {
    throw new RangeError(
      `Cannot leave overlapping problems out as the report must be of the same problems: it is of ` +
        `${report.problems}, and there are ${training.length}`,
    );
  }
  const out = new Set(
    report.overlaps.filter((overlap) => overlap.kinds.some((kind) => kinds.includes(kind)))
      .map(({ index }) => index),
  );
  return training.filter((_, index) => !out.has(index));
}

function newHits(): { training: Set<number>; evaluation: Set<number> } {
  return { training: new Set(), evaluation: new Set() };
}

/** Questions without what nearly all of their source begin or end with. */
function bareQuestions(questions: readonly Question[]): string[] {
  const sources = new Map<string | undefined, Set<string>>();
  for (const { prompt, source } of questions) {
    const texts = sources.get(source) ?? new Set();
    sources.set(source, texts.add(prompt.trim()));
  }
  const frames = new Map(
    [...sources].map(([source, texts]) => {
      const head = common(texts, (text, length) => text.slice(0, length));
      const tail = common(texts, (text, length) => text.slice(-length));
      // Only whole sentences or lines: the questions themselves may begin alike too.
      const ends = [...head.matchAll(/[.!?:]\s+|\n+/g)].at(-1);
      const start = tail.search(/(?<=[.!?:])\s|\n|^\s(?=\p{Lu})/u);
      return [source, {
        head: ends === undefined ? "" : head.slice(0, ends.index + ends[0].length),
        tail: start < 0 ? "" : tail.slice(start),
      }];
    }),
  );
  return questions.map(({ prompt, source }) => {
    const { head, tail } = frames.get(source)!;
    let text = prompt.trim();
    if (text.startsWith(head)) text = text.slice(head.length);
    if (text.endsWith(tail)) {
      text = text.slice(0, text.length - tail.length);
    }
    return text;
  });
}

/**
 * The longest text that nearly all texts begin or end with, which `part` takes from one in a given
 * length; empty where there is none of a few words.
 */
function common(
  texts: ReadonlySet<string>,
  part: (text: string, length: number) => string,
): string {
  if (texts.size < INSTRUCTED) return "";
  const most = (length: number) => {
    const counts = new Map<string, number>();
    for (const text of texts) {
      const piece = part(text, length);
      counts.set(piece, (counts.get(piece) ?? 0) + 1);
    }
    return [...counts].reduce((a, b) => b[1] > a[1] ? b : a);
  };
  let found = "", step = INSTRUCTION;
  // Longer pieces are in fewer texts: grow, then close in on the longest that is in nearly all.
  for (let length = INSTRUCTION; step >= 1;) {
    const [piece, count] = most(length);
    if (count >= NEARLY_ALL * texts.size && piece.length === length) found = piece;
    else step = Math.floor(step / 2);
    if (found === "") break;
    length = found.length + step;
  }
  return found;
}

/** Adds to the set of a key. */
function addTo<K>(map: Map<K, Set<number>>, key: K, value: number): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, new Set([value]));
  else values.add(value);
}

/** All evaluation problems in one list, and their places in it by their text, whole and without an instruction. */
class ExactIndex {
  readonly all: readonly Question[];
  readonly setOf: readonly number[];
  readonly strict = new Map<string, Set<number>>();
  readonly loose = new Map<string, Set<number>>();

  constructor(sets: readonly EvaluationSet[]) {
    this.all = sets.flatMap(({ problems }) => problems);
    this.setOf = sets.flatMap(({ problems }, s) => problems.map(() => s));
    const bare = sets.flatMap(({ problems }) => bareQuestions(problems));
    for (const [at, { prompt }] of this.all.entries()) {
      for (const text of new Set([prompt, bare[at]])) {
        const loose = looseForm(text);
        if (loose === "") continue; // signs alone say nothing
        addTo(this.loose, loose, at);
        addTo(this.strict, strictForm(text), at);
      }
    }
  }
}

/** Numbers for pairs of numbers below 2²⁶, each pair its own. */
class Pairs {
  readonly #ids = new Map<number, number>();

  /** The pair's number; of a new pair −1 unless it is to be added. */
  id(left: number, right: number, add: boolean): number {
    if (left < 0 || right < 0) return -1;
    const key = left * 2 ** 26 + right;
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    if (!add) return -1;
    const id = this.#ids.size;
    this.#ids.set(key, id);
    return id;
  }
}

/** Words of a text from `start` to before `end`. */
interface WordRange {
  readonly start: number;
  end: number;
}

/**
 * The runs of 13 words of the evaluation problems. Words, phrases of 5 words and runs are numbers
 * that the evaluation problems alone give out; whatever the training problems have beyond them is
 * −1, so memory follows the evaluation sets.
 */
class RunIndex {
  readonly #words = new Map<string, number>();
  readonly #twos = new Pairs();
  readonly #fours = new Pairs();
  readonly #fives = new Pairs();
  readonly #nines = new Pairs();
  readonly #runs = new Pairs();
  /** Evaluation problems of each run. */
  readonly #holders = new Map<number, Set<number>>();
  /** The numbers of each training problem's phrases. */
  readonly #training: readonly Int32Array[];

  constructor(sets: readonly EvaluationSet[], training: readonly Question[]) {
    const prompts = sets.flatMap(({ problems }) => problems.map(({ prompt }) => prompt));
    const evaluation = prompts.map((prompt) => this.#phrases(prompt, true));
    this.#training = training.map(({ prompt }) => this.#phrases(prompt, false));
    const common = new Set([
      ...commonPhrases(prompts, evaluation),
      ...commonPhrases(training.map(({ prompt }) => prompt), this.#training),
    ]);
    for (const [at, phrases] of evaluation.entries()) {
      for (const start of rareRuns(phrases, common)) {
        addTo(this.#holders, this.#run(phrases, start, true), at);
      }
    }
  }

  /** The evaluation problems that share a run with a training problem, and the first such words. */
  find(index: number): Map<number, WordRange> {
    const phrases = this.#training[index];
    const found = new Map<number, WordRange>();
    for (let start = 0; start + RUN - PHRASE < phrases.length; start++) {
      for (const at of this.#holders.get(this.#run(phrases, start, false)) ?? []) {
        const range = found.get(at);
        if (range === undefined) found.set(at, { start, end: start + RUN });
        else if (range.end === start + RUN - 1) range.end++;
      }
    }
    return found;
  }

  /** The number of the phrase that starts at each word but the last four. */
  #phrases(text: string, add: boolean): Int32Array {
    const ids = words(text).map((word) => {
      const known = this.#words.get(word);
      if (known !== undefined || !add) return known ?? -1;
      this.#words.set(word, this.#words.size);
      return this.#words.size - 1;
    });
    const twos = ids.map((id, i) => i + 1 < ids.length ? this.#twos.id(id, ids[i + 1], add) : -1);
    return Int32Array.from({ length: Math.max(0, ids.length - PHRASE + 1) }, (_, i) => {
      const four = this.#fours.id(twos[i], twos[i + 2], add);
      return this.#fives.id(four, ids[i + 4], add);
    });
  }

  /** The number of the run that starts at a word: phrases at words 0, 4 and 8 tell all 13. */
  #run(phrases: Int32Array, start: number, add: boolean): number {
    const nine = this.#nines.id(phrases[start], phrases[start + 4], add);
    return this.#runs.id(nine, phrases[start + 8], add);
  }
}

/** Where runs start that hold no common phrase. */
function* rareRuns(phrases: Int32Array, common: ReadonlySet<number>): Generator<number> {
  const needed = RUN - PHRASE + 1; // phrases of a run
  let rare = 0;
  for (const [i, phrase] of phrases.entries()) {
    rare = common.has(phrase) ? 0 : rare + 1;
    if (rare >= needed) yield i - needed + 1;
  }
}

/** The phrases that many of these problems have; problems that are loosely equal are one. */
function commonPhrases(prompts: readonly string[], phrases: readonly Int32Array[]): number[] {
  const holders = new Map<number, number>();
  const seen = new Set<string>();
  for (const [i, prompt] of prompts.entries()) {
    const text = looseForm(prompt);
    if (seen.has(text)) continue;
    seen.add(text);
    for (const phrase of new Set(phrases[i])) {
      if (phrase >= 0) holders.set(phrase, (holders.get(phrase) ?? 0) + 1);
    }
  }
  const most = Math.max(COMMON, seen.size / COMMON_SHARE);
  return [...holders].filter(([, count]) => count > most).map(([phrase]) => phrase);
}

/** Some words of a text as it writes them. */
function wordsOf(text: string, { start, end }: WordRange): string {
  const places = [...text.matchAll(wordPattern)];
  const last = places[end - 1];
  return text.slice(places[start].index, last.index + last[0].length);
}
