// Made by ffi/generate.ts; change op_table.txt, shim.h, core.cpp or cuda.cpp.
// Arguments are libtorch's, in its order; a wrong dtype, shape, device or index is a TensorError.
import { type Device, deviceCode, type DType, dtypeCode } from "./dtype.ts";
import {
  adopt,
  adoptMany,
  fail,
  handleOf,
  native,
  putMaybeTensors,
  putNumbers,
  putTensors,
  scratchNumber,
  type Tensor,
} from "./tensor.ts";

/** libtorch's `add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor`. */
export function add(self: Tensor, other: Tensor, alpha: number = 1): Tensor {
  const handle = native().op_add_Tensor(handleOf(self), handleOf(other), alpha);
  if (handle === 0) fail("add", [self, other]);
  return adopt(handle);
}

/** libtorch's `add.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor`. */
export function addScalar(self: Tensor, other: number, alpha: number = 1): Tensor {
  const handle = native().op_add_Scalar(handleOf(self), other, alpha);
  if (handle === 0) fail("addScalar", [self]);
  return adopt(handle);
}

/** libtorch's `add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)`. */
export function addInPlace(self: Tensor, other: Tensor, alpha: number = 1): void {
  if (native().op_add__Tensor(handleOf(self), handleOf(other), alpha) < 0) {
    fail("addInPlace", [self, other]);
  }
}

/** libtorch's `add_.Scalar(Tensor(a!) self, Scalar other, Scalar alpha=1) -> Tensor(a!)`. */
export function addScalarInPlace(self: Tensor, other: number, alpha: number = 1): void {
  if (native().op_add__Scalar(handleOf(self), other, alpha) < 0) fail("addScalarInPlace", [self]);
}

/** libtorch's `sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor`. */
export function sub(self: Tensor, other: Tensor, alpha: number = 1): Tensor {
  const handle = native().op_sub_Tensor(handleOf(self), handleOf(other), alpha);
  if (handle === 0) fail("sub", [self, other]);
  return adopt(handle);
}

/** libtorch's `sub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor`. */
export function subScalar(self: Tensor, other: number, alpha: number = 1): Tensor {
  const handle = native().op_sub_Scalar(handleOf(self), other, alpha);
  if (handle === 0) fail("subScalar", [self]);
  return adopt(handle);
}

/** libtorch's `rsub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor`. */
export function rsubScalar(self: Tensor, other: number, alpha: number = 1): Tensor {
  const handle = native().op_rsub_Scalar(handleOf(self), other, alpha);
  if (handle === 0) fail("rsubScalar", [self]);
  return adopt(handle);
}

/** libtorch's `mul.Tensor(Tensor self, Tensor other) -> Tensor`. */
export function mul(self: Tensor, other: Tensor): Tensor {
  const handle = native().op_mul_Tensor(handleOf(self), handleOf(other));
  if (handle === 0) fail("mul", [self, other]);
  return adopt(handle);
}

/** libtorch's `mul.Scalar(Tensor self, Scalar other) -> Tensor`. */
export function mulScalar(self: Tensor, other: number): Tensor {
  const handle = native().op_mul_Scalar(handleOf(self), other);
  if (handle === 0) fail("mulScalar", [self]);
  return adopt(handle);
}

/** libtorch's `mul_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)`. */
export function mulInPlace(self: Tensor, other: Tensor): void {
  if (native().op_mul__Tensor(handleOf(self), handleOf(other)) < 0) {
    fail("mulInPlace", [self, other]);
  }
}

/** libtorch's `mul_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)`. */
export function mulScalarInPlace(self: Tensor, other: number): void {
  if (native().op_mul__Scalar(handleOf(self), other) < 0) fail("mulScalarInPlace", [self]);
}

/** libtorch's `div.Tensor(Tensor self, Tensor other) -> Tensor`. */
export function div(self: Tensor, other: Tensor): Tensor {
  const handle = native().op_div_Tensor(handleOf(self), handleOf(other));
  if (handle === 0) fail("div", [self, other]);
  return adopt(handle);
}

/** libtorch's `div.Scalar(Tensor self, Scalar other) -> Tensor`. */
export function divScalar(self: Tensor, other: number): Tensor {
  const handle = native().op_div_Scalar(handleOf(self), other);
  if (handle === 0) fail("divScalar", [self]);
  return adopt(handle);
}

/** libtorch's `div_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)`. */
export function divInPlace(self: Tensor, other: Tensor): void {
  if (native().op_div__Tensor(handleOf(self), handleOf(other)) < 0) {
    fail("divInPlace", [self, other]);
  }
}

/** libtorch's `addcmul(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor`. */
export function addcmul(self: Tensor, tensor1: Tensor, tensor2: Tensor, value: number = 1): Tensor {
  const handle = native().op_addcmul(handleOf(self), handleOf(tensor1), handleOf(tensor2), value);
  if (handle === 0) fail("addcmul", [self, tensor1, tensor2]);
  return adopt(handle);
}

/** libtorch's `neg(Tensor self) -> Tensor`. */
export function neg(self: Tensor): Tensor {
  const handle = native().op_neg(handleOf(self));
  if (handle === 0) fail("neg", [self]);
  return adopt(handle);
}

/** libtorch's `exp(Tensor self) -> Tensor`. */
export function exp(self: Tensor): Tensor {
  const handle = native().op_exp(handleOf(self));
  if (handle === 0) fail("exp", [self]);
  return adopt(handle);
}

/** libtorch's `log(Tensor self) -> Tensor`. */
export function log(self: Tensor): Tensor {
  const handle = native().op_log(handleOf(self));
  if (handle === 0) fail("log", [self]);
  return adopt(handle);
}

/** libtorch's `sqrt(Tensor self) -> Tensor`. */
export function sqrt(self: Tensor): Tensor {
  const handle = native().op_sqrt(handleOf(self));
  if (handle === 0) fail("sqrt", [self]);
  return adopt(handle);
}

/** libtorch's `rsqrt(Tensor self) -> Tensor`. */
export function rsqrt(self: Tensor): Tensor {
  const handle = native().op_rsqrt(handleOf(self));
  if (handle === 0) fail("rsqrt", [self]);
  return adopt(handle);
}

/** libtorch's `abs(Tensor self) -> Tensor`. */
export function abs(self: Tensor): Tensor {
  const handle = native().op_abs(handleOf(self));
  if (handle === 0) fail("abs", [self]);
  return adopt(handle);
}

/** libtorch's `sin(Tensor self) -> Tensor`. */
export function sin(self: Tensor): Tensor {
  const handle = native().op_sin(handleOf(self));
  if (handle === 0) fail("sin", [self]);
  return adopt(handle);
}

/** libtorch's `cos(Tensor self) -> Tensor`. */
export function cos(self: Tensor): Tensor {
  const handle = native().op_cos(handleOf(self));
  if (handle === 0) fail("cos", [self]);
  return adopt(handle);
}

/** libtorch's `pow.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor`. */
export function powScalar(self: Tensor, exponent: number): Tensor {
  const handle = native().op_pow_Tensor_Scalar(handleOf(self), exponent);
  if (handle === 0) fail("powScalar", [self]);
  return adopt(handle);
}

/** libtorch's `pow.Scalar(Scalar self, Tensor exponent) -> Tensor`. */
export function powBase(self: number, exponent: Tensor): Tensor {
  const handle = native().op_pow_Scalar(self, handleOf(exponent));
  if (handle === 0) fail("powBase", [exponent]);
  return adopt(handle);
}

/** libtorch's `silu(Tensor self) -> Tensor`. */
export function silu(self: Tensor): Tensor {
  const handle = native().op_silu(handleOf(self));
  if (handle === 0) fail("silu", [self]);
  return adopt(handle);
}

/** libtorch's `dropout(Tensor input, float p, bool train) -> Tensor`. */
export function dropout(input: Tensor, p: number, train: boolean): Tensor {
  const handle = native().op_dropout(handleOf(input), p, train ? 1 : 0);
  if (handle === 0) fail("dropout", [input]);
  return adopt(handle);
}

/** libtorch's `clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor`. */
export function clamp(self: Tensor, min: number | null = null, max: number | null = null): Tensor {
  const handle = native().op_clamp(
    handleOf(self),
    min === null ? 0 : 1,
    min ?? 0,
    max === null ? 0 : 1,
    max ?? 0,
  );
  if (handle === 0) fail("clamp", [self]);
  return adopt(handle);
}

/** libtorch's `minimum(Tensor self, Tensor other) -> Tensor`. */
export function minimum(self: Tensor, other: Tensor): Tensor {
  const handle = native().op_minimum(handleOf(self), handleOf(other));
  if (handle === 0) fail("minimum", [self, other]);
  return adopt(handle);
}

/** libtorch's `maximum(Tensor self, Tensor other) -> Tensor`. */
export function maximum(self: Tensor, other: Tensor): Tensor {
  const handle = native().op_maximum(handleOf(self), handleOf(other));
  if (handle === 0) fail("maximum", [self, other]);
  return adopt(handle);
}

/** libtorch's `eq.Tensor(Tensor self, Tensor other) -> Tensor`. */
export function eq(self: Tensor, other: Tensor): Tensor {
  const handle = native().op_eq_Tensor(handleOf(self), handleOf(other));
  if (handle === 0) fail("eq", [self, other]);
  return adopt(handle);
}

/** libtorch's `eq.Scalar(Tensor self, Scalar other) -> Tensor`. */
export function eqScalar(self: Tensor, other: number): Tensor {
  const handle = native().op_eq_Scalar(handleOf(self), other);
  if (handle === 0) fail("eqScalar", [self]);
  return adopt(handle);
}

/** libtorch's `ne.Scalar(Tensor self, Scalar other) -> Tensor`. */
export function neScalar(self: Tensor, other: number): Tensor {
  const handle = native().op_ne_Scalar(handleOf(self), other);
  if (handle === 0) fail("neScalar", [self]);
  return adopt(handle);
}

/** libtorch's `gt.Tensor(Tensor self, Tensor other) -> Tensor`. */
export function gt(self: Tensor, other: Tensor): Tensor {
  const handle = native().op_gt_Tensor(handleOf(self), handleOf(other));
  if (handle === 0) fail("gt", [self, other]);
  return adopt(handle);
}

/** libtorch's `gt.Scalar(Tensor self, Scalar other) -> Tensor`. */
export function gtScalar(self: Tensor, other: number): Tensor {
  const handle = native().op_gt_Scalar(handleOf(self), other);
  if (handle === 0) fail("gtScalar", [self]);
  return adopt(handle);
}

/** libtorch's `lt.Tensor(Tensor self, Tensor other) -> Tensor`. */
export function lt(self: Tensor, other: Tensor): Tensor {
  const handle = native().op_lt_Tensor(handleOf(self), handleOf(other));
  if (handle === 0) fail("lt", [self, other]);
  return adopt(handle);
}

/** libtorch's `lt.Scalar(Tensor self, Scalar other) -> Tensor`. */
export function ltScalar(self: Tensor, other: number): Tensor {
  const handle = native().op_lt_Scalar(handleOf(self), other);
  if (handle === 0) fail("ltScalar", [self]);
  return adopt(handle);
}

/** libtorch's `ge.Tensor(Tensor self, Tensor other) -> Tensor`. */
export function ge(self: Tensor, other: Tensor): Tensor {
  const handle = native().op_ge_Tensor(handleOf(self), handleOf(other));
  if (handle === 0) fail("ge", [self, other]);
  return adopt(handle);
}

/** libtorch's `ge.Scalar(Tensor self, Scalar other) -> Tensor`. */
export function geScalar(self: Tensor, other: number): Tensor {
  const handle = native().op_ge_Scalar(handleOf(self), other);
  if (handle === 0) fail("geScalar", [self]);
  return adopt(handle);
}

/** libtorch's `le.Tensor(Tensor self, Tensor other) -> Tensor`. */
export function le(self: Tensor, other: Tensor): Tensor {
  const handle = native().op_le_Tensor(handleOf(self), handleOf(other));
  if (handle === 0) fail("le", [self, other]);
  return adopt(handle);
}

/** libtorch's `logical_and(Tensor self, Tensor other) -> Tensor`. */
export function logicalAnd(self: Tensor, other: Tensor): Tensor {
  const handle = native().op_logical_and(handleOf(self), handleOf(other));
  if (handle === 0) fail("logicalAnd", [self, other]);
  return adopt(handle);
}

/** libtorch's `logical_or(Tensor self, Tensor other) -> Tensor`. */
export function logicalOr(self: Tensor, other: Tensor): Tensor {
  const handle = native().op_logical_or(handleOf(self), handleOf(other));
  if (handle === 0) fail("logicalOr", [self, other]);
  return adopt(handle);
}

/** libtorch's `logical_not(Tensor self) -> Tensor`. */
export function logicalNot(self: Tensor): Tensor {
  const handle = native().op_logical_not(handleOf(self));
  if (handle === 0) fail("logicalNot", [self]);
  return adopt(handle);
}

/** libtorch's `isfinite(Tensor self) -> Tensor`. */
export function isfinite(self: Tensor): Tensor {
  const handle = native().op_isfinite(handleOf(self));
  if (handle === 0) fail("isfinite", [self]);
  return adopt(handle);
}

/** libtorch's `all(Tensor self) -> Tensor`. */
export function all(self: Tensor): Tensor {
  const handle = native().op_all(handleOf(self));
  if (handle === 0) fail("all", [self]);
  return adopt(handle);
}

/** libtorch's `any(Tensor self) -> Tensor`. */
export function any(self: Tensor): Tensor {
  const handle = native().op_any(handleOf(self));
  if (handle === 0) fail("any", [self]);
  return adopt(handle);
}

/** libtorch's `equal(Tensor self, Tensor other) -> bool`. */
export function equal(self: Tensor, other: Tensor): boolean {
  if (native().op_equal(handleOf(self), handleOf(other)) < 0) fail("equal", [self, other]);
  return scratchNumber() === 1;
}

/** libtorch's `where.self(Tensor condition, Tensor self, Tensor other) -> Tensor`. */
export function where(condition: Tensor, self: Tensor, other: Tensor): Tensor {
  const handle = native().op_where_self(handleOf(condition), handleOf(self), handleOf(other));
  if (handle === 0) fail("where", [condition, self, other]);
  return adopt(handle);
}

/** libtorch's `masked_fill.Scalar(Tensor self, Tensor mask, Scalar value) -> Tensor`. */
export function maskedFill(self: Tensor, mask: Tensor, value: number): Tensor {
  const handle = native().op_masked_fill_Scalar(handleOf(self), handleOf(mask), value);
  if (handle === 0) fail("maskedFill", [self, mask]);
  return adopt(handle);
}

/** libtorch's `matmul(Tensor self, Tensor other) -> Tensor`. */
export function matmul(self: Tensor, other: Tensor): Tensor {
  const handle = native().op_matmul(handleOf(self), handleOf(other));
  if (handle === 0) fail("matmul", [self, other]);
  return adopt(handle);
}

/** libtorch's `mm(Tensor self, Tensor mat2) -> Tensor`. */
export function mm(self: Tensor, mat2: Tensor): Tensor {
  const handle = native().op_mm(handleOf(self), handleOf(mat2));
  if (handle === 0) fail("mm", [self, mat2]);
  return adopt(handle);
}

/** libtorch's `addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor`. */
export function addmm(
  self: Tensor,
  mat1: Tensor,
  mat2: Tensor,
  beta: number = 1,
  alpha: number = 1,
): Tensor {
  const handle = native().op_addmm(handleOf(self), handleOf(mat1), handleOf(mat2), beta, alpha);
  if (handle === 0) fail("addmm", [self, mat1, mat2]);
  return adopt(handle);
}

/** libtorch's `addmm_(Tensor(a!) self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor(a!)`. */
export function addmmInPlace(
  self: Tensor,
  mat1: Tensor,
  mat2: Tensor,
  beta: number = 1,
  alpha: number = 1,
): void {
  if (native().op_addmm_(handleOf(self), handleOf(mat1), handleOf(mat2), beta, alpha) < 0) {
    fail("addmmInPlace", [self, mat1, mat2]);
  }
}

/** libtorch's `bmm(Tensor self, Tensor mat2) -> Tensor`. */
export function bmm(self: Tensor, mat2: Tensor): Tensor {
  const handle = native().op_bmm(handleOf(self), handleOf(mat2));
  if (handle === 0) fail("bmm", [self, mat2]);
  return adopt(handle);
}

/** libtorch's `linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor`. */
export function linear(input: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor {
  const handle = native().op_linear(
    handleOf(input),
    handleOf(weight),
    bias === null ? 0 : handleOf(bias),
  );
  if (handle === 0) fail("linear", [input, weight, bias]);
  return adopt(handle);
}

/** libtorch's `embedding(Tensor weight, Tensor indices, SymInt padding_idx=-1, bool scale_grad_by_freq=False, bool sparse=False) -> Tensor`. */
export function embedding(
  weight: Tensor,
  indices: Tensor,
  paddingIdx: number = -1,
  scaleGradByFreq: boolean = false,
  sparse: boolean = false,
): Tensor {
  const handle = native().op_embedding(
    handleOf(weight),
    handleOf(indices),
    paddingIdx,
    scaleGradByFreq ? 1 : 0,
    sparse ? 1 : 0,
  );
  if (handle === 0) fail("embedding", [weight, indices]);
  return adopt(handle);
}

/** libtorch's `rms_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight=None, float? eps=None) -> Tensor`. */
export function rmsNorm(
  input: Tensor,
  normalizedShape: readonly number[],
  weight: Tensor | null = null,
  eps: number | null = null,
): Tensor {
  let at = 0;
  at = putNumbers(normalizedShape, at, "rmsNorm");
  const handle = native().op_rms_norm(
    handleOf(input),
    normalizedShape.length,
    weight === null ? 0 : handleOf(weight),
    eps === null ? 0 : 1,
    eps ?? 0,
  );
  if (handle === 0) fail("rmsNorm", [input, weight]);
  return adopt(handle);
}

/** libtorch's `softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor`. */
export function softmax(self: Tensor, dim: number, dtype: DType | null = null): Tensor {
  const handle = native().op_softmax_int(
    handleOf(self),
    dim,
    dtype === null ? -1 : dtypeCode(dtype, "softmax"),
  );
  if (handle === 0) fail("softmax", [self]);
  return adopt(handle);
}

/** libtorch's `log_softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor`. */
export function logSoftmax(self: Tensor, dim: number, dtype: DType | null = null): Tensor {
  const handle = native().op_log_softmax_int(
    handleOf(self),
    dim,
    dtype === null ? -1 : dtypeCode(dtype, "logSoftmax"),
  );
  if (handle === 0) fail("logSoftmax", [self]);
  return adopt(handle);
}

/** libtorch's `logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor`. */
export function logsumexp(self: Tensor, dim: readonly number[], keepdim: boolean = false): Tensor {
  let at = 0;
  at = putNumbers(dim, at, "logsumexp");
  const handle = native().op_logsumexp(handleOf(self), dim.length, keepdim ? 1 : 0);
  if (handle === 0) fail("logsumexp", [self]);
  return adopt(handle);
}

/** libtorch's `sum(Tensor self, *, ScalarType? dtype=None) -> Tensor`. */
export function sum(self: Tensor, dtype: DType | null = null): Tensor {
  const handle = native().op_sum(handleOf(self), dtype === null ? -1 : dtypeCode(dtype, "sum"));
  if (handle === 0) fail("sum", [self]);
  return adopt(handle);
}

/** libtorch's `sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor`. */
export function sumDim(
  self: Tensor,
  dim: readonly number[] | null,
  keepdim: boolean = false,
  dtype: DType | null = null,
): Tensor {
  let at = 0;
  if (dim !== null) at = putNumbers(dim, at, "sumDim");
  const handle = native().op_sum_dim_IntList(
    handleOf(self),
    dim === null ? -1 : dim.length,
    keepdim ? 1 : 0,
    dtype === null ? -1 : dtypeCode(dtype, "sumDim"),
  );
  if (handle === 0) fail("sumDim", [self]);
  return adopt(handle);
}

/** libtorch's `mean(Tensor self, *, ScalarType? dtype=None) -> Tensor`. */
export function mean(self: Tensor, dtype: DType | null = null): Tensor {
  const handle = native().op_mean(handleOf(self), dtype === null ? -1 : dtypeCode(dtype, "mean"));
  if (handle === 0) fail("mean", [self]);
  return adopt(handle);
}

/** libtorch's `mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor`. */
export function meanDim(
  self: Tensor,
  dim: readonly number[] | null,
  keepdim: boolean = false,
  dtype: DType | null = null,
): Tensor {
  let at = 0;
  if (dim !== null) at = putNumbers(dim, at, "meanDim");
  const handle = native().op_mean_dim(
    handleOf(self),
    dim === null ? -1 : dim.length,
    keepdim ? 1 : 0,
    dtype === null ? -1 : dtypeCode(dtype, "meanDim"),
  );
  if (handle === 0) fail("meanDim", [self]);
  return adopt(handle);
}

/** libtorch's `amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor`. */
export function amax(self: Tensor, dim: readonly number[] = [], keepdim: boolean = false): Tensor {
  let at = 0;
  at = putNumbers(dim, at, "amax");
  const handle = native().op_amax(handleOf(self), dim.length, keepdim ? 1 : 0);
  if (handle === 0) fail("amax", [self]);
  return adopt(handle);
}

/** libtorch's `argmax(Tensor self, int? dim=None, bool keepdim=False) -> Tensor`. */
export function argmax(self: Tensor, dim: number | null = null, keepdim: boolean = false): Tensor {
  const handle = native().op_argmax(
    handleOf(self),
    dim === null ? 0 : 1,
    dim ?? 0,
    keepdim ? 1 : 0,
  );
  if (handle === 0) fail("argmax", [self]);
  return adopt(handle);
}

/** libtorch's `var.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> Tensor`. */
export function varDim(
  self: Tensor,
  dim: readonly number[] | null = null,
  correction: number | null = null,
  keepdim: boolean = false,
): Tensor {
  let at = 0;
  if (dim !== null) at = putNumbers(dim, at, "varDim");
  const handle = native().op_var_correction(
    handleOf(self),
    dim === null ? -1 : dim.length,
    correction === null ? 0 : 1,
    correction ?? 0,
    keepdim ? 1 : 0,
  );
  if (handle === 0) fail("varDim", [self]);
  return adopt(handle);
}

/** libtorch's `cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor`. */
export function cumsum(self: Tensor, dim: number, dtype: DType | null = null): Tensor {
  const handle = native().op_cumsum(
    handleOf(self),
    dim,
    dtype === null ? -1 : dtypeCode(dtype, "cumsum"),
  );
  if (handle === 0) fail("cumsum", [self]);
  return adopt(handle);
}

/** libtorch's `view(Tensor(a) self, SymInt[] size) -> Tensor(a)`. */
export function view(self: Tensor, size: readonly number[]): Tensor {
  let at = 0;
  at = putNumbers(size, at, "view");
  const handle = native().op_view(handleOf(self), size.length);
  if (handle === 0) fail("view", [self]);
  return adopt(handle);
}

/** libtorch's `reshape(Tensor(a) self, SymInt[] shape) -> Tensor(a)`. */
export function reshape(self: Tensor, shape: readonly number[]): Tensor {
  let at = 0;
  at = putNumbers(shape, at, "reshape");
  const handle = native().op_reshape(handleOf(self), shape.length);
  if (handle === 0) fail("reshape", [self]);
  return adopt(handle);
}

/** libtorch's `transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)`. */
export function transpose(self: Tensor, dim0: number, dim1: number): Tensor {
  const handle = native().op_transpose_int(handleOf(self), dim0, dim1);
  if (handle === 0) fail("transpose", [self]);
  return adopt(handle);
}

/** libtorch's `permute(Tensor(a) self, int[] dims) -> Tensor(a)`. */
export function permute(self: Tensor, dims: readonly number[]): Tensor {
  let at = 0;
  at = putNumbers(dims, at, "permute");
  const handle = native().op_permute(handleOf(self), dims.length);
  if (handle === 0) fail("permute", [self]);
  return adopt(handle);
}

/** libtorch's `unsqueeze(Tensor(a) self, int dim) -> Tensor(a)`. */
export function unsqueeze(self: Tensor, dim: number): Tensor {
  const handle = native().op_unsqueeze(handleOf(self), dim);
  if (handle === 0) fail("unsqueeze", [self]);
  return adopt(handle);
}

/** libtorch's `squeeze.dim(Tensor(a) self, int dim) -> Tensor(a)`. */
export function squeeze(self: Tensor, dim: number): Tensor {
  const handle = native().op_squeeze_dim(handleOf(self), dim);
  if (handle === 0) fail("squeeze", [self]);
  return adopt(handle);
}

/** libtorch's `expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)`. */
export function expand(self: Tensor, size: readonly number[], implicit: boolean = false): Tensor {
  let at = 0;
  at = putNumbers(size, at, "expand");
  const handle = native().op_expand(handleOf(self), size.length, implicit ? 1 : 0);
  if (handle === 0) fail("expand", [self]);
  return adopt(handle);
}

/** libtorch's `contiguous(Tensor(a) self, *, MemoryFormat memory_format=contiguous_format) -> Tensor(a)`. */
export function contiguous(self: Tensor): Tensor {
  const handle = native().op_contiguous(handleOf(self));
  if (handle === 0) fail("contiguous", [self]);
  return adopt(handle);
}

/** libtorch's `clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor`. */
export function clone(self: Tensor): Tensor {
  const handle = native().op_clone(handleOf(self));
  if (handle === 0) fail("clone", [self]);
  return adopt(handle);
}

/** libtorch's `detach(Tensor(a) self) -> Tensor(a)`. */
export function detach(self: Tensor): Tensor {
  const handle = native().op_detach(handleOf(self));
  if (handle === 0) fail("detach", [self]);
  return adopt(handle);
}

/** libtorch's `slice.Tensor(Tensor(a) self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> Tensor(a)`. */
export function slice(
  self: Tensor,
  dim: number = 0,
  start: number | null = null,
  end: number | null = null,
  step: number = 1,
): Tensor {
  const handle = native().op_slice_Tensor(
    handleOf(self),
    dim,
    start === null ? 0 : 1,
    start ?? 0,
    end === null ? 0 : 1,
    end ?? 0,
    step,
  );
  if (handle === 0) fail("slice", [self]);
  return adopt(handle);
}

/** libtorch's `select.int(Tensor(a) self, int dim, SymInt index) -> Tensor(a)`. */
export function select(self: Tensor, dim: number, index: number): Tensor {
  const handle = native().op_select_int(handleOf(self), dim, index);
  if (handle === 0) fail("select", [self]);
  return adopt(handle);
}

/** libtorch's `narrow(Tensor(a) self, int dim, SymInt start, SymInt length) -> Tensor(a)`. */
export function narrow(self: Tensor, dim: number, start: number, length: number): Tensor {
  const handle = native().op_narrow(handleOf(self), dim, start, length);
  if (handle === 0) fail("narrow", [self]);
  return adopt(handle);
}

/** libtorch's `roll(Tensor self, SymInt[1] shifts, int[1] dims=[]) -> Tensor`. */
export function roll(
  self: Tensor,
  shifts: readonly number[],
  dims: readonly number[] = [],
): Tensor {
  let at = 0;
  at = putNumbers(shifts, at, "roll");
  at = putNumbers(dims, at, "roll");
  const handle = native().op_roll(handleOf(self), shifts.length, dims.length);
  if (handle === 0) fail("roll", [self]);
  return adopt(handle);
}

/** libtorch's `cat(Tensor[] tensors, int dim=0) -> Tensor`. */
export function cat(tensors: readonly Tensor[], dim: number = 0): Tensor {
  let at = 0;
  at = putTensors(tensors, at, "cat");
  const handle = native().op_cat(tensors.length, dim);
  if (handle === 0) fail("cat", [...tensors]);
  return adopt(handle);
}

/** libtorch's `stack(Tensor[] tensors, int dim=0) -> Tensor`. */
export function stack(tensors: readonly Tensor[], dim: number = 0): Tensor {
  let at = 0;
  at = putTensors(tensors, at, "stack");
  const handle = native().op_stack(tensors.length, dim);
  if (handle === 0) fail("stack", [...tensors]);
  return adopt(handle);
}

/** libtorch's `gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor`. */
export function gather(
  self: Tensor,
  dim: number,
  index: Tensor,
  sparseGrad: boolean = false,
): Tensor {
  const handle = native().op_gather(handleOf(self), dim, handleOf(index), sparseGrad ? 1 : 0);
  if (handle === 0) fail("gather", [self, index]);
  return adopt(handle);
}

/** libtorch's `index_select(Tensor self, int dim, Tensor index) -> Tensor`. */
export function indexSelect(self: Tensor, dim: number, index: Tensor): Tensor {
  const handle = native().op_index_select(handleOf(self), dim, handleOf(index));
  if (handle === 0) fail("indexSelect", [self, index]);
  return adopt(handle);
}

/** libtorch's `index_add_(Tensor(a!) self, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor(a!)`. */
export function indexAddInPlace(
  self: Tensor,
  dim: number,
  index: Tensor,
  source: Tensor,
  alpha: number = 1,
): void {
  if (native().op_index_add_(handleOf(self), dim, handleOf(index), handleOf(source), alpha) < 0) {
    fail("indexAddInPlace", [self, index, source]);
  }
}

/** libtorch's `index_copy_(Tensor(a!) self, int dim, Tensor index, Tensor source) -> Tensor(a!)`. */
export function indexCopyInPlace(self: Tensor, dim: number, index: Tensor, source: Tensor): void {
  if (native().op_index_copy_(handleOf(self), dim, handleOf(index), handleOf(source)) < 0) {
    fail("indexCopyInPlace", [self, index, source]);
  }
}

/** libtorch's `index_put_(Tensor(a!) self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor(a!)`. */
export function indexPutInPlace(
  self: Tensor,
  indices: readonly (Tensor | null)[],
  values: Tensor,
  accumulate: boolean = false,
): void {
  let at = 0;
  at = putMaybeTensors(indices, at, "indexPutInPlace");
  if (
    native().op_index_put_(handleOf(self), indices.length, handleOf(values), accumulate ? 1 : 0) < 0
  ) fail("indexPutInPlace", [self, ...indices, values]);
}

/** libtorch's `scatter_.src(Tensor(a!) self, int dim, Tensor index, Tensor src) -> Tensor(a!)`. */
export function scatterInPlace(self: Tensor, dim: number, index: Tensor, src: Tensor): void {
  if (native().op_scatter__src(handleOf(self), dim, handleOf(index), handleOf(src)) < 0) {
    fail("scatterInPlace", [self, index, src]);
  }
}

/** libtorch's `topk(Tensor self, SymInt k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor values, Tensor indices)`. */
export function topk(
  self: Tensor,
  k: number,
  dim: number = -1,
  largest: boolean = true,
  sorted: boolean = true,
): [values: Tensor, indices: Tensor] {
  const count = native().op_topk(handleOf(self), k, dim, largest ? 1 : 0, sorted ? 1 : 0);
  if (count < 0) fail("topk", [self]);
  return adoptMany(count) as [values: Tensor, indices: Tensor];
}

/** libtorch's `sort(Tensor self, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)`. */
export function sort(
  self: Tensor,
  dim: number = -1,
  descending: boolean = false,
): [values: Tensor, indices: Tensor] {
  const count = native().op_sort(handleOf(self), dim, descending ? 1 : 0);
  if (count < 0) fail("sort", [self]);
  return adoptMany(count) as [values: Tensor, indices: Tensor];
}

/** libtorch's `searchsorted.Tensor(Tensor sorted_sequence, Tensor self, *, bool out_int32=False, bool right=False, str? side=None, Tensor? sorter=None) -> Tensor`. */
export function searchsorted(
  sortedSequence: Tensor,
  self: Tensor,
  outInt32: boolean = false,
  right: boolean = false,
  sorter: Tensor | null = null,
): Tensor {
  const handle = native().op_searchsorted_Tensor(
    handleOf(sortedSequence),
    handleOf(self),
    outInt32 ? 1 : 0,
    right ? 1 : 0,
    sorter === null ? 0 : handleOf(sorter),
  );
  if (handle === 0) fail("searchsorted", [sortedSequence, self, sorter]);
  return adopt(handle);
}

/** libtorch's `multinomial(Tensor self, SymInt num_samples, bool replacement=False, *, Generator? generator=None) -> Tensor`. */
export function multinomial(
  self: Tensor,
  numSamples: number,
  replacement: boolean = false,
): Tensor {
  const handle = native().op_multinomial(handleOf(self), numSamples, replacement ? 1 : 0);
  if (handle === 0) fail("multinomial", [self]);
  return adopt(handle);
}

/** libtorch's `scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, float dropout_p=0.0, bool is_causal=False, *, float? scale=None, bool enable_gqa=False) -> Tensor`. */
export function scaledDotProductAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  attnMask: Tensor | null = null,
  dropoutP: number = 0,
  isCausal: boolean = false,
  scale: number | null = null,
  enableGqa: boolean = false,
): Tensor {
  const handle = native().op_scaled_dot_product_attention(
    handleOf(query),
    handleOf(key),
    handleOf(value),
    attnMask === null ? 0 : handleOf(attnMask),
    dropoutP,
    isCausal ? 1 : 0,
    scale === null ? 0 : 1,
    scale ?? 0,
    enableGqa ? 1 : 0,
  );
  if (handle === 0) fail("scaledDotProductAttention", [query, key, value, attnMask]);
  return adopt(handle);
}

/** libtorch's `repeat_interleave.self_int(Tensor self, SymInt repeats, int? dim=None, *, SymInt? output_size=None) -> Tensor`. */
export function repeatInterleave(
  self: Tensor,
  repeats: number,
  dim: number | null = null,
  outputSize: number | null = null,
): Tensor {
  const handle = native().op_repeat_interleave_self_int(
    handleOf(self),
    repeats,
    dim === null ? 0 : 1,
    dim ?? 0,
    outputSize === null ? 0 : 1,
    outputSize ?? 0,
  );
  if (handle === 0) fail("repeatInterleave", [self]);
  return adopt(handle);
}

/** libtorch's `empty.memory_format(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor`. */
export function empty(
  size: readonly number[],
  dtype: DType | null = null,
  device: Device | null = null,
): Tensor {
  let at = 0;
  at = putNumbers(size, at, "empty");
  const handle = native().op_empty_memory_format(
    size.length,
    dtype === null ? -1 : dtypeCode(dtype, "empty"),
    device === null ? -1 : deviceCode(device, "empty"),
  );
  if (handle === 0) fail("empty", []);
  return adopt(handle);
}

/** libtorch's `zeros(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor`. */
export function zeros(
  size: readonly number[],
  dtype: DType | null = null,
  device: Device | null = null,
): Tensor {
  let at = 0;
  at = putNumbers(size, at, "zeros");
  const handle = native().op_zeros(
    size.length,
    dtype === null ? -1 : dtypeCode(dtype, "zeros"),
    device === null ? -1 : deviceCode(device, "zeros"),
  );
  if (handle === 0) fail("zeros", []);
  return adopt(handle);
}

/** libtorch's `ones(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor`. */
export function ones(
  size: readonly number[],
  dtype: DType | null = null,
  device: Device | null = null,
): Tensor {
  let at = 0;
  at = putNumbers(size, at, "ones");
  const handle = native().op_ones(
    size.length,
    dtype === null ? -1 : dtypeCode(dtype, "ones"),
    device === null ? -1 : deviceCode(device, "ones"),
  );
  if (handle === 0) fail("ones", []);
  return adopt(handle);
}

/** libtorch's `full(SymInt[] size, Scalar fill_value, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor`. */
export function full(
  size: readonly number[],
  fillValue: number,
  dtype: DType | null = null,
  device: Device | null = null,
): Tensor {
  let at = 0;
  at = putNumbers(size, at, "full");
  const handle = native().op_full(
    size.length,
    fillValue,
    dtype === null ? -1 : dtypeCode(dtype, "full"),
    device === null ? -1 : deviceCode(device, "full"),
  );
  if (handle === 0) fail("full", []);
  return adopt(handle);
}

/** libtorch's `zeros_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor`. */
export function zerosLike(
  self: Tensor,
  dtype: DType | null = null,
  device: Device | null = null,
): Tensor {
  const handle = native().op_zeros_like(
    handleOf(self),
    dtype === null ? -1 : dtypeCode(dtype, "zerosLike"),
    device === null ? -1 : deviceCode(device, "zerosLike"),
  );
  if (handle === 0) fail("zerosLike", [self]);
  return adopt(handle);
}

/** libtorch's `arange.start_step(Scalar start, Scalar end, Scalar step=1, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor`. */
export function arange(
  start: number,
  end: number,
  step: number = 1,
  dtype: DType | null = null,
  device: Device | null = null,
): Tensor {
  const handle = native().op_arange_start_step(
    start,
    end,
    step,
    dtype === null ? -1 : dtypeCode(dtype, "arange"),
    device === null ? -1 : deviceCode(device, "arange"),
  );
  if (handle === 0) fail("arange", []);
  return adopt(handle);
}

/** libtorch's `rand(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor`. */
export function rand(
  size: readonly number[],
  dtype: DType | null = null,
  device: Device | null = null,
): Tensor {
  let at = 0;
  at = putNumbers(size, at, "rand");
  const handle = native().op_rand(
    size.length,
    dtype === null ? -1 : dtypeCode(dtype, "rand"),
    device === null ? -1 : deviceCode(device, "rand"),
  );
  if (handle === 0) fail("rand", []);
  return adopt(handle);
}

/** libtorch's `randn(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor`. */
export function randn(
  size: readonly number[],
  dtype: DType | null = null,
  device: Device | null = null,
): Tensor {
  let at = 0;
  at = putNumbers(size, at, "randn");
  const handle = native().op_randn(
    size.length,
    dtype === null ? -1 : dtypeCode(dtype, "randn"),
    device === null ? -1 : deviceCode(device, "randn"),
  );
  if (handle === 0) fail("randn", []);
  return adopt(handle);
}

/** libtorch's `normal_(Tensor(a!) self, float mean=0, float std=1, *, Generator? generator=None) -> Tensor(a!)`. */
export function normalInPlace(self: Tensor, mean: number = 0, std: number = 1): void {
  if (native().op_normal_(handleOf(self), mean, std) < 0) fail("normalInPlace", [self]);
}

/** libtorch's `uniform_(Tensor(a!) self, float from=0, float to=1, *, Generator? generator=None) -> Tensor(a!)`. */
export function uniformInPlace(self: Tensor, low: number = 0, high: number = 1): void {
  if (native().op_uniform_(handleOf(self), low, high) < 0) fail("uniformInPlace", [self]);
}

/** libtorch's `zero_(Tensor(a!) self) -> Tensor(a!)`. */
export function zeroInPlace(self: Tensor): void {
  if (native().op_zero_(handleOf(self)) < 0) fail("zeroInPlace", [self]);
}

/** libtorch's `fill_.Scalar(Tensor(a!) self, Scalar value) -> Tensor(a!)`. */
export function fillInPlace(self: Tensor, value: number): void {
  if (native().op_fill__Scalar(handleOf(self), value) < 0) fail("fillInPlace", [self]);
}

/** libtorch's `copy_(Tensor(a!) self, Tensor src, bool non_blocking=False) -> Tensor(a!)`. */
export function copyInPlace(self: Tensor, src: Tensor, nonBlocking: boolean = false): void {
  if (native().op_copy_(handleOf(self), handleOf(src), nonBlocking ? 1 : 0) < 0) {
    fail("copyInPlace", [self, src]);
  }
}

/** libtorch's `to.dtype(Tensor(a) self, ScalarType dtype, bool non_blocking=False, bool copy=False, MemoryFormat? memory_format=None) -> Tensor(a)`. */
export function toDtype(
  self: Tensor,
  dtype: DType,
  nonBlocking: boolean = false,
  copy: boolean = false,
): Tensor {
  const handle = native().op_to_dtype(
    handleOf(self),
    dtypeCode(dtype, "toDtype"),
    nonBlocking ? 1 : 0,
    copy ? 1 : 0,
  );
  if (handle === 0) fail("toDtype", [self]);
  return adopt(handle);
}

/** libtorch's `to.device(Tensor(a) self, Device device, ScalarType dtype, bool non_blocking=False, bool copy=False, MemoryFormat? memory_format=None) -> Tensor(a)`. */
export function toDevice(
  self: Tensor,
  device: Device,
  dtype: DType,
  nonBlocking: boolean = false,
  copy: boolean = false,
): Tensor {
  const handle = native().op_to_device(
    handleOf(self),
    deviceCode(device, "toDevice"),
    dtypeCode(dtype, "toDevice"),
    nonBlocking ? 1 : 0,
    copy ? 1 : 0,
  );
  if (handle === 0) fail("toDevice", [self]);
  return adopt(handle);
}

/** libtorch's `requires_grad_(Tensor(a!) self, bool requires_grad=True) -> Tensor(a!)`. */
export function requiresGradInPlace(self: Tensor, requiresGrad: boolean = true): void {
  if (native().op_requires_grad_(handleOf(self), requiresGrad ? 1 : 0) < 0) {
    fail("requiresGradInPlace", [self]);
  }
}

/** libtorch's `_foreach_norm.Scalar(Tensor[] self, Scalar ord=2, ScalarType? dtype=None) -> Tensor[]`. */
export function foreachNorm(
  self: readonly Tensor[],
  ord: number = 2,
  dtype: DType | null = null,
): Tensor[] {
  let at = 0;
  at = putTensors(self, at, "foreachNorm");
  const count = native().op__foreach_norm_Scalar(
    self.length,
    ord,
    dtype === null ? -1 : dtypeCode(dtype, "foreachNorm"),
  );
  if (count < 0) fail("foreachNorm", [...self]);
  return adoptMany(count);
}

/** libtorch's `_foreach_mul_.Tensor(Tensor(a!)[] self, Tensor other) -> ()`. */
export function foreachMulInPlace(self: readonly Tensor[], other: Tensor): void {
  let at = 0;
  at = putTensors(self, at, "foreachMulInPlace");
  if (native().op__foreach_mul__Tensor(self.length, handleOf(other)) < 0) {
    fail("foreachMulInPlace", [...self, other]);
  }
}

/** libtorch's `_foreach_mul_.Scalar(Tensor(a!)[] self, Scalar scalar) -> ()`. */
export function foreachMulScalarInPlace(self: readonly Tensor[], scalar: number): void {
  let at = 0;
  at = putTensors(self, at, "foreachMulScalarInPlace");
  if (native().op__foreach_mul__Scalar(self.length, scalar) < 0) {
    fail("foreachMulScalarInPlace", [...self]);
  }
}

/** libtorch's `_foreach_add_.Scalar(Tensor(a!)[] self, Scalar scalar) -> ()`. */
export function foreachAddScalarInPlace(self: readonly Tensor[], scalar: number): void {
  let at = 0;
  at = putTensors(self, at, "foreachAddScalarInPlace");
  if (native().op__foreach_add__Scalar(self.length, scalar) < 0) {
    fail("foreachAddScalarInPlace", [...self]);
  }
}

/** libtorch's `_foreach_zero_(Tensor(a!)[] self) -> ()`. */
export function foreachZeroInPlace(self: readonly Tensor[]): void {
  let at = 0;
  at = putTensors(self, at, "foreachZeroInPlace");
  if (native().op__foreach_zero_(self.length) < 0) fail("foreachZeroInPlace", [...self]);
}

/** libtorch's `linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor`. */
export function linalgVectorNorm(
  self: Tensor,
  ord: number = 2,
  dim: readonly number[] | null = null,
  keepdim: boolean = false,
  dtype: DType | null = null,
): Tensor {
  let at = 0;
  if (dim !== null) at = putNumbers(dim, at, "linalgVectorNorm");
  const handle = native().op_linalg_vector_norm(
    handleOf(self),
    ord,
    dim === null ? -1 : dim.length,
    keepdim ? 1 : 0,
    dtype === null ? -1 : dtypeCode(dtype, "linalgVectorNorm"),
  );
  if (handle === 0) fail("linalgVectorNorm", [self]);
  return adopt(handle);
}

/** libtorch's `item(Tensor self) -> Scalar`. */
export function item(self: Tensor): number {
  if (native().op_item(handleOf(self)) < 0) fail("item", [self]);
  return scratchNumber();
}

/** libtorch's `triu(Tensor self, SymInt diagonal=0) -> Tensor`. */
export function triu(self: Tensor, diagonal: number = 0): Tensor {
  const handle = native().op_triu(handleOf(self), diagonal);
  if (handle === 0) fail("triu", [self]);
  return adopt(handle);
}
