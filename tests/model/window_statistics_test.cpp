#include "model/window_statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tools/media/rng.h"

namespace cdsr {
namespace {

constexpr int kSide = 48, kStride = 61;

std::vector<float> window(const std::function<double(int, int)>& value) {
  std::vector<float> w(static_cast<size_t>(kStride) * kSide,
                       1e9F);  // what lies beside the window must not be read
  for (int y = 0; y < kSide; ++y)
    for (int x = 0; x < kSide; ++x) w[static_cast<size_t>(y) * kStride + x] = static_cast<float>(value(x, y));
  return w;
}

std::vector<float> statistics(const std::vector<float>& w) {
  std::vector<float> out(kWindowStatistics + 1, -7);
  WindowStatistics().run({w.data(), kStride, kSide, kSide}, std::span(out).first(kWindowStatistics));
  EXPECT_EQ(out.back(), -7);
  out.pop_back();
  return out;
}

/// Of direction d (0, 90, 45, 135 degrees), order 1 to 4, step 1: log of the mean magnitude.
float magnitude(const std::vector<float>& s, int d, int order) {
  return s[static_cast<size_t>(8 * d + 2 * (order - 1))];
}
constexpr size_t kQuantilesAt = 64, kEdgesAt = 71, kSharesAt = 75, kMeanAt = 79;

TEST(WindowStatistics, OfARampAreItsSlope) {
  const auto s = statistics(window([](int x, int) { return 0.01 * x; }));
  EXPECT_NEAR(magnitude(s, 0, 1), std::log(0.01 + 1e-3), 1e-4);
  EXPECT_NEAR(magnitude(s, 1, 1), std::log(1e-3), 1e-3);  // nothing changes downwards
  EXPECT_NEAR(magnitude(s, 2, 1), std::log(0.01 + 1e-3), 1e-4);
  EXPECT_NEAR(magnitude(s, 0, 2), std::log(1e-3), 1e-2);  // and the slope does not
  EXPECT_NEAR(s[32], std::log(0.02 + 1e-3), 1e-4);        // a step of two pixels
  EXPECT_NEAR(s[kMeanAt], 2 * 0.01 * 23.5 - 1, 1e-5);
}

TEST(WindowStatistics, SeeBlocksAndFlatPlaces) {
  // Flat 8x8 blocks.
  const auto blocks = statistics(window([](int x, int y) { return 0.5 + 0.05 * ((x / 8 + y / 8) % 2); }));
  EXPECT_GT(blocks[kEdgesAt], 3);
  EXPECT_GT(blocks[kEdgesAt + 1], 3);
  EXPECT_NEAR(blocks[kSharesAt], 42.0 / 47, 1e-5);  // 5 of 47 columns of differences are edges
  EXPECT_LT(blocks[kQuantilesAt], -8);
  // The same edges off the grid are none.
  const auto shifted =
      statistics(window([](int x, int y) { return 0.5 + 0.05 * (((x + 3) / 8 + (y + 3) / 8) % 2); }));
  EXPECT_LT(shifted[kEdgesAt], 0);
  // Noise everywhere: no place is flat, no difference small.
  Rng rng(1, 1);
  const auto noise = statistics(window([&](int, int) { return 0.5 + 0.2 * (rng.uniform() - 0.5); }));
  EXPECT_GT(noise[kQuantilesAt], -3);
  EXPECT_LT(noise[kSharesAt], 0.1);
  EXPECT_NEAR(noise[kEdgesAt], 0, 0.2);
}

TEST(WindowStatistics, OfSmallWindowsAreZeroOrFinite) {
  const auto w = window([](int x, int y) { return 0.01 * (x * y % 17); });
  WindowStatistics statistics;
  std::vector<float> out(kWindowStatistics);
  for (const int width : {1, 7, 8, 9, 48})
    for (const int height : {1, 7, 8, 13}) {
      statistics.run({w.data(), kStride, width, height}, out);
      bool zero = true;
      for (float v : out) {
        EXPECT_TRUE(std::isfinite(v));
        zero = zero && v == 0;
      }
      EXPECT_EQ(zero, width < 8 || height < 8) << width << "x" << height;
    }
}

}  // namespace
}  // namespace cdsr
