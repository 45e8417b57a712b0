// A stored picture through libcdsr: the format stays, and the bits are those that the filters give a first
// frame.
#include "tools/media/frame_upscaler.h"

#include <gtest/gtest.h>

#include <utility>

#include "filter/format/pixel_format.h"
#include "filter/model_cache.h"
#include "filter/option_table.h"
#include "model/error.h"
#include "model/weights.h"
#include "tests/model/temp_folder.h"
#include "tests/model/tiny.h"
#include "tests/tools/frames.h"

namespace cdsr::tools {
namespace {

class FrameUpscalerTest : public ::testing::TestWithParam<Body> {
 protected:
  void SetUp() override {
    const CdsrConfig config = tiny_config(GetParam(), 2);
    write_weights(weights(), random_tensors(config, 1),
                  {{"cdsr.format", "1"}, {"cdsr.config", to_json(config)}, {"cdsr.recipe", "a recipe"}},
                  DType::F32);
  }
  std::string weights() const { return (folder_.path() / "tiny-x2.safetensors").string(); }

  /// What a host with default options makes of it, in a frame like `out`.
  std::string by_session(const AVFrame& in, const AVFrame& out) const {
    const cdsr_options options = default_options();
    Session session(open_model(weights(), 2), session_options(options));
    const auto result = blank_frame(static_cast<AVPixelFormat>(out.format), out.width, out.height);
    const auto wrap = [](const AVFrame& f) {
      cdsr_frame frame{};
      const std::string name = av_get_pix_fmt_name(static_cast<AVPixelFormat>(f.format));
      frame.version = CDSR_API_VERSION;
      frame.format = find_format(std::string_view(name))->id;
      frame.width = f.width;
      frame.height = f.height;
      for (int i = 0; i < 4; ++i) {
        frame.plane[i] = f.data[i];
        frame.stride[i] = f.linesize[i];
      }
      frame.matrix = f.colorspace;
      frame.range = name.starts_with("yuvj") ? static_cast<int32_t>(CDSR_RANGE_FULL)
                                             : static_cast<int32_t>(f.color_range);
      frame.chroma_location = f.chroma_location;
      return frame;
    };
    cdsr_frame to = wrap(*result);
    session.process(wrap(in), to, Hints{}, Pipeline::Method::Network);
    return samples_of(*result);
  }

  TempFolder folder_;
};

TEST_P(FrameUpscalerTest, GivesWhatTheFiltersGive) {
  FrameUpscaler upscaler(weights(), 0, {});
  EXPECT_EQ(upscaler.scale(), 2);
  for (const AVPixelFormat format :
       {AV_PIX_FMT_GRAY8, AV_PIX_FMT_YA8, AV_PIX_FMT_RGB24, AV_PIX_FMT_RGBA, AV_PIX_FMT_GRAY16BE,
        AV_PIX_FMT_YA16BE, AV_PIX_FMT_RGB48BE, AV_PIX_FMT_RGBA64BE, AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUV420P,
        AV_PIX_FMT_BGRA}) {
    const auto in = patterned_frame(format, 33, 19);
    set_profile(*in, "RGB ");
    int last = 0;
    const auto out = upscaler(*in, "t", [&](int done, int all) {
      EXPECT_EQ(all, 38);
      last = done;
    });
    EXPECT_EQ(last, 38);
    ASSERT_EQ(out->format, format);
    EXPECT_EQ(out->width, 66);
    EXPECT_EQ(profile_of(*out), profile_of(*in));
    EXPECT_TRUE(samples_of(*out) == by_session(*in, *out)) << av_get_pix_fmt_name(format);
  }
}

// Bars stay black: the picture between them is what the filters upscale.
TEST_P(FrameUpscalerTest, KeepsBars) {
  const auto in = patterned_frame(AV_PIX_FMT_RGB24, 80, 96);
  for (int y = 0; y < 96; ++y)
    if (y < 14 || y >= 82)
      std::fill_n(in->data[0] + static_cast<ptrdiff_t>(y) * in->linesize[0], 3 * 80, uint8_t{0});
  const auto out = FrameUpscaler(weights(), 2, {})(*in, "t", {});
  EXPECT_TRUE(samples_of(*out) == by_session(*in, *out));
  for (int y = 0; y < 28; ++y)
    for (int x = 0; x < 3 * 160; ++x)
      ASSERT_EQ(out->data[0][static_cast<ptrdiff_t>(y) * out->linesize[0] + x], 0) << y;
}

TEST_P(FrameUpscalerTest, WhatLibcdsrDoesNotKnowKeepsItsComponents) {
  FrameUpscaler upscaler(weights(), 2, {});
  const auto palette = blank_frame(AV_PIX_FMT_PAL8, 8, 8);
  auto* const colours = reinterpret_cast<uint32_t*>(palette->data[1]);
  for (int i = 0; i < 256; ++i) colours[i] = 0xFF102030;
  for (int y = 0; y < 8; ++y)
    std::fill_n(palette->data[0] + static_cast<ptrdiff_t>(y) * palette->linesize[0], 8, uint8_t{7});
  EXPECT_EQ(upscaler(*palette, "t", {})->format, AV_PIX_FMT_RGB24);
  colours[7] = 0x80102030;
  const auto out = upscaler(*palette, "t", {});
  ASSERT_EQ(out->format, AV_PIX_FMT_RGBA);
  EXPECT_EQ(out->data[0][3], 0x80);
  EXPECT_EQ(upscaler(*blank_frame(AV_PIX_FMT_MONOBLACK, 8, 8), "t", {})->format, AV_PIX_FMT_GRAY8);
  for (const AVPixelFormat format :
       {AV_PIX_FMT_YUV440P, AV_PIX_FMT_YUV411P, AV_PIX_FMT_YUV410P, AV_PIX_FMT_YUVJ440P})
    EXPECT_EQ(upscaler(*blank_frame(format, 9, 9), "t", {})->format, AV_PIX_FMT_RGB24);
  EXPECT_EQ(upscaler(*blank_frame(AV_PIX_FMT_YUV440P10LE, 9, 9), "t", {})->format, AV_PIX_FMT_RGB48BE);
  EXPECT_THROW(upscaler(*blank_frame(AV_PIX_FMT_GRAYF32LE, 4, 4), "t", {}), Error);
}

TEST_P(FrameUpscalerTest, KeepsItsLimit) {
  EngineArguments arguments;
  arguments.memory = 1;
  FrameUpscaler upscaler(weights(), 2, arguments);
  try {
    upscaler(*blank_frame(AV_PIX_FMT_RGB24, 3000, 40), "t", {});
    FAIL() << "3000 columns in 1 MiB";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Errc::OutOfMemory);
    EXPECT_EQ(std::string(e.what()).find("memory=1 is too little for frames of 3000x40"), 0U) << e.what();
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, FrameUpscalerTest, ::testing::Values(Body::Plain, Body::Stack));

}  // namespace
}  // namespace cdsr::tools
