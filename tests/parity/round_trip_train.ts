/**
 * The round trip of round_trip.py through a whole training run:
 *
 *     deno run -A tests/parity/round_trip_train.ts DIR/qwen3 DIR/runs [GSM8K.jsonl.gz]
 *     python tests/parity/round_trip.py check DIR/qwen3 DIR/runs/qwen3/final
 *
 * scripts/train.ts takes three G²RPO-A steps on the checkpoint, with rows of GSM8K or with sums made here. Leaves
 * DIR/runs/qwen3/final with handrail.safetensors beside its weights, and prints one JSON line with each step's figures.
 */
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { initialize } from "../../ffi/library.ts";
import { sumRows, writeRows } from "../training/problem_file.ts";
import { writeLogits } from "./round_trip.ts";

/** A line of metrics.jsonl, as far as it is looked at. */
export interface StepFigures {
  /** From 1. */
  readonly step: number;
  /** The objective. */
  readonly loss: number;
  /** Before clipping. */
  readonly grad_norm: number;
  /** How far the trainer's log-probs are from the sampler's, at most. */
  readonly "sampling/sampling_logp_difference/max": number;
}

/** Trains the checkpoint `before` in a folder of runs; `gsm8k` is a file of that data set, by default sums in words. */
export async function trainSteps(
  before: string,
  runs: string,
  gsm8k: string | null,
): Promise<{ final: string; steps: StepFigures[] }> {
  await Deno.mkdir(runs, { recursive: true });
  const name = basename(before);
  const data = gsm8k === null
    ? [`--data.path=${writeRows(runs, "sums.jsonl", sumRows(60))}`]
    : [`--data.path=${gsm8k}`, "--data.preset=gsm8k", "--data.num_problems=100"];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check"],
      fileURLToPath(new URL("../../scripts/train.ts", import.meta.url)),
      ...["--threads=1", "--device=cpu", `--model.path=${before}`, "--sft.steps=0", ...data],
      ...["--max_steps=3", "--num_generations=4", "--per_device_train_batch_size=8"],
      ...["--max_completion_length=64", "--learning_rate=1e-3", "--model.dtype=float32"],
      ...["--guidance.controller=g2rpo_a", "--guidance.ratio=0.5", "--guidance.length=12"],
      // Random text earns a part of this one.
      ...["--rewards.accuracy=1", "--rewards.tag_count=0.1"],
      ...["--eval.num_problems=4", `--run_name=${name}`, `--output_dir=${runs}`],
    ],
  }).output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr).slice(-2000));
  const lines = (await Deno.readTextFile(join(runs, name, "metrics.jsonl"))).trim().split("\n");
  const final = join(runs, name, "final");
  await writeLogits(final);
  return { final, steps: lines.map((line) => JSON.parse(line)) };
}

if (import.meta.main) {
  const [before, runs, gsm8k] = Deno.args;
  await initialize({ threads: 1 });
  const { final, steps } = await trainSteps(before, runs, gsm8k ?? null);
  const figures = steps.map((figure) => ({
    step: figure.step,
    loss: figure.loss,
    grad_norm: figure.grad_norm,
    sampler: figure["sampling/sampling_logp_difference/max"],
  }));
  console.log(JSON.stringify({ final, steps: figures }));
}
