// What needs CUDA's headers; compiled only where libtorch has CUDA and they are there.
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
