#include "model/normalize_window.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace cdsr {
namespace {

struct Layout {
  const char* name;
  ptrdiff_t channel, row, column;
};

constexpr int kWidth = 13, kHeight = 7;

std::vector<float> picture(const Layout& l, double offset, double gain) {
  std::vector<float> out(size_t{3} * kWidth * kHeight);
  std::mt19937 random(5);
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x)
        out[c * l.channel + y * l.row + x * l.column] =
            static_cast<float>(offset + gain * static_cast<double>(random() % 1000) / 1000);
  return out;
}

std::vector<float> normalized(const Layout& l, std::vector<float> values) {
  normalize_window({values.data(), l.channel, l.row, l.column, kWidth, kHeight});
  return values;
}

constexpr Layout kPlanar{"planar", ptrdiff_t{kWidth} * kHeight, kWidth, 1};
constexpr Layout kInterleaved{"interleaved", 1, ptrdiff_t{3} * kWidth, 3};

TEST(NormalizeWindow, HasNoMeanAndTheStatedDetail) {
  const auto v = normalized(kPlanar, picture(kPlanar, 0.2, 0.5));
  double sum = 0, across = 0, down = 0;
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x) {
        const auto at = [&](int i, int j) { return double{v[(c * kHeight + i) * kWidth + j]}; };
        sum += at(y, x);
        if (x > 0) across += std::pow(at(y, x) - at(y, x - 1), 2);
        if (y > 0) down += std::pow(at(y, x) - at(y - 1, x), 2);
      }
  EXPECT_NEAR(sum, 0, 1e-4);
  const double strength = across / (3 * (kWidth - 1) * kHeight) + down / (3 * kWidth * (kHeight - 1));
  EXPECT_NEAR(std::sqrt(strength), kNormalizedContrast, 1e-3);
}

TEST(NormalizeWindow, ForgetsBrightnessAndContrast) {
  const auto soft = normalized(kPlanar, picture(kPlanar, 0.6, 0.3));
  const auto hard = normalized(kPlanar, picture(kPlanar, 0.1, 0.9));
  for (size_t i = 0; i < soft.size(); ++i) EXPECT_NEAR(soft[i], hard[i], 2e-3);
}

TEST(NormalizeWindow, IsTheSameForEveryLayout) {
  const auto planar = normalized(kPlanar, picture(kPlanar, 0, 1));
  const auto interleaved = normalized(kInterleaved, picture(kInterleaved, 0, 1));
  for (int c = 0; c < 3; ++c)
    for (int i = 0; i < kWidth * kHeight; ++i)
      EXPECT_EQ(planar[c * kWidth * kHeight + i], interleaved[3 * i + c]);
}

TEST(NormalizeWindow, FlatAndTinyWindowsStayFinite) {
  for (const auto& [w, h] : {std::pair{1, 1}, {5, 1}, {1, 5}, {4, 4}}) {
    std::vector<float> flat(static_cast<size_t>(3) * w * h, 0.7F);
    normalize_window({flat.data(), static_cast<ptrdiff_t>(w) * h, w, 1, w, h});
    for (float v : flat) EXPECT_NEAR(v, 0, 1e-4) << w << "x" << h;
  }
}

}  // namespace
}  // namespace cdsr
