/**
 * The schema of a sweep file: what its keys may be, what they mean, and their defaults.
 *
 * @module
 */

import { jsonSchemaOf, z } from "../training/config_schema.ts";

const overrides = z.record(z.string(), z.unknown());

/** Name of an arm: it becomes part of a folder's name. */
const armName = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** The schema of a sweep file; its keys are in the order in which a resolved one is written. */
// deno-lint-ignore explicit-module-boundary-types -- internal: its type is the schema
export const sweepSchema = z.strictObject({
  name: z.string().regex(armName, {
    error: "must begin with a letter or digit, followed by letters, digits, '.', '_' or '-'",
  }).optional().describe(
    "Name of the sweep and of its folder below runs/. Default: the name of the file.",
  ),
  base: z.union([z.string().min(1), overrides], { error: "must be a config file or a mapping" })
    .describe(
      "The config that all runs start from: a file, relative to this one, or a mapping of its keys.",
    ),
  overrides: overrides.default({}).describe(
    "Keys laid over the base of every run, nested or dotted (guidance.ratio). Default: none.",
  ),
  arms: z.record(
    z.string().regex(armName, {
      error:
        "must have names of letters, digits, '.', '_' and '-' that begin with one of the first",
    }),
    overrides.nullable(),
  ).default({}).describe(
    "The methods to compare: a name and the keys laid over the base for it. Default: one, the base.",
  ),
  axes: z.record(z.string(), z.array(z.unknown()).min(1)).default({}).describe(
    "Keys (dotted) with a list of values each; every combination is run, for every arm. Default: none.",
  ),
  seeds: z.array(z.int().min(0)).min(1).optional().describe(
    "Every arm is run once with each seed. Default: the seed of the base.",
  ),
  share_warm_start: z.boolean().default(true).describe(
    "Train a warm start (sft.steps > 0) once a seed, for all runs whose warm start is the same, " +
      "instead of once a run. Default: true.",
  ),
});

/** A checked sweep file. */
export type SweepFile = z.output<typeof sweepSchema>;

/** The names of its keys. */
export const sweepKeys: readonly string[] = Object.keys(sweepSchema.shape);

/** The JSON Schema of a sweep file, for editors. */
export function sweepJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = jsonSchemaOf(sweepSchema);
  return { $schema, title: "Handrail sweep", ...rest };
}
