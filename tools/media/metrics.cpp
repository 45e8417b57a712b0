#include "tools/media/metrics.h"

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "model/error.h"

namespace cdsr::tools {
namespace {

constexpr int kWindow = 11;

void check(const Picture& a, const Picture& b, int shave, int least) {
  if (a.width != b.width || a.height != b.height)
    fail(Errc::InvalidArgument, "pictures of {} x {} and {} x {} cannot be compared", a.width, a.height,
         b.width, b.height);
  if (a.width - 2 * shave < least || a.height - 2 * shave < least)
    fail(Errc::InvalidArgument, "a picture of {} x {} is too small: {} pixels shaved, {} x {} needed",
         a.width, a.height, shave, least, least);
}

/// Picture of doubles.
struct Plane {
  int width, height;
  std::vector<double> at;

  Plane(int w, int h) : width(w), height(h), at(static_cast<size_t>(w) * static_cast<size_t>(h)) {}
};

Plane luma(const Picture& p, int shave) {
  Plane out(p.width - 2 * shave, p.height - 2 * shave);
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x) {
      const uint8_t* rgb = p.rgb.data() + 3 * (static_cast<size_t>(y + shave) * p.width + x + shave);
      out.at[static_cast<size_t>(y) * out.width + x] =
          16 + (65.481 * rgb[0] + 128.553 * rgb[1] + 24.966 * rgb[2]) / 255;
    }
  return out;
}

std::array<double, kWindow> window() {
  std::array<double, kWindow> w;
  double sum = 0;
  for (int i = 0; i < kWindow; ++i) {
    const int d = i - kWindow / 2;
    sum += w[i] = std::exp(-d * d / (2 * 1.5 * 1.5));
  }
  for (double& v : w) v /= sum;
  return w;
}

/// Window-weighted mean at every place where the window fits: rows, then columns, the window being separable.
Plane weighted_mean(const Plane& in) {
  static const std::array<double, kWindow> w = window();
  Plane across(in.width - kWindow + 1, in.height);
  for (int y = 0; y < across.height; ++y)
    for (int x = 0; x < across.width; ++x)
      for (int i = 0; i < kWindow; ++i)
        across.at[static_cast<size_t>(y) * across.width + x] +=
            w[i] * in.at[static_cast<size_t>(y) * in.width + x + i];
  Plane out(across.width, in.height - kWindow + 1);
  for (int y = 0; y < out.height; ++y)
    for (int i = 0; i < kWindow; ++i)
      for (int x = 0; x < out.width; ++x)
        out.at[static_cast<size_t>(y) * out.width + x] +=
            w[i] * across.at[static_cast<size_t>(y + i) * out.width + x];
  return out;
}

Plane product(const Plane& a, const Plane& b) {
  Plane out(a.width, a.height);
  for (size_t i = 0; i < out.at.size(); ++i) out.at[i] = a.at[i] * b.at[i];
  return out;
}

}  // namespace

double psnr_y(const Picture& a, const Picture& b, int shave) {
  check(a, b, shave, 1);
  double sum = 0;
  for (int y = shave; y < a.height - shave; ++y)
    for (int x = shave; x < a.width - shave; ++x) {
      const size_t i = 3 * (static_cast<size_t>(y) * a.width + x);
      const double d = (65.738 * (a.rgb[i] - b.rgb[i]) + 129.057 * (a.rgb[i + 1] - b.rgb[i + 1]) +
                        25.064 * (a.rgb[i + 2] - b.rgb[i + 2])) /
                       (256.0 * 255.0);
      sum += d * d;
    }
  const double count = static_cast<double>(a.width - 2 * shave) * (a.height - 2 * shave);
  return sum == 0 ? std::numeric_limits<double>::infinity() : -10 * std::log10(sum / count);
}

double ssim_y(const Picture& a, const Picture& b, int shave) {
  check(a, b, shave, kWindow);
  constexpr double kC1 = (0.01 * 255) * (0.01 * 255), kC2 = (0.03 * 255) * (0.03 * 255);
  const Plane p = luma(a, shave), q = luma(b, shave);
  const Plane mp = weighted_mean(p), mq = weighted_mean(q);
  const Plane pp = weighted_mean(product(p, p)), qq = weighted_mean(product(q, q)),
              pq = weighted_mean(product(p, q));
  double sum = 0;
  for (size_t i = 0; i < mp.at.size(); ++i) {
    const double m = mp.at[i], n = mq.at[i];
    sum += (2 * m * n + kC1) * (2 * (pq.at[i] - m * n) + kC2) /
           ((m * m + n * n + kC1) * ((pp.at[i] - m * m) + (qq.at[i] - n * n) + kC2));
  }
  return sum / static_cast<double>(mp.at.size());
}

}  // namespace cdsr::tools
