// The first layer of one block: 16 x 16 pixels, their R'G'B' with a halo in the block's memory, made from
// planes or from whatever else gives pixels.
#pragma once

#include <cmath>

#include "model/cuda/conv_tile.h"
#include "model/cuda/planes.h"

namespace cdsr::cuda {

/// Weight order of the first layer: [output][27], taps ky, kx, plane innermost.
CDSR_HD int head_tap(int plane, int ky, int kx) { return (ky * 3 + kx) * 3 + plane; }

struct HeadTile {
  float value[3][kHaloPixels];  ///< zero outside the picture

  /// Thread `thread` of `threads` fills its part; a barrier after it.
  template <typename Pixel>
  CDSR_HD void load(const Pixel& pixel, int width, int height, int tile_x, int tile_y, int thread,
                    int threads) {
    for (int i = thread; i < kHaloPixels; i += threads) {
      const int x = tile_x * kTile + i % kHalo - 1, y = tile_y * kTile + i / kHalo - 1;
      float rgb[3] = {};
      if (x >= 0 && x < width && y >= 0 && y < height) pixel(x, y, rgb);
      for (int p = 0; p < 3; ++p) value[p][i] = rgb[p];
    }
  }

  /// The 27 values around pixel `pixel` of the tile's 256, and the pixel itself.
  CDSR_HD void window(int pixel, float window[27]) const {
    for (int ky = 0; ky < 3; ++ky)
      for (int kx = 0; kx < 3; ++kx)
        for (int p = 0; p < 3; ++p)
          window[head_tap(p, ky, kx)] = value[p][(pixel / kTile + ky) * kHalo + pixel % kTile + kx];
  }
  CDSR_HD float centre(int p, int pixel) const {
    return value[p][(pixel / kTile + 1) * kHalo + pixel % kTile + 1];
  }
};

/// One output of the first layer; `weights` are that output's 27. Each product is added without rounding
/// between, whether or not the compiler may contract: the colour conversion and this layer can be one kernel.
CDSR_HD float head_value(const float window[27], const float* weights, float bias) {
  float sum = bias;
  for (int i = 0; i < 27; ++i) sum = std::fma(window[i], weights[i], sum);
  return sum;
}

}  // namespace cdsr::cuda
