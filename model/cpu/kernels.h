// Our own loops over rows, compiled for several sets of instructions. Feature rows are nhwc: `width` pixels
// of `channels` values (a multiple of 16), fp32 or bf16, of the head 8-bit ones (int8.h) too; arithmetic is
// fp32.
#pragma once

#include <cstddef>

#include "model/cpu/types.h"

namespace cdsr::cpu {

/// Bicubic phases of a scale, see model/bicubic.h.
struct ShuffleTaps {
  int scale = 2;
  bool skip = false;  ///< add the enlarged picture
  int planes = 3;     ///< of the picture
  int first[4] = {};
  float weight[4][4] = {};
};

/// Output channels of FeatureKernels::tail, and the most input channels it takes.
inline constexpr int kTailOutputs = 4, kTailChannels = 64;

/// For rows stored as one Type; `void` pointers are to values of it. Of Type::U8 there is the head alone.
struct FeatureKernels {
  /// lrelu (slope 1: none) of the 3x3 convolution of a picture of `planes` planes: rows y - 1, y, y + 1
  /// (first pixel of plane 0), weights [9 planes][channels] with taps in the order ky, plane, kx. To values
  /// of 8 bits `offset`, one for each channel, is added before they are rounded.
  void (*head)(const float* const rows[3], int planes, ptrdiff_t plane, int width, const float* weights,
               const float* bias, float slope, const float* offset, int channels, void* out);
  /// filtered = lrelu(depthwise 3x3 of rows y - 1, y, y + 1), gated = row y * gate. filter: [9][channels].
  void (*dqa)(const void* const rows[3], int width, int channels, const float* filter, const float* gate,
              float slope, void* filtered, void* gated);
  /// sums[c] = sum over the row's pixels.
  void (*sum)(const void* row, int width, int channels, float* sums);
  /// To channel blocks of `block`, `distance` values apart, and back: out = scale * in + add (scale 1 and no
  /// `add`: a copy).
  void (*pack)(const void* row, int width, int channels, int block, ptrdiff_t distance, void* out);
  void (*unpack)(const void* in, int width, int channels, int block, ptrdiff_t distance, float scale,
                 const void* add, void* out);
  /// 3x3 convolution of rows y - 1, y, y + 1 to kTailOutputs channels, the first of the `stride` that a pixel
  /// of `out` has. Lanes are input channels, `tail_step` at a time, of which `channels` is a multiple;
  /// weights: [9 taps][channels / tail_step][kTailOutputs][tail_step] values of the rows' type. tail_step 0:
  /// Winograd's kernel or oneDNN is faster with these instructions.
  int tail_step;
  void (*tail)(const void* const rows[3], int width, int channels, const void* weights, const float* bias,
               int stride, float* out);
};

struct Kernels {
  const char* name;             ///< "avx2"
  FeatureKernels rows[kTypes];  ///< by Type
  /// Pixel shuffle of one low-resolution row `in` (width x channels), plus the enlarged picture with
  /// taps.skip. picture: rows y - 2 to y + 2, clamped, first pixel of plane 0. out: first row of plane 0;
  /// plane p of row r at out + (taps.planes r + p) * out_plane. `temp` holds width + 64 floats.
  void (*shuffle)(const float* in, int channels, int width, const ShuffleTaps& taps,
                  const float* const picture[5], ptrdiff_t plane, float* out, ptrdiff_t out_plane,
                  float* temp);
};

const Kernels& kernels(Isa isa);

}  // namespace cdsr::cpu
