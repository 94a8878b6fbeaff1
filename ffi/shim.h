// Shared by the generated ops and the hand-written core: handles, argument conversion, error capture.
// No C++ exception leaves an `extern "C"` function: it ends in fail() and a zero handle or status -1.
#pragma once
#include <ATen/core/List.h>
#include <ATen/core/Tensor.h>
#include <c10/core/SymIntArrayRef.h>
#include <c10/util/Exception.h>
#include <c10/util/SmallVector.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#define HR_EXPORT extern "C" __attribute__((visibility("default")))
#define HR_TRY try {
#define HR_CATCH(result)                                                 \
  }                                                                      \
  catch (const c10::Error& e) { hr::fail(e.what_without_backtrace()); return result; } \
  catch (const std::exception& e) { hr::fail(e.what()); return result; } \
  catch (...) { hr::fail("unknown C++ exception"); return result; }

namespace hr {

// Lists, shapes and further results travel in one buffer of doubles shared with TypeScript.
constexpr int64_t kScratch = 65536;
double* scratch();
void fail(const char* message) noexcept;

// A handle is a slot number (24 bits) and the slot's generation (8 bits); 0 is no tensor. Tables are per thread.
at::Tensor& get(uint32_t handle);
uint32_t put(at::Tensor&& tensor);
inline uint32_t put(const at::Tensor& tensor) { return put(at::Tensor(tensor)); }

inline std::optional<at::Tensor> maybe(uint32_t handle) {
  return handle == 0 ? std::optional<at::Tensor>() : std::optional<at::Tensor>(get(handle));
}

inline int64_t integer(double v) {
  TORCH_CHECK(std::fabs(v) <= 9007199254740992.0 && v == std::floor(v), "expected an integer, got ", v);
  return static_cast<int64_t>(v);
}
inline std::optional<int64_t> maybe_integer(uint8_t has, double v) {
  return has ? std::optional<int64_t>(integer(v)) : std::nullopt;
}
inline std::optional<c10::SymInt> maybe_symint(uint8_t has, double v) {
  return has ? std::optional<c10::SymInt>(integer(v)) : std::nullopt;
}
inline std::optional<double> maybe_float(uint8_t has, double v) { return has ? std::optional<double>(v) : std::nullopt; }
// Whole numbers become integer scalars, so that integer tensors stay integer.
inline at::Scalar scalar(double v) {
  return std::fabs(v) <= 9007199254740992.0 && v == std::floor(v) && !(v == 0 && std::signbit(v))
      ? at::Scalar(static_cast<int64_t>(v))
      : at::Scalar(v);
}
inline std::optional<at::Scalar> maybe_scalar(uint8_t has, double v) {
  return has ? std::optional<at::Scalar>(scalar(v)) : std::nullopt;
}
at::ScalarType dtype(int32_t code);
inline std::optional<at::ScalarType> maybe_dtype(int32_t code) {
  return code == -1 ? std::nullopt : std::optional<at::ScalarType>(dtype(code));
}
at::Device device(int32_t code);
inline std::optional<at::Device> maybe_device(int32_t code) {
  return code == -1 ? std::nullopt : std::optional<at::Device>(device(code));
}

inline void check_count(int64_t n, const double* from) {
  TORCH_CHECK(n >= 0 && from + n <= scratch() + kScratch, "a list of ", n, " does not fit the scratch buffer");
}
inline c10::SmallVector<int64_t, 8> integers(int32_t n, const double*& from) {
  c10::SmallVector<int64_t, 8> list;
  if (n < 0) return list;
  check_count(n, from);
  for (int32_t i = 0; i < n; i++) list.push_back(integer(*from++));
  return list;
}
inline std::vector<at::Tensor> tensors(int32_t n, const double*& from) {
  check_count(n, from);
  std::vector<at::Tensor> list;
  list.reserve(n);
  for (int32_t i = 0; i < n; i++) list.push_back(get(static_cast<uint32_t>(*from++)));
  return list;
}
inline c10::List<std::optional<at::Tensor>> maybe_tensors(int32_t n, const double*& from) {
  check_count(n, from);
  c10::List<std::optional<at::Tensor>> list;
  for (int32_t i = 0; i < n; i++) list.push_back(maybe(static_cast<uint32_t>(*from++)));
  return list;
}
inline void check_range(double start, double end, double step) {
  TORCH_CHECK(std::isfinite(start) && std::isfinite(end) && std::isfinite(step) && step != 0, "start, end and step must be finite, and step not 0");
  TORCH_CHECK(std::fabs(start) <= 9007199254740992.0 && std::fabs(end) <= 9007199254740992.0 && std::fabs(step) <= 9007199254740992.0,
              "start, end and step must be within 2^53");
}
inline void check_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, bool grouped) {
  if (!grouped) return;
  TORCH_CHECK(q.dim() >= 3 && k.dim() >= 3 && v.dim() >= 3, "grouped heads need tensors [..., heads, length, size]");
  TORCH_CHECK(k.size(-3) > 0 && v.size(-3) > 0 && q.size(-3) % k.size(-3) == 0 && q.size(-3) % v.size(-3) == 0,
              "the number of query heads must be a multiple of that of keys and values");
}
inline int32_t put_all(std::vector<at::Tensor>&& list) {
  TORCH_CHECK(static_cast<int64_t>(list.size()) <= kScratch, "too many results");
  int32_t n = 0;
  for (auto& t : list) scratch()[n++] = put(std::move(t));
  return n;
}

}  // namespace hr
