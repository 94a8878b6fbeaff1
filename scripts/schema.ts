/** Writes configs/schema.json and configs/sweeps/schema.json, by which editors complete and check YAML files. */

import { type Command, parseCommand, runCommand } from "../src/std/help.ts";
import { sweepJsonSchema } from "../src/sweep/sweep_schema.ts";
import { describedJsonSchema } from "../src/training/config_json_schema.ts";

const command: Command = {
  name: "deno task schema",
  summary:
    "Write configs/schema.json and configs/sweeps/schema.json, the JSON Schemas of a config " +
    "and of a sweep.",
  usage: "[--check]",
  options: [{ name: "check", description: "Write nothing; exit 1 if a file is out of date" }],
};

const source = new URL("../src/training/config.ts", import.meta.url);

/** The text that configs/schema.json should have. */
export async function schemaText(): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", source.href],
  }).output();
  if (!success) {
    throw new Error(`Cannot read the doc comments: ${new TextDecoder().decode(stderr)}`);
  }
  const schema = describedJsonSchema(JSON.parse(new TextDecoder().decode(stdout)));
  return `${JSON.stringify(schema, null, 2)}\n`;
}

/** The text that configs/sweeps/schema.json should have. */
export function sweepSchemaText(): string {
  return `${JSON.stringify(sweepJsonSchema(), null, 2)}\n`;
}

async function main(args: readonly string[]): Promise<number> {
  const { options } = parseCommand(command, args, 0);
  const files: [string, string][] = [
    ["configs/schema.json", await schemaText()],
    ["configs/sweeps/schema.json", sweepSchemaText()],
  ];
  let code = 0;
  for (const [file, text] of files) {
    const target = new URL(`../${file}`, import.meta.url);
    if (!options.check) {
      await Deno.writeTextFile(target, text);
    } else if (await Deno.readTextFile(target).catch(() => undefined) !== text) {
      console.error(`${file} is out of date: run deno task schema`);
      code = 1;
    }
  }
  return code;
}

if (import.meta.main) await runCommand(command, Deno.args, main);
