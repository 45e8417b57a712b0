#include "model/window_spectrum.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace cdsr {
namespace {

/// Limits of the rings, cycles a pixel.
constexpr std::array<double, WindowSpectrum::kRings + 1> kLimits = {0.04, 0.08, 0.13, 0.19,
                                                                    0.26, 0.34, 0.42, 0.5};
constexpr double kFloor = 1e-7;  // of power; noise of a quarter of an 8-bit code has 1.4e-7

int bin_of(double fx, double fy) {
  const double frequency = std::hypot(fx, fy);
  const auto above = std::upper_bound(kLimits.begin(), kLimits.end(), frequency);
  if (above == kLimits.begin() || above == kLimits.end()) return -1;
  const auto ring = static_cast<int>(above - kLimits.begin()) - 1;
  // A real picture's spectrum is symmetric: directions are those of half a turn.
  const double turn = std::atan2(fy, fx) / std::numbers::pi * WindowSpectrum::kSectors;
  const int sector =
      (static_cast<int>(std::lround(turn)) + WindowSpectrum::kSectors) % WindowSpectrum::kSectors;
  return ring * WindowSpectrum::kSectors + sector;
}

double hann(int i, int side) { return 0.5 - 0.5 * std::cos(2 * std::numbers::pi * (i + 1) / (side + 1)); }

}  // namespace

WindowSpectrum::WindowSpectrum()
    : cosine_(size_t{kSide} * kHalf),
      sine_(cosine_.size()),
      rows_re_(cosine_.size()),
      rows_im_(cosine_.size()) {
  for (int i = 0; i < kSide; ++i)
    for (int k = 0; k < kHalf; ++k) {
      const double angle = 2 * std::numbers::pi * (i * k % kSide) / kSide;
      cosine_[static_cast<size_t>(i) * kHalf + k] = static_cast<float>(std::cos(angle));
      sine_[static_cast<size_t>(i) * kHalf + k] = static_cast<float>(std::sin(angle));
    }
  for (int j = 0; j < kSide; ++j)
    for (int k = 0; k < kHalf; ++k)
      bin_[static_cast<size_t>(j) * kHalf + k] =
          bin_of(static_cast<double>(k) / kSide, static_cast<double>(j < kSide / 2 ? j : j - kSide) / kSide);
}

void WindowSpectrum::run(std::span<const float> plane, int width, int height, std::span<float> out) {
  double sum = 0;
  for (float v : plane.first(static_cast<size_t>(width) * height)) sum += v;
  const double mean = sum / (static_cast<double>(width) * height);
  std::array<double, kSide> across{};
  for (int x = 0; x < width; ++x) across[x] = hann(x, width);
  // Rows, then columns; sums run over positions, so that neighbouring frequencies are vectors.
  for (int y = 0; y < height; ++y) {
    float* const re = &rows_re_[static_cast<size_t>(y) * kHalf];
    float* const im = &rows_im_[static_cast<size_t>(y) * kHalf];
    std::fill_n(re, kHalf, 0.0F);
    std::fill_n(im, kHalf, 0.0F);
    const double fade = hann(y, height);
    for (int x = 0; x < width; ++x) {
      const auto v =
          static_cast<float>((plane[static_cast<size_t>(y) * width + x] - mean) * fade * across[x]);
      const float* const c = &cosine_[static_cast<size_t>(x) * kHalf];
      const float* const s = &sine_[static_cast<size_t>(x) * kHalf];
      for (int k = 0; k < kHalf; ++k) {
        re[k] += v * c[k];
        im[k] -= v * s[k];
      }
    }
  }
  std::array<double, kValues> power{};
  std::array<int, kValues> count{};
  for (int j = 0; j < kSide; ++j) {
    std::array<float, kHalf> re{}, im{};
    for (int y = 0; y < height; ++y) {
      const size_t turn = static_cast<size_t>(y * j % kSide) * kHalf + 1;
      const float c = cosine_[turn], s = sine_[turn];
      const float* const a = &rows_re_[static_cast<size_t>(y) * kHalf];
      const float* const b = &rows_im_[static_cast<size_t>(y) * kHalf];
      for (int k = 0; k < kHalf; ++k) {
        re[k] += c * a[k] + s * b[k];
        im[k] += c * b[k] - s * a[k];
      }
    }
    for (int k = 0; k < kHalf; ++k) {
      const int bin = bin_[static_cast<size_t>(j) * kHalf + k];
      if (bin < 0) continue;
      power[bin] += static_cast<double>(re[k]) * re[k] + static_cast<double>(im[k]) * im[k];
      ++count[bin];
    }
  }
  const double area = static_cast<double>(width) * height;
  for (int i = 0; i < kValues; ++i)
    out[i] = static_cast<float>(std::log(power[i] / (count[i] * area) + kFloor));
}

}  // namespace cdsr
