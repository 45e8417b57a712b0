// Codes outside the legal range come through: a ramp of all codes stays one, in every format and range, with
// and without a network.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "filter/color/frame_sink.h"
#include "filter/color/frame_source.h"
#include "tests/filter/frame_buffer.h"

namespace cdsr::test {
namespace {

constexpr int kWidth = 300, kHeight = 6;

/// All codes from 0 to the largest, from left to right, flat at both ends.
double ramp(double x, int bits) {
  const double step = std::ldexp(1, bits - 8);
  return std::clamp((x - 22) * step, 0.0, std::ldexp(1, bits) - 1);
}

class Excursions : public testing::TestWithParam<const PixelFormat*> {
 protected:
  static FrameBuffer ramp_frame(int32_t range) {
    const PixelFormat& format = *GetParam();
    FrameBuffer in(format, kWidth, kHeight, false, {CDSR_MATRIX_BT709, range, CDSR_CHROMA_LOCATION_CENTER});
    for (int c = 0; c < format.colours; ++c)
      for (int y = 0; y < in.height_of(c); ++y)
        for (int x = 0; x < in.width_of(c); ++x)
          in.set(c, x, y,
                 format.is_chroma(c) ? 1 << (format.bits - 1)
                                     : static_cast<int>(std::lround(ramp(x, format.bits))));
    return in;
  }

  /// The largest distance of a component's row from the ramp, in steps of it. pitch: luma columns a sample.
  static double distance(const FrameBuffer& out, int component, int scale, int pitch) {
    const int bits = out.format().bits;
    double worst = 0;
    for (int x = 0; x < out.width_of(component); ++x) {
      const double place = ((x + 0.5) / scale - 0.5) * pitch;
      worst =
          std::max(worst, std::abs(out.get(component, x, out.height_of(component) / 2) - ramp(place, bits)));
    }
    return worst / std::ldexp(1, bits - 8);
  }

  /// What the input's samples, repeated, become as the picture of a network.
  static void repeat(const FrameBuffer& in, FrameBuffer& out, int scale,
                     const FrameSink::Settings& settings) {
    FrameSource source;
    FrameSink sink;
    source.bind(in.input(), settings.colour);
    sink.bind(source, out.output(in, scale), scale, settings);
    Image low(in.width(), in.height()), high(out.width(), out.height());
    float* const dst[3] = {low.plane[0].data(), low.plane[1].data(), low.plane[2].data()};
    source.read(0, in.height(), dst, in.width());
    for (int p = 0; p < 3; ++p)
      for (int y = 0; y < high.height; ++y)
        for (int x = 0; x < high.width; ++x)
          high.plane[p][static_cast<size_t>(y) * high.width + x] =
              low.plane[p][static_cast<size_t>(y / scale) * low.width + x / scale];
    const float* const src[3] = {high.plane[0].data(), high.plane[1].data(), high.plane[2].data()};
    for (int y = 0; y < out.height(); y += 2) {
      const float* const strip[3] = {src[0] + y * out.width(), src[1] + y * out.width(),
                                     src[2] + y * out.width()};
      sink.write(y, std::min(2, out.height() - y), strip, out.width());
    }
  }
};

TEST_P(Excursions, ComeThroughInterpolation) {
  for (const int32_t range : {CDSR_RANGE_LIMITED, CDSR_RANGE_FULL}) {
    for (const int scale : {2, 3}) {
      const FrameBuffer in = ramp_frame(range);
      FrameBuffer out(in.format(), kWidth * scale, kHeight * scale);
      FrameSource source;
      FrameSink sink;
      source.bind(in.input());
      sink.bind(source, out.output(in, scale), scale, {});
      sink.write_bicubic();
      // Where the ramp begins and ends the kernel is a little off.
      for (int c = 0; c < out.format().colours; ++c)
        if (!out.format().is_chroma(c)) {
          EXPECT_LE(distance(out, c, scale, 1), 1) << "range " << range << " component " << c;
        }
    }
  }
}

TEST_P(Excursions, OfChromaComeThroughInterpolation) {
  const PixelFormat& format = *GetParam();
  if (format.model != ColorModel::Yuv) return;
  FrameBuffer in = ramp_frame(CDSR_RANGE_LIMITED);
  in.fill(0, 1 << (format.bits - 1));
  for (int c = 1; c < 3; ++c)
    for (int y = 0; y < in.height_of(c); ++y)
      for (int x = 0; x < in.width_of(c); ++x)
        in.set(c, x, y, static_cast<int>(std::lround(ramp(x << format.log2_w, format.bits))));
  FrameBuffer out(format, 2 * kWidth, 2 * kHeight);
  repeat(in, out, 2, {1, /*bicubic_chroma=*/true});
  for (int c = 1; c < 3; ++c) EXPECT_LE(distance(out, c, 2, 1 << format.log2_w), 2) << "component " << c;
}

TEST_P(Excursions, ComeThroughBesideANetwork) {
  for (const int32_t range : {CDSR_RANGE_LIMITED, CDSR_RANGE_FULL})
    for (const FrameSink::Settings& settings : {FrameSink::Settings{1, false},
                                                {1, true},
                                                {0.5F, false},
                                                {1, true, Colour::Luma},
                                                {0.5F, true, Colour::Luma}}) {
      const FrameBuffer in = ramp_frame(range);
      FrameBuffer out(in.format(), 2 * kWidth, 2 * kHeight);
      repeat(in, out, 2, settings);
      for (int c = 0; c < out.format().colours; ++c) {
        if (out.format().is_chroma(c)) {
          const int neutral = 1 << (out.format().bits - 1);
          EXPECT_NEAR(out.get(c, out.width_of(c) - 2, 1), neutral, neutral / 64);
        } else {
          EXPECT_LE(distance(out, c, 2, 1), 2)
              << "range " << range << " component " << c << " strength " << settings.strength << " chroma "
              << settings.bicubic_chroma << " luma " << (settings.colour == Colour::Luma);
        }
      }
    }
}

INSTANTIATE_TEST_SUITE_P(AllFormats, Excursions, testing::ValuesIn(tested_formats()),
                         [](const auto& info) { return std::string(info.param->name); });

}  // namespace
}  // namespace cdsr::test
