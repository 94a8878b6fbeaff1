/**
 * The JSON Schema of a config, for editors: the shapes and defaults of the schema, and as
 * descriptions the doc comments of the `Config` interface, as `deno doc --json` reads them. So each
 * key is described in one place.
 *
 * @module
 */

import { configJsonSchema } from "./config_schema.ts";

/** A JSON Schema, as far as this module reads it. */
export interface JsonSchema {
  /** What the value means. */
  description?: string;
  /** The keys of a mapping. */
  properties?: Record<string, JsonSchema>;
  /** The parts of a list. */
  items?: JsonSchema;
  /** The forms that a value may have. */
  anyOf?: JsonSchema[];
  /** The value of a key that is not given. */
  default?: unknown;
  /** Every other keyword. */
  [keyword: string]: unknown;
}

/** What `deno doc --json` tells of an interface, as far as this module reads it. */
interface DocInterface {
  readonly properties?: readonly {
    readonly name: string;
    readonly jsDoc?: { readonly doc?: string };
    readonly tsType?: DocType;
  }[];
}

interface DocType {
  readonly kind: string;
  readonly value?: unknown;
}

/**
 * The whole schema, described.
 *
 * @param documentation The output of `deno doc --json src/training/config.ts`, parsed.
 * @throws {Error} Names the key that has no doc comment.
 */
export function describedJsonSchema(documentation: unknown): JsonSchema {
  const interfaces = readInterfaces(documentation);
  const { $schema, ...rest } = configJsonSchema();
  const schema: JsonSchema = { $schema, title: "Handrail config", ...rest };
  describe(schema, "Config", "", interfaces);
  return schema;
}

function readInterfaces(documentation: unknown): Map<string, DocInterface> {
  const { nodes } = documentation as {
    nodes: Record<
      string,
      {
        symbols: {
          name: string;
          declarations: { kind: string; def: DocInterface }[];
        }[];
      }
    >;
  };
  return new Map(
    Object.values(nodes).flatMap(({ symbols }) =>
      symbols.flatMap(({ name, declarations }) =>
        declarations.filter(({ kind }) => kind === "interface")
          .map(({ def }): [string, DocInterface] => [name, def])
      )
    ),
  );
}

function describe(
  schema: JsonSchema,
  name: string,
  prefix: string,
  interfaces: ReadonlyMap<string, DocInterface>,
): void {
  const documented = new Map(
    interfaces.get(name)?.properties?.map((property) => [property.name, property]),
  );
  for (const [key, inner] of Object.entries(schema.properties ?? {})) {
    const property = documented.get(key);
    const text = property?.jsDoc?.doc?.replaceAll(/\s+/g, " ").trim();
    if (!text) {
      throw new Error(
        `Cannot describe key '${prefix}${key}': interface ${name} in src/training/config.ts must ` +
          `have a doc comment for it`,
      );
    }
    inner.description = text;
    const type = typeName(property?.tsType);
    if (type !== undefined && interfaces.has(type)) {
      describe(mappingOf(inner), type, `${prefix}${key}.`, interfaces);
    }
  }
}

/** Where the keys of a value stand: its own, those of a list's parts, or of the one mapping that it may be. */
function mappingOf(schema: JsonSchema): JsonSchema {
  return schema.items ?? schema.anyOf?.find(({ properties }) => properties !== undefined) ?? schema;
}

/** The interface that a property's type names, if it names one: `Name`, `Name[]` or `number | Name`. */
function typeName(type: DocType | undefined): string | undefined {
  if (type?.kind === "array") return typeName(type.value as DocType);
  if (type?.kind === "union") {
    return (type.value as DocType[]).map(typeName).find((name) => name !== undefined);
  }
  if (type?.kind === "typeRef") return (type.value as { typeName: string }).typeName;
  return undefined;
}

/** One row of a table of keys. */
export interface KeyDescription {
  /** Dotted name. */
  readonly key: string;
  /** What it means, with its default. */
  readonly description: string;
}

/** Every key of a described schema with its description, options of a value behind it; for `--help`. */
export function describeKeys(schema: JsonSchema, prefix: string = ""): KeyDescription[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => [
    ...(inner.properties ? [] : [{
      key: `${prefix}${key}`,
      description: inner.description ?? "",
    }]),
    ...describeKeys(inner.items ? {} : mappingOf(inner), `${prefix}${key}.`),
  ]);
}
