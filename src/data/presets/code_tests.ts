/** Tests of programming problems, in the shapes that data sets write them in. */

import { asText } from "../columns.ts";
import { isRecord } from "../../std/record.ts";
import type { CodeTests, FunctionCase, StdinCase } from "../types.ts";

/** A case before it is known what kind of test it is. */
interface RawCase {
  readonly input: unknown;
  readonly output: unknown;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * The tests in a value, or in words why there are none. Known shapes, each also as JSON text:
 * a list of `{ input, output }`; `{ inputs: […], outputs: […], fn_name? }`;
 * `{ language?, test_cases: […] }`; and `{ kind, … }` as our own files have it. A case may carry `fn_name` and `type` or `testtype`.
 *
 * @param functionName The function to call, where the data names it elsewhere.
 */
export function readCodeTests(value: unknown, functionName?: string): CodeTests | string {
  if (typeof value === "string") value = parseJson(value);
  let language = "python";
  let cases: RawCase[];
  let name = functionName;
  if (isRecord(value) && value.kind !== undefined) return readOwnTests(value);
  if (isRecord(value)) {
    language = asText(value.language) ?? language;
    name ??= asText(value.fn_name) ?? undefined;
    if (value.test_cases !== undefined) value = value.test_cases;
  }
  if (typeof value === "string") value = parseJson(value);

  if (Array.isArray(value)) {
    if (!value.every(isRecord)) return "its tests are no list of objects";
    const called = value.map((test) => asText(test.fn_name)).filter((fn) => fn);
    const functional = value.filter((test) =>
      /^function/.test(asText(test.type ?? test.testtype) ?? "") || asText(test.fn_name)
    );
    if (functional.length > 0 && functional.length < value.length) {
      return "its tests are partly of a function and partly of a program";
    }
    if (new Set(called).size > 1) return "its tests call several functions";
    if (functional.length === 0) name = undefined;
    else {
      name ??= called[0] ?? undefined;
      if (name === undefined) return "its tests call a function that nothing names";
    }
    cases = value.map(({ input, output }) => ({ input, output }));
  } else if (isRecord(value) && Array.isArray(value.inputs) && Array.isArray(value.outputs)) {
    const { inputs, outputs } = value;
    if (inputs.length !== outputs.length) {
      return `it has ${inputs.length} test inputs and ${outputs.length} outputs`;
    }
    cases = inputs.map((input, i) => ({ input, output: outputs[i] }));
  } else return "it has no tests in a known shape";

  if (cases.length === 0) return "it has no tests";
  if (cases.some(({ input, output }) => input === undefined || output === undefined)) {
    return "a test has no input or no output";
  }
  return name === undefined ? stdinTests(language, cases) : functionTests(language, name, cases);
}

function stdinTests(language: string, raw: readonly RawCase[]): CodeTests | string {
  const text = (value: unknown) => Array.isArray(value) ? value.join("\n") : asText(value);
  const cases: StdinCase[] = [];
  for (const { input, output } of raw) {
    const [given, expected] = [text(input), text(output)];
    if (given === null || expected === null) return "a test's input or output is no text";
    cases.push({ input: given, output: expected });
  }
  return { kind: "stdin", language, cases };
}

function functionTests(
  language: string,
  functionName: string,
  raw: readonly RawCase[],
): CodeTests | string {
  // APPS and TACO wrap each returned value in a list of one.
  const wrapped = raw.every(({ output }) => Array.isArray(output) && output.length === 1);
  const cases: FunctionCase[] = [];
  for (const { input, output } of raw) {
    // LiveCodeBench writes each argument as JSON on a line of its own.
    const args = typeof input === "string"
      ? input.trim().split("\n").map(parseJson)
      : Array.isArray(input)
      ? input
      : [input];
    if (args.includes(undefined)) return "a test's arguments are no JSON";
    const expected = typeof output === "string"
      ? parseJson(output) ?? output
      : wrapped
      ? (output as unknown[])[0]
      : output;
    cases.push({ args, expected });
  }
  return { kind: "function", language, functionName, cases };
}

/** Tests as our own files hold them (`deno task data hints`), or in words what they lack. */
function readOwnTests(value: Readonly<Record<string, unknown>>): CodeTests | string {
  const { kind, language, cases, assertions, setup, entryPoint, functionName } = value;
  const isText = (one: unknown): one is string => typeof one === "string";
  if (!isText(language)) return "its tests name no language";
  if (kind === "assertions") {
    return Array.isArray(assertions) && assertions.length > 0 && assertions.every(isText) &&
        isText(setup) && (entryPoint === null || isText(entryPoint))
      ? { kind, language, setup, assertions, entryPoint }
      : "its assertions are no list of texts with 'setup' and 'entryPoint'";
  }
  if (!Array.isArray(cases) || cases.length === 0 || !cases.every(isRecord)) {
    return "its tests have no cases";
  }
  if (kind === "stdin") {
    const sound = cases.every(({ input, output }) => isText(input) && isText(output));
    return sound
      ? { kind, language, cases: cases as unknown as StdinCase[] }
      : "a test's input or output is no text";
  }
  if (kind === "function") {
    const sound = cases.every(({ args, expected }) =>
      Array.isArray(args) && expected !== undefined
    );
    return sound && isText(functionName)
      ? { kind, language, functionName, cases: cases as unknown as FunctionCase[] }
      : "a test has no 'args' or 'expected', or nothing names the function";
  }
  return `its tests are of an unknown kind: ${asText(kind)}`;
}

/** A solution as a fenced block, as an answer section holds it; empty for no code. */
export function fenced(code: string, language = "python"): string {
  const text = code.replaceAll("\r\n", "\n").trimEnd();
  return text.trim() === "" ? "" : `\`\`\`${language}\n${text}\n\`\`\``;
}
