// With the network replaced by interpolation the colour path must give back what it got: luma, grey, black
// and white, and chroma in its place.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "filter/color/frame_sink.h"
#include "filter/color/frame_source.h"
#include "filter/color/row_resampler.h"
#include "tests/filter/frame_buffer.h"

namespace cdsr::test {
namespace {

const PixelFormat& format_of(int32_t id) { return *find_format(id); }

/// Each component interpolated for itself.
void bicubic(const FrameBuffer& in, FrameBuffer& out, int scale) {
  FrameSource source;
  FrameSink sink;
  source.bind(in.input());
  sink.bind(source, out.output(in, scale), scale, {});
  sink.write_bicubic();
}

/// One plane of an image for the resampler.
struct LoadImage {
  const std::vector<float>* plane;
  int width;
  void operator()(int row, int x, int n, float* const dst[1]) const {
    for (int i = 0; i < n; ++i)
      dst[0][i] = (*plane)[static_cast<size_t>(row) * width + std::clamp(x + i, 0, width - 1)];
  }
};

/// R'G'B' interpolated, by way of the engine's interface.
void bicubic_network(const FrameBuffer& in, FrameBuffer& out, int scale, bool interpolate_chroma) {
  FrameSource source;
  FrameSink sink;
  source.bind(in.input());
  sink.bind(source, out.output(in, scale), scale, {1, interpolate_chroma});
  Image low(in.width(), in.height()), high(out.width(), out.height());
  float* const dst[3] = {low.plane[0].data(), low.plane[1].data(), low.plane[2].data()};
  source.read(0, in.height(), dst, in.width());
  const BicubicTaps taps = make_taps(scale, picture_offset(scale, 1, 0));
  for (int p = 0; p < 3; ++p) {
    RowResampler<1, LoadImage> rows(row_kernels(), taps, taps, low.height, 0, high.width,
                                    {&low.plane[p], low.width});
    for (int y = 0; y < high.height; ++y)
      std::copy_n(rows.row(y)[0], high.width, &high.plane[p][static_cast<size_t>(y) * high.width]);
  }
  const float* const src[3] = {high.plane[0].data(), high.plane[1].data(), high.plane[2].data()};
  sink.write(0, out.height(), src, out.width());
}

/// Every pixel repeated scale x scale times, by way of the engine's interface.
void nearest(const FrameBuffer& in, FrameBuffer& out, int scale) {
  FrameSource source;
  FrameSink sink;
  source.bind(in.input());
  sink.bind(source, out.output(in, scale), scale, {});
  Image low(in.width(), in.height());
  float* const dst[3] = {low.plane[0].data(), low.plane[1].data(), low.plane[2].data()};
  source.read(0, in.height(), dst, in.width());
  Image high(out.width(), out.height());
  for (int p = 0; p < 3; ++p) {
    for (int y = 0; y < high.height; ++y) {
      for (int x = 0; x < high.width; ++x) {
        high.plane[p][y * high.width + x] = low.plane[p][(y / scale) * low.width + x / scale];
      }
    }
  }
  const float* const src[3] = {high.plane[0].data(), high.plane[1].data(), high.plane[2].data()};
  sink.write(0, out.height(), src, out.width());
}

/// Random luma of the whole range, weak random chroma, all of it inside the R'G'B' cube.
void fill_in_gamut(FrameBuffer& frame, uint32_t seed) {
  std::mt19937 random(seed);
  const Quantizer luma = frame.input().color.luma;
  const auto uniform = [&](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  };
  const int k = 1 << (frame.format().bits - 8);
  for (int c = 0; c < frame.format().colours; ++c) {
    for (int y = 0; y < frame.height_of(c); ++y) {
      for (int x = 0; x < frame.width_of(c); ++x) {
        frame.set(c, x, y,
                  c == 0 ? std::lround(uniform(0.1, 0.9) * luma.gain + luma.base)
                         : std::lround(uniform(124 * k, 132 * k)));
      }
    }
  }
}

TEST(ColorIdentity, LumaRoundTripsWithinOneCode) {
  for (const int32_t id :
       {CDSR_FORMAT_YUV420P, CDSR_FORMAT_YUV422P, CDSR_FORMAT_YUV444P, CDSR_FORMAT_NV12,
        CDSR_FORMAT_YUV420P10, CDSR_FORMAT_P010, CDSR_FORMAT_YUV444P12, CDSR_FORMAT_P016}) {
    for (const int32_t range : {CDSR_RANGE_LIMITED, CDSR_RANGE_FULL}) {
      for (const int32_t matrix : {1, 4, 5, 6, 7, 9}) {
        FrameBuffer in(format_of(id), 37, 23, false, {matrix, range, CDSR_CHROMA_LOCATION_LEFT});
        fill_in_gamut(in, 1);
        FrameBuffer out(format_of(id), 74, 46);
        nearest(in, out, 2);
        int worst = 0;
        for (int y = 0; y < out.height(); ++y) {
          for (int x = 0; x < out.width(); ++x) {
            worst = std::max(worst, std::abs(out.get(0, x, y) - in.get(0, x / 2, y / 2)));
          }
        }
        EXPECT_LE(worst, 1) << in.format().name << " range " << range << " matrix " << matrix;
      }
    }
  }
}

TEST(ColorIdentity, GreyStaysGreyAndEveryCodeComesBack) {
  // A flat picture of every legal grey: interpolation changes nothing, so neither must conversion and
  // dithering.
  for (const int32_t id : {CDSR_FORMAT_YUV420P, CDSR_FORMAT_YUV420P10, CDSR_FORMAT_RGB24, CDSR_FORMAT_GBRP10,
                           CDSR_FORMAT_GRAY8, CDSR_FORMAT_GRAY10, CDSR_FORMAT_RGBA}) {
    for (const int32_t range : {CDSR_RANGE_LIMITED, CDSR_RANGE_FULL}) {
      const PixelFormat& format = format_of(id);
      FrameBuffer in(format, 8, 6, false, {CDSR_MATRIX_BT709, range, 0});
      const Quantizer luma = in.input().color.luma;
      const int neutral = 1 << (format.bits - 1);
      for (int code = static_cast<int>(luma.low); code <= static_cast<int>(luma.high); ++code) {
        for (int c = 0; c < format.colours; ++c) in.fill(c, format.is_chroma(c) ? neutral : code);
        FrameBuffer out(format, 16, 12);
        bicubic(in, out, 2);
        for (int c = 0; c < format.colours; ++c) {
          for (int y = 0; y < out.height_of(c); ++y) {
            for (int x = 0; x < out.width_of(c); ++x) {
              ASSERT_EQ(out.get(c, x, y), format.is_chroma(c) ? neutral : code)
                  << format.name << " range " << range << " component " << c;
            }
          }
        }
      }
    }
  }
}

/// What the position of the chroma samples is worth: Cb grows evenly with the luma column, Cr with the row.
struct Siting {
  int32_t location;
  double x, y;
};

class ChromaSiting : public testing::TestWithParam<Siting> {};

TEST_P(ChromaSiting, ARampDoesNotMove) {
  const Siting siting = GetParam();
  constexpr int kSize = 32;
  // Code of a chroma sample at luma position p (luma sample i covers [i, i + 1)). Weak enough to stay in
  // gamut.
  const auto ramp = [](double p) { return 32768 + (p - kSize / 2.0) * 150; };
  for (const int32_t id :
       {CDSR_FORMAT_YUV420P16, CDSR_FORMAT_YUV422P16, CDSR_FORMAT_P016, CDSR_FORMAT_YUV444P16}) {
    const PixelFormat& format = format_of(id);
    const int pitch_x = 1 << format.log2_w;
    const int pitch_y = 1 << format.log2_h;
    const double site_x = (format.log2_w > 0 ? siting.x : 0) + 0.5;
    const double site_y = (format.log2_h > 0 ? siting.y : 0) + 0.5;
    FrameBuffer in(format, kSize, kSize, false, {CDSR_MATRIX_BT709, CDSR_RANGE_FULL, siting.location});
    in.fill(0, 32768);
    for (int y = 0; y < in.height_of(1); ++y) {
      for (int x = 0; x < in.width_of(1); ++x) {
        in.set(1, x, y, static_cast<int>(std::lround(ramp(pitch_x * x + site_x))));
        in.set(2, x, y, static_cast<int>(std::lround(ramp(pitch_y * y + site_y))));
      }
    }
    for (const int scale : {2, 3, 4}) {
      for (const bool interpolate : {false, true}) {
        FrameBuffer out(format, kSize * scale, kSize * scale);
        bicubic_network(in, out, scale, interpolate);
        // Away from the edges, where the ramp is repeated and not continued.
        double worst = 0;
        const int margin_x = 8 * scale / pitch_x;
        const int margin_y = 8 * scale / pitch_y;
        for (int y = margin_y; y < out.height_of(1) - margin_y; ++y) {
          for (int x = margin_x; x < out.width_of(1) - margin_x; ++x) {
            const double cb = ramp((pitch_x * x + site_x) / scale);
            const double cr = ramp((pitch_y * y + site_y) / scale);
            worst = std::max({worst, std::abs(out.get(1, x, y) - cb), std::abs(out.get(2, x, y) - cr)});
          }
        }
        // A shift by a tenth of a luma pixel would be 15 codes.
        EXPECT_LT(worst, 2) << format.name << " x" << scale << " interpolated " << interpolate;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllLocations, ChromaSiting,
                         testing::Values(Siting{CDSR_CHROMA_LOCATION_UNSPECIFIED, 0, 0.5},
                                         Siting{CDSR_CHROMA_LOCATION_LEFT, 0, 0.5},
                                         Siting{CDSR_CHROMA_LOCATION_CENTER, 0.5, 0.5},
                                         Siting{CDSR_CHROMA_LOCATION_TOPLEFT, 0, 0},
                                         Siting{CDSR_CHROMA_LOCATION_TOP, 0.5, 0},
                                         Siting{CDSR_CHROMA_LOCATION_BOTTOMLEFT, 0, 1},
                                         Siting{CDSR_CHROMA_LOCATION_BOTTOM, 0.5, 1}),
                         [](const auto& info) { return "Location" + std::to_string(info.param.location); });

TEST(Color, KnownTriplets) {
  // Pure colours as BT.601 and BT.709 encode them, 8 bits, limited range (ITU-R BT.601-7, BT.709-6).
  struct Triplet {
    int32_t matrix;
    int y, cb, cr;
    float r, g, b;
  };
  const Triplet triplets[] = {
      {CDSR_MATRIX_SMPTE170M, 81, 90, 240, 1, 0, 0},  {CDSR_MATRIX_SMPTE170M, 145, 54, 34, 0, 1, 0},
      {CDSR_MATRIX_SMPTE170M, 41, 240, 110, 0, 0, 1}, {CDSR_MATRIX_BT709, 63, 102, 240, 1, 0, 0},
      {CDSR_MATRIX_BT709, 173, 42, 26, 0, 1, 0},      {CDSR_MATRIX_BT709, 32, 240, 118, 0, 0, 1},
      {CDSR_MATRIX_BT2020_NCL, 74, 97, 240, 1, 0, 0}, {CDSR_MATRIX_BT709, 126, 128, 128, 0.5F, 0.5F, 0.5F},
  };
  for (const Triplet& t : triplets) {
    FrameBuffer in(format_of(CDSR_FORMAT_YUV444P), 1, 1, false, {t.matrix, CDSR_RANGE_LIMITED, 0});
    in.fill(0, t.y);
    in.fill(1, t.cb);
    in.fill(2, t.cr);
    FrameSource source;
    source.bind(in.input());
    float rgb[3];
    float* const dst[3] = {&rgb[0], &rgb[1], &rgb[2]};
    source.read(0, 1, dst, 1);
    EXPECT_NEAR(rgb[0], t.r, 0.006) << t.matrix << " " << t.y;
    EXPECT_NEAR(rgb[1], t.g, 0.006) << t.matrix << " " << t.y;
    EXPECT_NEAR(rgb[2], t.b, 0.006) << t.matrix << " " << t.y;
  }
}

TEST(Color, DitherKeepsTheMean) {
  // A level between two codes: the mean of the output is the level, and it does not change from frame to
  // frame.
  FrameBuffer in(format_of(CDSR_FORMAT_GRAY8), 16, 16);
  FrameBuffer out(in.format(), 32, 32);
  FrameSource source;
  FrameSink sink;
  source.bind(in.input());
  sink.bind(source, out.output(in, 2), 2, {});
  Image image(32, 32);
  for (auto& plane : image.plane) std::fill(plane.begin(), plane.end(), 100.3F / 255);
  const float* const src[3] = {image.plane[0].data(), image.plane[1].data(), image.plane[2].data()};
  sink.write(0, 32, src, 32);
  double sum = 0;
  for (int y = 0; y < 32; ++y) {
    for (int x = 0; x < 32; ++x) sum += out.get(0, x, y);
  }
  EXPECT_NEAR(sum / (32 * 32), 100.3, 1.0 / 64);
}

TEST(Color, NanFromTheNetworkIsBlack) {
  FrameBuffer in(format_of(CDSR_FORMAT_YUV420P), 2, 2, false, {CDSR_MATRIX_BT709, CDSR_RANGE_LIMITED, 1});
  FrameBuffer out(in.format(), 4, 4);
  FrameSource source;
  FrameSink sink;
  source.bind(in.input());
  sink.bind(source, out.output(in, 2), 2, {});
  Image image(4, 4);
  for (auto& plane : image.plane) std::fill(plane.begin(), plane.end(), std::nanf(""));
  const float* const src[3] = {image.plane[0].data(), image.plane[1].data(), image.plane[2].data()};
  sink.write(0, 4, src, 4);
  EXPECT_EQ(out.get(0, 1, 1), 16);
  EXPECT_EQ(out.get(1, 0, 0), 128);
}

}  // namespace
}  // namespace cdsr::test
