// Made by ffi/generate.ts; change op_table.txt, shim.h, core.cpp or cuda.cpp.

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
export const sourceHash: string =
  "baac3ea460630b140faa35e9989050a27f0f4bb501e842b6346e843018336901";

/** The C++ sources of the shim. */
export const sources: readonly ShimSource[] = [{
  name: "shim.h",
  cuda: false,
  text:
    `// Shared by the generated ops and the hand-written core: handles, argument conversion, error capture.
// No C++ exception leaves an \`extern "C"\` function: it ends in fail() and a zero handle or status -1.
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
#define HR_CATCH(result)                                                 \\
  }                                                                      \\
  catch (const c10::Error& e) { hr::fail(e.what_without_backtrace()); return result; } \\
  catch (const std::exception& e) { hr::fail(e.what()); return result; } \\
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
`,
}, {
  name: "core.cpp",
  cuda: false,
  text:
    `// The part of the shim that is no op: tensors from and to typed arrays, autograd, devices, random state, threads,
// mapped files, memory figures, the last error.
#include "shim.h"

#include <ATen/Context.h>
#include <ATen/EmptyTensor.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_adamw_ops.h>
#include <ATen/ops/clone_ops.h>
#include <ATen/ops/empty_ops.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>
#include <torch/csrc/autograd/autograd.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace hr {

// ---------------------------------------------------------------- handles, scratch, last error
namespace {

constexpr int64_t kMaxDims = 64;

struct Slot {
  at::Tensor tensor;
  uint8_t generation = 0;
  bool live = false;
};

struct Mapping {
  void* base;
  size_t size;
  ~Mapping() {
    if (size > 0) munmap(base, size);
  }
};

// What one thread owns. It is never destroyed: at exit libtorch's own statics may be gone before it.
struct Thread {
  static constexpr uint32_t kChunk = 4096;
  std::vector<std::unique_ptr<Slot[]>> chunks;
  std::vector<uint32_t> vacant;
  uint32_t used = 1;  // slot 0 is never given out
  int64_t live = 0;
  std::array<double, kScratch> scratch{};
  std::string error;
  std::unordered_map<uint32_t, std::shared_ptr<Mapping>> mappings;
  uint32_t next_mapping = 1;

  Slot& slot(uint32_t index) { return chunks[index / kChunk][index % kChunk]; }
};

Thread& thread() {
  thread_local Thread* t = new Thread();
  return *t;
}

}  // namespace

double* scratch() { return thread().scratch.data(); }

void fail(const char* message) noexcept {
  try {
    thread().error = message;
  } catch (...) {
  }
}

static Slot* find(uint32_t handle) {
  Thread& t = thread();
  const uint32_t index = handle & 0xffffff;
  if (index == 0 || index >= t.used) return nullptr;
  Slot& slot = t.slot(index);
  return slot.live && slot.generation == handle >> 24 ? &slot : nullptr;
}

at::Tensor& get(uint32_t handle) {
  Slot* slot = find(handle);
  TORCH_CHECK(slot != nullptr, handle == 0x02000000 ? "an argument is no tensor"
                                                    : "a tensor was disposed, or belongs to another thread: keep it out of the scope, or return it from it");
  return slot->tensor;
}

uint32_t put(at::Tensor&& tensor) {
  Thread& t = thread();
  // libtorch's bit masks of dimensions have so many places, and a shape must fit the scratch buffer.
  TORCH_CHECK(tensor.dim() <= kMaxDims, "a tensor would have ", tensor.dim(), " dimensions: at most ", kMaxDims, " are supported");
  // libtorch's expand lets a negative size through where another one is 0.
  for (int64_t d : tensor.sizes()) TORCH_CHECK(d >= 0, "a size would be negative: ", tensor.sizes());
  uint32_t index;
  if (!t.vacant.empty()) {
    index = t.vacant.back();
    t.vacant.pop_back();
  } else {
    TORCH_CHECK(t.used < 0xffffff, "16 million tensors are alive at once: dispose them, or use scope()");
    index = t.used++;
    if (index / Thread::kChunk >= t.chunks.size()) t.chunks.push_back(std::make_unique<Slot[]>(Thread::kChunk));
  }
  Slot& slot = t.slot(index);
  slot.tensor = std::move(tensor);
  slot.live = true;
  t.live++;
  return static_cast<uint32_t>(slot.generation) << 24 | index;
}

static void release(uint32_t handle) {
  Slot* slot = find(handle);
  if (slot == nullptr) return;
  Thread& t = thread();
  slot->live = false;
  slot->generation++;
  t.live--;
  t.vacant.push_back(handle & 0xffffff);
  at::Tensor last = std::move(slot->tensor);  // its destructor may run code that touches the table
}

at::ScalarType dtype(int32_t code) {
  switch (static_cast<at::ScalarType>(code)) {
    case at::kByte: case at::kChar: case at::kShort: case at::kInt: case at::kLong: case at::kHalf:
    case at::kFloat: case at::kDouble: case at::kBool: case at::kBFloat16:
      return static_cast<at::ScalarType>(code);
    default:
      TORCH_CHECK(false, "unknown dtype code ", code);
  }
}

at::Device device(int32_t code) {
  if (code == 0) return at::Device(at::kCPU);
  TORCH_CHECK(code > 0 && code <= 127, "unknown device code ", code);
  TORCH_CHECK(at::globalContext().hasCUDA(), "no CUDA device is available to this libtorch");
  return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(code - 1));
}

// ---------------------------------------------------------------- CPU memory: counted, bounded, reused
namespace {

constexpr size_t kHeader = 64;  // keeps the data 64-byte aligned and holds the block's size
constexpr size_t kReuseFrom = 1 << 15, kReuseTo = 1 << 28, kKeep = size_t{1} << 30;

int64_t read_number(const char* path) {
  std::ifstream file(path);
  std::string word;
  if (!(file >> word) || word.empty() || word[0] < '0' || word[0] > '9') return -1;
  return std::strtoll(word.c_str(), nullptr, 10);
}

// Bytes of cached files, which a control group counts as used and the kernel gives up when memory is wanted.
int64_t cached_files(const char* path) {
  std::ifstream file(path);
  std::string key;
  int64_t value = 0, bytes = 0;
  while (file >> key >> value) {
    if (key == "inactive_file" || key == "active_file") bytes += value;
  }
  return bytes;
}

// Bytes that can still be had: of the machine and of the control group, whichever is less; -1 if unknown.
int64_t available_memory() {
  int64_t best = -1;
  auto take = [&best](int64_t bytes) { if (bytes >= 0 && (best < 0 || bytes < best)) best = bytes; };
  std::ifstream file("/proc/meminfo");
  std::string key;
  int64_t kib = 0;
  std::string unit;
  while (file >> key >> kib && std::getline(file, unit)) {
    if (key == "MemAvailable:") take(kib * 1024);
  }
  const std::array<const char*, 3> groups[] = {
      {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat"},
      {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes",
       "/sys/fs/cgroup/memory/memory.stat"}};
  for (const auto& [limit_path, used_path, stat_path] : groups) {
    const int64_t limit = read_number(limit_path), used = read_number(used_path);
    if (limit > 0 && used >= 0) take(std::max<int64_t>(limit - used + cached_files(stat_path), 0));
  }
  return best;
}

// libtorch's plain CPU allocator maps and unmaps large blocks at every op; page faults then cost more than the
// arithmetic. Freed blocks are kept by size class instead, up to kKeep bytes in all.
class CountingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t n) override {
    if (n == 0) return {nullptr, nullptr, &drop, at::Device(at::kCPU)};
    TORCH_CHECK(n <= static_cast<size_t>(std::numeric_limits<int64_t>::max()) / 2, "an allocation of ", n, " bytes is impossible");
    const size_t block = size_class(n);
    char* base = take(block);
    if (base == nullptr) {
      if (block >= (size_t{64} << 20)) {
        const int64_t available = available_memory();
        if (available >= 0 && static_cast<int64_t>(block) > available) release_kept();
        TORCH_CHECK(available < 0 || static_cast<int64_t>(block) <= std::max(available, available_memory()), "not enough memory: ",
                    block >> 20, " MiB were asked for, ", available >> 20, " MiB are available");
      }
      base = static_cast<char*>(std::aligned_alloc(kHeader, block + kHeader));
      TORCH_CHECK(base != nullptr, "not enough memory: ", block >> 20, " MiB were asked for");
    }
    std::memcpy(base, &block, sizeof block);
    std::memcpy(base + sizeof block, &n, sizeof n);
    const int64_t now = current_.fetch_add(static_cast<int64_t>(n)) + static_cast<int64_t>(n);
    int64_t peak = peak_.load();
    while (now > peak && !peak_.compare_exchange_weak(peak, now)) {
    }
    char* data = base + kHeader;
    return {data, data, &drop, at::Device(at::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &drop; }
  void copy_data(void* to, const void* from, size_t n) const override { std::memcpy(to, from, n); }

  int64_t current() const { return current_; }
  int64_t peak() const { return peak_; }
  void reset_peak() { peak_ = current_.load(); }

  static CountingAllocator& instance() {
    static CountingAllocator* allocator = new CountingAllocator();
    return *allocator;
  }

 private:
  std::atomic<int64_t> current_{0}, peak_{0};
  std::mutex mutex_;
  std::map<size_t, std::vector<char*>> kept_;
  size_t kept_bytes_ = 0;

  // Four classes to a power of two: at most a quarter is wasted.
  static size_t size_class(size_t n) {
    if (n < kReuseFrom || n > kReuseTo) return (n + kHeader - 1) / kHeader * kHeader;
    size_t step = kReuseFrom / 4;
    while (n > step * 8) step *= 2;
    return (n + step - 1) / step * step;
  }
  char* take(size_t block) {
    if (block < kReuseFrom || block > kReuseTo) return nullptr;
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = kept_.find(block);
    if (found == kept_.end() || found->second.empty()) return nullptr;
    char* base = found->second.back();
    found->second.pop_back();
    kept_bytes_ -= block;
    return base;
  }
  void release_kept() {
    std::lock_guard<std::mutex> lock(mutex_);
    for (auto& entry : kept_) for (char* base : entry.second) std::free(base);
    kept_.clear();
    kept_bytes_ = 0;
  }
  static void drop(void* data) {
    if (data == nullptr) return;
    CountingAllocator& self = instance();
    char* base = static_cast<char*>(data) - kHeader;
    size_t block, n;
    std::memcpy(&block, base, sizeof block);
    std::memcpy(&n, base + sizeof block, sizeof n);
    self.current_ -= static_cast<int64_t>(n);
    if (block >= kReuseFrom && block <= kReuseTo) {
      std::lock_guard<std::mutex> lock(self.mutex_);
      if (self.kept_bytes_ + block <= kKeep) {
        self.kept_[block].push_back(base);
        self.kept_bytes_ += block;
        return;
      }
    }
    std::free(base);
  }
};

at::Generator generator(int32_t device_code) {
  return at::globalContext().defaultGenerator(device(device_code));
}

size_t byte_count(at::IntArrayRef shape, at::ScalarType type) {
  uint64_t n = c10::elementSize(type);
  for (int64_t d : shape) {
    TORCH_CHECK(d >= 0, "negative size ", d, " in shape ", shape);
    TORCH_CHECK(d == 0 || n <= std::numeric_limits<int64_t>::max() / static_cast<uint64_t>(d), "shape ", shape, " overflows");
    n *= static_cast<uint64_t>(d);
  }
  return n;
}

}  // namespace
}  // namespace hr

using hr::get;
using hr::put;
using hr::scratch;

// ---------------------------------------------------------------- set-up
HR_EXPORT int32_t hr_open() {
  HR_TRY
  static std::once_flag once;
  std::call_once(once, [] { c10::SetCPUAllocator(&hr::CountingAllocator::instance(), 255); });
  return 0;
  HR_CATCH(-1)
}
HR_EXPORT double* hr_scratch() { return scratch(); }
HR_EXPORT const char* hr_last_error() { return hr::thread().error.c_str(); }
HR_EXPORT int32_t hr_set_threads(int32_t n) {
  HR_TRY at::set_num_threads(n); return 0; HR_CATCH(-1)
}
HR_EXPORT int32_t hr_cuda_devices() {
  HR_TRY return at::globalContext().hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0; HR_CATCH(0)
}

// ---------------------------------------------------------------- handles
HR_EXPORT void hr_free(uint32_t h) { hr::release(h); }
HR_EXPORT void hr_free_many(int32_t n) {
  for (int32_t i = 0; i < n && i < hr::kScratch; i++) hr::release(static_cast<uint32_t>(scratch()[i]));
}
HR_EXPORT double hr_live() { return static_cast<double>(hr::thread().live); }
HR_EXPORT uint32_t hr_alias(uint32_t h) { HR_TRY return put(get(h)); HR_CATCH(0) }
HR_EXPORT int32_t hr_shape(uint32_t h) {
  HR_TRY
  auto sizes = get(h).sizes();
  for (size_t i = 0; i < sizes.size(); i++) scratch()[i] = static_cast<double>(sizes[i]);
  return static_cast<int32_t>(sizes.size());
  HR_CATCH(-1)
}
HR_EXPORT int32_t hr_dtype(uint32_t h) { HR_TRY return static_cast<int32_t>(get(h).scalar_type()); HR_CATCH(-1) }
HR_EXPORT int32_t hr_device(uint32_t h) {
  HR_TRY
  auto d = get(h).device();
  return d.is_cpu() ? 0 : d.index() + 1;
  HR_CATCH(-1)
}
HR_EXPORT int32_t hr_requires_grad(uint32_t h) { HR_TRY return get(h).requires_grad(); HR_CATCH(-1) }

// ---------------------------------------------------------------- data in and out
// A bool other than 0 and 1 is undefined behaviour in libtorch's loops.
static void copy_in(uint8_t* to, const uint8_t* from, size_t bytes, at::ScalarType type) {
  if (type != at::kBool) std::memcpy(to, from, bytes);
  else for (size_t i = 0; i < bytes; i++) to[i] = from[i] != 0;
}
HR_EXPORT uint32_t hr_from_data(const uint8_t* data, double bytes, int32_t ndim, int32_t dtype_code) {
  HR_TRY
  const double* p = scratch();
  auto shape = hr::integers(ndim, p);
  auto type = hr::dtype(dtype_code);
  const size_t want = hr::byte_count(shape, type);
  TORCH_CHECK(static_cast<double>(want) == bytes, "shape ", at::IntArrayRef(shape), " needs ", want, " bytes, the data has ", bytes);
  auto t = at::_ops::empty_memory_format::call(c10::fromIntArrayRefSlow(shape), type, {}, at::Device(at::kCPU), {}, {});
  if (want > 0) copy_in(static_cast<uint8_t*>(t.mutable_data_ptr()), data, want, type);
  return put(std::move(t));
  HR_CATCH(0)
}
HR_EXPORT int32_t hr_to_data(uint32_t h, uint8_t* data, double bytes) {
  HR_TRY
  c10::NoGradGuard no_grad;
  TORCH_CHECK(get(h).layout() == at::kStrided, "a sparse tensor cannot be copied out");
  auto t = get(h).cpu().contiguous();
  TORCH_CHECK(static_cast<double>(t.nbytes()) == bytes, "the tensor has ", t.nbytes(), " bytes, the array ", bytes);
  if (bytes > 0) std::memcpy(data, t.const_data_ptr(), t.nbytes());
  return 0;
  HR_CATCH(-1)
}

// ---------------------------------------------------------------- mapped files
// Private mappings: writes stay in memory. Every tensor cut from one keeps it alive.
HR_EXPORT uint32_t hr_map_open(const char* path) {
  HR_TRY
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe is refused below, not waited for
  TORCH_CHECK(fd >= 0, "cannot open ", path, ": ", std::strerror(errno));
  struct stat info {};
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(fd);
    TORCH_CHECK(false, path, " is not a regular file");
  }
  const size_t size = static_cast<size_t>(info.st_size);
  void* base = size == 0 ? nullptr : mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  const int error = errno;
  close(fd);
  TORCH_CHECK(base != MAP_FAILED, "cannot map ", path, ": ", std::strerror(error));
  auto& t = hr::thread();
  t.mappings[t.next_mapping] = std::shared_ptr<hr::Mapping>(new hr::Mapping{base, size});
  scratch()[0] = static_cast<double>(size);
  return t.next_mapping++;
  HR_CATCH(0)
}
static const std::shared_ptr<hr::Mapping>& mapping(uint32_t id) {
  auto found = hr::thread().mappings.find(id);
  TORCH_CHECK(found != hr::thread().mappings.end(), "the mapping was closed");
  return found->second;
}
HR_EXPORT uint32_t hr_map_tensor(uint32_t id, double offset, int32_t ndim, int32_t dtype_code) {
  HR_TRY
  auto map = mapping(id);
  const double* p = scratch();
  auto shape = hr::integers(ndim, p);
  auto type = hr::dtype(dtype_code);
  const size_t bytes = hr::byte_count(shape, type);
  const int64_t at = hr::integer(offset);
  TORCH_CHECK(at >= 0 && static_cast<size_t>(at) <= map->size && bytes <= map->size - static_cast<size_t>(at),
              "bytes ", at, " to ", static_cast<size_t>(at) + bytes, " are outside the file of ", map->size, " bytes");
  auto options = at::TensorOptions().dtype(type);
  if (bytes == 0) return put(at::_ops::empty_memory_format::call(c10::fromIntArrayRefSlow(shape), type, {}, at::Device(at::kCPU), {}, {}));
  char* data = static_cast<char*>(map->base) + at;
  if (type == at::kBool || reinterpret_cast<uintptr_t>(data) % c10::elementSize(type) != 0) {
    auto copy = at::_ops::empty_memory_format::call(c10::fromIntArrayRefSlow(shape), type, {}, at::Device(at::kCPU), {}, {});
    copy_in(static_cast<uint8_t*>(copy.mutable_data_ptr()), reinterpret_cast<const uint8_t*>(data), bytes, type);
    return put(std::move(copy));
  }
  return put(at::from_blob(data, shape, [map](void*) {}, options));
  HR_CATCH(0)
}
HR_EXPORT int32_t hr_map_read(uint32_t id, double offset, uint8_t* to, double bytes) {
  HR_TRY
  auto map = mapping(id);
  const int64_t at = hr::integer(offset), n = hr::integer(bytes);
  TORCH_CHECK(at >= 0 && n >= 0 && static_cast<size_t>(at) <= map->size && static_cast<size_t>(n) <= map->size - static_cast<size_t>(at),
              "bytes ", at, " to ", at + n, " are outside the file of ", map->size, " bytes");
  if (n > 0) std::memcpy(to, static_cast<char*>(map->base) + at, static_cast<size_t>(n));
  return 0;
  HR_CATCH(-1)
}
HR_EXPORT void hr_map_close(uint32_t id) { hr::thread().mappings.erase(id); }

// ---------------------------------------------------------------- autograd
HR_EXPORT void hr_set_grad_mode(uint8_t on) { c10::GradMode::set_enabled(on != 0); }
HR_EXPORT uint8_t hr_grad_mode() { return c10::GradMode::is_enabled(); }
HR_EXPORT int32_t hr_backward(int32_t n, uint8_t with_gradients, uint8_t retain_graph) {
  HR_TRY
  const double* p = scratch();
  auto roots = hr::tensors(n, p);
  auto gradients = with_gradients ? hr::tensors(n, p) : std::vector<at::Tensor>();
  torch::autograd::backward(roots, gradients, retain_graph != 0);
  return 0;
  HR_CATCH(-1)
}
HR_EXPORT int32_t hr_autograd_grad(int32_t outputs, int32_t inputs, uint8_t with_gradients, uint8_t retain_graph) {
  HR_TRY
  const double* p = scratch();
  auto out = hr::tensors(outputs, p);
  auto in = hr::tensors(inputs, p);
  auto gradients = with_gradients ? hr::tensors(outputs, p) : std::vector<at::Tensor>();
  auto result = torch::autograd::grad(out, in, gradients, retain_graph != 0, false, false);
  return hr::put_all(std::move(result));
  HR_CATCH(-1)
}
// Only a leaf, or what retains its gradient, has one; libtorch warns when another is asked.
static bool has_grad(const at::Tensor& t) { return (t.is_leaf() || t.retains_grad()) && t.grad().defined(); }
HR_EXPORT int32_t hr_has_grad(uint32_t h) { HR_TRY return has_grad(get(h)); HR_CATCH(-1) }
HR_EXPORT uint32_t hr_grad(uint32_t h) {
  HR_TRY
  TORCH_CHECK(has_grad(get(h)), "the tensor has no gradient");
  return put(get(h).grad());
  HR_CATCH(0)
}
HR_EXPORT int32_t hr_set_grad(uint32_t h, uint32_t gradient) {
  HR_TRY
  const at::Tensor& t = get(h);
  if (gradient == 0) {
    t.mutable_grad() = at::Tensor();
    return 0;
  }
  const at::Tensor& g = get(gradient);
  TORCH_CHECK(g.sizes() == t.sizes() && g.scalar_type() == t.scalar_type() && g.device() == t.device(),
              "a gradient must have its tensor's shape, dtype and device");
  t.mutable_grad() = g.detach();  // a gradient with a graph could hold its own tensor, for ever
  return 0;
  HR_CATCH(-1)
}

// ---------------------------------------------------------------- random state
HR_EXPORT int32_t hr_manual_seed(double seed) {
  HR_TRY at::manual_seed(static_cast<uint64_t>(hr::integer(seed))); return 0; HR_CATCH(-1)
}
HR_EXPORT uint32_t hr_rng_state(int32_t device_code) {
  HR_TRY
  auto g = hr::generator(device_code);
  std::lock_guard<std::mutex> lock(g.mutex());
  return put(g.get_state());
  HR_CATCH(0)
}
HR_EXPORT int32_t hr_set_rng_state(int32_t device_code, uint32_t state) {
  HR_TRY
  auto g = hr::generator(device_code);
  const at::Tensor& t = get(state);
  TORCH_CHECK(t.scalar_type() == at::kByte && t.dim() == 1 && t.is_contiguous() && t.device().is_cpu(), "a random state is a CPU uint8 vector");
  std::lock_guard<std::mutex> lock(g.mutex());
  g.set_state(t);
  return 0;
  HR_CATCH(-1)
}

// ---------------------------------------------------------------- memory figures
HR_EXPORT double hr_memory_current() { return static_cast<double>(hr::CountingAllocator::instance().current()); }
HR_EXPORT double hr_memory_peak() { return static_cast<double>(hr::CountingAllocator::instance().peak()); }
HR_EXPORT void hr_memory_reset_peak() { hr::CountingAllocator::instance().reset_peak(); }
HR_EXPORT double hr_memory_available() { return static_cast<double>(hr::available_memory()); }

// ---------------------------------------------------------------- AdamW
// libtorch's fused step reads its lists without comparing their shapes, so they are compared here.
HR_EXPORT int32_t hr_fused_adamw(int32_t n, double lr, double beta1, double beta2, double weight_decay, double eps) {
  HR_TRY
  const double* p = scratch();
  auto parameters = hr::tensors(n, p), gradients = hr::tensors(n, p), means = hr::tensors(n, p), squares = hr::tensors(n, p),
       steps = hr::tensors(n, p);
  for (int32_t i = 0; i < n; i++) {
    for (const auto* other : {&gradients[i], &means[i], &squares[i]}) {
      TORCH_CHECK(other->sizes() == parameters[i].sizes() && other->scalar_type() == parameters[i].scalar_type() &&
                      other->device() == parameters[i].device() && other->is_contiguous() && parameters[i].is_contiguous(),
                  "parameter ", i, ", its gradient and its moments must be contiguous with one shape, dtype and device");
    }
    TORCH_CHECK(at::isFloatingType(parameters[i].scalar_type()), "parameter ", i, " is not of a floating dtype");
    TORCH_CHECK(steps[i].numel() == 1 && steps[i].scalar_type() == at::kFloat && steps[i].device() == parameters[i].device(),
                "step ", i, " must be one float32 on the device of parameter ", i);
  }
  c10::NoGradGuard no_grad;
  at::_ops::_fused_adamw_::call(parameters, gradients, means, squares, {}, steps, lr, beta1, beta2, weight_decay, eps, false, false, {}, {});
  return 0;
  HR_CATCH(-1)
}
`,
}, {
  name: "ops.cpp",
  cuda: false,
  text: `// Made by ffi/generate.ts from ffi/op_table.txt.
#include "shim.h"

#include <ATen/ops/_foreach_add_ops.h>
#include <ATen/ops/_foreach_mul_ops.h>
#include <ATen/ops/_foreach_norm_ops.h>
#include <ATen/ops/_foreach_zero_ops.h>
#include <ATen/ops/abs_ops.h>
#include <ATen/ops/add_ops.h>
#include <ATen/ops/addcmul_ops.h>
#include <ATen/ops/addmm_ops.h>
#include <ATen/ops/all_ops.h>
#include <ATen/ops/amax_ops.h>
#include <ATen/ops/any_ops.h>
#include <ATen/ops/arange_ops.h>
#include <ATen/ops/argmax_ops.h>
#include <ATen/ops/bmm_ops.h>
#include <ATen/ops/cat_ops.h>
#include <ATen/ops/clamp_ops.h>
#include <ATen/ops/clone_ops.h>
#include <ATen/ops/contiguous_ops.h>
#include <ATen/ops/copy_ops.h>
#include <ATen/ops/cos_ops.h>
#include <ATen/ops/cumsum_ops.h>
#include <ATen/ops/detach_ops.h>
#include <ATen/ops/div_ops.h>
#include <ATen/ops/dropout_ops.h>
#include <ATen/ops/embedding_ops.h>
#include <ATen/ops/empty_ops.h>
#include <ATen/ops/eq_ops.h>
#include <ATen/ops/equal_ops.h>
#include <ATen/ops/exp_ops.h>
#include <ATen/ops/expand_ops.h>
#include <ATen/ops/fill_ops.h>
#include <ATen/ops/full_ops.h>
#include <ATen/ops/gather_ops.h>
#include <ATen/ops/ge_ops.h>
#include <ATen/ops/gt_ops.h>
#include <ATen/ops/index_add_ops.h>
#include <ATen/ops/index_copy_ops.h>
#include <ATen/ops/index_put_ops.h>
#include <ATen/ops/index_select_ops.h>
#include <ATen/ops/isfinite_ops.h>
#include <ATen/ops/item_ops.h>
#include <ATen/ops/le_ops.h>
#include <ATen/ops/linalg_vector_norm_ops.h>
#include <ATen/ops/linear_ops.h>
#include <ATen/ops/log_ops.h>
#include <ATen/ops/log_softmax_ops.h>
#include <ATen/ops/logical_and_ops.h>
#include <ATen/ops/logical_not_ops.h>
#include <ATen/ops/logical_or_ops.h>
#include <ATen/ops/logsumexp_ops.h>
#include <ATen/ops/lt_ops.h>
#include <ATen/ops/masked_fill_ops.h>
#include <ATen/ops/matmul_ops.h>
#include <ATen/ops/maximum_ops.h>
#include <ATen/ops/mean_ops.h>
#include <ATen/ops/minimum_ops.h>
#include <ATen/ops/mm_ops.h>
#include <ATen/ops/mul_ops.h>
#include <ATen/ops/multinomial_ops.h>
#include <ATen/ops/narrow_ops.h>
#include <ATen/ops/ne_ops.h>
#include <ATen/ops/neg_ops.h>
#include <ATen/ops/normal_ops.h>
#include <ATen/ops/ones_ops.h>
#include <ATen/ops/permute_ops.h>
#include <ATen/ops/pow_ops.h>
#include <ATen/ops/rand_ops.h>
#include <ATen/ops/randn_ops.h>
#include <ATen/ops/repeat_interleave_ops.h>
#include <ATen/ops/requires_grad_ops.h>
#include <ATen/ops/reshape_ops.h>
#include <ATen/ops/rms_norm_ops.h>
#include <ATen/ops/roll_ops.h>
#include <ATen/ops/rsqrt_ops.h>
#include <ATen/ops/rsub_ops.h>
#include <ATen/ops/scaled_dot_product_attention_ops.h>
#include <ATen/ops/scatter_ops.h>
#include <ATen/ops/searchsorted_ops.h>
#include <ATen/ops/select_ops.h>
#include <ATen/ops/silu_ops.h>
#include <ATen/ops/sin_ops.h>
#include <ATen/ops/slice_ops.h>
#include <ATen/ops/softmax_ops.h>
#include <ATen/ops/sort_ops.h>
#include <ATen/ops/sqrt_ops.h>
#include <ATen/ops/squeeze_ops.h>
#include <ATen/ops/stack_ops.h>
#include <ATen/ops/sub_ops.h>
#include <ATen/ops/sum_ops.h>
#include <ATen/ops/to_ops.h>
#include <ATen/ops/topk_ops.h>
#include <ATen/ops/transpose_ops.h>
#include <ATen/ops/triu_ops.h>
#include <ATen/ops/uniform_ops.h>
#include <ATen/ops/unsqueeze_ops.h>
#include <ATen/ops/var_ops.h>
#include <ATen/ops/view_ops.h>
#include <ATen/ops/where_ops.h>
#include <ATen/ops/zero_ops.h>
#include <ATen/ops/zeros_ops.h>
#include <ATen/ops/zeros_like_ops.h>

HR_EXPORT uint32_t op_add_Tensor(uint32_t self, uint32_t other, double alpha) {
  HR_TRY return hr::put(at::_ops::add_Tensor::call(hr::get(self), hr::get(other), hr::scalar(alpha))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_add_Scalar(uint32_t self, double other, double alpha) {
  HR_TRY return hr::put(at::_ops::add_Scalar::call(hr::get(self), hr::scalar(other), hr::scalar(alpha))); HR_CATCH(0)
}
HR_EXPORT int32_t op_add__Tensor(uint32_t self, uint32_t other, double alpha) {
  HR_TRY at::_ops::add__Tensor::call(hr::get(self), hr::get(other), hr::scalar(alpha)); return 0; HR_CATCH(-1)
}
HR_EXPORT int32_t op_add__Scalar(uint32_t self, double other, double alpha) {
  HR_TRY at::_ops::add__Scalar::call(hr::get(self), hr::scalar(other), hr::scalar(alpha)); return 0; HR_CATCH(-1)
}
HR_EXPORT uint32_t op_sub_Tensor(uint32_t self, uint32_t other, double alpha) {
  HR_TRY return hr::put(at::_ops::sub_Tensor::call(hr::get(self), hr::get(other), hr::scalar(alpha))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_sub_Scalar(uint32_t self, double other, double alpha) {
  HR_TRY return hr::put(at::_ops::sub_Scalar::call(hr::get(self), hr::scalar(other), hr::scalar(alpha))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_rsub_Scalar(uint32_t self, double other, double alpha) {
  HR_TRY return hr::put(at::_ops::rsub_Scalar::call(hr::get(self), hr::scalar(other), hr::scalar(alpha))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_mul_Tensor(uint32_t self, uint32_t other) {
  HR_TRY return hr::put(at::_ops::mul_Tensor::call(hr::get(self), hr::get(other))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_mul_Scalar(uint32_t self, double other) {
  HR_TRY return hr::put(at::_ops::mul_Scalar::call(hr::get(self), hr::scalar(other))); HR_CATCH(0)
}
HR_EXPORT int32_t op_mul__Tensor(uint32_t self, uint32_t other) {
  HR_TRY at::_ops::mul__Tensor::call(hr::get(self), hr::get(other)); return 0; HR_CATCH(-1)
}
HR_EXPORT int32_t op_mul__Scalar(uint32_t self, double other) {
  HR_TRY at::_ops::mul__Scalar::call(hr::get(self), hr::scalar(other)); return 0; HR_CATCH(-1)
}
HR_EXPORT uint32_t op_div_Tensor(uint32_t self, uint32_t other) {
  HR_TRY return hr::put(at::_ops::div_Tensor::call(hr::get(self), hr::get(other))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_div_Scalar(uint32_t self, double other) {
  HR_TRY return hr::put(at::_ops::div_Scalar::call(hr::get(self), hr::scalar(other))); HR_CATCH(0)
}
HR_EXPORT int32_t op_div__Tensor(uint32_t self, uint32_t other) {
  HR_TRY at::_ops::div__Tensor::call(hr::get(self), hr::get(other)); return 0; HR_CATCH(-1)
}
HR_EXPORT uint32_t op_addcmul(uint32_t self, uint32_t tensor1, uint32_t tensor2, double value) {
  HR_TRY return hr::put(at::_ops::addcmul::call(hr::get(self), hr::get(tensor1), hr::get(tensor2), hr::scalar(value))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_neg(uint32_t self) {
  HR_TRY return hr::put(at::_ops::neg::call(hr::get(self))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_exp(uint32_t self) {
  HR_TRY return hr::put(at::_ops::exp::call(hr::get(self))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_log(uint32_t self) {
  HR_TRY return hr::put(at::_ops::log::call(hr::get(self))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_sqrt(uint32_t self) {
  HR_TRY return hr::put(at::_ops::sqrt::call(hr::get(self))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_rsqrt(uint32_t self) {
  HR_TRY return hr::put(at::_ops::rsqrt::call(hr::get(self))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_abs(uint32_t self) {
  HR_TRY return hr::put(at::_ops::abs::call(hr::get(self))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_sin(uint32_t self) {
  HR_TRY return hr::put(at::_ops::sin::call(hr::get(self))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_cos(uint32_t self) {
  HR_TRY return hr::put(at::_ops::cos::call(hr::get(self))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_pow_Tensor_Scalar(uint32_t self, double exponent) {
  HR_TRY return hr::put(at::_ops::pow_Tensor_Scalar::call(hr::get(self), hr::scalar(exponent))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_pow_Scalar(double self, uint32_t exponent) {
  HR_TRY return hr::put(at::_ops::pow_Scalar::call(hr::scalar(self), hr::get(exponent))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_silu(uint32_t self) {
  HR_TRY return hr::put(at::_ops::silu::call(hr::get(self))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_dropout(uint32_t input, double p, uint8_t train) {
  HR_TRY return hr::put(at::_ops::dropout::call(hr::get(input), p, train != 0)); HR_CATCH(0)
}
HR_EXPORT uint32_t op_clamp(uint32_t self, uint8_t has_min, double min, uint8_t has_max, double max) {
  HR_TRY return hr::put(at::_ops::clamp::call(hr::get(self), hr::maybe_scalar(has_min, min), hr::maybe_scalar(has_max, max))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_minimum(uint32_t self, uint32_t other) {
  HR_TRY return hr::put(at::_ops::minimum::call(hr::get(self), hr::get(other))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_maximum(uint32_t self, uint32_t other) {
  HR_TRY return hr::put(at::_ops::maximum::call(hr::get(self), hr::get(other))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_eq_Tensor(uint32_t self, uint32_t other) {
  HR_TRY return hr::put(at::_ops::eq_Tensor::call(hr::get(self), hr::get(other))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_eq_Scalar(uint32_t self, double other) {
  HR_TRY return hr::put(at::_ops::eq_Scalar::call(hr::get(self), hr::scalar(other))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_ne_Scalar(uint32_t self, double other) {
  HR_TRY return hr::put(at::_ops::ne_Scalar::call(hr::get(self), hr::scalar(other))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_gt_Tensor(uint32_t self, uint32_t other) {
  HR_TRY return hr::put(at::_ops::gt_Tensor::call(hr::get(self), hr::get(other))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_gt_Scalar(uint32_t self, double other) {
  HR_TRY return hr::put(at::_ops::gt_Scalar::call(hr::get(self), hr::scalar(other))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_lt_Tensor(uint32_t self, uint32_t other) {
  HR_TRY return hr::put(at::_ops::lt_Tensor::call(hr::get(self), hr::get(other))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_lt_Scalar(uint32_t self, double other) {
  HR_TRY return hr::put(at::_ops::lt_Scalar::call(hr::get(self), hr::scalar(other))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_ge_Tensor(uint32_t self, uint32_t other) {
  HR_TRY return hr::put(at::_ops::ge_Tensor::call(hr::get(self), hr::get(other))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_ge_Scalar(uint32_t self, double other) {
  HR_TRY return hr::put(at::_ops::ge_Scalar::call(hr::get(self), hr::scalar(other))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_le_Tensor(uint32_t self, uint32_t other) {
  HR_TRY return hr::put(at::_ops::le_Tensor::call(hr::get(self), hr::get(other))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_logical_and(uint32_t self, uint32_t other) {
  HR_TRY return hr::put(at::_ops::logical_and::call(hr::get(self), hr::get(other))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_logical_or(uint32_t self, uint32_t other) {
  HR_TRY return hr::put(at::_ops::logical_or::call(hr::get(self), hr::get(other))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_logical_not(uint32_t self) {
  HR_TRY return hr::put(at::_ops::logical_not::call(hr::get(self))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_isfinite(uint32_t self) {
  HR_TRY return hr::put(at::_ops::isfinite::call(hr::get(self))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_all(uint32_t self) {
  HR_TRY return hr::put(at::_ops::all::call(hr::get(self))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_any(uint32_t self) {
  HR_TRY return hr::put(at::_ops::any::call(hr::get(self))); HR_CATCH(0)
}
HR_EXPORT int32_t op_equal(uint32_t self, uint32_t other) {
  HR_TRY hr::scratch()[0] = at::_ops::equal::call(hr::get(self), hr::get(other)) ? 1 : 0; return 0; HR_CATCH(-1)
}
HR_EXPORT uint32_t op_where_self(uint32_t condition, uint32_t self, uint32_t other) {
  HR_TRY return hr::put(at::_ops::where_self::call(hr::get(condition), hr::get(self), hr::get(other))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_masked_fill_Scalar(uint32_t self, uint32_t mask, double value) {
  HR_TRY return hr::put(at::_ops::masked_fill_Scalar::call(hr::get(self), hr::get(mask), hr::scalar(value))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_matmul(uint32_t self, uint32_t other) {
  HR_TRY return hr::put(at::_ops::matmul::call(hr::get(self), hr::get(other))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_mm(uint32_t self, uint32_t mat2) {
  HR_TRY return hr::put(at::_ops::mm::call(hr::get(self), hr::get(mat2))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_addmm(uint32_t self, uint32_t mat1, uint32_t mat2, double beta, double alpha) {
  HR_TRY return hr::put(at::_ops::addmm::call(hr::get(self), hr::get(mat1), hr::get(mat2), hr::scalar(beta), hr::scalar(alpha))); HR_CATCH(0)
}
HR_EXPORT int32_t op_addmm_(uint32_t self, uint32_t mat1, uint32_t mat2, double beta, double alpha) {
  HR_TRY at::_ops::addmm_::call(hr::get(self), hr::get(mat1), hr::get(mat2), hr::scalar(beta), hr::scalar(alpha)); return 0; HR_CATCH(-1)
}
HR_EXPORT uint32_t op_bmm(uint32_t self, uint32_t mat2) {
  HR_TRY return hr::put(at::_ops::bmm::call(hr::get(self), hr::get(mat2))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_linear(uint32_t input, uint32_t weight, uint32_t bias) {
  HR_TRY return hr::put(at::_ops::linear::call(hr::get(input), hr::get(weight), hr::maybe(bias))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_embedding(uint32_t weight, uint32_t indices, double padding_idx, uint8_t scale_grad_by_freq, uint8_t sparse) {
  HR_TRY return hr::put(at::_ops::embedding::call(hr::get(weight), hr::get(indices), hr::integer(padding_idx), scale_grad_by_freq != 0, sparse != 0)); HR_CATCH(0)
}
HR_EXPORT uint32_t op_rms_norm(uint32_t input, int32_t n_normalized_shape, uint32_t weight, uint8_t has_eps, double eps) {
  HR_TRY const double* p = hr::scratch(); auto v_normalized_shape = hr::integers(n_normalized_shape, p); return hr::put(at::_ops::rms_norm::call(hr::get(input), c10::fromIntArrayRefSlow(v_normalized_shape), hr::maybe(weight), hr::maybe_float(has_eps, eps))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_softmax_int(uint32_t self, double dim, int32_t dtype) {
  HR_TRY return hr::put(at::_ops::softmax_int::call(hr::get(self), hr::integer(dim), hr::maybe_dtype(dtype))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_log_softmax_int(uint32_t self, double dim, int32_t dtype) {
  HR_TRY return hr::put(at::_ops::log_softmax_int::call(hr::get(self), hr::integer(dim), hr::maybe_dtype(dtype))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_logsumexp(uint32_t self, int32_t n_dim, uint8_t keepdim) {
  HR_TRY const double* p = hr::scratch(); auto v_dim = hr::integers(n_dim, p); return hr::put(at::_ops::logsumexp::call(hr::get(self), at::IntArrayRef(v_dim), keepdim != 0)); HR_CATCH(0)
}
HR_EXPORT uint32_t op_sum(uint32_t self, int32_t dtype) {
  HR_TRY return hr::put(at::_ops::sum::call(hr::get(self), hr::maybe_dtype(dtype))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_sum_dim_IntList(uint32_t self, int32_t n_dim, uint8_t keepdim, int32_t dtype) {
  HR_TRY const double* p = hr::scratch(); auto v_dim = hr::integers(n_dim, p); return hr::put(at::_ops::sum_dim_IntList::call(hr::get(self), n_dim < 0 ? at::OptionalIntArrayRef() : at::OptionalIntArrayRef(v_dim), keepdim != 0, hr::maybe_dtype(dtype))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_mean(uint32_t self, int32_t dtype) {
  HR_TRY return hr::put(at::_ops::mean::call(hr::get(self), hr::maybe_dtype(dtype))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_mean_dim(uint32_t self, int32_t n_dim, uint8_t keepdim, int32_t dtype) {
  HR_TRY const double* p = hr::scratch(); auto v_dim = hr::integers(n_dim, p); return hr::put(at::_ops::mean_dim::call(hr::get(self), n_dim < 0 ? at::OptionalIntArrayRef() : at::OptionalIntArrayRef(v_dim), keepdim != 0, hr::maybe_dtype(dtype))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_amax(uint32_t self, int32_t n_dim, uint8_t keepdim) {
  HR_TRY const double* p = hr::scratch(); auto v_dim = hr::integers(n_dim, p); return hr::put(at::_ops::amax::call(hr::get(self), at::IntArrayRef(v_dim), keepdim != 0)); HR_CATCH(0)
}
HR_EXPORT uint32_t op_argmax(uint32_t self, uint8_t has_dim, double dim, uint8_t keepdim) {
  HR_TRY return hr::put(at::_ops::argmax::call(hr::get(self), hr::maybe_integer(has_dim, dim), keepdim != 0)); HR_CATCH(0)
}
HR_EXPORT uint32_t op_var_correction(uint32_t self, int32_t n_dim, uint8_t has_correction, double correction, uint8_t keepdim) {
  HR_TRY const double* p = hr::scratch(); auto v_dim = hr::integers(n_dim, p); return hr::put(at::_ops::var_correction::call(hr::get(self), n_dim < 0 ? at::OptionalIntArrayRef() : at::OptionalIntArrayRef(v_dim), hr::maybe_scalar(has_correction, correction), keepdim != 0)); HR_CATCH(0)
}
HR_EXPORT uint32_t op_cumsum(uint32_t self, double dim, int32_t dtype) {
  HR_TRY return hr::put(at::_ops::cumsum::call(hr::get(self), hr::integer(dim), hr::maybe_dtype(dtype))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_view(uint32_t self, int32_t n_size) {
  HR_TRY const double* p = hr::scratch(); auto v_size = hr::integers(n_size, p); return hr::put(at::_ops::view::call(hr::get(self), c10::fromIntArrayRefSlow(v_size))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_reshape(uint32_t self, int32_t n_shape) {
  HR_TRY const double* p = hr::scratch(); auto v_shape = hr::integers(n_shape, p); return hr::put(at::_ops::reshape::call(hr::get(self), c10::fromIntArrayRefSlow(v_shape))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_transpose_int(uint32_t self, double dim0, double dim1) {
  HR_TRY return hr::put(at::_ops::transpose_int::call(hr::get(self), hr::integer(dim0), hr::integer(dim1))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_permute(uint32_t self, int32_t n_dims) {
  HR_TRY const double* p = hr::scratch(); auto v_dims = hr::integers(n_dims, p); return hr::put(at::_ops::permute::call(hr::get(self), at::IntArrayRef(v_dims))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_unsqueeze(uint32_t self, double dim) {
  HR_TRY return hr::put(at::_ops::unsqueeze::call(hr::get(self), hr::integer(dim))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_squeeze_dim(uint32_t self, double dim) {
  HR_TRY return hr::put(at::_ops::squeeze_dim::call(hr::get(self), hr::integer(dim))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_expand(uint32_t self, int32_t n_size, uint8_t implicit) {
  HR_TRY const double* p = hr::scratch(); auto v_size = hr::integers(n_size, p); return hr::put(at::_ops::expand::call(hr::get(self), c10::fromIntArrayRefSlow(v_size), implicit != 0)); HR_CATCH(0)
}
HR_EXPORT uint32_t op_contiguous(uint32_t self) {
  HR_TRY return hr::put(at::_ops::contiguous::call(hr::get(self), at::MemoryFormat::Contiguous)); HR_CATCH(0)
}
HR_EXPORT uint32_t op_clone(uint32_t self) {
  HR_TRY return hr::put(at::_ops::clone::call(hr::get(self), std::nullopt)); HR_CATCH(0)
}
HR_EXPORT uint32_t op_detach(uint32_t self) {
  HR_TRY return hr::put(at::_ops::detach::call(hr::get(self))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_slice_Tensor(uint32_t self, double dim, uint8_t has_start, double start, uint8_t has_end, double end, double step) {
  HR_TRY return hr::put(at::_ops::slice_Tensor::call(hr::get(self), hr::integer(dim), hr::maybe_symint(has_start, start), hr::maybe_symint(has_end, end), hr::integer(step))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_select_int(uint32_t self, double dim, double index) {
  HR_TRY return hr::put(at::_ops::select_int::call(hr::get(self), hr::integer(dim), hr::integer(index))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_narrow(uint32_t self, double dim, double start, double length) {
  HR_TRY return hr::put(at::_ops::narrow::call(hr::get(self), hr::integer(dim), hr::integer(start), hr::integer(length))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_roll(uint32_t self, int32_t n_shifts, int32_t n_dims) {
  HR_TRY const double* p = hr::scratch(); auto v_shifts = hr::integers(n_shifts, p); auto v_dims = hr::integers(n_dims, p); return hr::put(at::_ops::roll::call(hr::get(self), c10::fromIntArrayRefSlow(v_shifts), at::IntArrayRef(v_dims))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_cat(int32_t n_tensors, double dim) {
  HR_TRY const double* p = hr::scratch(); auto v_tensors = hr::tensors(n_tensors, p); return hr::put(at::_ops::cat::call(v_tensors, hr::integer(dim))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_stack(int32_t n_tensors, double dim) {
  HR_TRY const double* p = hr::scratch(); auto v_tensors = hr::tensors(n_tensors, p); return hr::put(at::_ops::stack::call(v_tensors, hr::integer(dim))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_gather(uint32_t self, double dim, uint32_t index, uint8_t sparse_grad) {
  HR_TRY return hr::put(at::_ops::gather::call(hr::get(self), hr::integer(dim), hr::get(index), sparse_grad != 0)); HR_CATCH(0)
}
HR_EXPORT uint32_t op_index_select(uint32_t self, double dim, uint32_t index) {
  HR_TRY return hr::put(at::_ops::index_select::call(hr::get(self), hr::integer(dim), hr::get(index))); HR_CATCH(0)
}
HR_EXPORT int32_t op_index_add_(uint32_t self, double dim, uint32_t index, uint32_t source, double alpha) {
  HR_TRY at::_ops::index_add_::call(hr::get(self), hr::integer(dim), hr::get(index), hr::get(source), hr::scalar(alpha)); return 0; HR_CATCH(-1)
}
HR_EXPORT int32_t op_index_copy_(uint32_t self, double dim, uint32_t index, uint32_t source) {
  HR_TRY at::_ops::index_copy_::call(hr::get(self), hr::integer(dim), hr::get(index), hr::get(source)); return 0; HR_CATCH(-1)
}
HR_EXPORT int32_t op_index_put_(uint32_t self, int32_t n_indices, uint32_t values, uint8_t accumulate) {
  HR_TRY const double* p = hr::scratch(); auto v_indices = hr::maybe_tensors(n_indices, p); at::_ops::index_put_::call(hr::get(self), v_indices, hr::get(values), accumulate != 0); return 0; HR_CATCH(-1)
}
HR_EXPORT int32_t op_scatter__src(uint32_t self, double dim, uint32_t index, uint32_t src) {
  HR_TRY at::_ops::scatter__src::call(hr::get(self), hr::integer(dim), hr::get(index), hr::get(src)); return 0; HR_CATCH(-1)
}
HR_EXPORT int32_t op_topk(uint32_t self, double k, double dim, uint8_t largest, uint8_t sorted) {
  HR_TRY auto r = at::_ops::topk::call(hr::get(self), hr::integer(k), hr::integer(dim), largest != 0, sorted != 0); hr::scratch()[0] = hr::put(std::get<0>(r)); hr::scratch()[1] = hr::put(std::get<1>(r)); return 2; HR_CATCH(-1)
}
HR_EXPORT int32_t op_sort(uint32_t self, double dim, uint8_t descending) {
  HR_TRY auto r = at::_ops::sort::call(hr::get(self), hr::integer(dim), descending != 0); hr::scratch()[0] = hr::put(std::get<0>(r)); hr::scratch()[1] = hr::put(std::get<1>(r)); return 2; HR_CATCH(-1)
}
HR_EXPORT uint32_t op_searchsorted_Tensor(uint32_t sorted_sequence, uint32_t self, uint8_t out_int32, uint8_t right, uint32_t sorter) {
  HR_TRY return hr::put(at::_ops::searchsorted_Tensor::call(hr::get(sorted_sequence), hr::get(self), out_int32 != 0, right != 0, std::nullopt, hr::maybe(sorter))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_multinomial(uint32_t self, double num_samples, uint8_t replacement) {
  HR_TRY return hr::put(at::_ops::multinomial::call(hr::get(self), hr::integer(num_samples), replacement != 0, std::nullopt)); HR_CATCH(0)
}
HR_EXPORT uint32_t op_scaled_dot_product_attention(uint32_t query, uint32_t key, uint32_t value, uint32_t attn_mask, double dropout_p, uint8_t is_causal, uint8_t has_scale, double scale, uint8_t enable_gqa) {
  HR_TRY hr::check_attention(hr::get(query), hr::get(key), hr::get(value), enable_gqa != 0); return hr::put(at::_ops::scaled_dot_product_attention::call(hr::get(query), hr::get(key), hr::get(value), hr::maybe(attn_mask), dropout_p, is_causal != 0, hr::maybe_float(has_scale, scale), enable_gqa != 0)); HR_CATCH(0)
}
HR_EXPORT uint32_t op_repeat_interleave_self_int(uint32_t self, double repeats, uint8_t has_dim, double dim, uint8_t has_output_size, double output_size) {
  HR_TRY return hr::put(at::_ops::repeat_interleave_self_int::call(hr::get(self), hr::integer(repeats), hr::maybe_integer(has_dim, dim), hr::maybe_symint(has_output_size, output_size))); HR_CATCH(0)
}
HR_EXPORT uint32_t op_empty_memory_format(int32_t n_size, int32_t dtype, int32_t device) {
  HR_TRY const double* p = hr::scratch(); auto v_size = hr::integers(n_size, p); return hr::put(at::_ops::empty_memory_format::call(c10::fromIntArrayRefSlow(v_size), hr::maybe_dtype(dtype), std::nullopt, hr::maybe_device(device), std::nullopt, std::nullopt)); HR_CATCH(0)
}
HR_EXPORT uint32_t op_zeros(int32_t n_size, int32_t dtype, int32_t device) {
  HR_TRY const double* p = hr::scratch(); auto v_size = hr::integers(n_size, p); return hr::put(at::_ops::zeros::call(c10::fromIntArrayRefSlow(v_size), hr::maybe_dtype(dtype), std::nullopt, hr::maybe_device(device), std::nullopt)); HR_CATCH(0)
}
HR_EXPORT uint32_t op_ones(int32_t n_size, int32_t dtype, int32_t device) {
  HR_TRY const double* p = hr::scratch(); auto v_size = hr::integers(n_size, p); return hr::put(at::_ops::ones::call(c10::fromIntArrayRefSlow(v_size), hr::maybe_dtype(dtype), std::nullopt, hr::maybe_device(device), std::nullopt)); HR_CATCH(0)
}
HR_EXPORT uint32_t op_full(int32_t n_size, double fill_value, int32_t dtype, int32_t device) {
  HR_TRY const double* p = hr::scratch(); auto v_size = hr::integers(n_size, p); return hr::put(at::_ops::full::call(c10::fromIntArrayRefSlow(v_size), hr::scalar(fill_value), hr::maybe_dtype(dtype), std::nullopt, hr::maybe_device(device), std::nullopt)); HR_CATCH(0)
}
HR_EXPORT uint32_t op_zeros_like(uint32_t self, int32_t dtype, int32_t device) {
  HR_TRY return hr::put(at::_ops::zeros_like::call(hr::get(self), hr::maybe_dtype(dtype), std::nullopt, hr::maybe_device(device), std::nullopt, std::nullopt)); HR_CATCH(0)
}
HR_EXPORT uint32_t op_arange_start_step(double start, double end, double step, int32_t dtype, int32_t device) {
  HR_TRY hr::check_range(start, end, step); return hr::put(at::_ops::arange_start_step::call(hr::scalar(start), hr::scalar(end), hr::scalar(step), hr::maybe_dtype(dtype), std::nullopt, hr::maybe_device(device), std::nullopt)); HR_CATCH(0)
}
HR_EXPORT uint32_t op_rand(int32_t n_size, int32_t dtype, int32_t device) {
  HR_TRY const double* p = hr::scratch(); auto v_size = hr::integers(n_size, p); return hr::put(at::_ops::rand::call(c10::fromIntArrayRefSlow(v_size), hr::maybe_dtype(dtype), std::nullopt, hr::maybe_device(device), std::nullopt)); HR_CATCH(0)
}
HR_EXPORT uint32_t op_randn(int32_t n_size, int32_t dtype, int32_t device) {
  HR_TRY const double* p = hr::scratch(); auto v_size = hr::integers(n_size, p); return hr::put(at::_ops::randn::call(c10::fromIntArrayRefSlow(v_size), hr::maybe_dtype(dtype), std::nullopt, hr::maybe_device(device), std::nullopt)); HR_CATCH(0)
}
HR_EXPORT int32_t op_normal_(uint32_t self, double mean, double std) {
  HR_TRY at::_ops::normal_::call(hr::get(self), mean, std, std::nullopt); return 0; HR_CATCH(-1)
}
HR_EXPORT int32_t op_uniform_(uint32_t self, double low, double high) {
  HR_TRY at::_ops::uniform_::call(hr::get(self), low, high, std::nullopt); return 0; HR_CATCH(-1)
}
HR_EXPORT int32_t op_zero_(uint32_t self) {
  HR_TRY at::_ops::zero_::call(hr::get(self)); return 0; HR_CATCH(-1)
}
HR_EXPORT int32_t op_fill__Scalar(uint32_t self, double value) {
  HR_TRY at::_ops::fill__Scalar::call(hr::get(self), hr::scalar(value)); return 0; HR_CATCH(-1)
}
HR_EXPORT int32_t op_copy_(uint32_t self, uint32_t src, uint8_t non_blocking) {
  HR_TRY at::_ops::copy_::call(hr::get(self), hr::get(src), non_blocking != 0); return 0; HR_CATCH(-1)
}
HR_EXPORT uint32_t op_to_dtype(uint32_t self, int32_t dtype, uint8_t non_blocking, uint8_t copy) {
  HR_TRY return hr::put(at::_ops::to_dtype::call(hr::get(self), hr::dtype(dtype), non_blocking != 0, copy != 0, std::nullopt)); HR_CATCH(0)
}
HR_EXPORT uint32_t op_to_device(uint32_t self, int32_t device, int32_t dtype, uint8_t non_blocking, uint8_t copy) {
  HR_TRY return hr::put(at::_ops::to_device::call(hr::get(self), hr::device(device), hr::dtype(dtype), non_blocking != 0, copy != 0, std::nullopt)); HR_CATCH(0)
}
HR_EXPORT int32_t op_requires_grad_(uint32_t self, uint8_t requires_grad) {
  HR_TRY at::_ops::requires_grad_::call(hr::get(self), requires_grad != 0); return 0; HR_CATCH(-1)
}
HR_EXPORT int32_t op__foreach_norm_Scalar(int32_t n_self, double ord, int32_t dtype) {
  HR_TRY const double* p = hr::scratch(); auto v_self = hr::tensors(n_self, p); return hr::put_all(at::_ops::_foreach_norm_Scalar::call(v_self, hr::scalar(ord), hr::maybe_dtype(dtype))); HR_CATCH(-1)
}
HR_EXPORT int32_t op__foreach_mul__Tensor(int32_t n_self, uint32_t other) {
  HR_TRY const double* p = hr::scratch(); auto v_self = hr::tensors(n_self, p); at::_ops::_foreach_mul__Tensor::call(v_self, hr::get(other)); return 0; HR_CATCH(-1)
}
HR_EXPORT int32_t op__foreach_mul__Scalar(int32_t n_self, double scalar) {
  HR_TRY const double* p = hr::scratch(); auto v_self = hr::tensors(n_self, p); at::_ops::_foreach_mul__Scalar::call(v_self, hr::scalar(scalar)); return 0; HR_CATCH(-1)
}
HR_EXPORT int32_t op__foreach_add__Scalar(int32_t n_self, double scalar) {
  HR_TRY const double* p = hr::scratch(); auto v_self = hr::tensors(n_self, p); at::_ops::_foreach_add__Scalar::call(v_self, hr::scalar(scalar)); return 0; HR_CATCH(-1)
}
HR_EXPORT int32_t op__foreach_zero_(int32_t n_self) {
  HR_TRY const double* p = hr::scratch(); auto v_self = hr::tensors(n_self, p); at::_ops::_foreach_zero_::call(v_self); return 0; HR_CATCH(-1)
}
HR_EXPORT uint32_t op_linalg_vector_norm(uint32_t self, double ord, int32_t n_dim, uint8_t keepdim, int32_t dtype) {
  HR_TRY const double* p = hr::scratch(); auto v_dim = hr::integers(n_dim, p); return hr::put(at::_ops::linalg_vector_norm::call(hr::get(self), hr::scalar(ord), n_dim < 0 ? at::OptionalIntArrayRef() : at::OptionalIntArrayRef(v_dim), keepdim != 0, hr::maybe_dtype(dtype))); HR_CATCH(0)
}
HR_EXPORT int32_t op_item(uint32_t self) {
  HR_TRY hr::scratch()[0] = at::_ops::item::call(hr::get(self)).to<double>(); return 0; HR_CATCH(-1)
}
HR_EXPORT uint32_t op_triu(uint32_t self, double diagonal) {
  HR_TRY return hr::put(at::_ops::triu::call(hr::get(self), hr::integer(diagonal))); HR_CATCH(0)
}
`,
}, {
  name: "cuda.cpp",
  cuda: true,
  text: `// What needs CUDA's headers; compiled only where libtorch has CUDA and they are there.
#include "shim.h"

#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>

HR_EXPORT int32_t hr_cuda_synchronize() {
  HR_TRY c10::cuda::device_synchronize(); return 0; HR_CATCH(-1)
}
HR_EXPORT int32_t hr_cuda_memory(int32_t index) {
  HR_TRY
  const auto all = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(static_cast<c10::DeviceIndex>(index));
  hr::scratch()[0] = static_cast<double>(stats.allocated_bytes[all].current);
  hr::scratch()[1] = static_cast<double>(stats.allocated_bytes[all].peak);
  return 0;
  HR_CATCH(-1)
}
HR_EXPORT int32_t hr_cuda_reset_peak(int32_t index) {
  HR_TRY
  c10::cuda::CUDACachingAllocator::resetPeakStats(static_cast<c10::DeviceIndex>(index));
  return 0;
  HR_CATCH(-1)
}
`,
}];
