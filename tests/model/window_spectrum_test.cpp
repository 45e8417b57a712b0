#include "model/window_spectrum.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>

#include "tools/media/rng.h"

namespace cdsr {
namespace {

constexpr int kSide = WindowSpectrum::kSide, kSectors = WindowSpectrum::kSectors;
constexpr double kPi = std::numbers::pi;

std::vector<float> spectrum(const std::vector<float>& plane, int width, int height) {
  std::vector<float> out(WindowSpectrum::kValues + 1, -7);
  WindowSpectrum().run(plane, width, height, std::span(out).first(WindowSpectrum::kValues));
  EXPECT_EQ(out.back(), -7);
  out.pop_back();
  return out;
}

/// The same from the definition: every frequency of the whole plane, in double.
std::vector<double> plain(const std::vector<float>& plane, int width, int height) {
  const double limits[] = {0.04, 0.08, 0.13, 0.19, 0.26, 0.34, 0.42, 0.5};
  double mean = 0;
  for (float v : plane) mean += v / static_cast<double>(plane.size());
  std::vector<double> power(WindowSpectrum::kValues), count(WindowSpectrum::kValues);
  for (int j = -kSide / 2; j < kSide / 2; ++j)
    for (int k = 0; k <= kSide / 2; ++k) {
      const double frequency = std::hypot(k, j) / kSide;
      if (frequency < limits[0] || frequency >= limits[WindowSpectrum::kRings]) continue;
      int ring = 0;
      while (frequency >= limits[ring + 1]) ++ring;
      double degrees = std::atan2(j, k) * 180 / kPi;
      if (degrees < -11.25) degrees += 180;
      const auto sector = static_cast<int>((degrees + 11.25) / 22.5) % kSectors;
      std::complex<double> sum = 0;
      for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) {
          const double fade = (0.5 - 0.5 * std::cos(2 * kPi * (x + 1) / (width + 1))) *
                              (0.5 - 0.5 * std::cos(2 * kPi * (y + 1) / (height + 1)));
          sum += (plane[static_cast<size_t>(y) * width + x] - mean) * fade *
                 std::polar(1.0, -2 * kPi * (k * x + j * y) / kSide);
        }
      const size_t bin = static_cast<size_t>(ring) * kSectors + sector;
      power[bin] += std::norm(sum) / (width * height);
      ++count[bin];
    }
  for (size_t i = 0; i < power.size(); ++i) power[i] = std::log(power[i] / count[i] + 1e-7);
  return power;
}

TEST(WindowSpectrum, IsThatOfTheDefinition) {
  Rng rng(3, 1);
  for (const auto& [width, height] : {std::pair{48, 48}, {48, 31}, {9, 48}, {8, 8}, {13, 17}, {1, 1}}) {
    std::vector<float> plane(static_cast<size_t>(width) * height);
    for (float& v : plane) v = static_cast<float>(rng.uniform());
    const auto got = spectrum(plane, width, height);
    const auto expected = plain(plane, width, height);
    for (size_t i = 0; i < got.size(); ++i)
      EXPECT_NEAR(got[i], expected[i], 1e-3) << width << "x" << height << ", value " << i;
  }
}

TEST(WindowSpectrum, SeesTheDirectionOfBlur) {
  // Noise, averaged over five pixels along y.
  Rng rng(3, 2);
  std::vector<float> noise(size_t{kSide} * (kSide + 4)), plane(size_t{kSide} * kSide);
  for (float& v : noise) v = static_cast<float>(rng.uniform());
  for (size_t i = 0; i < plane.size(); ++i)
    for (size_t t = 0; t < 5; ++t) plane[i] += noise[i + t * kSide] / 5;
  const auto s = spectrum(plane, kSide, kSide);
  const size_t finest = size_t{WindowSpectrum::kRings - 1} * kSectors;
  EXPECT_GT(s[finest], s[finest + kSectors / 2] + 2);  // changes along x are left
  EXPECT_NEAR(s[finest + 2], s[finest + 6], 1);        // diagonals are alike
}

}  // namespace
}  // namespace cdsr
