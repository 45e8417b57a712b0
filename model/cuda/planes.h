// Pictures in a GPU as planes of floats, and bicubic interpolation one sample at a time. Compiled without
// contraction of a * b + c it has the bits of the processor's rows (filter/color).
#pragma once

#include <cstddef>

#include "model/bicubic.h"
#include "model/cuda/host_device.h"

namespace cdsr::cuda {

/// R', G', B' of a frame or of a band of it; of a network of Colour::Luma Y' alone.
struct Planes {
  const float* plane[3] = {};
  int count = 3;         ///< planes: 3 or 1
  ptrdiff_t stride = 0;  ///< floats
  int width = 0, height = 0;
};

/// The planes' values of a pixel that is inside.
template <int kPlanes>
struct PlanesPixel {
  const Planes& in;
  CDSR_HD void operator()(int x, int y, float values[kPlanes]) const {
    for (int p = 0; p < kPlanes; ++p) values[p] = in.plane[p][y * in.stride + x];
  }
};

CDSR_HD int clamp_index(int i, int size) { return i < 0 ? 0 : i < size ? i : size - 1; }

CDSR_HD float sum4(const float* c, const float* v) {
  return (c[0] * v[0] + c[1] * v[1]) + (c[2] * v[2] + c[3] * v[3]);
}

/// Sample (x, y) of a plane of width x height samples, upscaled along the rows first. `sample(x, y)` gives
/// the plane's samples; edges repeat.
template <typename Sample>
CDSR_HD float upscaled(const Sample& sample, int width, int height, const BicubicTaps& across,
                       const BicubicTaps& down, int x, int y) {
  const BicubicPhase& h = across.phase[x % across.scale];
  const BicubicPhase& v = down.phase[y % down.scale];
  const int x0 = x / across.scale + h.first, y0 = y / down.scale + v.first;
  // sum4() of the rows, one at a time: an array of them would lie in memory, four at once are much code.
  float sum = 0, pair = 0;
  CDSR_NO_UNROLL
  for (int k = down.scale == 1 ? 1 : 0; k < 4; ++k) {
    const int row = clamp_index(y0 + k, height);
    float values[4];
    CDSR_UNROLL
    for (int i = 0; i < 4; ++i) values[i] = sample(clamp_index(x0 + i, width), row);
    const float value = sum4(h.weight, values);
    if (down.scale == 1) return value;
    pair = k % 2 == 0 ? v.weight[k] * value : pair + v.weight[k] * value;
    if (k % 2 != 0) sum = k == 1 ? pair : sum + pair;
  }
  return sum;
}

struct PlaneSample {
  const Planes& picture;
  int p;
  CDSR_HD float operator()(int x, int y) const { return picture.plane[p][y * picture.stride + x]; }
};

/// The picture interpolated at pixel (x, y) of the output.
template <int kPlanes>
CDSR_HD void bicubic_pixel(const Planes& picture, const BicubicTaps& taps, int x, int y,
                           float values[kPlanes]) {
  CDSR_UNROLL
  for (int p = 0; p < kPlanes; ++p)
    values[p] = upscaled(PlaneSample{picture, p}, picture.width, picture.height, taps, taps, x, y);
}

}  // namespace cdsr::cuda
