// 3x3 convolutions of rows in 8 bits: products of unsigned features and signed weights in the processor's own
// instruction (VNNI), their sums exact in 32 bits. Any number of threads at once.
//
// A feature f of channel c is stored as q = round(f / unit[c]) + zero[c], 0 to 255 (quantized.h says which
// unit and zero). Everything that turns sums into features is an affine map per output channel before the
// LeakyReLU and an offset after it, as a positive factor goes through a LeakyReLU unchanged.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cdsr::cpu {

/// One row of the output, from three of the input.
struct Int8Row {
  const uint8_t* src[3] = {};  ///< rows y - 1, y, y + 1: `width` pixels of `in` values
  const uint8_t* beside =
      nullptr;          ///< a pixel of the input that stands for 0: what lies left and right of the rows
  void* dst = nullptr;  ///< `width` pixels of `out` values: uint8_t, or float if `offset` is null
  const uint8_t* add = nullptr;  ///< a row like a row of 8-bit dst, or null
  int width = 0;
  int in = 0;                       ///< channels, a multiple of 16, at most kInt8Channels
  int out = 0;                      ///< the same
  const int8_t* weights = nullptr;  ///< [3 ky][3 kx][in / 4][out][4]
  // dst = lrelu(factor * sum + bias + add_factor * add) + offset, `out` values each
  const float* factor = nullptr;
  const float* bias = nullptr;
  const float* add_factor = nullptr;
  const float* offset = nullptr;
  float slope = 1;  ///< of the LeakyReLU, 0 to 1; 1: none
};

/// Most channels of a row; Int8Kernels::row() makes nothing of more.
inline constexpr int kInt8Channels = 64;

/// Output channels of Int8Kernels::tail(), and the lanes that its taps take in the weights.
inline constexpr int kInt8TailOutputs = 4, kInt8TailLanes = 16;

/// The instructions that there are.
enum class Vnni : uint8_t { None, Avx2, Avx512 };

struct Int8Kernels {
  const char* name;  ///< "avx512vnni"
  void (*row)(const Int8Row& row);
  /// To the first kInt8TailOutputs of the `out` values of each pixel, which are floats; nothing is added, no
  /// LeakyReLU. Weights: [3 ky][in / 4][kInt8TailLanes][4], of which lane 4 kx + o is output o under tap kx
  /// and the last four are 0.
  void (*tail)(const Int8Row& row);
};

/// Null for Vnni::None.
const Int8Kernels* int8_kernels(Vnni vnni);

}  // namespace cdsr::cpu
