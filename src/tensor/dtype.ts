/** Element types and devices, and their codes in libtorch. */

/** Element type of a tensor. */
export type DType =
  | "uint8"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "float16"
  | "float32"
  | "float64"
  | "bool"
  | "bfloat16";

/** Where a tensor lives: `cpu`, `cuda` (the first GPU) or `cuda:N`. */
export type Device = "cpu" | "cuda" | `cuda:${number}`;

// c10::ScalarType
const codes: Record<DType, number> = {
  uint8: 0,
  int8: 1,
  int16: 2,
  int32: 3,
  int64: 4,
  float16: 5,
  float32: 6,
  float64: 7,
  bool: 11,
  bfloat16: 15,
};
const names = new Map(Object.entries(codes).map(([name, code]) => [code, name as DType]));

/** Bytes of one element. */
export const itemSize: Record<DType, number> = {
  uint8: 1,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  float16: 2,
  float32: 4,
  float64: 8,
  bool: 1,
  bfloat16: 2,
};

/** libtorch's code of a dtype; a name that is none is a TypeError that begins with `op`. */
export function dtypeCode(dtype: DType, op: string): number {
  if (!Object.hasOwn(codes, dtype)) {
    throw new TypeError(
      `${op}: unknown dtype '${dtype}': known are ${Object.keys(codes).join(", ")}`,
    );
  }
  return codes[dtype];
}

/** The dtype of a libtorch code. */
export function dtypeOf(code: number): DType {
  const name = names.get(code);
  if (name === undefined) throw new TypeError(`libtorch's dtype code ${code} is not supported`);
  return name;
}

/** The shim's code of a device: 0 is the CPU, n + 1 the n-th GPU. An unknown one is a TypeError that begins with `op`. */
export function deviceCode(device: Device, op: string): number {
  if (device === "cpu") return 0;
  const match = /^cuda(?::(\d{1,2}))?$/.exec(device);
  if (match === null) {
    throw new TypeError(`${op}: unknown device '${device}': known are cpu, cuda, cuda:N`);
  }
  return Number(match[1] ?? 0) + 1;
}

/** The device of a shim code. */
export function deviceOf(code: number): Device {
  return code === 0 ? "cpu" : `cuda:${code - 1}`;
}
