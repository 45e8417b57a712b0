// The first layer of one block: 16 x 16 pixels, their R'G'B' (kPlanes 3) or Y' (1) with a halo in the block's
// memory, made from planes or from whatever else gives pixels.
#pragma once

#include <cmath>

#include "model/cuda/conv_tile.h"
#include "model/cuda/planes.h"

namespace cdsr::cuda {

/// Weight order of the first layer: [output][9 kPlanes], taps ky, kx, plane innermost.
CDSR_HD int head_tap(int planes, int plane, int ky, int kx) { return (ky * 3 + kx) * planes + plane; }

template <int kPlanes>
struct HeadTile {
  float value[kPlanes][kHaloPixels];  ///< zero outside the picture

  /// Thread `thread` of `threads` fills its part; a barrier after it.
  template <typename Pixel>
  CDSR_HD void load(const Pixel& pixel, int width, int height, int tile_x, int tile_y, int thread,
                    int threads) {
    for (int i = thread; i < kHaloPixels; i += threads) {
      const int x = tile_x * kTile + i % kHalo - 1, y = tile_y * kTile + i / kHalo - 1;
      float values[kPlanes] = {};
      if (x >= 0 && x < width && y >= 0 && y < height) pixel(x, y, values);
      CDSR_UNROLL
      for (int p = 0; p < kPlanes; ++p) value[p][i] = values[p];
    }
  }

  /// The 9 kPlanes values around pixel `pixel` of the tile's 256, and the pixel itself.
  CDSR_HD void window(int pixel, float* window) const {
    for (int ky = 0; ky < 3; ++ky)
      for (int kx = 0; kx < 3; ++kx)
        for (int p = 0; p < kPlanes; ++p)
          window[head_tap(kPlanes, p, ky, kx)] = value[p][(pixel / kTile + ky) * kHalo + pixel % kTile + kx];
  }
  CDSR_HD float centre(int p, int pixel) const {
    return value[p][(pixel / kTile + 1) * kHalo + pixel % kTile + 1];
  }
};

/// One output of the first layer; `weights` are that output's 9 kPlanes. Each product is added without
/// rounding between, whether or not the compiler may contract: the colour conversion and this layer can be
/// one kernel.
template <int kPlanes>
CDSR_HD float head_value(const float* window, const float* weights, float bias) {
  float sum = bias;
  for (int i = 0; i < 9 * kPlanes; ++i) sum = std::fma(window[i], weights[i], sum);
  return sum;
}

}  // namespace cdsr::cuda
