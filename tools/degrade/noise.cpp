#include "tools/degrade/noise.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace cdsr::degrade {
namespace {

/// The quantile of probability p in (0, 0.5]: bisection on the distribution function.
double lower_quantile(double p) {
  double low = -10, high = 0;
  for (int i = 0; i < 50; ++i) {
    const double middle = (low + high) / 2;
    (std::erfc(-middle / std::numbers::sqrt2) / 2 < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

const std::vector<float>& quantiles() {
  static const std::vector<float> table = [] {
    constexpr int n = 1 << 16;
    std::vector<float> t(n);
    for (int i = 0; i < n / 2; ++i) {
      t[i] = static_cast<float>(lower_quantile((i + 0.5) / n));
      t[n - 1 - i] = -t[i];
    }
    return t;
  }();
  return table;
}

/// Four 16-bit indices from each 64 random bits.
class Normals {
 public:
  explicit Normals(Rng& rng) : rng_(rng), table_(quantiles().data()) {}
  float operator()() {
    if (left_ == 0) {
      bits_ = rng_.bits();
      left_ = 4;
    }
    const float v = table_[bits_ & 0xFFFF];
    bits_ >>= 16;
    --left_;
    return v;
  }

 private:
  Rng& rng_;
  const float* table_;
  uint64_t bits_ = 0;
  int left_ = 0;
};

}  // namespace

void add_noise(const NoiseSpec& noise, std::span<float> planes, Rng& rng) {
  if (noise.none()) return;
  Normals normal(rng);
  const size_t plane = planes.size() / 3;
  const auto variance = static_cast<float>(noise.gaussian * noise.gaussian);
  const auto shot = static_cast<float>(noise.shot);
  for (size_t i = 0; i < plane; ++i) {
    float n = 0;
    for (size_t c = 0; c < 3; ++c) {
      if (c == 0 || !noise.luma_only) n = normal();
      float& v = planes[c * plane + i];
      v += n * std::sqrt(variance + shot * std::max(v, 0.0F));
    }
  }
}

}  // namespace cdsr::degrade
