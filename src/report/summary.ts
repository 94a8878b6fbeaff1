/** What a run did and learned, read from its files. */
import { join } from "node:path";
import { type Config, loadConfig } from "../training/config.ts";
import { type Metrics } from "../training/metrics.ts";
import { readJsonLines } from "../training/run_folder.ts";
import { type EvalRecord, type HeldOutRecord } from "../training/reporter.ts";
import { compact, duration, grouped, share, textTable } from "./format.ts";

/** The files of a run, as far as they are there. */
export interface RunFiles {
  /** The run's folder. */
  readonly folder: string;
  /** config.yaml */
  readonly config: Config;
  /** Lines of sft.jsonl. */
  readonly sft: readonly Metrics[];
  /** Lines of metrics.jsonl. */
  readonly steps: readonly Metrics[];
  /** Lines of eval.jsonl. */
  readonly evaluations: readonly EvalRecord[];
  /** Held-out problems and the model's last answers to them: lines of the newest completions/eval-N.jsonl. */
  readonly heldOut: readonly HeldOutRecord[];
}

/** Reads a run's files. What the run has not written is empty. */
export async function readRun(folder: string): Promise<RunFiles> {
  return {
    folder,
    config: await loadConfig({ file: join(folder, "config.yaml") }),
    sft: readJsonLines(join(folder, "sft.jsonl")),
    steps: readJsonLines(join(folder, "metrics.jsonl")),
    evaluations: readJsonLines(join(folder, "eval.jsonl")),
    heldOut: newestHeldOut(join(folder, "completions")),
  };
}

function newestHeldOut(folder: string): HeldOutRecord[] {
  let names: string[];
  try {
    names = [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  const newest = names.filter((name) => /^eval-\d+\.jsonl$/.test(name)).sort().at(-1);
  return newest === undefined ? [] : readJsonLines(join(folder, newest));
}

/** What stands on the screen when a run has ended: what it did, what it learned and did not, where to go on. */
export function formatSummary(run: RunFiles): string {
  return [
    didSection(run),
    learnedSection(run),
    caveatSection(run),
    exampleSection(run),
    nextSection(run),
  ].filter((section) => section.length > 0).map((section) => section.join("\n")).join("\n\n") +
    "\n";
}

function sum(lines: readonly Metrics[], key: string): number {
  return lines.reduce((total, line) => total + (line[key] ?? 0), 0);
}

/** The mean of a metric over lines that have it. */
function mean(lines: readonly Metrics[], key: string): number | null {
  const values = lines.map((line) => line[key]).filter((value) => typeof value === "number");
  return values.length === 0 ? null : values.reduce((a, b) => a + b, 0) / values.length;
}

/** The first and the last tenth of the lines, at least one each. */
function tenths<T>(lines: readonly T[]): [T[], T[]] {
  const count = Math.max(1, Math.floor(lines.length / 10));
  return [lines.slice(0, count), lines.slice(-count)];
}

function firstToLast(lines: readonly Metrics[], key: string, digits: number): [string, string] {
  const [first, last] = tenths(lines);
  return [share(mean(first, key), digits), share(mean(last, key), digits)];
}

function didSection({ config, sft, steps }: RunFiles): string[] {
  const lines = ["What it did"];
  if (sft.length > 0) {
    const [from, to] = firstToLast(sft, "loss", 3);
    lines.push(
      `  Warm start: ${grouped(sft.length)} steps on ${
        grouped(sft.length * config.sft.batch_size)
      } solutions, ${compact(sft.at(-1)!.num_tokens)} tokens, ${
        duration(sum(sft, "step_time"))
      }; loss ${from} -> ${to}`,
    );
  }
  if (steps.length > 0) {
    const rollouts = config.per_device_train_batch_size * config.gradient_accumulation_steps;
    lines.push(
      `  Reinforcement learning: ${grouped(steps.length)} steps, ${
        grouped(steps.length * rollouts)
      } rollouts, ${compact(steps.at(-1)!.num_tokens)} tokens, ${
        duration(sum(steps, "step_time"))
      }`,
      ...leftOut(config, steps, steps.length * rollouts),
    );
  }
  return lines.length > 1 ? lines : [];
}

/** What could not be graded, which nothing was learned from. */
function leftOut(
  { num_generations: group }: Config,
  steps: readonly Metrics[],
  rollouts: number,
): string[] {
  const keys = new Set(steps.flatMap(Object.keys));
  const counts = [...keys].flatMap((key): [string, number][] => {
    const name = /^rewards\/(.+)\/ungraded$/.exec(key)?.[1];
    return name === undefined || sum(steps, key) === 0 ? [] : [[name, sum(steps, key)]];
  });
  const skipped = sum(steps, "skipped_groups");
  const groups = `${grouped(skipped)} of ${grouped(rollouts / group)} groups`;
  return [
    ...counts.map(([name, count]) =>
      `  Ungraded by ${name}: ${grouped(count)} of ${grouped(rollouts)} rollouts`
    ),
    ...(skipped === 0 ? [] : [`  Skipped, with fewer than two graded rollouts: ${groups}`]),
  ];
}

function learnedSection({ config, steps, evaluations }: RunFiles): string[] {
  const lines: string[] = [];
  for (const benchmark of new Set(evaluations.map((record) => record.benchmark))) {
    const records = evaluations.filter((record) => record.benchmark === benchmark);
    const [before, after] = [records[0], records.at(-1)!];
    const tiers = config.data.task !== "dataset"
      ? `, tiers ${config.data.tiers.join(" and ")}`
      : "";
    lines.push(
      `  Held-out ${benchmark}${tiers}, without guidance (share solved, standard error, problems):`,
      ...[...new Set([before, after])].map((record) =>
        `    ${record === before ? "before" : "after "}  ${share(record.accuracy, 3)} ± ${
          share(record.stderr, 3)
        }  n ${record.n}`
      ),
    );
    const verdict = before === after ? [] : [`    ${judge(before, after)}`];
    lines.push(...verdict);
  }
  if (steps.length > 0) lines.push(...trends(config, steps));
  return lines.length === 0 ? [] : ["What it learned", ...lines];
}

/** Whether the evaluations differ by more than their noise. */
function judge(before: EvalRecord, after: EvalRecord): string {
  if (before.accuracy === null || after.accuracy === null) {
    return "One of them could grade nothing.";
  }
  const gain = after.accuracy - before.accuracy;
  const noise = Math.hypot(before.stderr ?? 0, after.stderr ?? 0);
  if (Math.abs(gain) <= 2 * noise) {
    return `The difference, ${
      share(gain, 3)
    }, is within twice its standard error: nothing is shown.`;
  }
  return gain > 0
    ? `A gain of ${share(gain, 3)}; still wrong on ${
      share(100 * (1 - after.accuracy), 0)
    } % of them.`
    : `A loss of ${share(-gain, 3)}: the run made the model worse.`;
}

function trends(config: Config, steps: readonly Metrics[]): string[] {
  const { reward, ratio } = config.guidance;
  const rows: [string, string][] = [["reward of all rollouts", "reward"]];
  if (ratio > 0) rows.push(["  guided rollouts", `rewards/${reward}/guided`]);
  if (ratio > 0 && ratio < 1) rows.push(["  unguided rollouts", `rewards/${reward}/unguided`]);
  const table = textTable([
    ["Training, mean of", "first tenth", "last tenth"],
    ...rows.map(([name, key]) => [name, ...firstToLast(steps, key, 3)]),
  ]);
  const lines = table.split("\n").map((line) => `  ${line}`);
  const lengths = steps.map((line) => line["guidance/length"]).filter((l) => typeof l === "number");
  if (ratio > 0 && lengths.length > 0) {
    const quarters = [0, 1, 2, 3, 4].map((q) => lengths[Math.round(q * (lengths.length - 1) / 4)]);
    const low = lengths.reduce((a, b) => Math.min(a, b));
    const high = lengths.reduce((a, b) => Math.max(a, b));
    lines.push(
      `  Guidance length ℓ in tokens, by quarters of the run: ${
        quarters.map((l) => share(l, 1)).join(" -> ")
      } (least ${share(low, 1)}, most ${share(high, 1)})`,
    );
  }
  return lines;
}

/** What the figures do not show, in the built-in task. */
function caveatSection({ config, steps, evaluations }: RunFiles): string[] {
  if (config.data.task !== "arithmetic" || steps.length === 0 || evaluations.length < 2) return [];
  const { ratio, loss } = config.guidance;
  const text = ["What that does and does not mean"];
  if (ratio > 0 && loss !== "none") {
    text.push(
      "  The given tokens of the teacher's traces are in the loss, and guidance teaches through them: in trials",
      "  without them in the loss nothing was learned. So a gain is partly imitation, and plain supervised",
      "  training on the same traces, which are unique and deterministic here, did better still there.",
    );
  } else if (ratio > 0) {
    text.push(
      "  The given tokens are kept out of the loss. In trials of this task nothing was learned that way.",
    );
  } else {
    text.push(
      "  No rollout was guided: this is plain GRPO, the baseline that guidance is compared with.",
    );
  }
  if (ratio > 0) {
    text.push(
      "  A fixed guidance length can do as well as an adaptive one where it is chosen well, which takes runs of its",
      "  own to find out; the adaptive one's merit is that nobody has to choose it.",
    );
  }
  text.push("  One seed shows little: compare methods by several seeds (`deno task sweep`).");
  return text;
}

function exampleSection({ heldOut }: RunFiles): string[] {
  const examples = [
    ["solved", heldOut.find(({ score }) => score === 1)],
    ["failed", heldOut.find(({ score }) => score === 0)],
  ] as const;
  const lines = examples.flatMap(([word, example]) =>
    example === undefined ? [] : [
      `  ${word}  ${oneLine(example.prompt)}  (${example.answer})`,
      `          ${oneLine(example.completion)}`,
    ]
  );
  return lines.length === 0 ? [] : ["Held-out problems, and what it said to them", ...lines];
}

/** Text on one line, its middle left out where it is long. */
function oneLine(text: string): string {
  const flat = text.replaceAll(/\s+/g, " ").trim();
  return flat.length <= 500 ? flat : `${flat.slice(0, 250)} [...] ${flat.slice(-250)}`;
}

function nextSection({ config, folder, sft, steps, evaluations, heldOut }: RunFiles): string[] {
  const files = [
    ...(sft.length > 0 ? ["sft.jsonl"] : []),
    ...(steps.length > 0 ? ["metrics.jsonl"] : []),
    ...(evaluations.length > 0 ? ["eval.jsonl"] : []),
    ...(evaluations.length > 0 ? ["completions/"] : []),
    "config.yaml",
    "checkpoints/",
    "final/",
  ];
  const final = join(folder, "final");
  const sftOnly = steps.length === 0 && config.max_steps > 0;
  const rows: [string, string][] = [
    [
      `deno task generate ${final}${
        heldOut.length > 0 && config.data.task !== "dataset"
          ? ` --prompt "${heldOut[0].prompt}"`
          : ' --prompt "..."'
      }`,
      "ask it something",
    ],
    [`deno task eval ${final} --show 3`, "held-out problems, with examples"],
  ];
  if (sftOnly) {
    rows.push([
      `deno task train ${
        config.data.task === "arithmetic" ? "" : `${join(folder, "config.yaml")} `
      }--model.path=${final} --sft.steps=0${
        config.sft.num_train_epochs === null ? "" : " --sft.num_train_epochs=null"
      }`,
      "teach it more from here",
    ]);
  }
  const width = Math.max(...rows.map(([call]) => call.length));
  return [
    "Where it is, and what to do next",
    `  ${folder}: ${files.join(", ")}`,
    ...rows.map(([call, what]) => `  ${call.padEnd(width)}  ${what}`),
  ];
}
