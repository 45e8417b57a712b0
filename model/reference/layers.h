// Layers on planar fp32 maps. Each output value is accumulated in double.
#pragma once

#include <span>
#include <vector>

#include "model/network.h"

namespace cdsr::reference {

struct FeatureMap {
  int channels = 0, height = 0, width = 0;
  std::vector<float> data;  ///< channels x height x width

  FeatureMap() = default;
  FeatureMap(int c, int h, int w)
      : channels(c), height(h), width(w), data(static_cast<size_t>(c) * h * w, 0.0F) {}

  float* plane(int c) { return data.data() + static_cast<size_t>(c) * height * width; }
  const float* plane(int c) const { return data.data() + static_cast<size_t>(c) * height * width; }
  float& at(int c, int y, int x) { return plane(c)[static_cast<size_t>(y) * width + x]; }
  /// Zero outside the map: the padding of every convolution here.
  float padded(int c, int y, int x) const {
    return y < 0 || y >= height || x < 0 || x >= width ? 0.0F : plane(c)[static_cast<size_t>(y) * width + x];
  }
};

FeatureMap conv2d(const Conv& conv, const FeatureMap& in);
void leaky_relu(FeatureMap& map, float slope);
/// a = a * scale + b.
void scale_add(FeatureMap& a, float scale, const FeatureMap& b);
/// Channels of `b` after those of `a`.
FeatureMap concat(const FeatureMap& a, const FeatureMap& b);
/// Mean over the pixels, one value a channel.
std::vector<float> channel_means(const FeatureMap& map);
/// channel c of the result: `in`'s channel c correlated with the 3x3 taps filter[9 c ...], zero padding.
FeatureMap depthwise(const FeatureMap& in, std::span<const float> filter);
/// Channel (p * s + r) * s + q of pixel (y, x) becomes plane p of pixel (y s + r, x s + q).
FeatureMap pixel_shuffle(const FeatureMap& in, int scale);
/// model/bicubic.h on every plane.
FeatureMap bicubic(const FeatureMap& in, int scale);

std::vector<float> linear(const Linear& layer, std::span<const float> x);

}  // namespace cdsr::reference
