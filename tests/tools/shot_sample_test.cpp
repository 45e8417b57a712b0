#include "tools/train/shot_sample.h"

#include <gtest/gtest.h>

#include <cmath>

#include "model/encoder_windows.h"
#include "tools/train/batch.h"

namespace cdsr::train {
namespace {

/// Smooth in every channel: what is made small and coded stays near what it was.
tools::Picture smooth(int width, int height) {
  tools::Picture p{width, height, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        p.rgb.push_back(
            static_cast<uint8_t>(128 + 50 * std::sin(0.05 * x + c) + 50 * std::cos(0.04 * y - c)));
  return p;
}

BatchOptions options(Colour colour, int scale) {
  BatchOptions o;
  o.scale = scale;
  o.colour = colour;
  o.batch = 4;
  o.patch = 40;
  o.crops = 3;
  o.windows = 2;
  o.keys = 1;
  o.degradation = Degradation::Video;
  o.video.gaussian_share = o.video.shot_share = 0;
  o.video.sharpen_share = 0;
  o.video.h264 = {8, 14};
  o.video.hevc = {8, 14};
  o.video.vp9 = o.video.av1 = {8, 16};
  o.video.mpeg2 = o.video.jpeg = {1.5, 3};
  return o;
}

class Shots : public testing::TestWithParam<std::tuple<Colour, int>> {};

// Every crop shows what its truth shows, wherever the camera was, however the picture was turned.
TEST_P(Shots, CropsLieOnTheirTruth) {
  const auto [colour, scale] = GetParam();
  const std::vector<tools::Picture> photos = {smooth(900, 700),
                                              smooth(260, 330)};  // the second smaller than a clip at x2
  for (int64_t step = 0; step < 6; ++step) {
    const Batch b = make_batch(photos, options(colour, scale), step);
    ASSERT_EQ(b.lr.size(0), 12);
    ASSERT_EQ(b.lr.size(1), colour == Colour::Luma ? 1 : 3);
    ASSERT_EQ(b.windows.sizes().vec(), (std::vector<int64_t>{8, b.lr.size(1), 48, 48}));
    ASSERT_EQ(b.keys.size(0), 4);
    const torch::Tensor mean = torch::avg_pool2d(b.hr, scale);
    EXPECT_LT((mean - b.lr).abs().mean().item<float>(), 0.012F) << step;
    // Not a constant: a crop beside its truth by some pixels would differ.
    EXPECT_GT((mean - b.lr.roll(4, 3)).abs().mean().item<float>(), 0.02F) << step;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Shots,
                         testing::Combine(testing::Values(Colour::Rgb, Colour::Luma), testing::Values(2, 3)));

TEST(Shots, DependOnTheStepAloneAndNotOnTheParts) {
  const std::vector<tools::Picture> photos = {smooth(500, 400)};
  BatchOptions o = options(Colour::Luma, 2);
  const Batch whole = make_batch(photos, o, 7), again = make_batch(photos, o, 7);
  EXPECT_TRUE(torch::equal(whole.lr, again.lr));
  EXPECT_TRUE(torch::equal(whole.windows, again.windows));
  o.parts = 2;
  o.part = 1;
  const Batch part = make_batch(photos, o, 7);
  EXPECT_TRUE(torch::equal(part.hr, whole.hr.slice(0, 6)));
  EXPECT_TRUE(torch::equal(part.keys, whole.keys.slice(0, 2)));
  EXPECT_TRUE(torch::equal(part.degradation, whole.degradation.slice(0, 2)));
}

}  // namespace
}  // namespace cdsr::train
