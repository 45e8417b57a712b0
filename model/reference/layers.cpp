#include "model/reference/layers.h"

#include <algorithm>

#include "model/bicubic.h"

namespace cdsr::reference {

FeatureMap conv2d(const Conv& conv, const FeatureMap& in) {
  const int k = conv.kernel, taps = k * k;
  const auto size = [&](int side) { return (side + 2 * conv.padding - k) / conv.stride + 1; };
  FeatureMap out(conv.out, size(in.height), size(in.width));
  for (int o = 0; o < conv.out; ++o) {
    const float* weight = &conv.weight[static_cast<size_t>(o) * conv.in * taps];
    for (int y = 0; y < out.height; ++y)
      for (int x = 0; x < out.width; ++x) {
        double sum = conv.bias[o];
        for (int i = 0; i < conv.in; ++i)
          for (int ky = 0; ky < k; ++ky)
            for (int kx = 0; kx < k; ++kx)
              sum += static_cast<double>(weight[i * taps + ky * k + kx]) *
                     in.padded(i, y * conv.stride - conv.padding + ky, x * conv.stride - conv.padding + kx);
        out.at(o, y, x) = static_cast<float>(sum);
      }
  }
  return out;
}

void leaky_relu(FeatureMap& map, float slope) {
  for (float& v : map.data) v = v < 0 ? slope * v : v;
}

void scale_add(FeatureMap& a, float scale, const FeatureMap& b) {
  for (size_t i = 0; i < a.data.size(); ++i) a.data[i] = a.data[i] * scale + b.data[i];
}

FeatureMap concat(const FeatureMap& a, const FeatureMap& b) {
  FeatureMap out(a.channels + b.channels, a.height, a.width);
  std::copy(b.data.begin(), b.data.end(), std::copy(a.data.begin(), a.data.end(), out.data.begin()));
  return out;
}

std::vector<float> channel_means(const FeatureMap& map) {
  const size_t pixels = static_cast<size_t>(map.height) * map.width;
  std::vector<float> mean(map.channels);
  for (int c = 0; c < map.channels; ++c) {
    double sum = 0;
    for (size_t i = 0; i < pixels; ++i) sum += map.plane(c)[i];
    mean[c] = static_cast<float>(sum / static_cast<double>(pixels));
  }
  return mean;
}

FeatureMap depthwise(const FeatureMap& in, std::span<const float> filter) {
  FeatureMap out(in.channels, in.height, in.width);
  for (int c = 0; c < in.channels; ++c)
    for (int y = 0; y < in.height; ++y)
      for (int x = 0; x < in.width; ++x) {
        double sum = 0;
        for (int ky = 0; ky < 3; ++ky)
          for (int kx = 0; kx < 3; ++kx)
            sum += static_cast<double>(filter[9 * c + 3 * ky + kx]) * in.padded(c, y - 1 + ky, x - 1 + kx);
        out.at(c, y, x) = static_cast<float>(sum);
      }
  return out;
}

FeatureMap pixel_shuffle(const FeatureMap& in, int scale) {
  FeatureMap out(in.channels / (scale * scale), in.height * scale, in.width * scale);
  for (int c = 0; c < in.channels; ++c)
    for (int y = 0; y < in.height; ++y)
      for (int x = 0; x < in.width; ++x) {
        const int r = c / scale % scale, q = c % scale;
        out.at(c / (scale * scale), y * scale + r, x * scale + q) = in.padded(c, y, x);
      }
  return out;
}

FeatureMap bicubic(const FeatureMap& in, int scale) {
  FeatureMap out(in.channels, in.height * scale, in.width * scale);
  for (int c = 0; c < in.channels; ++c)
    for (int y = 0; y < out.height; ++y)
      for (int x = 0; x < out.width; ++x) {
        const BicubicPhase v = bicubic_phase(scale, y % scale), h = bicubic_phase(scale, x % scale);
        double sum = 0;
        for (int j = 0; j < 4; ++j)
          for (int i = 0; i < 4; ++i)
            sum += static_cast<double>(v.weight[j]) * h.weight[i] *
                   in.padded(c, std::clamp(y / scale + v.first + j, 0, in.height - 1),
                             std::clamp(x / scale + h.first + i, 0, in.width - 1));
        out.at(c, y, x) = static_cast<float>(sum);
      }
  return out;
}

std::vector<float> linear(const Linear& layer, std::span<const float> x) {
  std::vector<float> y(layer.out);
  for (int o = 0; o < layer.out; ++o) {
    double sum = layer.bias.empty() ? 0.0 : layer.bias[o];
    for (int i = 0; i < layer.in; ++i)
      sum += static_cast<double>(layer.weight[static_cast<size_t>(o) * layer.in + i]) * x[i];
    y[o] = static_cast<float>(sum);
  }
  return y;
}

}  // namespace cdsr::reference
