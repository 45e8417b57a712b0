// The colour kernels' arithmetic on the processor: bit for bit what the filter's CPU path makes.
//
// Phases run in the order and with the tiles of the kernels in filter/cuda/color.cu, each thread of a block
// in turn.
#include <gtest/gtest.h>

#include "filter/cuda/color_math.h"
#include "filter/cuda/device_color.h"
#include "filter/shot/thumbnail.h"
#include "tests/cuda/head_emulate.h"
#include "tests/filter/color_reference.h"
#include "tests/model/backend_run.h"

namespace cdsr::test {
namespace {

struct PlaneNetwork {
  const Image& image;
  void operator()(int x, int y, float rgb[3]) const {
    for (int p = 0; p < 3; ++p) rgb[p] = image.plane[p][static_cast<size_t>(y) * image.width + x];
  }
};

Image emulated_read(const FrameBuffer& frame) {
  const DeviceFrame f = device_frame(frame.input());
  Image image(frame.width(), frame.height());
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x) {
      float rgb[3];
      color::read_rgb(f, x, y, rgb);
      for (int p = 0; p < 3; ++p) image.plane[p][static_cast<size_t>(y) * image.width + x] = rgb[p];
    }
  return image;
}

void emulated_write(const FrameBuffer& in, const Image& low, const PlaneNetwork& network, int scale,
                    const FrameSink::Settings& settings, FrameBuffer& out) {
  constexpr int kThreads = 256;
  const DeviceFrame from = device_frame(in.input());
  const DeviceOutput to = device_output(out.output(in, scale), scale, settings);
  cuda::Planes picture;
  for (int p = 0; p < 3; ++p) picture.plane[p] = low.plane[p].data();
  picture.stride = picture.width = low.width;
  picture.height = low.height;
  const auto memory = std::make_unique<color::TileMemory>();
  for (int ty = 0; ty * color::kTileY < out.height(); ++ty)
    for (int tx = 0; tx * color::kTileX < out.width(); ++tx) {
      for (int t = 0; t < kThreads; ++t)
        color::tile_convert(from, to, picture, network, *memory, tx, ty, t, kThreads);
      for (int t = 0; t < kThreads; ++t) color::tile_halve_rows(to, *memory, t, kThreads);
      for (int t = 0; t < kThreads; ++t) color::tile_halve_columns(from, to, *memory, tx, ty, t, kThreads);
    }
  for (int y = 0; y < out.height(); ++y)
    for (int x = 0; x < out.width(); ++x) color::write_interpolated(from, to, /*all=*/false, x, y);
}

class DeviceColor : public testing::TestWithParam<const PixelFormat*> {
 protected:
  /// Every siting, range and sign of stride comes up over the sizes.
  static Tags tags(int i) {
    return {GetParam()->model == ColorModel::Yuv ? CDSR_MATRIX_BT709 : CDSR_MATRIX_UNSPECIFIED, 1 + i % 2,
            i % 7};
  }
};

TEST_P(DeviceColor, ReadsAsTheCpuPath) {
  int i = 0;
  for (const auto& [w, h] : {std::pair{1, 1}, {2, 3}, {17, 9}, {40, 23}}) {
    FrameBuffer frame(*GetParam(), w, h, i % 2 == 1, tags(i));
    frame.fill_random(static_cast<uint32_t>(++i));
    EXPECT_TRUE(same_bits(emulated_read(frame), reference_read(frame))) << w << "x" << h;
  }
}

// The first layer's blocks convert what they read: their planes are the CPU path's, their windows the
// planes'.
TEST_P(DeviceColor, FirstLayerReadsTheFrame) {
  int i = 0;
  for (const auto& size : {std::pair{1, 1}, {16, 17}, {37, 35}}) {
    const int w = size.first, h = size.second;
    FrameBuffer frame(*GetParam(), w, h, i % 2 == 1, tags(i));
    frame.fill_random(static_cast<uint32_t>(++i));
    const Image want = reference_read(frame);
    const DeviceFrame f = device_frame(frame.input());
    Image got(w, h);
    cuda::Planes planes;
    for (int p = 0; p < 3; ++p) planes.plane[p] = want.plane[p].data();
    planes.stride = planes.width = w;
    planes.height = h;
    std::vector<std::vector<float>> windows;
    cuda::test::run_head<3>(color::FramePixel<3>{f}, w, h,
                            [&](int x, int y, const float* window, const cuda::HeadTile<3>& tile, int pixel) {
                              for (int p = 0; p < 3; ++p)
                                got.plane[p][static_cast<size_t>(y) * w + x] = tile.centre(p, pixel);
                              windows.emplace_back(window, window + 27);
                            });
    EXPECT_TRUE(same_bits(got, want)) << w << "x" << h;
    size_t at = 0;
    cuda::test::run_head<3>(cuda::PlanesPixel<3>{planes}, w, h,
                            [&](int, int, const float* window, const cuda::HeadTile<3>&, int) {
                              EXPECT_TRUE(std::equal(window, window + 27, windows[at++].begin()));
                            });
  }
}

TEST_P(DeviceColor, WritesAsTheCpuPath) {
  int i = 0;
  for (const auto& [w, h] : {std::pair{1, 1}, {5, 3}, {37, 13}})
    for (const FrameSink::Settings settings : {FrameSink::Settings{1, false}, {0.4F, false}, {1, true}}) {
      const int scale = 2 + i % 3;
      FrameBuffer in(*GetParam(), w, h, i % 2 == 1, tags(i));
      in.fill_random(static_cast<uint32_t>(++i));
      const Image low = reference_read(in), network = test_image(w * scale, h * scale, 7);
      FrameBuffer want(*GetParam(), w * scale, h * scale, i % 2 == 0, tags(i - 1)), got = want;
      reference_write(in, &network, scale, settings, want);
      emulated_write(in, low, PlaneNetwork{network}, scale, settings, got);
      EXPECT_TRUE(got == want) << w << "x" << h << " x" << scale << " strength " << settings.strength;
      EXPECT_TRUE(got.guards_intact());
    }
}

// A luma network's rows of this picture, by the CPU path.
void write_luma_here(const FrameBuffer& in, const Image& network, int scale,
                     const FrameSink::Settings& settings, FrameBuffer& out) {
  FrameSource source;
  source.bind(in.input(), Colour::Luma);
  FrameSink sink;
  sink.bind(source, out.output(in, scale), scale, settings);
  const float* const planes[3] = {network.plane[0].data(), nullptr, nullptr};
  sink.write(0, network.height, planes, network.width);
}

TEST_P(DeviceColor, ReadsAndWritesLumaAsTheCpuPath) {
  int i = 0;
  for (const auto& [w, h] : {std::pair{1, 1}, {5, 3}, {37, 13}})
    for (const float strength : {1.0F, 0.4F}) {
      const int scale = 2 + i % 3;
      FrameBuffer in(*GetParam(), w, h, i % 2 == 1, tags(i));
      in.fill_random(static_cast<uint32_t>(++i));
      FrameSource source;
      source.bind(in.input(), Colour::Luma);
      Image want_low(w, h), low(w, h);
      float* const planes[3] = {want_low.plane[0].data(), nullptr, nullptr};
      source.read(0, h, planes, w);
      const DeviceFrame from = device_frame(in.input());
      for (int y = 0; y < h; ++y)
        for (int x = 0; x < w; ++x)
          low.plane[0][static_cast<size_t>(y) * w + x] = color::read_luma(from, x, y);
      EXPECT_TRUE(same_bits(low, want_low)) << w << "x" << h;

      Image network = test_image(w * scale, h * scale, 7);
      for (float& v : network.plane[0]) v = 1.4F * v - 0.2F;  // beyond black and white too
      const FrameSink::Settings settings{strength, /*bicubic_chroma=*/true, Colour::Luma};
      FrameBuffer want(*GetParam(), w * scale, h * scale, i % 2 == 0, tags(i - 1)), got = want;
      write_luma_here(in, network, scale, settings, want);
      const DeviceOutput to = device_output(got.output(in, scale), scale, settings);
      cuda::Planes picture;
      picture.plane[0] = low.plane[0].data();
      picture.count = 1;
      picture.stride = picture.width = w;
      picture.height = h;
      for (int y = 0; y < got.height(); ++y)
        for (int x = 0; x < got.width(); ++x) {
          color::write_luma(from, to, picture, network.plane[0][static_cast<size_t>(y) * network.width + x],
                            x, y);
          color::write_interpolated(from, to, /*all=*/false, x, y);
        }
      EXPECT_TRUE(got == want) << w << "x" << h << " x" << scale << " strength " << strength;
      EXPECT_TRUE(got.guards_intact());
    }
}

TEST_P(DeviceColor, InterpolatesAsTheCpuPath) {
  FrameBuffer in(*GetParam(), 33, 10, false, tags(1));
  in.fill_random(3);
  FrameBuffer want(*GetParam(), 99, 30, true, tags(1)), got = want;
  reference_write(in, nullptr, 3, {}, want);
  const DeviceFrame from = device_frame(in.input());
  const DeviceOutput to = device_output(got.output(in, 3), 3, {});
  for (int y = 0; y < got.height(); ++y)
    for (int x = 0; x < got.width(); ++x) color::write_interpolated(from, to, /*all=*/true, x, y);
  EXPECT_TRUE(got == want);
}

TEST_P(DeviceColor, CountsAsTheShotDetector) {
  for (const auto& [w, h] : {std::pair{7, 5}, {201, 97}}) {
    FrameBuffer frame(*GetParam(), w, h, true, tags(0));
    frame.fill_random(5);
    Thumbnailer thumbnailer;
    Thumbnail want;
    thumbnailer.plan(w);
    thumbnailer.make(frame.input(), want);
    const DeviceFrame f = device_frame(frame.input());
    for (int cy = 0; cy < want.height; ++cy)
      for (int cx = 0; cx < want.width; ++cx) {
        const int left = color::cell_edge(cx, want.width, w), right = color::cell_edge(cx + 1, want.width, w);
        const int top = color::cell_edge(cy, want.height, h),
                  bottom = color::cell_edge(cy + 1, want.height, h);
        uint64_t total = 0;
        for (int y = top; y < bottom; ++y)
          for (int x = left; x < right; ++x) total += color::shot_luma(f, x, y);
        ASSERT_EQ(color::cell_value(f, total, static_cast<uint64_t>(right - left) * (bottom - top)),
                  want.cell[cy * want.width + cx]);
      }
  }
}

std::vector<const PixelFormat*> all_formats() {
  std::vector<const PixelFormat*> all;
  for (const PixelFormat* f : tested_formats())
    if (f->bytes <= 2) all.push_back(f);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Formats, DeviceColor, testing::ValuesIn(all_formats()),
                         [](const auto& info) { return std::string(info.param->name); });

}  // namespace
}  // namespace cdsr::test
