// The reference's layers against values worked out by hand.
#include "model/reference/layers.h"

#include <gtest/gtest.h>

#include <numeric>

#include "model/bicubic.h"
#include "model/encoder_windows.h"
#include "model/registry.h"
#include "tests/model/tiny.h"

namespace cdsr {
namespace {

using reference::FeatureMap;

FeatureMap ramp(int channels, int height, int width) {
  FeatureMap map(channels, height, width);
  std::iota(map.data.begin(), map.data.end(), 1.0F);
  return map;
}

TEST(ReferenceLayers, ConvolutionCorrelatesWithZeroPadding) {
  const Conv conv{1, 1, 3, 1, 1, {1, 2, 3, 4, 5, 6, 7, 8, 9}, {0.5F}};
  const FeatureMap out = reference::conv2d(conv, ramp(1, 2, 2));  // 1 2 / 3 4
  EXPECT_EQ(out.data,
            (std::vector<float>{1 * 5 + 2 * 6 + 3 * 8 + 4 * 9 + 0.5F, 1 * 4 + 2 * 5 + 3 * 7 + 4 * 8 + 0.5F,
                                1 * 2 + 2 * 3 + 3 * 5 + 4 * 6 + 0.5F, 1 * 1 + 2 * 2 + 3 * 4 + 4 * 5 + 0.5F}));
}

TEST(ReferenceLayers, StrideTwoKeepsTheFirstPixel) {
  const Conv conv{1, 1, 3, 2, 1, {0, 0, 0, 0, 1, 0, 0, 0, 0}, {0}};
  EXPECT_EQ(reference::conv2d(conv, ramp(1, 3, 4)).data, (std::vector<float>{1, 3, 9, 11}));
}

TEST(ReferenceLayers, DepthwiseUsesNineTapsAChannel) {
  std::vector<float> filter(18, 0.0F);
  filter[4] = 1;          // channel 0: copy
  filter[9 + 3 + 2] = 2;  // channel 1: twice the right neighbour
  EXPECT_EQ(reference::depthwise(ramp(2, 1, 3), filter).data, (std::vector<float>{1, 2, 3, 10, 12, 0}));
}

TEST(ReferenceLayers, PixelShuffleOrderIsPlaneRowColumn) {
  FeatureMap in(8, 1, 1);
  std::iota(in.data.begin(), in.data.end(), 0.0F);
  const FeatureMap out = reference::pixel_shuffle(in, 2);
  EXPECT_EQ(out.channels, 2);
  EXPECT_EQ(out.data, in.data);  // one pixel becomes 2x2 in row order
}

TEST(ReferenceLayers, BicubicKeepsConstantsAndRamps) {
  for (int scale : {2, 3, 4}) {
    FeatureMap in(1, 8, 8);
    for (int y = 0; y < 8; ++y)
      for (int x = 0; x < 8; ++x) in.at(0, y, x) = static_cast<float>(x) + 10.0F * static_cast<float>(y);
    FeatureMap out = reference::bicubic(in, scale);
    for (int j = 2 * scale; j < 6 * scale; ++j)
      for (int i = 2 * scale; i < 6 * scale; ++i) {
        const double x = (i + 0.5) / scale - 0.5, y = (j + 0.5) / scale - 0.5;
        ASSERT_NEAR(out.at(0, j, i), x + 10 * y, 1e-4) << "scale " << scale;
      }
    std::fill(in.data.begin(), in.data.end(), 0.75F);
    out = reference::bicubic(in, scale);
    for (float v : out.data) ASSERT_NEAR(v, 0.75F, 1e-6);
  }
}

TEST(Bicubic, HalfPixelWeightsAreKeys) {
  const BicubicPhase p = bicubic_phase(2, 0);  // sample i - 0.25
  EXPECT_EQ(p.first, -2);
  EXPECT_FLOAT_EQ(p.weight[0], -0.0234375F);
  EXPECT_FLOAT_EQ(p.weight[1], 0.2265625F);
  EXPECT_FLOAT_EQ(p.weight[2], 0.8671875F);
  EXPECT_FLOAT_EQ(p.weight[3], -0.0703125F);
  EXPECT_EQ(bicubic_phase(3, 1).weight[1], 1.0F);  // the middle phase of x3 is the sample itself
}

TEST(EncoderWindows, SmallFramesAreWholeAndLargeOnesAreBounded) {
  const CdsrConfig convolutional = tiny_config(Body::Plain, 2);
  ASSERT_EQ(encoder_windows(convolutional, 192, 192).size(), 1U);
  EXPECT_EQ(encoder_windows(convolutional, 1, 1).front().width, 1);
  for (auto [w, h] : {std::pair{480, 270}, {193, 192}, {8192, 64}, {65536, 1}, {24, 4000}, {1920, 1080}}) {
    const auto windows = encoder_windows(convolutional, w, h);
    EXPECT_GT(windows.size(), 1U);
    EXPECT_LE(windows.size(), 16U);
    for (const EncoderWindow& e : windows) {
      EXPECT_EQ(e.width, std::min(w, 48));
      EXPECT_EQ(e.height, std::min(h, 48));
      EXPECT_TRUE(e.x >= 0 && e.y >= 0 && e.x + e.width <= w && e.y + e.height <= h);
    }
    EXPECT_EQ(windows.back().x + windows.back().width, w);
  }
  EXPECT_EQ(encoder_windows(convolutional, 480, 270).size(), 16U);
}

TEST(ReferenceEngine, ShotEqualsFrameOnTheShotsFirstFrame) {
  for (Body body : {Body::Plain, Body::Rrdb}) {
    const auto network = random_network(tiny_config(body, 2), 2);
    Image in(7, 6);
    for (int p = 0; p < 3; ++p)
      for (size_t i = 0; i < in.plane[p].size(); ++i)
        in.plane[p][i] = static_cast<float>((i * 37 + size_t{11} * p) % 100) / 99;
    Image out[2] = {Image(14, 12), Image(14, 12)};
    const ImageSource source(in);
    for (Query query : {Query::Frame, Query::Shot}) {
      EngineOptions options;
      options.query = query;
      auto engine = create_engine(network, options, "reference");
      engine->plan(7, 6);
      std::vector<float> e(engine->embedding_size()), q(engine->queries_size());
      engine->embed(source, e);
      engine->condition(e);
      engine->measure_queries(source, q);
      engine->set_queries(q);
      ImageSink sink(out[query == Query::Shot]);
      engine->upscale(source, sink);
    }
    for (int p = 0; p < 3; ++p) EXPECT_EQ(out[0].plane[p], out[1].plane[p]);
  }
}

}  // namespace
}  // namespace cdsr
