/**
 * The part of `@std/yaml` that we use, under its names and signatures, on `npm:yaml` (YAML 1.2).
 *
 * That package asks for two environment variables, so a program needs
 * `--allow-env=LOG_TOKENS,LOG_STREAM` or more.
 *
 * @module
 */

import { parse as parseYaml, stringify as stringifyYaml, YAMLParseError } from "npm:yaml@2.9.1";

/** Options of {@linkcode stringify}. */
export interface StringifyOptions {
  /** Spaces of one level. Default 2. */
  indent?: number;
  /** Column at which long text is folded, -1 for never. Default 80. */
  lineWidth?: number;
  /** Whether the keys of a mapping are sorted. Default false. */
  sortKeys?: boolean;
}

/**
 * Parses one YAML document.
 *
 * @example
 * ```ts
 * console.log(parse("learning_rate: 3e-4")); // { learning_rate: 0.0003 }
 * ```
 *
 * @throws {SyntaxError} With line and column, if the text is no YAML or repeats a key.
 */
export function parse(content: string): unknown {
  try {
    // The library's own level also prints warnings by process.emitWarning.
    return parseYaml(content, { logLevel: "error" });
  } catch (error) {
    if (error instanceof YAMLParseError || error instanceof ReferenceError) {
      throw new SyntaxError(`Cannot parse YAML: ${error.message.trim()}`);
    }
    throw error;
  }
}

/** Writes a value as one YAML document that ends in a line break. */
export function stringify(data: unknown, options: StringifyOptions = {}): string {
  const { indent = 2, lineWidth = 80, sortKeys = false } = options;
  return stringifyYaml(data, {
    indent,
    lineWidth: lineWidth < 0 ? 0 : lineWidth,
    sortMapEntries: sortKeys,
    flowCollectionPadding: false,
  });
}
