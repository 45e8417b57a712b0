// 3x3 convolutions with 0.3 times the multiplications: Winograd's F(6, 3) along rows and F(2, 3) down
// columns. fp32, any number of threads at once. Rows are nhwc as in kernels.h; two rows of the output are
// made at a time from four of the input, whatever is beside them, so a row's bits depend on nothing but which
// of the two it is.
#pragma once

#include <cstddef>

#include "model/cpu/types.h"

namespace cdsr::cpu {

/// Columns of the output that are made together, counted from the row's first.
inline constexpr int kWinogradColumns = 6;

struct WinogradRows {
  /// Rows y - 1 to y + 2 of the input, `width` pixels of `in` values; rows of zeros where that is outside the
  /// frame. The first is not read where dst[0] is null, nor the last where dst[1] is.
  const float* src[4] = {};
  /// Rows y and y + 1: `width` pixels of `stride` values, of which the first round_up(out, lanes) are
  /// written. Null: not wanted.
  float* dst[2] = {};
  const float* add[2] = {};  ///< rows like dst, or null
  int width = 0;
  int in = 0;                      ///< channels, a multiple of 16
  int out = 0;                     ///< channels
  int stride = 0;                  ///< channels that a pixel of dst and add has
  const float* weights = nullptr;  ///< transformed
  const float* bias = nullptr;     ///< round_up(out, lanes) values
  float slope = 1;                 ///< 0 to 1: dst = lrelu(convolution + bias) + add; 1: no activation
  bool activate_sum = false;       ///< dst = lrelu(convolution + bias + add) instead
  float* scratch = nullptr;        ///< scratch(in) floats
};

/// For one set of instructions.
struct WinogradKernels {
  const char* name;  ///< Highway's: "AVX2"
  int lanes;
  void (*rows)(const WinogradRows& rows);
  /// Transforms weights `out` x `in` x 3 x 3. Allocates nothing.
  void (*transform)(const float* plain, int in, int out, float* transformed);
  size_t (*weights)(int in, int out);  ///< floats of transformed weights
  size_t (*scratch)(int in);           ///< floats that rows() works in
};

/// The best of what Highway finds on this processor and `isa` allows.
const WinogradKernels& winograd(Isa isa);

}  // namespace cdsr::cpu
