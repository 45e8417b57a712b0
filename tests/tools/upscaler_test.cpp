// Single pictures: rows that come as they come, against the whole picture as floats; progress; memory.
#include "tools/media/upscaler.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "model/error.h"
#include "model/registry.h"
#include "model/weights.h"
#include "tests/model/temp_folder.h"
#include "tests/model/tiny.h"
#include "tools/media/luma.h"
#include "tools/media/progress_line.h"

namespace cdsr::tools {
namespace {

Picture picture(int width, int height) {
  Picture p{width, height, {}};
  for (int64_t i = 0; i < int64_t{3} * width * height; ++i)
    p.rgb.push_back(static_cast<uint8_t>(i * i % 251 + i % 5));
  return p;
}

class UpscalerTest : public ::testing::TestWithParam<Body> {
 protected:
  void SetUp() override {
    const CdsrConfig config = tiny_config(GetParam(), 2);
    write_weights(weights(), random_tensors(config, 1),
                  {{"cdsr.format", "1"}, {"cdsr.config", to_json(config)}, {"cdsr.recipe", "a recipe"}},
                  DType::F32);
  }
  std::filesystem::path weights() const { return folder_.path() / "tiny-x2.safetensors"; }

  TempFolder folder_;
};

/// The engine's own pictures, and the arithmetic on all of it at once.
std::vector<float> whole(const std::filesystem::path& weights, const Picture& lr) {
  const auto network = load_network(WeightsFile::open(weights));
  const CdsrConfig& c = network->config;
  const bool luma = c.colour == Colour::Luma;
  Image in(lr.width, lr.height), out(lr.width * c.scale, lr.height * c.scale);
  if (luma) in.plane[0] = luma_plane(lr);
  for (size_t p = 0; p < 3 && !luma; ++p)
    for (size_t i = 0; i < in.plane[p].size(); ++i)
      in.plane[p][i] = static_cast<float>(lr.rgb[3 * i + p]) / 255.0F;
  EngineOptions options;
  options.query = c.query;
  const auto engine = create_engine(network, options);
  const ImageSource source(in);
  ImageSink sink(out);
  engine->plan(lr.width, lr.height);
  std::vector<float> embedding(engine->embedding_size()), queries(engine->queries_size());
  engine->embed(source, embedding);
  engine->condition(embedding);
  engine->measure_queries(source, queries);
  engine->set_queries(queries);
  engine->upscale(source, sink);
  if (luma) return with_luma(lr, c.scale, out.plane[0]);
  std::vector<float> rgb(3 * out.plane[0].size());
  for (size_t p = 0; p < 3; ++p)
    for (size_t i = 0; i < out.plane[p].size(); ++i) rgb[3 * i + p] = 255.0F * out.plane[p][i];
  return rgb;
}

TEST_P(UpscalerTest, RowsMakeTheWholePicture) {
  const Picture lr = picture(61, 203);
  const std::vector<float> want = whole(weights(), lr);
  EngineArguments arguments;
  arguments.threads = 2;
  Upscaler upscaler(weights().string(), 2, arguments);
  EXPECT_EQ(upscaler(lr), want);
  int last = 0, calls = 0;
  const std::vector<float> got = upscaler(lr, EmbeddingSource::Picture, [&](int done, int all) {
    EXPECT_GT(done, last);
    EXPECT_EQ(all, 406);
    last = done;
    ++calls;
  });
  EXPECT_EQ(last, 406);
  EXPECT_GT(calls, 4);
  EXPECT_EQ(got, want);
}

TEST_P(UpscalerTest, KeepsItsLimit) {
  EngineArguments arguments;
  EXPECT_EQ(arguments.memory, -1);
  arguments.memory = 1;
  Upscaler upscaler(weights().string(), 2, arguments);
  try {
    upscaler(picture(3000, 40));
    FAIL() << "3000 columns in 1 MiB";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Errc::OutOfMemory);
    EXPECT_EQ(std::string(e.what()).find("memory=1 is too little for frames of 3000x40"), 0U) << e.what();
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, UpscalerTest, ::testing::Values(Body::Plain, Body::Stack));

std::string written(bool active) {
  std::FILE* const file = std::tmpfile();
  {
    ProgressLine line(file, active);
    for (int i = 0; i <= 1000; ++i) line.show(i, 1000);
  }
  std::string text(static_cast<size_t>(std::ftell(file)), ' ');
  std::rewind(file);
  EXPECT_EQ(std::fread(text.data(), 1, text.size(), file), text.size());
  std::fclose(file);
  return text;
}

TEST(ProgressLine, IsOneLineOfATerminal) {
  EXPECT_EQ(written(false), "");
  const std::string text = written(true);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(text.find("\rupscaling:   0 %"), 0U) << text;
  EXPECT_NE(text.find("\rupscaling: 100 %, 0 s left"), std::string::npos) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '%'), 101);  // each once
  EXPECT_EQ(text.substr(text.size() - 4), "\r\033[K");        // and gone
}

}  // namespace
}  // namespace cdsr::tools
