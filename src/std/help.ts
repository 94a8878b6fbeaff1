/**
 * What the command-line scripts share: `--help` from a declared table, and errors as one message.
 *
 * @module
 */

import { parseArgs } from "./cli.ts";
import { suggest } from "./text.ts";

/** One flag of a command. */
export interface CommandOption {
  /** Name without dashes, such as `dry-run`. */
  readonly name: string;
  /** Placeholder of its value, such as `FILE`; a flag without one is a boolean. */
  readonly value?: string;
  /** One-letter form without the dash. */
  readonly short?: string;
  /** What it does, in one line. */
  readonly description: string;
}

/** A command as its `--help` shows it. `--help` itself need not be declared. */
export interface Command {
  /** How it is called, such as `deno task train`. */
  readonly name: string;
  /** What it does, in a sentence or two. */
  readonly summary: string;
  /** Arguments after the name, such as `[CONFIG] [--KEY=VALUE ...]`. */
  readonly usage?: string;
  /** Its own flags. */
  readonly options?: readonly CommandOption[];
  /** Further two-column tables. */
  readonly sections?: readonly {
    readonly title: string;
    readonly rows: readonly (readonly [string, string])[];
  }[];
  /** Calls worth copying. */
  readonly examples?: readonly { readonly call: string; readonly description: string }[];
}

/** The command line cannot be understood. Ends a command with exit code 2. */
export class UsageError extends Error {
  /** Name of the class. */
  override name: string = "UsageError";
  /** Exit code of a process that ends by it. */
  readonly exitCode: number = 2;
}

const helpOption: CommandOption = { name: "help", short: "h", description: "Show this help" };

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.min(34, Math.max(...rows.map(([left]) => left.length)));
  return rows.map(([left, right]) =>
    left.length > width
      ? `  ${left}\n  ${" ".repeat(width)}  ${right}`
      : `  ${left.padEnd(width)}  ${right}`.trimEnd()
  );
}

/** The text of a command's `--help`. */
export function renderHelp(command: Command): string {
  const lines = [command.summary, "", `Usage: ${command.name} ${command.usage ?? ""}`.trimEnd()];
  const options = [...(command.options ?? []), helpOption];
  lines.push("", "Options:");
  lines.push(
    ...table(options.map((option): [string, string] => {
      const short = option.short === undefined ? "" : `-${option.short}, `;
      const value = option.value === undefined ? "" : `=${option.value}`;
      return [`${short}--${option.name}${value}`, option.description];
    })),
  );
  for (const section of command.sections ?? []) {
    lines.push("", `${section.title}:`, ...table(section.rows));
  }
  if (command.examples?.length) {
    lines.push("", "Examples:");
    lines.push(
      ...table(command.examples.map(({ call, description }): [string, string] => [
        call,
        description,
      ])),
    );
  }
  return `${lines.join("\n")}\n`;
}

/** Arguments of a command that has no flags but its declared ones. */
export interface CommandArguments {
  /** Value of each flag given: text, or true and false for a boolean. */
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  /** Arguments that are no flags. */
  readonly positionals: readonly string[];
}

/**
 * Reads the arguments of a command by its table.
 *
 * @throws {UsageError} If a flag is unknown (the nearest is named) or lacks its value, or there are
 * more than `maxPositionals` other arguments.
 */
export function parseCommand(
  command: Command,
  args: readonly string[],
  maxPositionals: number = Infinity,
): CommandArguments {
  const declared = [...(command.options ?? []), helpOption];
  const names = declared.map((option) => option.name);
  const texts = declared.filter((option) => option.value !== undefined);
  const { _: positionals, ...options } = parseArgs<string, string>(args, {
    boolean: declared.filter((option) => option.value === undefined).map((option) => option.name),
    string: texts.map((option) => option.name),
    alias: Object.fromEntries(
      declared.flatMap(({ name, short }) => short === undefined ? [] : [[name, short]]),
    ),
    unknown(flag, key = "") {
      throw new UsageError(unknownFlag(flag, suggest(key, names), command));
    },
  });
  for (const option of texts) {
    if ((options as Record<string, unknown>)[option.name] === "") {
      throw new UsageError(
        `Option '--${option.name}' needs a value: --${option.name}=${option.value}`,
      );
    }
  }
  if (positionals.length > maxPositionals) {
    throw new UsageError(
      `Unexpected argument '${positionals[maxPositionals]}': see ${command.name} --help`,
    );
  }
  return { options: options as CommandArguments["options"], positionals };
}

function unknownFlag(flag: string, meant: string | undefined, command: Command): string {
  return meant === undefined
    ? `Unknown option '${flag}': see ${command.name} --help`
    : `Unknown option '${flag}': did you mean '--${meant}'?`;
}

/** What an error says to the user, with the causes it names. */
export function errorMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `\n  cause: ${errorMessage(error.cause)}` : "";
  return `${error.message || error.name}${cause}`;
}

function debugging(): boolean {
  const name = "HANDRAIL_DEBUG";
  const readable = Deno.permissions.querySync({ name: "env", variable: name }).state === "granted";
  return readable && Deno.env.get(name) === "1";
}

/**
 * Runs a command and ends the process: `--help` prints the help, an error becomes one message on
 * stderr with its `exitCode` (1 without one, 2 for a {@linkcode UsageError}).
 *
 * `HANDRAIL_DEBUG=1` adds the stack of an error.
 *
 * @param main The command itself; a number that it returns is the exit code.
 */
export async function runCommand(
  command: Command,
  args: readonly string[],
  main: (args: readonly string[]) => void | number | Promise<void | number>,
): Promise<never> {
  const end = args.indexOf("--");
  const flags = end < 0 ? args : args.slice(0, end);
  if (flags.includes("--help") || flags.includes("-h")) {
    await write(Deno.stdout, renderHelp(command));
    Deno.exit(0);
  }
  let code = 0;
  try {
    code = await main(args) ?? 0;
  } catch (error) {
    code = exitCodeOf(error);
    const stack = debugging() && error instanceof Error ? `\n${error.stack}` : "";
    await write(Deno.stderr, `error: ${errorMessage(error)}${stack}\n`);
  }
  Deno.exit(code);
}

function exitCodeOf(error: unknown): number {
  const code = error instanceof Error && "exitCode" in error ? error.exitCode : 1;
  return typeof code === "number" ? code : 1;
}

async function write(stream: { write(data: Uint8Array): Promise<number> }, text: string) {
  let rest = new TextEncoder().encode(text);
  while (rest.length > 0) rest = rest.subarray(await stream.write(rest));
}
