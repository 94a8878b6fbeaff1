/**
 * Reads op_table.txt (libtorch's own schema lines) and writes
 *  - ffi/generated/sources.ts: the C++ of the shim as strings, so that an import by URL needs no file of ours;
 *  - ffi/generated/symbols.ts: the FFI signature of every generated op;
 *  - src/tensor/ops.ts: one typed TypeScript function an op.
 *
 * `deno task generate-ops` writes them; with `--check` nothing is written and a difference ends with exit code 1.
 */
import { hashText } from "./cache.ts";

/** One argument of a schema. */
interface Argument {
  readonly type: string;
  readonly name: string;
  readonly fallback?: string;
}

/** One line of the op table, parsed. */
interface Op {
  readonly name: string;
  readonly schema: string;
  readonly base: string;
  readonly overload: string;
  readonly args: readonly Argument[];
  readonly returns: string;
  readonly inPlace: boolean;
}

/** How one schema type crosses the boundary. */
interface Crossing {
  /** C++ parameters. */
  readonly cpp: readonly string[];
  /** FFI types, one for each C++ parameter. */
  readonly ffi: readonly string[];
  /** The C++ expression given to the op. */
  readonly call: string;
  /** A C++ statement before the call: reads a list from the scratch buffer. */
  readonly before?: string;
  /** The TypeScript type of the parameter. */
  readonly ts: string;
  /** The TypeScript expressions, one for each C++ parameter. */
  readonly pass: readonly string[];
  /** A TypeScript statement before the call: writes a list to the scratch buffer. */
  readonly write?: string;
}

const root = new URL("..", import.meta.url);

function splitTop(text: string): string[] {
  const parts: string[] = [];
  let depth = 0, part = "";
  for (const ch of text) {
    if ("([".includes(ch)) depth++;
    if (")]".includes(ch)) depth--;
    if (ch === "," && depth === 0) {
      parts.push(part.trim());
      part = "";
    } else part += ch;
  }
  if (part.trim() !== "") parts.push(part.trim());
  return parts;
}

/** Parses `name: base.overload(args) -> returns`. */
function parseLine(line: string): Op {
  const match = /^(\w+): (((\w+)(?:\.(\w+))?)\((.*)\) -> (.*))$/.exec(line);
  if (match === null) throw new Error(`ffi/op_table.txt: cannot read the line '${line}'`);
  const [, name, schema, , base, overload, list, returns] = match;
  const args = splitTop(list).filter((arg) => arg !== "*").map((arg): Argument => {
    const parts = /^(\S+)\s+(\w+)(?:=(.*))?$/.exec(arg.replace(/\([a-z]!?(?: -> \*)?\)/, ""));
    if (parts === null) throw new Error(`ffi/op_table.txt: cannot read '${arg}' of '${name}'`);
    return {
      type: parts[1].replace(/\[\d+\]/, "[]"),
      name: parts[2],
      ...(parts[3] === undefined ? {} : { fallback: parts[3] }),
    };
  });
  return {
    name,
    schema,
    base,
    overload: overload ?? "",
    args,
    returns: returns.replace(/\([a-z]!?\)/g, ""),
    inPlace: /\([a-z]!\)/.test(returns) || returns === "()",
  };
}

/** What an argument is called where libtorch's own name says too little. */
const renamed = new Map([["from", "low"], ["to", "high"]]);

function nameOf(arg: Argument): string {
  return renamed.get(arg.name) ?? arg.name;
}

function camelCase(name: string): string {
  return name.replace(/_(\w)/g, (_, c: string) => c.toUpperCase());
}

/** Checks that libtorch leaves out, so that it would crash or give a broken tensor; C++ before the call. */
const guards: Readonly<Record<string, string>> = {
  // With int64 it divides the whole range by the step, which overflows for -2^63 / -1.
  arange_start_step: "hr::check_range(start, end, step);",
  // With enable_gqa it divides by the number of key and value heads.
  scaled_dot_product_attention:
    "hr::check_attention(hr::get(query), hr::get(key), hr::get(value), enable_gqa != 0);",
};

/** Arguments that no caller of ours sets. */
const omitted = new Set([
  "Layout?",
  "MemoryFormat?",
  "MemoryFormat",
  "Generator?",
  "str?",
]);

function omittedValue(type: string): string {
  return type === "MemoryFormat" ? "at::MemoryFormat::Contiguous" : "std::nullopt";
}

function cross(op: Op, arg: Argument): Crossing {
  const n = nameOf(arg), camel = camelCase(n);
  const one = (c: string, ffi: string, call: string, ts: string, pass: string): Crossing => ({
    cpp: [`${c} ${n}`],
    ffi: [ffi],
    call,
    ts,
    pass: [pass],
  });
  const optional = (helper: string): Crossing => ({
    cpp: [`uint8_t has_${n}`, `double ${n}`],
    ffi: ["u8", "f64"],
    call: `hr::${helper}(has_${n}, ${n})`,
    ts: "number | null",
    pass: [`${camel} === null ? 0 : 1`, `${camel} ?? 0`],
  });
  const list = (
    helper: string,
    call: string,
    ts: string,
    put: string,
    nullable = false,
  ): Crossing => ({
    cpp: [`int32_t n_${n}`],
    ffi: ["i32"],
    call,
    before: `auto v_${n} = hr::${helper}(n_${n}, p);`,
    ts: nullable ? `${ts} | null` : ts,
    pass: [nullable ? `${camel} === null ? -1 : ${camel}.length` : `${camel}.length`],
    write: nullable
      ? `if (${camel} !== null) at = ${put}(${camel}, at, "${op.name}");`
      : `at = ${put}(${camel}, at, "${op.name}");`,
  });
  switch (arg.type) {
    case "Tensor":
      return one("uint32_t", "u32", `hr::get(${n})`, "Tensor", `handleOf(${camel})`);
    case "Tensor?":
      return one(
        "uint32_t",
        "u32",
        `hr::maybe(${n})`,
        "Tensor | null",
        `${camel} === null ? 0 : handleOf(${camel})`,
      );
    case "Scalar":
      return one("double", "f64", `hr::scalar(${n})`, "number", camel);
    case "Scalar?":
      return optional("maybe_scalar");
    case "int":
    case "SymInt":
      return one("double", "f64", `hr::integer(${n})`, "number", camel);
    case "int?":
      return optional("maybe_integer");
    case "SymInt?":
      return optional("maybe_symint");
    case "float":
      return one("double", "f64", n, "number", camel);
    case "float?":
      return optional("maybe_float");
    case "bool":
      return one("uint8_t", "u8", `${n} != 0`, "boolean", `${camel} ? 1 : 0`);
    case "ScalarType":
      return one("int32_t", "i32", `hr::dtype(${n})`, "DType", `dtypeCode(${camel}, "${op.name}")`);
    case "ScalarType?":
      return one(
        "int32_t",
        "i32",
        `hr::maybe_dtype(${n})`,
        "DType | null",
        `${camel} === null ? -1 : dtypeCode(${camel}, "${op.name}")`,
      );
    case "Device":
      return one(
        "int32_t",
        "i32",
        `hr::device(${n})`,
        "Device",
        `deviceCode(${camel}, "${op.name}")`,
      );
    case "Device?":
      return one(
        "int32_t",
        "i32",
        `hr::maybe_device(${n})`,
        "Device | null",
        `${camel} === null ? -1 : deviceCode(${camel}, "${op.name}")`,
      );
    case "int[]":
      return list("integers", `at::IntArrayRef(v_${n})`, "readonly number[]", "putNumbers");
    case "SymInt[]":
      return list(
        "integers",
        `c10::fromIntArrayRefSlow(v_${n})`,
        "readonly number[]",
        "putNumbers",
      );
    case "int[]?":
      return list(
        "integers",
        `n_${n} < 0 ? at::OptionalIntArrayRef() : at::OptionalIntArrayRef(v_${n})`,
        "readonly number[]",
        "putNumbers",
        true,
      );
    case "Tensor[]":
      return list("tensors", `v_${n}`, "readonly Tensor[]", "putTensors");
    case "Tensor?[]":
      return list("maybe_tensors", `v_${n}`, "readonly (Tensor | null)[]", "putMaybeTensors");
    default:
      throw new Error(`ffi/op_table.txt: '${op.name}' has an argument of type '${arg.type}'`);
  }
}

function fallbackOf(op: Op, arg: Argument): string {
  const value = arg.fallback;
  if (value === undefined) return "";
  const known: Record<string, string> = { None: "null", True: "true", False: "false", "[]": "[]" };
  if (known[value] !== undefined) return ` = ${known[value]}`;
  if (/^-?[\d.]+$/.test(value)) return ` = ${Number(value)}`;
  throw new Error(`ffi/op_table.txt: '${op.name}' has a default '${value}'`);
}

function generateOp(op: Op): { cpp: string; symbol: string; ts: string } {
  const cppParams: string[] = [], ffi: string[] = [], call: string[] = [], before: string[] = [];
  const tsParams: string[] = [], pass: string[] = [], write: string[] = [], tensors: string[] = [];
  for (const arg of op.args) {
    if (omitted.has(arg.type) || arg.name === "pin_memory") {
      call.push(omittedValue(arg.type));
      continue;
    }
    const crossing = cross(op, arg);
    const name = camelCase(nameOf(arg));
    cppParams.push(...crossing.cpp);
    ffi.push(...crossing.ffi);
    call.push(crossing.call);
    if (crossing.before !== undefined) before.push(crossing.before);
    tsParams.push(`${name}: ${crossing.ts}${fallbackOf(op, arg)}`);
    pass.push(...crossing.pass);
    if (crossing.write !== undefined) write.push(crossing.write);
    if (arg.type === "Tensor" || arg.type === "Tensor?") tensors.push(name);
    if (arg.type === "Tensor[]" || arg.type === "Tensor?[]") tensors.push(`...${name}`);
  }
  const struct = op.overload === "" ? op.base : `${op.base}_${op.overload}`;
  const symbol = `op_${struct}`;
  const invoke = `at::_ops::${struct}::call(${call.join(", ")})`;
  const many = op.returns.startsWith("(") && !op.inPlace ? splitTop(op.returns.slice(1, -1)) : [];
  const pre = (before.length > 0 ? "const double* p = hr::scratch(); " : "") + before.join(" ") +
    (guards[struct] ?? "");
  const native = `native().${symbol}(${pass.join(", ")})`;
  const failure = `fail("${op.name}", [${tensors.join(", ")}])`;
  let result: string, body: string, status: string, tsReturn: string, tsBody: string;
  if (op.inPlace) {
    [result, status, body] = ["int32_t", "-1", `${invoke}; return 0;`];
    [tsReturn, tsBody] = ["void", `if (${native} < 0) ${failure};`];
  } else if (op.returns === "Tensor") {
    [result, status, body] = ["uint32_t", "0", `return hr::put(${invoke});`];
    tsReturn = "Tensor";
    tsBody = `const handle = ${native};\n  if (handle === 0) ${failure};\n  return adopt(handle);`;
  } else if (op.returns === "Tensor[]") {
    [result, status, body] = ["int32_t", "-1", `return hr::put_all(${invoke});`];
    tsReturn = "Tensor[]";
    tsBody = `const count = ${native};\n  if (count < 0) ${failure};\n  return adoptMany(count);`;
  } else if (many.length > 0) {
    const puts = many.map((_, i) => `hr::scratch()[${i}] = hr::put(std::get<${i}>(r));`).join(" ");
    [result, status, body] = [
      "int32_t",
      "-1",
      `auto r = ${invoke}; ${puts} return ${many.length};`,
    ];
    tsReturn = `[${many.map((m) => `${m.split(/\s+/)[1]}: Tensor`).join(", ")}]`;
    tsBody = `const count = ${native};\n  if (count < 0) ${failure};\n` +
      `  return adoptMany(count) as ${tsReturn};`;
  } else if (op.returns === "bool" || op.returns === "Scalar") {
    const value = op.returns === "bool" ? `${invoke} ? 1 : 0` : `${invoke}.to<double>()`;
    [result, status, body] = ["int32_t", "-1", `hr::scratch()[0] = ${value}; return 0;`];
    tsReturn = op.returns === "bool" ? "boolean" : "number";
    tsBody = `if (${native} < 0) ${failure};\n  return scratchNumber()${
      op.returns === "bool" ? " === 1" : ""
    };`;
  } else throw new Error(`ffi/op_table.txt: '${op.name}' returns '${op.returns}'`);
  const lists = write.length > 0 ? `let at = 0;\n  ${write.join("\n  ")}\n  ` : "";
  return {
    cpp: `HR_EXPORT ${result} ${symbol}(${cppParams.join(", ")}) {\n  HR_TRY ${pre}${
      pre === "" ? "" : " "
    }${body} HR_CATCH(${status})\n}`,
    symbol: `  ${symbol}: { parameters: ${JSON.stringify(ffi)}, result: "${
      { int32_t: "i32", uint32_t: "u32" }[result]
    }" },`,
    ts: `/** libtorch's \`${op.schema}\`. */\nexport function ${op.name}(${
      tsParams.join(", ")
    }): ${tsReturn} {\n  ${lists}${tsBody}\n}`,
  };
}

/** libtorch keeps an in-place op in the header of its base op. */
function headerOf(base: string): string {
  return base.replace(/_$/, "");
}

async function format(text: string): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext", "ts", "--line-width", "100", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { success, stdout } = await child.output();
  if (!success) throw new Error("deno fmt refused the generated code");
  return new TextDecoder().decode(stdout);
}

async function generate(): Promise<Map<string, string>> {
  const read = (path: string) => Deno.readTextFile(new URL(path, root));
  const ops = (await read("ffi/op_table.txt")).split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("#")).map(parseLine);
  const made = ops.map(generateOp);
  const headers = [...new Set(ops.map((op) => headerOf(op.base)))].sort();
  const opsCpp = `// Made by ffi/generate.ts from ffi/op_table.txt.\n#include "shim.h"\n\n${
    headers.map((h) => `#include <ATen/ops/${h}_ops.h>`).join("\n")
  }\n\n${made.map((m) => m.cpp).join("\n")}\n`;
  const sources = [
    { name: "shim.h", text: await read("ffi/shim.h"), cuda: false },
    { name: "core.cpp", text: await read("ffi/core.cpp"), cuda: false },
    { name: "ops.cpp", text: opsCpp, cuda: false },
    { name: "cuda.cpp", text: await read("ffi/cuda.cpp"), cuda: true },
  ];
  const hash = await hashText(JSON.stringify(sources));
  const note = "// Made by ffi/generate.ts; change op_table.txt, shim.h, core.cpp or cuda.cpp.\n";
  const literal = (text: string) =>
    "`" + text.replaceAll("\\", "\\\\").replaceAll("`", "\\`").replaceAll("${", "\\${") + "`";
  return new Map([
    [
      "ffi/generated/sources.ts",
      `${note}
/** One source file of the shim. */
export interface ShimSource {
  /** File name. */
  readonly name: string;
  /** Its C++ text. */
  readonly text: string;
  /** Whether it needs CUDA's headers. */
  readonly cuda: boolean;
}

/** SHA-256 over all sources, in hexadecimal: part of the shim's cache key. */
export const sourceHash: string = "${hash}";

/** The C++ sources of the shim. */
export const sources: readonly ShimSource[] = [${
        sources.map((s) => `{ name: "${s.name}", cuda: ${s.cuda}, text: ${literal(s.text)} }`)
          .join(",\n")
      }];\n`,
    ],
    [
      "ffi/generated/symbols.ts",
      `${note}
/** FFI signatures of the generated ops. */
// deno-lint-ignore no-slow-types
export const opSymbols = {\n${made.map((m) => m.symbol).join("\n")}\n} as const;\n`,
    ],
    [
      "src/tensor/ops.ts",
      `${note}// Arguments are libtorch's, in its order; a wrong dtype, shape, device or index is a TensorError.
import { type Device, deviceCode, type DType, dtypeCode } from "./dtype.ts";
import { adopt, adoptMany, fail, handleOf, native, putMaybeTensors, putNumbers, putTensors, scratchNumber, type Tensor } from "./tensor.ts";

${made.map((m) => m.ts).join("\n\n")}\n`,
    ],
  ]);
}

if (import.meta.main) {
  const check = Deno.args.includes("--check");
  if (Deno.args.some((arg) => arg !== "--check")) {
    console.error("usage: deno task generate-ops [--check]");
    Deno.exit(2);
  }
  let stale = 0;
  for (const [path, text] of await generate()) {
    const url = new URL(path, root), formatted = await format(text);
    const current = await Deno.readTextFile(url).catch(() => "");
    if (current === formatted) continue;
    stale++;
    if (check) {
      console.error(`${path} is not what ffi/generate.ts makes: run deno task generate-ops`);
    } else {
      await Deno.mkdir(new URL(".", url), { recursive: true });
      await Deno.writeTextFile(url, formatted);
      console.log(`wrote ${path}`);
    }
  }
  if (check && stale > 0) Deno.exit(1);
}
