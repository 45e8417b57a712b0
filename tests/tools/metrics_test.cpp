// PSNR and SSIM against values worked out once with NumPy and SciPy from their definitions.
#include "tools/media/metrics.h"

#include <gtest/gtest.h>

#include <cmath>

#include "model/error.h"

namespace cdsr::tools {
namespace {

Picture pattern(int width, int height, int k) {
  Picture p{width, height, std::vector<uint8_t>(3 * static_cast<size_t>(width) * height)};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        p.rgb[3 * (static_cast<size_t>(y) * width + x) + c] = static_cast<uint8_t>(
            x * (7 + c) + y * (13 - c) + x * y / 3 + k * ((x * 31 + y * 17 + c * 5) % 11));
  return p;
}

TEST(Metrics, AreThePapers) {
  const Picture a = pattern(40, 33, 0), b = pattern(40, 33, 2);
  EXPECT_NEAR(psnr_y(a, b, 2), 18.482431056708805, 1e-9);
  EXPECT_NEAR(ssim_y(a, b, 2), 0.8480161746118076, 1e-12);
}

TEST(Metrics, EqualPictures) {
  const Picture a = pattern(20, 20, 1);
  EXPECT_TRUE(std::isinf(psnr_y(a, a, 2)));
  EXPECT_DOUBLE_EQ(ssim_y(a, a, 2), 1);
}

TEST(Metrics, ShavedPixelsDoNotCount) {
  const Picture a = pattern(20, 20, 1);
  Picture b = a;
  b.rgb[3 * (2 * 20 + 1)] ^= 0x80;  // x = 1
  EXPECT_TRUE(std::isinf(psnr_y(a, b, 2)));
  EXPECT_FALSE(std::isinf(psnr_y(a, b, 1)));
}

TEST(Metrics, RefuseWhatCannotBeCompared) {
  EXPECT_THROW(psnr_y(pattern(8, 8, 0), pattern(8, 9, 0), 0), Error);
  EXPECT_THROW(psnr_y(pattern(8, 8, 0), pattern(8, 8, 1), 4), Error);
  EXPECT_THROW(ssim_y(pattern(12, 12, 0), pattern(12, 12, 1), 1), Error);
  EXPECT_NO_THROW(ssim_y(pattern(13, 13, 0), pattern(13, 13, 1), 1));
}

}  // namespace
}  // namespace cdsr::tools
