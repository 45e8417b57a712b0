// What nvcc knows by itself, for a CUDA source that translate.py has made C++: included before its first
// line.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>
#include <cuda_runtime_api.h>

#include <cmath>
#include <cstring>

#include "tests/cuda/on_cpu/block.h"
#include "tests/cuda/on_cpu/launch.h"
#include "tests/cuda/on_cpu/ptx.h"
#include "tests/cuda/on_cpu/report.h"
#include "tests/cuda/on_cpu/stream.h"

// After the headers of CUDA, which must take this for the processor.
#define __CUDA_ARCH__ 900
#undef __launch_bounds__
#undef __grid_constant__
#define __launch_bounds__(...)
#define __grid_constant__

#define threadIdx (::cuda_on_cpu::coordinates.thread)
#define blockIdx (::cuda_on_cpu::coordinates.block)
#define blockDim (::cuda_on_cpu::coordinates.block_size)
#define gridDim (::cuda_on_cpu::coordinates.grid_size)
#define __syncthreads ::cuda_on_cpu::barrier

using std::isfinite;

inline unsigned max(unsigned a, unsigned b) { return a > b ? a : b; }

inline unsigned __float_as_uint(float value) {
  unsigned bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline uint32_t __cvta_generic_to_shared(const void* p) { return ::cuda_on_cpu::shared_address(p); }

template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int lanes) {
  struct Lane {
    T given, received;
    int lanes;
  } own{value, {}, lanes};
  if (mask != ~0U) ::cuda_on_cpu::fatal("a shuffle of some lanes: not known");
  static const char operation = 0;
  ::cuda_on_cpu::meet(
      &operation,
      [](void* const all[::cuda_on_cpu::kWarp]) {
        for (int i = 0; i < ::cuda_on_cpu::kWarp; ++i) {
          if (all[i] == nullptr) continue;
          auto& lane = *static_cast<Lane*>(all[i]);
          const auto* const other = static_cast<const Lane*>(all[i ^ lane.lanes]);
          if (other == nullptr) ::cuda_on_cpu::fatal("a shuffle with a lane that is not there");
          lane.received = other->given;
        }
      },
      &own);
  return own.received;
}

// Fibers do not interrupt each other.
inline unsigned atomicMax(unsigned* at, unsigned value) {
  const unsigned before = *at;
  *at = before > value ? before : value;
  return before;
}
inline unsigned long long atomicAdd(unsigned long long* at, unsigned long long value) {
  const unsigned long long before = *at;
  *at += value;
  return before;
}

inline void cudaGraphSetConditional(cudaGraphConditionalHandle handle, unsigned value) {
  ::cuda_on_cpu::set_condition(handle, value);
}

/// As nvcc's: attributes of a kernel by its own type.
template <typename... Parameters>
cudaError_t cudaFuncSetAttribute(void (*kernel)(Parameters...), cudaFuncAttribute attribute, int value) {
  return ::cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), attribute, value);
}
