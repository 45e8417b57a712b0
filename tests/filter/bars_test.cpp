// Letterbox and pillarbox: bars keep their colour, the picture is that of the cropped clip, and what only
// looks like a bar stays as it is.
#include "filter/format/bars.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "filter/pipeline.h"
#include "model/registry.h"
#include "tests/filter/clip.h"
#include "tests/filter/frame_buffer.h"
#include "tests/model/tiny.h"

namespace cdsr::test {
namespace {

constexpr int kWidth = 160, kHeight = 128;

/// Black, or whatever a bar is of.
int bar_code(const PixelFormat& format, int c) {
  const int k = 1 << (format.bits_of(c) > 8 ? format.bits_of(c) - 8 : 0);
  return c == 3 ? format.max_code(3) : format.is_chroma(c) ? 128 * k : 16 * k;
}

/// A scene within an area, bars around it.
void draw_inside(FrameBuffer& frame, const Area& area, int scene, int dx = 0) {
  const PixelFormat& format = frame.format();
  for (int c = 0; c < 4; ++c) {
    if (!format.has(c)) continue;
    frame.fill(c, bar_code(format, c));
    if (c == 3 || format.is_chroma(c)) continue;
    for (int y = area.y; y < area.y + area.height; ++y)
      for (int x = area.x; x < area.x + area.width; ++x)
        frame.set(c, x, y, (40 + scene_luma(scene, x - area.x + dx, y - area.y) / 2) << (format.bits - 8));
  }
}

FrameBuffer cut_out(const FrameBuffer& frame, const Area& area) {
  FrameBuffer part(frame.format(), area.width, area.height);
  for (int c = 0; c < 4; ++c) {
    if (!frame.format().has(c)) continue;
    const int x0 = frame.format().is_chroma(c) ? area.x >> frame.format().log2_w : area.x;
    const int y0 = frame.format().is_chroma(c) ? area.y >> frame.format().log2_h : area.y;
    for (int y = 0; y < part.height_of(c); ++y)
      for (int x = 0; x < part.width_of(c); ++x) part.set(c, x, y, frame.get(c, x0 + x, y0 + y));
  }
  return part;
}

Area enlarged(const Area& a, int scale) {
  return {a.x * scale, a.y * scale, a.width * scale, a.height * scale};
}

/// One stream.
class Stream {
 public:
  explicit Stream(Query query = Query::Shot, double strength = 1) {
    EngineOptions options;
    options.threads = 2;
    options.query = query;
    Pipeline::Settings settings;
    settings.embedding.query = query;
    settings.strength = strength;
    pipeline_ = std::make_unique<Pipeline>(
        create_engine(random_network(tiny_config(Body::Plain, 2), 1), options, "cpu"), std::move(settings));
  }
  FrameBuffer run(const FrameBuffer& in, Pipeline::Method method = Pipeline::Method::Network,
                  const Hints& hints = {}) {
    FrameBuffer out(in.format(), 2 * in.width(), 2 * in.height());
    report = pipeline_->process(in.input(), out.output(in, 2), hints, method);
    EXPECT_TRUE(out.guards_intact());
    return out;
  }
  Pipeline::Report report;

 private:
  std::unique_ptr<Pipeline> pipeline_;
};

/// Bars are of one code and the picture is that of the clip that was cropped to `area`.
void expect_cropped(const FrameBuffer& out, const FrameBuffer& alone, const Area& area) {
  EXPECT_TRUE(cut_out(out, enlarged(area, 2)) == alone);
  const Area inside = enlarged(area, 2);
  for (int c = 0; c < 4; ++c) {
    const PixelFormat& format = out.format();
    if (!format.has(c)) continue;
    const int log2_w = format.is_chroma(c) ? format.log2_w : 0,
              log2_h = format.is_chroma(c) ? format.log2_h : 0;
    for (int y = 0; y < out.height_of(c); ++y)
      for (int x = 0; x < out.width_of(c); ++x) {
        const bool in = (x << log2_w) >= inside.x && (x << log2_w) < inside.x + inside.width &&
                        (y << log2_h) >= inside.y && (y << log2_h) < inside.y + inside.height;
        if (!in) {
          ASSERT_EQ(out.get(c, x, y), bar_code(format, c)) << "component " << c << ' ' << x << ',' << y;
        }
      }
  }
}

class BarsOf : public testing::TestWithParam<const char*> {};

TEST_P(BarsOf, StayAsTheyAreAroundACroppedClip) {
  const PixelFormat& format = *find_format(GetParam());
  for (const Area& area : {Area{0, 20, kWidth, 88}, Area{16, 0, 128, kHeight}, Area{12, 8, 132, 100},
                           Area{0, 0, kWidth, 104}, Area{0, 24, kWidth, 104}}) {
    Stream stream, cropped_stream;
    for (int i = 0; i < 2; ++i) {
      FrameBuffer in(format, kWidth, kHeight);
      draw_inside(in, area, 3, i);
      const FrameBuffer out = stream.run(in);
      expect_cropped(out, cropped_stream.run(cut_out(in, area)), area);
      EXPECT_EQ(stream.report.embedded, i == 0);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, BarsOf,
                         testing::Values("yuv420p", "yuv422p10le", "yuva444p", "nv12", "yuyv422", "rgb24",
                                         "xv30le", "gray16be"),
                         [](const auto& info) { return std::string(info.param); });

const PixelFormat& yuv420p() { return *find_format(CDSR_FORMAT_YUV420P); }

TEST(Bars, OddSizesAndCutsInsideAChromaSample) {
  FrameBuffer in(yuv420p(), 161, 127);
  draw_inside(in, {0, 21, 161, 85}, 3);  // of the rows 20 and 106 one is picture
  Stream stream, alone;
  const Area area = {0, 20, 161, 86};
  expect_cropped(stream.run(in), alone.run(cut_out(in, area)), area);
}

TEST(Bars, WithOptions) {
  const Area area = {0, 20, kWidth, 88};
  FrameBuffer in(yuv420p(), kWidth, kHeight);
  draw_inside(in, area, 3);
  for (const Query query : {Query::Shot, Query::Frame})
    for (const double strength : {0.0, 0.5}) {
      Stream stream(query, strength), alone(query, strength);
      expect_cropped(stream.run(in), alone.run(cut_out(in, area)), area);
    }
  Stream stream, alone;
  expect_cropped(stream.run(in, Pipeline::Method::Bicubic),
                 alone.run(cut_out(in, area), Pipeline::Method::Bicubic), area);
}

TEST(Bars, AStillPictureIsCopied) {
  const Area area = {0, 20, kWidth, 88};
  FrameBuffer in(yuv420p(), kWidth, kHeight);
  draw_inside(in, area, 3);
  Stream stream, alone;
  stream.run(in);
  const FrameBuffer out = stream.run(in);
  EXPECT_EQ(stream.report.reused, 1);
  expect_cropped(out, alone.run(cut_out(in, area)), area);
}

/// What a frame becomes in a stream whose shot began without bars.
FrameBuffer as_whole(const std::vector<FrameBuffer>& clip) {
  EngineOptions options;
  options.query = Query::Shot;
  const auto engine = create_engine(random_network(tiny_config(Body::Plain, 2), 1), options, "cpu");
  FrameSource source;
  FrameSink sink;
  const FrameBuffer &first = clip.front(), &last = clip.back();
  engine->plan(first.width(), first.height());
  std::vector<float> embedding(engine->embedding_size()), queries(engine->queries_size());
  source.bind(first.input());
  engine->embed(source, embedding);
  engine->condition(embedding);
  engine->measure_queries(source, queries);
  engine->set_queries(queries);
  FrameBuffer out(last.format(), 2 * last.width(), 2 * last.height());
  source.bind(last.input());
  sink.bind(source, out.output(last, 2), 2, {1, true});
  engine->upscale(source, sink);
  return out;
}

TEST(Bars, TextAndStarsOnBlackHaveNone) {
  FrameBuffer text(yuv420p(), kWidth, kHeight), stars = text, black = text, grain = text;
  for (FrameBuffer* frame : {&text, &stars, &black}) draw_inside(*frame, {}, 0);
  for (int y = 30; y < 100; ++y)
    for (int x = 10; x < 150; x += 3) text.set(0, x, y, 235);
  for (int i = 0; i < 20; ++i) stars.set(0, 7 + 37 * i % 150, 9 + 53 * i % 110, 200);
  draw_inside(grain, {0, 20, kWidth, 108}, 3);
  for (int x = 0; x < kWidth; x += 16) grain.set(0, x, x % 20, 30);
  for (const FrameBuffer* frame : {&text, &stars, &black, &grain}) {
    Stream stream;
    EXPECT_TRUE(stream.run(*frame) == as_whole({*frame}));
  }
}

TEST(Bars, NoiseOfCodingIsStillABar) {
  const Area area = {0, 20, kWidth, 88};
  FrameBuffer in(yuv420p(), kWidth, kHeight);
  draw_inside(in, area, 3);
  for (int x = 1; x < kWidth; x += 5) in.set(0, x, x % 20, 15 + x % 3);
  Stream stream, alone;
  expect_cropped(stream.run(in), alone.run(cut_out(in, area)), area);
}

TEST(Bars, EndWithTheFirstSubtitleOfTheShot) {
  const Area area = {0, 20, kWidth, 88};
  FrameBuffer plain(yuv420p(), kWidth, kHeight);
  draw_inside(plain, area, 3);
  FrameBuffer titled = plain;
  for (int x = 40; x < 90; ++x) titled.set(0, x, 118, 220);
  Stream stream;
  stream.run(plain);
  const FrameBuffer out = stream.run(titled);
  // The subtitle is there, and frames after it are whole, too.
  EXPECT_GT(out.get(0, 130, 237), 100);
  bool rings = false;
  const FrameBuffer after = stream.run(plain);
  for (int x = 0; x < after.width(); ++x) rings = rings || after.get(0, x, 39) != 16;
  EXPECT_TRUE(rings);
  // The next shot has them again.
  FrameBuffer other(yuv420p(), kWidth, kHeight);
  draw_inside(other, area, 11, 40);
  Hints cut;
  cut.discontinuity = true;
  const FrameBuffer next = stream.run(other, Pipeline::Method::Network, cut);
  ASSERT_TRUE(stream.report.event.entered());
  for (int x = 0; x < next.width(); ++x) EXPECT_EQ(next.get(0, x, 39), 16);
}

}  // namespace
}  // namespace cdsr::test
