// The network's bicubic skip as the colour path's upscaler: the same cubic.
#pragma once

#include <algorithm>

#include "filter/color/resample.h"
#include "model/bicubic.h"

namespace cdsr::cuda {

inline Upscaler skip_upscaler(int scale) {
  Upscaler up;
  up.scale = scale;
  for (int p = 0; p < scale; ++p) {
    const BicubicPhase phase = bicubic_phase(scale, p);
    up.phase[p].first = phase.first;
    std::copy_n(phase.weight, 4, up.phase[p].coefficient);
  }
  return up;
}

}  // namespace cdsr::cuda
