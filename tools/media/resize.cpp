#include "tools/media/resize.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "model/bicubic.h"

namespace cdsr::tools {
namespace {

double lanczos3(double x) {
  if (x == 0) return 1;
  if (std::abs(x) >= 3) return 0;
  const double p = std::numbers::pi * x;
  return 3 * std::sin(p) * std::sin(p / 3) / (p * p);
}

struct Tap {
  int index;  ///< clamped to the picture
  double weight;
};

/// For each output sample its taps, `2 * support` of them, summing to 1.
std::vector<std::vector<Tap>> taps_for(int size, int scale, Filter filter, double offset) {
  const int support = filter == Filter::Bicubic ? 2 : 3;
  std::vector<std::vector<Tap>> out(static_cast<size_t>(size) * scale);
  for (size_t i = 0; i < out.size(); ++i) {
    const double at = (static_cast<double>(i) - offset) / scale;
    const int first = static_cast<int>(std::floor(at)) - support + 1;
    double sum = 0;
    for (int k = first; k < first + 2 * support; ++k) {
      const double w = filter == Filter::Bicubic ? keys_cubic(at - k) : lanczos3(at - k);
      out[i].push_back({std::clamp(k, 0, size - 1), w});
      sum += w;
    }
    for (Tap& t : out[i]) t.weight /= sum;
  }
  return out;
}

}  // namespace

std::vector<float> enlarge(const Picture& lr, int scale, Filter filter, double offset) {
  const auto across = taps_for(lr.width, scale, filter, offset),
             down = taps_for(lr.height, scale, filter, offset);
  const size_t row = 3 * across.size();
  std::vector<double> wide(row * static_cast<size_t>(lr.height));
  for (size_t y = 0; y < static_cast<size_t>(lr.height); ++y) {
    const uint8_t* in = lr.rgb.data() + 3 * y * static_cast<size_t>(lr.width);
    for (size_t x = 0; x < across.size(); ++x)
      for (const Tap& t : across[x])
        for (size_t c = 0; c < 3; ++c)
          wide[y * row + 3 * x + c] += t.weight * in[3 * static_cast<size_t>(t.index) + c];
  }
  std::vector<float> out(row * down.size());
  std::vector<double> sum(row);
  for (size_t y = 0; y < down.size(); ++y) {
    std::fill(sum.begin(), sum.end(), 0.0);
    for (const Tap& t : down[y]) {
      const double* in = wide.data() + static_cast<size_t>(t.index) * row;
      for (size_t i = 0; i < row; ++i) sum[i] += t.weight * in[i];
    }
    std::transform(sum.begin(), sum.end(), out.begin() + static_cast<ptrdiff_t>(y * row),
                   [](double v) { return static_cast<float>(v); });
  }
  return out;
}

}  // namespace cdsr::tools
