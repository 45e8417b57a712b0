#include "tools/degrade/degrade.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "model/error.h"
#include "tools/degrade/kernel.h"

namespace cdsr::degrade {
namespace {

/// SplitMix64 and Box-Muller; not std::normal_distribution, whose values differ between standard libraries.
class Normal {
 public:
  explicit Normal(uint64_t seed) : state_(seed) {}

  double operator()() {
    if (has_spare_) {
      has_spare_ = false;
      return spare_;
    }
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));  // 1 - u is in (0, 1]
    const double angle = 2 * std::numbers::pi * uniform();
    spare_ = radius * std::sin(angle);
    has_spare_ = true;
    return radius * std::cos(angle);
  }

 private:
  double uniform() {
    uint64_t z = state_ += 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
  }

  uint64_t state_;
  double spare_ = 0;
  bool has_spare_ = false;
};

struct Tap {
  int dx, dy;
  float weight;
};

/// The non-zero taps: small kernels fill a small part of the array.
std::vector<Tap> taps_of(std::span<const float> kernel) {
  std::vector<Tap> taps;
  for (int i = 0; i < kKernelSide; ++i)
    for (int j = 0; j < kKernelSide; ++j)
      if (const float w = kernel[static_cast<size_t>(i) * kKernelSide + j]; w != 0)
        taps.push_back({j - kKernelMargin, i - kKernelMargin, w});
  return taps;
}

}  // namespace

std::vector<float> blur_subsample(const tools::Picture& hr, std::span<const float> kernel, int scale) {
  if (kernel.size() != static_cast<size_t>(kKernelSide) * kKernelSide)
    fail(Errc::InvalidArgument, "kernel has {} values, must have {}", kernel.size(),
         kKernelSide * kKernelSide);
  const std::vector<Tap> taps = taps_of(kernel);
  const int width = (hr.width + scale - 1) / scale, height = (hr.height + scale - 1) / scale;
  std::vector<float> out(3 * static_cast<size_t>(width) * height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      float sum[3] = {};
      for (const Tap& t : taps) {
        const int u = std::clamp(x * scale + t.dx, 0, hr.width - 1);
        const int v = std::clamp(y * scale + t.dy, 0, hr.height - 1);
        const uint8_t* pixel = hr.rgb.data() + 3 * (static_cast<size_t>(v) * hr.width + u);
        for (int c = 0; c < 3; ++c) sum[c] += t.weight * static_cast<float>(pixel[c]);
      }
      std::copy_n(sum, 3, out.begin() + 3 * (static_cast<ptrdiff_t>(y) * width + x));
    }
  return out;
}

void add_noise(std::span<float> values, double sigma, uint64_t seed) {
  Normal normal(seed);
  for (float& v : values) v += static_cast<float>(sigma * normal());
}

tools::Picture quantize(int width, int height, std::span<const float> rgb) {
  tools::Picture out{width, height, std::vector<uint8_t>(rgb.size())};
  quantize(rgb, out.rgb.data());
  return out;
}

void quantize(std::span<const float> rgb, uint8_t* to) {
  for (size_t i = 0; i < rgb.size(); ++i)
    to[i] = static_cast<uint8_t>(std::nearbyint(std::clamp(rgb[i], 0.0F, 255.0F)));
}

tools::Picture degrade(const tools::Picture& hr, std::span<const float> kernel, int scale, double sigma,
                       uint64_t seed) {
  std::vector<float> lr = blur_subsample(hr, kernel, scale);
  if (sigma > 0) add_noise(lr, sigma, seed);
  return quantize((hr.width + scale - 1) / scale, (hr.height + scale - 1) / scale, lr);
}

tools::Picture crop_to_multiple(const tools::Picture& in, int multiple) {
  tools::Picture out{in.width - in.width % multiple, in.height - in.height % multiple, {}};
  if (out.width == 0 || out.height == 0)
    fail(Errc::InvalidArgument, "a picture of {} x {} is too small, each side must be at least {}", in.width,
         in.height, multiple);
  const size_t row = 3 * static_cast<size_t>(out.width), stride = 3 * static_cast<size_t>(in.width);
  out.rgb.resize(row * static_cast<size_t>(out.height));
  for (size_t y = 0; y < static_cast<size_t>(out.height); ++y)
    std::copy_n(in.rgb.data() + y * stride, row, out.rgb.data() + y * row);
  return out;
}

}  // namespace cdsr::degrade
