/** `deno task data`: look at data sets, measure them, and have a teacher write to them. */
import { type Command, runCommand, UsageError } from "../src/std/help.ts";
import { suggest } from "../src/std/text.ts";

interface Subcommand {
  readonly command: Command;
  readonly main: (args: readonly string[]) => void | number | Promise<void | number>;
}

const subcommands: Readonly<Record<string, () => Promise<Subcommand>>> = {
  inspect: () => import("./data/inspect.ts"),
  difficulty: () => import("./data/difficulty.ts"),
  traces: () => import("./data/traces.ts"),
  hints: () => import("./data/hints.ts"),
};

const command: Command = {
  name: "deno task data",
  summary: "Data sets: what a trainer would see of one, how hard its problems are for a model,\n" +
    "and reasoning traces and hints that a teacher writes.",
  usage: "inspect | difficulty | traces | hints  [ARGUMENTS]",
  sections: [{
    title: "Commands, each with a --help of its own",
    rows: [
      ["inspect FILE", "Counts, lengths, tiers, rendered examples, and what is left out and why"],
      ["difficulty FILE --model=FOLDER", "The share of a model's attempts that fail, by problem"],
      ["traces FILE --model-name=NAME", "A teacher's reasoning for every problem, if it is right"],
      ["hints FILE --model-name=NAME", "A teacher's hints that do not give the answer away"],
    ],
  }],
  examples: [
    { call: "deno task data inspect gsm8k_train.jsonl", description: "A first look" },
    { call: "deno task data difficulty --help", description: "The flags of one of them" },
  ],
};

if (import.meta.main) {
  const [name = "", ...args] = Deno.args;
  if (Object.hasOwn(subcommands, name)) {
    const { command, main } = await subcommands[name]();
    await runCommand(command, args, main);
  }
  await runCommand(command, Deno.args, () => {
    const meant = suggest(name, Object.keys(subcommands));
    throw new UsageError(
      name === "" || name.startsWith("-")
        ? "No command: give inspect, difficulty, traces or hints (deno task data --help)"
        : `Unknown command '${name}'${
          meant === undefined ? ": see deno task data --help" : `: did you mean '${meant}'?`
        }`,
    );
  });
}
