import { assert, assertEquals, assertStringIncludes, assertThrows } from "../../src/std/assert.ts";
import { configDefaults } from "../../src/training/config.ts";
import {
  describedJsonSchema,
  describeKeys,
  type JsonSchema,
} from "../../src/training/config_json_schema.ts";
import { isRecord } from "../../src/std/record.ts";
import { configJsonSchema, rewardKeys } from "../../src/training/config_schema.ts";
import shipped from "../../configs/schema.json" with { type: "json" };

const schema = shipped as unknown as JsonSchema;

function withoutDescriptions(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDescriptions);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => key !== "description" || typeof inner !== "string")
      .map(([key, inner]) => [key, withoutDescriptions(inner)]),
  );
}

Deno.test("configs/schema.json is that of the schema", () => {
  const { title, ...rest } = withoutDescriptions(schema) as JsonSchema;
  assertEquals(title, "Handrail config");
  assertEquals<unknown>(rest, configJsonSchema());
});

const columns = ["id", "prompt", "answer", "trace", "tier", "tests"];

Deno.test("every key is described, with the default that it has", () => {
  const keys = describeKeys(schema);
  const leaves = Object.entries(configDefaults).flatMap(([key, value]) =>
    key === "rewards"
      ? [...rewardKeys].flatMap(([name, options]) =>
        ["", ...(name === "modules" ? [] : options.map((option) => `.${option}`))]
          .map((rest): [string, unknown] => [`rewards.${name}${rest}`, undefined])
      )
      : typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.entries(value).flatMap(([inner, value]): [string, unknown][] => [
        [`${key}.${inner}`, value],
        ...(inner === "columns" ? columns : [])
          .map((column): [string, unknown] => [`${key}.${inner}.${column}`, undefined]),
      ])
      : [[key, value] as [string, unknown]]
  );
  assertEquals(keys.map(({ key }) => key), leaves.map(([key]) => key));
  for (const [index, [key, value]] of leaves.entries()) {
    if (key.startsWith("data.columns.")) continue; // by default as the data has them
    const { description } = keys[index];
    const stated = /Default: (.+)$/.exec(description)?.[1];
    assert(stated !== undefined, `${key} must say its default: ${description}`);
    if (value === undefined || (isRecord(value))) continue;
    if (key === "sft.mixture") continue;
    const first = Array.isArray(value) ? /^\[.*?\]/.exec(stated)![0] : stated.split(/,| \(|\.$/)[0];
    if (typeof value === "number") assertEquals(Number(first), value, key);
    else if (Array.isArray(value)) assertEquals(JSON.parse(first), value, key);
    else assertEquals(first, String(value), key);
  }
});

Deno.test("the parts of a mixture are described too", () => {
  const mixture = schema.properties?.sft.properties?.mixture.items;
  assertStringIncludes(mixture?.properties?.weight.description ?? "", "weight");
});

Deno.test("the options of a reward are described too", () => {
  const [, cosine] = schema.properties?.rewards.properties?.cosine.anyOf ?? [];
  assertStringIncludes(cosine?.properties?.max_length.description ?? "", "max_completion_length");
});

Deno.test("a key without a doc comment is refused by name", () => {
  assertThrows(() => describedJsonSchema({ nodes: {} }), Error, "key 'run_name'");
});
