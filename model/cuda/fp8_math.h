// fp8 (e4m3) in the dense blocks: what is stored is a value times its buffer's scale.
//
// A dense block's buffer has one scale, a power of two that puts the largest value of the picture it was
// measured on kHeadroom below fp8's largest. Being a floating-point format, fp8 loses nothing to the headroom
// as long as the small values stay above its smallest normal, 2^-15 of its largest. The scale only falls: a
// picture whose values it does not hold is redone in fp32, which measures them.
//
// Weights have a scale for each output. The sums of an output are multiplied by its factor, which takes both
// back.
#pragma once

#include <cmath>
#include <cstdint>

#include "model/cuda/conv_tile.h"

namespace cdsr::cuda {

inline constexpr float kFp8Most = 448;
inline constexpr float kHeadroom = 8;
inline constexpr int kScaleStride = 4;  ///< floats from one scale to the next: cuDNN wants 16 bytes

/// Every dense block's scale and factors, device memory.
struct Fp8Scales {
  int buffers = 0, rows = 0;       ///< dense blocks; outputs of one's five layers
  float* most = nullptr;           ///< [buffers], largest absolute values since the last launch_scales()
  float* scale = nullptr;          ///< [buffers][kScaleStride], the first of each; 0: not known yet
  const float* descale = nullptr;  ///< [buffers][rows], what an output's weights were divided by
  float* factor = nullptr;         ///< [buffers][rows]
};

/// The scale after values up to `most` were measured in a buffer that had `scale`.
CDSR_HD float next_scale(float scale, float most) {
  // What is not finite measures nothing; an empty picture holds at any scale.
  if (!(most > 0) || !(most <= 3e38F)) return scale > 0 ? scale : 1;
  const float fits = ldexpf(1, ilogbf(kFp8Most / kHeadroom / most));
  return scale > 0 && scale < fits ? scale : fits;
}

template <typename Half, typename Fp8>
struct QuantizeArgs {
  const Half* in = nullptr;
  int channels = 0;  ///< of `in`, side by side; a multiple of 16
  int64_t pixels = 0;
  Fp8* out = nullptr;
  int out_pitch = 0;
  const float* scale = nullptr;
  int* not_held = nullptr;
};

/// Sixteen channels: part i, 0 <= i < pixels * channels / 16. Whether fp8 holds them.
template <typename Half, typename Fp8>
CDSR_HD bool quantize16(const QuantizeArgs<Half, Fp8>& a, int64_t i) {
  alignas(16) Half values[16];
  alignas(16) Fp8 result[16];
  const int parts = a.channels / 16;
  const int64_t pixel = i / parts;
  const int first = static_cast<int>(i % parts) * 16;
  const Half* const from = a.in + pixel * a.channels + first;
  copy16<Half>(from, values);
  copy16<Half>(from + 8, values + 8);
  const float scale = *a.scale;
  bool held = scale > 0;
  CDSR_UNROLL
  for (int c = 0; c < 16; ++c) {
    const float v = static_cast<float>(values[c]) * scale;
    held = held && v >= -kFp8Most && v <= kFp8Most;
    result[c] = Fp8(v);
  }
  copy16<Fp8>(result, a.out + pixel * a.out_pitch + first);
  return held;
}

}  // namespace cdsr::cuda
