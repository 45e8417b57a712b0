// The video degradation: each stage against what it must do, and the whole against its own word.
#include "tools/degrade/video.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "model/error.h"
#include "tools/degrade/blur.h"
#include "tools/degrade/degrade.h"
#include "tools/degrade/kernel.h"
#include "tools/media/resize.h"

namespace cdsr::degrade {
namespace {

tools::Picture waves(int width, int height) {
  tools::Picture p{width, height, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        p.rgb.push_back(
            static_cast<uint8_t>(128 + 60 * std::sin(0.31 * x + c) + 60 * std::cos(0.23 * y * (c + 1))));
  return p;
}

std::vector<float> planes(const tools::Picture& p) {
  const size_t n = p.rgb.size() / 3;
  std::vector<float> out(3 * n);
  for (size_t i = 0; i < n; ++i)
    for (size_t c = 0; c < 3; ++c) out[c * n + i] = p.rgb[3 * i + c];
  return out;
}

double rms(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::pow(a[i] - b[i], 2);
  return std::sqrt(sum / static_cast<double>(a.size()));
}

VideoSpec plain(int scale) {
  VideoSpec s;
  s.kernel = gaussian_kernel(scale, 2, 1, 0.4, Alignment::Aligned);
  return s;
}

TEST(Video, BlurEqualsThePlainLoops) {
  for (const int scale : {2, 3, 4})
    for (const double variance : {0.3, 9.0}) {
      const tools::Picture hr = waves(35 * scale, 11 * scale);
      VideoSpec s = plain(scale);
      s.kernel = gaussian_kernel(scale, variance, 0.2 * variance, 0.7, Alignment::Aligned);
      const tools::Picture fast = degrade_video(hr, scale, s), plain = degrade(hr, s.kernel, scale, 0, 0);
      ASSERT_EQ(fast.rgb.size(), plain.rgb.size());
      int differ = 0;
      for (size_t i = 0; i < fast.rgb.size(); ++i) {
        EXPECT_LE(std::abs(fast.rgb[i] - plain.rgb[i]), 1);
        differ += fast.rgb[i] != plain.rgb[i];
      }
      EXPECT_LT(differ, 20) << "scale " << scale << " variance " << variance;  // halves may round either way
    }
}

TEST(Video, ResizeKernelsAreAlignedAndAverage) {
  for (const int scale : {2, 3, 4})
    for (const auto kind : {Downsampling::Bicubic, Downsampling::Area}) {
      const auto k = downsampling_kernel(scale, kind);
      double sum = 0, x = 0, y = 0, squares = 0;
      for (int i = 0; i < 21; ++i)
        for (int j = 0; j < 21; ++j) {
          const double w = k[static_cast<size_t>(i) * 21 + j];
          sum += w, x += w * (j - 10), y += w * (i - 10), squares += w * w;
        }
      EXPECT_NEAR(sum, 1, 1e-5);
      EXPECT_NEAR(x, (scale - 1) / 2.0, 1e-5);
      EXPECT_NEAR(y, (scale - 1) / 2.0, 1e-5);
      if (kind == Downsampling::Area) {
        EXPECT_NEAR(squares, 1.0 / (scale * scale), 1e-5);  // equal weights
      }
    }
  // x2 bicubic by hand: Keys' cubic at 1/4, 3/4, 5/4 and 7/4, halved.
  const auto k = downsampling_kernel(2, Downsampling::Bicubic);
  const double a[4] = {0.8671875 / 2, 0.2265625 / 2, -0.0703125 / 2, -0.0234375 / 2};
  for (int i = 0; i < 4; ++i) {
    EXPECT_NEAR(k[10 * 21 + 10 - i], a[0] * a[i], 1e-6);
    EXPECT_NEAR(k[10 * 21 + 11 + i], a[0] * a[i], 1e-6);
  }
}

TEST(Video, NoiseHasItsVariance) {
  const int n = 40'000;
  Rng rng(3, 0);
  for (const NoiseSpec& spec : {NoiseSpec{8, 0, false}, NoiseSpec{0, 0.4, false}, NoiseSpec{5, 0.1, true}}) {
    std::vector<float> v(size_t{3} * n);
    for (int i = 0; i < 3 * n; ++i) v[i] = i % 2 == 0 ? 40 : 160;
    add_noise(spec, v, rng);
    for (const int level : {40, 160}) {
      double sum = 0, squares = 0, across = 0, count = 0;
      for (int i = level == 40 ? 0 : 1; i < n; i += 2) {
        const double d = v[i] - level, e = v[n + i] - level;
        sum += d, squares += d * d, across += d * e, ++count;
      }
      const double expected = spec.gaussian * spec.gaussian + spec.shot * level;
      EXPECT_NEAR(sum / count, 0, 0.3);
      EXPECT_NEAR(squares / count / expected, 1, 0.05);
      EXPECT_NEAR(across / count / expected, spec.luma_only ? 1 : 0, 0.05);  // of one pixel's R and G
    }
  }
}

TEST(Video, ColoursComeBackFromYuv) {
  // Smooth colours at an odd size: what is lost is 4:2:0's chroma and 8 bits.
  const int w = 37, h = 23;
  std::vector<float> rgb(size_t{3} * w * h), back(rgb.size());
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x) {
      rgb[y * w + x] = 30 + 5 * x;
      rgb[w * h + y * w + x] = 200 - 4 * y;
      rgb[2 * w * h + y * w + x] = 60 + 2 * x + 2 * y;
    }
  for (const auto kind : {YuvKind::Video, YuvKind::Jpeg}) {
    const Yuv420 yuv = to_yuv420(rgb, w, h, kind);
    EXPECT_EQ(yuv.width, 38);
    EXPECT_EQ(yuv.height, 24);
    from_yuv420(yuv, kind, w, h, back);
    for (int c = 0; c < 3; ++c)  // away from the edges, where chroma is repeated
      for (int y = 3; y < h - 3; ++y)
        for (int x = 3; x < w - 3; ++x)
          EXPECT_NEAR(back[(c * h + y) * w + x], rgb[(c * h + y) * w + x], 2.5) << c << ' ' << x << ' ' << y;
  }
  // White and black of limited range.
  std::vector<float> ends = {255, 0, 255, 0, 255, 0};
  const Yuv420 yuv = to_yuv420(ends, 2, 1, YuvKind::Video);
  EXPECT_EQ(yuv.plane[0][0], 235);
  EXPECT_EQ(yuv.plane[0][1], 16);
  EXPECT_EQ(yuv.plane[1][0], 128);
}

class CodecTest : public ::testing::TestWithParam<Codec> {
 protected:
  void SetUp() override {
    if (!available(GetParam())) GTEST_SKIP() << to_string(GetParam()) << " is not in this FFmpeg";
  }
};

TEST_P(CodecTest, WorseQualityIsWorseAndRepeats) {
  const tools::Picture hr = waves(150, 90);
  VideoSpec s = plain(2);
  s.codec = GetParam();
  // What coding is measured against: the same picture in the codec's colours.
  std::vector<float> clean = planes(degrade_video(hr, 2, plain(2)));
  from_yuv420(to_yuv420(clean, 75, 45, yuv_kind(s.codec)), yuv_kind(s.codec), 75, 45, clean);
  const bool crf = has_crf(s.codec);
  s.frames = s.codec == Codec::Jpeg ? 1 : 3;
  s.shown = s.frames - 1;
  s.pan_x = 3;
  s.quality = crf ? 12 : 2;
  const tools::Picture good = degrade_video(hr, 2, s);
  s.quality = crf ? 40 : 25;
  const tools::Picture bad = degrade_video(hr, 2, s);
  ASSERT_EQ(good.width, 75);  // odd: 4:2:0 has to round up and cut
  ASSERT_EQ(good.height, 45);
  const double good_error = rms(planes(good), clean), bad_error = rms(planes(bad), clean);
  EXPECT_LT(good_error, 6);
  EXPECT_GT(bad_error, good_error + 1);
  EXPECT_LT(bad_error, 40);  // still the picture: the frame and the place asked for
  EXPECT_EQ(degrade_video(hr, 2, s).rgb, bad.rgb);
}

TEST_P(CodecTest, GivesEveryFrameInOrder) {
  // Three flat frames of different brightness.
  std::vector<Yuv420> clip(3, Yuv420(64, 48));
  for (size_t f = 0; f < clip.size(); ++f) {
    std::fill(clip[f].plane[0].begin(), clip[f].plane[0].end(), static_cast<uint8_t>(60 + 50 * f));
    for (int p : {1, 2}) std::fill(clip[f].plane[p].begin(), clip[f].plane[p].end(), uint8_t{128});
  }
  const Recoded recoded = recode(GetParam(), has_crf(GetParam()) ? 20 : 3, clip);
  ASSERT_EQ(recoded.frames.size(), clip.size());
  for (size_t f = 0; f < clip.size(); ++f)
    EXPECT_NEAR(recoded.frames[f].plane[0][64 * 20 + 30], 60 + 50.0 * f, 3) << f;
}

TEST_P(CodecTest, CoarserQuantizersHaveHigherQps) {
  const tools::Picture p = waves(96, 64);
  const std::vector<Yuv420> clip(2, to_yuv420(planes(p), 96, 64, yuv_kind(GetParam())));
  const bool crf = has_crf(GetParam());
  const double fine = recode(GetParam(), crf ? 15 : 2, clip).qp,
               coarse = recode(GetParam(), crf ? 35 : 16, clip).qp;
  EXPECT_GT(fine, 5);
  EXPECT_LT(coarse, 51);
  EXPECT_NEAR(coarse - fine, 18, 5);  // 20 CRF; three octaves of the quantizer scale, 18
}

INSTANTIATE_TEST_SUITE_P(All, CodecTest,
                         ::testing::Values(Codec::Jpeg, Codec::Mpeg2, Codec::H264, Codec::Hevc, Codec::Vp9,
                                           Codec::Av1),
                         [](const auto& info) { return std::string(to_string(info.param)); });

TEST(Video, DrawsDependOnTheSeedAloneAndCoverTheRecipe) {
  const VideoOptions options;
  int codecs[kCodecs] = {}, noisy = 0, moving = 0, clips = 0;
  for (uint64_t i = 0; i < 400; ++i) {
    Rng a(1, i), b(1, i);
    const VideoSpec s = draw_video(options, 2, a), t = draw_video(options, 2, b);
    EXPECT_EQ(describe(s), describe(t));
    EXPECT_EQ(s.kernel, t.kernel);
    EXPECT_EQ(s.seed, t.seed);
    double sum = 0;
    for (float v : s.kernel) sum += v;
    EXPECT_NEAR(sum, 1, 2e-3);  // a blur before a resize loses what reaches beyond 21 pixels
    ASSERT_LT(s.shown, s.frames);
    ++codecs[static_cast<int>(s.codec)];
    noisy += !s.noise.none();
    clips += s.frames > 1;
    moving += s.pan_x != 0 || s.pan_y != 0;
  }
  for (int i = 0; i < kCodecs; ++i)
    if (available(static_cast<Codec>(i))) {
      EXPECT_NEAR(codecs[i], 400 * options.codec_share[i], 35) << i;
    }
  EXPECT_NEAR(noisy, 160, 40);
  EXPECT_GT(clips, 150);
  EXPECT_GT(moving, 50);
}

TEST(Video, SoftensByTheGaussian) {
  constexpr int width = 23, height = 17;
  constexpr double sigma = 1.3;
  std::vector<float> plane = planes(waves(width, height));
  plane.resize(static_cast<size_t>(width) * height);
  plane.insert(plane.end(), 5, -7.0F);  // guard values
  const std::vector<float> before = plane;
  soften(std::span(plane).first(plane.size() - 5), width, height, sigma);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      double sum = 0, weights = 0;
      for (int i = -4; i <= 4; ++i)
        for (int j = -4; j <= 4; ++j) {
          const double w = std::exp(-0.5 * (i * i + j * j) / (sigma * sigma));
          const int row = std::clamp(y + i, 0, height - 1), column = std::clamp(x + j, 0, width - 1);
          sum += w * before[static_cast<size_t>(row) * width + column];
          weights += w;
        }
      EXPECT_NEAR(plane[static_cast<size_t>(y) * width + x], sum / weights, 1e-3) << x << " " << y;
    }
  for (size_t i = plane.size() - 5; i < plane.size(); ++i) EXPECT_EQ(plane[i], -7.0F);
  plane = before;
  soften(std::span(plane).first(plane.size() - 5), width, height, 0);
  EXPECT_EQ(plane, before);

  const auto softened = [](Codec codec) {
    int soft = 0;
    for (uint64_t i = 0; i < 400; ++i) {
      Rng rng(9, i);
      const double s = draw_softness(VideoOptions{}, codec, rng);
      EXPECT_TRUE(s == 0 || (s >= VideoOptions{}.soft.low && s <= VideoOptions{}.soft.high)) << s;
      soft += s > 0;
    }
    return soft;
  };
  EXPECT_NEAR(softened(Codec::H264), 240, 40);
  EXPECT_NEAR(softened(Codec::Jpeg), 80, 30);
  EXPECT_NEAR(softened(Codec::None), 80, 30);
}

TEST(Video, ARecordingTellsItsErrorAndGivesLuma) {
  VideoSpec s = plain(2);
  s.sharpen = 0.5;
  const int w = 48, h = 32;
  std::vector<float> clip = planes(waves(w, h)), rgb(clip.size()), luma(static_cast<size_t>(w) * h);
  for (const Codec codec : {Codec::None, Codec::Jpeg, Codec::Mpeg2}) {
    s.codec = codec;
    s.quality = 4;
    const Recording r = record(s, clip, w, h);
    EXPECT_EQ(r.mse > 0.2 && r.mse < 60, codec != Codec::None) << r.mse;
    EXPECT_EQ(r.qp > 0, codec != Codec::None);
    r.rgb(0, rgb);
    r.luma(0, luma);
    const auto weight = luma_weights(codec);
    double error = 0;
    for (size_t i = 0; i < luma.size(); ++i)
      error += std::pow(weight[0] * rgb[i] + weight[1] * rgb[luma.size() + i] +
                            weight[2] * rgb[2 * luma.size() + i] - luma[i],
                        2);
    EXPECT_LT(std::sqrt(error / static_cast<double>(luma.size())), 1.5)
        << to_string(codec);  // rounding, clipped colours
  }
  // Sharpened: the waves are higher.
  s.codec = Codec::None;
  VideoSpec soft = s;
  soft.sharpen = 0;
  record(s, clip, w, h).luma(0, luma);
  std::vector<float> before(luma.size());
  record(soft, clip, w, h).luma(0, before);
  const auto spread = [](const std::vector<float>& v) {
    double sum = 0, squares = 0;
    for (float x : v) sum += x, squares += static_cast<double>(x) * x;
    const double n = static_cast<double>(v.size());
    return squares / n - sum / n * (sum / n);
  };
  EXPECT_GT(spread(luma), 1.02 * spread(before));
}

TEST(Video, RefusesWhatIsTooSmall) { EXPECT_THROW(degrade_video(waves(1, 8), 2, plain(2)), Error); }

}  // namespace
}  // namespace cdsr::degrade
