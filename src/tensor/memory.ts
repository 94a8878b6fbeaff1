/** Memory figures of libtorch: counted by the shim's allocator (CPU) or by libtorch's (CUDA). */
import { scratch } from "../../ffi/library.ts";
import { type Device, deviceCode } from "./dtype.ts";
import { fail, native } from "./tensor.ts";

/** Bytes held by tensors of one device. */
export interface MemoryFigures {
  /** Bytes in use now. */
  readonly current: number;
  /** The most in use since the start or the last reset. */
  readonly peak: number;
}

/** Bytes in use and their peak on a device. */
export function memory(device: Device = "cpu"): MemoryFigures {
  if (device === "cpu") {
    return { current: native().hr_memory_current(), peak: native().hr_memory_peak() };
  }
  const read = native().hr_cuda_memory;
  if (read === null) return { current: 0, peak: 0 };
  if (read(deviceCode(device, "memory") - 1) < 0) fail("memory", []);
  return { current: scratch[0], peak: scratch[1] };
}

/** Starts a new peak at what is in use now. */
export function resetPeakMemory(device: Device = "cpu"): void {
  if (device === "cpu") return native().hr_memory_reset_peak();
  const reset = native().hr_cuda_reset_peak;
  if (reset !== null && reset(deviceCode(device, "resetPeakMemory") - 1) < 0) {
    fail("resetPeakMemory", []);
  }
}

/** Waits for the work queued on a GPU; nothing to do on a CPU. */
export function synchronize(device: Device): void {
  const wait = device === "cpu" ? null : native().hr_cuda_synchronize;
  if (wait !== null && wait() < 0) fail("synchronize", []);
}

/** How many GPUs libtorch sees. */
export function cudaDevices(): number {
  return native().hr_cuda_devices();
}

/** Bytes that can still be had on the CPU (machine and control group), or null where that is unknown. */
export function availableMemory(): number | null {
  const bytes = native().hr_memory_available();
  return bytes < 0 ? null : bytes;
}
