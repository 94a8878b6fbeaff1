/** FFI signatures of ffi/core.cpp, the hand-written part of the shim. C types stand beside each parameter. */
// deno-lint-ignore no-slow-types
export const coreSymbols = {
  hr_open: { parameters: [], result: "i32" },
  hr_scratch: { parameters: [], result: "pointer" }, // double[65536]
  hr_last_error: { parameters: [], result: "pointer" }, // const char*
  hr_set_threads: { parameters: ["i32"], result: "i32" },
  hr_cuda_devices: { parameters: [], result: "i32" },

  hr_free: { parameters: ["u32"], result: "void" },
  hr_free_many: { parameters: ["i32"], result: "void" }, // handles in scratch
  hr_live: { parameters: [], result: "f64" },
  hr_alias: { parameters: ["u32"], result: "u32" },
  hr_shape: { parameters: ["u32"], result: "i32" }, // sizes to scratch
  hr_dtype: { parameters: ["u32"], result: "i32" },
  hr_device: { parameters: ["u32"], result: "i32" },
  hr_requires_grad: { parameters: ["u32"], result: "i32" },

  hr_from_data: {
    parameters: ["buffer", "f64", "i32", "i32"], // data, bytes, ndim (sizes in scratch), dtype
    result: "u32",
  },
  hr_to_data: { parameters: ["u32", "buffer", "f64"], result: "i32" }, // handle, data, bytes

  hr_map_open: { parameters: ["buffer"], result: "u32" }, // path; size to scratch
  hr_map_tensor: {
    parameters: ["u32", "f64", "i32", "i32"], // mapping, byte offset, ndim (sizes in scratch), dtype
    result: "u32",
  },
  hr_map_read: { parameters: ["u32", "f64", "buffer", "f64"], result: "i32" }, // mapping, offset, to, bytes
  hr_map_close: { parameters: ["u32"], result: "void" },

  hr_set_grad_mode: { parameters: ["u8"], result: "void" },
  hr_grad_mode: { parameters: [], result: "u8" },
  hr_backward: { parameters: ["i32", "u8", "u8"], result: "i32" }, // n roots (then gradients) in scratch, with gradients, retain graph
  hr_autograd_grad: { parameters: ["i32", "i32", "u8", "u8"], result: "i32" }, // outputs, inputs (then gradients) in scratch, with gradients, retain graph
  hr_has_grad: { parameters: ["u32"], result: "i32" },
  hr_grad: { parameters: ["u32"], result: "u32" },
  hr_set_grad: { parameters: ["u32", "u32"], result: "i32" }, // handle, gradient or 0

  hr_manual_seed: { parameters: ["f64"], result: "i32" },
  hr_rng_state: { parameters: ["i32"], result: "u32" }, // device
  hr_set_rng_state: { parameters: ["i32", "u32"], result: "i32" }, // device, state

  hr_memory_current: { parameters: [], result: "f64" },
  hr_memory_peak: { parameters: [], result: "f64" },
  hr_memory_reset_peak: { parameters: [], result: "void" },
  hr_memory_available: { parameters: [], result: "f64" },

  hr_fused_adamw: {
    parameters: ["i32", "f64", "f64", "f64", "f64", "f64"], // n of each list in scratch, lr, β1, β2, weight decay, ε
    result: "i32",
  },

  // ffi/cuda.cpp: absent where libtorch has no CUDA.
  hr_cuda_synchronize: { parameters: [], result: "i32", optional: true },
  hr_cuda_memory: { parameters: ["i32"], result: "i32", optional: true }, // device index; current, peak to scratch
  hr_cuda_reset_peak: { parameters: ["i32"], result: "i32", optional: true },
} as const;
