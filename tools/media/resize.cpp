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

}  // namespace

Enlarger::Taps Enlarger::taps_for(int size, int scale, Filter filter, double offset) {
  const int support = filter == Filter::Bicubic ? 2 : 3;
  Taps out(static_cast<size_t>(size) * scale);
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

Enlarger::Enlarger(const Picture& lr, int scale, Filter filter, double offset)
    : lr_(lr),
      across_(taps_for(lr.width, scale, filter, offset)),
      down_(taps_for(lr.height, scale, filter, offset)) {}

std::vector<float> Enlarger::rows(int y, int count) const {
  const size_t row = 3 * across_.size();
  // Rows of the picture made wide, then out of them rows of the result.
  const int first = down_[y].front().index, end = down_[static_cast<size_t>(y) + count - 1].back().index + 1;
  std::vector<double> wide(row * static_cast<size_t>(end - first));
  for (int i = first; i < end; ++i) {
    const uint8_t* in = lr_.rgb.data() + 3 * static_cast<size_t>(i) * static_cast<size_t>(lr_.width);
    double* const to = wide.data() + static_cast<size_t>(i - first) * row;
    for (size_t x = 0; x < across_.size(); ++x)
      for (const Tap& t : across_[x])
        for (size_t c = 0; c < 3; ++c) to[3 * x + c] += t.weight * in[3 * static_cast<size_t>(t.index) + c];
  }
  std::vector<float> out(row * static_cast<size_t>(count));
  std::vector<double> sum(row);
  for (int r = 0; r < count; ++r) {
    std::fill(sum.begin(), sum.end(), 0.0);
    for (const Tap& t : down_[static_cast<size_t>(y) + r]) {
      const double* in = wide.data() + static_cast<size_t>(t.index - first) * row;
      for (size_t i = 0; i < row; ++i) sum[i] += t.weight * in[i];
    }
    std::transform(sum.begin(), sum.end(), out.begin() + static_cast<ptrdiff_t>(row) * r,
                   [](double v) { return static_cast<float>(v); });
  }
  return out;
}

std::vector<float> enlarge(const Picture& lr, int scale, Filter filter, double offset) {
  const Enlarger enlarger(lr, scale, filter, offset);
  return enlarger.rows(0, enlarger.height());
}

}  // namespace cdsr::tools
