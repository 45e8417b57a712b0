// The device's fp8 type: e4m3, four exponent and three mantissa bits, up to 448, NaN but no infinity.
#pragma once

#include <cuda_fp16.h>
#include <cuda_fp8.h>

#include "model/cuda/conv_tile.h"

namespace cdsr::cuda {

using Fp8 = __nv_fp8_e4m3;

template <>
struct ResidualOf<Fp8> {
  using Type = __half;
};

inline constexpr int kFp8Capability = 89;  ///< the first GPUs that multiply it: Ada; then Hopper

}  // namespace cdsr::cuda
