// The part of the shim that is no op: tensors from and to typed arrays, autograd, devices, random state, threads,
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
