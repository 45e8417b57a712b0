// The colour path against its reference: every format, odd sizes, both stride signs, strips in any order, all
// settings.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "filter/color/frame_sink.h"
#include "filter/color/frame_source.h"
#include "tests/filter/color_reference.h"

namespace cdsr::test {
namespace {

struct Case {
  int width, height, scale;
  FrameSink::Settings settings;
  int strip;
  Tags tags;
};

/// Values like a network's: around [0,1], some far outside.
Image random_image(int width, int height, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> value(-0.3F, 1.3F);
  Image image(width, height);
  for (auto& plane : image.plane) std::generate(plane.begin(), plane.end(), [&] { return value(random); });
  return image;
}

/// Gives the image to the sink as an engine would: even strips, shuffled, with the context rows it asks for.
void write_strips(FrameSink& sink, const Image& image, int strip, uint32_t seed) {
  std::vector<int> starts;
  for (int y = 0; y < image.height; y += strip) starts.push_back(y);
  std::shuffle(starts.begin(), starts.end(), std::mt19937(seed));
  for (const int y : starts) {
    const int rows = std::min(strip, image.height - y);
    const int above = std::min(sink.context(), y);
    const int below = std::min(sink.context(), image.height - y - rows);
    // A copy of exactly the rows that may be read: reading more is caught by the sanitizers.
    std::vector<float> rows_of[3];
    const float* src[3];
    const ptrdiff_t stride = image.width + 5;
    for (int p = 0; p < 3; ++p) {
      rows_of[p].resize((above + rows + below) * stride);
      for (int r = 0; r < above + rows + below; ++r) {
        std::copy_n(image.plane[p].begin() + ptrdiff_t{y - above + r} * image.width, image.width,
                    rows_of[p].begin() + r * stride);
      }
      src[p] = rows_of[p].data() + above * stride;
    }
    sink.write(y, rows, src, stride);
  }
}

class ColorParityOf : public testing::TestWithParam<const PixelFormat*> {};

TEST_P(ColorParityOf, ReadEqualsReference) {
  const PixelFormat& format = *GetParam();
  for (const auto& [width, height] :
       {std::pair{1, 1}, {2, 3}, {17, 9}, {255, 5}, {256, 4}, {259, 7}, {600, 3}}) {
    for (const bool bottom_up : {false, true}) {
      FrameBuffer in(format, width, height, bottom_up);
      in.fill_random(static_cast<uint32_t>(width * 31 + height));
      const Image expected = reference_read(in);
      for (const RowKernels* kernels : all_row_kernels()) {
        FrameSource source(*kernels);
        source.bind(in.input());
        // In two calls, as an engine's strips would, into rows that are wider than the picture.
        Image got(width, height);
        const int half = height / 2;
        for (const auto& [y, rows] : {std::pair{half, height - half}, {0, half}}) {
          float* dst[3];
          for (int p = 0; p < 3; ++p) dst[p] = got.plane[p].data() + ptrdiff_t{y} * width;
          source.read(y, rows, dst, width);
        }
        for (int p = 0; p < 3; ++p) {
          ASSERT_EQ(got.plane[p], expected.plane[p])
              << format.name << " " << width << "x" << height << " plane " << p << " " << kernels->isa;
        }
      }
      EXPECT_TRUE(in.guards_intact());
    }
  }
}

TEST_P(ColorParityOf, WriteEqualsReference) {
  const PixelFormat& format = *GetParam();
  const Case cases[] = {
      {1, 1, 2, {}, 2, {}},
      {3, 5, 3, {}, 4, {}},
      {19, 13, 2, {}, 8, {CDSR_MATRIX_BT709, CDSR_RANGE_FULL, CDSR_CHROMA_LOCATION_CENTER}},
      {11, 11, 4, {}, 16, {CDSR_MATRIX_BT2020_NCL, CDSR_RANGE_LIMITED, CDSR_CHROMA_LOCATION_TOPLEFT}},
      {21, 9, 3, {0.3F, false}, 6, {CDSR_MATRIX_FCC, CDSR_RANGE_UNSPECIFIED, CDSR_CHROMA_LOCATION_BOTTOM}},
      {7, 6, 4, {0.7F, true}, 2, {CDSR_MATRIX_SMPTE240M, CDSR_RANGE_FULL, CDSR_CHROMA_LOCATION_TOP}},
      {21, 9, 2, {1, true}, 64, {CDSR_MATRIX_BT470BG, CDSR_RANGE_LIMITED, CDSR_CHROMA_LOCATION_BOTTOMLEFT}},
      {130, 3, 2, {}, 2, {}},             // two tiles
      {131, 3, 2, {1, true}, 6, {}},      // two tiles, interpolated chroma
      {175, 2, 3, {0.5F, false}, 2, {}},  // tile edges that are no multiple of the scale
  };
  for (const Case& c : cases) {
    for (const bool bottom_up : {false, true}) {
      FrameBuffer in(format, c.width, c.height, !bottom_up, c.tags);
      in.fill_random(static_cast<uint32_t>(c.width));
      const Image network = random_image(c.width * c.scale, c.height * c.scale, 7);
      FrameBuffer expected(format, network.width, network.height, bottom_up);
      reference_write(in, &network, c.scale, c.settings, expected);
      for (const RowKernels* kernels : all_row_kernels()) {
        FrameBuffer got(format, network.width, network.height, bottom_up);
        FrameSource source(*kernels);
        FrameSink sink(*kernels);
        source.bind(in.input());
        sink.bind(source, got.output(in, c.scale), c.scale, c.settings);
        write_strips(sink, network, c.strip, 3);
        ASSERT_TRUE(got == expected) << format.name << " " << c.width << "x" << c.height << " x" << c.scale
                                     << " strength " << c.settings.strength << " " << kernels->isa;
        EXPECT_TRUE(got.guards_intact());
        EXPECT_TRUE(got.unused_bits_clear());
      }
    }
  }
}

TEST_P(ColorParityOf, BicubicEqualsReference) {
  const PixelFormat& format = *GetParam();
  for (const int scale : {2, 3, 4}) {
    for (const bool interpolated : {false, true}) {
      FrameBuffer in(format, 23, 19);
      in.fill_random(5);
      const FrameSink::Settings settings{1, interpolated};
      FrameBuffer expected(format, 23 * scale, 19 * scale);
      FrameBuffer got(format, 23 * scale, 19 * scale);
      reference_write(in, nullptr, scale, settings, expected);
      FrameSource source;
      FrameSink sink;
      source.bind(in.input());
      sink.bind(source, got.output(in, scale), scale, settings);
      sink.write_bicubic();
      ASSERT_TRUE(got == expected) << format.name << " x" << scale << " chroma " << interpolated;
    }
  }
}

TEST(ColorParity, BigEndianIsTheSameSwapped) {
  const auto swap = [](const FrameBuffer& from, FrameBuffer& to) {
    const Frame source = from.input(), target = to.input();
    for (int p = 0; p < source.format->planes; ++p) {
      const PlaneSize size = plane_size(*source.format, p, source.width, source.height);
      const size_t bytes = static_cast<size_t>(source.format->bytes);
      for (int y = 0; y < size.rows; ++y)
        for (size_t i = 0; i < size.row_bytes; ++i)
          target.plane[p][y * target.stride[p] + (i / bytes * bytes + bytes - 1 - i % bytes)] =
              source.plane[p][y * source.stride[p] + i];
    }
  };
  const auto upscale = [](const FrameBuffer& in, FrameBuffer& out, bool network) {
    FrameSource source;
    FrameSink sink;
    source.bind(in.input());
    sink.bind(source, out.output(in, 3), 3, {});
    if (network)
      write_strips(sink, random_image(out.width(), out.height(), 7), 6, 3);
    else
      sink.write_bicubic();
  };
  for (const PixelFormat& big : pixel_formats()) {
    if (!big.big_endian) continue;
    const PixelFormat& little = *find_format(big.id & ~CDSR_FORMAT_BIG_ENDIAN);
    for (const bool network : {false, true}) {
      FrameBuffer in(little, 21, 9), out(little, 63, 27), big_in(big, 21, 9), big_out(big, 63, 27),
          want = big_out;
      in.fill_random(5);
      swap(in, big_in);
      upscale(in, out, network);
      upscale(big_in, big_out, network);
      swap(out, want);
      EXPECT_TRUE(big_out == want) << big.name << " network " << network;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllFormats, ColorParityOf, testing::ValuesIn(tested_formats()),
                         [](const auto& info) { return std::string(info.param->name); });

TEST(RowKernels, TheFastestTableIsNotTheBase) {
  // On a machine with AVX2 a silent fall back to the base table is a failure.
#ifdef __x86_64__
  EXPECT_STREQ(row_kernels().isa, __builtin_cpu_supports("avx2") ? "avx2" : "base");
#else
  EXPECT_STREQ(row_kernels().isa, "neon");
#endif
}

}  // namespace
}  // namespace cdsr::test
