// The first layer's blocks on the processor, as model/cuda/head.cu has them.
#pragma once

#include "model/cuda/head_tile.h"

namespace cdsr::cuda::test {

/// Calls `pixel_done(x, y, window, tile, pixel)` for every pixel of the picture, block by block.
template <int kPlanes, typename Pixel, typename Done>
void run_head(const Pixel& source, int width, int height, const Done& pixel_done) {
  HeadTile<kPlanes> tile;
  for (int ty = 0; ty < blocks_of(height, kTile); ++ty)
    for (int tx = 0; tx < blocks_of(width, kTile); ++tx) {
      for (int t = 0; t < kThreads; ++t) tile.load(source, width, height, tx, ty, t, kThreads);
      for (int t = 0; t < kThreads; ++t) {
        const int x = tx * kTile + t % kTile, y = ty * kTile + t / kTile;
        if (x >= width || y >= height) continue;
        float window[9 * kPlanes];
        tile.window(t, window);
        pixel_done(x, y, window, tile, t);
      }
    }
}

}  // namespace cdsr::cuda::test
