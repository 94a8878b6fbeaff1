/**
 * `deno task bench`: op cost, rollouts, GRPO steps; with `--peers`, the same by TRL in the same run, and the ratio.
 * `deno task bench sandbox`: how fast sandboxes grade programs.
 */
import { defaultThreads } from "../ffi/host.ts";
import { initialize, libtorch } from "../ffi/library.ts";
import { measureMachine } from "../src/bench/machine.ts";
import { runPeer } from "../src/bench/peers.ts";
import { benchSandboxes, gradedPrograms } from "../src/bench/sandbox.ts";
import { benchModel, benchRollout, benchStep, type Shape } from "../src/bench/workload.ts";
import { type ModelPreset, modelPresets } from "../src/models/presets.ts";
import { type Command, parseCommand, runCommand, UsageError } from "../src/std/help.ts";

const command: Command = {
  name: "deno task bench",
  summary:
    "Measures op cost, rollout and training speed. With --peers and --python, TRL makes the same GRPO step in the same " +
    "run and the ratio is printed. `deno task bench sandbox` measures how fast sandboxes grade programs, beside a " +
    "plain loop that starts bubblewrap and Python for each test.",
  usage: "[sandbox]",
  options: [
    {
      name: "preset",
      value: "NAME",
      description: `model: ${Object.keys(modelPresets).join(", ")} (default tiny)`,
    },
    { name: "prompts", value: "N", description: "prompts a step (default 4)" },
    { name: "group", value: "N", description: "rollouts a prompt (default 4)" },
    { name: "prompt-len", value: "N", description: "tokens of a prompt (default 32)" },
    { name: "completion-len", value: "N", description: "tokens of a completion (default 32)" },
    { name: "beta", value: "X", description: "weight of the KL term (default 0)" },
    { name: "threads", value: "N", description: "CPU threads (default: the cores, at most 8)" },
    { name: "runs", value: "N", description: "counted runs of each (default 7)" },
    {
      name: "peers",
      value: "FOLDER",
      description: "scripts make_model.py and grpo_step.py",
    },
    { name: "python", value: "FILE", description: "a Python with torch, transformers and trl" },
    { name: "programs", value: "N", description: "sandbox: programs to grade (default 96)" },
    { name: "tests", value: "N", description: "sandbox: tests of each (default 10)" },
    { name: "json", description: "print figures as one JSON line" },
  ],
  examples: [
    { call: "deno task bench", description: "this machine, the tiny preset" },
    { call: "deno task bench --preset=small --prompts=2 --group=8", description: "a larger one" },
    { call: "deno task bench sandbox", description: "96 programs x 10 tests" },
  ],
};

await runCommand(command, Deno.args, async (args) => {
  const { options, positionals } = parseCommand(command, args, 1);
  const number = (name: string, fallback: number, least = 1): number => {
    const value = options[name] === undefined ? fallback : Number(options[name]);
    if (value >= least && Number.isFinite(value) && (name === "beta" || Number.isInteger(value))) {
      return value;
    }
    throw new UsageError(
      `Option '--${name}' must be a number of at least ${least}: current value is ${options[name]}`,
    );
  };
  const say = (line: string) => options.json ? undefined : console.log(line);
  if (positionals.length > 0) {
    if (positionals[0] !== "sandbox") {
      throw new UsageError(`Unknown bench '${positionals[0]}': there is 'sandbox'`);
    }
    await benchSandbox(number("programs", 96), number("tests", 10), say, options.json === true);
    return;
  }
  const preset = String(options.preset ?? "tiny") as ModelPreset;
  if (!Object.hasOwn(modelPresets, preset)) {
    throw new UsageError(
      `Option '--preset' must be one of ${
        Object.keys(modelPresets).join(", ")
      }: current value is ${preset}`,
    );
  }
  if ((options.peers === undefined) !== (options.python === undefined)) {
    throw new UsageError(
      "Options '--peers' and '--python' go together: the scripts, and what runs them",
    );
  }
  const shape: Shape = {
    prompts: number("prompts", 4),
    group: number("group", 4, 2),
    promptLength: number("prompt-len", 32),
    completionLength: number("completion-len", 32),
  };
  const runs = number("runs", 7), beta = number("beta", 0, 0);
  const threads = options.threads === undefined ? defaultThreads() : number("threads", 1);
  await initialize({ threads });
  const figures: Record<string, unknown> = {
    preset,
    ...shape,
    beta,
    threads,
    libtorch: libtorch().version,
  };

  const machine = await measureMachine(runs);
  Object.assign(figures, machine);
  say(`libtorch ${libtorch().version}, ${threads === 1 ? "1 thread" : `${threads} threads`}`);
  say(`op with its free        ${machine.opMicroseconds.toFixed(2)} µs`);
  say(`float32 product (1024)  ${machine.gemmGflops.toFixed(0)} GFLOP/s`);
  say(`copy                    ${machine.copyGigabytes.toFixed(1)} GB/s`);

  const peers = options.peers === undefined
    ? null
    : { scripts: String(options.peers), python: String(options.python) };
  let folder: string | null = null;
  try {
    if (peers !== null) {
      folder = await Deno.makeTempDir({ prefix: "handrail-bench-" });
      // The peer's tokenizer is trained on any text; its own scripts will do.
      await runPeer(peers, "make_model.py", [
        ...["--preset", preset, "--corpus", `${peers.scripts}/make_model.py`, "--out", folder],
      ]);
    }
    using model = await benchModel(preset, folder);
    const rows = shape.prompts * shape.group, tokens = rows * shape.completionLength;
    const rollout = benchRollout(model, shape, runs);
    figures.rolloutTokensPerSecond = tokens / rollout.median;
    say(
      `rollouts (${rows} x ${shape.completionLength})      ${
        (tokens / rollout.median).toFixed(0)
      } tokens/s, ` +
        `${(rollout.median * 1000).toFixed(0)} ms (${(rollout.min * 1000).toFixed(0)} to ${
          (rollout.max * 1000).toFixed(0)
        })`,
    );
    const { step, rollout: part, train, peakBytes } = await benchStep(model, shape, runs, beta);
    const trained = rows * (shape.promptLength + shape.completionLength);
    const parameters = [...model.parameters.values()].reduce((n, p) => n + p.size, 0);
    const flops = 6 * parameters * trained / train.median / 1e9;
    Object.assign(figures, {
      stepSeconds: step.median,
      stepSecondsMin: step.min,
      stepSecondsMax: step.max,
      rolloutSeconds: part.median,
      trainSeconds: train.median,
      trainTokensPerSecond: trained / train.median,
      peakBytes,
    });
    say(
      `GRPO step, β ${beta}          ${(step.median * 1000).toFixed(0)} ms (${
        (step.min * 1000).toFixed(0)
      } to ` +
        `${(step.max * 1000).toFixed(0)}): rollouts ${(part.median * 1000).toFixed(0)}, update ${
          (train.median * 1000).toFixed(0)
        }`,
    );
    say(
      `training                ${(trained / train.median).toFixed(0)} tokens/s, ${
        (flops / machine.gemmGflops * 100).toFixed(0)
      } % ` +
        `of the machine's product speed; peak ${(peakBytes / 2 ** 20).toFixed(0)} MiB`,
    );
    if (peers !== null) {
      const common = ["--model", folder!, "--threads", String(threads)];
      const theirs = await runPeer(peers, "grpo_step.py", [
        ...common,
        ...[
          "--prompts",
          `${shape.prompts}`,
          "--group",
          `${shape.group}`,
          "--prompt-len",
          `${shape.promptLength}`,
        ],
        ...[
          "--completion-len",
          `${shape.completionLength}`,
          "--beta",
          `${beta}`,
          "--steps",
          `${runs}`,
        ],
      ]);
      const seconds = theirs.seconds_per_step as number;
      // Once more on our side, so that a machine that changed meanwhile is seen.
      const again = await benchStep(model, shape, runs, beta);
      const ours = (step.median + again.step.median) / 2;
      Object.assign(figures, {
        trlStepSeconds: seconds,
        stepSecondsAgain: again.step.median,
        ratio: seconds / ours,
      });
      say(
        `TRL's step              ${(seconds * 1000).toFixed(0)} ms; ours again ${
          (again.step.median * 1000).toFixed(0)
        } ms`,
      );
      say(`ratio                   ${(seconds / ours).toFixed(2)} times as fast as TRL`);
      say(
        "                        (TRL scores prompt positions too; completions only is part of the saving)",
      );
    }
  } finally {
    if (folder !== null) await Deno.remove(folder, { recursive: true });
  }
  if (options.json) console.log(JSON.stringify(figures));
});

async function benchSandbox(
  programs: number,
  tests: number,
  say: (line: string) => void,
  json: boolean,
): Promise<void> {
  say(`${programs} programs x ${tests} tests, ${navigator.hardwareConcurrency} cores`);
  const { speeds, skipped } = await benchSandboxes(
    gradedPrograms(programs, tests),
    [{ provider: "pyodide" }, { provider: "process" }, { provider: "e2b" }],
    ({ name, programsPerSecond, testsPerSecond }) =>
      say(
        `${name.padEnd(28)}${programsPerSecond.toFixed(1).padStart(8)} programs/s ` +
          `${testsPerSecond.toFixed(0).padStart(6)} tests/s`,
      ),
  );
  const loops = speeds.filter(({ name }) => name.startsWith("a process a test"));
  for (const { name, programsPerSecond } of speeds.filter((one) => !loops.includes(one))) {
    const ratios = loops.map((loop) =>
      `${(programsPerSecond / loop.programsPerSecond).toFixed(1)} times ${loop.name}`
    );
    if (ratios.length > 0) say(`${name}: ${ratios.join(", ")}`);
  }
  for (const [name, reason] of Object.entries(skipped)) say(`${name}: not measured: ${reason}`);
  if (json) console.log(JSON.stringify({ programs, tests, speeds, skipped }));
}
