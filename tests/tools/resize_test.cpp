// Interpolation against what it must do to a ramp, and against the network's own bicubic taps.
#include "tools/media/resize.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "model/bicubic.h"

namespace cdsr::tools {
namespace {

Picture ramp(int width, int height) {
  Picture p{width, height, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int v : {10 + 4 * x, 20 + 3 * y, 55}) p.rgb.push_back(static_cast<uint8_t>(v));
  return p;
}

// Keys' cubic reproduces a ramp: output sample x shows the low-resolution coordinate (x - offset) / s.
TEST(Resize, BicubicKeepsRampsWhereTheOffsetSays) {
  const Picture lr = ramp(30, 24);
  for (int s : {2, 3, 4})
    for (double offset : {(s - 1) / 2.0, -(s - 1) / 2.0}) {
      const std::vector<float> out = enlarge(lr, s, Filter::Bicubic, offset);
      ASSERT_EQ(out.size(), 3U * 30 * 24 * s * s);
      for (int y = 4 * s; y < 20 * s; ++y)
        for (int x = 4 * s; x < 26 * s; ++x) {
          const float* rgb = out.data() + 3 * (static_cast<size_t>(y) * 30 * s + x);
          ASSERT_NEAR(rgb[0], 10 + 4 * (x - offset) / s, 1e-4);
          ASSERT_NEAR(rgb[1], 20 + 3 * (y - offset) / s, 1e-4);
          ASSERT_NEAR(rgb[2], 55, 1e-4);
        }
    }
}

TEST(Resize, BicubicIsTheNetworksSkip) {
  Picture lr{11, 1, {}};
  for (int i = 0; i < 33; ++i) lr.rgb.push_back(static_cast<uint8_t>(i * i * 37));
  for (int s : {2, 3, 4}) {
    const std::vector<float> out = enlarge(lr, s, Filter::Bicubic, (s - 1) / 2.0);
    for (int x = 0; x < 11 * s; ++x) {
      const BicubicPhase phase = bicubic_phase(s, x % s);
      float expected = 0;
      for (int t = 0; t < 4; ++t)
        expected += phase.weight[t] *
                    static_cast<float>(lr.rgb[size_t{3} * std::clamp(x / s + phase.first + t, 0, 10)]);
      EXPECT_NEAR(out[3 * static_cast<size_t>(x)], expected, 1e-3) << s << ' ' << x;
    }
  }
}

TEST(Resize, LanczosKeepsConstantsAndSamples) {
  Picture flat{9, 9, std::vector<uint8_t>(size_t{3} * 81, 123)};
  for (float v : enlarge(flat, 4, Filter::Lanczos, 1.5)) EXPECT_NEAR(v, 123, 1e-4);
  // At scale 3 the middle output sample of each pixel lies on it.
  const Picture lr = ramp(9, 9);
  const std::vector<float> out = enlarge(lr, 3, Filter::Lanczos, 1);
  for (int x = 0; x < 9; ++x)
    EXPECT_NEAR(out[3 * (size_t{1 + 3 * 4} * 27 + 1 + size_t{3} * x)], 10 + 4 * x, 1e-4);
}

TEST(Resize, SomeRowsAreThoseOfAll) {
  const Picture lr = ramp(7, 23);
  for (const Filter filter : {Filter::Bicubic, Filter::Lanczos}) {
    const std::vector<float> all = enlarge(lr, 3, filter, 1);
    const Enlarger enlarger(lr, 3, filter, 1);
    ASSERT_EQ(enlarger.height(), 69);
    for (const auto& [y, count] : {std::pair{0, 1}, {0, 69}, {5, 12}, {60, 9}, {68, 1}}) {
      const std::vector<float> rows = enlarger.rows(y, count);
      ASSERT_EQ(rows.size(), size_t{63} * count);
      EXPECT_TRUE(std::equal(rows.begin(), rows.end(), all.begin() + ptrdiff_t{63} * y)) << y;
    }
  }
}

}  // namespace
}  // namespace cdsr::tools
